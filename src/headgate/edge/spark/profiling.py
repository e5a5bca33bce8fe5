"""A profile of rows that Spark judged: one job for what each column lacks, one for where rows fail, and up to three for
each column that is shown. Counts come here, and the most frequent texts; never rows.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from headgate.checks.evidence import columns_of
from headgate.edge import tally as figures
from headgate.edge.cells import Cell
from headgate.edge.rows import OBJECT, ROW
from headgate.edge.spark.cast import text_of
from headgate.edge.spark.cells import Laid
from headgate.edge.spark.dialect import SparkSql
from headgate.edge.spark.judging import EXPRESSIONS_MAX, Marked, SparkJudged, mark
from headgate.edge.spark.session import Spark, guarded
from headgate.edge.spark.text import as_if_utc, double
from headgate.edge.tally import (
    CHARACTERS_MAX,
    LENGTH_EXACT,
    NEAR,
    STRETCHES,
    TEXTS_MAX,
    WIDTH,
    Stretches,
    Tally,
)
from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.profile import Part, Profile
from headgate.model.rule import Fits

_SQL = SparkSql()
_EXACT = 100  # of the pivot: anything near the middle will do


def profiled(judged: SparkJudged, contract: TableContract, warn: Collection[RuleName] = ()) -> Profile:
    """Figures about the rows behind a verdict. ``warn``: rules that make no row bad. Where rows have no numbers, as
    those of a DataFrame have none, nothing is said of where they are.
    """
    rules = [r for r in contract.complete_rules if r.about_rows]
    warn = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
    told, failed = judged.told, mark(judged, rules)
    tallies = [Tally(c) for c in figures.shown(told, contract, failed.conditions)]
    present = [c for c in told.cells.cells if c.present]
    frame = failed.frame.selectExpr(
        OBJECT,
        ROW,
        f"{failed.bad(warn)} as bad",
        *(f"{c.raw} is null as n{c.number}" for c in present),
        *(
            each
            for t in tallies
            for each in _looked_at(t.cell, judged.laid, _fails(t.cell, contract, failed))
        ),
    )
    nulls = _nulls(frame, present, tallies)
    for tally in tallies:
        _count(tally, frame)
    locations = [each.location for each in judged.laid.rows.objects]
    size = max(1, told.count // STRETCHES)
    stretches = _stretches(frame, size, locations)
    parts = figures.parts_of(stretches)
    return Profile(
        told.count,
        figures.slices_of(stretches, size, parts, told.count) if stretches else (),
        tuple((c.column.name, nulls[c.number]) for c in present),
        tuple(d for t in tallies if (d := figures.distribution(t)) is not None),
        tuple(Part(locations[number], *counts) for number, counts in parts.items()),
    )


def _fails(cell: Cell, contract: TableContract, failed: Marked) -> str:
    """True where the row fails a rule about this column."""
    bodies = {r.name: r.body for r in contract.complete_rules}
    asked = [
        f"({c})" for name, c in failed.conditions.items() if cell.column.name in columns_of(bodies[name])
    ]
    return f"coalesce({' or '.join(asked)}, false)"


def _looked_at(cell: Cell, laid: Laid, fails: str) -> Iterator[str]:
    i, value = cell.number, cell.value
    yield f"{fails} as b{i}"
    if figures.as_number(cell) is not None:
        yield f"{_number(cell)} as y{i}"
    else:
        text = text_of(value, cell.dtype)
        yield f"left({text}, {CHARACTERS_MAX}) as t{i}"
        yield f"length({text}) as l{i}"
    if not cell.total:
        yield f"case when {cell.misfit} then left({laid.raw_texts[i]}, {CHARACTERS_MAX}) end as u{i}"


def _number(cell: Cell) -> str:
    """As a double: dates in days, timestamps in seconds since 1970, times of day (which are text here) in seconds."""
    value = cell.value
    match cell.dtype:
        case pl.Date():
            return f"cast(unix_date({value}) as double)"
        case pl.Datetime():
            instant = value if cell.dtype.time_zone is not None else as_if_utc(value)
            return f"unix_micros({instant}) / 1e6"
        case pl.Time():
            hours, minutes, seconds = (
                f"cast(substr({value}, {at}) as double)" for at in ("1, 2", "4, 2", "7")
            )
            return f"({hours} * 3600 + {minutes} * 60 + {seconds})"
    return f"cast({value} as double)"


def _nulls(frame: Spark, present: Sequence[Cell], tallies: Sequence[Tally]) -> Mapping[int, int]:
    """Rows without a value, by column; and a pivot for every column of numbers."""
    asked = [f"count_if(n{c.number}) as n{c.number}" for c in present]
    numbers = [t for t in tallies if figures.as_number(t.cell) is not None]
    for t in numbers:
        y = f"y{t.cell.number}"
        asked.append(f"percentile_approx(case when {_SQL.finite(y)} then {y} end, 0.5, {_EXACT}) as {y}")
    row: dict[str, Any] = {}
    for at in range(0, len(asked), EXPRESSIONS_MAX):
        row |= guarded(frame.selectExpr(*asked[at : at + EXPRESSIONS_MAX]).collect)[0].asDict()
    for t in numbers:
        t.pivot = row[f"y{t.cell.number}"]
    return {c.number: row[f"n{c.number}"] for c in present}


def _count(tally: Tally, frame: Spark) -> None:
    i = tally.cell.number
    if figures.as_number(tally.cell) is not None:
        _count_numbers(tally, frame)
    else:
        for row in _most(frame, f"t{i}", f"b{i}"):
            tally.texts.setdefault(row[f"t{i}"], [0, 0])[row[f"b{i}"]] += row["count"]
        tally.forgot = sum(map(sum, tally.texts.values())) < _count_lengths(tally, frame)
    if not tally.cell.total:
        tally.unfit = {row[f"u{i}"]: row["count"] for row in _most(frame, f"u{i}")}


def _count_lengths(tally: Tally, frame: Spark) -> int:
    """How many texts there are."""
    i = tally.cell.number
    step = f"cast(power(10, length(cast(l{i} as string)) - 2) as int)"
    length = f"case when l{i} < {LENGTH_EXACT} then l{i} else l{i} - l{i} % {step} end as l"
    found = frame.filter(f"l{i} is not null").selectExpr(length, f"b{i}").groupBy("l", f"b{i}").count()
    for row in guarded(found.collect):
        tally.lengths.setdefault(row["l"], [0, 0])[row[f"b{i}"]] += row["count"]
    return sum(map(sum, tally.lengths.values()))


def _most(frame: Spark, text: str, *beside: str) -> Any:
    """The most frequent texts, with how many rows have them."""
    found = frame.filter(f"{text} is not null").groupBy(text, *beside).count()
    return guarded(found.orderBy(found["count"].desc(), text, *beside).limit(TEXTS_MAX).collect)


def _count_numbers(tally: Tally, frame: Spark) -> None:
    y, flag = f"y{tally.cell.number}", f"b{tally.cell.number}"
    far = f"({y} - {double(tally.pivot or 0.0)})"
    most = double(sys.float_info.max)  # the ends of all numbers are further apart
    far = f"greatest(least({far}, {most}), -{most})"
    steps = f"ceil((ln(abs({far})) - {double(math.log(NEAR))}) / {double(WIDTH)})"
    bucket = f"cast(case when abs({far}) <= {double(NEAR)} then 0 else sign({far}) * {steps} end as int)"
    odd = f"case when isnan({y}) then 'NaN' when {y} > 0 then 'inf' else '-inf' end"
    finite = _SQL.finite(y)
    found = (
        frame.filter(f"{y} is not null")
        .selectExpr(
            flag,
            f"case when {finite} then {bucket} end as at",
            f"case when not {finite} then {odd} end as odd",
            f"{y} as least",
            f"{y} as most",
            "1L as rows",
        )
        .groupBy(flag, "at", "odd")
        .agg({"rows": "sum", "least": "min", "most": "max"})
    )
    for row in guarded(found.collect):
        bad, rows = row[flag], row["sum(rows)"]
        if row["odd"] is not None:
            tally.odd.setdefault(row["odd"], [0, 0])[bad] += rows
        else:
            tally.number(row["at"], bad=bad, rows=rows, least=row["min(least)"], most=row["max(most)"])


def _stretches(frame: Spark, size: int, locations: Sequence[str]) -> Stretches:
    """Rows and bad rows of each stretch of ``size`` rows of an object; nothing of rows without a number."""
    at = f"cast(({ROW} - 1) div {size} as int) as at"
    placed = frame.filter(f"{ROW} is not null").selectExpr(
        OBJECT, at, "1L as rows", "cast(bad as bigint) as bad"
    )
    found = placed.groupBy(OBJECT, "at").agg({"rows": "sum", "bad": "sum"})
    numbers = {location: number for number, location in enumerate(locations)}
    return {
        (numbers[row[OBJECT]], row["at"]): [row["sum(rows)"], row["sum(bad)"]]
        for row in guarded(found.collect)
        if row[OBJECT] in numbers
    }
