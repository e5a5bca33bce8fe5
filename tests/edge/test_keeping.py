"""Rows that fail are kept as they are met, if they are few; else they are counted, and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import headgate
from headgate.edge import keeping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headgate.edge.cells import Cells
    from headgate.edge.render_value import Good
    from headgate.edge.rows import Rows
    from headgate.model.names import RuleName

CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - {name: code, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[A-Z]+$"}}
      - name: note
        logicalType: string
        quality:
          - {metric: nullValues, mustBeLessThan: 1000000}
"""


def _orders(rows: int, bad_every: int, *, doubled: bool) -> pl.DataFrame:
    number = pl.int_range(rows, dtype=pl.Int64, eager=True).alias("id")
    turn = pl.col("id") // bad_every % 3
    here = pl.col("id") % bad_every == 0
    return number.to_frame().select(
        pl.when(pl.lit(doubled) & (pl.col("id") == rows - 1)).then(0).otherwise(pl.col("id")).alias("id"),
        pl.when(here & (turn == 0)).then(float("nan")).otherwise(1.5).alias("amount"),
        pl.when(here & (turn == 1)).then(pl.lit("a")).when(here & (turn == 2)).then(None).otherwise(pl.lit("A"))
        .alias("code"),
        pl.when(pl.col("id") % 2 == 0).then(pl.lit("x")).alias("note"),
    )  # fmt: skip


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("bad_every", [1, 7, 1000, 1_000_000])
@pytest.mark.parametrize("from_file", [False, True])
def test_what_is_found_does_not_depend_on_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad_every: int, *, doubled: bool, from_file: bool
) -> None:
    """Seen failing where kept rows were also believed when a key was at fault: rows with doubled keys were good."""
    orders = _orders(20_000, bad_every, doubled=doubled)
    orders.write_parquet(tmp_path / "orders.parquet", row_group_size=3_000)
    data = tmp_path / "orders.parquet" if from_file else orders
    kept = headgate.check(data, CONTRACT)
    kept_rows = kept.good_rows, kept.bad_rows
    monkeypatch.setattr(keeping, "KEPT_BYTES_MAX", 0)
    counted = headgate.check(data, CONTRACT)
    assert kept.verdict == counted.verdict
    assert kept.verdict.rows_bad == kept_rows[1].height
    for ours, theirs in zip(kept_rows, (counted.good_rows, counted.bad_rows), strict=True):
        assert_frame_equal(ours, theirs)


def test_too_many_rows_to_be_kept_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing with the bound off: all of 300,000 bad rows were held."""
    held: list[keeping.Kept | None] = []
    kept = keeping.kept

    def watched(rows: Rows, cells: Cells, bad: Mapping[RuleName, Good]) -> keeping.Kept | None:
        held.append(kept(rows, cells, bad))
        return held[-1]

    monkeypatch.setattr(keeping, "KEPT_BYTES_MAX", 1 << 20)
    monkeypatch.setattr(keeping, "kept", watched)
    _orders(300_000, 1, doubled=False).write_parquet(tmp_path / "orders.parquet", row_group_size=10_000)
    found = headgate.check(tmp_path / "orders.parquet", CONTRACT).verdict
    assert held == [None]
    assert found.rows_bad == 300_000
