"""One type, four spellings: the contract's column types as Iceberg's, Arrow's (with field ids) and Polars'.

Iceberg keeps types, not formats and zones: those stay in the contract. So does whether a column is required: a
policy may let a null pass with a warning, and a rejected batch stays on its branch as it came; the contract, which
is in the same tree, says what holds. Every column of a table is optional. A type that a contract leaves open (no
logicalType, an array without items, an object without properties) is kept as text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    FloatType,
    IcebergType,
    ListType,
    LongType,
    NestedField,
    StructType,
    TimestamptzType,
)
from pyiceberg.types import BooleanType as IcebergBoolean
from pyiceberg.types import DateType as IcebergDate
from pyiceberg.types import DecimalType as IcebergDecimal
from pyiceberg.types import DoubleType as IcebergDouble
from pyiceberg.types import IntegerType as IcebergInteger
from pyiceberg.types import MapType as IcebergMap
from pyiceberg.types import StringType as IcebergString
from pyiceberg.types import TimestampType as IcebergTimestamp
from pyiceberg.types import TimeType as IcebergTime

from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    Column,
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
from headgate.model.errors import Unreadable

_FIELD_ID = b"PARQUET:field_id"


def schema_of(columns: Sequence[Column]) -> Schema:
    """A new table's schema. Field ids are given in the columns' order, nested ones after their column."""
    ids = itertools.count(1)
    return Schema(*(field_of(column, ids) for column in columns), schema_id=0)


def field_of(column: Column, ids: Iterator[int]) -> NestedField:
    """A column as an Iceberg field, with the next id."""
    return NestedField(
        field_id=next(ids),
        name=column.name,
        field_type=iceberg_type(column.type, ids),
        required=False,
        doc=column.description or None,
    )


def iceberg_type(kind: ColumnType, ids: Iterator[int]) -> IcebergType:
    match kind:
        case IntegerType():
            return LongType()
        case NumberType():
            return IcebergDouble()
        case DecimalType(precision, scale):
            return IcebergDecimal(precision, scale)
        case StringType() | AnyType():
            return IcebergString()
        case BooleanType():
            return IcebergBoolean()
        case DateType():
            return IcebergDate()
        case TimestampType():
            return TimestamptzType() if kind.zoned else IcebergTimestamp()
        case TimeType():
            return IcebergTime()
        case ArrayType(items):
            element = next(ids)
            return ListType(
                element_id=element, element_type=iceberg_type(items or AnyType(), ids), element_required=False
            )
        case MapType(key, value):
            key_id, value_id = next(ids), next(ids)
            return IcebergMap(
                key_id=key_id,
                key_type=iceberg_type(key, ids),
                value_id=value_id,
                value_type=iceberg_type(value, ids),
                value_required=False,
            )
        case ObjectType(()):
            return IcebergString()
        case ObjectType(fields):
            return StructType(*(field_of(Column(name, inner), ids) for name, inner in fields))


def columns_of(schema: Schema) -> tuple[Column, ...]:
    """The contract's view of a schema: names and types."""
    return tuple(
        Column(f.name, column_type(f.field_type), label=f.name, description=f.doc or "")
        for f in schema.fields
    )


def column_type(kind: IcebergType) -> ColumnType:
    match kind:
        case LongType() | IcebergInteger():
            return IntegerType()
        case IcebergDouble() | FloatType():
            return NumberType()
        case IcebergDecimal():
            return DecimalType(kind.precision, kind.scale)
        case IcebergString():
            return StringType()
        case IcebergBoolean():
            return BooleanType()
        case IcebergDate():
            return DateType()
        case TimestamptzType():
            return TimestampType(zoned=True)
        case IcebergTimestamp():
            return TimestampType(zoned=False)
        case IcebergTime():
            return TimeType()
        case ListType():
            return ArrayType(column_type(kind.element_type))
        case IcebergMap():
            return MapType(column_type(kind.key_type), column_type(kind.value_type))
        case StructType():
            return ObjectType(tuple((f.name, column_type(f.field_type)) for f in kind.fields))
        case _:
            return AnyType()


def polars_schema(schema: Schema) -> dict[str, pl.DataType]:
    return {f.name: polars_type(f.field_type) for f in schema.fields}


def polars_type(kind: IcebergType) -> pl.DataType:
    """Raises Unreadable for a type that only other engines give a column."""
    match kind:
        case IcebergDecimal():
            return pl.Decimal(kind.precision, kind.scale)
        case ListType():
            return pl.List(polars_type(kind.element_type))
        case IcebergMap():
            return pl.Map(polars_type(kind.key_type), polars_type(kind.value_type))
        case StructType():
            return pl.Struct({f.name: polars_type(f.field_type) for f in kind.fields})
        case _:
            return _plain(kind)[0]


def arrow_schema(schema: Schema) -> pa.Schema:
    """What the Parquet writer is told: Iceberg finds columns by the field ids in here."""
    return pa.schema([_arrow_field(f.name, f.field_type, f.field_id) for f in schema.fields])


