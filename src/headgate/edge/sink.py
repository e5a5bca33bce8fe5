"""Rows to files people asked for: CSV, Parquet or JSON lines by suffix, each as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import polars as pl

from headgate.edge import durable
from headgate.edge.cells import as_text, jsonable
from headgate.edge.rows import guarded, named_lazy
from headgate.model.errors import WrongUse
from headgate.ports import Frame

_ZSTD_LEVEL = 1  # level 3 takes longer and saves a few percent
_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip


def write_file(frame: Frame, path: str) -> None:
    """See `write_files`."""
    write_files([(frame, path)])


def write_files(wanted: Sequence[tuple[Frame, str]]) -> None:
    """Write frames one after the other, then give all files their names.

    Side by side (`pl.collect_all`) would read once, at five times the memory: what one sink has not taken is held.

    CSV says null as nothing and the empty string as ``""``; lists and structs are JSON there. Raises WrongUse for a
    suffix that no format has, Unavailable if a folder refuses, Unreadable if the data turn out to be damaged.
    """
    kinds = [_kind(path) for _, path in wanted]
    drafts = [durable.aside(path) for _, path in wanted]
    place = os.path.dirname(os.path.abspath(wanted[0][1])) if wanted else ""
    with durable.surroundings(place):
        try:
            for (frame, _), draft, kind in zip(wanted, drafts, kinds, strict=True):
                # Polars names a missing folder only in its own words: ours come from the system itself.
                open(draft, "xb").close()
                guarded(partial(_write, named_lazy(frame), draft, kind))
            for (_, path), draft in zip(wanted, drafts, strict=True):
                durable.put(draft, os.path.abspath(path))
        except BaseException:
            durable.remove(drafts)
            raise


def _kind(path: str) -> str:
    kind = _SUFFIXES.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise WrongUse(
            f"the name {path} does not say in which format to write",
            hint=f"let it end with {', '.join(_SUFFIXES)}",
            place=path,
        )
    return kind


def _write(lazy: pl.LazyFrame, path: str, kind: str) -> None:
    if kind == "parquet":
        lazy.sink_parquet(path, compression="zstd", compression_level=_ZSTD_LEVEL)
    elif kind == "jsonl":
        _with_text_keys(lazy).sink_ndjson(path)
    else:
        separator = "\t" if kind == "tsv" else ","
        _flat(lazy).sink_csv(path, separator=separator, quote_style="necessary", null_value="")


def _flat(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """Every column as something that CSV can hold, and that reads back the same."""
    schema = lazy.collect_schema()
    plain = (pl.String, pl.Boolean)
    return lazy.select(
        pl.nth(i) if isinstance(dtype, plain) or dtype.is_numeric() else as_text(pl.nth(i), dtype).alias(name)
        for i, (name, dtype) in enumerate(schema.items())
    )


def _with_text_keys(lazy: pl.LazyFrame) -> pl.LazyFrame:
    return lazy.select(
        jsonable(pl.nth(i), dtype).alias(name) if dtype.is_nested() else pl.nth(i)
        for i, (name, dtype) in enumerate(lazy.collect_schema().items())
    )
