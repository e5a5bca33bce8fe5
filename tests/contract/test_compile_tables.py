"""Whole objects: quality, keys, references, settings, service levels, selection, names."""

from __future__ import annotations

import textwrap
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.contracts import (
    HEAD,
    bodies,
    document,
    line,
    of_column,
    of_properties,
    pattern_error,
    table,
    two,
    with_schema,
)
from headgate.contract.compile import compile_contract, select
from headgate.contract.document import line_of
from headgate.contract.operators import only_zero
from headgate.model.contract import Dialect, Policy
from headgate.model.errors import ContractUnusable, WrongUse
from headgate.model.rule import (
    AllOf,
    Body,
    Bound,
    DuplicateRows,
    FailingRows,
    Matches,
    Measured,
    NotCompiled,
    NotMissing,
    NotNull,
    OneOf,
    Operator,
    RowCount,
    SqlResult,
    Told,
    Unique,
)

C = "c"


def bound(operator: Operator, *values: str, percent: bool = False) -> Bound:
    return Bound(operator, tuple(map(Decimal, values)), percent)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("metric: nullValues, mustBe: 0", NotNull(C)),
        ("metric: nullValues, mustBeLessOrEqualTo: 0", NotNull(C)),
        ("metric: nullValues, mustBeLessThan: 1", NotNull(C)),
        ("metric: nullValues, mustBe: 0, unit: percent", NotNull(C)),
        ("metric: nullValues, mustBeLessThan: 0.5", NotNull(C)),
        ("metric: nullValues, mustBeBetween: [0, 0.5]", NotNull(C)),
        (
            "metric: nullValues, mustBeLessThan: 1, unit: percent",
            Measured(FailingRows(NotNull(C)), bound("mustBeLessThan", "1", percent=True)),
        ),
        (
            "metric: nullValues, mustBeBetween: [0, 0.5], unit: percent",
            Measured(FailingRows(NotNull(C)), bound("mustBeBetween", "0", "0.5", percent=True)),
        ),
        ("metric: nullValues, mustBe: 3", Measured(FailingRows(NotNull(C)), bound("mustBe", "3"))),
        (
            "metric: nullValues, mustNotBe: 0",
            Measured(FailingRows(NotNull(C)), bound("mustNotBe", "0")),
        ),
        (
            "metric: nullValues, mustBeLessThan: 0",
            Measured(FailingRows(NotNull(C)), bound("mustBeLessThan", "0")),
        ),
        (
            "metric: missingValues, mustBe: 0, arguments: {missingValues: [null, '', N/A, 007]}",
            NotMissing(C, ("", "N/A", "007")),
        ),
        (
            "metric: invalidValues, mustBe: 0, arguments: {validValues: [a, null, 1.50]}",
            OneOf(C, ("a", "1.50")),
        ),
        ("metric: invalidValues, mustBe: 0, arguments: {pattern: '^a'}", Matches(C, "^a")),
        (
            "metric: invalidValues, mustBeLessOrEqualTo: 5, arguments: {pattern: '^a', validValues: [ab]}",
            Measured(
                FailingRows(AllOf((OneOf(C, ("ab",)), Matches(C, "^a")))), bound("mustBeLessOrEqualTo", "5")
            ),
        ),
        ("metric: duplicateValues, mustBe: 0", Unique((C,))),
        (
            "metric: duplicateValues, mustBeLessThan: 10",
            Measured(DuplicateRows((C,)), bound("mustBeLessThan", "10")),
        ),
        ("rule: duplicateCount, type: library, metric: duplicateValues, mustBe: 0", Unique((C,))),
        (
            "type: sql, query: 'SELECT 1', mustNotBeBetween: [2, 1e3]",
            Measured(SqlResult("SELECT 1", C), bound("mustNotBeBetween", "2", "1e3")),
        ),
        (
            "type: sql, query: 'SELECT true', mustBe: true, unit: percent",
            Measured(SqlResult("SELECT true", C), bound("mustBe", "1")),
        ),
        ("type: sql, query: 'SELECT 0', mustBe: 0", Measured(SqlResult("SELECT 0", C), bound("mustBe", "0"))),
        ("type: text, description: Looks right", Told("Looks right")),
    ],
)
def test_a_quality_entry_becomes_a_rule_about_rows_only_if_it_allows_none(entry: str, expected: Body) -> None:
    """With `_only_zero` always false, the entries that allow none fail; always true, all the others do."""
    found = bodies(of_column(f"logicalType: string\nquality: [{{id: q, {entry}}}]"))
    assert found["c.q"] == expected


