"""What rules mean, in plain Python and nothing else: slow, short, and written without looking at the engine.

A cell is text (as in CSV; None is empty). `fails` gives the numbers (from 1) of the rows that fail a rule.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import regress

from headgate.model.contract import (
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    StringType,
    TimestampType,
)
from headgate.model.rule import (
    AllOf,
    Fits,
    InRange,
    LengthInRange,
    Matches,
    MultipleOf,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    References,
    Unique,
)

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.ASCII,
)


class DoesNotFit(Exception):
    pass


def parse(text: str, kind: ColumnType) -> Any:
    match kind:
        case StringType():
            return text
        case IntegerType():
            if INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63:
                return int(text)
        case NumberType():
            if NUMBER.fullmatch(text) and math.isfinite(float(text)):
                return float(text)
        case DecimalType(precision, scale):
            if NUMBER.fullmatch(text) and "e" not in text.lower():
                scaled = Fraction(text) * 10**scale
                if scaled.denominator == 1 and abs(scaled) < 10**precision:
                    return Fraction(text)
        case BooleanType():
            if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
                return text.lower() == "true"
        case DateType(None):
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
                try:
                    return date.fromisoformat(text)
                except ValueError:
                    pass
        case TimestampType():
            return _stamp(text, kind)
    raise DoesNotFit


def _stamp(text: str, kind: TimestampType) -> datetime:
    found = STAMP.fullmatch(text)
    if not found:
        raise DoesNotFit
    fraction = (found[3] or "").rstrip("0")
    zone = found[4]
    if len(fraction) > 6 or (zone is not None and not kind.zoned) or (found[3] and len(fraction) > 6):
        raise DoesNotFit
    try:
        local = datetime.fromisoformat(f"{found[1]}T{found[2]}.{fraction.ljust(6, '0')}")
        if not kind.zoned:
            return local
        if zone is not None:
            shift = "+00:00" if zone == "Z" else zone
            shift = shift if ":" in shift else f"{shift[:3]}:{shift[3:] or '00'}"
            if int(shift[1:3]) > 23 or int(shift[4:]) > 59:
                raise DoesNotFit
            return datetime.fromisoformat(local.isoformat() + shift).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DoesNotFit from error
    if kind.default_zone is None:
        raise DoesNotFit
    at = local.replace(tzinfo=ZoneInfo(kind.default_zone))
    if at.astimezone(UTC).astimezone(ZoneInfo(kind.default_zone)).replace(tzinfo=None) != local:
        raise DoesNotFit  # skipped by a clock change
    return at.astimezone(UTC)


def shortest(value: Any) -> Any:
    """Numbers count as their shortest decimal form."""
    return Fraction(repr(value)) if isinstance(value, float) and math.isfinite(value) else value


def bound(scalar: Any, kind: ColumnType) -> Any:
    if isinstance(kind, IntegerType | NumberType | DecimalType):
        return Fraction(str(scalar)) if not isinstance(scalar, Fraction) else scalar
    if (
        isinstance(kind, TimestampType)
        and kind.zoned
        and isinstance(scalar, datetime)
        and scalar.tzinfo is None
    ):
        return scalar.replace(tzinfo=UTC)
    if isinstance(kind, StringType):
        return str(scalar)
    return scalar


def holds(predicate: Predicate, cell: str | None, kind: ColumnType) -> bool | None:
    """True, False, or None: no say."""
    if isinstance(predicate, AllOf):
        parts = [holds(part, cell, kind) for part in predicate.parts]
        return all(part is not False for part in parts)
    if isinstance(predicate, NotNull):
        return cell is not None
    if isinstance(predicate, NotMissing):
        return cell is not None and cell not in predicate.missing
    if cell is None:
        return None
    try:
        value = parse(cell, kind)
    except DoesNotFit:
        return False if isinstance(predicate, Fits) else None
    match predicate:
        case Fits():
            return True
        case InRange():
            low, high, x = predicate.minimum, predicate.maximum, shortest(value)
            good = True
            if low is not None:
                good &= x > bound(low, kind) if predicate.exclusive_minimum else x >= bound(low, kind)
            if high is not None:
                good &= x < bound(high, kind) if predicate.exclusive_maximum else x <= bound(high, kind)
            return bool(good)
        case LengthInRange(_, minimum, maximum):
            return (minimum is None or len(value) >= minimum) and (maximum is None or len(value) <= maximum)
        case Matches(_, pattern):
            return regress.Regex(pattern, "u").find(value) is not None
        case OneOf(_, members):
            return any(shortest(value) == bound(m, kind) for m in members)
        case MultipleOf(_, divisor):
            return bool((shortest(value) / Fraction(divisor)).denominator == 1)
    raise AssertionError(predicate)


def fails(predicate: Predicate, cells: Sequence[str | None], kind: ColumnType) -> list[int]:
    return [i for i, cell in enumerate(cells, start=1) if holds(predicate, cell, kind) is False]


def key_fails(
    body: Unique | References,
    rows: Sequence[Mapping[str, str | None]],
    kinds: Mapping[str, ColumnType],
    parent: Sequence[Any] = (),
) -> list[int]:
    columns = body.columns

    def key(row: Mapping[str, str | None]) -> tuple[Any, ...] | None:
        try:
            return tuple(parse(row[c] or "", kinds[c]) if row[c] is not None else None for c in columns)
        except DoesNotFit:
            return None

    keys = [key(row) for row in rows]
    whole = [k if k is not None and None not in k else None for k in keys]
    count = Counter(k for k in whole if k is not None)
    failing = []
    for number, (row, k) in enumerate(zip(rows, whole, strict=True), start=1):
        if isinstance(body, References):
            bad = k is not None and k[0] not in parent
        else:
            bad = (k is not None and count[k] > 1) or (body.required and any(row[c] is None for c in columns))
        if bad:
            failing.append(number)
    return failing
