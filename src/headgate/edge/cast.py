"""Values as a contract's types: whatever converts without loss fits, anything else is null.

`typed` gives one expression; whether a cell fits is then read off it: null out of something that was not null.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from polars.datatypes import DataTypeClass

from headgate.edge import cast_json, cast_text
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

_SMALL = (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)
_INTEGERS = (*_SMALL, pl.Int64, pl.UInt64, pl.Int128, pl.UInt128)
_NARROW_FLOATS = (pl.Float16, pl.Float32)
_FLOATS = (*_NARROW_FLOATS, pl.Float64)
_DOUBLE_DIGITS = 15  # decimals of so many digits survive a double


@dataclass(frozen=True, slots=True)
class Cast:
    """``value`` of the contract's type, null where the cell does not fit; ``total``: every cell fits."""

    value: pl.Expr
    total: bool = False


def dtype_of(kind: ColumnType, found: pl.DataType | None = None) -> pl.DataType:
    """The Polars type of a contract's type. ``found``: the type of the data, for what a contract leaves open."""
    match kind:
        case IntegerType():
            return pl.Int64()
        case NumberType():
            return pl.Float64()
        case DecimalType(precision, scale):
            return pl.Decimal(precision, scale)
        case BooleanType():
            return pl.Boolean()
        case DateType():
            return pl.Date()
        case TimestampType():
            return pl.Datetime("us", "UTC" if kind.zoned else None)
        case TimeType():
            return pl.Time()
        case ArrayType(items):
            inner = found.inner if isinstance(found, pl.List | pl.Array) else pl.String()
            return pl.List(dtype_of(items, instance(inner)) if items else inner)
        case ObjectType(fields):
            have = {f.name: instance(f.dtype) for f in found.fields} if isinstance(found, pl.Struct) else {}
            if not fields:
                return found if isinstance(found, pl.Struct) else pl.String()
            return pl.Struct({name: dtype_of(inner, have.get(name)) for name, inner in fields})
        case MapType(key, value):
            keys, values = _map_of(found) or (None, None)
            return pl.Map(dtype_of(key, keys), dtype_of(value, values))
        case StringType():
            return pl.String()
        case AnyType():
            if found is None or isinstance(found, pl.Null | pl.Categorical | pl.Enum):
                return pl.String()
            return found


def typed(e: pl.Expr, have: pl.DataType, kind: ColumnType) -> Cast:
    """A column of type ``have`` as values of ``kind``. May raise `jdk_format.Unsupported`."""
    want = dtype_of(kind, have)
    if isinstance(have, pl.Null):
        return Cast(pl.lit(None, want), total=True)
    if isinstance(have, pl.Categorical | pl.Enum):
        e, have = e.cast(pl.String), pl.String()
    match kind:
        case AnyType():
            return Cast(e, total=True)
        case StringType():
            return Cast(e, total=True) if isinstance(have, pl.String) else _nothing(want)
        case TimeType() if isinstance(have, pl.Time):
            return Cast(pl.when(e.cast(pl.Int64) % 1000 == 0).then(e))
        case ArrayType() | ObjectType() | MapType():
            return _nested(e, have, kind, want)
    if isinstance(have, pl.String):
        return Cast(from_text(e, kind))
    if have == want:
        return Cast(e, total=True)
    match kind:
        case IntegerType():
            return _integer(e, have)
        case NumberType():
            return _number(e, have)
        case DecimalType():
            return _decimal(e, have, kind)
        case DateType():
            return _date(e, have)
        case TimestampType():
            return _timestamp(e, have, kind)
    return _nothing(want)


def instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    """Polars gives inner types as classes or as values."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def kind_of(dtype: pl.DataType) -> ColumnType:
    """The contract type that a Polars type is the values of."""
    if dtype.is_integer():
        return IntegerType()
    if dtype.is_float():
        return NumberType()
    if isinstance(dtype, pl.Decimal):
        return DecimalType(dtype.precision or 38, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return TimestampType(zoned=dtype.time_zone is not None)
    if isinstance(dtype, pl.List | pl.Array):
        return ArrayType(kind_of(instance(dtype.inner)))
    if isinstance(dtype, pl.Map):
        return MapType(kind_of(instance(dtype.key)), kind_of(instance(dtype.value)))
    if isinstance(dtype, pl.Struct):
        return ObjectType(tuple((f.name, kind_of(instance(f.dtype))) for f in dtype.fields))
    plain: dict[type[pl.DataType], ColumnType] = {
        pl.String: StringType(), pl.Categorical: StringType(), pl.Enum: StringType(), pl.Boolean: BooleanType(),
        pl.Date: DateType(), pl.Time: TimeType(),
    }  # fmt: skip
    return plain.get(type(dtype), AnyType())


def _nothing(want: pl.DataType) -> Cast:
    return Cast(pl.lit(None, want))


def from_text(e: pl.Expr, kind: ColumnType) -> pl.Expr:
    """Text as values of a plain type; null where it does not fit. May raise `jdk_format.Unsupported`."""
    match kind:
        case IntegerType():
            return cast_text.integer(e)
        case NumberType():
            return cast_text.number(e)
        case DecimalType():
            return cast_text.decimal(e, kind)
        case BooleanType():
            return cast_text.boolean(e)
        case DateType(pattern):
            return cast_text.date(e, pattern)
        case TimestampType():
            return cast_text.timestamp(e, kind)
        case TimeType(pattern):
            return cast_text.time(e, pattern)
        case _:
            return e


def _integer(e: pl.Expr, have: pl.DataType) -> Cast:
    value = e.cast(pl.Int64, strict=False)
    if isinstance(have, _SMALL):
        return Cast(value, total=True)
    if isinstance(have, _INTEGERS):
        return Cast(value)
    if isinstance(have, _FLOATS):
        return Cast(pl.when(value.cast(pl.Float64) == e.cast(pl.Float64)).then(value))
    if isinstance(have, pl.Decimal):
        return Cast(pl.when(value.cast(pl.Decimal(38, have.scale), strict=False) == e).then(value))
    return _nothing(pl.Int64())


def _number(e: pl.Expr, have: pl.DataType) -> Cast:
    value = e.cast(pl.Float64, strict=False)
    if isinstance(have, (*_SMALL, *_NARROW_FLOATS)):
        return Cast(value, total=True)
    if isinstance(have, _INTEGERS):
        return Cast(pl.when(value.cast(have, strict=False) == e).then(value))
    if isinstance(have, pl.Decimal):
        if (have.precision or 38) <= _DOUBLE_DIGITS:
            return Cast(value, total=True)
        # By way of text, which is read as the nearest double and written as its shortest decimal form: Polars'
        # own cast divides doubles, and what it gives back for 1234567.1 has other digits behind it.
        value = e.cast(pl.String).cast(pl.Float64)
        shortest = value.cast(pl.String).cast(pl.Decimal(38, have.scale), strict=False)
        return Cast(pl.when(shortest == e).then(value))
    return _nothing(pl.Float64())


def _decimal(e: pl.Expr, have: pl.DataType, kind: DecimalType) -> Cast:
    want = pl.Decimal(kind.precision, kind.scale)
    value = e.cast(want, strict=False)
    if isinstance(have, _INTEGERS):
        return Cast(value)
    if isinstance(have, pl.Decimal):
        precision = have.precision or 38
        if have.scale <= kind.scale and precision - have.scale <= kind.precision - kind.scale:
            return Cast(value, total=True)
        return Cast(pl.when(value.cast(pl.Decimal(38, have.scale), strict=False) == e).then(value))
    if isinstance(have, _FLOATS):
        wide = e.cast(pl.Float64)
        value = wide.cast(pl.String).cast(want, strict=False)  # the shortest decimal form: 0.1 is 0.1
        return Cast(pl.when(value.cast(pl.String).cast(pl.Float64) == wide).then(value))
    return _nothing(want)


def _date(e: pl.Expr, have: pl.DataType) -> Cast:
    if isinstance(have, pl.Datetime) and have.time_zone is None:
        value = e.dt.date()
        return Cast(pl.when(value.cast(have) == e).then(value))
    return _nothing(pl.Date())


def _timestamp(e: pl.Expr, have: pl.DataType, kind: TimestampType) -> Cast:
    want = pl.Datetime("us", "UTC" if kind.zoned else None)
    if isinstance(have, pl.Date):
        e, have = e.cast(pl.Datetime("us")), pl.Datetime("us")
    if not isinstance(have, pl.Datetime):
        return _nothing(want)
    total = have.time_unit != "ns"
    value = e.dt.cast_time_unit("us")
    if not total:
        value = pl.when(e.dt.timestamp("ns") % 1000 == 0).then(value)
    if kind.zoned:
        if have.time_zone is None:
            return Cast(cast_text.in_zone(value, kind.default_zone))
        return Cast(value.dt.convert_time_zone("UTC"), total)
    return Cast(value, total) if have.time_zone is None else _nothing(want)


def _nested(e: pl.Expr, have: pl.DataType, kind: ArrayType | ObjectType | MapType, want: pl.DataType) -> Cast:
    if isinstance(have, pl.String):
        return _from_json(e, kind, want)
    match kind:
        case ArrayType(items):
            return _array(e, have, items, want)
        case ObjectType(fields):
            return _object(e, have, fields, want)
        case MapType():
            return _map(e, have, kind, want)


def _array(e: pl.Expr, have: pl.DataType, items: ColumnType | None, want: pl.DataType) -> Cast:
    if isinstance(have, pl.Array):
        e, have = e.arr.to_list(), pl.List(have.inner)
    if not isinstance(have, pl.List):
        return _nothing(want)
    if items is None:
        return Cast(e, total=True)
    inner = typed(pl.element(), instance(have.inner), items)
    if inner.total and have == want:
        return Cast(e, total=True)
    value = e.list.eval(inner.value)
    if inner.total:
        return Cast(value, total=True)
    lost = e.list.eval(inner.value.is_null() & pl.element().is_not_null()).list.any()
    return Cast(pl.when(~lost).then(value))


def _object(
    e: pl.Expr, have: pl.DataType, fields: tuple[tuple[str, ColumnType], ...], want: pl.DataType
) -> Cast:
    if not isinstance(have, pl.Struct):
        return _nothing(want)
    if not fields:
        return Cast(e, total=True)
    if have == want:
        return Cast(e, total=True)
    found = {f.name: instance(f.dtype) for f in have.fields}
    declared = dict(fields)
    casts = {name: typed(e.struct.field(name), found[name], kind) for name, kind in fields if name in found}
    values = [
        (casts[name].value if name in casts else pl.lit(None, dtype_of(kind))).alias(name)
        for name, kind in fields
    ]
    lost = [e.struct.field(name).is_not_null() for name in found if name not in declared]
    lost += [
        c.value.is_null() & e.struct.field(name).is_not_null() for name, c in casts.items() if not c.total
    ]
    keep = e.is_not_null()
    if lost:
        keep = keep & ~pl.any_horizontal(lost).fill_null(value=False)
    return Cast(pl.when(keep).then(pl.struct(values)), total=not lost)


def _map_of(dtype: pl.DataType | None) -> tuple[pl.DataType, pl.DataType] | None:
    """Types of keys and values of a map, or of a list of its entries."""
    if isinstance(dtype, pl.Map):
        return instance(dtype.key), instance(dtype.value)
    inner = instance(dtype.inner) if isinstance(dtype, pl.List) else None
    if isinstance(inner, pl.Struct) and [f.name for f in inner.fields] == ["key", "value"]:
        return instance(inner.fields[0].dtype), instance(inner.fields[1].dtype)
    return None


def _map(e: pl.Expr, have: pl.DataType, kind: MapType, want: pl.DataType) -> Cast:
    """A map, a list of entries with key and value, or an object whose fields that are not null are the entries.

    Two keys that are one value of the declared type (the texts 1 and 01 as integers) do not fit, nor does a null key.
    """
    if have == want:
        return Cast(e, total=True)
    if isinstance(have, pl.Struct):
        return _map_of_fields(e, have, kind)
    found = _map_of(have)
    if found is None:
        return _nothing(want)
    entries = e.map.entries() if isinstance(have, pl.Map) else e
    raw_key, raw_value = (pl.element().struct.field(name) for name in ("key", "value"))
    key, value = typed(raw_key, found[0], kind.key), typed(raw_value, found[1], kind.value)
    lost = entries.list.agg((key.value.is_null() | (value.value.is_null() & raw_value.is_not_null())).any())
    entry = pl.struct(key.value.alias("key"), value.value.alias("value"))
    made = pl.when(~lost).then(entries.list.eval(entry)).list.to_map()
    return Cast(pl.when(made.map.len() == entries.list.len()).then(made))


def _map_of_fields(e: pl.Expr, have: pl.Struct, kind: MapType) -> Cast:
    keys = pl.Series([f.name for f in have.fields], dtype=pl.String)
    typed_keys = keys.to_frame("k").select(typed(pl.col("k"), pl.String(), kind.key).value).to_series()
    entries, lost = [], []
    for field, key in zip(have.fields, typed_keys.to_list(), strict=True):
        raw = e.struct.field(field.name)
        cast = typed(raw, instance(field.dtype), kind.value)
        misfit = pl.lit(key is None) | cast.value.is_null()
        lost.append(raw.is_not_null() & misfit)
        here = pl.struct(pl.lit(key, dtype_of(kind.key)).alias("key"), cast.value.alias("value"))
        entries.append(here)
    if not entries:
        return Cast(
            pl.when(e.is_not_null()).then(pl.lit({}, pl.Map(dtype_of(kind.key), dtype_of(kind.value))))
        )
    there = pl.concat_list(entries).list.filter(pl.element().struct.field("value").is_not_null())
    fits = e.is_not_null() & ~pl.any_horizontal(lost)
    return Cast(pl.when(fits).then(there).list.to_map())


def _from_json(e: pl.Expr, kind: ColumnType, want: pl.DataType) -> Cast:
    """Nested values that stand in text as JSON; see `json_values`."""
    if isinstance(want, pl.String):  # an object of no declared fields is kept as its text
        return Cast(pl.when(e.map_batches(cast_json.are_objects, pl.Boolean, is_elementwise=True)).then(e))

    def decode(cells: pl.Series) -> pl.Series:
        return cast_json.decoded(cells, kind, want, from_text)

    return Cast(e.map_batches(decode, return_dtype=want, is_elementwise=True))
