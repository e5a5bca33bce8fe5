"""A contract laid over rows, in SQL: the twin of `cells`, whose `Cells` say which column is which.

A query over rows speaks of ``v{i}`` (the value of the contract's column number i; NULL where it does not fit),
``r{i}`` (its raw value), ``x{j}`` (raw values of undeclared columns), ``h{k}`` (what `render_nested` says of the
inside of a column), ``"row"`` and ``"object"``. Only what it speaks of is read. Parquet is read by the database itself
where it reads every column as Polars would; anything else comes as a stream of Arrow batches from the one reader that
knows our CSV, with columns of types that the database takes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from headgate.contract.types import has_map
from headgate.edge.cast import typed as typed_by_polars
from headgate.edge.cells import Cell, Cells, as_text
from headgate.edge.jdk_format import Unsupported
from headgate.edge.rows import OBJECT, ROW, Part, Rows
from headgate.edge.sql.cast import typed
from headgate.edge.sql.dialect import Dialect, instance
from headgate.model.contract import AnyType, ArrayType, ObjectType

_SPOKEN_OF = re.compile(r'\b[vrxh][0-9]+\b|"row"|"object"')
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_WIDE = (pl.Int128, pl.UInt128)  # which Arrow does not have


@dataclass(frozen=True, slots=True)
class Laid:
    """``sql``: a query. ``streams``: relations it names, to be registered for one use each."""

    sql: str
    streams: Mapping[str, pl.LazyFrame] = field(default_factory=dict)


def names_in(sql: str) -> frozenset[str]:
    """The columns that an expression speaks of; what stands in its texts is not SQL."""
    return frozenset(name.strip('"') for name in _SPOKEN_OF.findall(_LITERAL.sub("''", sql)))


def laid(
    d: Dialect,
    rows: Rows,
    cells: Cells,
    wanted: Collection[str],
    native: Mapping[int, Sequence[str]],
    *,
    whole: bool = False,
) -> Laid:
    """The rows with the ``wanted`` columns. ``native``: the files of parts, by their number, that the database reads
    by itself.

    ``whole``: all columns of text are read, whatever is wanted: only so are long lines noticed.
    """
    names = sorted(wanted)
    queries: list[str] = []
    streams: dict[str, pl.LazyFrame] = {}
    for number, part in enumerate(rows.parts):
        made = _Part(d, part, cells, cells.columns[number][1], {})
        columns = [f'{made.column(name)} AS "{name}"' for name in names] or ["1"]
        if number in native:
            source = _numbered(d, part, native[number], made.reads)
        else:
            source = f"p{number}"
            reads = dict(made.reads)
            if whole and part.text:
                reads |= {f"c{i}": pl.col(f"c{i}") for i in range(len(part.columns)) if f"c{i}" not in reads}
            streams[source] = part.lazy.select(
                (e.alias(n) for n, e in reads.items()) if reads else pl.col(ROW)
            )
        queries.append(f"SELECT {', '.join(columns)} FROM {source}")
    return Laid(" UNION ALL ".join(queries), streams)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part. ``reads``: what was found to be needed of it, as columns of its stream."""

    d: Dialect
    part: Part
    cells: Cells
    names: Sequence[str]
    reads: dict[str, pl.Expr]

    def column(self, name: str) -> str:
        if name in {ROW, OBJECT}:
            self.reads[name] = pl.col(name)
            return f'"{name}"'
        kind, number = name[0], int(name[1:])
        if kind == "x":
            called, dtype = self.cells.extra[number]
            return self._raw(called, dtype)
        if kind == "h":
            return self._inside(name)
        cell = self.cells.cells[number]
        if kind == "r":
            return self._raw(cell.column.name, cell.raw_dtype)
        return self._value(cell)

    def _read(self, at: int) -> str:
        have = self.part.dtypes[at]
        self.reads[f"c{at}"] = (
            pl.col(f"c{at}").cast(carried(have)) if carried(have) != have else pl.col(f"c{at}")
        )
        return f"CAST(c{at} AS {self.d.type_of(have)})" if isinstance(have, _WIDE) else f"c{at}"

    def _raw(self, name: str, want: pl.DataType) -> str:
        if name not in self.names:
            return f"CAST(NULL AS {self.d.type_of(carried(want))})"
        at = self.names.index(name)
        if self.part.dtypes[at] == want:
            self._read(at)
            return f"c{at}"
        self.reads[f"t{at}"] = as_text(pl.col(f"c{at}"), self.part.dtypes[at])
        return f"t{at}"

    def _inside(self, name: str) -> str:
        """What `render_nested` says of the inside of a column: judged by Polars, on its way here."""
        cell, render = self.cells.inside[name]
        if cell.column.name not in self.names:
            return "TRUE"
        at = self.names.index(cell.column.name)
        value = typed_by_polars(pl.col(f"c{at}"), self.part.dtypes[at], cell.column.type).value
        self.reads[name] = render(value)
        return name

    def _value(self, cell: Cell) -> str:
        null = f"CAST(NULL AS {self.d.type_of(_meant(cell.dtype))})"
        if cell.column.name not in self.names:
            return null
        at = self.names.index(cell.column.name)
        have, kind = self.part.dtypes[at], cell.column.type
        try:
            if has_map(kind) or (isinstance(have, pl.String) and isinstance(kind, ArrayType | ObjectType)):
                # JSON in text, and maps in their many forms: one reader of them is enough.
                self.reads[f"j{at}"] = typed_by_polars(pl.col(f"c{at}"), have, kind).value.cast(
                    carried(cell.dtype)
                )
                return f"j{at}"
            value = typed(self.d, self._read(at), _meant(have), kind).value
        except Unsupported:
            return null
        if isinstance(kind, AnyType) and have != cell.dtype:
            return f"CAST({value} AS {self.d.type_of(_meant(cell.dtype))})"
        return value


