"""A profile of rows that were judged: one pass, streaming, with a bounded memory of each column."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator

import polars as pl

from headgate.checks.evidence import columns_of
from headgate.edge import tally as figures
from headgate.edge.cells import Cell, as_text
from headgate.edge.judging import Judged
from headgate.edge.marking import WORD, Mark, Masks, masks
from headgate.edge.rows import OBJECT, ROW, guarded
from headgate.edge.tally import CHARACTERS_MAX, NEAR, STRETCHES, WIDTH, Stretches, Tally, as_number
from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.profile import Part, Profile
from headgate.model.rule import Fits


def profiled(
    judged: Judged, contract: TableContract, warn: Collection[RuleName] = (), mark: Mark = masks
) -> Profile:
    """Figures about the rows behind a verdict. ``warn``: rules that make no row bad."""
    rules = [r for r in contract.complete_rules if r.about_rows]
    warn = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
    marked = mark(judged, judged.cells, rules)
    tallies = [Tally(c) for c in figures.shown(judged, contract, marked.rules)]
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
    stretches: Stretches = {}
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
    parts = figures.parts_of(stretches)
    return Profile(
        judged.count,
        figures.slices_of(stretches, size, parts, judged.count),
        tuple((names[number], count) for number, count in nulls.items()),
        tuple(d for t in tallies if (d := figures.distribution(t)) is not None),
        tuple(Part(judged.rows.where(number), *counts) for number, counts in parts.items()),
    )


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
    if as_number(cell) is not None:
        yield _number(value, cell).alias(f"y{i}")
    else:
        text = as_text(value, cell.dtype)
        yield text.str.head(CHARACTERS_MAX).alias(f"t{i}")
        yield text.str.len_chars().alias(f"l{i}")
    if not cell.total:
        raw = as_text(pl.col(cell.raw), cell.raw_dtype).str.head(CHARACTERS_MAX)
        yield pl.when(value.is_null() & ~pl.col(cell.missing)).then(raw).alias(f"u{i}")


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


def _count_stretches(block: pl.DataFrame, size: int, stretches: Stretches) -> None:
    """Rows and bad rows of each stretch of ``size`` rows of an object: blocks come in any order."""
    placed = block.select(OBJECT, ((pl.col(ROW) - 1) // size).alias("at"), "bad")
    for number, at, rows, bad in (
        placed.group_by(OBJECT, "at").agg(pl.len(), pl.col("bad").sum().alias("n")).iter_rows()
    ):
        kept = stretches.setdefault((number, at), [0, 0])
        kept[0] += rows
        kept[1] += bad


# -- one column ---------------------------------------------------------------------------------------------


def _count(tally: Tally, block: pl.DataFrame) -> None:
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
            tally.lengths.setdefault(figures.rounded(length), [0, 0])[bad] += rows
        tally.forgot |= figures.prune(tally.texts, sum)
    if f"u{i}" in block.columns:
        for text, rows in block.select(f"u{i}").drop_nulls().group_by(f"u{i}").len().iter_rows():
            tally.unfit[text] = tally.unfit.get(text, 0) + rows
        figures.prune(tally.unfit, int)


def _count_numbers(tally: Tally, block: pl.DataFrame) -> None:
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
        tally.number(at, bad=bad, rows=rows, least=least, most=most)
