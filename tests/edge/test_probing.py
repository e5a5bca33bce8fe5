"""What a Parquet file's own statistics and dictionaries say is believed only where it is what reading would find."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq
import pytest

import headgate
from headgate.edge import keeping, probing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headgate.edge.cells import Cells
    from headgate.edge.rows import Rows
    from headgate.model.names import RuleName
    from headgate.model.rule import Predicate

CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: probed
version: 1.0.0
status: active
schema:
  - name: probed
    properties:
      - {name: small, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: 9}}
      - {name: day, logicalType: date, required: true, logicalTypeOptions: {minimum: 2026-01-01}}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {maximum: "2026-12-31T00:00:00Z"}}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 5}}
      - {name: state, logicalType: string, required: true, enum: [{value: a}, {value: b}]}
"""
ROWS = 5_000
GOOD: dict[str, object] = {
    "small": 5,
    "day": date(2026, 6, 1),
    "at": datetime(2026, 6, 1, tzinfo=UTC),
    "amount": 1.0,
    "state": "a",
}
WRONG = [
    ("small", 0), ("small", 10), ("small", None), ("day", date(2025, 12, 31)), ("day", None),
    ("at", datetime(2027, 1, 1, tzinfo=UTC)), ("amount", math.nan), ("amount", -1.0), ("state", "c"), ("state", None),
]  # fmt: skip
FORMS: dict[str, dict[str, Any]] = {
    "statistics": {},
    "no statistics": {"write_statistics": False},
    "no dictionaries": {"use_dictionary": False},
    "a dictionary given up": {"dictionary_pagesize_limit": 8},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("column", "value"), [("small", 5), *WRONG])
def test_a_row_that_fails_is_found_whatever_the_file_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, column: str, value: object
) -> None:
    """Seen failing where whatever was asked about was taken for proven."""
    monkeypatch.setattr(probing, "BYTES_MIN", 0)
    frame = pl.DataFrame({name: [each] * ROWS for name, each in GOOD.items()})
    frame[ROWS - 7, column] = value
    frame = frame.with_columns(pl.col("small").cast(pl.Int16))
    path = tmp_path / "probed.parquet"
    pq.write_table(
        frame.to_arrow(compat_level=pl.CompatLevel.oldest()), path, row_group_size=900, **FORMS[form]
    )
    verdict = headgate.check(path, CONTRACT).verdict
    assert verdict.rows_bad == (0 if GOOD[column] == value else 1)
    assert {str(f.rule).split(".")[0] for f in verdict.blocking} == ({column} if verdict.rows_bad else set())


def test_a_large_clean_file_is_asked_and_only_of_exact_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing where doubles were asked about, too."""
    proven: list[set[str]] = []
    unfailed = probing.unfailed

    def watched(rows: Rows, cells: Cells, asked: Mapping[RuleName, Predicate]) -> set[RuleName]:
        found = unfailed(rows, cells, asked)
        proven.append({str(name) for name in found})
        return found

    monkeypatch.setattr(probing, "BYTES_MIN", 0)
    monkeypatch.setattr(probing, "unfailed", watched)
    path = tmp_path / "probed.parquet"
    pl.DataFrame({name: [each] * ROWS for name, each in GOOD.items()}).write_parquet(path)
    assert headgate.check(path, CONTRACT).verdict.passed
    assert proven == [
        {"small.required", "small.minimum", "small.maximum", "day.required", "day.minimum", "at.maximum"}
        | {"state.required", "state.enum"}
    ]


def test_rows_that_fail_are_looked_for_where_parquet_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing where a missing value was asked for by a column of its own: all columns of all rows were read."""
    plans: list[str] = []
    held = keeping._held

    def watched(lazy: pl.LazyFrame, rows: Rows) -> pl.DataFrame | None:
        plans.append(lazy.explain())
        return held(lazy, rows)

    monkeypatch.setattr(keeping, "_held", watched)
    path = tmp_path / "kept.parquet"
    pl.DataFrame({name: [each] * ROWS for name, each in GOOD.items()}).write_parquet(path)
    assert headgate.check(path, CONTRACT).verdict.passed
    [plan] = plans
    assert "SELECTION: " in plan and "FILTER" not in plan