def carried(dtype: pl.DataType) -> pl.DataType:
    """The type in which values travel to the database: its own nearest, without loss."""
    match dtype:
        case pl.Categorical() | pl.Enum() | pl.Int128() | pl.UInt128() | pl.Null():
            return pl.String()
        case pl.Duration():
            return pl.Int64()
        case pl.Float16():
            return pl.Float32()
        case pl.Datetime() if dtype.time_zone not in {None, "UTC"}:
            return pl.Datetime(dtype.time_unit, "UTC")
        case pl.List() | pl.Array():
            return pl.List(carried(instance(dtype.inner)))
        case pl.Map():
            return pl.Map(carried(instance(dtype.key)), carried(instance(dtype.value)))
        case pl.Struct():
            return pl.Struct({f.name: carried(instance(f.dtype)) for f in dtype.fields})
    return dtype


def _meant(dtype: pl.DataType) -> pl.DataType:
    """The type that a travelled value is one of again."""
    match dtype:
        case pl.Int128() | pl.UInt128() | pl.Duration() | pl.Null():
            return dtype
        case pl.List() | pl.Array():
            return pl.List(_meant(instance(dtype.inner)))
        case pl.Map():
            return pl.Map(_meant(instance(dtype.key)), _meant(instance(dtype.value)))
        case pl.Struct():
            return pl.Struct({f.name: _meant(instance(f.dtype)) for f in dtype.fields})
    return carried(dtype)


# -- Parquet, read by the database --------------------------------------------------------------------------


def parquet_of(rows: Rows, part: Part, cells: Cells) -> list[str] | None:
    """The files of a part that the database might read by itself; None if it must not."""
    objects = [rows.objects[n] for n in part.objects if 0 <= n < len(rows.objects)]
    if not objects or len(objects) != len(part.objects) or any(o.format != "parquet" for o in objects):
        return None
    if len({name.casefold() for name in part.columns}) < len(part.columns):
        return None  # names that differ in case alone are one name to it
    raw = {c.column.name: c.raw_dtype for c in cells.cells} | dict(cells.extra)
    if any(raw.get(name, dtype) != dtype for name, dtype in zip(part.columns, part.dtypes, strict=True)):
        return None  # to be shown as text, which is Polars' to do
    texts = (c for c in cells.cells if isinstance(c.column.type, ArrayType | ObjectType))
    if cells.inside or any(has_map(c.kind) for c in cells.cells):
        return None
    if any(isinstance(c.raw_dtype, pl.String) for c in texts):
        return None
    paths = [os.path.realpath(o.location) for o in objects]
    return None if any(c in path for path in paths for c in "*?[") else paths


def read_parquet(d: Dialect, paths: Sequence[str]) -> str:
    """The columns in the files' order, then the number of the row, from 0."""
    listed = ", ".join(d.text(path) for path in paths)
    return f"read_parquet([{listed}], file_row_number = true, hive_partitioning = false)"


def _numbered(d: Dialect, part: Part, paths: Sequence[str], wanted: Collection[str]) -> str:
    """A part as a relation with those columns that its stream would have."""
    first = part.objects[0]
    steps = [b - a for a, b in zip(part.objects, part.objects[1:], strict=False)]
    assert all(step == 1 for step in steps), "parts are neighbours"
    which = f"{first}" if len(paths) == 1 else f"{first} + file_index"
    made = {ROW: f'n + 1 AS "{ROW}"', OBJECT: f'CAST({which} AS BIGINT) AS "{OBJECT}"'}
    columns = ", ".join(made.get(name, name) for name in wanted) or "n"
    named = ", ".join(f"c{i}" for i in range(len(part.columns)))
    return f"(SELECT {columns} FROM {read_parquet(d, paths)} AS s({named}, n))"


def as_polars_reads(d: Dialect, part: Part, described: Sequence[str]) -> bool:
    """``described``: the types that the database found, the row's number last."""
    found = [_plainly(each) for each in described[:-1]]
    return found == [_plainly(d.type_of(dtype)) for dtype in part.dtypes]


def _plainly(type_name: str) -> str:
    return re.sub(r'[\s"]', "", type_name.upper().replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"))