@pytest.mark.parametrize(
    "entry",
    [
        "type: custom, engine: soda, implementation: x",
        "description: nothing but words",
        "metric: nullValues, mustBe: 0, arguments: {filter: x}",
        "metric: nullValues, mustBe: 0, unit: furlongs",
        "metric: invalidValues, mustBe: 0",
        "metric: invalidValues, mustBe: 0, arguments: {validMin: 3}",
        "metric: rowCount, mustBe: 0, unit: percent",
        "metric: duplicateValues, mustBe: 0, arguments: {properties: [c]}",
        (
            "type: sql, query: SELECT 1, mustBe: 1, customProperties: "
            "[{property: dialect, value: snowflake, vendor: headgate}]"
        ),
    ],
)
def test_a_quality_entry_that_nothing_here_executes_says_so(entry: str) -> None:
    found = bodies(of_column(f"logicalType: string\nquality: [{{id: q, {entry}}}]"))
    assert isinstance(found["c.q"], NotCompiled)


@pytest.mark.parametrize(
    "entry",
    [
        "{rule: validValues, mustBe: 0}",
        "{type: library, rule: rowCount}",
        "{rule: nullCheck, mustBe: 0, threshold: 3}",
    ],
)
def test_what_only_odcs_3_0_allows_is_read_and_never_passed_over(entry: str) -> None:
    head = HEAD.replace("v3.2.0", "v3.0.2")
    text = with_schema(
        f"- name: orders\n  properties: [{{name: c, logicalType: string, quality: [{entry}]}}]", head
    )
    assert [type(rule.body) for rule in table(text).rules][1:] == [NotCompiled]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("metric: nullValues, mustBe: 0, mustNotBe: 3", "exactly one of"),
        ("metric: nullValues", "exactly one of"),
        ("metric: nullValues, mustBe: none", "no number"),
        ("metric: nullValues, mustBe: [0]", None),
        ("metric: nullValues, mustBe: [0, 1]", "no bound"),
        ("metric: nullValues, mustBeBetween: [2, 1]", "greater than"),
        ("metric: nullValues, mustBeBetween: [1]", "at least 2"),
        ("metric: fullValues, mustBe: 0", "fullValues"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: a}", "no list"),
        ("metric: invalidValues, mustBe: 0, arguments: {pattern: '('}", "no ECMA-262"),
        ("type: sql, query: ' ', mustBe: 0", "query is empty"),
        ("metric: nullValues, mustBe: 0, unknown: 3", "unknown"),
        (
            (
                "metric: nullValues, mustBe: 3, customProperties: "
                "[{property: onFail, value: quarantine_rows, vendor: headgate}]"
            ),
            "single rows",
        ),
    ],
)
def test_a_quality_entry_that_cannot_be_meant_is_refused(entry: str, said: str | None) -> None:
    part = f"logicalType: string\nquality:\n  - {{id: q, {entry}}}"
    if said is None:
        assert bodies(of_column(part))["c.q"] == NotNull(C)
        return
    with pytest.raises(ContractUnusable) as caught:
        of_column(part)
    assert said in caught.value.message
    assert "quality[0]" in caught.value.message
    assert line(caught.value.place) == 13


@given(
    st.sampled_from(["mustBe", "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeGreaterThan", "mustNotBe"]),
    st.decimals(-2, 3, places=1),
    st.booleans(),
)
def test_only_zero_means_that_no_failing_row_is_allowed_however_many_there_are(
    operator: Operator, value: Decimal, percent: bool
) -> None:
    one = Bound(operator, (value,), percent)
    rows = 1_000_000  # so many that one failing row is less than any share here
    measures = [Decimal(failing * 100) / rows if percent else Decimal(failing) for failing in range(5)]
    assert only_zero(one) == (one.holds(measures[0]) and not any(one.holds(m) for m in measures[1:]))


