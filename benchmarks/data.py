"""The benchmarks' data: orders, the same bytes' worth of values on every machine, and small files with planted errors.

Every value is a mixed function of the row number alone, so no generator's version can change the data. The key
is a bijection of 62 bits: unique by construction, without any order, and too sparse for bitmaps or statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from measure import WORK

COUNTRIES = ("AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE")
STATES = ("placed", "paid", "packed", "shipped", "returned")
RULES = (
    "order_id.required",
    "order_id.unique",
    "account.required",
    "account.pattern",
    "country.required",
    "country.enum",
    "status.enum",
    "quantity.required",
    "quantity.minimum",
    "quantity.maximum",
    "amount.required",
    "amount.minimum",
    "amount.maximum",
    "discount.minimum",
    "discount.maximum",
    "ordered_at.required",
)
WRONG: dict[str, object] = {
    "account.pattern": "AC-12345x",
    "country.enum": "XX",
    "status.enum": "lost",
    "quantity.minimum": 0,
    "quantity.maximum": 1001,
    "amount.minimum": 0.0,
    "amount.maximum": 100_000.01,
    "discount.minimum": -0.01,
    "discount.maximum": 0.91,
}
BAD_EVERY = 100  # rows of `write_dirty`
ROWS_PER_CHUNK = 1_000_000
ROWS_PER_GROUP = 250_000
ROWS_PLANTED = 2_000
ROWS_SMALL = 1_000


def orders(first: int, rows: int) -> pl.DataFrame:
    """Clean rows ``first`` to ``first + rows``, keys without any order."""
    number = pl.Series("number", range(first, first + rows), dtype=pl.UInt64)
    return pl.DataFrame({"number": number}).select(
        _key(pl.col("number")).cast(pl.Int64).alias("order_id"),
        pl.concat_str(pl.lit("AC-"), (_draw(1) % 1_000_000).cast(pl.String).str.zfill(6)).alias("account"),
        _one_of(COUNTRIES, 2).alias("country"),
        _one_of(STATES, 3).alias("status"),
        (_draw(4) % 1000 + 1).cast(pl.Int32).alias("quantity"),
        ((_draw(5) % 10_000_000 + 1) / 100).alias("amount"),
        pl.when(_draw(6) % 10 > 0).then((_draw(7) % 91) / 100).alias("discount"),
        (
            pl.lit(datetime(2026, 1, 1, tzinfo=UTC))
            + pl.duration(seconds=(_draw(8) % 31_536_000).cast(pl.Int64))
        ).alias("ordered_at"),
    )


def write_orders(path: Path, rows: int) -> Path:
    """Write ``rows`` clean rows to ``path`` chunk by chunk, unless they are there already."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    writer: pq.ParquetWriter | None = None
    for first in range(0, rows, ROWS_PER_CHUNK):
        table = _arrow(orders(first, min(ROWS_PER_CHUNK, rows - first)))
        writer = writer or pq.ParquetWriter(unfinished, table.schema)
        writer.write_table(table, row_group_size=ROWS_PER_GROUP)
    if writer is not None:
        writer.close()
    return unfinished.rename(path)


