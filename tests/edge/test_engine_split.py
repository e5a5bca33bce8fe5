from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from edge.rows_at_hand import (
    ENGINE,
    bad_rows,
    check,
    contract,
    findings,
    frame_of,
    lenient,
    text_rows,
    typed_rows,
)
from headgate.edge.cells import as_text
from headgate.edge.rows import rows_of
from headgate.edge.source_files import FileSource
from headgate.edge.splitting import raw_bad
from headgate.model.contract import (
    AnyType,
    Column,
    DateType,
    Dialect,
    IntegerType,
    NumberType,
    Policy,
    StringType,
    TableContract,
    TimestampType,
)
from headgate.model.names import RuleName
from headgate.model.rule import (
    Bound,
    DuplicateRows,
    FailingRows,
    InRange,
    LengthInRange,
    Measured,
    NotCompiled,
    NotNull,
    OneOf,
    RowCount,
    Rule,
    SqlResult,
    Told,
    Unique,
)
from headgate.ports import Delivery, Frame

INT, NUM, STR = IntegerType(), NumberType(), StringType()
POSITIVE = InRange("a", 0)


def test_good_rows_are_typed_and_bad_ones_raw() -> None:
    rows = text_rows({"a": ["1", "-2", "x", None], "b": ['q"u', "", None, "é"]}, "in.csv")
    rules = contract({"a": INT, "b": STR}, {"a.minimum": POSITIVE, "b.required": NotNull("b")})
    split = ENGINE.split(rows, rules, check(rows, rules), warn=())
    assert frame_of(split.good).to_dicts() == [{"a": 1, "b": 'q"u'}, {"a": None, "b": "é"}]
    bad = frame_of(split.bad)
    assert bad.columns == ["object", "location", "row", "rules", "raw"]
    assert bad.get_column("rules").to_list() == [["a.minimum"], ["b.required", "a.type"]]
    assert [json.loads(r) for r in bad.get_column("raw")] == [{"a": "-2", "b": ""}, {"a": "x", "b": None}]
    assert bad.select("object", "location", "row").row(1) == ("d" * 64, "in.csv", 3)


def test_rules_that_warn_keep_a_row_good_but_a_value_that_does_not_fit_never_is() -> None:
    rows = text_rows({"a": ["1", "-2", "x"]})
    rules = contract({"a": INT}, {"a.minimum": POSITIVE}, policy=Policy(on_fail="warn"))
    checked = check(rows, rules)
    assert [f.status for f in checked.verdict.findings] == ["warn", "fail"]
    assert (checked.verdict.passed, checked.verdict.rows_bad) == (False, 1)
    split = ENGINE.split(rows, rules, checked, warn=(RuleName("a.minimum"), RuleName("a.type")))
    assert (split.rows_good, split.rows_bad) == (2, 1)
    assert frame_of(split.good).to_dicts() == [{"a": 1}, {"a": -2}]


def test_a_batch_kept_whole_names_the_rules_of_its_bad_rows_and_none_for_the_others() -> None:
    rows = text_rows({"a": ["1", "-2"]})
    rules = contract({"a": INT}, {"a.minimum": POSITIVE})
    split = ENGINE.split(rows, rules, check(rows, rules), warn=(), whole=True)
    assert (split.rows_good, split.rows_bad) == (0, 2)
    assert frame_of(split.bad).get_column("rules").to_list() == [[], ["a.minimum"]]
    assert frame_of(split.good).height == 0


def test_whole_takes_other_rows_than_were_checked() -> None:
    """A load collapses before it checks, and keeps what was delivered."""
    delivered = text_rows({"a": ["1", "1", "-2"]})
    checked_rows = text_rows({"a": ["1", "-2"]})
    rules = contract({"a": INT}, {"a.minimum": POSITIVE})
    split = ENGINE.split(delivered, rules, check(checked_rows, rules), warn=(), whole=True)
    assert split.rows_bad == 3
    assert frame_of(split.bad).get_column("rules").to_list() == [[], [], ["a.minimum"]]


