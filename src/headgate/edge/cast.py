"""Values as a contract's types: whatever converts without loss fits, anything else is null.

`typed` gives one expression; whether a cell fits is then read off it: null out of something that was not null.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl
from polars.datatypes import DataTypeClass

from headgate.edge import cast_text
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
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
            return pl.List(dtype_of(items, _instance(inner)) if items else inner)
        case ObjectType(fields):
            have = {f.name: _instance(f.dtype) for f in found.fields} if isinstance(found, pl.Struct) else {}
            if not fields:
                return found if isinstance(found, pl.Struct) else pl.String()
            return pl.Struct({name: dtype_of(inner, have.get(name)) for name, inner in fields})
        case StringType():
            return pl.String()
        case AnyType():
            return found if found is not None and not isinstance(found, pl.Null) else pl.String()


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
        case ArrayType(items):
            return _array(e, have, items, want)
        case ObjectType(fields):
            return _object(e, have, fields, want)
    if isinstance(have, pl.String):
        return Cast(_from_text(e, kind))
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


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
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
        return ArrayType(kind_of(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return ObjectType(tuple((f.name, kind_of(_instance(f.dtype))) for f in dtype.fields))
    plain: dict[type[pl.DataType], ColumnType] = {
        pl.String: StringType(), pl.Categorical: StringType(), pl.Enum: StringType(), pl.Boolean: BooleanType(),
        pl.Date: DateType(), pl.Time: TimeType(),
    }  # fmt: skip
    return plain.get(type(dtype), AnyType())


def _nothing(want: pl.DataType) -> Cast:
    return Cast(pl.lit(None, want))


def _from_text(e: pl.Expr, kind: ColumnType) -> pl.Expr:
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


def _array(e: pl.Expr, have: pl.DataType, items: ColumnType | None, want: pl.DataType) -> Cast:
    if isinstance(have, pl.Array):
        e, have = e.arr.to_list(), pl.List(have.inner)
    if isinstance(have, pl.String):
        return _from_json(e, want)
    if not isinstance(have, pl.List):
        return _nothing(want)
    if items is None:
        return Cast(e, total=True)
    inner = typed(pl.element(), _instance(have.inner), items)
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
    if isinstance(have, pl.String):
        return _from_json(e, want)
    if not isinstance(have, pl.Struct):
        return _nothing(want)
    if not fields:
        return Cast(e, total=True)
    if have == want:
        return Cast(e, total=True)
    found = {f.name: _instance(f.dtype) for f in have.fields}
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


def _from_json(e: pl.Expr, want: pl.DataType) -> Cast:
    """Nested values that stand in text as JSON. Slow, since every cell is parsed by itself: nested CSV is rare."""

    def decode(cells: pl.Series) -> pl.Series:
        return pl.Series([_decoded(cell, want) for cell in cells], dtype=want)

    if isinstance(want, pl.String):
        return Cast(e, total=True)
    return Cast(e.map_batches(decode, return_dtype=want, is_elementwise=True))


def _decoded(cell: str | None, want: pl.DataType) -> object:
    try:
        return _fitted(json.loads(cell), want) if cell is not None else None
    except (ValueError, TypeError):
        return None


def _fitted(value: Any, want: pl.DataType) -> Any:
    """A JSON value as one of the type. Raises TypeError or ValueError."""
    if value is None:
        return None
    if isinstance(want, pl.List) and isinstance(value, list):
        inner = _instance(want.inner)
        return [_fitted(each, inner) for each in value]
    if isinstance(want, pl.Struct) and isinstance(value, dict):
        fields = {f.name: _instance(f.dtype) for f in want.fields}
        if unknown := value.keys() - fields.keys():
            raise ValueError(f"{min(unknown)} is not declared")
        return {name: _fitted(value.get(name), inner) for name, inner in fields.items()}
    if isinstance(want, pl.String) and not isinstance(value, str):
        return json.dumps(value)
    if isinstance(want, pl.List | pl.Struct) or isinstance(value, list | dict):
        raise TypeError(f"{value!r} is no {want}")
    found = pl.select(typed(pl.lit(value), pl.select(pl.lit(value)).dtypes[0], kind_of(want)).value).item()
    if found is None:
        raise ValueError(f"{value!r} is no {want}")
    return found