def write_dirty(path: Path, rows: int) -> Path:
    """The same orders, but every row whose number ends in 00 breaks one of the rules in turn; none the key's, since
    peers take several nulls in it for duplicates.
    """
    if path.exists():
        return path
    kinds = [r for r in RULES if not r.startswith("order_id.")]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    writer: pq.ParquetWriter | None = None
    for first in range(0, rows, ROWS_PER_CHUNK):
        frame = orders(first, min(ROWS_PER_CHUNK, rows - first))
        for turn, rule in enumerate(kinds):
            column, _, kind = rule.partition(".")
            number = pl.int_range(first, first + pl.len())
            here = (number % BAD_EVERY == 0) & (number // BAD_EVERY % len(kinds) == turn)
            frame = frame.with_columns(
                pl.when(here).then(_wrong(column, kind)).otherwise(pl.col(column)).alias(column)
            )
        table = _arrow(frame)
        writer = writer or pq.ParquetWriter(unfinished, table.schema)
        writer.write_table(table, row_group_size=ROWS_PER_GROUP)
    if writer is not None:
        writer.close()
    return unfinished.rename(path)


def small_files(files: int, kind: str = "parquet", *, rising: bool = True) -> Iterator[Path]:
    """Deliveries of 1,000 rows whose keys grow from row to row and from file to file, as ingested ones often do.

    Not ``rising``: keys in no order, so that a new one may be anywhere among those that are there.
    """
    folder = WORK / "data" / (f"small-{kind}" if rising else f"small-scattered-{kind}")
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        path = folder / f"orders-{number:05d}.{kind}"
        if not path.exists():
            first = number * ROWS_SMALL
            key = pl.int_range(first, first + ROWS_SMALL, dtype=pl.Int64).alias("order_id")
            rows = orders(first, ROWS_SMALL)
            rows = rows.with_columns(key) if rising else rows
            if kind == "csv":
                rows.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
            else:
                pq.write_table(_arrow(rows), path)
        yield path


@dataclass(frozen=True, slots=True)
class Planted:
    """A small file and the truth about it: at least one of ``must``, and nothing outside ``may``, fails."""

    path: Path
    must: frozenset[str]
    may: frozenset[str]

    def agrees(self, failed: frozenset[str]) -> bool:
        return failed <= self.may and (not self.must or bool(failed & self.must))


def planted(folder: Path) -> Iterator[Planted]:
    """A clean file, one per rule that breaks this rule alone, and NaN where a range is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = orders(0, ROWS_PLANTED)
    yield _plant(folder, "clean", clean)
    for rule in RULES:
        column, _, kind = rule.partition(".")
        yield _plant(folder, rule, clean.with_columns(_broken(column, kind)), rule)
    # Which of a column's rules catches a NaN is the engine's own choice; that one does is not.
    for column in ("amount", "discount"):
        nan = pl.when(_rows(17)).then(float("nan")).otherwise(pl.col(column)).alias(column)
        yield _plant(
            folder, f"{column}.nan", clean.with_columns(nan), *(r for r in RULES if r.startswith(column))
        )


def _plant(folder: Path, name: str, frame: pl.DataFrame, *fail: str) -> Planted:
    path = folder / f"{name}.parquet"
    pq.write_table(_arrow(frame), path)
    return Planted(path, frozenset(fail), frozenset(fail))


def _broken(column: str, kind: str) -> pl.Expr:
    """The column with the one error that breaks ``kind``, in one row (``unique``: in two)."""
    if kind == "unique":
        # Far apart, so that only looking at all the rows finds it.
        return pl.when(_rows(1_990)).then(pl.col(column).get(3)).otherwise(pl.col(column)).alias(column)
    return pl.when(_rows(17)).then(_wrong(column, kind)).otherwise(pl.col(column)).alias(column)


def _wrong(column: str, kind: str) -> pl.Expr:
    return pl.lit(None) if kind == "required" else pl.lit(WRONG[f"{column}.{kind}"])


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """With plain strings: not every reader of Parquet knows Arrow's string views."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _rows(row: int) -> pl.Expr:
    return pl.int_range(pl.len()) == row


def _key(number: pl.Expr) -> pl.Expr:
    """Odd factors and right shifts permute the numbers below 2**62, which stay positive as int64."""
    key = number
    for factor in (0x1B87_3593_CC9E_2D51, 0x2545_F491_4F6C_DD1D):
        key = (key * pl.lit(factor, pl.UInt64)) & pl.lit(2**62 - 1, pl.UInt64)
        key = key ^ (key // 2**31)
    return key


def _draw(column: int) -> pl.Expr:
    """A pseudo-random number below 2**30 per row, another for each column."""
    return _key(pl.col("number") * 16 + column) // 2**32


def _one_of(values: tuple[str, ...], column: int) -> pl.Expr:
    return pl.lit(pl.Series(values)).gather(_draw(column) % len(values))
