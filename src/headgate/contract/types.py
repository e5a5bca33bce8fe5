"""logicalType and physicalType -> column type; values in contracts -> values of that type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from headgate.contract import temporal
from headgate.contract.json_schema import Path, Value
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
from headgate.model.rule import Scalar

INT64 = (-(2**63), 2**63 - 1)
VECTOR_NUMBERS = {
    "float32": Decimal("3.4028234663852886E+38"),
    "bfloat16": Decimal("3.3895313892515355E+38"),
    "float16": Decimal(65504),
}  # elementType: its greatest value
VECTOR_INTEGERS = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "binary": (0, 1),
}  # elementType: what is in its range

_DECIMAL = re.compile(
    r"(?:decimal|numeric|dec|number|bignumeric|fixed)\s*\(\s*([0-9]+)\s*(?:,\s*(-?[0-9]+)\s*)?\)"
)
_BARE_DECIMAL = frozenset({"decimal", "numeric", "dec", "bignumeric"})
_UNZONED = re.compile(r"timestamp.*without time zone|timestamp_?ntz\b|(?:small)?datetime2?(?!offset)\b")
_PLAIN = {
    "integer": (
        "int integer bigint smallint tinyint mediumint long short byte int2 int4 int8 int16 int32 int64 uint8 uint16 "
        "uint32 uint64 serial bigserial"
    ),
    "number": "double float real float4 float8 float32 float64 number decimal numeric dec bignumeric fixed",
    "string": "varchar char text string nvarchar nchar bpchar character varchar2 nvarchar2 clob str utf8 uuid",
    "boolean": "bool boolean",
    "date": "date date32",
    "timestamp": (
        "timestamp timestamptz timestamp_ntz timestamp_ltz timestamp_tz timestampntz timestampltz timestamptz "
        "datetime datetime2 smalldatetime datetimeoffset"
    ),
    "time": "time",
    "array": "array list",
    "object": "object struct record row",
    "map": "map",
}
_LOGICAL = {name: logical for logical, names in _PLAIN.items() for name in names.split()}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_EXACT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def logical_type(part: Mapping[str, Value]) -> str | None:
    """The declared logicalType of a property, else the one its physicalType plainly means; None if neither."""
    declared = part.get("logicalType")
    if isinstance(declared, str):
        return declared
    for name, logical in (("properties", "object"), ("items", "array"), ("map", "map")):
        if part.get(name):
            return logical
    physical = str(part.get("physicalType") or "").strip().lower()
    found = re.match(r"[a-z_0-9]+", physical)
    if found is None or "[" in physical or "<" in physical:
        return None
    return _LOGICAL.get(found[0])


def column_type(part: Mapping[str, Value]) -> ColumnType:
    """The type of a property, its items and fields. Raises ValueError, in words, where they contradict.

    A format that is not read here is left out (`temporal.normal` says why).
    """
    options = part.get("logicalTypeOptions")
    options = options if isinstance(options, dict) else {}
    physical = " ".join(str(part.get("physicalType") or "").lower().split())
    match logical_type(part):
        case "string":
            return StringType()
        case "integer":
            return IntegerType()
        case "number":
            return _decimal(physical) or NumberType()
        case "boolean":
            return BooleanType()
        case "date":
            format_ = _format(options, "date")
            return DateType(None if format_ in {"yyyy-MM-dd", "uuuu-MM-dd"} else format_)
        case "time":
            return TimeType(_format(options, "time"))
        case "timestamp":
            return _timestamp(options, physical)
        case "array":
            items = part.get("items")
            return ArrayType(column_type(items) if isinstance(items, dict) else None)
        case "vector":
            return ArrayType(IntegerType() if options.get("elementType") in VECTOR_INTEGERS else NumberType())
        case "map":
            return _map(part)
        case "object":
            return ObjectType(
                tuple((physical_name(one), column_type(one)) for one in parts(part, "properties"))
            )
        case _:
            return AnyType()


def _map(part: Mapping[str, Value]) -> MapType:
    declared = part.get("map")
    inner = declared if isinstance(declared, dict) else {}
    key, value = (
        column_type(one) if isinstance(one := inner.get(name), dict) else AnyType()
        for name in ("key", "value")
    )
    if isinstance(key, ArrayType | ObjectType | MapType):
        raise ValueError(f"a key of a map is of a plain type, and not {described(key)}")  # noqa: TRY004 - in words
    return MapType(key, value)


def has_map(type_: ColumnType) -> bool:
    """True for a map, and for what has one in it."""
    match type_:
        case MapType():
            return True
        case ArrayType(items):
            return items is not None and has_map(items)
        case ObjectType(fields):
            return any(has_map(inner) for _, inner in fields)
        case _:
            return False


def parts(part: Mapping[str, Value], name: str) -> list[dict[str, Value]]:
    """The maps in the list ``name`` (the schema has seen to it that there is nothing else)."""
    found = part.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def inside(part: Mapping[str, Value]) -> Iterator[tuple[Path, Mapping[str, Value]]]:
    """The properties, items, keys and values that a property declares inside of itself, and where they stand."""
    for at, one in enumerate(parts(part, "properties")):
        yield ("properties", at), one
    both = part.get("map")
    entries = both if isinstance(both, dict) else {}
    for steps, found in (
        (("items",), part.get("items")),
        (("map", "key"), entries.get("key")),
        (("map", "value"), entries.get("value")),
    ):
        if isinstance(found, dict):
            yield steps, found


def scalar(type_: ColumnType, value: Value, written: str | None = None) -> Scalar:
    """A member of an enumeration or a bound, as a value of the type; ``written`` is the text in the contract.

    Text columns take the text as it was written (``007``, ``1.0``, ``true``). Raises ValueError, in words.
    """
    match type_:
        case StringType() if not isinstance(value, list | dict | None):
            return value if isinstance(value, str) else written or str(value)
        case IntegerType() | NumberType() | DecimalType():
            return _number(type_, value)
        case BooleanType():
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value.lower() in {"true", "false"}:
                return value.lower() == "true"
        case DateType() if isinstance(value, str):
            return temporal.read_date(value, type_.format)
        case TimeType() if isinstance(value, str):
            return temporal.read_time(value, type_.format)
        case TimestampType() if isinstance(value, str):
            return temporal.read_timestamp(
                value, type_.format, zoned=type_.zoned, default_zone=type_.default_zone
            )
        case _:
            pass
    raise ValueError(f"{written or value!r} is not {described(type_)}")


def described(type_: ColumnType) -> str:
    """A type in words, with its article."""
    match type_:
        case IntegerType():
            return "a 64-bit integer"
        case DecimalType(precision, scale):
            return f"a decimal({precision},{scale})"
        case TimestampType(zoned=zoned):
            return "a timestamp" if zoned else "a timestamp without zone"
        case AnyType():
            return "of any declared type"
        case _:
            name = type(type_).__name__.removesuffix("Type").lower()
            return f"an {name}" if name[0] in "ao" else f"a {name}"


def _number(type_: IntegerType | NumberType | DecimalType, value: Value) -> Scalar:
    if isinstance(value, str) and _EXACT.fullmatch(value):
        value = int(value) if _WHOLE.fullmatch(value) else Decimal(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        match type_:
            case IntegerType():
                if value == int(value) and INT64[0] <= value <= INT64[1]:
                    return int(value)
            case DecimalType(precision, scale):
                units = Fraction(value) * 10**scale
                if units.denominator == 1 and abs(units) < 10**precision:
                    return Decimal(value)
            case NumberType():
                return Decimal(value)
    raise ValueError(f"{value!s} is not {described(type_)}")


def _decimal(physical: str) -> DecimalType | None:
    """Exact if the physical type says so; without digits it is the widest with as many behind the point."""
    found = _DECIMAL.match(physical)
    if not found:
        return DecimalType(38, 18) if physical in _BARE_DECIMAL else None
    precision, scale = int(found[1]), int(found[2] or 0)
    if not 1 <= precision <= 38:
        raise ValueError(f"{physical} does not have 1 to 38 digits")
    if not 0 <= scale <= precision:
        raise ValueError(f"{physical} does not have 0 to {precision} digits behind the point")
    return DecimalType(precision, scale)


def _timestamp(options: Mapping[str, Value], physical: str) -> TimestampType:
    """The standard's default zone is UTC; ``timezone: true`` asks that the text names its zone itself."""
    format_ = _format(options, "timestamp")
    declared = options.get("timezone")
    zoned = declared if isinstance(declared, bool) else not _UNZONED.search(physical)
    default = options.get("defaultTimezone")
    if not zoned:
        return TimestampType(False, format_)
    if isinstance(default, str):
        temporal.zone(default)
        return TimestampType(True, format_, default)
    must_name = declared is True and (format_ is None or temporal.has_zone(format_))
    return TimestampType(True, format_, None if must_name else "UTC")


def _format(options: Mapping[str, Value], kind: str) -> str | None:
    declared = options.get("format")
    if not isinstance(declared, str):
        return None
    try:
        return temporal.normal(declared, kind) or None
    except ValueError:
        return None


def physical_name(part: Mapping[str, Value]) -> str:
    """What the data call a property."""
    return str(part.get("physicalName") or part.get("name") or "")
