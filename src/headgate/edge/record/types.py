"""Python values as a contract's types: what `cast` says of columns, for one value at a time and without Polars.

A reader gives the value as its type's own kind (int, float, Decimal, str, bool, date, datetime in UTC or without a
zone, time, list, dict), and None where it does not fit: whatever converts without loss fits, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from headgate.edge import json_values
from headgate.edge.record import text as texts
from headgate.edge.record.text import INT64_MAX, INT64_MIN
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
    TimeType,
)

Reader = Callable[[Any], Any]  # of what is not None; None: it does not fit

_EXACT = 2**53  # integers up to here are doubles
_DOUBLE_DIGITS = 15  # decimals of so many digits survive a double
_WIDE = Context(prec=400)


def reader(kind: ColumnType) -> Reader:
    """How a value of ``kind`` is read. May raise `jdk_format.Unsupported`."""
    match kind:
        case IntegerType():
            return _first(int, _int64, {str: texts.integer, float: _whole, Decimal: _whole_decimal})
        case NumberType():
            return _first(float, _itself, {str: texts.number, int: _double, Decimal: _double_of_decimal})
        case DecimalType():
            return _decimals(kind)
        case StringType():
            return _first(str, _unicode, {})
        case BooleanType():
            return _first(bool, _itself, {str: texts.boolean})
        case DateType(pattern):
            return _first(date, _itself, {str: texts.date_by(pattern), datetime: _midnight})
        case TimestampType():
            return _timestamps(kind)
        case TimeType(pattern):
            return _first(time, _local_time, {str: texts.time_by(pattern)})
        case ArrayType(items):
            return _arrays(items)
        case ObjectType(fields):
            return _objects(fields)
        case MapType():
            return _maps(kind)
        case AnyType():
            return _as_it_is
        case _:
            assert_never(kind)


def _itself(value: Any) -> Any:
    return value


def _as_it_is(value: Any) -> Any:
    return _unicode(value) if isinstance(value, str) else value


def _first(usual: type, read: Reader, others: Mapping[type, Reader]) -> Reader:
    """Values of the usual type, then of the others; what is a subclass of one (not bool) goes as its parent."""
    readers = {usual: read, **others}
    # What is a kind of another, though it is none: True is no 1, and an instant is no day.
    known = (bool, datetime, str, int, float, Decimal, date, time)

    def find(value: Any) -> Any:
        if type(value) is usual:
            return read(value)
        found = readers.get(type(value))
        if found is None:
            parent = next((t for t in known if isinstance(value, t)), None)
            found = readers.get(parent) if parent is not None else None
        return None if found is None else found(value)

    return find


def _unicode(text: str) -> str | None:
    """Half a surrogate pair (JSON can bring one) is no text: it cannot be stored."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


# -- numbers ------------------------------------------------------------------------------------------------


def _int64(value: int) -> int | None:
    return value if INT64_MIN <= value <= INT64_MAX else None


def _whole(value: float) -> int | None:
    return _int64(int(value)) if math.isfinite(value) and value.is_integer() else None


def _whole_decimal(value: Decimal) -> int | None:
    if not value.is_finite() or value.adjusted() > _DOUBLE_DIGITS + 5:
        return None
    return _int64(int(value)) if value == value.to_integral_value() else None


def _double(value: int) -> float | None:
    if -_EXACT <= value <= _EXACT:
        return float(value)
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if found == value else None


def _double_of_decimal(value: Decimal) -> float | None:
    if not value.is_finite():
        return None
    found = float(value)
    if not math.isfinite(found):
        return None
    if (
        len(value.as_tuple().digits) <= _DOUBLE_DIGITS
        or Decimal(found) == value
        or Decimal(repr(found)) == value
    ):
        return found
    return None


