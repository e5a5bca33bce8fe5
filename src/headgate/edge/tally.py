"""Figures about columns of rows that were judged, reckoned from counts that an engine has made of them.

Numbers are counted in buckets that are 2 % wide, which grow with the distance from a pivot in their middle, so that
years, prices and timestamps all keep their shape; texts in a table of the most frequent ones. So there are few counts,
whatever the rows are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from headgate.checks.evidence import columns_of
from headgate.edge.bins import Kind, histogram
from headgate.edge.cells import Cell
from headgate.edge.judging import Judged
from headgate.model.contract import ArrayType, ObjectType, StringType, TableContract
from headgate.model.names import RuleName
from headgate.model.profile import Bar, Distribution, Slice

SLICES = 100
STRETCHES = 2_000  # counted of all objects together, and one more of each
COLUMNS_MAX = 12  # with a distribution: those with most failing rows
BARS_MAX = 8
TEXTS_MAX = 4_000  # kept of one column
CHARACTERS_MAX = 80  # of one text
UNFIT_SHOWN = 5
WIDTH = math.log(1.02)
NEAR = 1e-9  # from the pivot: nearer than that is the same
LENGTH_EXACT = 1_000  # longer ones to two digits: there may be as many as rows

Stretches = dict[tuple[int, int], list[int]]  # of an object, which one: rows, bad rows


@dataclass(slots=True)
class Tally:
    """What is known of one column so far: counts of good and bad rows."""

    cell: Cell
    pivot: float | None = None
    numbers: dict[int, list[float]] = field(default_factory=dict)  # bucket -> good, bad, least, greatest
    odd: dict[str, list[int]] = field(default_factory=dict)  # NaN and infinities
    texts: dict[str, list[int]] = field(default_factory=dict)
    lengths: dict[int, list[int]] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    forgot: bool = False

    def number(self, bucket: int, *, bad: bool, rows: int, least: float, most: float) -> None:
        kept = self.numbers.setdefault(bucket, [0, 0, math.inf, -math.inf])
        kept[bad] += rows
        kept[2], kept[3] = min(kept[2], least), max(kept[3], most)


def shown(judged: Judged, contract: TableContract, failed: Collection[RuleName]) -> list[Cell]:
    """Columns with failing rows, most of them first, but for those whose values people are not shown."""
    failing: dict[str, int] = {}
    bodies = {r.name: r.body for r in contract.complete_rules}
    for name in failed:
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


def as_number(cell: Cell) -> Kind | None:
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


# -- where ---------------------------------------------------------------------------------------------------


def parts_of(stretches: Stretches) -> dict[int, tuple[int, int, int]]:
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


def slices_of(
    stretches: Stretches, size: int, parts: dict[int, tuple[int, int, int]], count: int
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


def rounded(length: int) -> int:
    """Lengths over `LENGTH_EXACT` to two digits."""
    if length < LENGTH_EXACT:
        return length
    step: int = 10 ** (len(str(length)) - 2)
    return length // step * step


def prune(kept: dict[str, Any], weight: Callable[[Any], int]) -> bool:
    """Drop the rarer half of too many texts; True if that was done."""
    if len(kept) <= TEXTS_MAX:
        return False
    for text in sorted(kept, key=lambda t: weight(kept[t]))[: len(kept) - TEXTS_MAX // 2]:
        del kept[text]
    return True


def distribution(tally: Tally) -> Distribution | None:
    name, unfit = tally.cell.column.name, _top(tally.unfit)
    kind = as_number(tally.cell)
    if kind is not None:
        numbers = [(least, most, int(g), int(b)) for g, b, least, most in tally.numbers.values()]
        bars = histogram(sorted(numbers), kind)
        bars += tuple(Bar(text, *counts) for text, counts in sorted(tally.odd.items()))
        return Distribution(name, "numbers", bars, unfit) if bars or unfit else None
    if not tally.texts:
        return Distribution(name, "values", (), unfit) if unfit else None
    bars, covered = _most_frequent(tally)
    if covered or not isinstance(tally.cell.kind, StringType):
        return Distribution(name, "values", bars, unfit, about=tally.forgot)
    lengths = sorted((float(n), float(n), g, b) for n, (g, b) in tally.lengths.items())
    return Distribution(name, "lengths", histogram(lengths, "whole"), unfit)


def _most_frequent(tally: Tally) -> tuple[tuple[Bar, ...], bool]:
    """The most frequent texts, the bad ones first, and whether they say enough: a tenth of the good or bad rows."""
    good, bad = (sum(counts[i] for counts in tally.lengths.values()) for i in (0, 1))
    by_bad = sorted((t for t in tally.texts if tally.texts[t][1]), key=lambda t: (-tally.texts[t][1], t))
    by_good = sorted((t for t in tally.texts if tally.texts[t][0]), key=lambda t: (-tally.texts[t][0], t))
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
