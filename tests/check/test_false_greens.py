"""Where other tools report green without having looked: each of their public bugs, held against ours.

The docstrings name the bug (project#number, where it has one). None of these tests needs the other tool.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

import headgate
from flow.shop import Part, column, contract, opened, statuses, table
from headgate.flow.contracts import contract_bytes
from headgate.model.errors import CheckFailed, ContractUnusable
from headgate.model.names import table_name


def _checked(data: object, *columns: Part, levels: Sequence[Part] = ()) -> headgate.Checked:
    return headgate.check(data, contract(table("rows", *columns), slaProperties=list(levels)))


def _rows(checked: headgate.Checked) -> list[tuple[int, list[str]]]:
    return sorted((row, sorted(rules)) for row, rules in checked.bad_rows.select("row", "rules").iter_rows())


def test_enum_and_invalid_values_on_one_column_are_both_executed() -> None:
    """datacontract-cli 1.2.8: the two break the query of the whole table, and nothing of it is judged."""
    checked = _checked(
        pl.DataFrame({"status": ["new", "old", "lost"], "n": [1, 2, -3]}),
        column(
            "status",
            enum=[{"value": "new"}, {"value": "old"}],
            quality=[
                {"metric": "invalidValues", "arguments": {"validValues": ["new", "lost"]}, "mustBe": 0},
                {"metric": "invalidValues", "arguments": {"validValues": ["new"]}, "mustBeLessThan": 3},
            ],
        ),
        column("n", "integer", logicalTypeOptions={"minimum": 0}),
    )
    assert statuses(checked.verdict) == {
        "status.type": "pass",
        "status.enum": "fail",
        "status.invalidValues": "fail",
        "status.invalidValues-2": "pass",
        "n.type": "pass",
        "n.minimum": "fail",
    }
    assert _rows(checked) == [(2, ["status.invalidValues"]), (3, ["n.minimum", "status.enum"])]


def test_two_service_levels_on_one_element_are_two_findings() -> None:
    """datacontract-cli 1.2.8: of two freshness SLAs on one column one is reported, as passed."""
    checked = _checked(
        pl.DataFrame({"at": ["2001-01-01T00:00:00Z"]}),
        column("at", "timestamp"),
        levels=[
            {"property": "freshness", "value": 1, "unit": "d", "element": "rows.at"},
            {"property": "freshness", "value": 99999, "unit": "d", "element": "rows.at"},
        ],
    )
    found = [f for f in checked.verdict.findings if f.rule.startswith("sla.")]
    assert len({f.rule for f in found}) == 2
    # Data of 2001 are not fresh to the day: whoever says so of the first has not looked.
    assert found[0].status != "pass"


@pytest.mark.parametrize("name", ["latency", "frequency", "ly", "fy", "retention", "timeOfAvailability"])
def test_a_service_level_that_was_not_measured_is_never_a_pass(name: str) -> None:
    """datacontract-cli 1.2.8 leaves latency and frequency out of the result in silence."""
    checked = _checked(
        pl.DataFrame({"at": ["2001-01-01T00:00:00Z"]}),
        column("at", "timestamp"),
        levels=[{"property": name, "value": 1, "unit": "d", "element": "rows.at"}],
    )
    (found,) = [f for f in checked.verdict.findings if f.rule.startswith("sla.")]
    assert found.status != "pass"
    assert found.message


@pytest.mark.parametrize("form", ["lazy", "frame", "parquet"])
def test_a_lazy_frame_is_looked_into(form: str, tmp_path: Path) -> None:
    """pandera: of a LazyFrame only the schema is checked, and the data pass unseen."""
    rows: object = pl.DataFrame({"n": [1, -1]})
    if form == "lazy":
        rows = pl.LazyFrame({"n": [1, -1]})
    if form == "parquet":
        rows = tmp_path / "rows.parquet"
        pl.DataFrame({"n": [1, -1]}).write_parquet(tmp_path / "rows.parquet")
    checked = _checked(rows, column("n", "integer", logicalTypeOptions={"minimum": 0}))
    assert _rows(checked) == [(2, ["n.minimum"])]
    with pytest.raises(CheckFailed):
        checked.raise_for_failure()


KINDS_OF_RULES = {
    "type": column("x", "integer"),
    "required": column("x", required=True),
    "unique": column("x", unique=True),
    "enum": column("x", enum=[{"value": "a"}]),
    "pattern": column("x", logicalTypeOptions={"pattern": "^[a-z]$"}),
    "lookahead": column("x", logicalTypeOptions={"pattern": "^(?=[a-z])"}),
    "length": column("x", logicalTypeOptions={"maxLength": 1}),
    "missing": column("x", quality=[
        {"metric": "missingValues", "arguments": {"missingValues": ["??"]}, "mustBe": 0}
    ]),
    "null": column("x", quality=[{"metric": "nullValues", "mustBe": 0}]),
    "invalid": column("x", quality=[
        {"metric": "invalidValues", "arguments": {"pattern": "^[ab]$"}, "mustBe": 0}
    ]),
    "duplicate": column("x", quality=[{"metric": "duplicateValues", "mustBe": 0}]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS_OF_RULES)
def test_every_rule_that_fails_has_its_rows_whole(kind: str, tmp_path: Path) -> None:
    """GX#1473, GX#11483, pandera#1830: for some kinds of rules the failing rows are empty, cut to a sample, or returned
    with no error. Here every one of them is there with its number and its raw values, and the verdict fails.
    """
    bad = {"type": "x", "unique": "same", "duplicate": "same"}.get(kind, "??")
    lines = ["n,x"]
    for n in range(50):
        good = str(n) if kind in {"type", "unique", "duplicate"} else "a"
        wrong = "" if kind in {"required", "null"} else bad
        lines.append(f"{n},{wrong if n % 2 else good}")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    checked = _checked(path, column("n", "integer"), KINDS_OF_RULES[kind])
    assert not checked.verdict.passed
    found = checked.bad_rows.sort("row")
    assert found.get_column("row").to_list() == list(range(2, 51, 2))
    assert [json.loads(raw)["n"] for raw in found.get_column("raw")] == [str(n) for n in range(1, 50, 2)]
    assert checked.good_rows.height == 25


def test_a_sample_says_where_its_value_stands(tmp_path: Path) -> None:
    """datacontract-cli#954, soda-core#1563: a failed rule has a count, and nothing that leads to the rows."""
    path = tmp_path / "rows.csv"
    path.write_text("id,n\n7,1\n8,-1\n")
    key = column("id", "integer", primaryKey=True)
    checked = _checked(path, key, column("n", "integer", logicalTypeOptions={"minimum": 0}))
    (sample,) = next(f for f in checked.verdict.findings if f.rule == "n.minimum").samples
    assert (sample.object, sample.row, sample.key, sample.column, sample.value) == (
        str(path), 2, (("id", "8"),), "n", "-1",
    )  # fmt: skip


