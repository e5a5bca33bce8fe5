"""Rows as they were delivered: what a `Frame` is within this floor.

A `Frame` is either `Rows` (delivered: raw values, with object and row number) or a plain LazyFrame (typed columns
under their own names: tables of the lake, good and bad rows on their way to files). `rows_of` takes both.

Columns of `Rows` are renamed by their position (``c0``, ``c1`` ...): a column may be called ``^a$``, which
engines take for a regular expression, and two columns may differ in case alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
from polars.exceptions import ComputeError, DuplicateError, NoDataError, PanicException, PolarsError

from headgate.model.batch import Object
from headgate.model.contract import Dialect
from headgate.model.errors import Bug, HeadgateError, Unavailable, Unreadable
from headgate.ports import Frame

T = TypeVar("T")

_GONE = re.compile(r"No such file or directory \(os error 2\)[^/]*(/\S+\.parquet)")
ROW = "row"  # 1 is the first row of the object
OBJECT = "object"  # position among `Rows.objects`


@dataclass(frozen=True, slots=True)
class Part:
    """Objects with the same columns. ``lazy``: c0 ... cN, `ROW` and `OBJECT` (both Int64).

    ``text``: every column is a String, in the form it stood in the file; null is what was left empty.
    ``scanned``: it is what stands in the files, and nothing was computed.
    """

    lazy: pl.LazyFrame
    columns: tuple[str, ...]
    dtypes: tuple[pl.DataType, ...]
    text: bool
    objects: tuple[int, ...] = ()
    scanned: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Delivered rows. Its parts differ in columns, their order or their types."""

    parts: tuple[Part, ...]
    objects: tuple[Object, ...] = ()
    dialect: Dialect | None = None
    explain: Callable[[], HeadgateError | None] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Of all parts, each once, in the order they were first seen in."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.columns))

    def where(self, number: int) -> str:
        """Where the object with this number was read."""
        return self.objects[number].location if 0 <= number < len(self.objects) else ""


def rows_of(frame: Frame) -> Rows:
    """``frame`` as rows. A LazyFrame's rows are numbered from 1, in its order."""
    if isinstance(frame, Rows):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return Rows((part_of(frame, 0),))
    raise Bug(f"rows are a {type(frame).__name__}")


def part_of(lazy: pl.LazyFrame, number: int, *, text: bool = False) -> Part:
    """A part of one object from a LazyFrame with columns under their own names."""
    schema = lazy.collect_schema()
    names = list(schema)
    numbered = lazy.select(pl.col(_quoted(name)).alias(f"c{i}") for i, name in enumerate(names))
    numbered = numbered.with_row_index(ROW, offset=1).with_columns(
        pl.col(ROW).cast(pl.Int64), pl.lit(number, pl.Int64).alias(OBJECT)
    )
    return Part(numbered, tuple(names), tuple(schema.values()), text, (number,))


def merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbours with the same columns and types as one part each, which keeps plans short."""
    found: list[list[Part]] = []
    for part in parts:
        last = found[-1][-1] if found else None
        if last and (last.columns, last.dtypes, last.text) == (part.columns, part.dtypes, part.text):
            found[-1].append(part)
        else:
            found.append([part])
    return tuple(
        group[0]
        if len(group) == 1
        else Part(
            pl.concat([each.lazy for each in group]),
            group[0].columns,
            group[0].dtypes,
            group[0].text,
            tuple(number for each in group for number in each.objects),
            all(each.scanned for each in group),
        )
        for group in found
    )


def named_lazy(frame: Frame) -> pl.LazyFrame:
    """Rows in the columns they came in, without row and object; null where a part lacks a column."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    found = [
        part.lazy.select(pl.col(f"c{i}").alias(name) for i, name in enumerate(part.columns))
        for part in rows_of(frame).parts
    ]
    return found[0] if len(found) == 1 else pl.concat(found, how="diagonal_relaxed")


def collected(lazy: pl.LazyFrame, rows: Rows | None = None) -> pl.DataFrame:
    """Run a query, streaming. Raises Unreadable if a file turns out to be damaged."""
    return guarded(lambda: lazy.collect(engine="streaming"), rows)


def collected_all(lazies: Sequence[pl.LazyFrame], rows: Rows | None = None) -> list[pl.DataFrame]:
    """`collected` for several queries, which share what they scan."""
    if len(lazies) == 1:
        return [collected(lazies[0], rows)]
    return guarded(lambda: pl.collect_all(lazies, engine="streaming"), rows)


def guarded(run: Callable[[], T], rows: Rows | None = None) -> T:
    """Run something on Polars, whose errors (panics too, which are no Exceptions) become ours."""
    try:
        return run()
    except (PolarsError, PanicException, OSError) as error:
        fault = rows.explain() if rows and rows.explain else None
        if fault is not None:
            raise fault from error
        if isinstance(error, DuplicateError):
            raise Unreadable(
                f"two columns have the same name: {first_line(error)}",
                hint="have the data written with a name of its own for each column",
                place=rows.objects[0].location if rows and rows.objects else "",
            ) from error
        if not _is_damage(error):
            raise Bug(f"Polars refused a query: {first_line(error)}") from error
        place = ", ".join(each.location for each in rows.objects[:3]) if rows else ""
        if (gone := _GONE.search(str(error))) is not None and gone[1] not in place:
            raise Unavailable(
                "a file of a table is gone", hint="restore the project's folder from a backup", place=gone[1]
            ) from error
        raise Unreadable(
            f"the data cannot be read: {first_line(error)}",
            hint="the file is damaged, or was cut off while it was written: have it delivered again",
            place=place,
        ) from error


def _is_damage(error: BaseException) -> bool:
    """True for what data may cause; the rest are queries that cannot be meant, which are ours."""
    return isinstance(error, ComputeError | NoDataError | PanicException | OSError)


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _quoted(name: str) -> str:
    """A name that `pl.col` would take for a regular expression or a wildcard, as one that matches it alone."""
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return "^" + "".join(c if c.isalnum() or c == "_" else f"\\x{{{ord(c):X}}}" for c in name) + "$"
    return name
