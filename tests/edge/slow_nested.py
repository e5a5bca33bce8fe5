"""What rules about the inside of columns mean, in plain Python: values are dicts, lists, and what Python has for the
rest; a map is a `Map`. Written without looking at the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import regress

from headgate.model.rule import (
    AllOf,
    Each,
    Field,
    FieldsInRange,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    MultipleOf,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    UniqueItems,
)


@dataclass(frozen=True)
class Map:
    entries: dict[Any, Any]


def reached(value: Any, steps: Sequence[Field | Each]) -> list[Any]:
    """What the steps lead to: the last may be null, what is null on the way has no children."""
    if not steps:
        return [value]
    if value is None:
        return []
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        children = [value.get(step.name)]
    elif step.of == "items":
        children = value
    else:
        children = list(value.entries if step.of == "keys" else value.entries.values())
    return [found for child in children for found in reached(child, rest)]


def holds(predicate: Predicate, value: Any) -> bool:
    """False if it fails; what has no say holds."""
    match predicate:
        case Inside(_, steps, inner):
            return all(holds(inner, one) for one in reached(value, steps))
        case AllOf(parts):
            return all(holds(part, value) for part in parts)
        case NotNull():
            return value is not None
        case NotMissing(_, missing):
            return value is not None and value not in missing
    if value is None:
        return True
    match predicate:
        case UniqueItems():
            there = [one for one in value if one is not None]
            return not any(same(a, b) for i, a in enumerate(there) for b in there[:i])
        case FieldsInRange(_, least, most):
            count = (
                len(value.entries) if isinstance(value, Map) else sum(v is not None for v in value.values())
            )
            return (least is None or count >= least) and (most is None or count <= most)
        case LengthInRange(_, least, most):
            return (least is None or len(value) >= least) and (most is None or len(value) <= most)
        case InRange(_, low, high):
            if isinstance(value, float) and math.isnan(value):
                return False
            x = number(value)
            return (low is None or x >= number(low)) and (high is None or x <= number(high))
        case OneOf(_, members):
            return any(
                same(value, float(m) if isinstance(value, float) and isinstance(m, Decimal) else m)
                for m in members
            )
        case Matches(_, pattern):
            return regress.Regex(pattern, "u").find(value) is not None
        case MultipleOf(_, divisor):
            if isinstance(value, float) and not math.isfinite(value):
                return False
            return (Fraction(repr(value)) / Fraction(divisor)).denominator == 1
    raise AssertionError(predicate)


def number(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return value
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(Decimal(value))


def same(one: Any, other: Any) -> bool:
    """Items are equal as keys are: NaN is itself, null fields of objects are alike."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Map) and isinstance(other, Map):
        return list(one.entries) == list(other.entries) and same(
            [*one.entries.values()], [*other.entries.values()]
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    return bool(one == other)
