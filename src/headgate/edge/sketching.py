"""Sketches of columns, made from rows; and what they say, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import polars as pl

from headgate.checks import sketches
from headgate.edge.bins import Kind, histogram, written
from headgate.edge.rows import collected_all
from headgate.model.contract import (
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    TimestampType,
    TimeType,
)
from headgate.model.sketch import NEAR, REGISTERS, WIDTH, Figures, Sketch

_DAYS_2020 = float((date(2020, 1, 1) - date(1970, 1, 1)).days)
_HASH_BITS = 64


def sketched(lazy: pl.LazyFrame, columns: Sequence[str]) -> dict[str, Sketch]:
    """Sketches of columns of rows, in three small queries each."""
    schema = lazy.collect_schema()
    order = {name: number for number, name in enumerate(schema)}
    numbered = lazy.rename({name: f"c{number}" for name, number in order.items()})
    return {name: _sketched(numbered.select(f"c{order[name]}"), schema[name]) for name in columns}


def _sketched(lazy: pl.LazyFrame, dtype: pl.DataType) -> Sketch:
    [name] = lazy.collect_schema()
    value = pl.col(name)
    asked = [lazy.select(pl.len(), value.null_count().alias("nulls"))]
    if dtype.is_nested():
        rows, nulls = collected_all(asked)[0].row(0)
        return Sketch(rows, nulls)
    kept = lazy.drop_nulls()
    bits = REGISTERS.bit_length() - 1
    hashed = kept.select(value.hash().alias("h"))
    # The first bit that is set in what the register's number leaves of the hash.
    rank = (pl.col("h") // REGISTERS).bitwise_leading_zeros().cast(pl.Int64) - bits + 1
    asked.append(hashed.group_by((pl.col("h") % REGISTERS).alias("at")).agg(rank.max().alias("rank")))
    number, origin = _number(value, dtype)
    if number is not None:
        far = pl.col("y") - origin
        steps = ((far.abs().log() - math.log(NEAR)) / math.log(WIDTH)).ceil()  # a quotient could be infinite
        bucket = pl.when(far.abs() <= NEAR).then(0.0).otherwise(far.sign() * steps)
        finite = kept.select(number.alias("y")).filter(pl.col("y").is_finite())
        counted = finite.group_by(bucket.cast(pl.Int32).alias("at"))
        asked.append(counted.agg(pl.len(), pl.col("y").min().alias("a"), pl.col("y").max().alias("b")))
    found = collected_all(asked)
    rows, nulls = found[0].row(0)
    registers = bytearray(REGISTERS)
    for at, most in found[1].iter_rows():
        registers[at] = most
    if number is None:
        return Sketch(rows, nulls, registers=bytes(registers))
    buckets = {at: count for at, count, _, _ in found[2].iter_rows()}
    odd = rows - nulls - sum(buckets.values())
    least, most = found[2].get_column("a").min(), found[2].get_column("b").max()
    assert isinstance(least, float | None)
    assert isinstance(most, float | None)
    return Sketch(rows, nulls, odd, least, most, buckets, bytes(registers))


def _number(value: pl.Expr, dtype: pl.DataType) -> tuple[pl.Expr | None, float]:
    """As a float, exactly the same in each run, and where buckets are counted from."""
    if dtype.is_numeric():
        return value.cast(pl.Float64), 0.0
    if isinstance(dtype, pl.Date):
        return value.to_physical().cast(pl.Float64), _DAYS_2020
    if isinstance(dtype, pl.Datetime):
        return value.dt.epoch("s").cast(pl.Float64), _DAYS_2020 * 86_400
    if isinstance(dtype, pl.Time):
        return (value.to_physical() // 1_000_000_000).cast(pl.Float64), 0.0
    return None, 0.0


def figures(column: str, kind: ColumnType, sketch: Sketch, *, masked: bool) -> Figures:
    """A column for people; of one that is ``masked`` no values."""
    shown = _kind(kind)
    about = sketches.distinct(sketch)
    if shown is None or masked or sketch.least is None or sketch.most is None:
        return Figures(column, sketch.nulls, about)
    origin = {"date": _DAYS_2020, "timestamp": _DAYS_2020 * 86_400}.get(shown, 0.0)
    median = sketches.quantile(sketch, 0.5, origin) or 0.0
    buckets = [(*sketches.ends(sketch, at, origin), rows, 0) for at, rows in sorted(sketch.buckets.items())]
    bars = tuple((bar.label, bar.good) for bar in histogram(buckets, shown))
    least, most = (written(v, shown, 0.0) for v in (sketch.least, sketch.most))
    sure = abs(median - origin) / 100  # of an estimate no more digits than that
    middle = written(median, shown, sure if shown == "number" else 0.0)
    return Figures(column, sketch.nulls, about, least, middle, most, bars)


def _kind(kind: ColumnType) -> Kind | None:
    match kind:
        case IntegerType():
            return "whole"
        case NumberType() | DecimalType():
            return "number"
        case DateType():
            return "date"
        case TimestampType():
            return "timestamp"
        case TimeType():
            return "time"
        case _:
            return None
