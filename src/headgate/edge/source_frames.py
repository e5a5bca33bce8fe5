"""Deliveries that are in memory already: Polars, Arrow, pandas; and rows that come back from quarantine.

Neither pandas nor Arrow is imported unless the object at hand is one of theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any, cast

import polars as pl

from headgate.edge.rows import OBJECT, ROW, Part, Rows, collected, guarded, merged, part_of
from headgate.model.batch import Object
from headgate.model.change import QuarantineRow
from headgate.model.errors import Unreadable, WrongUse
from headgate.ports import Delivery, Frame

FRAME = "frame"


class _Digest:
    """A file that keeps nothing but the SHA-256 of what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.bytes += len(data)
        return len(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def frame(obj: object) -> Delivery:
    """A DataFrame or LazyFrame (Polars), Table or RecordBatch (Arrow) or DataFrame (pandas: NaN is null).

    A LazyFrame is collected. The digest is of the columns' names, types and values. Raises WrongUse for anything
    else, Unreadable for a pandas column whose values differ in kind.
    """
    found = _polars(obj)
    digest = _Digest()
    digest.write(json.dumps([found.columns, [str(d) for d in found.dtypes]]).encode())
    found.rechunk().write_ipc(cast("Any", digest), compression="uncompressed")
    described = Object(digest.hexdigest(), f"{type(obj).__module__.split('.')[0]} frame", digest.bytes, FRAME)
    rows = Rows((part_of(found.lazy(), 0),), (described,))
    return Delivery((described,), Frame(rows), rows.columns)


def _polars(obj: object) -> pl.DataFrame:
    if isinstance(obj, pl.DataFrame):
        return obj
    if isinstance(obj, pl.LazyFrame):
        lazy = obj
        return guarded(lambda: lazy.collect(engine="streaming"))
    home = type(obj).__module__.partition(".")[0]
    if home == "pyarrow" and type(obj).__name__ in {"Table", "RecordBatch"}:
        return guarded(lambda: cast("pl.DataFrame", pl.from_arrow(cast("Any", obj))))
    if home == "pandas" and type(obj).__name__ == "DataFrame":
        return _from_pandas(cast("Any", obj))
    raise WrongUse(
        f"{type(obj).__name__} is no frame that can be checked",
        hint="give paths, a Polars DataFrame or LazyFrame, an Arrow Table, or a pandas DataFrame",
    )


def _from_pandas(found: Any) -> pl.DataFrame:
    if not all(isinstance(name, str) for name in found.columns) or len(set(found.columns)) < len(
        found.columns
    ):
        raise Unreadable(
            "the columns of the pandas frame are not named, each differently, by text", hint="rename them"
        )
    try:
        return cast("pl.DataFrame", pl.from_pandas(found, nan_to_null=True, include_index=False))
    except Exception as error:  # pyarrow's, which is not imported here
        raise Unreadable(
            f"a column of the pandas frame holds values of several kinds: {str(error).splitlines()[0]}",
            hint="give each column one type, for example with .astype(str)",
        ) from error


def quarantined(row: QuarantineRow, without: Collection[str] = ()) -> Delivery:
    """Rows of a quarantine as they were delivered, to be loaded again: raw texts, objects and row numbers.

    The objects are the original ones, so that delivering those again later is known to be a repetition; rows of
    those ``without`` (digests) are left out.
    """
    lazy = pl.scan_parquet(row.path, glob=False)
    if without:
        lazy = lazy.filter(~pl.col(OBJECT).is_in(list(without)))
    # A file that is cut off keeps its header's columns: the first row of each object says which ones it had.
    query = lazy.group_by(OBJECT, "location", maintain_order=True).agg(pl.col("raw").first())
    found = collected(query, Rows((), (Object("", row.path, 0, "parquet"),)))
    objects = tuple(
        Object(digest, where, 0, FRAME) for digest, where in found.select(OBJECT, "location").iter_rows()
    )
    parts = [
        _raw_part(
            lazy.filter((pl.col(OBJECT) == each.digest) & (pl.col("location") == each.location)), raw, number
        )
        for number, (each, raw) in enumerate(zip(objects, found.get_column("raw"), strict=True))
    ]
    rows = Rows(merged(parts), objects)
    return Delivery(objects, Frame(rows), rows.columns)


def _raw_part(lazy: pl.LazyFrame, raw: str, number: int) -> Part:
    names: Sequence[str] = list(json.loads(raw))
    fields = pl.Struct(dict.fromkeys(names, pl.String()))
    decoded = pl.col("raw").str.json_decode(fields)
    numbered = lazy.select(
        *(decoded.struct.field(name).alias(f"c{i}") for i, name in enumerate(names)),
        pl.col(ROW).cast(pl.Int64),
        pl.lit(number, pl.Int64).alias(OBJECT),
    )
    return Part(numbered, tuple(names), (pl.String(),) * len(names), text=True, objects=(number,))
