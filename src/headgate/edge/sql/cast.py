"""Values as a contract's types, in SQL: the twin of `cast`, which is the specification.

Whatever converts without loss fits, anything else is NULL. Types of the data are named as Polars names them.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from headgate.edge.cast import dtype_of
from headgate.edge.sql import cast_text as sql_cast_text
from headgate.edge.sql.dialect import Dialect, instance
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
    """``value`` of the contract's type, NULL where the cell does not fit; ``total``: every cell fits."""

    value: str
    total: bool = False


def typed(d: Dialect, e: str, have: pl.DataType, kind: ColumnType, depth: int = 0) -> Cast:
    """A column of type ``have`` as values of ``kind``. May raise `jdk_format.Unsupported`.

    Text that holds nested values as JSON is not for here: whoever reads it must have it parsed. ``depth``: how many
    lists there are around.
    """
    want = dtype_of(kind, have)
    if isinstance(have, pl.Null):
        return Cast(_null(d, want), total=True)
    if isinstance(have, pl.Categorical | pl.Enum):
        have = pl.String()
    match kind:
        case AnyType():
            return Cast(e, total=True)
        case StringType():
            return Cast(e, total=True) if isinstance(have, pl.String) else Cast(_null(d, want))
        case TimeType() if isinstance(have, pl.Time):
            return Cast(f"CASE WHEN CAST(CAST({e} AS TIME) AS TIME_NS) = {e} THEN CAST({e} AS TIME) END")
        case ArrayType(items):
            return _array(d, e, have, items, want, depth)
        case ObjectType(fields):
            return _object(d, e, have, fields, want, depth)
    if isinstance(have, pl.String):
        return Cast(_from_text(d, e, kind))
    if have == want:
        return Cast(e, total=True)
    match kind:
        case IntegerType():
            return _integer(d, e, have)
        case NumberType():
            return _number(d, e, have)
        case DecimalType():
            return _decimal(d, e, have, kind)
        case DateType() if isinstance(have, pl.Datetime) and have.time_zone is None:
            midnight = f"CAST(CAST({e} AS DATE) AS {d.type_of(have)})"
            return Cast(f"CASE WHEN {midnight} = {e} THEN CAST({e} AS DATE) END")
        case TimestampType():
            return _timestamp(d, e, have, kind)
    return Cast(_null(d, want))


def _null(d: Dialect, want: pl.DataType) -> str:
    return f"CAST(NULL AS {d.type_of(want)})"


def _from_text(d: Dialect, e: str, kind: ColumnType) -> str:
    match kind:
        case IntegerType():
            return sql_cast_text.integer(d, e)
        case NumberType():
            return sql_cast_text.number(d, e)
        case DecimalType():
            return sql_cast_text.decimal(d, e, kind)
        case BooleanType():
            return sql_cast_text.boolean(d, e)
        case DateType(pattern):
            return sql_cast_text.date(d, e, pattern)
        case TimestampType():
            return sql_cast_text.timestamp(d, e, kind)
        case TimeType(pattern):
            return sql_cast_text.time(d, e, pattern)
        case _:
            return e


def _integer(d: Dialect, e: str, have: pl.DataType) -> Cast:
    value = d.try_cast(e, "BIGINT")
    if isinstance(have, _SMALL):
        return Cast(f"CAST({e} AS BIGINT)", total=True)
    if isinstance(have, _INTEGERS):
        return Cast(value)
    if isinstance(have, (*_FLOATS, pl.Decimal)):
        return Cast(f"CASE WHEN trunc({e}) = {e} THEN {value} END")
    return Cast(_null(d, pl.Int64()))


def _number(d: Dialect, e: str, have: pl.DataType) -> Cast:
    value = f"CAST({e} AS DOUBLE)"
    if isinstance(have, (*_SMALL, *_NARROW_FLOATS)):
        return Cast(value, total=True)
    if isinstance(have, pl.Decimal):
        if (have.precision or 38) <= _DOUBLE_DIGITS:
            return Cast(value, total=True)
        # By way of text: the nearest double, and its shortest decimal form. The database's own casts divide doubles.
        value = f"CAST(CAST({e} AS VARCHAR) AS DOUBLE)"
        shortest = d.try_cast(f"CAST({value} AS VARCHAR)", f"DECIMAL(38, {have.scale})")
        return Cast(f"CASE WHEN {shortest} = {e} THEN {value} END")
    if isinstance(have, _INTEGERS):
        return Cast(f"CASE WHEN {d.try_cast(value, d.type_of(have))} = {e} THEN {value} END")
    return Cast(_null(d, pl.Float64()))


