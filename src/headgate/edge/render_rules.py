"""Predicates about one row as expressions of Polars.

`holds` gives true, false or null (no say), or a plain bool where every row comes out alike. What no expression can
decide (patterns beyond regular ones, multiples of very large doubles) is asked of Python over distinct values
first: `questions` says what to ask, `Answers` carries the values that fail. Of what is inside of
columns `render_nested` makes a column first; `Cells.nested` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import polars as pl

from headgate.edge import folding, patterns, render_value
from headgate.edge.cells import Cell, Cells, reached
from headgate.edge.folding import Meaningless
from headgate.edge.render_value import Answers, Good, Value, all_of, opposite
from headgate.model.contract import ColumnType, NumberType, StringType
from headgate.model.rule import (
    AllOf,
    Each,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    MultipleOf,
    Not,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    UniqueItems,
)

__all__ = [
    "Answers",
    "ColumnAbsent",
    "Good",
    "Judging",
    "Question",
    "by_regress",
    "cell_of",
    "columns_of",
    "failing",
    "holds",
    "questions",
]

PATTERN_SECONDS_MAX = 60.0
Judging = Callable[[Sequence[Any]], Sequence[bool]]  # whether each of some values is as it should be


class ColumnAbsent(Exception):
    """The rule speaks of a column, or of a table, that is not there."""


@dataclass(frozen=True, slots=True)
class Question:
    """Distinct values that only Python can judge: all, or those of a size of ``beyond`` or more.

    Those of a column, or the ones that ``steps`` lead to from it. ``predicate`` is what `Answers` know them by.
    """

    cell: Cell
    predicate: Predicate
    judge: Judging
    beyond: float | None = None
    steps: tuple[Field | Each, ...] = ()


def by_regress(pattern: str) -> Judging | None:
    """Who judges a pattern, if it is beyond regular expressions."""
    if patterns.translate(pattern) is not None:
        return None
    return lambda values: patterns.matches(pattern, values, PATTERN_SECONDS_MAX)


def questions(
    predicate: Predicate, cells: Cells, beyond: Callable[[str], Judging | None] = by_regress
) -> Iterator[Question]:
    """What has to be asked before `holds` can be rendered. ``beyond``: who judges a pattern that cannot be."""
    match predicate:
        case AllOf(parts):
            for part in parts:
                yield from questions(part, cells, beyond)
        case Not(inner):
            yield from questions(inner, cells, beyond)
        case Inside(column, steps, inner):
            yield from _questions(inner, cell_of(cells, column), steps, beyond)
        case Matches(column) | MultipleOf(column):
            yield from _questions(predicate, cell_of(cells, column), (), beyond)


def _questions(
    predicate: Predicate,
    cell: Cell,
    steps: tuple[Field | Each, ...],
    beyond: Callable[[str], Judging | None],
) -> Iterator[Question]:
    """Of a value of the column, or of one that ``steps`` lead to."""
    asked = Inside(cell.column.name, steps, predicate) if steps else predicate
    match predicate:
        case AllOf(parts):
            for part in parts:
                yield from _questions(part, cell, steps, beyond)
        case Not(inner):
            yield from _questions(inner, cell, steps, beyond)
        case Inside(_, more, inner):
            yield from _questions(inner, cell, (*steps, *more), beyond)
        case Matches(_, pattern) if isinstance(_kind(cell, steps), StringType):
            if (judge := beyond(pattern)) is not None:
                yield Question(cell, asked, judge, steps=steps)
        case MultipleOf(_, divisor) if isinstance(_kind(cell, steps), NumberType):
            yield Question(
                cell,
                asked,
                lambda values: [folding.is_multiple(x, divisor) for x in values],
                folding.exact_below(divisor),
                steps,
            )


def _kind(cell: Cell, steps: tuple[Field | Each, ...]) -> ColumnType:
    return reached(cell.kind, cell.dtype, steps)[0]


def holds(predicate: Predicate, cells: Cells, answers: Answers) -> Good:
    """Raises Meaningless for a rule that cannot speak of its column's type, ColumnAbsent."""
    if isinstance(predicate, AllOf):
        return all_of([holds(part, cells, answers) for part in predicate.parts])
    if isinstance(predicate, Not):
        return opposite(holds(predicate.predicate, cells, answers))
    cell = cell_of(cells, predicate.column)
    match predicate:
        case Fits():
            return True if cell.total else ~pl.col(cell.misfit)
        case NotNull():
            # Not by the column `missing`: Polars hands only filters on columns as they are read on to Parquet.
            return pl.col(cell.raw).is_not_null()
        case NotMissing(_, missing):
            return _not_missing(cell, missing)
        case InRange() | LengthInRange() | Matches() | OneOf() | MultipleOf():
            if not cell.present:
                return True
            value = Value(pl.col(cell.value), cell.kind, cell.dtype, cell.column.name)
            return render_value.judged(predicate, value, answers.failing.get(predicate, ()))
        case UniqueItems() | FieldsInRange() | Inside():
            found = cells.nested[predicate]
            if isinstance(found, Exception):
                raise found
            return pl.col(found) if isinstance(found, str) else found
        case _:
            assert_never(predicate)


