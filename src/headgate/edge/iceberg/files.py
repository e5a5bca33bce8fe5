"""Data files: Iceberg's statistics from a Parquet footer, and Iceberg's statistics as values of the model."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile as IcebergFile
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from headgate.model.rule import Scalar
from headgate.ports import DataFile

BOUND_CHARACTERS = 32
_EXACT = Context(prec=40)
_LAST_CHARACTER = "\U0010ffff"
_DAY_ZERO = date(1970, 1, 1).toordinal()
_INSTANT_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_ZERO = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall-clock time without a zone
_LAYOUT: dict[type[Any], str] = {
    LongType: "<q",
    TimestampType: "<q",
    TimestamptzType: "<q",
    TimeType: "<q",
    IntegerType: "<i",
    DateType: "<i",
    DoubleType: "<d",
    FloatType: "<f",
    BooleanType: "<?",
}

# -- writing: footer -> Iceberg -----------------------------------------------------------------------------


class _Counted(NamedTuple):
    """One leaf column over all row groups. ``nulls`` None: not known; ``span`` None: no bounds."""

    compressed_bytes: int
    values: int
    nulls: int | None
    span: tuple[Any, Any] | None


def described(path: str, schema: Schema, spec_id: int) -> IcebergFile:
    """The entry for a Parquet file that was written with `iceberg.schema.arrow_schema`.

    Bounds are given for plain columns, not for those within lists or structs. Parquet leaves NaN out of its
    bounds, and so does Iceberg. A column without any value has none.
    """
    footer = pq.read_metadata(path)
    groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
    leaves = [
        leaf for column in schema.fields for leaf in _leaves(column.field_type, column.field_id, top=True)
    ]
    counted = {
        key: _count([group.column(position) for group in groups], kind, top=top)
        for position, (key, kind, top) in enumerate(leaves)
    }
    packed = {key: _packed(kind, *span) for key, kind, _ in leaves if (span := counted[key].span) is not None}
    first = [group.column(0) for group in groups]
    entry = IcebergFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=footer.num_rows,
        file_size_in_bytes=os.path.getsize(path),
        column_sizes={key: c.compressed_bytes for key, c in counted.items()},
        value_counts={key: c.values for key, c in counted.items()},
        null_value_counts={key: c.nulls for key, c in counted.items() if c.nulls is not None},
        nan_value_counts={},
        lower_bounds={key: low for key, (low, _) in packed.items()},
        upper_bounds={key: high for key, (_, high) in packed.items() if high is not None},
        key_metadata=None,
        split_offsets=sorted(chunk.dictionary_page_offset or chunk.data_page_offset for chunk in first),
        equality_ids=None,
        sort_order_id=None,
    )
    entry.spec_id = spec_id  # PyIceberg leaves it unset on fresh files, and misses it later
    return entry


def _leaves(kind: IcebergType, key: int, *, top: bool) -> Iterator[tuple[int, IcebergType, bool]]:
    """Parquet's columns, in its order: field id, type, and whether it is a column of the table itself."""
    match kind:
        case ListType():
            yield from _leaves(kind.element_type, kind.element_id, top=False)
        case MapType():
            yield from _leaves(kind.key_type, kind.key_id, top=False)
            yield from _leaves(kind.value_type, kind.value_id, top=False)
        case StructType():
            for inner in kind.fields:
                yield from _leaves(inner.field_type, inner.field_id, top=False)
        case _:
            yield key, kind, top


def _count(chunks: Sequence[Any], kind: IcebergType, *, top: bool) -> _Counted:
    nulls: int | None = 0
    span: tuple[Any, Any] | None = None
    bounded = top and (type(kind) in _LAYOUT or isinstance(kind, DecimalType | StringType))
    for chunk in chunks:
        said = chunk.statistics
        counts_nulls = said is not None and said.has_null_count
        nulls = nulls + said.null_count if counts_nulls and nulls is not None else None
        if not bounded or (counts_nulls and said.null_count == chunk.num_values):
            continue
        if said is None or not said.has_min_max:
            bounded = False
            continue
        low, high = _raw(kind, said.min_raw), _raw(kind, said.max_raw)
        if low is None or high is None:
            bounded = False
        else:
            span = (low, high) if span is None else (min(span[0], low), max(span[1], high))
    return _Counted(
        sum(chunk.total_compressed_size for chunk in chunks),
        sum(chunk.num_values for chunk in chunks),
        nulls,
        span if bounded else None,
    )


