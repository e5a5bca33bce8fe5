"""Bounds and members of rules, folded exactly to what a column of a type can hold.

A bound comes as the decimal that stands in the contract. Engines compare doubles, scaled integers, microseconds;
each function here says which of those to compare with, or that the outcome is the same for every value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from headgate.model.contract import (
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    StringType,
    TimestampType,
    TimeType,
)
from headgate.model.rule import InRange, Scalar

T = TypeVar("T")

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_WIDE = Context(prec=1000)  # more digits than a contract may write
_EXACT_DOUBLES = Decimal(10**15)
_EXACT_POWER = 10**22  # the greatest power of ten that is a double


class Meaningless(Exception):
    """A rule that says nothing about values of this type."""


@dataclass(frozen=True, slots=True)
class Interval:
    """lower <= value <= upper, each end optional, or exclusive. ``empty``: no value is within."""

    lower: Any = None
    upper: Any = None
    lower_open: bool = False
    upper_open: bool = False
    empty: bool = False


def interval(rule: InRange, kind: ColumnType) -> Interval:
    """The range as an engine compares it. Raises Meaningless."""
    low, high = rule.minimum, rule.maximum
    low_open, high_open = rule.exclusive_minimum, rule.exclusive_maximum
    match kind:
        case IntegerType():
            return _integers(low, high, low_open, high_open, Fraction(1), INT64_MIN, INT64_MAX, int)
        case DecimalType(precision, scale):
            most = 10**precision - 1

            def back(n: int) -> Decimal:
                return Decimal(n).scaleb(-scale, _WIDE)

            return _integers(low, high, low_open, high_open, Fraction(10**scale), -most, most, back)
        case NumberType():
            return _doubles(low, high, low_open, high_open)
        case StringType() | DateType() | TimestampType() | TimeType():
            return Interval(
                None if low is None else value(low, kind),
                None if high is None else value(high, kind),
                low_open,
                high_open,
            )
        case _:
            raise Meaningless("a range says nothing about values of this type")


def _integers(
    low: Scalar | None,
    high: Scalar | None,
    low_open: bool,  # noqa: FBT001
    high_open: bool,  # noqa: FBT001
    scale: Fraction,
    least: int,
    most: int,
    back: Callable[[int], Any],
) -> Interval:
    """Bounds of numbers that are whole multiples of 1/scale, between least and most of them."""
    lower = upper = None
    if low is not None:
        exact = _decimal(low)
        if exact.is_nan() or exact == Decimal("Infinity"):
            return Interval(empty=True)
        if exact.is_finite():
            scaled = Fraction(exact) * scale
            lower = math.floor(scaled) + 1 if low_open else math.ceil(scaled)
    if high is not None:
        exact = _decimal(high)
        if exact.is_nan() or exact == Decimal("-Infinity"):
            return Interval(empty=True)
        if exact.is_finite():
            scaled = Fraction(exact) * scale
            upper = math.ceil(scaled) - 1 if high_open else math.floor(scaled)
    if (lower is not None and lower > most) or (upper is not None and upper < least):
        return Interval(empty=True)
    return Interval(
        None if lower is None or lower <= least else back(lower),
        None if upper is None or upper >= most else back(upper),
    )


def _doubles(low: Scalar | None, high: Scalar | None, low_open: bool, high_open: bool) -> Interval:  # noqa: FBT001
    """A double counts as its shortest decimal form: 0.1 is within a maximum of 0.1."""
    lower = upper = None
    if low is not None:
        exact = _decimal(low)
        lower = _float(exact)
        shortest = _shortest(lower)
        low_open = not (shortest > exact if low_open else shortest >= exact)
    if high is not None:
        exact = _decimal(high)
        upper = _float(exact)
        shortest = _shortest(upper)
        high_open = not (shortest < exact if high_open else shortest <= exact)
    return Interval(lower, upper, low_open, high_open)


def _float(exact: Decimal) -> float:
    return float(exact)


def _shortest(x: float) -> Decimal:
    return Decimal(repr(x))


def _decimal(scalar: Scalar) -> Decimal:
    if isinstance(scalar, bool) or not isinstance(scalar, int | Decimal | str):
        raise Meaningless(f"{scalar!r} is not a number")
    try:
        return Decimal(scalar)
    except InvalidOperation as error:
        raise Meaningless(f"{scalar!r} is not a number") from error


def value(scalar: Scalar, kind: ColumnType) -> Any:
    """A member or bound as a value of the type. Raises Meaningless where it cannot be one at all."""
    match kind:
        case StringType():
            return _string(scalar)
        case BooleanType():
            found: Any = {"true": True, "false": False}.get(scalar) if isinstance(scalar, str) else scalar
            if isinstance(found, bool):
                return found
        case DateType():
            return _day(scalar)
        case TimestampType():
            return _instant(scalar, kind)
        case TimeType():
            found = _parsed(time.fromisoformat, scalar) if isinstance(scalar, str) else scalar
            if isinstance(found, time):
                return found
        case IntegerType() | NumberType() | DecimalType():
            return _numeric(_decimal(scalar), kind)
    raise Meaningless(f"{scalar!r} is no value of this type")


def _numeric(exact: Decimal, kind: IntegerType | NumberType | DecimalType) -> int | float | Decimal:
    match kind:
        case IntegerType():
            if exact.is_finite() and exact == exact.to_integral_value() and INT64_MIN <= exact <= INT64_MAX:
                return int(exact)
        case NumberType():
            double = _float(exact)
            if exact.is_nan() or _shortest(double) == exact:
                return double
        case DecimalType(precision, scale):
            scaled = Fraction(exact) * 10**scale if exact.is_finite() else Fraction(1, 2)
            if scaled.denominator == 1 and abs(scaled.numerator) < 10**precision:
                return Decimal(scaled.numerator).scaleb(-scale, _WIDE)
    raise Meaningless(f"{exact} is no value of this type")


def members(scalars: tuple[Scalar, ...], kind: ColumnType) -> list[Any]:
    """The members that a column of the type can be equal to; the others are left out."""
    found = []
    for scalar in scalars:
        try:
            found.append(value(scalar, kind))
        except Meaningless:
            continue
    return found


def divisor_integer(divisor: Decimal) -> int | None:
    """d such that an integer is a multiple of ``divisor`` exactly if it is one of d; None if only 0 is."""
    whole = abs(Fraction(divisor)).numerator
    return whole if whole <= INT64_MAX else None


def divisor_scaled(divisor: Decimal, scale: int) -> int:
    """d such that ``n / 10**scale`` is a multiple of ``divisor`` exactly if the integer n is one of d."""
    exact = abs(Fraction(divisor))
    power: int = 10**scale
    return exact.numerator * power // math.gcd(exact.denominator, power)


def power_of_ten(divisor: Decimal) -> int:
    """The least power of ten that makes the divisor whole."""
    exponent = divisor.normalize(_WIDE).as_tuple().exponent
    return 10 ** max(0, -exponent) if isinstance(exponent, int) else 1


def exact_below(divisor: Decimal) -> float:
    """The size of doubles up to which their quotients by ``divisor`` are found with doubles; 0: for none of them."""
    power = power_of_ten(divisor)
    return float(_EXACT_DOUBLES / power) if power <= _EXACT_POWER else 0.0


def is_multiple(x: float, divisor: Decimal) -> bool:
    """Judged on the shortest decimal form."""
    return math.isfinite(x) and (Fraction(_shortest(x)) / Fraction(divisor)).denominator == 1


def _string(scalar: Scalar) -> str:
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, Decimal):
        return str(scalar)
    if isinstance(scalar, date | datetime | time):
        return scalar.isoformat()
    return str(scalar)


def _day(scalar: Scalar) -> date:
    if isinstance(scalar, datetime):
        return scalar.date()
    if isinstance(scalar, date):
        return scalar
    if isinstance(scalar, str):
        return _parsed(date.fromisoformat, scalar)
    raise Meaningless(f"{scalar!r} is no date")


def _instant(scalar: Scalar, kind: TimestampType) -> datetime:
    if isinstance(scalar, datetime):
        found = scalar
    elif isinstance(scalar, date):
        found = datetime(scalar.year, scalar.month, scalar.day)  # noqa: DTZ001 - the zone comes below
    elif isinstance(scalar, str):
        found = _parsed(datetime.fromisoformat, scalar)
    else:
        raise Meaningless(f"{scalar!r} is not a time")
    if not kind.zoned:
        return found.replace(tzinfo=None)
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(kind.default_zone or "UTC"))
    return found.astimezone(UTC)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise Meaningless(f"{text!r} is no value of this type") from error
