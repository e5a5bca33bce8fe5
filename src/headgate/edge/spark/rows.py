"""Rows for Spark: frames that are Spark's already, Parquet that Spark reads itself, and what our own reader read.

Columns are renamed by their position (``c0``, ``c1`` ...), as those of `rows.Rows` are. Spark numbers no rows: a row
has a number, and an object, where Spark read them from Parquet files or our reader read them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import polars as pl

from headgate.edge.cast import instance
from headgate.edge.rows import OBJECT, ROW, Part, Rows, guarded, rows_of
from headgate.edge.source_files import FileSource
from headgate.edge.source_frames import frame as local_frame
from headgate.edge.spark.session import Spark
from headgate.edge.spark.session import guarded as spark_guarded
from headgate.edge.spark.text import text
from headgate.model.batch import Object
from headgate.model.contract import Dialect
from headgate.model.errors import Bug, Unreadable, WrongUse
from headgate.ports import Delivery, Frame

TABLE = "table:"
_LOCATIONS_MAX = 500  # beyond, places are told as Spark tells them
# Integers wider than 64 bits would become decimals, and be judged as such.
_EXOTIC = (pl.Time, pl.Duration, pl.Object, pl.UInt64, pl.Int128, pl.UInt128)


@dataclass(frozen=True, slots=True)
class SparkPart:
    """Objects with the same columns: ``frame`` with c0 ... cN, `ROW` and `OBJECT` (the location, as text).

    ``local``: in place of a frame, what our own reader read; it is handed over when a contract is laid over it.
    """

    columns: tuple[str, ...]
    frame: Spark = None
    types: tuple[Any, ...] = ()
    local: Part | None = None
    objects: tuple[int, ...] = ()
    text: bool = False


@dataclass(frozen=True, slots=True)
class SparkRows:
    """Delivered rows. ``session`` runs them all."""

    session: Spark
    parts: tuple[SparkPart, ...]
    objects: tuple[Object, ...] = ()
    dialect: Dialect | None = None

    @property
    def described(self) -> Rows:
        """The same without any rows: what findings tell places by."""
        return Rows((), self.objects, self.dialect)


def spark_rows(frame: Frame | Spark) -> SparkRows:
    """A `Frame` of this engine: `SparkRows`, or a DataFrame of Spark's."""
    if isinstance(frame, SparkRows):
        return frame
    if is_spark(frame):
        session = cast("Any", frame).sparkSession
        return SparkRows(session, (_of_frame(frame),), (Object("", "spark frame", 0, "frame"),))
    raise Bug(f"rows are a {type(frame).__name__}")


def is_spark(obj: object) -> bool:
    """True for a DataFrame of Spark's, in process or of Connect."""
    return type(obj).__module__.startswith("pyspark.sql") and type(obj).__name__ == "DataFrame"


def delivered(rows: Frame, session: Spark) -> SparkRows:
    """What our own reader read, to be handed to ``session``."""
    found = rows_of(rows)
    parts = tuple(
        SparkPart(part.columns, local=part, objects=part.objects, text=part.text) for part in found.parts
    )
    return SparkRows(session, parts, found.objects, found.dialect)


def deliver(data: object, session: Spark, dialect: Dialect, format_: str | None) -> Delivery:
    """Paths, a frame of this process (Polars, Arrow, pandas), or a DataFrame of Spark's, for ``session``."""
    if isinstance(data, str | os.PathLike):
        data = [data]
    if isinstance(data, Sequence) and data and all(isinstance(d, str | os.PathLike) for d in data):
        return read([os.fspath(d) for d in data], session, dialect, format_)
    if is_spark(data):
        rows = spark_rows(data)
        return Delivery(rows.objects, Frame(rows), rows.parts[0].columns)
    found = local_frame(data)
    return replace(found, rows=Frame(delivered(found.rows, session)))


def read(data: Sequence[str], session: Spark, dialect: Dialect, format_: str | None) -> Delivery:
    """Files for ``session``: Parquet is read by Spark, also from where only Spark reaches (``s3a://...``); the rest
    by our own reader, which hands over text as it stands. Or a table of its catalogs, ``table:NAME``. Raises as
    `FileSource` does, Unreadable, and WrongUse.
    """
    if any(path.startswith(TABLE) for path in data):
        if len(data) > 1:
            raise WrongUse(
                "a table of Spark's is checked by itself", hint="name one table:NAME", place="data"
            )
        name = data[0].removeprefix(TABLE)
        table = _part(spark_guarded(lambda: session.table(name), data[0]), _nameless(name), (0,))
        known = SparkRows(session, (table,), (Object("", data[0], 0, "table"),))
        return Delivery(known.objects, Frame(known), table.columns)
    if any("://" in path for path in data):
        frame = spark_guarded(lambda: _parquet(session, data), ", ".join(data))
        objects = tuple(Object("", path, 0, "parquet") for path in data)
        rows = SparkRows(session, (_of_parquet(frame, tuple(range(len(data)))),), objects)
        return Delivery(objects, Frame(rows), rows.parts[0].columns)
    source = FileSource(digests=False)
    found = source.read(source.find(list(data), format_), dialect)
    local = rows_of(found.rows)
    parts = tuple(_of_files(part, local, session) for part in local.parts)
    rows = SparkRows(session, parts, local.objects, local.dialect)
    return Delivery(found.objects, Frame(rows), found.columns)


