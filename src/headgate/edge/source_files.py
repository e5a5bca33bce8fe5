"""Deliveries from local files: CSV, Parquet, JSON lines, Arrow.

Nothing is sniffed: the format goes by the file's name (or is told), the dialect of text by the contract. Content
is looked at only so that an error can say what stands there instead.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NoReturn

import polars as pl

from headgate.edge import csv_text
from headgate.edge.rows import OBJECT, ROW, Part, Rows, collected, guarded, merged
from headgate.edge.source_frames import frame, quarantined
from headgate.model.batch import Object
from headgate.model.contract import Dialect
from headgate.model.errors import Bug, HeadgateError, NotThere, Unavailable, Unreadable, WrongUse
from headgate.ports import Delivery, Frame

__all__ = ["FORMATS", "FileSource", "dialect_for", "frame", "quarantined"]

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN = 40  # characters of a number
_INDEX = "\0row"  # no column of a file is called that
_FOREIGN = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip (or Excel)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"%PDF", "PDF"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"SQLite format 3", "SQLite"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files below the current folder or anywhere else on this machine.

    ``digests`` False leaves the objects' digests empty: to check a file once, nobody asks for its identity, and a
    large one takes as long to hash as to count its failing rows. Quarantine hashes it then (see `splitting`).
    """

    digests: bool = True

    def find(self, data: Sequence[str], format: str | None = None) -> tuple[Object, ...]:
        """Raises WrongUse for a format that does not exist, else as the port says."""
        if format is not None and format not in {"csv", "parquet", "jsonl", "arrow"}:
            raise WrongUse(
                f"there is no format {format!r}", hint="use csv, parquet, jsonl or arrow", place=format
            )
        paths = {str(path): path for text in data for path in _paths(text)}
        return tuple(_object(paths[name], format, digests=self.digests) for name in sorted(paths))

    def read(self, objects: Sequence[Object], dialect: Dialect) -> Delivery:
        objects = tuple(objects)
        parts = merged([_part(each, i, dialect) for i, each in enumerate(objects)])

        def explain() -> HeadgateError | None:
            return _explained(objects, dialect)

        rows = Rows(parts, objects, dialect, explain)
        return Delivery(objects, Frame(rows), rows.columns)


# -- finding ------------------------------------------------------------------------------------------------


def _paths(text: str) -> list[Path]:
    path = Path(text)
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in FORMATS and _shown(p, path))
            if not found:
                raise NotThere(
                    f"the folder {text} holds no data files",
                    hint=f"data files end with {', '.join(FORMATS)}",
                    place=text,
                )
            return found
    except OSError as error:
        raise _unopened(error, text) from error
    if any(c in text for c in "*?["):
        found = sorted(Path(p) for p in glob.glob(text, recursive=True) if Path(p).is_file())
        if found:
            return found
        raise NotThere(
            f"nothing matches {text}", hint="look at the pattern and the current folder", place=text
        )
    siblings = [str(p) for p in path.parent.glob("*")] if path.parent.is_dir() else []
    raise NotThere.among("file", text, siblings, hint="" if siblings else "look at the path")


def _shown(path: Path, folder: Path) -> bool:
    return path.is_file() and not any(p.startswith((".", "_")) for p in path.relative_to(folder).parts)


def _object(path: Path, told: str | None, *, digests: bool) -> Object:
    kind = told or FORMATS.get(path.suffix.lower())
    if kind is None:
        raise Unreadable(
            f"the name of {path.name} does not say its format{_looks_like(path)}",
            hint="give --format csv, parquet, jsonl or arrow, or rename the file",
            place=str(path),
        )
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest() if digests else ""
            return Object(digest, str(path), os.fstat(file.fileno()).st_size, kind)
    except OSError as error:
        raise _unopened(error, str(path)) from error


def _looks_like(path: Path) -> str:
    try:
        with path.open("rb") as file:
            what = _foreign(file.read(512), "")
    except OSError:
        return ""
    return f" (it looks like {what})" if what else ""


def _unopened(error: OSError, place: str) -> HeadgateError:
    if isinstance(error, FileNotFoundError):
        return NotThere(f"no file {place}", hint="look at the path", place=place)
    if isinstance(error, PermissionError):
        return Unavailable(f"{place} may not be read", hint="look at its permissions (ls -l)", place=place)
    return Unavailable(f"{place} cannot be read: {error.strerror}", hint="look at the disk", place=place)


# -- reading ------------------------------------------------------------------------------------------------


