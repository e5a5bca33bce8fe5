"""Bad rows with what is wrong with each: rule, column, value and reason. Native, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

FAILURE = pl.Struct({"rule": pl.String, "column": pl.String, "value": pl.String, "reason": pl.String})
_LISTS = ("rule", "column", "value", "reason")


@dataclass(frozen=True, slots=True)
class Reason:
    """Of one rule: the column whose value a person looks at (empty: none), and what is asked of it, in words."""

    column: str
    words: str


def explained(bad: pl.LazyFrame, reasons: Mapping[str, Reason], key: Sequence[str]) -> pl.LazyFrame:
    """``bad`` (the rows of a `Split`) with ``key`` (if there is one) and ``failures``, one for each of its rules."""
    columns = list(dict.fromkeys(r.column for r in reasons.values() if r.column))
    at = {column: i for i, column in enumerate(columns)}
    fields = {name: f"f{i}" for i, name in enumerate(dict.fromkeys([*columns, *key]))}
    table = pl.DataFrame(
        {
            "rule": list(reasons),
            "column": [r.column for r in reasons.values()],
            "at": [at.get(r.column, len(columns)) for r in reasons.values()],
            "reason": [r.words for r in reasons.values()],
        },
        schema={"rule": pl.String, "column": pl.String, "at": pl.Int64, "reason": pl.String},
    )
    schema = bad.collect_schema()
    added = {"key": pl.Struct(dict.fromkeys(key, pl.String()))} if key else {}
    return bad.map_batches(
        lambda block: _block(block, table, fields, columns, key),
        streamable=True,
        schema=pl.Schema({**schema, **added, "failures": pl.List(FAILURE)}),
    )


def _block(
    block: pl.DataFrame,
    table: pl.DataFrame,
    fields: Mapping[str, str],
    columns: Sequence[str],
    key: Sequence[str],
) -> pl.DataFrame:
    texts = _texts(block, fields)
    # The last of the values is of rules that look at no column.
    values = pl.concat_list([*(pl.col(fields[c]) for c in columns), pl.lit(None, pl.String)]).alias("values")
    rows = texts.select("i", pl.Series("rule", block.get_column("rules")), values)
    exploded = (
        rows.explode("rule")
        .filter(pl.col("rule").is_not_null())
        .join(table, on="rule", how="left", maintain_order="left")
        .with_columns(pl.col("values").list.get(pl.col("at").fill_null(len(columns))).alias("value"))
    )
    found = exploded.group_by("i", maintain_order=True).agg(pl.struct(_LISTS).alias("failures"))
    failures = rows.select("i").join(found, on="i", how="left", maintain_order="left").get_column("failures")
    empty = pl.lit([], pl.List(FAILURE))
    block = block.with_columns(_key(texts, fields, key)) if key else block
    return block.with_columns(failures.cast(pl.List(FAILURE))).with_columns(
        pl.col("failures").fill_null(empty)
    )


def _key(texts: pl.DataFrame, fields: Mapping[str, str], key: Sequence[str]) -> pl.Series:
    return texts.select(pl.struct(pl.col(fields[name]).alias(name) for name in key).alias("key")).to_series()


def _texts(block: pl.DataFrame, fields: Mapping[str, str]) -> pl.DataFrame:
    """The values of some columns, out of the raw rows (JSON objects of texts), and ``i``, the number of the row."""
    numbers = block.select(pl.int_range(pl.len()).alias("i"))
    if not fields:
        return numbers
    decoded = block.get_column("raw").str.json_decode(pl.Struct(dict.fromkeys(fields, pl.String())))
    return numbers.hstack(decoded.struct.unnest().rename(dict(fields)))
