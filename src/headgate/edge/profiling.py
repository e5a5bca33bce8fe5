"""A profile of rows that were judged: one pass, streaming, with a bounded memory of each column.

Numbers are counted in a sketch with 2 % wide buckets, which grow with the distance from the first block's median, so
that years, prices and timestamps all keep their shape; texts in a table of the most frequent ones.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from headgate.checks.evidence import columns_of
from headgate.edge.bins import Kind, histogram
from headgate.edge.cells import Cell, as_text
from headgate.edge.judging import Judged
from headgate.edge.marking import WORD, Mark, Masks, masks
from headgate.edge.rows import OBJECT, ROW, guarded
from headgate.model.contract import ArrayType, ObjectType, StringType, TableContract
from headgate.model.names import RuleName
from headgate.model.profile import Bar, Distribution, Part, Profile, Slice
from headgate.model.rule import Fits

SLICES = 100
STRETCHES = 2_000  # counted of all objects together, and one more of each
COLUMNS_MAX = 12  # with a distribution: those with most failing rows
BARS_MAX = 8
TEXTS_MAX = 4_000  # kept of one column
CHARACTERS_MAX = 80  # of one text
UNFIT_SHOWN = 5
WIDTH = math.log(1.02)
NEAR = 1e-9  # from the median: nearer than that is the same


@dataclass(slots=True)
class _Tally:
    """What is known of one column so far: counts of good and bad rows."""

    cell: Cell
    pivot: float | None = None
    numbers: dict[int, list[float]] = field(default_factory=dict)  # bucket -> good, bad, least, greatest
    odd: dict[str, list[int]] = field(default_factory=dict)  # NaN and infinities
    texts: dict[str, list[int]] = field(default_factory=dict)
    lengths: dict[int, list[int]] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    forgot: bool = False


def profiled(
    judged: Judged, contract: TableContract, warn: Collection[RuleName] = (), mark: Mark = masks
) -> Profile:
    """Figures about the rows behind a verdict. ``warn``: rules that make no row bad."""
    rules = [r for r in contract.complete_rules if r.about_rows]
    warn = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
    marked = mark(judged, judged.cells, rules)
    tallies = [_Tally(c) for c in _shown(judged, contract, marked)]
    flags = {t.cell.number: _fails(t.cell, contract, marked) for t in tallies}
    present = [c for c in judged.cells.cells if c.present]
    query = marked.lazy.select(
        OBJECT,
        ROW,
        (marked.bad(warn) if marked.words else pl.lit(value=False)).alias("bad"),
        *(pl.col(c.missing) for c in present),
        *(each for t in tallies for each in _looked_at(t.cell, flags[t.cell.number])),
    )
    nulls = dict.fromkeys((c.number for c in present), 0)
    stretches: dict[tuple[int, int], list[int]] = {}
    size = max(1, judged.count // STRETCHES)

    def run() -> None:
        for block in query.collect_batches(engine="streaming"):
            _count_stretches(block, size, stretches)
            for number, count in zip(
                nulls, block.select(c.missing for c in present).sum().row(0), strict=True
            ):
                nulls[number] += int(count or 0)
            for tally in tallies:
                _count(tally, block)

    guarded(run, judged.rows)
    names = {c.number: c.column.name for c in present}
    parts = _parts(stretches)
    return Profile(
        judged.count,
        _slices(stretches, size, parts, judged.count),
        tuple((names[number], count) for number, count in nulls.items()),
        tuple(d for t in tallies if (d := _distribution(t)) is not None),
        tuple(Part(judged.rows.where(number), *counts) for number, counts in parts.items()),
    )


def _shown(judged: Judged, contract: TableContract, marked: Masks) -> list[Cell]:
    """Columns with failing rows, most of them first, but for those whose values people are not shown."""
    failing: dict[str, int] = {}
    bodies = {r.name: r.body for r in contract.complete_rules}
    for name in marked.rules:
        for column in columns_of(bodies[name]):
            failing[column] = max(failing.get(column, 0), judged.failing.get(name, 0))
    found: list[Cell] = []
    for column in sorted(failing, key=lambda c: -failing[c]):
        cell = judged.cells.of(column)
        if cell is None or not cell.present or cell.column.masked:
            continue
        if not isinstance(cell.kind, ArrayType | ObjectType) and not cell.dtype.is_nested():
            found.append(cell)
    return found[:COLUMNS_MAX]


def _fails(cell: Cell, contract: TableContract, marked: Masks) -> pl.Expr:
    """True where the row fails a rule about this column."""
    bodies = {r.name: r.body for r in contract.complete_rules}
    bits = [0] * len(marked.words)
    for i, name in enumerate(marked.rules):
        if cell.column.name in columns_of(bodies[name]):
            bits[i // WORD] |= 1 << (i % WORD)
    asked = [(w, b) for w, b in zip(marked.words, bits, strict=True) if b]
    return pl.any_horizontal(pl.col(w) & pl.lit(b, pl.Int64) != 0 for w, b in asked)


def _looked_at(cell: Cell, fails: pl.Expr) -> Iterator[pl.Expr]:
    i = cell.number
    yield fails.alias(f"b{i}")
    value = pl.col(cell.value)
    if _as_number(cell) is not None:
        yield _number(value, cell).alias(f"y{i}")
    else:
        text = as_text(value, cell.dtype)
        yield text.str.head(CHARACTERS_MAX).alias(f"t{i}")
        yield text.str.len_chars().alias(f"l{i}")
    if not cell.total:
        raw = as_text(pl.col(cell.raw), cell.raw_dtype).str.head(CHARACTERS_MAX)
        yield pl.when(value.is_null() & ~pl.col(cell.missing)).then(raw).alias(f"u{i}")


def _as_number(cell: Cell) -> Kind | None:
    """How numbers of this column are written on an axis; None for what has no order worth a histogram."""
    dtype = cell.dtype
    if dtype.is_integer():
        return "whole"
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.Date):
        return "date"
    if isinstance(dtype, pl.Datetime):
        return "timestamp"
    return "time" if isinstance(dtype, pl.Time) else None


def _number(value: pl.Expr, cell: Cell) -> pl.Expr:
    """As a float: dates in days, timestamps in seconds since 1970, times of day in seconds."""
    if isinstance(cell.dtype, pl.Date):
        return value.to_physical().cast(pl.Float64)
    if isinstance(cell.dtype, pl.Datetime):
        return value.dt.epoch("us").cast(pl.Float64) / 1e6
    if isinstance(cell.dtype, pl.Time):
        return value.to_physical().cast(pl.Float64) / 1e9
    return value.cast(pl.Float64)


# -- where ---------------------------------------------------------------------------------------------------


def _count_stretches(block: pl.DataFrame, size: int, stretches: dict[tuple[int, int], list[int]]) -> None:
    """Rows and bad rows of each stretch of ``size`` rows of an object: blocks come in any order."""
    placed = block.select(OBJECT, ((pl.col(ROW) - 1) // size).alias("at"), "bad")
    for number, at, rows, bad in (
        placed.group_by(OBJECT, "at").agg(pl.len(), pl.col("bad").sum().alias("n")).iter_rows()
    ):
        kept = stretches.setdefault((number, at), [0, 0])
        kept[0] += rows
        kept[1] += bad


def _parts(stretches: dict[tuple[int, int], list[int]]) -> dict[int, tuple[int, int, int]]:
    """First row, rows and bad rows of each object, one after the other."""
    sums: dict[int, list[int]] = {}
    for (number, _), (rows, bad) in sorted(stretches.items()):
        kept = sums.setdefault(number, [0, 0])
        kept[0] += rows
        kept[1] += bad
    first, found = 1, {}
    for number, (rows, bad) in sums.items():
        found[number] = (first, rows, bad)
        first += rows
    return found


def _slices(
    stretches: dict[tuple[int, int], list[int]], size: int, parts: dict[int, tuple[int, int, int]], count: int
) -> tuple[Slice, ...]:
    """All rows in at most `SLICES` of them. A stretch over the border of two is in the first."""
    counts = [[0, 0] for _ in range(min(SLICES, count))]
    for (number, at), (rows, bad) in stretches.items():
        before = parts[number][0] - 1 + at * size
        kept = counts[min(before * len(counts) // count, len(counts) - 1)]
        kept[0] += rows
        kept[1] += bad
    return tuple(Slice(-(-at * count // len(counts)) + 1, *kept) for at, kept in enumerate(counts))


# -- one column ---------------------------------------------------------------------------------------------


def _count(tally: _Tally, block: pl.DataFrame) -> None:
    i = tally.cell.number
    if f"y{i}" in block.columns:
        _count_numbers(tally, block)
    else:
        flag = f"b{i}"
        texts = block.select(pl.col(f"t{i}"), flag).drop_nulls().group_by(f"t{i}", flag).len()
        for text, bad, rows in texts.iter_rows():
            tally.texts.setdefault(text, [0, 0])[bad] += rows
        lengths = block.select(pl.col(f"l{i}"), flag).drop_nulls().group_by(f"l{i}", flag).len()
        for length, bad, rows in lengths.iter_rows():
            tally.lengths.setdefault(_rounded(length), [0, 0])[bad] += rows
        tally.forgot |= _prune(tally.texts, sum)
    if f"u{i}" in block.columns:
        for text, rows in block.select(f"u{i}").drop_nulls().group_by(f"u{i}").len().iter_rows():
            tally.unfit[text] = tally.unfit.get(text, 0) + rows
        _prune(tally.unfit, int)


def _rounded(length: int) -> int:
    """Lengths over 1,000 to two digits: there may be as many as rows."""
    if length < 1_000:
        return length
    step: int = 10 ** (len(str(length)) - 2)
    return length // step * step


def _prune(kept: dict[str, Any], weight: Callable[[Any], int]) -> bool:
    """Drop the rarer half of too many texts; True if that was done."""
    if len(kept) <= TEXTS_MAX:
        return False
    for text in sorted(kept, key=lambda t: weight(kept[t]))[: len(kept) - TEXTS_MAX // 2]:
        del kept[text]
    return True


def _count_numbers(tally: _Tally, block: pl.DataFrame) -> None:
    i = tally.cell.number
    flag, y = f"b{i}", pl.col(f"y{i}")
    odd = block.select(y.cast(pl.String).alias("y"), flag, y.is_finite().alias("finite")).filter(
        ~pl.col("finite")
    )
    for text, bad, rows in odd.group_by("y", flag).len().select("y", flag, "len").iter_rows():
        tally.odd.setdefault(text, [0, 0])[bad] += rows
    finite = block.select(y, flag).filter(y.is_finite())
    if tally.pivot is None:
        median = finite.select(y.median()).item()
        if median is None:
            return
        tally.pivot = float(median)
    far = (y - tally.pivot).clip(
        -sys.float_info.max, sys.float_info.max
    )  # the ends of all numbers are further apart
    steps = ((far.abs().log() - math.log(NEAR)) / WIDTH).ceil()
    bucket = pl.when(far.abs() <= NEAR).then(0.0).otherwise(far.sign() * steps)
    found = finite.group_by(bucket.cast(pl.Int32).alias("at"), flag).agg(
        pl.len(), y.min().alias("least"), y.max().alias("most")
    )
    for at, bad, rows, least, most in found.iter_rows():
        kept = tally.numbers.setdefault(at, [0, 0, math.inf, -math.inf])
        kept[bad] += rows
        kept[2], kept[3] = min(kept[2], least), max(kept[3], most)


def _distribution(tally: _Tally) -> Distribution | None:
    name, unfit = tally.cell.column.name, _top(tally.unfit)
    kind = _as_number(tally.cell)
    if kind is not None:
        numbers = [(least, most, int(g), int(b)) for g, b, least, most in tally.numbers.values()]
        bars = histogram(sorted(numbers), kind)
        bars += tuple(Bar(text, *counts) for text, counts in tally.odd.items())
        return Distribution(name, "numbers", bars, unfit) if bars or unfit else None
    if not tally.texts:
        return Distribution(name, "values", (), unfit) if unfit else None
    bars, covered = _most_frequent(tally)
    if covered or not isinstance(tally.cell.kind, StringType):
        return Distribution(name, "values", bars, unfit, about=tally.forgot)
    lengths = sorted((float(n), float(n), g, b) for n, (g, b) in tally.lengths.items())
    return Distribution(name, "lengths", histogram(lengths, "whole"), unfit)


def _most_frequent(tally: _Tally) -> tuple[tuple[Bar, ...], bool]:
    """The most frequent texts, the bad ones first, and whether they say enough: a tenth of the good or bad rows."""
    good, bad = (sum(counts[i] for counts in tally.lengths.values()) for i in (0, 1))
    by_bad = sorted((t for t in tally.texts if tally.texts[t][1]), key=lambda t: -tally.texts[t][1])
    by_good = sorted((t for t in tally.texts if tally.texts[t][0]), key=lambda t: -tally.texts[t][0])
    chosen = list(dict.fromkeys([*by_bad[: BARS_MAX // 2], *by_good[: BARS_MAX // 2], *by_bad, *by_good]))[
        :BARS_MAX
    ]
    bars = [Bar(text, *tally.texts[text]) for text in chosen]
    shown_good, shown_bad = sum(b.good for b in bars), sum(b.bad for b in bars)
    enough = shown_good * 10 >= max(good, 1) or shown_bad * 10 >= max(bad, 1)
    if shown_good < good or shown_bad < bad:
        bars.append(Bar("all others", good - shown_good, bad - shown_bad))
    return tuple(bars), enough


def _top(unfit: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(unfit.items(), key=lambda each: (-each[1], each[0]))[:UNFIT_SHOWN])
