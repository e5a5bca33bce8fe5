"""Variables of contracts: ``${NAME}`` and ``${NAME:-default}`` in quality and servers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from contract.contracts import HEAD, line, of_properties, pattern_error, with_schema
from headgate.contract.compile import compile_contract
from headgate.contract.document import Document, parse
from headgate.contract.variables import named
from headgate.model.contract import TableContract
from headgate.model.errors import ContractUnusable
from headgate.model.rule import Measured, OneOf, Rule, SqlResult

SCHEMA = """\
- name: orders
  properties:
    - name: status
      logicalType: string
      description: "${NOT_HERE}"
      quality:
        - metric: invalidValues
          arguments: {validValues: ["${CODE:-007}", open]}
          mustBe: 0
        - {metric: nullValues, mustBeLessThan: "${MAX:-5}"}
  quality:
    - metric: rowCount
      mustBeGreaterThan: ${LEAST}
    - type: sql
      query: SELECT count(*) FROM ${table} WHERE status = '${WHICH:-a ${b}' OR 1 = ${ONE:-1}
      mustBe: 0
"""


def parsed(environment: Mapping[str, str], head: str = HEAD, schema: str = SCHEMA) -> Document:
    return parse(with_schema(schema, head).encode(), "orders.yaml", environment)


def compiled(environment: Mapping[str, str], head: str = HEAD, schema: str = SCHEMA) -> TableContract:
    return compile_contract(parsed(environment, head, schema), pattern_error=pattern_error)


def rule(contract: TableContract, name: str) -> Rule:
    return next(r for r in contract.rules if r.name == name)


def limit(contract: TableContract, name: str) -> Decimal:
    body = rule(contract, name).body
    assert isinstance(body, Measured)
    return body.bound.values[0]


def test_a_variable_has_its_value_else_its_default() -> None:
    found = compiled({"LEAST": "10", "CODE": ""})
    assert rule(found, "status.invalidValues").body == OneOf("status", ("007", "open"))
    assert limit(found, "status.nullValues") == 5
    assert limit(found, "rowCount") == 10
    found = compiled({"LEAST": "1.5", "MAX": "7", "CODE": "8"})
    assert rule(found, "status.invalidValues").body == OneOf("status", ("8", "open"))
    assert limit(found, "status.nullValues") == 7
    assert limit(found, "rowCount") == Decimal("1.5")


def test_placeholders_of_sql_are_no_variables() -> None:
    body = rule(compiled({"LEAST": "1", "table": "no", "ONE": "2"}), "sql").body
    assert isinstance(body, Measured)
    assert isinstance(body.measure, SqlResult)
    assert body.measure.query == "SELECT count(*) FROM ${table} WHERE status = 'a ${b' OR 1 = 2"


def test_a_tag_written_by_hand_stays_where_only_placeholders_stand() -> None:
    """Seen to fail where such text was tagged anew as soon as another variable had been replaced."""
    schema = SCHEMA[: SCHEMA.index("query:")] + "query: !foo SELECT 1 FROM ${table}\n      mustBe: 0\n"
    with pytest.raises(ContractUnusable, match="has the tag !foo"):
        parsed({"LEAST": "1"}, schema=schema)


@pytest.mark.parametrize("environment", [{}, {"LEAST": ""}])
def test_a_variable_without_value_and_default_is_refused_at_its_line(environment: dict[str, str]) -> None:
    """Else a bound would be the empty text, and nobody would know why."""
    with pytest.raises(ContractUnusable, match="LEAST has no value") as refused:
        compiled(environment)
    assert line(refused.value.place) == 19
    assert "${LEAST:-default}" in refused.value.hint


def test_a_value_that_cannot_stand_there_is_refused_at_its_line() -> None:
    with pytest.raises(ContractUnusable) as refused:
        compiled({"LEAST": "many"})
    assert line(refused.value.place) == 19


def test_a_contract_keeps_its_variables_as_they_are_written() -> None:
    assert b"${MAX:-5}" in parsed({"LEAST": "1"}).data
    assert parsed({"LEAST": "1"}).digest == parsed({"LEAST": "2"}).digest


def test_what_variables_stood_for_is_part_of_what_a_verdict_depends_on() -> None:
    """Without it, whoever keeps verdicts by the contract alone would keep them too long."""
    one, other, again = (
        compiled(e).variables for e in ({"LEAST": "1"}, {"LEAST": "2"}, {"LEAST": "1", "X": "y"})
    )
    assert one != other
    assert one == again != ""
    assert compiled({}, schema="- {name: orders, properties: [{name: a}]}\n").variables == ""


SERVERS = """\
servers:
  - {server: a, type: s3, location: "s3://${WHERE}", format: csv, delimiter: "${SIGN:-;}"}
"""


def test_of_servers_only_what_is_used_needs_a_value() -> None:
    assert compiled({"LEAST": "1"}, HEAD + SERVERS).dialect.delimiter == ";"
    assert compiled({"LEAST": "1", "SIGN": "|"}, HEAD + SERVERS).dialect.delimiter == "|"


def test_outside_of_quality_and_servers_nothing_is_replaced() -> None:
    found = compiled({"LEAST": "1", "NOT_HERE": "x"})
    column = found.column("status")
    assert column is not None
    assert column.description == "${NOT_HERE}"


SHARED = """\
- name: orders
  description: &said "${A:-1}"
  properties:
    - name: a
      quality: &rules
        - {metric: nullValues, mustBeLessThan: "${A:-1}", description: *said}
    - {name: b, quality: *rules}
"""


def test_what_aliases_share_is_replaced_where_it_is_meant() -> None:
    document = parsed({"A": "4"}, schema=SHARED)
    found = compile_contract(document, pattern_error=pattern_error)
    assert [limit(found, f"{name}.nullValues") for name in "ab"] == [4, 4]
    assert rule(found, "b.nullValues").description == "4"
    tree = document.tree["schema"]
    assert isinstance(tree, list)
    assert isinstance(tree[0], dict)
    assert tree[0]["description"] == "${A:-1}"


def test_only_what_a_contract_names_counts() -> None:
    text = "${A} ${B:-x} ${C} ${table} $D {E}"
    assert named(text, {"A": "1", "C": "2", "D": "3", "table": "4", "Z": "5"}) == (("A", "1"), ("C", "2"))


def test_a_variable_where_none_is_read_is_told_where_they_are() -> None:
    with pytest.raises(ContractUnusable, match="must be a number") as caught:
        of_properties("- {name: n, logicalType: integer, logicalTypeOptions: {minimum: '${LEAST:-0}'}}")
    assert "variables stand in quality and servers only" in caught.value.hint