def test_rules_about_the_object_stand_behind_those_of_its_columns() -> None:
    contract = of_properties(
        """\
        - {name: id, physicalName: order_id, logicalType: integer}
        - {name: day, logicalType: date}
        """,
        """\
        quality:
          - {metric: rowCount, mustBeBetween: [100, 120], dimension: completeness, severity: error}
          - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, day]}}
          - {metric: duplicateValues, mustBeLessThan: 2, unit: percent, arguments: {properties: [order_id]}}
          - {name: Sums are right, type: sql, query: "SELECT 0 FROM {object}", mustBe: 0, description: Sums}
          - {type: text, description: Be good}
          - {metric: nullValues, mustBe: 0}
          - {metric: duplicateValues, mustBe: 0}
        """,
    )
    assert list(bodies(contract).items())[2:] == [
        ("rowCount", Measured(RowCount(), bound("mustBeBetween", "100", "120"))),
        ("duplicateValues", Unique(("order_id", "day"))),
        (
            "duplicateValues-2",
            Measured(DuplicateRows(("order_id",)), bound("mustBeLessThan", "2", percent=True)),
        ),
        ("orders.Sums-are-right", Measured(SqlResult("SELECT 0 FROM {object}"), bound("mustBe", "0"))),
        ("text", Told("Be good")),
        ("nullValues", NotCompiled("nullValues belongs to a property")),
        (
            "duplicateValues-3",
            NotCompiled("duplicateValues of an object needs properties among its arguments"),
        ),
    ]
    assert contract.rules[2].dimension == "completeness"
    assert contract.rules[2].severity == "error"
    assert contract.rules[5].description == "Sums"


def test_duplicates_over_a_property_that_is_not_there_are_refused() -> None:
    quality = "quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [nope]}}]"
    with pytest.raises(ContractUnusable, match="no property 'nope'"):
        of_properties("- {name: c}", quality)


def test_a_primary_key_is_one_rule_in_the_order_of_its_positions() -> None:
    contract = of_properties(
        """\
        - {name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 2}
        - {name: b, logicalType: string, primaryKey: true, primaryKeyPosition: 1, physicalName: bb}
        - {name: c, logicalType: string, primaryKey: true}
        - {name: d, logicalType: string, primaryKey: false, primaryKeyPosition: -1}
        """
    )
    assert contract.primary_key == ("bb", "a", "c")
    assert bodies(contract)["primaryKey"] == Unique(("bb", "a", "c"), required=True)
    assert [column.required for column in contract.columns] == [True, True, True, False]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (
            "[{name: a, primaryKey: true, primaryKeyPosition: 1}, {name: b, primaryKey: true, primaryKeyPosition: 1}]",
            "position 1, too",
        ),
        ("[{name: a, semanticType: measure, primaryKey: true}, {name: b}]", "a measure has no column"),
        ("[{name: a}, {name: a}]", "'a' stands there twice"),
        ("[{name: a}, {name: b, physicalName: a}]", "'a' stands there twice"),
        ("[{name: a, semanticType: measure}]", "there are no columns"),
        ("[]", "declares no properties"),
    ],
)
def test_columns_and_keys_that_cannot_be_are_refused(properties: str, said: str) -> None:
    with pytest.raises(ContractUnusable, match=said):
        table(with_schema(f"- name: orders\n  properties: {properties}"))


def test_columns_that_differ_in_case_are_two() -> None:
    contract = of_properties("- {name: a}\n- {name: A}\n- {name: x, physicalName: ä}")
    assert [(column.name, column.label) for column in contract.columns] == [
        ("a", "a"),
        ("A", "A"),
        ("ä", "x"),
    ]


def test_a_measure_has_no_column_and_keeps_its_constraints_in_sight() -> None:
    contract = of_properties(
        """\
        - {name: a, logicalType: integer}
        - {name: total, semanticType: measure, transformLogic: sum(a), logicalType: number, required: true,
           quality: [{metric: nullValues, mustBe: 0}]}
        """
    )
    assert [column.name for column in contract.columns] == ["a"]
    found = bodies(contract)
    assert found["total"] == Told("a measure: it has no column")
    assert isinstance(found["total.required"], NotCompiled)
    assert isinstance(found["total.nullValues"], NotCompiled)
    place = {str(rule.name): rule.place for rule in contract.rules}
    assert place["total.nullValues"] == "schema[0].properties[1].quality[0]"


