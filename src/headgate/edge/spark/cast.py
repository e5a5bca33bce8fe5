"""Columns of Spark's types as values of a contract's types: whatever converts without loss fits, anything else is null.

The same as `cast` says for Polars. Types are told by their names, so that nothing of PySpark need be imported.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import polars as pl

from headgate.edge.jdk_format import Unsupported
from headgate.edge.spark import text as spark_text
from headgate.edge.spark.text import quoted, when
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

_SMALL = ("byte", "short", "integer")
_INTEGERS = (*_SMALL, "long")
_FLOATS = ("float", "double")
_TEXTS = ("string", "char", "varchar")
_DOUBLE_DIGITS = 15  # decimals of so many digits survive a double
_DTYPES: dict[str, pl.DataType] = {
    "byte": pl.Int8(), "short": pl.Int16(), "integer": pl.Int32(), "long": pl.Int64(), "float": pl.Float32(),
    "double": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean(), "date": pl.Date(), "void": pl.Null(),
    "timestamp": pl.Datetime("us", "UTC"), "timestamp_ntz": pl.Datetime("us"),
}  # fmt: skip
_variables = (
    itertools.count()
)  # names of lambdas' variables: each its own, so that inner ones hide no outer ones


@dataclass(frozen=True, slots=True)
class Cast:
    """``value`` of the contract's type, null where the cell does not fit; ``total``: every cell fits."""

    value: str
    total: bool = False


def variable() -> str:
    """A name that no other lambda's variable has."""
    return f"e{next(_variables)}"


def name_of(have: Any) -> str:
    found: str = have.typeName()
    return "string" if found in _TEXTS else found


def type_of(kind: ColumnType, found: Any = None) -> str:
    """The Spark type of a contract's type, as SQL. ``found``: the type of the data, for what a contract leaves open."""
    home = name_of(found) if found is not None else ""
    match kind:
        case IntegerType():
            return "bigint"
        case NumberType():
            return "double"
        case DecimalType(precision, scale):
            return f"decimal({precision},{scale})"
        case BooleanType():
            return "boolean"
        case DateType():
            return "date"
        case TimestampType():
            return "timestamp" if kind.zoned else "timestamp_ntz"
        case ArrayType(items):
            inner = found.elementType if home == "array" else None
            return f"array<{type_of(items, inner) if items else _said(inner)}>"
        case ObjectType(fields):
            have = {f.name: f.dataType for f in found.fields} if home == "struct" else {}
            if not fields:
                return _said(found) if home == "struct" else "string"
            told = (f"{quoted(name)}: {type_of(inner, have.get(name))}" for name, inner in fields)
            return f"struct<{', '.join(told)}>"
        case MapType(key, value):
            keys, inner = _map_of(found) or (None, None)
            return f"map<{type_of(key, keys)}, {type_of(value, inner)}>"
        case AnyType():
            return _said(found)
        case _:
            return "string"


def _said(found: Any) -> str:
    """A type of the data as it is."""
    return "string" if found is None or name_of(found) in ("void", "string") else str(found.simpleString())


def kind_of(have: Any) -> ColumnType:
    """The contract type that a Spark type is the values of."""
    match name_of(have):
        case "byte" | "short" | "integer" | "long":
            return IntegerType()
        case "float" | "double":
            return NumberType()
        case "decimal":
            return DecimalType(have.precision, have.scale)
        case "timestamp" | "timestamp_ntz" as zone:
            return TimestampType(zoned=zone == "timestamp")
        case "string":
            return StringType()
        case "boolean":
            return BooleanType()
        case "date":
            return DateType()
        case "array":
            return ArrayType(kind_of(have.elementType))
        case "struct":
            return ObjectType(tuple((f.name, kind_of(f.dataType)) for f in have.fields))
        case "map":
            return MapType(kind_of(have.keyType), kind_of(have.valueType))
        case _:
            return AnyType()