def failing(
    predicate: Predicate, cells: Cells, answers: Answers, where: Predicate | None = None
) -> pl.Expr | int | None:
    """How many rows fail, of those for which ``where`` is true; see `times`. Raises as `holds`."""
    single = predicate.parts[0] if isinstance(predicate, AllOf) and len(predicate.parts) == 1 else predicate
    if isinstance(single, NotNull) and where is None:
        return pl.col(cell_of(cells, single.column).raw).null_count()  # kept by Arrow: nothing is computed
    bad = holds(Not(predicate), cells, answers)
    return times(bad if where is None else both(bad, holds(where, cells, answers)))


def times(good: Good) -> pl.Expr | int | None:
    """In how many rows it is true; 0 or None (all of them) where that is known."""
    if isinstance(good, pl.Expr):
        return good.sum()
    return None if good else 0


def both(one: Good, other: Good) -> Good:
    """True where both are."""
    if isinstance(one, bool):
        return other if one else False
    if isinstance(other, bool):
        return one if other else False
    return one & other


def columns_of(predicate: Predicate) -> tuple[str, ...]:
    """The columns that a predicate speaks of, the first one first."""
    if isinstance(predicate, AllOf):
        return tuple(dict.fromkeys(c for part in predicate.parts for c in columns_of(part)))
    if isinstance(predicate, Not):
        return columns_of(predicate.predicate)
    return (predicate.column,)


def cell_of(cells: Cells, column: str, *kinds: type[ColumnType]) -> Cell:
    """The column, if values of these kinds can be had of it. Raises ColumnAbsent, Meaningless."""
    cell = cells.of(column)
    if cell is None:
        raise ColumnAbsent(f"the contract has no column {column}")
    if cell.why is not None:
        raise Meaningless(cell.why)
    if not cell.present and not cells.lenient:
        raise ColumnAbsent(f"the column {column} is absent")
    if kinds and not isinstance(cell.kind, kinds) and cell.present:
        raise Meaningless(f"the rule speaks of text, and {column} holds none")
    return cell


def _not_missing(cell: Cell, missing: tuple[Any, ...]) -> Good:
    texts = [m for m in missing if isinstance(m, str)]
    typed = folding.members(missing, cell.kind)
    good = pl.col(cell.raw).is_not_null()
    if texts and cell.text:
        good = good & ~pl.col(cell.raw).is_in(texts)
    if typed and not (cell.text and isinstance(cell.kind, StringType)):
        good = good & ~pl.col(cell.value).is_in(typed).fill_null(value=False)
    return good.fill_null(value=False)