def _arrow_field(name: str, kind: IcebergType, field_id: int, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, _arrow_type(kind), nullable, metadata={_FIELD_ID: str(field_id).encode()})


def _arrow_type(kind: IcebergType) -> pa.DataType:
    match kind:
        case IcebergDecimal():
            return pa.decimal128(kind.precision, kind.scale)
        case ListType():
            return pa.large_list(_arrow_field("element", kind.element_type, kind.element_id))
        case IcebergMap():
            return pa.map_(
                _arrow_field("key", kind.key_type, kind.key_id, nullable=False),
                _arrow_field("value", kind.value_type, kind.value_id),
            )
        case StructType():
            return pa.struct([_arrow_field(f.name, f.field_type, f.field_id) for f in kind.fields])
        case _:
            return _plain(kind)[1]


_PLAIN: dict[type[Any], tuple[pl.DataType, pa.DataType]] = {
    LongType: (pl.Int64(), pa.int64()),
    IcebergInteger: (pl.Int32(), pa.int32()),
    IcebergDouble: (pl.Float64(), pa.float64()),
    FloatType: (pl.Float32(), pa.float32()),
    IcebergString: (pl.String(), pa.large_string()),
    IcebergBoolean: (pl.Boolean(), pa.bool_()),
    IcebergDate: (pl.Date(), pa.date32()),
    TimestamptzType: (pl.Datetime("us", "UTC"), pa.timestamp("us", "UTC")),
    IcebergTimestamp: (pl.Datetime("us"), pa.timestamp("us")),
    IcebergTime: (pl.Time(), pa.time64("us")),
    BinaryType: (pl.Binary(), pa.large_binary()),
}


def _plain(kind: IcebergType) -> tuple[pl.DataType, pa.DataType]:
    if type(kind) not in _PLAIN:
        raise Unreadable(
            f"the table has a column of Iceberg type {kind}, which is not supported here",
            hint="read it with the engine that wrote it, or load it into a new table",
        )
    return _PLAIN[type(kind)]


# -- evolution ----------------------------------------------------------------------------------------------


def evolved(schema: Schema, columns: Sequence[Column], last_id: int) -> Schema | str:
    """The schema with these columns, with a new id if anything changed; or why that cannot be.

    ``last_id``: the greatest field id the table ever gave out. Columns keep the table's order; new ones follow.
    """
    wanted = {column.name: column for column in columns}
    have = {f.name for f in schema.fields}
    if gone := [f.name for f in schema.fields if f.name not in wanted]:
        return f"column {gone[0]} is in the table and no longer in the contract: columns cannot be dropped"
    ids = itertools.count(last_id + 1)
    fields: list[NestedField] = []
    for old in schema.fields:
        changed = _evolved_field(old, wanted[old.name])
        if isinstance(changed, str):
            return changed
        fields.append(changed)
    for column in columns:
        if column.name in have:
            continue
        if column.required:
            return (
                f"column {column.name} is new and required: rows that are already there have no value for it"
            )
        fields.append(field_of(column, ids))
    if tuple(fields) == tuple(schema.fields):
        return schema
    return Schema(*fields, schema_id=schema.schema_id, identifier_field_ids=schema.identifier_field_ids)


def _evolved_field(old: NestedField, column: Column) -> NestedField | str:
    new = iceberg_type(column.type, itertools.count(1))
    kind = old.field_type
    if not _alike(old.field_type, new):
        if not _promotes(old.field_type, new):
            return (
                f"column {old.name} is {_said(old.field_type)} in the table and {_said(new)} in the contract: "
                "Iceberg promotes int to long, float to double and decimals to more digits of the same scale"
            )
        kind = new
    if kind is old.field_type and not old.required:
        return old
    return NestedField(field_id=old.field_id, name=old.name, field_type=kind, required=False, doc=old.doc)


def _alike(one: IcebergType, other: IcebergType) -> bool:
    """Equal but for field ids."""
    match one, other:
        case ListType(), ListType():
            return _alike(one.element_type, other.element_type)
        case IcebergMap(), IcebergMap():
            return _alike(one.key_type, other.key_type) and _alike(one.value_type, other.value_type)
        case StructType(), StructType():
            return len(one.fields) == len(other.fields) and all(
                a.name == b.name and _alike(a.field_type, b.field_type)
                for a, b in zip(one.fields, other.fields, strict=True)
            )
        case _:
            return bool(one == other)


def _promotes(old: IcebergType, new: IcebergType) -> bool:
    match old, new:
        case IcebergInteger(), LongType():
            return True
        case FloatType(), IcebergDouble():
            return True
        case IcebergDecimal(), IcebergDecimal():
            return new.scale == old.scale and new.precision > old.precision
        case _:
            return False


def _said(kind: IcebergType) -> str:
    return str(kind).replace("timestamptz", "timestamp with zone")