def dtype_from(have: Any) -> pl.DataType:
    """The Polars type that a Spark type is, as far as rules can tell."""
    match name_of(have):
        case "decimal":
            return pl.Decimal(have.precision, have.scale)
        case "array":
            return pl.List(dtype_from(have.elementType))
        case "struct":
            return pl.Struct({f.name: dtype_from(f.dataType) for f in have.fields})
        case "map":
            return pl.List(pl.Struct({"key": dtype_from(have.keyType), "value": dtype_from(have.valueType)}))
        case name:
            return _DTYPES.get(name, pl.Binary())


def typed(e: str, have: Any, kind: ColumnType) -> Cast:
    """A column of type ``have`` as values of ``kind``. May raise `jdk_format.Unsupported`."""
    home = name_of(have)
    if home == "void":
        return Cast(f"cast(null as {type_of(kind)})", total=True)
    match kind:
        case AnyType():
            return Cast(e, total=True)
        case StringType():
            return Cast(e, total=True) if home == "string" else _nothing(kind)
        case ArrayType() | ObjectType() | MapType():
            return _nested(e, have, kind)
    if home == "string":
        return Cast(_from_text(e, kind))
    match kind:
        case IntegerType():
            return _integer(e, have)
        case NumberType():
            return _number(e, have)
        case DecimalType():
            return _decimal(e, have, kind)
        case BooleanType() if home == "boolean":
            return Cast(e, total=True)
        case DateType():
            return _date(e, have)
        case TimestampType():
            return _timestamp(e, have, kind)
    return _nothing(kind)


def _nothing(kind: ColumnType) -> Cast:
    return Cast(f"cast(null as {type_of(kind)})")


def _from_text(e: str, kind: ColumnType) -> str:
    match kind:
        case IntegerType():
            return spark_text.integer(e)
        case NumberType():
            return spark_text.number(e)
        case DecimalType():
            return spark_text.decimal(e, kind)
        case BooleanType():
            return spark_text.boolean(e)
        case DateType(pattern):
            return spark_text.date_(e, pattern)
        case TimestampType():
            return spark_text.timestamp(e, kind)
        case TimeType(pattern):
            return spark_text.time_(e, pattern)
        case _:
            return e


def _integer(e: str, have: Any) -> Cast:
    home = name_of(have)
    if home == "long":
        return Cast(e, total=True)
    if home in _SMALL:
        return Cast(f"cast({e} as bigint)", total=True)
    value = f"try_cast({e} as bigint)"
    if home in _FLOATS:
        # Spark's own cast takes 2**63, which is one too many, for the greatest integer.
        same = f"cast({value} as double) = cast({e} as double) and {e} < {spark_text.double(2.0**63)}"
        return Cast(when(same, value))
    if home == "decimal":
        return Cast(when(f"try_cast({value} as decimal(38,{have.scale})) = {e}", value))
    return _nothing(IntegerType())


def _number(e: str, have: Any) -> Cast:
    home = name_of(have)
    value = f"cast({e} as double)"
    if home == "double":
        return Cast(e, total=True)
    if home in (*_SMALL, "float"):
        return Cast(value, total=True)
    if home == "long":
        back = f"try_cast({value} as bigint) = {e} and {value} < {spark_text.double(2.0**63)}"
        return Cast(when(back, value))
    if home == "decimal":
        if have.precision <= _DOUBLE_DIGITS:
            return Cast(value, total=True)
        return Cast(when(f"try_cast({value} as {have.simpleString()}) = {e}", value))
    return _nothing(NumberType())


def _decimal(e: str, have: Any, kind: DecimalType) -> Cast:
    home = name_of(have)
    value = f"try_cast({e} as {type_of(kind)})"
    if home in _INTEGERS:
        return Cast(value)
    if home == "decimal":
        if have.scale <= kind.scale and have.precision - have.scale <= kind.precision - kind.scale:
            return Cast(value, total=True)
        return Cast(when(f"try_cast({value} as decimal(38,{have.scale})) = {e}", value))
    if home in _FLOATS:
        # From its shortest decimal form, which is what Spark's own cast goes by: 0.1 is 0.1.
        value = f"try_cast(cast({e} as double) as {type_of(kind)})"
        return Cast(when(f"cast({value} as double) = cast({e} as double)", value))
    return _nothing(kind)


