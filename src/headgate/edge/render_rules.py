"""Predicates about one row as Narwhals expressions.

`holds` gives true, false or null (no say), or a plain bool where every row comes out alike. What no expression can
decide (patterns beyond regular ones, multiples of very large doubles) is asked of Python over distinct values
first: `questions` says what to ask, `Answers` carries the values that fail.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, assert_never

import narwhals.stable.v2 as nw
import polars as pl

from headgate.edge import folding, patterns
from headgate.edge.cells import Cell, Cells
from headgate.edge.folding import Meaningless
from headgate.model.contract import (
    ArrayType,
    ColumnType,
    DecimalType,
    IntegerType,
    NumberType,
    ObjectType,
    StringType,
)
from headgate.model.rule import (
    AllOf,
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

Good = nw.Expr | bool
PATTERN_SECONDS_MAX = 60.0
_PLAIN = {("us", None), ("us", "UTC")}


class ColumnAbsent(Exception):
    """The rule speaks of a column, or of a table, that is not there."""


@dataclass(frozen=True, slots=True)
class Question:
    """Distinct values of a column that only Python can judge: all, or those of a size of ``beyond`` or more."""

    cell: Cell
    predicate: Predicate
    judge: Callable[[Sequence[Any]], Sequence[bool]]
    beyond: float | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """The values that fail, for each predicate that was asked about."""

    failing: Mapping[Predicate, Sequence[Any]] = field(default_factory=dict)


def questions(predicate: Predicate, cells: Cells) -> Iterator[Question]:
    """What has to be asked before `holds` can be rendered."""
    if isinstance(predicate, AllOf):
        for part in predicate.parts:
            yield from questions(part, cells)
    elif isinstance(predicate, Not):
        yield from questions(predicate.predicate, cells)
    elif isinstance(predicate, Matches) and patterns.translate(predicate.pattern) is None:
        pattern = predicate.pattern
        yield Question(
            _cell(cells, predicate.column, StringType),
            predicate,
            lambda values: patterns.matches(pattern, values, PATTERN_SECONDS_MAX),
        )
    elif isinstance(predicate, MultipleOf):
        cell = _cell(cells, predicate.column)
        if isinstance(cell.kind, NumberType):
            divisor = predicate.divisor
            yield Question(
                cell,
                predicate,
                lambda values: [folding.is_multiple(x, divisor) for x in values],
                folding.exact_below(divisor),
            )


def holds(predicate: Predicate, cells: Cells, answers: Answers) -> Good:
    """Raises Meaningless for a rule that cannot speak of its column's type, ColumnAbsent."""
    match predicate:
        case Fits(column):
            cell = _cell(cells, column)
            return True if cell.total else ~nw.col(cell.misfit)
        case NotNull(column):
            return ~nw.col(_cell(cells, column).missing)
        case NotMissing(column, missing):
            return _not_missing(_cell(cells, column), missing)
        case InRange(column):
            return _in_range(_cell(cells, column), predicate)
        case LengthInRange(column, minimum, maximum):
            return _length(_cell(cells, column, StringType, ArrayType), minimum, maximum)
        case Matches(column, pattern):
            return _matches(_cell(cells, column, StringType), pattern, predicate, answers)
        case OneOf(column, members):
            cell = _cell(cells, column)
            return _one_of(cell, folding.members(members, cell.kind))
        case MultipleOf(column, divisor):
            return _multiple_of(_cell(cells, column), divisor, predicate, answers)
        case AllOf(parts):
            return _all_of([holds(part, cells, answers) for part in parts])
        case Not(inner):
            good = holds(inner, cells, answers)
            return not good if isinstance(good, bool) else ~good
        case UniqueItems() | FieldsInRange() | Inside():
            raise Meaningless("what is inside of a column is not looked at")
        case _:
            assert_never(predicate)


def failing(
    predicate: Predicate, cells: Cells, answers: Answers, where: Predicate | None = None
) -> nw.Expr | int | None:
    """How many rows fail, of those for which ``where`` is true; see `times`. Raises as `holds`."""
    single = predicate.parts[0] if isinstance(predicate, AllOf) and len(predicate.parts) == 1 else predicate
    if isinstance(single, NotNull) and where is None:
        return nw.col(_cell(cells, single.column).raw).null_count()  # kept by Arrow: nothing is computed
    bad = holds(Not(predicate), cells, answers)
    return times(bad if where is None else both(bad, holds(where, cells, answers)))


def times(good: Good) -> nw.Expr | int | None:
    """In how many rows it is true; 0 or None (all of them) where that is known."""
    return good.sum() if not isinstance(good, bool) else None if good else 0


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


def _cell(cells: Cells, column: str, *kinds: type[ColumnType]) -> Cell:
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


def _value(cell: Cell) -> nw.Expr:
    return nw.col(cell.value)


def _never(cell: Cell) -> nw.Expr:
    """False for every value; null still has no say (nor has what is `Not` this)."""
    never: nw.Expr = nw.when(~_value(cell).is_null()).then(nw.lit(value=False))
    return never


def _not_missing(cell: Cell, missing: tuple[Any, ...]) -> Good:
    texts = [m for m in missing if isinstance(m, str)]
    typed = folding.members(missing, cell.kind)
    good = ~nw.col(cell.missing)
    if texts and cell.text:
        good = good & ~nw.col(cell.raw).is_in(texts)
    if typed and not (cell.text and isinstance(cell.kind, StringType)):
        good = good & ~_value(cell).is_in(typed).fill_null(value=False)
    return good.fill_null(value=False)


