"""Rules about the table that are measured for each segment: one group for each combination of values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl

from headgate.checks.segments import SEGMENTS_MAX
from headgate.edge.cells import Cell, Cells
from headgate.edge.folding import Meaningless
from headgate.edge.render_rules import Answers, holds
from headgate.edge.rows import Rows, collected
from headgate.model.rule import DuplicateRows, FailingRows, Measured, Not
from headgate.ports import Group

_ROWS, _FAILING = "rows", "failing"


def groups(
    body: Measured, by: Sequence[Cell], keys: Sequence[Cell], cells: Cells, answers: Answers, rows: Rows
) -> tuple[Group, ...]:
    """The groups of ``cells``, of which only the rows that the rule looks at are left.

    ``keys``: what `DuplicateRows` compares. Raises Meaningless if there are too many, or as `holds`.
    """
    names = [c.value for c in by]
    lazy = cells.lazy
    counted = pl.len()
    if isinstance(body.measure, FailingRows):
        bad = holds(Not(body.measure.predicate), cells, answers)
        if isinstance(bad, bool):
            lazy = lazy.with_columns(pl.lit(value=bad).alias(_FAILING))
        else:
            lazy = lazy.with_columns(bad.alias(_FAILING))
        counted = pl.col(_FAILING).sum()
    elif isinstance(body.measure, DuplicateRows):
        own = [c.value for c in keys]
        alike = lazy.group_by(list(dict.fromkeys([*names, *own]))).agg(pl.len().cast(pl.Int64).alias(_ROWS))
        whole = pl.all_horizontal(pl.col(name).is_not_null() for name in own)
        lazy = alike.with_columns(pl.when(whole).then(pl.col(_ROWS) - 1).otherwise(0).alias(_FAILING))
        counted = pl.col(_FAILING).sum()
    total = pl.col(_ROWS).sum() if isinstance(body.measure, DuplicateRows) else pl.len()
    query = lazy.group_by(names).agg(
        total.cast(pl.Int64).alias(_ROWS), counted.cast(pl.Int64).alias(_FAILING)
    )
    found = collected(query.limit(SEGMENTS_MAX + 1), rows)
    return listed(found)


def listed(found: pl.DataFrame) -> tuple[Group, ...]:
    """A group for each row: the segment's values, its rows, and those that count. Raises Meaningless: too many."""
    if found.height > SEGMENTS_MAX:
        raise Meaningless(f"there are more than {SEGMENTS_MAX:,} segments")
    groups: dict[tuple[str | None, ...], Group] = {}
    for *values, count, failing in found.iter_rows():
        key = tuple(as_text(value) for value in values)
        other = groups.get(key, Group(key, 0, 0))
        groups[key] = Group(key, other.rows + count, other.failing + failing)
    return tuple(groups.values())


def as_text(value: Any) -> str | None:
    """A segment's value as every engine writes it; None is null."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value + 0.0)  # -0.0 and 0.0 are one value
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)