def _date(e: str, have: Any) -> Cast:
    home = name_of(have)
    if home == "date":
        return Cast(e, total=True)
    if home == "timestamp_ntz":
        value = f"cast({e} as date)"
        return Cast(when(f"cast({value} as timestamp_ntz) = {e}", value))
    return _nothing(DateType())


def _timestamp(e: str, have: Any, kind: TimestampType) -> Cast:
    home = name_of(have)
    if home == "timestamp" and kind.zoned:
        return Cast(e, total=True)
    if home == "date":
        e, home = f"cast({e} as timestamp_ntz)", "timestamp_ntz"
    if home != "timestamp_ntz":
        return _nothing(kind)
    if not kind.zoned:
        return Cast(e, total=True)
    return Cast(spark_text.in_zone(spark_text.as_if_utc(e), kind.default_zone))


def _nested(e: str, have: Any, kind: ArrayType | ObjectType | MapType) -> Cast:
    home = name_of(have)
    if home == "string":
        raise Unsupported("Spark does not read nested values from text: have them parsed (from_json) before")
    match kind:
        case ArrayType(items) if home == "array":
            return _array(e, have, items)
        case ObjectType(fields) if home == "struct":
            return _object(e, have, fields)
        case MapType():
            return _map(e, have, kind)
        case _:
            return _nothing(kind)


def _array(e: str, have: Any, items: ColumnType | None) -> Cast:
    if items is None:
        return Cast(e, total=True)
    x = variable()
    inner = typed(x, have.elementType, items)
    if inner.total and inner.value == x:
        return Cast(e, total=True)
    value = f"transform({e}, {x} -> {inner.value})"
    if inner.total:
        return Cast(value, total=True)
    lost = f"exists({e}, {x} -> {x} is not null and ({inner.value}) is null)"
    return Cast(when(f"not coalesce({lost}, false)", value))


def _object(e: str, have: Any, fields: tuple[tuple[str, ColumnType], ...]) -> Cast:
    if not fields:
        return Cast(e, total=True)
    found = {f.name: f.dataType for f in have.fields}
    declared = dict(fields)
    casts = {
        name: typed(f"{e}.{quoted(name)}", found[name], inner) for name, inner in fields if name in found
    }
    if list(found) == list(declared) and all(
        cast.total and cast.value == f"{e}.{quoted(name)}" for name, cast in casts.items()
    ):
        return Cast(e, total=True)
    values = ", ".join(
        f"{spark_text.text(name)}, "
        + (casts[name].value if name in casts else f"cast(null as {type_of(inner)})")
        for name, inner in fields
    )
    lost = [f"{e}.{quoted(name)} is not null" for name in found if name not in declared]
    lost += [
        f"(({cast.value}) is null and {e}.{quoted(name)} is not null)"
        for name, cast in casts.items()
        if not cast.total
    ]
    keep = f"{e} is not null" + (f" and not coalesce({' or '.join(lost)}, false)" if lost else "")
    return Cast(when(keep, f"named_struct({values})"), total=not lost)


def _map_of(have: Any) -> tuple[Any, Any] | None:
    """Types of keys and values of a map, or of a list of its entries."""
    if have is None:
        return None
    if name_of(have) == "map":
        return have.keyType, have.valueType
    inner = have.elementType if name_of(have) == "array" else None
    if inner is not None and name_of(inner) == "struct" and inner.names == ["key", "value"]:
        return inner.fields[0].dataType, inner.fields[1].dataType
    return None