def test_the_only_object_is_meant_whatever_the_file_is_called() -> None:
    one = document(with_schema("- {name: orders, properties: [{name: a}]}"))
    assert select(one) == select(one, "anything") == 0


@pytest.mark.parametrize(
    ("wanted", "at"),
    [("orders", 0), ("orders_v1", 0), ("carriers", 1), ("carriers_v2", 1), ("default.carriers", 1)],
)
def test_of_several_objects_the_one_with_the_name_is_meant(wanted: str, at: int) -> None:
    assert select(document(two()), wanted) == at


@pytest.mark.parametrize("wanted", [None, "", "carrier", "ORDERS"])
def test_of_several_objects_none_is_guessed(wanted: str | None) -> None:
    with pytest.raises(WrongUse, match=r"describes 2 tables") as caught:
        select(document(two()), wanted)
    assert "carriers" in caught.value.hint


def test_two_objects_of_one_name_are_refused() -> None:
    text = with_schema("- {name: a, properties: [{name: c}]}\n- {name: a, properties: [{name: d}]}")
    with pytest.raises(ContractUnusable, match="two objects are called a"):
        select(document(text), "a")


def test_a_contract_without_any_table_is_refused() -> None:
    with pytest.raises(ContractUnusable, match="describes no table"):
        table(HEAD)


def test_names_are_unique_and_stable() -> None:
    contract = of_column(
        """\
        logicalType: string
        quality:
          - {id: type, metric: nullValues, mustBe: 0}
          - {name: type-2, metric: nullValues, mustBe: 0}
          - {metric: nullValues, mustBe: 1}
          - {metric: nullValues, mustBe: 2}
          - {name: "Größe, über alles!", metric: nullValues, mustBe: 3}
        """
    )
    assert [str(rule.name) for rule in contract.rules] == [
        "c.type",
        "c.type-3",
        "c.type-2",
        "c.nullValues",
        "c.nullValues-2",
        "c.Größe-über-alles",
    ]


def test_every_rule_knows_its_line() -> None:
    doc = document(
        two("relationships:\n  - to: carriers.code\nquality:\n  - metric: nullValues\n    mustBe: 0")
    )
    text = doc.data.decode().splitlines()
    contract = compile_contract(doc, "orders", pattern_error=pattern_error)
    lines = {str(rule.name): text[line_of(doc, rule.place) - 1].strip() for rule in contract.rules}
    assert lines["carrier.type"] == "- name: carrier"
    assert lines["carrier.references"] == "- to: carriers.code"
    assert lines["carrier.nullValues"] == "- metric: nullValues"


SETTINGS = """\
customProperties:
  - {property: other, value: 3}
  - {property: onFail, value: whatever, vendor: someone}
  - {property: onFail, value: quarantine_rows, vendor: headgate}
  - {property: maxQuarantined, value: 5%, vendor: headgate}
  - {property: extraColumns, value: drop, vendor: Headgate}
"""


def test_settings_of_the_object_go_before_those_of_the_contract() -> None:
    inner = textwrap.indent(
        """\
customProperties:
  - {property: maxQuarantined, value: 0, vendor: headgate}
  - {property: orderBy, value: id, vendor: headgate}
  - {property: missingColumns, value: null, vendor: headgate}
  - {property: format, value: jsonl, vendor: headgate}
  - property: csv
    value: {delimiter: ";", quote: "'", encoding: latin1, header: false, null: [NA, "-"]}
    vendor: headgate
""",
        "  ",
    )
    contract = table(
        with_schema(f"- name: orders\n{inner}  properties: [{{name: id, physicalName: ID}}]", HEAD + SETTINGS)
    )
    assert contract.policy == Policy("quarantine_rows", Decimal(0), "ID", "drop", "null")
    assert contract.dialect == Dialect(";", "'", "iso8859-1", False, ("NA", "-"))
    assert contract.format == "jsonl"


def test_without_settings_the_defaults_hold() -> None:
    contract = of_column("logicalType: string")
    assert (contract.policy, contract.dialect, contract.format) == (Policy(), Dialect(), None)
    assert contract.rules[0].on_fail is None


