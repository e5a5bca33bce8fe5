"""Keys: which ones are doubled, which meet published rows, which lead nowhere. Exact, streaming, lean.

Keys are compared as values of their contract types; rows with a null in a key take no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from headgate.edge.rows import Rows, collected

FEW_ROWS = 500_000  # below, one group_by is as fast as anything, and exact at once


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys at fault, each once, in columns ``names`` of the rows. ``rows``: how many rows hold them.

    ``beyond``: rows beyond the first of each doubled key.
    """

    names: tuple[str, ...]
    frame: pl.DataFrame
    rows: int
    beyond: int = 0


def doubled(lazy: pl.LazyFrame, names: Sequence[str], count: int, rows: Rows | None = None) -> Keys:
    """Keys that occur more than once among ``count`` rows.

    Many rows: one column of integers (the keys, or their hashes) is all that is held. Only if two of those are
    alike are the keys behind them looked at, exactly. On 10 M integers that is half the time and a third of the
    memory of a group_by, and it never holds text.
    """
    keys = lazy.select(names).drop_nulls()
    if count > FEW_ROWS and (mark := _mark(lazy, names)) is not None:
        marks = collected(keys.select(mark.alias("mark")), rows).to_series()
        if marks.n_unique() == len(marks):
            return Keys(tuple(names), collected(keys.limit(0)), 0)
        keys = keys.filter(mark.is_in(_repeated(marks).implode()))
    query = keys.group_by(names).agg(pl.len().cast(pl.Int64).alias("count")).filter(pl.col("count") > 1)
    found = collected(query, rows)
    total = int(found.get_column("count").sum() or 0)
    return Keys(tuple(names), found.drop("count"), total, total - found.height)


def _mark(lazy: pl.LazyFrame, names: Sequence[str]) -> pl.Expr | None:
    schema = lazy.collect_schema()
    return mark(names, [schema[name] for name in names])


def mark(names: Sequence[str], dtypes: Sequence[pl.DataType]) -> pl.Expr | None:
    """An integer that is the same for equal keys: the key itself, or a hash of it. None where hashes are no use."""
    if len(names) == 1 and dtypes[0].is_integer():
        return pl.col(names[0])
    if any(dtype.is_float() or dtype.is_nested() for dtype in dtypes):
        return None  # 0.0 and -0.0 are one key, and need not have one hash
    return pl.col(names[0]).hash() if len(names) == 1 else pl.struct(names).hash()


def _repeated(marks: pl.Series) -> pl.Series:
    """The values that occur more than once, each once. Reorders ``marks``."""
    marks = marks.sort(in_place=True)
    same = marks.slice(1) == marks.slice(0, len(marks) - 1)
    return marks.slice(1).filter(same).unique()


def meeting(
    lazy: pl.LazyFrame, names: Sequence[str], published: pl.LazyFrame, rows: Rows | None = None
) -> Keys:
    """Keys that occur among ``published``, whose key columns have the same names and types."""
    mine = lazy.select(names).drop_nulls().group_by(names).agg(pl.len().cast(pl.Int64).alias("count"))
    theirs = published.select(names).drop_nulls()
    found = collected(mine.join(theirs, on=list(names), how="semi"), rows)
    return Keys(tuple(names), found.drop("count"), int(found.get_column("count").sum() or 0))


def orphans(lazy: pl.LazyFrame, names: Sequence[str], parent: pl.LazyFrame, rows: Rows | None = None) -> Keys:
    """Keys that do not occur among ``parent``, whose columns have the same names and types."""
    lost = lazy.select(names).drop_nulls().join(parent, on=list(names), how="anti")
    found = collected(lost.group_by(names).agg(pl.len().cast(pl.Int64).alias("count")), rows)
    return Keys(tuple(names), found.drop("count"), int(found.get_column("count").sum() or 0))


def together(one: Keys, other: Keys, lazy: pl.LazyFrame, rows: Rows | None = None) -> Keys:
    """The keys of both, and how many rows hold them."""
    if not one.frame.height or not other.frame.height:
        return one if one.frame.height else other
    frame = pl.concat([one.frame, other.frame]).unique()
    held = lazy.select(one.names).join(frame.lazy(), on=list(one.names), how="semi").select(pl.len())
    return Keys(one.names, frame, int(collected(held, rows).item()), one.beyond)


def marked(lazy: pl.LazyFrame, keys: Keys, name: str) -> pl.LazyFrame:
    """``lazy`` with a column ``name``, true in the rows that hold one of the keys."""
    flagged = keys.frame.lazy().with_columns(pl.lit(value=True).alias(name))
    joined = lazy.join(flagged, on=list(keys.names), how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(value=False))