def test_nobody_reads_a_batch_before_its_verdict(tmp_path: Path) -> None:
    """dbt-core#5660: tests run after the table is built, so that readers have seen what they then find wrong."""
    shop = opened(tmp_path)
    shop.load(shop.orders("1,pen,2"))
    assert shop.load(shop.orders("2,cup,-1")).outcome == "quarantined"
    assert shop.ids() == [1]


def test_a_rule_about_the_table_looks_at_the_merged_table_not_at_the_new_part(tmp_path: Path) -> None:
    """datacontract-cli#1463, GX#8797: with only the new partition checked, a key that was there already passes."""
    shop = opened(tmp_path)
    shop.load(shop.orders("1,pen,2"))
    found = shop.load(shop.orders("1,cup,3"))
    assert found.outcome == "quarantined"
    assert statuses(found)["primaryKey"] == "fail"


@pytest.mark.parametrize(
    ("physical", "value", "fits"),
    [
        ("decimal(5,2)", "123.45", True),
        ("decimal(5,2)", "123.450", True),
        ("decimal(5,2)", "123.456", False),
        ("decimal(5,2)", "1234.5", False),
        ("numeric(3)", "12.5", False),
    ],
)
def test_precision_and_scale_are_part_of_the_type(
    physical: str, value: str, fits: bool, tmp_path: Path
) -> None:
    """dbt-core#10645: a contract's numeric(5,2) takes any number, rounded."""
    path = tmp_path / "rows.csv"
    path.write_text(f"n\n{value}\n")
    assert _checked(path, column("n", "number", physicalType=physical)).verdict.passed is fits


def test_a_contract_that_was_adopted_is_given_back_byte_for_byte(tmp_path: Path) -> None:
    """datacontract-cli#1558: reading and writing an ODCS contract loses what the tool does not know."""
    shop = opened(tmp_path)
    own = contract(
        table("orders", column("id", "integer"), customProperties=[{"property": "x", "value": {"y": [1]}}])
    )
    written = b"# by hand, \xc3\xa4\r\n" + own.replace(b"\n", b"\r\n") + b"tags: &t [a,   'b'] # kept\r\n"
    shop.load(shop.csv("id", "1"), contract=written)
    entry = shop.project.tree("main").contract(table_name("orders"))
    assert entry is not None
    assert contract_bytes(shop.project.ports, entry) == written


@pytest.mark.parametrize("name", ["n", "^n.*$", "*", "select", 'a"b', "n); DROP TABLE rows; --", "row", "c0"])
def test_whatever_a_column_is_called_it_is_the_one_that_is_judged(name: str) -> None:
    """Polars takes ``^...$`` for a regular expression: the rule is about other columns, or about none."""
    data = pl.DataFrame({"nn": [-1, 5], name: [1, -1]})
    checked = _checked(
        data, column("nn", "integer"), column(name, "integer", logicalTypeOptions={"minimum": 0})
    )
    assert _rows(checked) == [(2, [f"{name}.minimum"])]


def test_what_is_not_a_number_is_within_no_range() -> None:
    """Every engine sorts NaN above all numbers, so that a minimum alone lets it pass."""
    data = pl.DataFrame({"x": [1.0, float("nan"), float("inf"), None]})
    checked = _checked(data, column("x", "number", logicalTypeOptions={"minimum": 0}))
    assert _rows(checked) == [(2, ["x.minimum"])]


def test_what_is_not_understood_is_refused_or_blocks() -> None:
    """Tools that skip a metric without an operator, or a rule of another engine, are green about both."""
    data = pl.DataFrame({"x": ["a"]})
    with pytest.raises(ContractUnusable, match="needs exactly one of mustBe"):
        _checked(data, column("x", quality=[{"metric": "nullValues"}]))
    checked = _checked(data, column("x", quality=[{"type": "custom", "engine": "x", "implementation": "y"}]))
    assert statuses(checked.verdict) == {"x.type": "pass", "x.custom": "not_executed"}
    assert not checked.verdict.passed