def _raw(kind: IcebergType, value: Any) -> Any:
    """Parquet's physical value as something that sorts like the column; None if it is no bound."""
    if isinstance(kind, DecimalType):
        return int.from_bytes(value, "big", signed=True) if isinstance(value, bytes) else value
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _packed(kind: IcebergType, low: Any, high: Any) -> tuple[bytes, bytes | None]:
    """Bounds in Iceberg's single-value form; long text is cut, its upper end rounded up."""
    if isinstance(kind, DecimalType):
        return _twos_complement(low), _twos_complement(high)
    if isinstance(kind, StringType):
        upper = _cut_up(high.decode())
        return low.decode()[:BOUND_CHARACTERS].encode(), None if upper is None else upper.encode()
    layout = _LAYOUT[type(kind)]
    return struct.pack(layout, low), struct.pack(layout, high)


def _twos_complement(value: int) -> bytes:
    return value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True)


def _cut_up(text: str) -> str | None:
    """A short text that is not less than ``text``; None if there is none."""
    if len(text) <= BOUND_CHARACTERS:
        return text
    head = text[:BOUND_CHARACTERS].rstrip(_LAST_CHARACTER)
    if not head:
        return None
    after = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if 0xD800 <= after <= 0xDFFF else after)


# -- reading: Iceberg -> model ------------------------------------------------------------------------------


def as_model(entries: Sequence[IcebergFile], schema: Schema) -> tuple[DataFile, ...]:
    """The files in our own terms. What is not known is left out; a column that a file lacks is null in it.

    Floats have no bounds: Parquet's do not tell whether NaN is among the values, and NaN equals NaN in a key.
    """
    columns = [(f, _unpacker(f.field_type)) for f in schema.fields]
    return tuple(_as_model(entry, columns) for entry in entries)


_Unpacker = Callable[[bytes], Scalar | None] | None


def _as_model(entry: IcebergFile, columns: Sequence[tuple[NestedField, _Unpacker]]) -> DataFile:
    bounds: dict[str, tuple[Scalar, Scalar]] = {}
    nulls: dict[str, int] = {}
    lows, highs = entry.lower_bounds or {}, entry.upper_bounds or {}
    counts, sizes = entry.null_value_counts or {}, entry.column_sizes or {}
    for column, unpack in columns:
        key = column.field_id
        if key in counts:
            nulls[column.name] = counts[key]
        elif sizes and key not in sizes and column.field_type.is_primitive:
            nulls[column.name] = entry.record_count
        if unpack is not None and key in lows and key in highs:
            low, high = unpack(lows[key]), unpack(highs[key])
            if low is not None and high is not None:
                bounds[column.name] = (low, high)
    return DataFile(entry.file_path, entry.record_count, entry.file_size_in_bytes, bounds, nulls)


def _unpacker(kind: IcebergType) -> _Unpacker:
    match kind:
        case LongType() | IntegerType():
            return lambda data: int.from_bytes(data, "little", signed=True)
        case DecimalType():
            scale = kind.scale
            return lambda data: Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale, _EXACT)
        case StringType():
            return lambda data: bytes(data).decode()
        case BooleanType():
            return lambda data: data != b"\x00"
        case DateType():
            return _date
        case TimestamptzType():
            return lambda data: _moment(data, _INSTANT_ZERO)
        case TimestampType():
            return lambda data: _moment(data, _CLOCK_ZERO)
        case TimeType():
            return _time
        case _:
            return None


def _date(data: bytes) -> date | None:
    day = _DAY_ZERO + int.from_bytes(data, "little", signed=True)
    return date.fromordinal(day) if 1 <= day <= date.max.toordinal() else None


def _moment(data: bytes, zero: datetime) -> datetime | None:
    try:
        return zero + timedelta(microseconds=int.from_bytes(data, "little", signed=True))
    except OverflowError:
        return None


def _time(data: bytes) -> time | None:
    moment = _moment(data, _CLOCK_ZERO)
    return moment.time() if moment is not None and moment.toordinal() == _DAY_ZERO else None
