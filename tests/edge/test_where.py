"""Rules that look at some rows: the others pass, and count for nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rows_at_hand import ENGINE, bad_rows, check, contract, findings, table, text_rows
from headgate.model.contract import ColumnType, IntegerType, StringType, TableContract
from headgate.model.names import RuleName
from headgate.model.rule import (
    AllOf,
    Body,
    Bound,
    DuplicateRows,
    FailingRows,
    Fits,
    Matches,
    Measured,
    Not,
    NotNull,
    OneOf,
    Predicate,
    References,
    RowCount,
    SqlResult,
    Unique,
)
from headgate.ports import Frame

KINDS: dict[str, ColumnType] = {"a": IntegerType(), "s": StringType()}
ACTIVE = AllOf((NotNull("s"), Fits("s"), OneOf("s", ("x",))))
NONE = Bound("mustBe", (Decimal(0),))
LITTLE = Bound("mustBeLessOrEqualTo", (Decimal(50),), percent=True)
RULES: dict[str, Body] = {
    "required": NotNull("a"),
    "unique": Unique(("a",)),
    "both": Unique(("a", "s"), required=True),
    "ref": References(("a",), table("t"), ("x",)),
    "nulls": Measured(FailingRows(NotNull("a")), LITTLE),
    "doubled": Measured(DuplicateRows(("a",)), LITTLE),
    "rows": Measured(RowCount(), Bound("mustBeGreaterThan", (Decimal(1),))),
}


def looking(where: Predicate, rules: dict[str, Body] | None = None) -> TableContract:
    made = contract(KINDS, RULES if rules is None else rules)
    return replace(made, rules=tuple(replace(r, where=where) for r in made.rules))


Row = tuple[str | None, str | None]
CELLS = st.tuples(st.none() | st.sampled_from(["1", "2", "02", "?"]), st.none() | st.sampled_from("xy"))


def slow(rows: list[Row]) -> tuple[dict[str, list[int]], dict[str, str]]:
    """The same by hand: rows that fail each rule, and what is measured."""
    seen = [(n, row) for n, row in enumerate(rows, 1) if row[1] == "x"]
    value = {n: int(a) if a is not None and a != "?" else None for n, (a, _) in seen}
    count = Counter(v for v in value.values() if v is not None)
    nulls = [n for n, (a, _) in seen if a is None]
    twice = [n for n, v in value.items() if v is not None and count[v] > 1]
    failing = {
        "required": nulls,
        "unique": twice,
        "both": sorted({*nulls, *twice}),
        "ref": [n for n, v in value.items() if v == 1],
    }
    doubled = sum(c - 1 for c in count.values())

    def percent(n: int) -> str:
        share = Decimal(100 * n) / len(seen) if seen else Decimal(0)
        return f"{round(share, 6).normalize():f}%"

    return failing, {"nulls": percent(len(nulls)), "doubled": percent(doubled), "rows": str(len(seen))}


@given(st.lists(CELLS, max_size=10))
@settings(max_examples=80, deadline=None)
def test_rows_that_are_not_looked_at_pass_and_count_for_nothing(rows: list[Row]) -> None:
    """Seen failing with `Rule.where` left out of `masks`, of `_keys` and of `looked_at`, one after the other."""
    columns = {"a": [a for a, _ in rows], "s": [s for _, s in rows]}
    parents = {table("t"): Frame(pl.LazyFrame({"x": [2]}))}
    wanted, measured = slow(rows)
    told = {
        str(f.rule): f for f in check(text_rows(columns), looking(ACTIVE), parents=parents).verdict.findings
    }
    assert {name: told[name].measured for name in measured} == measured
    assert {name: told[name].rows_failed for name in wanted} == {n: len(r) for n, r in wanted.items()}
    bad = bad_rows(text_rows(columns), looking(ACTIVE), parents=parents)
    assert {name: [n for n in sorted(bad) if name in bad[n]] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("where", "looked"),
    [
        (OneOf("s", ("x",)), [1, 3]),
        (Not(OneOf("s", ("x",))), [2]),
        (Not(NotNull("s")), [4]),
        (Matches("s", "^(?=x)"), [1, 3]),  # of those that only Python can match
        (Not(Matches("s", "^(?=x)")), [2]),
        (AllOf(()), [1, 2, 3, 4]),
        (OneOf("s", ()), []),
    ],
)
def test_any_predicate_may_say_which_rows(where: Predicate, looked: list[int]) -> None:
    rows = text_rows({"a": [None] * 4, "s": ["x", "y", "x", None]})
    assert sorted(bad_rows(rows, looking(where, {"required": NotNull("a")}))) == looked


def test_a_value_that_does_not_fit_is_not_what_is_looked_for() -> None:
    one = AllOf((NotNull("a"), Fits("a"), Not(OneOf("a", (1,)))))
    rows = text_rows({"a": ["1", "2", "?", None], "s": [None] * 4})
    assert bad_rows(rows, looking(one, {"required": NotNull("s")})) == {2: ["required"], 3: ["a.type"]}


def test_published_rows_that_are_not_looked_at_take_no_key() -> None:
    published = Frame(pl.LazyFrame({"a": [1, 2], "s": ["x", "y"]}))
    rows = text_rows({"a": ["1", "2", "1"], "s": ["x", "x", "y"]})
    found = bad_rows(
        rows, looking(ACTIVE, {"unique": Unique(("a",))}), existing={RuleName("unique"): published}
    )
    assert found == {1: ["unique"]}


def test_a_query_sees_the_rows_that_are_looked_at() -> None:
    rule = Measured(SqlResult("SELECT sum(a) FROM {object}"), Bound("mustBe", (Decimal(4),)))
    rows = text_rows({"a": ["1", "2", "3"], "s": ["x", "y", "x"]})
    assert findings(rows, looking(ACTIVE, {"sum": rule}))["sum"].status == "pass"
    assert findings(rows, looking(Not(NotNull("s")), {"sum": rule}))["sum"].status == "error"


def test_a_filter_on_an_absent_column_is_not_executed() -> None:
    rows = text_rows({"a": ["1"]})
    assert findings(rows, looking(ACTIVE, {"required": NotNull("a")}))["required"].status == "not_executed"
    assert ENGINE.measure(rows, looking(ACTIVE), looking(ACTIVE).rules[-1:])[0].error is not None


def test_the_message_says_of_how_many_rows_it_speaks() -> None:
    rows = text_rows({"a": [None, None], "s": ["x", "y"]})
    found = findings(rows, looking(ACTIVE, {"required": NotNull("a")}))["required"]
    assert found.message == "1 of 1 rows looked at: a must not be null"