def _part(each: Object, number: int, dialect: Dialect) -> Part:
    try:
        with Path(each.location).open("rb") as file:
            start = file.read(512)
            if not start:
                raise Unreadable(
                    "the file is empty (0 bytes)",
                    hint="a delivery without rows is a file with a header only",
                    place=each.location,
                )
            if what := _foreign(start, each.format):
                raise Unreadable(
                    f"the file is {what}, not {each.format}",
                    hint="have the data themselves delivered, or give --format",
                    place=each.location,
                )
            file.seek(0)
            if each.format == "csv":
                return _csv(file, each, number, dialect)
            if each.format == "jsonl":
                return _json_lines(file, each, number, dialect.maps)
    except OSError as error:
        raise _unopened(error, each.location) from error
    return _columnar(each, number)


def _foreign(start: bytes, expected: str) -> str:
    """What a file is whose first bytes give it away as something else; empty if nothing does."""
    for magic, name in _FOREIGN:
        ours = expected == name.lower() or (name.startswith("UTF-16") and expected in {"csv", ""})
        if start.startswith(magic) and not ours:
            return name
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "HTML or XML"
    return ""


def dialect_for(each: Object, dialect: Dialect) -> Dialect:
    """A .tsv file has tabs unless another delimiter than the default was declared."""
    if each.location.lower().endswith(".tsv") and dialect.delimiter == ",":
        return replace(dialect, delimiter="\t")
    return dialect


def _csv(file: BinaryIO, each: Object, number: int, dialect: Dialect) -> Part:
    dialect = dialect_for(each, dialect)
    form = csv_text.form_of(dialect)
    data: str | bytes = each.location
    if not csv_text.is_utf8(dialect.encoding):
        # Polars reads UTF-8 alone; such files are held in memory.
        data = csv_text.decoded(file.read(), dialect.encoding, each.location)
        file = io.BytesIO(data)
    elif file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
        raise Unreadable(
            "the file is UTF-16 text, not utf-8",
            hint="declare the encoding utf-16 in the contract's dialect",
            place=f"{each.location}:1",
        )
    file.seek(0)
    names = csv_text.header_of(file, form, each.location)
    blank = csv_text.validate(file, form, len(names), each.location)
    columns = [f"c{i}" for i in range(len(names))]

    def scan(rows: int | None) -> pl.LazyFrame:
        return pl.scan_csv(
            data,
            has_header=dialect.header,
            separator=dialect.delimiter,
            quote_char=dialect.quote or None,
            infer_schema=False,
            new_columns=columns,
            null_values=list(dialect.null) or None,
            row_index_name=ROW,
            row_index_offset=1,
            glob=False,
            n_rows=rows,
        )

    # Polars takes a blank line for a row of nulls.
    rows = int(collected(scan(None).select(pl.len())).item()) - blank if blank else None
    lazy = scan(rows)
    return _numbered(lazy, names, [pl.String()] * len(names), number, text=True)


def _json_lines(file: BinaryIO, each: Object, number: int, maps: Sequence[str]) -> Part:
    place: str | bytes = glob.escape(each.location)
    if file.read(len(_BOM)) == _BOM:
        place = file.read()  # Polars reads no mark before the first line; such files are held in memory
    kept = dict.fromkeys(maps, pl.String())  # as text: see Dialect

    # Read once in full: a column whose values differ in kind is read as text, which its type then judges.
    def scan(schema: dict[str, pl.DataType] | None) -> pl.LazyFrame:
        return pl.scan_ndjson(
            place, schema=schema, infer_schema_length=None, row_index_name=_INDEX, row_index_offset=1
        )

    def found() -> tuple[dict[str, pl.DataType], bool]:
        try:
            inferred = scan(None).collect_schema().items()
            schema = {name: kept.get(name, dtype) for name, dtype in inferred if name != _INDEX}
        except pl.exceptions.SchemaError:  # values of kinds that have nothing in common
            schema = dict.fromkeys(_keys_of_lines(each), pl.String())
        try:
            scan(schema).select(pl.all().null_count()).collect(engine="streaming")
        except pl.exceptions.PolarsError:
            text: dict[str, pl.DataType] = dict.fromkeys(schema, pl.String())
            scan(text).select(pl.all().null_count()).collect(engine="streaming")
            return text, True
        return schema, False

    rows = Rows((), (each,), None, lambda: _broken_json_line(each))
    schema, text = guarded(found, rows)
    names = list(schema)
    # Polars does not look at lines that have no key it knows, and half of a surrogate pair becomes a NUL.
    if (not names or _has_surrogates(each)) and (error := _broken_json_line(each)):
        raise error
    lazy = scan(schema).rename({_INDEX: ROW} | {name: f"c{i}" for i, name in enumerate(names)})
    return _numbered(lazy, names, list(schema.values()), number, text=text)


