"""Rows in and out of a table's Parquet files, streaming, with Polars.

Polars writes twice as fast as PyIceberg's writer, and takes the Arrow schema with the field ids by which Iceberg
finds columns.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence

import polars as pl
from polars import selectors
from polars.io.partition import FileProviderArgs
from pyiceberg.schema import Schema

from headgate.edge import durable
from headgate.edge.cast import instance
from headgate.edge.cells import as_text
from headgate.edge.iceberg import schema as iceberg_schema
from headgate.edge.rows import guarded
from headgate.model.errors import Bug

BYTES_PER_FILE = 512 << 20  # of rows in memory: some 100 to 350 MB as Parquet
ZSTD_LEVEL = 1  # level 3 takes longer and saves a few percent


def in_columns_of(schema: Schema, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows in the table's columns, order and types.

    Columns that are missing are null. What a contract leaves open is kept as text (lists and
    structs as JSON). Raises Bug for a column that the table does not have.
    """
    wanted = iceberg_schema.polars_schema(schema)
    have: pl.Schema = guarded(rows.collect_schema)
    if list(have.items()) == list(wanted.items()):
        return rows
    if unknown := [name for name in have if name not in wanted]:
        raise Bug(f"rows to be written have a column {unknown[0]} that the table has not")
    return rows.select(
        _converted(name, have[name], kind) if name in have else pl.lit(None, kind).alias(name)
        for name, kind in wanted.items()
    )


def _converted(name: str, have: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    column = selectors.by_name(name)  # pl.col takes a name such as ^a$ for a pattern
    if have == wanted:
        return column
    if (
        isinstance(have, pl.Datetime)
        and have.time_zone
        and isinstance(wanted, pl.Datetime)
        and wanted.time_zone
    ):
        return column.dt.convert_time_zone(wanted.time_zone).dt.cast_time_unit("us")
    if isinstance(wanted, pl.String):
        return as_text(column, have).alias(name)
    if isinstance(wanted, pl.List) and isinstance(have, pl.List) and isinstance(wanted.inner, pl.String):
        return column.list.eval(as_text(pl.element(), instance(have.inner)))
    if isinstance(wanted, pl.Map) and isinstance(have, pl.Map):
        key, value = (pl.element().struct.field(each) for each in ("key", "value"))
        entry = [
            _as(key, instance(have.key), instance(wanted.key)).alias("key"),
            _as(value, instance(have.value), instance(wanted.value)).alias("value"),
        ]
        return column.map.entries().list.eval(pl.struct(entry)).list.to_map()
    return column.cast(wanted)


def _as(e: pl.Expr, have: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    if have == wanted:
        return e
    return as_text(e, have) if isinstance(wanted, pl.String) else e.cast(wanted)


def sink(rows: pl.LazyFrame, schema: Schema, folder: str, paths: list[str]) -> None:
    """Write the rows as new files; ``paths`` receives each name before its file comes to be.

    No rows: Polars writes one file without any.
    """
    token = uuid.uuid4().hex

    def name(file: FileProviderArgs) -> str:
        path = f"{token}-{file.index_in_partition:05d}.parquet"
        paths.append(f"{folder}/{path}")
        return path

    files = pl.PartitionBy(folder, file_path_provider=name, approximate_bytes_per_file=BYTES_PER_FILE)
    told = iceberg_schema.arrow_schema(schema)
    _stream(lambda: rows.sink_parquet(files, compression_level=ZSTD_LEVEL, arrow_schema=told), folder)
    paths[:] = sorted(path for path in paths if os.path.exists(path))


def sink_one(rows: pl.LazyFrame, path: str, notes: dict[str, str]) -> None:
    """Write the rows as one Parquet file of their own; ``notes`` go into its footer."""
    _stream(lambda: rows.sink_parquet(path, compression_level=ZSTD_LEVEL, metadata=notes), path)


def _stream(write: Callable[[], None], place: str) -> None:
    """Writing runs the whole query: what fails may be the disk here, or the data it reads."""

    def run() -> None:
        with durable.surroundings(place):
            write()

    guarded(run)


def scan(paths: Sequence[str], schema: Schema, older: Sequence[Schema]) -> pl.LazyFrame:
    """The rows of the files, in the order of the files, in the columns of the table.

    ``older``: schemas that files may have been written under.
    """
    wanted = iceberg_schema.polars_schema(schema)
    if not paths:
        return pl.LazyFrame(schema=wanted)
    if not types_changed(schema, older):
        return _scan(paths, wanted)
    # Polars widens no decimals while scanning: runs of files with the same types are scanned, then cast.
    runs: list[tuple[dict[str, pl.DataType], list[str]]] = []
    for path in paths:
        found = dict(pl.read_parquet_schema(path))
        if not runs or runs[-1][0] != found:
            runs.append((found, []))
        runs[-1][1].append(path)
    return pl.concat([_widened(_scan(group, found), found, wanted) for found, group in runs])


def _scan(paths: Sequence[str], wanted: dict[str, pl.DataType]) -> pl.LazyFrame:
    return pl.scan_parquet(
        list(paths), schema=wanted, missing_columns="insert", glob=False, hive_partitioning=False
    )


def _widened(
    rows: pl.LazyFrame, found: dict[str, pl.DataType], wanted: dict[str, pl.DataType]
) -> pl.LazyFrame:
    return rows.select(
        pl.lit(None, kind).alias(name) if name not in found else _converted(name, found[name], kind)
        for name, kind in wanted.items()
    )


def types_changed(schema: Schema, older: Sequence[Schema]) -> bool:
    now = {f.field_id: f.field_type for f in schema.fields}
    return any(f.field_type != now.get(f.field_id, f.field_type) for each in older for f in each.fields)