def _decimal(d: Dialect, e: str, have: pl.DataType, kind: DecimalType) -> Cast:
    want = f"DECIMAL({kind.precision}, {kind.scale})"
    value = d.try_cast(e, want)
    if isinstance(have, _INTEGERS):
        return Cast(value)
    if isinstance(have, pl.Decimal):
        precision = have.precision or 38
        if have.scale <= kind.scale and precision - have.scale <= kind.precision - kind.scale:
            return Cast(value, total=True)
        back = d.try_cast(value, f"DECIMAL(38, {have.scale})")
        return Cast(f"CASE WHEN {back} = {e} THEN {value} END")
    if isinstance(have, _FLOATS):
        # In decimal digits, not in binary ones: the shortest form of a double is what it says.
        wide = f"CAST({e} AS DOUBLE)"
        value = d.try_cast(f"CAST({wide} AS VARCHAR)", want)
        return Cast(f"CASE WHEN CAST(CAST({value} AS VARCHAR) AS DOUBLE) = {wide} THEN {value} END")
    return Cast(_null(d, pl.Decimal(kind.precision, kind.scale)))


def _timestamp(d: Dialect, e: str, have: pl.DataType, kind: TimestampType) -> Cast:
    want = "TIMESTAMPTZ" if kind.zoned else "TIMESTAMP"
    if isinstance(have, pl.Date):
        e, have = d.try_cast(e, "TIMESTAMP"), pl.Datetime("us")
    if not isinstance(have, pl.Datetime) or (have.time_zone is not None and not kind.zoned):
        return Cast(f"CAST(NULL AS {want})")
    total = have.time_unit != "ns"
    value = f"CAST({e} AS TIMESTAMP{'TZ' if have.time_zone else ''})"
    if not total:
        value = f"CASE WHEN {d.nanoseconds(e)} % 1000 = 0 THEN {value} END"
    if kind.zoned and have.time_zone is None:
        return Cast(sql_cast_text.in_zone(d, f"({value})", kind.default_zone))
    return Cast(value, total)


def _array(
    d: Dialect, e: str, have: pl.DataType, items: ColumnType | None, want: pl.DataType, depth: int
) -> Cast:
    if not isinstance(have, pl.List):
        return Cast(_null(d, want))
    if items is None:
        return Cast(e, total=True)
    var = f"e{depth}"
    inner = typed(d, var, instance(have.inner), items, depth + 1)
    if inner.total and have == want:
        return Cast(e, total=True)
    value = d.each(e, var, inner.value)
    if inner.total:
        return Cast(value, total=True)
    lost = d.kept(e, var, f"{var} IS NOT NULL AND ({inner.value}) IS NULL")
    return Cast(f"CASE WHEN len({lost}) = 0 THEN {value} END")


def _object(
    d: Dialect,
    e: str,
    have: pl.DataType,
    fields: tuple[tuple[str, ColumnType], ...],
    want: pl.DataType,
    depth: int,
) -> Cast:
    if not isinstance(have, pl.Struct):
        return Cast(_null(d, want))
    if not fields or have == want:
        return Cast(e, total=True)
    assert isinstance(want, pl.Struct)
    found = {f.name: (d.field(e, i), instance(f.dtype)) for i, f in enumerate(have.fields, start=1)}
    dtypes = {f.name: instance(f.dtype) for f in want.fields}
    declared = dict(fields)
    casts = {name: typed(d, *found[name], kind, depth) for name, kind in fields if name in found}
    values = [(name, casts[name].value if name in casts else _null(d, dtypes[name])) for name, _ in fields]
    lost = [f"{found[name][0]} IS NOT NULL" for name in found if name not in declared]
    lost += [
        f"({c.value}) IS NULL AND {found[name][0]} IS NOT NULL" for name, c in casts.items() if not c.total
    ]
    keep = " AND ".join([f"{e} IS NOT NULL", *(f"NOT ({each})" for each in lost)])
    return Cast(f"CASE WHEN {keep} THEN {d.record(values)} END", total=not lost)
