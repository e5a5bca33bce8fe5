"""What data look like, for `contract infer`: the one place where anything is guessed."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from headgate.contract.infer import DISTINCT_MAX, ColumnProfile
from headgate.edge import measuring
from headgate.edge.cells import Cell, laid
from headgate.edge.rows import collected, rows_of
from headgate.edge.source_files import FileSource, dialect_for
from headgate.model.contract import AnyType, ArrayType, Dialect, MapType, ObjectType, TableContract
from headgate.model.rule import Scalar
from headgate.ports import Frame

_SAMPLE_BYTES = 1 << 18
_DELIMITERS = (",", ";", "\t", "|")


def profiled(rows: Frame) -> tuple[ColumnProfile, ...]:
    """A profile of every column, exact, in two passes over all rows."""
    delivered = rows_of(rows)
    columns = measuring.columns(delivered)
    cells = laid(delivered, TableContract("", "", "", "", columns, (), ""))
    asked: list[pl.Expr] = [pl.len().alias("rows")]
    for c in cells.cells:
        asked += _measures(c)
    row = collected(cells.lazy.select(asked), delivered).row(0, named=True)
    few = [c for c in cells.cells if 0 < row.get(f"d{c.number}", 0) <= DISTINCT_MAX]
    distinct = [pl.col(c.value).drop_nulls().unique().sort().implode().alias(c.value) for c in few]
    members = collected(cells.lazy.select(distinct), delivered).row(0, named=True) if few else {}
    return tuple(_profile(c, row, members.get(c.value)) for c in cells.cells)


def _measures(c: Cell) -> list[pl.Expr]:
    e = pl.col(c.value)
    found = [e.null_count().alias(f"z{c.number}")]
    if isinstance(c.kind, ArrayType | ObjectType | MapType):
        return found
    found.append(e.drop_nulls().n_unique().alias(f"d{c.number}"))
    if c.dtype.is_float():
        found.append(e.is_nan().sum().alias(f"q{c.number}"))
        e = e.fill_nan(None)
    return [*found, e.min().alias(f"a{c.number}"), e.max().alias(f"b{c.number}")]


def _profile(c: Cell, row: dict[str, Any], members: list[Any] | None) -> ColumnProfile:
    i = c.number
    total, nulls = row["rows"], row[f"z{i}"]
    there = total - nulls
    return ColumnProfile(
        c.column.name,
        c.column.type if there else AnyType(),
        total,
        nulls,
        None if members is None else tuple(_scalar(m) for m in members),
        _scalar(row.get(f"a{i}")),
        _scalar(row.get(f"b{i}")),
        unique=there > 0 and row.get(f"d{i}") == there,
        nans=row.get(f"q{i}") or 0,
    )


def _scalar(value: Any) -> Scalar:
    found: Scalar = Decimal(repr(value)) if isinstance(value, float) else value
    return found


def sniffed(data: str | os.PathLike[str]) -> Dialect:
    """The dialect of the first CSV file that ``data`` names: the defaults where they do."""
    objects = FileSource().find([os.fspath(data)])
    text_files = [each for each in objects if each.format == "csv"]
    if not text_files:
        return Dialect()
    with open(text_files[0].location, "rb") as file:
        raw = file.read(_SAMPLE_BYTES)
    encoding = _encoding(raw)
    lines = raw.decode(encoding, errors="replace").lstrip("\ufeff").splitlines(keepends=True)
    if len(raw) == _SAMPLE_BYTES:
        lines = lines[:-1]
    delimiter = _delimiter(lines, dialect_for(text_files[0], Dialect()).delimiter)
    first = next(csv.reader(lines, delimiter=delimiter), [])
    return Dialect(delimiter=delimiter, encoding=encoding, header=not any(_is_value(f) for f in first))


def _encoding(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        cut_off = len(raw) == _SAMPLE_BYTES and error.start > len(raw) - 4
        return "utf-8" if cut_off else "cp1252"
    return "utf-8"


def _delimiter(lines: Sequence[str], default: str) -> str:
    """The one that cuts all lines into the same number of fields, most of them."""
    found = []
    for delimiter in (default, *(d for d in _DELIMITERS if d != default)):
        widths = {len(record) for record in csv.reader(lines, delimiter=delimiter)}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            found.append((width, delimiter))
    return max(found, key=lambda each: each[0])[1] if found else default


def _is_value(field: str) -> bool:
    """True for what is hardly the name of a column: nothing, or a number."""
    try:
        float(field)
    except ValueError:
        return not field.strip()
    return True
