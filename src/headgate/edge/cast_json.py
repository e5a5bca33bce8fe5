"""Columns of JSON texts as values of a contract's types: see `json_values`. Scalars are cast all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from headgate.edge.json_values import fitted, parsed, scalars
from headgate.model.contract import ColumnType

FromText = Callable[[pl.Expr, ColumnType], pl.Expr]


def decoded(cells: pl.Series, kind: ColumnType, want: pl.DataType, from_text: FromText) -> pl.Series:
    """``cells`` as values of ``kind``; null where one does not fit."""
    values = [parsed(cell) for cell in cells]
    texts: dict[ColumnType, dict[str, Any]] = {}
    for value in values:
        for inner, text in scalars(value, kind):
            texts.setdefault(inner, {})[text] = None
    for inner, found in texts.items():
        asked = pl.DataFrame({"t": list(found)}, schema={"t": pl.String})
        made = asked.select(from_text(pl.col("t"), inner)).to_series().to_list()
        texts[inner] = dict(zip(found, made, strict=True))

    def read(inner: ColumnType, text: str) -> Any:
        return texts[inner][text]

    return pl.Series(cells.name, [fitted(value, kind, read) for value in values], dtype=want)


def are_objects(cells: pl.Series) -> pl.Series:
    """True where a text is a JSON object."""
    return pl.Series(cells.name, [isinstance(parsed(cell), dict) for cell in cells], dtype=pl.Boolean)


def count_fields(cells: pl.Series) -> pl.Series:
    """How many fields of each JSON object are not null; null where a text is none."""
    found = [parsed(cell) for cell in cells]
    counted = [sum(v is not None for v in one.values()) if isinstance(one, dict) else None for one in found]
    return pl.Series(cells.name, counted, dtype=pl.Int64)