def _in_range(cell: Cell, rule: InRange) -> Good:
    if not cell.present:
        return True
    e = _value(cell)
    within = folding.interval(rule, cell.kind)
    if within.empty:
        return _never(cell)
    if isinstance(cell.dtype, pl.Datetime) and (cell.dtype.time_unit, cell.dtype.time_zone) not in _PLAIN:
        # A column without a declared type: bounds must have its unit (or finer) and its zone.
        unit: Literal["ns", "us"] = "ns" if cell.dtype.time_unit == "ns" else "us"
        zone = None if cell.dtype.time_zone is None else "UTC"
        e = e.cast(nw.Datetime(unit, zone))
        within = replace(within, lower=_cast(within.lower, unit, zone), upper=_cast(within.upper, unit, zone))
    parts: list[nw.Expr] = []
    if within.lower is not None:
        bound = within.lower
        parts.append(e > bound if within.lower_open else e >= bound)
    if within.upper is not None:
        bound = within.upper
        parts.append(e < bound if within.upper_open else e <= bound)
    if isinstance(cell.kind, NumberType) and within.upper is None:
        # NaN is the greatest value of every engine, so that a minimum alone would let it pass.
        parts.append(~e.is_nan())
    return _both(parts)


def _cast(bound: Any, unit: Literal["ns", "us"], zone: str | None) -> Any:
    return None if bound is None else nw.lit(bound).cast(nw.Datetime(unit, zone))


def _length(cell: Cell, minimum: int | None, maximum: int | None) -> Good:
    if not cell.present:
        return True
    length = _value(cell).list.len() if isinstance(cell.kind, ArrayType) else _value(cell).str.len_chars()
    parts: list[nw.Expr] = []
    if minimum is not None and minimum > 0:
        parts.append(length >= min(minimum, 2**31))
    if maximum is not None:
        if maximum < 0:
            return _never(cell)
        parts.append(length <= min(maximum, 2**31))
    return _both(parts)


def _matches(cell: Cell, pattern: str, predicate: Predicate, answers: Answers) -> Good:
    if not cell.present:
        return True
    translated = patterns.translate(pattern)
    if translated is not None:
        return _value(cell).str.contains(translated)
    return ~_value(cell).is_in(list(answers.failing[predicate]))


def _one_of(cell: Cell, members: list[Any]) -> Good:
    if not cell.present:
        return True
    if isinstance(cell.kind, ArrayType | ObjectType):
        raise Meaningless(f"the rule lists single values, and {cell.column.name} holds nested ones")
    if not members:
        return _never(cell)
    if len(members) == 1 and members[0] == members[0]:
        only: nw.Expr = _value(cell) == members[0]
        return only
    return _value(cell).is_in(members)


def _multiple_of(cell: Cell, divisor: Decimal, predicate: Predicate, answers: Answers) -> Good:
    if not cell.present:
        return True
    e = _value(cell)
    match cell.kind:
        case IntegerType():
            whole = folding.divisor_integer(divisor)
            if whole == 1:
                return True
            whole_multiple: nw.Expr = e == 0 if whole is None else e % whole == 0
            return whole_multiple
        case DecimalType(precision, scale):
            step = folding.divisor_scaled(divisor, scale)
            if step >= 10**precision:
                return e == 0
            return e % Decimal(f"{step}E-{scale}") == Decimal(0)  # as text: arithmetic keeps 28 digits
        case NumberType():
            return _multiple_of_double(e, divisor, answers.failing.get(predicate, ()))
        case _:
            raise Meaningless(f"the rule speaks of numbers, and {cell.column.name} holds none")


def _multiple_of_double(e: nw.Expr, divisor: Decimal, failing: Sequence[float]) -> nw.Expr:
    """With divisor = p/s: the double next to q/s is the value itself, and p divides q.

    Polars divides by a scalar through its reciprocal, which is inexact: hence the divisor made of the column.
    Where that is not exact Python was asked, and ``failing`` are the values that are no multiples.
    """
    beyond = folding.exact_below(divisor)
    decided = ~e.is_in(list(failing)) if failing else nw.lit(value=True)
    if beyond == 0.0:
        return e.is_finite() & decided
    s = folding.power_of_ten(divisor)
    p = float(abs(Fraction(divisor)) * s)
    q = (e * float(s)).round(0)
    good = (q / (e * 0.0 + float(s)) == e) & (q % p == 0.0) & e.is_finite()
    large = e.abs() >= beyond
    return (large & e.is_finite() & decided) | (~large & good)


def _all_of(parts: Sequence[Good]) -> Good:
    """All parts hold; a null part has no say."""
    if any(part is False for part in parts):
        return False
    rest = [part for part in parts if not isinstance(part, bool)]
    if len(rest) < 2:
        return rest[0] if rest else True
    return nw.all_horizontal(*(part.fill_null(value=True) for part in rest), ignore_nulls=False)


def _both(parts: Sequence[nw.Expr]) -> Good:
    """All parts hold, all of them about one column, so that they are null together."""
    return functools.reduce(lambda one, other: one & other, parts) if parts else True