def _columnar(each: Object, number: int) -> Part:
    rows = Rows((), (each,))
    if each.format == "parquet":
        lazy = pl.scan_parquet(
            each.location, row_index_name=_INDEX, row_index_offset=1, glob=False, hive_partitioning=False
        )
    else:
        lazy = pl.scan_ipc(each.location, row_index_name=_INDEX, row_index_offset=1, glob=False)
    try:
        schema = guarded(lazy.collect_schema, rows)
    except Bug as error:  # what a file says of itself: a column twice, a type nobody knows
        raise Unreadable(error.message, hint="have the file written anew", place=each.location) from error
    names = [name for name in schema if name != _INDEX]
    lazy = lazy.rename({_INDEX: ROW} | {name: f"c{i}" for i, name in enumerate(names)})
    part = _numbered(lazy, names, [schema[name] for name in names], number, text=False)
    return replace(part, scanned=True)


def _numbered(
    lazy: pl.LazyFrame, names: Sequence[str], dtypes: Sequence[pl.DataType], number: int, *, text: bool
) -> Part:
    lazy = lazy.with_columns(pl.col(ROW).cast(pl.Int64), pl.lit(number, pl.Int64).alias(OBJECT))
    return Part(lazy, tuple(names), tuple(dtypes), text, (number,))


# -- explaining ---------------------------------------------------------------------------------------------


def _explained(objects: Sequence[Object], dialect: Dialect) -> HeadgateError | None:
    """Why Polars could not read one of the objects, with the line; None if nothing is found."""
    for each in objects:
        try:
            if each.format == "csv":
                own = dialect_for(each, dialect)
                form = csv_text.form_of(own)
                with Path(each.location).open("rb") as file:
                    names = csv_text.header_of(file, form, each.location)
                    fault = csv_text.first_fault(file, form, len(names))
                if fault is not None:
                    return csv_text.unreadable(fault, each.location)
            elif each.format == "jsonl" and (error := _broken_json_line(each)):
                return error
            elif each.format in {"parquet", "arrow"}:
                collected(_columnar(each, 0).lazy.select(pl.all().null_count()), Rows((), (each,)))
        except HeadgateError as error:
            return error
        except OSError as error:
            return _unopened(error, each.location)
    return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def _finite(digits: str) -> float:
    """Polars reads no number that a double cannot come near."""
    found = float(digits)
    if math.isinf(found):
        shown = digits if len(digits) <= _SHOWN else f"a number of {len(digits)} characters"
        raise ValueError(f"{shown} is beyond all numbers of 64 bits")
    return found


def _unmarked(line: bytes, number: int) -> bytes:
    """A line without the mark that may stand before the first one."""
    return line.removeprefix(_BOM) if number == 0 else line


def _keys_of_lines(each: Object) -> list[str]:
    found: dict[str, None] = {}
    with Path(each.location).open("rb") as file:
        for number, line in enumerate(file):
            text = _unmarked(line, number)
            value = json.loads(text) if text.strip() else {}
            found |= dict.fromkeys(value if isinstance(value, dict) else ())
    return list(found)


def _has_surrogates(each: Object) -> bool:
    """True if an escape of one stands in a file; a pair of them is a character."""
    with Path(each.location).open("rb") as file:
        before = b""
        while block := file.read(csv_text.BLOCK):
            if _SURROGATE.search(before + block):
                return True
            before = block[-4:]
    return False


def _broken_json_line(each: Object) -> HeadgateError | None:
    with Path(each.location).open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = _unmarked(line, number - 1)
            if not text.strip(b" \t\r\n"):
                continue
            try:
                value = json.loads(
                    text.decode(), parse_constant=_no_constant, parse_float=_finite, parse_int=_finite
                )
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeDecodeError:
                what = "the text is not utf-8"
            except UnicodeEncodeError:
                what = "half of a surrogate pair is no text"
            except RecursionError:
                what = "the line is nested too deeply"
            except ValueError as error:
                what = f"the line is not JSON: {error}"
            else:
                if isinstance(value, dict):
                    continue
                what = "the line is not a JSON object"
            return Unreadable(
                what, hint="JSON lines hold one object a line", place=f"{each.location}:{number}"
            )
    return None