def _decimals(kind: DecimalType) -> Reader:
    scale, most = kind.scale, Decimal(10) ** (kind.precision - kind.scale)

    def exact(value: Decimal) -> Decimal | None:
        if not value.is_finite() or not -most < value < most:
            return None
        found = value.as_tuple()
        assert isinstance(found.exponent, int)
        too_fine = -found.exponent - scale
        return value if too_fine <= 0 or not any(found.digits[-too_fine:]) else None

    def whole(value: int) -> Decimal | None:
        return Decimal(value) if -most < value < most else None

    def rounded(value: float) -> Decimal | None:
        if not math.isfinite(value) or abs(value) >= most:
            return None
        found = Decimal(repr(value)).quantize(Decimal(1).scaleb(-scale), context=_WIDE)
        return found if -most < found < most and float(found) == value else None

    return _first(Decimal, exact, {str: texts.decimal(kind), int: whole, float: rounded})


# -- dates and times ----------------------------------------------------------------------------------------


def _midnight(value: datetime) -> date | None:
    return value.date() if value.tzinfo is None and value.time() == time() else None


def _local_time(value: time) -> time | None:
    return value if value.tzinfo is None else None


def _timestamps(kind: TimestampType) -> Reader:
    zone = None if kind.default_zone is None else ZoneInfo(kind.default_zone)

    def zoned(value: datetime) -> datetime | None:
        if value.tzinfo is UTC:
            return value
        if value.utcoffset() is None:
            return texts.in_zone(value.replace(tzinfo=None), zone)
        try:
            return value.astimezone(UTC)
        except OverflowError:
            return None

    def local(value: datetime) -> datetime | None:
        return value if value.utcoffset() is None else None

    read = zoned if kind.zoned else local
    return _first(
        datetime,
        read,
        {str: texts.timestamp(kind), date: lambda day: read(datetime(day.year, day.month, day.day))},  # noqa: DTZ001
    )


# -- nested values ------------------------------------------------------------------------------------------


def _arrays(items: ColumnType | None) -> Reader:
    item = None if items is None else reader(items)
    from_json = json_reader(ArrayType(items))

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return from_json(value)
        if not isinstance(value, list | tuple):
            return None
        if item is None:
            return value
        found = [None if each is None else item(each) for each in value]
        lost = any(f is None and each is not None for f, each in zip(found, value, strict=True))
        return None if lost else found

    return read


def _objects(fields: tuple[tuple[str, ColumnType], ...]) -> Reader:
    readers = {name: reader(kind) for name, kind in fields}
    from_json = json_reader(ObjectType(fields))

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return from_json(value)
        if not isinstance(value, Mapping):
            return None
        if not readers:
            return value
        if any(each is not None for name, each in value.items() if name not in readers):
            return None
        found = {}
        for name, inner in readers.items():
            raw = value.get(name)
            found[name] = fitted = None if raw is None else inner(raw)
            if fitted is None and raw is not None:
                return None
        return found

    return read


def _maps(kind: MapType) -> Reader:
    key_of, value_of = reader(kind.key), reader(kind.value)
    from_json = json_reader(kind)

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return from_json(value)
        entries = value.items() if isinstance(value, Mapping) else _entries(value)
        if entries is None:
            return None
        found = {}
        for raw_key, raw in entries:
            key, fitted = (
                None if each is None else of(each) for each, of in ((raw_key, key_of), (raw, value_of))
            )
            if key is None or key in found or (fitted is None and raw is not None):
                return None
            found[key] = fitted
        return found

    return read


def _entries(value: Any) -> list[tuple[Any, Any]] | None:
    """A map as an array of ``{key, value}``; None if it is none."""
    if not isinstance(value, list | tuple):
        return None
    if not all(isinstance(one, Mapping) and one.keys() == {"key", "value"} for one in value):
        return None
    return [(one["key"], one["value"]) for one in value]


def json_reader(kind: ColumnType) -> Reader:
    """Nested values that stand in text as JSON."""
    if isinstance(kind, ObjectType) and not kind.fields:
        return _json_object  # nothing is declared of it: it stays text
    readers: dict[ColumnType, Reader] = {}

    def read_scalar(inner: ColumnType, text: str) -> Any:
        if inner not in readers:
            readers[inner] = reader(inner)
        return readers[inner](text)

    return lambda text: json_values.fitted(json_values.parsed(text), kind, read_scalar)


def _json_object(text: str) -> str | None:
    return _unicode(text) if isinstance(json_values.parsed(text), dict) else None