def _of_files(part: Part, rows: Rows, session: Spark) -> SparkPart:
    objects = [rows.objects[n] for n in part.objects]
    if any(each.format != "parquet" for each in objects) or any(
        exotic(d, (pl.Float16, pl.Null)) for d in part.dtypes
    ):
        return SparkPart(part.columns, local=part, objects=part.objects, text=part.text)
    places = [os.path.abspath(each.location) for each in objects]
    frame = spark_guarded(lambda: _parquet(session, [_unpatterned(p) for p in places]), objects[0].location)
    named = dict(zip(places, (each.location for each in objects), strict=True))
    return _of_parquet(frame, part.objects, named if len(named) <= _LOCATIONS_MAX else None)


def _unpatterned(path: str) -> str:
    """A path as Spark takes it, who would read patterns into it."""
    return "file://" + re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def exotic(dtype: pl.DataType, also: tuple[type[pl.DataType], ...] = ()) -> bool:
    """True for what Spark has no type for, or not one of its own, and for what holds such."""
    match dtype:
        case pl.Datetime():
            return dtype.time_unit == "ns"
        case pl.List() | pl.Array():
            return exotic(instance(dtype.inner), also)
        case pl.Map():
            return exotic(instance(dtype.key), also) or exotic(instance(dtype.value), also)
        case pl.Struct():
            return any(exotic(instance(f.dtype), also) for f in dtype.fields)
        case _:
            return isinstance(dtype, (*_EXOTIC, *also))


def _parquet(session: Spark, places: Sequence[str]) -> Spark:
    reader = session.read.option("datetimeRebaseMode", "CORRECTED").option("int96RebaseMode", "CORRECTED")
    return reader.parquet(*places)


def _of_frame(frame: Spark) -> SparkPart:
    """A DataFrame of the caller's: its rows have no numbers, and a place only where they come straight from files."""
    return _part(frame, _nameless("spark frame"), (0,))


def _nameless(shown: str) -> tuple[str, str]:
    """Row and object of rows that have no number; ``shown``: their place, where it is no file."""
    return ("cast(null as bigint)", f"coalesce(nullif(input_file_name(), ''), {text(shown)})")


def _of_parquet(frame: Spark, objects: tuple[int, ...], locations: dict[str, str] | None = None) -> SparkPart:
    """A DataFrame that reads Parquet. ``locations``: what to call the files, by their absolute paths."""
    place = "try_url_decode(replace(regexp_replace(_metadata.file_path, '^file:/+', '/'), '+', '%2B'))"
    if locations:
        pairs = ", ".join(f"{text(absolute)}, {text(shown)}" for absolute, shown in locations.items())
        place = f"coalesce(try_element_at(map({pairs}), {place}), {place})"
    return _part(frame, ("_metadata.row_index + 1L", place), objects)


def _part(frame: Spark, row_and_object: tuple[str, str], objects: tuple[int, ...]) -> SparkPart:
    """A DataFrame with its columns renamed by position."""

    def make() -> SparkPart:
        fields = frame.schema.fields
        renamed = frame.selectExpr("*", *row_and_object).toDF(
            *(f"c{i}" for i in range(len(fields))), ROW, OBJECT
        )
        return SparkPart(
            tuple(f.name for f in fields), renamed, tuple(f.dataType for f in fields), objects=objects
        )

    return spark_guarded(make)


# -- handing over -------------------------------------------------------------------------------------------


def handed(session: Spark, lazy: pl.LazyFrame, rows: Rows) -> Spark:
    """Rows of our own reader as a DataFrame: whole, through this process's memory. Object numbers become locations."""
    places = [each.location for each in rows.objects]
    if OBJECT in lazy.collect_schema():
        shown = pl.col(OBJECT).replace_strict(list(range(len(places))), places, return_dtype=pl.String)
        lazy = lazy.with_columns(shown if places else pl.lit("").alias(OBJECT))
    found = guarded(lambda: lazy.select(as_spark_holds(lazy)).collect(engine="streaming"), rows)
    table = found.to_arrow(compat_level=pl.CompatLevel.oldest())

    def make() -> Spark:
        from pyspark.sql.pandas.types import from_arrow_schema

        # Told outright: else a session's setting decides whether a time without a zone is taken for an instant.
        return session.createDataFrame(table, from_arrow_schema(table.schema, prefer_timestamp_ntz=True))

    return spark_guarded(make)


def as_spark_holds(lazy: pl.LazyFrame) -> list[pl.Expr]:
    """Every column as one of the types that Spark has, without loss."""
    return [pl.col(name).cast(_held(dtype)) for name, dtype in lazy.collect_schema().items()]


def _held(dtype: pl.DataType) -> pl.DataType:
    wider: dict[type[pl.DataType], pl.DataType] = {
        pl.UInt8: pl.Int16(), pl.UInt16: pl.Int32(), pl.UInt32: pl.Int64(), pl.UInt64: pl.Decimal(20, 0),
        pl.Float16: pl.Float32(), pl.Categorical: pl.String(), pl.Enum: pl.String(), pl.Null: pl.String(),
    }  # fmt: skip
    match dtype:
        case pl.List() | pl.Array():
            return pl.List(_held(instance(dtype.inner)))
        case pl.Map():
            return pl.Map(_held(instance(dtype.key)), _held(instance(dtype.value)))
        case pl.Struct():
            return pl.Struct({f.name: _held(instance(f.dtype)) for f in dtype.fields})
        case pl.Datetime():
            return pl.Datetime("us", "UTC" if dtype.time_zone else None)
        case _:
            return wider.get(type(dtype), dtype)


def collected(frame: Spark) -> pl.DataFrame:
    """A DataFrame of Spark's in this process's memory."""
    table = spark_guarded(frame.toArrow)
    found = pl.from_arrow(table)
    if not isinstance(found, pl.DataFrame):
        raise Unreadable("Spark gave no table", hint="please report it")
    return found
