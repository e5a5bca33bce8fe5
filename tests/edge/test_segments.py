"""Rules that are measured for each segment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rows_at_hand import ENGINE, check, contract, findings, text_rows, typed_rows
from headgate.checks import segments as words
from headgate.checks.segments import worst_first
from headgate.edge import judging, measuring, segments
from headgate.edge.passes import PassOne
from headgate.edge.rows import rows_of
from headgate.edge.segments import as_text
from headgate.edge.sql import engine as engine_duckdb
from headgate.model.contract import ColumnType, DateType, IntegerType, NumberType, StringType
from headgate.model.rule import (
    AllOf,
    Bound,
    DuplicateRows,
    FailingRows,
    Fits,
    InRange,
    Measure,
    Measured,
    NotNull,
    OneOf,
    Predicate,
    RowCount,
)
from headgate.ports import Group

KINDS: dict[str, ColumnType] = {"a": IntegerType(), "s": StringType(), "t": IntegerType()}
ANY = Bound("mustBeGreaterOrEqualTo", (Decimal(0),))
MEASURES: dict[str, Measure] = {
    "rows": RowCount(),
    "nulls": FailingRows(NotNull("a")),
    "small": FailingRows(InRange("a", minimum=2)),
    "doubled": DuplicateRows(("a",)),
    "pairs": DuplicateRows(("a", "s")),
}
Row = tuple[str | None, str | None, str | None]
TEXT = st.none() | st.sampled_from(["1", "2", "02", "?"])
ROWS = st.lists(st.tuples(TEXT, st.none() | st.sampled_from(["x", "null"]), TEXT), max_size=10)


def number(text: str | None) -> int | None:
    return int(text) if text is not None and text != "?" else None


def slow(rows: list[Row], measure: str, by: tuple[str, ...], *, active: bool) -> set[Group]:
    """By hand: the rows of each segment, one after the other."""
    parted: dict[tuple[str | None, ...], list[Row]] = {}
    for a, s, t in rows:
        if active and s != "x":
            continue
        shown = None if number(t) is None else str(number(t))
        key = tuple({"s": s, "t": shown}[name] for name in by)
        parted.setdefault(key, []).append((a, s, t))
    found = set()
    for key, own in parted.items():
        values = [(number(a), s) for a, s, _ in own]
        if measure == "rows":
            count = len(own)
        elif measure == "nulls":
            count = sum(a is None for a, _, _ in own)
        elif measure == "small":
            count = sum(v == 1 for v, _ in values)
        else:
            pairs: list[Any] = [
                (v, s if measure == "pairs" else 0)
                for v, s in values
                if v is not None and (measure == "doubled" or s is not None)
            ]
            count = len(pairs) - len(set(pairs))
        found.add(Group(key, len(own), count))
    return found


@pytest.mark.parametrize("pass_one", [judging.pass_one, engine_duckdb.pass_one], ids=["polars", "duckdb"])
@given(ROWS, st.sampled_from([("s",), ("t",), ("s", "t")]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_each_segment_is_measured_for_itself_and_null_is_one(
    pass_one: PassOne, rows: list[Row], by: tuple[str, ...], active: bool
) -> None:
    columns = {name: [row[i] for row in rows] for i, name in enumerate("ast")}
    made = contract(KINDS, {name: Measured(m, ANY, by=by) for name, m in MEASURES.items()})
    where: Predicate | None = AllOf((NotNull("s"), Fits("s"), OneOf("s", ("x",)))) if active else None
    rules = tuple(replace(r, where=where) for r in made.rules)
    made = replace(made, rules=rules)
    judged = pass_one(rows_of(text_rows(columns)), made, rules, {}, {})
    for found in measuring.from_judged(judged, made, rules).values():
        wanted = slow(rows, found.rule, by, active=active)
        assert set(found.groups) == wanted, found.rule
        assert (found.rows, found.failing) == (sum(g.rows for g in wanted), sum(g.failing for g in wanted))


ORDERS = {
    "s": ["DE"] * 4 + ["FR"] * 2 + [None],
    "a": ["1", None, None, "2", None, "3", None],
    "t": [None] * 7,
}


def told(bound: Bound, measure: str = "nulls", warn: Bound | None = None, rows: Any = ORDERS) -> Any:
    rule = Measured(MEASURES[measure], bound, warn=warn, by=("s",))
    return findings(text_rows(rows), contract(KINDS, {"r": rule}))["r"]


def test_a_finding_names_the_worst_segments_and_how_many_there_are() -> None:
    share = Bound("mustBeLessThan", (Decimal(10),), percent=True)
    found = told(share)
    assert (found.status, found.measured, found.rows_failed) == ("fail", "100%", 4)
    assert found.message == (
        "failing rows by s: null 100%, DE 50%, FR 50% (3 of 3 segments), mustBeLessThan 10%"
    )
    found = told(Bound("mustBeLessOrEqualTo", (Decimal(1),)))
    assert found.message == "failing rows by s: DE 2 (1 of 3 segments), mustBeLessOrEqualTo 1"
    found = told(Bound("mustBeGreaterThan", (Decimal(0),)), "rows")
    assert (found.status, found.measured, found.rows_failed) == ("pass", "1", None)
    assert found.message == "rows by s: at worst null 1 (3 segments), mustBeGreaterThan 0"


def test_a_segment_outside_the_second_bound_warns() -> None:
    two, one = (Bound("mustBeLessOrEqualTo", (Decimal(n),)) for n in (2, 1))
    found = told(two, warn=one)
    assert found.status == "warn"
    assert "DE 2 (1 of 3 segments)" in found.message
    assert told(one, warn=Bound("mustBe", (Decimal(0),))).status == "fail"


def test_without_rows_there_is_no_segment_and_the_bound_is_for_none() -> None:
    """Else a table without rows would keep any bound."""
    nothing: dict[str, list[str]] = {"a": [], "s": [], "t": []}
    assert told(Bound("mustBeGreaterThan", (Decimal(0),)), "rows", rows=nothing).status == "fail"
    assert told(Bound("mustBeLessThan", (Decimal(1),)), rows=nothing).status == "pass"


def test_too_many_segments_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENTS_MAX", 2)
    found = told(Bound("mustBeLessThan", (Decimal(10),)))
    assert (found.status, found.message) == ("error", "there are more than 2 segments")


def test_a_segment_column_that_is_absent_is_not_executed() -> None:
    rule = Measured(RowCount(), ANY, by=("s",))
    found = check(text_rows({"a": ["1"], "t": ["1"]}), contract(KINDS, {"r": rule})).verdict.findings
    assert {str(f.rule): f.status for f in found}["r"] == "not_executed"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (-0.0, "0.0"),
        (Decimal("1E+2"), "100"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),  # noqa: DTZ001 - of a column without a zone
        ("x", "x"),
    ],
)
def test_a_segment_is_written_alike_on_every_engine(value: Any, text: str | None) -> None:
    assert as_text(value) == text


def test_typed_values_make_segments() -> None:
    data = pl.DataFrame({"d": [date(2026, 1, 1), date(2026, 1, 1), None], "x": [0.0, -0.0, 1.5]})
    made = contract({"d": DateType(), "x": NumberType()}, {"r": Measured(RowCount(), ANY, by=("d", "x"))})
    (found,) = ENGINE.measure(typed_rows(data), made, made.rules)
    assert set(found.groups) == {Group(("2026-01-01", "0.0"), 2, 2), Group((None, "1.5"), 1, 1)}


BOUNDS = [
    ("mustBe", (2,), [5, 0, 1, 2]),
    ("mustNotBe", (2,), [2, 1, 0, 5]),
    ("mustBeLessThan", (3,), [5, 2, 1, 0]),
    ("mustBeGreaterThan", (3,), [0, 1, 2, 5]),
    ("mustBeBetween", (1, 2), [5, 0, 1, 2]),
    ("mustNotBeBetween", (1, 2), [1, 2, 0, 5]),
]


@pytest.mark.parametrize(("operator", "values", "order"), BOUNDS)
def test_the_worst_segment_is_the_one_furthest_beyond_the_bound(
    operator: Any, values: tuple[int, ...], order: list[int]
) -> None:
    groups = [Group((str(n),), 9, n) for n in (0, 1, 2, 5)]
    bound = Bound(operator, tuple(map(Decimal, values)))
    assert [int(n) for _, n in worst_first(groups, bound)] == order
    assert words.named(Group(("DE", None), 1, 1)) == "DE/null"
