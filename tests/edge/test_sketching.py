"""Sketches: near the truth, and the same however rows are cut into files."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.checks import sketches
from headgate.edge.sketching import figures, sketched
from headgate.model.contract import DateType, IntegerType, NumberType, StringType, TimestampType, TimeType
from headgate.model.sketch import Sketch

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.integers(-(2**63), 2**63 - 1),
    "f": st.floats(),
    "s": st.text(max_size=3),
    "d": st.dates(),
    "t": st.datetimes(),
    "b": st.booleans(),
}
DTYPES: dict[str, Any] = {
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "d": pl.Date,
    "t": pl.Datetime("us"),
    "b": pl.Boolean,
}
FRAMES = st.lists(
    st.lists(st.tuples(*(st.none() | v for v in VALUES.values())), max_size=12), min_size=1, max_size=4
)


def frame(rows: list[Any]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=DTYPES, orient="row")


@settings(max_examples=12)
@example([[(None, 1.7976931348623157e308, None, None, None, None)]])
@given(FRAMES)
def test_many_files_make_the_sketch_of_all_their_rows(files: list[list[Any]]) -> None:
    """Seen failing with registers added instead of the greater one taken."""
    parts = [sketched(frame(rows), list(DTYPES)) for rows in files]
    whole = sketched(frame([row for rows in files for row in rows]), list(DTYPES))
    for name, expected in whole.items():
        found = reduce(
            sketches.merged, (sketches.read(sketches.written(part[name])) for part in parts), Sketch(0, 0)
        )
        assert found == expected, name
        values = [row[list(DTYPES).index(name)] for rows in files for row in rows]
        present = [v for v in values if v is not None]
        assert (found.rows, found.nulls) == (len(values), len(values) - len(present))
        if name != "f":
            about, true = sketches.distinct(found), len(set(present))
            assert about is not None and abs(about - true) <= 1
        if name == "i" and present:
            assert (found.least, found.most) == (float(min(present)), float(max(present)))


@pytest.mark.parametrize("true", [10, 300, 4_000, 100_000, 400_000])
def test_distinct_values_are_counted_within_seven_in_a_hundred(true: int) -> None:
    """Three standard errors."""
    rows = pl.LazyFrame({"x": [i * 7919 % true for i in range(true + true // 2)]})
    about = sketches.distinct(sketched(rows, ["x"])["x"])
    assert about is not None and abs(about - true) <= 0.07 * true
    if true <= 300:
        assert abs(about - true) <= 0.02 * true


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.9, 0.999])
def test_quantiles_are_off_by_one_in_a_hundred(share: float) -> None:
    chance = random.Random(5)
    values = [round(math.exp(chance.gauss(3, 2)), 2) for _ in range(20_000)]
    values += [-v for v in values[:7_000]]
    found = sketches.quantile(sketched(pl.LazyFrame({"x": values}), ["x"])["x"], share, 0.0)
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    assert found is not None and abs(found - true) <= 0.0101 * abs(true) + 1e-9


def test_what_people_are_shown() -> None:
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(101)]
    rows = pl.LazyFrame(
        {
            "n": [*range(1, 101), None],
            "x": [0.5, float("nan"), *([1.5] * 99)],
            "d": days,
            "t": [datetime(2026, 1, 1, 12, tzinfo=UTC)] * 101,
            "h": [time(12, 30)] * 101,
            "s": ["a", "b", None] * 33 + ["a", "b"],
            "l": [[1], None] * 50 + [[2]],
        }
    )
    found = sketched(rows, ["n", "x", "d", "t", "h", "s", "l"])

    def said(column: str, kind: Any, *, masked: bool = False) -> tuple[Any, ...]:
        f = figures(column, kind, found[column], masked=masked)
        return f.nulls, f.distinct, f.least, f.median, f.greatest, sum(n for _, n in f.bars)

    assert said("n", IntegerType()) == (1, 100, "1", "50", "100", 100)
    assert said("x", NumberType()) == (0, 3, "0.5", "1.49", "1.5", 100)
    assert found["x"].odd == 1
    nulls, distinct, least, median, greatest, _ = said("d", DateType())
    assert (nulls, distinct, least, greatest) == (0, 101, "2026-01-01", "2026-04-11")
    assert abs(date.fromisoformat(median) - date(2026, 2, 20)) < timedelta(days=25)
    assert said("t", TimestampType())[2:5] == ("2026-01-01 12:00:00",) * 3
    assert said("h", TimeType())[2:5] == ("12:30:00",) * 3
    assert said("s", StringType()) == (33, 2, None, None, None, 0)
    assert said("l", StringType()) == (50, None, None, None, None, 0)
    assert said("n", IntegerType(), masked=True) == (1, 100, None, None, None, 0)
