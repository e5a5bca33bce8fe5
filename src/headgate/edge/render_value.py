"""Predicates about one value, be it a column's or inside of one, as expressions of Polars."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import polars as pl

from headgate.edge import folding, patterns
from headgate.edge.folding import Meaningless
from headgate.model.contract import (
    ArrayType,
    ColumnType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
)
from headgate.model.rule import (
    InRange,
    LengthInRange,
    Matches,
    MultipleOf,
    OneOf,
    Predicate,
)

Good = pl.Expr | bool
_PLAIN = {("us", None), ("us", "UTC")}


@dataclass(frozen=True, slots=True)
class Answers:
    """The values that fail, for each predicate that was asked about."""

    failing: Mapping[Predicate, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """A value to be judged. ``name`` is for people."""

    e: pl.Expr
    kind: ColumnType
    dtype: pl.DataType
    name: str


def judged(predicate: Predicate, value: Value, failing: Sequence[Any] = ()) -> Good:
    """True, false or null for each value, null where it is null; a plain bool where all come out alike.

    ``failing``: the values that do, where Python was asked. Raises Meaningless for a rule that cannot speak of the
    value's type.
    """
    match predicate:
        case InRange():
            return _in_range(value, predicate)
        case LengthInRange(_, minimum, maximum):
            return _length(value, minimum, maximum)
        case Matches(_, pattern):
            return _matches(value, pattern, failing)
        case OneOf(_, members):
            return _one_of(value, folding.members(members, value.kind))
        case MultipleOf(_, divisor):
            return _multiple_of(value, divisor, failing)
        case _:
            raise Meaningless(f"{type(predicate).__name__} is not about a single value")


def all_of(parts: Sequence[Good]) -> Good:
    """All parts hold; a null part has no say."""
    if any(part is False for part in parts):
        return False
    rest = [part for part in parts if not isinstance(part, bool)]
    if len(rest) < 2:
        return rest[0] if rest else True
    return functools.reduce(operator.and_, (part.fill_null(value=True) for part in rest))


def opposite(good: Good) -> Good:
    return not good if isinstance(good, bool) else ~good


def _never(value: Value) -> Good:
    """False for every value; null still has no say (nor has what is `Not` this)."""
    return pl.when(~value.e.is_null()).then(pl.lit(value=False))


def _in_range(value: Value, rule: InRange) -> Good:
    e = value.e
    within = folding.interval(rule, value.kind)
    if within.empty:
        return _never(value)
    if isinstance(value.dtype, pl.Datetime) and (value.dtype.time_unit, value.dtype.time_zone) not in _PLAIN:
        # A column without a declared type: bounds must have its unit (or finer) and its zone.
        unit: Literal["ns", "us"] = "ns" if value.dtype.time_unit == "ns" else "us"
        wanted = pl.Datetime(unit, None if value.dtype.time_zone is None else "UTC")
        e = e.cast(wanted)
        lower, upper = (None if b is None else pl.lit(b).cast(wanted) for b in (within.lower, within.upper))
        within = replace(within, lower=lower, upper=upper)
    parts: list[pl.Expr] = []
    if within.lower is not None:
        bound = within.lower
        parts.append(e > bound if within.lower_open else e >= bound)
    if within.upper is not None:
        bound = within.upper
        parts.append(e < bound if within.upper_open else e <= bound)
    if isinstance(value.kind, NumberType) and within.upper is None:
        # NaN is the greatest value of every engine, so that a minimum alone would let it pass.
        parts.append(~e.is_nan())
    return _both(parts)


def _length(value: Value, minimum: int | None, maximum: int | None) -> Good:
    if isinstance(value.kind, ArrayType):
        length = value.e.list.len()
    elif isinstance(value.kind, StringType):
        length = value.e.str.len_chars()
    else:
        raise _not_text(value)
    parts: list[pl.Expr] = []
    if minimum is not None and minimum > 0:
        parts.append(length >= min(minimum, 2**31))
    if maximum is not None:
        if maximum < 0:
            return _never(value)
        parts.append(length <= min(maximum, 2**31))
    return _both(parts)


def _matches(value: Value, pattern: str, failing: Sequence[str]) -> Good:
    if not isinstance(value.kind, StringType):
        raise _not_text(value)
    translated = patterns.translate(pattern)
    if translated is not None:
        return value.e.str.contains(translated)
    return ~value.e.is_in(list(failing)) if failing else True


def _not_text(value: Value) -> Meaningless:
    return Meaningless(f"the rule speaks of text, and {value.name} holds none")


def _one_of(value: Value, members: list[Any]) -> Good:
    if isinstance(value.kind, ArrayType | ObjectType | MapType):
        raise Meaningless(f"the rule lists single values, and {value.name} holds nested ones")
    if not members:
        return _never(value)
    if len(members) == 1 and members[0] == members[0]:
        found: pl.Expr = value.e == members[0]
        return found
    return value.e.is_in(members)


def _multiple_of(value: Value, divisor: Decimal, failing: Sequence[float]) -> Good:
    e = value.e
    match value.kind:
        case IntegerType():
            whole = folding.divisor_integer(divisor)
            if whole == 1:
                return True
            return e == 0 if whole is None else e % whole == 0
        case DecimalType(precision, scale):
            step = folding.divisor_scaled(divisor, scale)
            if step >= 10**precision:
                return e == 0
            return e % Decimal(f"{step}E-{scale}") == Decimal(0)  # as text: arithmetic keeps 28 digits
        case NumberType():
            return _multiple_of_double(value, divisor, failing)
        case _:
            raise Meaningless(f"the rule speaks of numbers, and {value.name} holds none")


def _multiple_of_double(value: Value, divisor: Decimal, failing: Sequence[float]) -> pl.Expr:
    """With divisor = p/s: the double next to q/s is the value itself, and p divides q.

    Polars divides by a scalar through its reciprocal, which is inexact: hence the divisor made of the column.
    Where that is not exact Python was asked, and ``failing`` are the values that are no multiples.
    """
    e, beyond = value.e, folding.exact_below(divisor)
    decided = ~e.is_in(list(failing)) if failing else pl.lit(value=True)
    if beyond == 0.0:
        return e.is_finite() & decided
    s = folding.power_of_ten(divisor)
    p = float(abs(Fraction(divisor)) * s)
    q = (e * float(s)).round(0)
    good = (q / (e * 0.0 + float(s)) == e) & (q % p == 0.0) & e.is_finite()
    large = e.abs() >= beyond
    return (large & e.is_finite() & decided) | (~large & good)


def _both(parts: Sequence[pl.Expr]) -> Good:
    """All parts hold, all of them about one column, so that they are null together."""
    return functools.reduce(operator.and_, parts) if parts else True