def test_more_rules_than_fit_into_one_word() -> None:
    columns = {f"c{i}": INT for i in range(70)}
    rules = contract(columns, {f"c{i}.minimum": InRange(f"c{i}", 0) for i in range(70)})
    cells: Mapping[str, Sequence[str | None]] = {
        f"c{i}": ["-1" if i in {0, 62, 63, 69} else "1", "1"] for i in range(70)
    }
    assert bad_rows(text_rows(cells), rules) == {
        1: ["c0.minimum", "c62.minimum", "c63.minimum", "c69.minimum"]
    }


def test_all_of_130_rules_can_fail_at_once() -> None:
    columns = {f"c{i}": INT for i in range(130)}
    rules = contract(columns, {f"c{i}.minimum": InRange(f"c{i}", 0) for i in range(130)})
    found = bad_rows(text_rows({name: ["-1"] for name in columns}), rules)
    assert len(found[1]) == 130


def test_samples_are_the_first_five_of_each_rule_with_key_and_raw_value() -> None:
    rows = text_rows({"id": [str(i) for i in range(20)], "a": ["0-"] * 3 + ["-1"] * 17})
    rules = contract({"id": INT, "a": INT}, {"a.minimum": POSITIVE}, primary_key=("id",))
    found = findings(rows, rules)
    assert [s.row for s in found["a.minimum"].samples] == [4, 5, 6, 7, 8]
    assert [(s.key, s.column, s.value) for s in found["a.type"].samples] == [
        ((("id", str(i)),), "a", "0-") for i in range(3)
    ]


@pytest.mark.parametrize(
    ("policy", "expected", "bad"),
    [
        (Policy(), {"b.present": "fail", "z.undeclared": "fail", "b.required": "not_executed"}, 2),
        (Policy(extra_columns="drop"), {"b.present": "fail", "b.required": "not_executed"}, 2),
        (Policy(missing_columns="null"), {"z.undeclared": "fail", "b.required": "fail"}, 2),
        (lenient(), {"b.required": "fail"}, 2),
    ],
)
def test_columns_that_are_missing_or_too_many(policy: Policy, expected: dict[str, str], bad: int) -> None:
    rows = text_rows({"z": ["q", "q"], "a": ["1", "2"]})
    rules = contract({"a": INT, "b": INT}, {"b.required": NotNull("b")}, policy=policy)
    verdict = check(rows, rules).verdict
    found = {f.rule: f.status for f in verdict.findings if f.status != "pass" and f.rule != "b.type"}
    assert found == expected
    assert (verdict.passed, verdict.rows_bad) == (False, bad)
    hints = " ".join(f.message for f in verdict.findings)
    assert ("`missingColumns: null`" in hints) == ("b.present" in expected)
    assert ("`extraColumns: drop`" in hints) == ("z.undeclared" in expected)


def test_columns_go_by_name_and_files_may_order_them_differently(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "2.csv").write_text("b,a\nz,3\nw,-4\n")
    pl.DataFrame({"b": ["v"], "a": [5.0]}).write_parquet(tmp_path / "3.parquet")
    (tmp_path / "4.csv").write_text("a\n6\n")
    source = FileSource()
    delivery = source.read(source.find([str(tmp_path)]), Dialect())
    rules = contract({"a": INT, "b": STR}, {"a.minimum": POSITIVE}, policy=lenient())
    split = ENGINE.split(delivery.rows, rules, check(delivery.rows, rules), warn=())
    assert frame_of(split.good).rows() == [(1, "x"), (2, "y"), (3, "z"), (5, "v"), (6, None)]
    bad = frame_of(split.bad).row(0, named=True)
    assert (bad["location"], bad["row"], json.loads(bad["raw"])) == (
        str(tmp_path / "2.csv"),
        2,
        {"b": "w", "a": "-4"},
    )
    strict = findings(delivery.rows, contract({"a": INT, "b": STR}))
    assert strict["b.present"].message.startswith(f"the column b is absent in {tmp_path / '4.csv'};")


