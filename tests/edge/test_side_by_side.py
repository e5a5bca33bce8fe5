"""Keys of large Parquet files are looked at while rows are counted: the same verdict, and the same errors."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from headgate.edge import judging, probing
from headgate.edge.side_by_side import side_by_side
from headgate.model.errors import Unreadable

CONTRACT = b"""apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: boss, logicalType: integer, relationships: [{to: orders.id}]}
      - {name: amount, logicalType: number, required: true, logicalTypeOptions: {minimum: 0}}
    quality:
      - {metric: duplicateValues, arguments: {properties: [boss, amount]}, mustBe: 0}
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.parquet"
    frame = pl.DataFrame(
        {"id": [1, 2, 2, None, 5], "boss": [1, 9, 1, 5, 1], "amount": [1.0, 2.0, -1.0, None, 1.0]}
    )
    frame.write_parquet(path)
    return path


def together(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From here on small files are large. The names of the threads that look at keys."""
    seen: list[str] = []
    keyed = judging._keyed

    def watched(*asked: Any) -> Any:
        seen.append(threading.current_thread().name)
        return keyed(*asked)

    monkeypatch.setattr(judging, "_keyed", watched)
    monkeypatch.setattr(probing, "BYTES_MIN", 0)
    return seen


def test_the_verdict_is_the_same(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing with failing keys left out of what both found."""
    before = headgate.check(orders, CONTRACT)
    seen = together(monkeypatch)
    after = headgate.check(orders, CONTRACT)
    assert after.verdict == before.verdict
    assert {f.rule: f.rows_failed for f in after.verdict.findings if f.status == "fail"} == {
        "primaryKey": 3, "boss.references": 1, "amount.required": 1, "amount.minimum": 1,
        "duplicateValues": 2,
    }  # fmt: skip
    assert seen and threading.current_thread().name not in seen


def test_a_column_that_only_keys_ask_about_is_found_to_be_damaged(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing with what the thread raised left there."""
    together(monkeypatch)

    def damaged(*_: object) -> object:
        raise Unreadable("a page is damaged", hint="", place=str(orders))

    monkeypatch.setattr(judging, "_keys", damaged)
    with pytest.raises(Unreadable, match="a page is damaged"):
        headgate.check(orders, CONTRACT)


def test_both_are_done_at_once_and_neither_is_left_behind() -> None:
    """Seen failing with one done after the other: nobody was there to meet."""
    meeting = threading.Barrier(2, timeout=10)
    assert side_by_side(lambda: meeting.wait() >= 0, lambda: meeting.wait() >= 0) == (True, True)
    done: list[str] = []

    def fails(name: str) -> Any:
        def run() -> None:
            done.append(name)
            raise ValueError(name)

        return run

    with pytest.raises(ValueError, match="one"):
        side_by_side(fails("one"), fails("other"))
    assert sorted(done) == ["one", "other"]
