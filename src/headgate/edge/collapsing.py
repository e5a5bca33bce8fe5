"""Rows that need not be loaded: identical ones, and older versions of a key."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from headgate.edge.cells import Cell, Cells, as_text, laid
from headgate.edge.keys import doubled
from headgate.edge.rows import OBJECT, ROW, Part, Rows, collected, named_lazy, rows_of
from headgate.model.batch import Mode
from headgate.model.contract import TableContract
from headgate.ports import Collapsed, Frame

IN_MEMORY_MAX = 1_000_000  # keys whose rows are looked at all together
_AMONG = "_among"  # 0: delivered, 1: published


def collapse(
    rows: Rows, contract: TableContract, existing: Frame | None, mode: Mode, order_by: str | None
) -> Collapsed:
    """A cheap pass over keys first; when none is met again, the rows come back as they are."""
    if not contract.primary_key:
        return Collapsed(Frame(rows), 0, 0)
    cells = laid(rows, contract)
    own = [c for name in contract.primary_key if (c := cells.of(name)) is not None and c.present]
    if len(own) < len(contract.primary_key):
        return Collapsed(Frame(rows), 0, 0)  # the check will say that it is absent
    names = [c.value for c in own]
    published = None if existing is None else laid(rows_of(existing), contract).lazy
    order = cells.of(order_by) if order_by and mode == "merge" else None
    count = int(collected(cells.lazy.select(pl.len()), rows).item())
    met = doubled(cells.lazy, names, count, rows).frame
    identical = superseded = pl.DataFrame(schema={ROW: pl.Int64, OBJECT: pl.Int64})
    if published is not None:
        theirs = _met(cells, names, published, rows)
        if theirs.height > IN_MEMORY_MAX:
            identical, superseded = _paired(cells, names, met, published, order, rows)
        else:
            met = pl.concat([met, theirs]).unique()
    if met.height:
        more = _given_way(cells, names, met, published, order, rows)
        identical, superseded = pl.concat([identical, more[0]]), pl.concat([superseded, more[1]])
    gone = pl.concat([identical, superseded])
    if gone.height == 0:
        return Collapsed(Frame(rows), 0, 0)
    left = Rows(
        tuple(_without_rows(part, gone) for part in rows.parts), rows.objects, rows.dialect, rows.explain
    )
    return Collapsed(Frame(left), identical.height, superseded.height)


def _met(cells: Cells, names: Sequence[str], published: pl.LazyFrame, rows: Rows) -> pl.DataFrame:
    """Keys that are published already."""
    mine = cells.lazy.select(names).drop_nulls()
    theirs = published.select(names).drop_nulls()
    return collected(theirs.join(mine, on=list(names), how="semi").unique(), rows)


def _paired(
    cells: Cells,
    names: Sequence[str],
    doubled_keys: pl.DataFrame,
    published: pl.LazyFrame,
    order: Cell | None,
    rows: Rows,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As `_given_way`, for delivered rows that alone have their key: each is held against its published one.

    Nothing but row numbers is kept, so that a table may be delivered as a whole again.
    """
    key = list(names)
    others = [c.value for c in cells.cells if c.value not in names]
    misfit = pl.any_horizontal([pl.lit(value=False), *(pl.col(c.misfit) for c in cells.cells if not c.total)])
    mine = cells.lazy.join(doubled_keys.lazy(), on=key, how="anti").select(
        *key, *others, ROW, OBJECT, misfit.alias("_misfit")
    )
    theirs = published.select(*key, *(pl.col(name).alias(f"p{name}") for name in others))
    alike = pl.all_horizontal(
        [~pl.col("_misfit"), *(pl.col(name).eq_missing(pl.col(f"p{name}")) for name in others)]
    )
    later = pl.lit(value=False)
    if order is not None and order.value in others:
        later = (pl.col(order.value) < pl.col(f"p{order.value}")).fill_null(value=False)
    pairs = mine.join(theirs, on=key, how="inner").select(
        ROW, OBJECT, alike.alias("alike"), (later & ~alike).alias("later")
    )
    found = collected(pairs.filter(pl.col("alike") | pl.col("later")), rows)
    identical = found.filter("alike").select(ROW, OBJECT).unique()
    superseded = found.filter("later").select(ROW, OBJECT).unique()
    return identical, superseded.join(identical, on=[ROW, OBJECT], how="anti")


def _given_way(
    cells: Cells,
    names: Sequence[str],
    met: pl.DataFrame,
    published: pl.LazyFrame | None,
    order: Cell | None,
    rows: Rows,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(row, object) of delivered rows that are identical to one that stays, and of those superseded."""
    values = [c.value for c in cells.cells]
    # A cell that does not fit is compared by its raw value: two kinds of rubbish are not the same row.
    misfits = [c for c in cells.cells if not c.total]
    raws = [pl.when(pl.col(c.misfit)).then(as_text(pl.col(c.raw), c.raw_dtype)).alias(c.raw) for c in misfits]
    same = [*values, *(c.raw for c in misfits)]
    key = list(names)
    mine = cells.lazy.join(met.lazy(), on=key, how="semi").select(
        *values, *raws, ROW, OBJECT, pl.lit(0, pl.Int8).alias(_AMONG)
    )
    frames = [mine]
    if published is not None:
        frames.append(
            published.join(met.lazy(), on=key, how="semi").select(
                *values,
                *(pl.lit(None, pl.String).alias(c.raw) for c in misfits),
                ROW,
                OBJECT,
                pl.lit(1, pl.Int8).alias(_AMONG),
            )
        )
    found = collected(pl.concat(frames, how="vertical_relaxed"), rows)
    # Published rows first, then as delivered: of identical rows the first stays.
    found = found.sort(pl.col(_AMONG), OBJECT, ROW, descending=[True, False, False])
    first = found.select(pl.struct(same).is_first_distinct()).to_series()
    identical = found.filter(~first & (pl.col(_AMONG) == 0)).select(ROW, OBJECT)
    if order is None:
        return identical, identical.clear()
    kept = found.filter(first)
    greatest = pl.col(order.value).max().over(key)
    # Without a value to order by, nobody knows which row is right: it stays, and the check will say so.
    superseded = kept.filter((pl.col(order.value) < greatest) & (pl.col(_AMONG) == 0)).select(ROW, OBJECT)
    return identical, superseded


def _without_rows(part: Part, gone: pl.DataFrame) -> Part:
    lazy = part.lazy.join(gone.lazy(), on=[ROW, OBJECT], how="anti", maintain_order="left")
    return Part(lazy, part.columns, part.dtypes, part.text, part.objects)


def without(rows: Frame, contract: TableContract, keys_of: Frame) -> Frame:
    """Published rows whose key does not occur in ``keys_of``, in their own columns."""
    key = list(contract.primary_key)
    theirs = laid(rows_of(keys_of), contract)
    own = [c for name in key if (c := theirs.of(name)) is not None]
    taken = theirs.lazy.select(pl.col(c.value).alias(c.column.name) for c in own).drop_nulls()
    lazy = named_lazy(rows)
    schema = lazy.collect_schema()
    same = [pl.col(c.column.name).cast(schema[c.column.name], strict=False) for c in own]
    return Frame(lazy.join(taken.select(same), on=key, how="anti", maintain_order="left"))


def together(frames: Sequence[Frame]) -> Frame:
    """One after the other; columns by name."""
    lazies = [named_lazy(f) for f in frames]
    return Frame(pl.concat(lazies, how="diagonal_relaxed") if len(lazies) > 1 else lazies[0])
