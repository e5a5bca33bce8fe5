"""Rules that no row of a Parquet file fails, found by asking for one that does.

The question, a filter on one column, is answered from least and greatest values, counts of nulls and dictionaries
wherever the file has them, and little of the column is read, or nothing. Where a row fails, the search ends there and
the rule is counted like any other. Doubles are not asked about: NaN is missing from what a file says of itself.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping

import polars as pl

from headgate.edge.cells import Cell, Cells
from headgate.edge.render_rules import Answers, Good, columns_of, holds
from headgate.edge.rows import ROW, Rows, collected
from headgate.model.contract import BooleanType, DateType, IntegerType, StringType, TimestampType
from headgate.model.names import RuleName
from headgate.model.rule import AllOf, InRange, Not, NotNull, OneOf, Predicate

BYTES_MIN = 8 << 20  # a smaller file is read in less time than it is asked in
FILES_MAX = 32  # each question opens them all
COLUMNS_MAX = 64  # and costs milliseconds
_SIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)


def unfailed(rows: Rows, cells: Cells, asked: Mapping[RuleName, Predicate]) -> set[RuleName]:
    """Those of ``asked`` that provably no row fails. Only columns all of whose rules can be asked about are."""
    if not _worth_it(rows):
        return set()
    by_column: dict[str, dict[RuleName, list[Good] | None]] = {}
    for name, predicate in asked.items():
        for column in columns_of(predicate):
            found = _failing(predicate, cells) if len(columns_of(predicate)) == 1 else None
            by_column.setdefault(column, {})[name] = found
    proven: set[RuleName] = set()
    for of_rules in list(by_column.values())[:COLUMNS_MAX]:
        parts = [part for each in of_rules.values() if each is not None for part in each]
        flags = [part for part in parts if isinstance(part, pl.Expr)]
        if flags and all(part is not True for part in parts) and None not in of_rules.values():
            failing = cells.lazy.filter(functools.reduce(operator.or_, flags))
            one = failing.select(ROW).head(1)
            if collected(one, rows).is_empty():
                proven |= of_rules.keys()
    return proven


def _worth_it(rows: Rows) -> bool:
    """True for rows that are read straight from large Parquet files."""
    return (
        0 < len(rows.objects) <= FILES_MAX
        and all(each.format == "parquet" for each in rows.objects)
        and all(part.scanned for part in rows.parts)
        and sum(each.bytes for each in rows.objects) >= BYTES_MIN
    )


def _failing(predicate: Predicate, cells: Cells) -> list[Good] | None:
    """Where each part of a predicate fails, in words that readers of Parquet look up; None if there are none."""
    found: list[Good] = []
    for part in _parts(predicate):
        cell = cells.of(part.column) if isinstance(part, NotNull | InRange | OneOf) else None
        if cell is None or not cell.present or not _exact(part, cell):
            return None
        missing = isinstance(part, NotNull)
        found.append(pl.col(cell.raw).is_null() if missing else holds(Not(part), cells, Answers()))
    return found


def _parts(predicate: Predicate) -> Iterator[Predicate]:
    if isinstance(predicate, AllOf):
        for part in predicate.parts:
            yield from _parts(part)
    else:
        yield predicate


def _exact(predicate: Predicate, cell: Cell) -> bool:
    """True if what is said of raw values in a file holds of the values that the rule speaks of."""
    raw = cell.raw_dtype
    match cell.kind:
        case IntegerType():
            return isinstance(raw, _SIGNED)
        case DateType():
            return isinstance(raw, pl.Date)
        case TimestampType():
            return isinstance(raw, pl.Datetime) and raw == cell.dtype
        case StringType() | BooleanType():
            return isinstance(raw, pl.String | pl.Boolean) and not isinstance(predicate, InRange)
    return False
