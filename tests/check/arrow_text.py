"""A ``typed`` block as an Arrow table: a line ``name: type`` for each column, then rows as JSON arrays.

What JSON has no form for is written as text: ``"NaN"``, ``"inf"``, ``"-inf"``; decimals; dates and times in ISO 8601,
with as many digits behind the second as the type has; binary as hexadecimal digits.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

_PLAIN = {
    **{str(t): t for t in (
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
        pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.bool_(), pa.null(),
    )},
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "date32": pa.date32(), "date64": pa.date64(),
}  # fmt: skip
_PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")


def table(text: str) -> pa.Table:
    """Raises ValueError, also for a value that its type would have to change."""
    lines = [line for line in text.splitlines() if line.strip()]
    head = [line for line in lines if not line.startswith("[")]
    names, types = zip(*map(_column, head), strict=True)
    rows = [json.loads(line, parse_float=Decimal) for line in lines[len(head) :]]
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a typed row has too few values, or too many")
    arrays = [
        pa.array([_value(row[i], type_) for row in rows], type_)
        if not pa.types.is_dictionary(type_)
        else pa.array([row[i] for row in rows], type_.value_type).dictionary_encode()
        for i, type_ in enumerate(types)
    ]
    return pa.Table.from_arrays(arrays, names=list(names))


def _column(line: str) -> tuple[str, pa.DataType]:
    found = re.fullmatch(r'("(?:[^"\\]|\\.)*"|[^":]+): (.+)', line)
    if not found:
        raise ValueError(f"{line!r} is neither a column (name: type) nor a row")
    return (json.loads(found[1]) if found[1].startswith('"') else found[1]), type_of(found[2].strip())


def type_of(text: str) -> pa.DataType:
    """``int64``, ``decimal128(9,2)``, ``timestamp[us, UTC]``, ``list<struct<a: int8>>``, ``dictionary<string>`` ..."""
    if text in _PLAIN:
        return _PLAIN[text]
    if found := re.fullmatch(r"decimal128\((\d+), ?(-?\d+)\)", text):
        return pa.decimal128(int(found[1]), int(found[2]))
    if found := re.fullmatch(r"timestamp\[(s|ms|us|ns)(?:, ?([\w/+:-]+))?\]", text):
        return pa.timestamp(found[1], found[2])
    if found := re.fullmatch(r"time(?:32|64)\[(s|ms|us|ns)\]", text):
        return pa.time32(found[1]) if found[1] in {"s", "ms"} else pa.time64(found[1])
    if found := re.fullmatch(r"(list|map|struct|dictionary)<(.*)>", text):
        inner = _divided(found[2])
        match found[1]:
            case "list":
                return pa.list_(type_of(inner[0]))
            case "map":
                return pa.map_(type_of(inner[0]), type_of(inner[1]))
            case "dictionary":
                return pa.dictionary(pa.int32(), type_of(inner[0]))
            case _:
                return pa.struct([_column(part) for part in inner])
    raise ValueError(f"there is no type {text!r}")


def _divided(text: str) -> list[str]:
    """Parts between commas that stand in no brackets."""
    found, depth = [""], 0
    for sign in text:
        depth += (sign in "<([") - (sign in ">)]")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return [part.strip() for part in found]


def _value(given: Any, type_: pa.DataType) -> Any:
    if given is None:
        return None
    types = pa.types
    if types.is_list(type_):
        return [_value(one, type_.value_type) for one in given]
    if types.is_map(type_):
        pairs = given.items() if isinstance(given, dict) else given
        return [(_value(k, type_.key_type), _value(v, type_.item_type)) for k, v in pairs]
    if types.is_struct(type_):
        if unknown := given.keys() - {f.name for f in type_}:
            raise ValueError(f"there is no field {min(unknown)}")
        return {f.name: _value(given.get(f.name), f.type) for f in type_}
    if types.is_floating(type_):
        return float(given)
    if types.is_decimal(type_):
        return Decimal(given)
    if types.is_binary(type_):
        return bytes.fromhex(given)
    if types.is_date(type_):
        return date.fromisoformat(given)
    if types.is_time(type_):
        return _clock(given, type_)
    if types.is_timestamp(type_):
        return _instant(given, type_)
    return given


def _clock(text: str, type_: pa.DataType) -> int:
    whole, _, fraction = text.partition(".")
    at = time.fromisoformat(whole)
    return _counted((at.hour * 60 + at.minute) * 60 + at.second, fraction, type_.unit)


def _instant(text: str, type_: pa.DataType) -> int:
    """Since 1970, in the type's unit."""
    found = _STAMP.fullmatch(text)
    if not found or (found[4] is None) != (type_.tz is None):
        raise ValueError(f"{text!r} is no {type_}: with a zone it names one (Z), else none")
    local = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    since = local - datetime(1970, 1, 1, tzinfo=UTC)
    if found[4] not in {None, "Z"}:
        ahead = timedelta(hours=int(found[4][1:3]), minutes=int(found[4][4:]))
        since += -ahead if found[4][0] == "+" else ahead
    return _counted(since.days * 86400 + since.seconds, found[3] or "", type_.unit)


def _counted(seconds: int, fraction: str, unit: str) -> int:
    per_second = _PER_SECOND[unit]
    part, rest = divmod(int(fraction.ljust(9, "0") or 0) * per_second, 1_000_000_000)
    if rest:
        raise ValueError(f".{fraction} is finer than {unit}")
    return seconds * per_second + part
