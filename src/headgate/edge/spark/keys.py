"""Keys on Spark: which are doubled, which lead nowhere. One job each; the keys at fault stay where the data are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from headgate.checks.segments import SEGMENTS_MAX
from headgate.edge.cells import Cell
from headgate.edge.cells import as_text as local_text
from headgate.edge.judging import refuse_text
from headgate.edge.segments import listed
from headgate.edge.spark.cast import type_of, typed
from headgate.edge.spark.cells import Laid
from headgate.edge.spark.rows import SparkPart, SparkRows, collected, handed
from headgate.edge.spark.session import Spark, guarded
from headgate.ports import Group


@dataclass(frozen=True, slots=True)
class SparkKeys:
    """Keys at fault, each once, in columns ``names`` of ``frame``. ``rows``: how many rows hold them, of those for
    which ``within`` is true. ``beyond``: rows beyond the first of each doubled key.
    """

    names: tuple[str, ...]
    frame: Spark
    rows: int
    beyond: int = 0
    within: str | None = None


def doubled(over: Laid, own: Sequence[Cell], within: str | None) -> SparkKeys:
    """Keys that occur more than once; those with a null take no part."""
    return _found(_counted(over, own, within).filter("count > 1"), own, within)


def orphans(
    over: Laid, own: Sequence[Cell], within: str | None, parent: SparkRows, columns: Sequence[str]
) -> SparkKeys:
    """Keys that do not occur among ``columns`` of ``parent``, by position. Parts of it that lack one hold no key."""
    names = [c.value for c in own]
    mine = _counted(over, own, within)
    for part in parent.parts:
        if set(columns) <= set(part.columns):
            mine = mine.join(_parent_keys(part, parent, columns, own), on=names, how="left_anti")
    return _found(mine, own, within)


def _counted(over: Laid, own: Sequence[Cell], within: str | None) -> Spark:
    asked = [f"{c.value} is not null" for c in own] + ([within] if within else [])
    return over.frame.filter(" and ".join(asked)).groupBy(*(c.value for c in own)).count()


def _found(keys: Spark, own: Sequence[Cell], within: str | None) -> SparkKeys:
    query = keys.selectExpr("coalesce(sum(count), 0L) as rows", "count(1) as keys")
    row = guarded(query.collect)[0]
    return SparkKeys(
        tuple(c.value for c in own), keys.drop("count"), row["rows"], row["rows"] - row["keys"], within
    )


def _parent_keys(part: SparkPart, parent: SparkRows, columns: Sequence[str], own: Sequence[Cell]) -> Spark:
    """The parent's key columns, named and typed as ours. Raises Meaningless."""
    at = [part.columns.index(name) for name in columns]
    if part.local is not None:
        plain = [
            local_text(pl.col(f"c{i}"), part.local.dtypes[i]).alias(f"c{i}")
            if isinstance(part.local.dtypes[i], pl.Time)
            else pl.col(f"c{i}")
            for i in dict.fromkeys(at)
        ]
        frame = handed(parent.session, part.local.lazy.select(plain), parent.described)
        types = {f.name: f.dataType for f in frame.schema.fields}
        have = [types[f"c{i}"] for i in at]
    else:
        frame, have = part.frame, [part.types[i] for i in at]
    for name, i, type_, c in zip(columns, at, have, own, strict=True):
        text = type_.typeName() == "string" if part.local is None else part.local.dtypes[i] == pl.String
        if text:
            refuse_text(c, name)
    return frame.selectExpr(
        *(
            f"cast({typed(f'c{i}', type_, c.kind).value} as {type_of(c.kind, type_)}) as {c.value}"
            for i, type_, c in zip(at, have, own, strict=True)
        )
    )


def marked(frame: Spark, keys: SparkKeys, name: str) -> Spark:
    """``frame`` with a column ``name``, true in the rows that hold one of the keys, else null."""
    flagged = keys.frame.selectExpr(*keys.names, f"true as {name}")
    return frame.join(flagged, on=list(keys.names), how="left")


def grouped(frame: Spark, names: Sequence[str], keys: Sequence[str], failed: str | None) -> tuple[Group, ...]:
    """Segments: rows, and those for which ``failed`` is true, or that are beyond the first of their ``keys``.

    Raises Meaningless if there are too many.
    """
    if keys:
        both = list(dict.fromkeys([*names, *keys]))
        whole = " and ".join(f"{key} is not null" for key in keys)
        beyond = f"case when {whole} then count - 1L else 0L end as failing"
        marked_rows = frame.groupBy(*both).count().selectExpr(*names, "count as rows", beyond)
    else:
        # Without a condition every row counts: the measure is how many there are.
        flag = f"case when {failed} then 1L else 0L end" if failed else "1L"
        marked_rows = frame.selectExpr(*names, "1L as rows", f"{flag} as failing")
    totals = marked_rows.groupBy(*names).agg({"rows": "sum", "failing": "sum"})
    return listed(
        collected(totals.selectExpr(*names, "`sum(rows)`", "`sum(failing)`").limit(SEGMENTS_MAX + 1))
    )