def test_without_a_header_columns_go_by_position(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("1,x\n-2,y\n")
    source = FileSource()
    delivery = source.read(source.find([str(tmp_path / "1.csv")]), Dialect(header=False))
    assert bad_rows(delivery.rows, contract({"a": INT, "b": STR}, {"a.minimum": POSITIVE})) == {
        2: ["a.minimum"]
    }


@pytest.mark.parametrize("name", ["^a$", "*", "a b", 'q"', "A", "a", "c0", "row", "object", "raw", "é", ".*"])
def test_columns_may_be_called_anything(name: str) -> None:
    for rows in (
        text_rows({name: ["1", "-1"], "other": ["x", "y"]}),
        typed_rows(pl.DataFrame({name: [1, -1], "other": ["x", "y"]})),
    ):
        rules = contract({name: INT, "other": STR}, {"rule": InRange(name, 0), "key": Unique((name,))})
        assert bad_rows(rows, rules) == {2: ["rule"]}


def test_raw_values_are_kept_in_full() -> None:
    data = pl.DataFrame(
        {
            "f": [0.1, math.nan, 1e300],
            "d": [Decimal("1.10"), None, Decimal("-2.00")],
            "t": [datetime(2024, 1, 1, 1, 2, 3, 4, tzinfo=UTC)] * 3,
            "l": [[1, None], [], None],
            "s": [{"x": "ü\n"}, {"x": None}, None],
            "b": [b"\xff", b"", None],
        },
        schema_overrides={"d": pl.Decimal(5, 2)},
    )
    texts = data.select(as_text(pl.col(n), t).alias(n) for n, t in data.schema.items())
    assert texts.row(0) == (
        "0.1",
        "1.10",
        "2024-01-01T01:02:03.000004+00:00",
        "[1,null]",
        '{"x":"ü\\n"}',
        "/w==",
    )
    assert texts.row(1) == ("NaN", None, "2024-01-01T01:02:03.000004+00:00", "[]", '{"x":null}', "")
    assert texts.row(2) == ("1e+300", "-2.00", "2024-01-01T01:02:03.000004+00:00", None, None, None)


def test_bad_rows_in_their_own_columns() -> None:
    rows = text_rows({"z": ["p", "q"], "a": ["1", "-2"]})
    rules = contract({"a": INT}, {"a.minimum": POSITIVE}, policy=lenient())
    checked = check(rows, rules)
    judged: Any = checked.evidence
    found = raw_bad(rows_of(rows), rules, judged).collect()
    assert found.to_dicts() == [
        {"z": "q", "a": "-2", "headgate_row": 2, "headgate_object": "a.csv", "headgate_rules": ["a.minimum"]}
    ]


# -- rules about the table ----------------------------------------------------------------------------------


def _measured(measure: Any, operator: Any, *values: str, percent: bool = False) -> Measured:
    return Measured(measure, Bound(operator, tuple(Decimal(v) for v in values), percent))


@pytest.mark.parametrize(
    ("body", "status", "measured"),
    [
        (_measured(RowCount(), "mustBe", "4"), "pass", "4"),
        (_measured(RowCount(), "mustBeLessThan", "4"), "fail", "4"),
        (_measured(FailingRows(NotNull("a")), "mustBeLessOrEqualTo", "1"), "pass", "1"),
        (_measured(FailingRows(NotNull("a")), "mustBeLessThan", "25", percent=True), "fail", "25%"),
        (_measured(FailingRows(POSITIVE), "mustBeBetween", "1", "2"), "pass", "1"),
        (_measured(DuplicateRows(("b",)), "mustBe", "2"), "pass", "2"),
        (_measured(DuplicateRows(("a", "b")), "mustBe", "0"), "pass", "0"),
        (_measured(FailingRows(LengthInRange("a", 1)), "mustBe", "0"), "error", None),
        (_measured(FailingRows(NotNull("nope")), "mustBe", "0"), "not_executed", None),
        (Told("why"), "info", None),
        (NotCompiled("no way"), "not_executed", None),
    ],
)
def test_rules_about_the_table(body: Any, status: str, measured: str | None) -> None:
    rows = text_rows({"a": ["1", "-2", None, "3"], "b": ["x", "x", "x", None]})
    found = findings(rows, contract({"a": INT, "b": STR}, {"rule": body}))["rule"]
    assert (found.status, found.measured) == (status, measured)


def test_no_rows_are_zero_percent() -> None:
    body = _measured(FailingRows(NotNull("a")), "mustBe", "0", percent=True)
    assert findings(text_rows({"a": []}), contract({"a": INT}, {"rule": body}))["rule"].measured == "0%"


def test_rules_about_the_table_are_measured_where_they_were_asked_for() -> None:
    body = _measured(RowCount(), "mustBe", "7")
    rules = TableContract(
        "o", "1", "o", "o", (Column("a", INT),), (Rule(RuleName("count"), body, scope="delivery"),), ""
    )
    rows = text_rows({"a": ["1"]})
    assert findings(rows, rules, table_rules="delivery")["count"].status == "fail"
    for where in ("none", "table"):
        found = findings(rows, rules, table_rules=where)["count"]
        assert (found.status, found.how) == ("info", "none")


def test_sql_rules_see_typed_rows() -> None:
    body = _measured(SqlResult("SELECT sum(a) FROM {object}"), "mustBe", "3")
    found = findings(text_rows({"a": ["1", "02"]}), contract({"a": INT}, {"sum": body}))["sum"]
    assert (found.status, found.measured) == ("pass", "3")
    body = _measured(SqlResult("SELECT nope FROM {object}"), "mustBe", "3")
    assert findings(text_rows({"a": ["1"]}), contract({"a": INT}, {"sum": body}))["sum"].status == "error"


def test_measurements_add_up_over_files() -> None:
    rules = contract(
        {"a": INT}, {"nulls": _measured(FailingRows(NotNull("a")), "mustBe", "0"), "min": POSITIVE}
    )
    found = ENGINE.measure(text_rows({"a": ["1", None, "-1", None]}), rules, rules.rules)
    assert [(m.rule, m.rows, m.failing) for m in found] == [("nulls", 4, 2), ("min", 4, 1)]


# -- ranges, types ------------------------------------------------------------------------------------------


def test_ranges_are_of_contract_types() -> None:
    data: dict[str, list[str | None]] = {
        "a": ["5", "-1", "x"],
        "b": ["0.1", "nan", "3"],
        "c": [None, None, None],
        "d": ["2024-01-02", "2023-01-01", None],
    }
    rules = contract({"a": INT, "b": NUM, "c": STR, "d": DateType()})
    assert ENGINE.ranges(text_rows(data), rules, ["a", "b", "c", "d", "nope"]) == {
        "a": (-1, 5),
        "b": (Decimal("0.1"), Decimal("3.0")),
        "c": None,
        "d": (date(2023, 1, 1), date(2024, 1, 2)),
        "nope": None,
    }


def test_columns_of_an_unguarded_table_fit_all_values() -> None:
    data: dict[str, list[str | None]] = {
        "i": ["1", None], "n": ["1", "1.5"], "zip": ["01234", "1"], "d": ["2024-01-01", "2024-02-01"],
        "t": ["2024-01-01T00:00:00Z", None], "b": ["true", "false"], "s": ["x", "1"], "e": [None, None],
    }  # fmt: skip
    rows = text_rows(data)
    found = {c.name: c.type for c in ENGINE.columns(Delivery((), rows, tuple(data)))}
    assert found == {
        "i": INT, "n": NUM, "zip": STR, "d": DateType(), "t": TimestampType(), "b": found["b"], "s": STR, "e": STR,
    }  # fmt: skip
    assert bad_rows(rows, contract(found)) == {}
    typed = typed_rows(pl.DataFrame({"u": [2**64 - 1]}, schema={"u": pl.UInt64}))
    kinds = {c.name: c.type for c in ENGINE.columns(Delivery((), typed, ("u",)))}
    assert bad_rows(typed, contract(kinds)) == {}


def test_frames_of_tables_are_checked_as_they_are() -> None:
    rows = Frame(pl.LazyFrame({"a": [1, -1], "b": ["x", None]}))
    found = findings(
        rows, contract({"a": INT, "b": AnyType()}, {"min": POSITIVE, "b.in": OneOf("b", ("y",))})
    )
    assert (found["min"].rows_failed, found["b.in"].rows_failed) == (1, 1)