def test_a_rule_has_its_own_setting_else_its_columns() -> None:
    contract = of_column(
        """\
        logicalType: string
        required: true
        customProperties: [{property: onFail, value: quarantine_rows, vendor: headgate}]
        quality:
          - {metric: nullValues, mustBe: 0, customProperties: [{property: onFail, value: warn, vendor: headgate}]}
          - {metric: nullValues, mustBe: 7, customProperties: [{property: scope, value: delivery, vendor: headgate}]}
        """
    )
    assert [(str(rule.name), rule.on_fail, rule.scope) for rule in contract.rules] == [
        ("c.type", "quarantine_rows", "table"),
        ("c.required", "quarantine_rows", "table"),
        ("c.nullValues", "warn", "table"),
        ("c.nullValues-2", None, "delivery"),
    ]


def test_the_scope_of_a_table_is_that_of_its_rules() -> None:
    head = f"{HEAD}customProperties: [{{property: scope, value: delivery, vendor: headgate}}]\n"
    contract = table(
        with_schema("- {name: a, properties: [{name: b}], quality: [{metric: rowCount, mustBe: 3}]}", head)
    )
    assert contract.rules[0].scope == "delivery"


@pytest.mark.parametrize(
    ("where", "name", "value", "said", "hint"),
    [
        ("contract", "onFial", "warn", "no property 'onFial'", "onFail"),
        ("contract", "onFail", "ignore", "onFail cannot be 'ignore'", "quarantine_batch"),
        ("property", "orderBy", "c", "does not belong to a property", "a contract or an object"),
        ("contract", "dialect", "duckdb", "does not belong to a contract", "rule"),
        ("contract", "maxQuarantined", "101%", "not between", "5%"),
        ("contract", "maxQuarantined", "5", "not between", "5%"),
        ("contract", "maxQuarantined", "-0.1", "not between", "5%"),
        ("contract", "maxQuarantined", "many", "cannot be 'many'", "5%"),
        ("contract", "orderBy", "nope", "'nope', which is no column", "there is c"),
        ("contract", "csv", ";", "no map", "delimiter"),
        ("contract", "csv", "{delimeter: ;}", "did you mean delimiter", "delimiter"),
        ("contract", "csv", "{delimiter: ';;'}", "one character", "delimiter"),
        ("contract", "csv", "{quote: ','}", "quote", "delimiter"),
        ("contract", "csv", "{header: 1}", "true or false", "delimiter"),
        ("contract", "csv", "{null: [1]}", "list of texts", "delimiter"),
        ("contract", "csv", "{encoding: klingon}", "no encoding", "delimiter"),
        ("contract", "format", "xml", "cannot be 'xml'", "parquet"),
        ("property", "scope", "galaxy", "cannot be 'galaxy'", "delivery"),
    ],
)
def test_a_setting_that_is_not_known_is_refused(
    where: str, name: str, value: str, said: str, hint: str
) -> None:
    custom = f"customProperties: [{{property: {name}, value: {value}, vendor: headgate}}]"
    head = f"{HEAD}{custom}\n" if where == "contract" else HEAD
    inner = f", {custom}" if where == "property" else ""
    with pytest.raises(ContractUnusable) as caught:
        table(with_schema(f"- name: orders\n  properties: [{{name: c{inner}}}]", head))
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_setting_twice_is_refused() -> None:
    one = "{property: onFail, value: warn, vendor: headgate}"
    with pytest.raises(ContractUnusable, match="stands there twice"):
        of_column(f"customProperties: [{one}, {one}]")


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ("[{server: a, type: local, path: x, format: csv, encoding: utf-16}]", Dialect(encoding="utf-16")),
        ('[{server: a, type: s3, location: "s3://x", format: csv, delimiter: ";"}]', Dialect(delimiter=";")),
        ('[{server: a, type: s3, location: "s3://x", format: json, delimiter: ";"}]', Dialect()),
        (
            (
                '[{server: a, type: s3, location: "s3://x", format: csv, delimiter: ";"}, '
                '{server: b, type: s3, location: "s3://y", format: csv, delimiter: "|"}]'
            ),
            Dialect(),
        ),
        ('[{server: a, type: s3, location: "s3://x", format: csv, delimiter: new_line}]', Dialect()),
    ],
)
def test_csv_servers_that_agree_say_how_files_are_written(servers: str, expected: Dialect) -> None:
    text = with_schema("- {name: a, properties: [{name: b}]}", f"{HEAD}servers: {servers}\n")
    assert table(text).dialect == expected