def _map(e: str, have: Any, kind: MapType) -> Cast:
    """A map, a list of entries with key and value, or an object whose fields that are not null are the entries."""
    if name_of(have) == "struct":
        return _map_of_fields(e, have, kind)
    found = _map_of(have)
    if found is None:
        return _nothing(kind)
    x = variable()
    key, value = typed(f"{x}.key", found[0], kind.key), typed(f"{x}.value", found[1], kind.value)
    plain = key.value == f"{x}.key" and value.value == f"{x}.value" and key.total and value.total
    if name_of(have) == "map" and plain:
        return Cast(e, total=True)
    entries = f"map_entries({e})" if name_of(have) == "map" else e
    lost = f"({key.value}) is null or (({value.value}) is null and {x}.value is not null)"
    fits = f"not exists({entries}, {x} -> coalesce({lost}, true))"
    pairs = f"transform({entries}, {x} -> named_struct('key', {key.value}, 'value', {value.value}))"
    # Two keys that are one value of the declared type do not fit; Spark would fail at them.
    keys = f"transform({entries}, {x} -> {key.value})"
    alike = f"array_size(array_distinct({keys})) < array_size({keys})"
    value_of = f"case when not ({fits}) or ({alike}) then null else map_from_entries({pairs}) end"
    return Cast(when(f"{e} is not null", value_of))


def _map_of_fields(e: str, have: Any, kind: MapType) -> Cast:
    fields = [(f.name, f.dataType) for f in have.fields]
    if not fields:
        return Cast(when(f"{e} is not null", f"cast(map() as {type_of(kind)})"), total=True)
    x = variable()
    raw = [(f"{e}.{quoted(name)}", have_inner) for name, have_inner in fields]
    keys = [_key(name, kind.key) for name, _ in fields]
    values = [typed(one, have_inner, kind.value).value for one, have_inner in raw]
    lost = " or ".join(
        f"({one} is not null and (({key}) is null or ({value}) is null))"
        for (one, _), key, value in zip(raw, keys, values, strict=True)
    )
    entries = ", ".join(
        f"named_struct('key', {key}, 'value', {value})" for key, value in zip(keys, values, strict=True)
    )
    there = f"filter(array({entries}), {x} -> {x}.value is not null)"
    return Cast(when(f"{e} is not null and not ({lost})", f"map_from_entries({there})"))


def _key(name: str, kind: ColumnType) -> str:
    """A field's name as a map's key."""
    said = spark_text.text(name)
    return said if isinstance(kind, StringType | AnyType) else f"({_from_text(said, kind)})"


def text_of(e: str, dtype: pl.DataType) -> str:
    """`as_text` of a value whose type is told in Polars' words."""
    match dtype:
        case pl.String():
            return e
        case pl.Binary():
            return f"base64({e})"
        case pl.Datetime():
            zoned = dtype.time_zone is not None
            return f"concat({_iso(spark_text.wall_clock_utc(e))}, '+00:00')" if zoned else _iso(e)
        case pl.List() | pl.Struct() | pl.Map():
            return f"to_json({e}, map('ignoreNullFields', 'false', 'timeZone', 'UTC'))"
        case _:
            return f"cast({e} as string)"


def as_text(e: str, have: Any) -> str:
    """A raw value as text that says it in full, and that reads back as the same value."""
    match name_of(have):
        case "string":
            return e
        case "void":
            return "cast(null as string)"
        case "binary":
            return f"base64({e})"
        case "timestamp":
            return f"concat({_iso(spark_text.wall_clock_utc(e))}, '+00:00')"
        case "timestamp_ntz":
            return _iso(e)
        case "array" | "struct" | "map":
            return f"to_json({e}, map('ignoreNullFields', 'false', 'timeZone', 'UTC'))"
        case _:
            return f"cast({e} as string)"


def _iso(wall_clock: str) -> str:
    """With no fraction, milliseconds or microseconds, as many as there are. By way of Spark's plainest form:
    `date_format` would take what has no zone through the session's.
    """
    said = f"cast({wall_clock} as string)"
    digits = f"case when length({said}) = 19 then 0 when length({said}) <= 23 then 4 else 7 end"
    return f"concat(replace(substring({said}, 1, 19), ' ', 'T'), rpad(substring({said}, 20), {digits}, '0'))"
