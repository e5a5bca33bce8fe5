"""Bounds folded against a column's type, exactly: what a value of that type can make of them.

A bound that no value of the type reaches is `InRange` without ends (always true) or `OneOf` without members
(always false), so that the rule keeps its name and its place in the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from headgate.contract.json_schema import Value
from headgate.contract.types import INT64, scalar
from headgate.model.contract import (
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    TimestampType,
    TimeType,
)
from headgate.model.rule import InRange, MultipleOf, OneOf, Predicate, Scalar

BoundName = Literal["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
BOUNDS: tuple[BoundName, ...] = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

INTEGER_FORMATS = {
    f"{sign}{bits}": ((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "i" else (0, 2**bits - 1))
    for sign in "iu"
    for bits in (8, 16, 32, 64, 128)
}
NUMBER_FORMATS = {"f16": Decimal(65504), "f32": Decimal("3.4028234663852886E+38")}

_COMPARED = IntegerType | NumberType | DecimalType | DateType | TimestampType | TimeType


def bounded(type_: ColumnType) -> bool:
    """True for types whose values have an order that bounds speak of."""
    return isinstance(type_, _COMPARED)


def limit(type_: ColumnType, value: Value) -> Scalar:
    """A declared bound as an exact number or a moment. Raises ValueError if it is neither."""
    if isinstance(type_, IntegerType | NumberType | DecimalType):
        return scalar(NumberType(), value)
    return scalar(type_, value)


def contradiction(limits: Sequence[tuple[BoundName, Scalar]]) -> str | None:
    """Two bounds that no value at all can keep, in words."""
    lower = [(name, value) for name, value in limits if name.endswith("inimum")]
    upper = [(name, value) for name, value in limits if name.endswith("aximum")]
    for low, least in lower:
        for high, most in upper:
            open_ = "exclusive" in low or "exclusive" in high
            if least > most or (open_ and least == most):  # type: ignore[operator]  # of one type, see `limit`
                return f"{low} {least} leaves nothing below {high} {most}"
    return None


def within(column: str, type_: ColumnType, name: BoundName, bound: Scalar) -> Predicate:
    """The rule that ``bound`` is for a column of this type."""
    exclusive = name.startswith("exclusive")
    least = name.endswith("inimum")
    match type_, bound:
        case IntegerType(), Decimal():
            return _steps(column, bound, Fraction(1), INT64, least=least, exclusive=exclusive)
        case DecimalType(precision, scale), Decimal():
            widest = 10**precision - 1
            step = Fraction(1, 10**scale)
            return _steps(column, bound, step, (-widest, widest), least=least, exclusive=exclusive)
        case _:
            if least:
                return InRange(column, minimum=bound, exclusive_minimum=exclusive)
            return InRange(column, maximum=bound, exclusive_maximum=exclusive)


def multiple_of(column: str, type_: ColumnType, divisor: Decimal) -> Predicate:
    """For integers only the numerator of the lowest terms counts: multiples of 1.5 are multiples of 3."""
    if not isinstance(type_, IntegerType):
        return MultipleOf(column, divisor)
    whole = Fraction(divisor).numerator
    return MultipleOf(column, Decimal(whole)) if whole <= INT64[1] else OneOf(column, (0,))


def _steps(
    column: str, bound: Decimal, step: Fraction, ends: tuple[int, int], *, least: bool, exclusive: bool
) -> Predicate:
    """Values are whole numbers of ``step``s between ``ends``: an exclusive bound becomes the next value."""
    units = Fraction(bound) / step
    if least:
        unit = math.floor(units) + 1 if exclusive else math.ceil(units)
        always, never = unit <= ends[0], unit > ends[1]
    else:
        unit = math.ceil(units) - 1 if exclusive else math.floor(units)
        always, never = unit >= ends[1], unit < ends[0]
    if never:
        return OneOf(column, ())
    if always:
        return InRange(column)
    value: Scalar = unit if step == 1 and ends == INT64 else _exact(unit, step)
    return InRange(column, minimum=value) if least else InRange(column, maximum=value)


def _exact(unit: int, step: Fraction) -> Decimal:
    """``unit * step``, for a step that is a power of ten; Decimal's own arithmetic would round at 28 digits."""
    return Decimal(f"{unit}E-{len(str(step.denominator)) - 1}")
