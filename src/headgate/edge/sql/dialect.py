"""What databases say each in their own way: literals, names of types, functions. Here: DuckDB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

import polars as pl
from polars.datatypes import DataTypeClass

_PLAIN: dict[type[pl.DataType], str] = {
    pl.Int8: "TINYINT", pl.Int16: "SMALLINT", pl.Int32: "INTEGER", pl.Int64: "BIGINT", pl.Int128: "HUGEINT",
    pl.UInt8: "UTINYINT", pl.UInt16: "USMALLINT", pl.UInt32: "UINTEGER", pl.UInt64: "UBIGINT",
    pl.UInt128: "UHUGEINT", pl.Float32: "FLOAT", pl.Float64: "DOUBLE", pl.Boolean: "BOOLEAN", pl.Date: "DATE",
    pl.Time: "TIME", pl.Binary: "BLOB",
}  # fmt: skip
_STAMPS = {"ms": "TIMESTAMP_MS", "us": "TIMESTAMP", "ns": "TIMESTAMP_NS"}


class Dialect(Protocol):
    """All that the rendering of rules asks of a database."""

    def literal(self, value: Any) -> str:
        """A value, of a type of its own that compares exactly with columns of its kind."""
        ...

    def type_of(self, dtype: pl.DataType) -> str: ...
    def text(self, value: str) -> str: ...
    def matches(self, e: str, pattern: str) -> str:
        """``pattern``: from `patterns.translate`, or as simple as those."""
        ...

    def group(self, e: str, pattern: str, number: int) -> str: ...
    def try_cast(self, e: str, type_name: str) -> str:
        """NULL where the value cannot be one of the type."""
        ...

    def finite(self, e: str) -> str: ...
    def nan(self, e: str) -> str: ...
    def nanoseconds(self, e: str) -> str: ...
    def in_zone(self, e: str, zone: str) -> str:
        """Wall-clock times as instants, and instants as wall-clock times."""
        ...

    def not_among(self, e: str, failing: str) -> str:
        """True where ``e`` is none of the values in ``failing``, which is what a `Rendering` says of a predicate."""
        ...

    def items(self, e: str) -> str:
        """How many items a list has."""
        ...

    def each(self, items: str, var: str, e: str) -> str:
        """``e`` of each item of a list, as a list."""
        ...

    def kept(self, items: str, var: str, condition: str) -> str:
        """The items of a list for which ``condition`` is true."""
        ...

    def field(self, e: str, position: int) -> str:
        """A field of a struct, by its position from 1: names may differ in case alone."""
        ...

    def record(self, fields: Sequence[tuple[str, str]]) -> str: ...


@dataclass(frozen=True, slots=True)
class DuckDB:
    """DuckDB 2."""

    def literal(self, value: Any) -> str:
        match value:
            case None:
                return "NULL"
            case bool():
                return "TRUE" if value else "FALSE"
            case int():
                return str(value)
            case float():
                return _double(value)
            case Decimal():
                return _decimal(value)
            case str():
                return self.text(value)
            case datetime():
                zone = "TZ" if value.tzinfo else ""
                return f"TIMESTAMP{zone} '{value.isoformat(' ')}'"
            case date():
                return f"DATE '{value.isoformat()}'"
            case time():
                return f"TIME '{value.isoformat()}'"
            case bytes():
                return f"from_hex('{value.hex()}')"
        raise TypeError(f"{value!r} has no literal")

    def text(self, value: str) -> str:
        """The parser ends at a NUL, wherever it stands."""
        parts = ["'" + part.replace("'", "''") + "'" for part in value.split("\0")]
        return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"

    def type_of(self, dtype: pl.DataType) -> str:
        match dtype:
            case pl.Decimal():
                return f"DECIMAL({dtype.precision or 38}, {dtype.scale})"
            case pl.Datetime():
                if dtype.time_zone is None:
                    return _STAMPS[dtype.time_unit]
                return "TIMESTAMPTZ_NS" if dtype.time_unit == "ns" else "TIMESTAMPTZ"
            case pl.List() | pl.Array():
                return self.type_of(instance(dtype.inner)) + "[]"
            case pl.Map():
                return f"MAP({self.type_of(instance(dtype.key))}, {self.type_of(instance(dtype.value))})"
            case pl.Struct():
                fields = (
                    f'"{_doubled(field.name)}" {self.type_of(instance(field.dtype))}'
                    for field in dtype.fields
                )
                return f"STRUCT({', '.join(fields)})"
        return _PLAIN.get(type(dtype), "VARCHAR")

    def matches(self, e: str, pattern: str) -> str:
        return f"regexp_matches({e}, {self.text(pattern)})"

    def group(self, e: str, pattern: str, number: int) -> str:
        return f"regexp_extract({e}, {self.text(pattern)}, {number})"

    def try_cast(self, e: str, type_name: str) -> str:
        return f"TRY_CAST({e} AS {type_name})"

    def finite(self, e: str) -> str:
        return f"isfinite({e})"

    def nan(self, e: str) -> str:
        return f"isnan({e})"

    def nanoseconds(self, e: str) -> str:
        return f"epoch_ns({e})"

    def in_zone(self, e: str, zone: str) -> str:
        return f"timezone({self.text(zone)}, {e})"

    def not_among(self, e: str, failing: str) -> str:
        return f"{e} NOT IN (SELECT x FROM {failing})"

    def items(self, e: str) -> str:
        return f"len({e})"

    def each(self, items: str, var: str, e: str) -> str:
        return f"list_transform({items}, lambda {var}: {e})"

    def kept(self, items: str, var: str, condition: str) -> str:
        return f"list_filter({items}, lambda {var}: {condition})"

    def field(self, e: str, position: int) -> str:
        return f"struct_extract_at({e}, {position})"

    def record(self, fields: Sequence[tuple[str, str]]) -> str:
        packed = (f'"{_doubled(name)}" := {value}' for name, value in fields)
        return f"struct_pack({', '.join(packed)})"


def instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    """Polars gives inner types now as classes, now as instances."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _double(value: float) -> str:
    """A number with an exponent is a DOUBLE, and is read in a third of the time of a text and its cast."""
    written = repr(value)
    if not math.isfinite(value):
        return f"'{written}'::DOUBLE"
    return written if "e" in written else f"{written}e0"


def _decimal(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "folded before"
    scale = max(0, -exponent)
    precision = max(len(digits) + max(0, exponent), scale, 1)
    return f"CAST('{value:f}' AS DECIMAL({precision}, {scale}))"


def _doubled(name: str) -> str:
    return name.replace('"', '""')
