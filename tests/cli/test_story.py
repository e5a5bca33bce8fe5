"""The main job by command line alone, the sum of every step, and what readers of production see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import Ran

Run = Callable[..., Ran]
ROWS = ("rows_in", "rows_good", "rows_quarantined", "rows_deduplicated", "rows_superseded")


@dataclass(frozen=True, slots=True)
class Shop:
    """A project, and its command line; every load is held to the sum."""

    run: Run
    folder: Path

    def file(self, name: str, *rows: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["id,customer,amount", *rows, ""]))
        return name

    def load(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run("load", "orders", *words, "--json")
        assert done.code == code, done.out
        found = done.document
        rows = [found[name] for name in ROWS]
        assert rows[0] == sum(rows[1:]), found
        if found["outcome"] == "quarantined":
            assert (found["rows_good"], found["rows_quarantined"]) == (0, found["rows_in"])
        if found["outcome"] == "duplicate":
            assert rows == [0, 0, 0, 0, 0]
        return found

    def outcome(self, *words: str, code: int = 0) -> str:
        return str(self.load(*words, code=code)["outcome"])

    def ids(self, ref: str = "main") -> list[int]:
        done = self.run("sql", "SELECT id FROM orders ORDER BY id", "--ref", ref, "--json")
        assert done.code == 0, done.out
        return [row[0] for row in done.document["rows"]]

    def number(self, query: str) -> int:
        [[value]] = self.run("sql", query, "--json").document["rows"]
        return int(value)


@pytest.fixture
def orders(shop: Run, tmp_path: Path) -> Shop:
    return Shop(shop, tmp_path)


@pytest.fixture
def sold_orders(sold: Run, tmp_path: Path) -> Shop:
    return Shop(sold, tmp_path)


def test_from_the_first_file_to_a_rollback(orders: Shop) -> None:
    first = orders.load("good.csv", "--contract", "orders.yaml")
    assert (first["outcome"], first["rows_good"]) == ("published", 3)
    assert orders.outcome("good.csv") == "duplicate"

    unborn = orders.run("sql", "SELECT * FROM orders", "--ref", "production", "--json")
    assert (unborn.code, unborn.error["kind"]) == (3, "not_there")
    released = orders.run("promote", "production", "--json").document
    assert (released["outcome"], released["to"]) == ("promoted", first["commit"])
    assert orders.ids("production") == [1, 2, 3]

    whole = orders.load("dirty.csv", code=1)
    assert (whole["outcome"], whole["rows_quarantined"]) == ("quarantined", 4)
    assert (orders.ids(), orders.ids("production")) == ([1, 2, 3], [1, 2, 3])

    part = orders.load("dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "50%")
    assert (part["outcome"], part["rows_good"], part["rows_quarantined"]) == ("published_partial", 2, 2)
    assert (orders.ids(), orders.ids("production")) == ([1, 2, 3, 6, 7], [1, 2, 3])

    second = orders.run("promote", "production", "--json").document
    assert (second["from"], second["to"]) == (first["commit"], part["commit"])
    assert orders.ids("production") == [1, 2, 3, 6, 7]
    back = orders.run("rollback", "production", "--json").document
    assert (back["outcome"], back["from"], back["to"]) == ("rolled_back", part["commit"], first["commit"])
    assert (orders.ids(), orders.ids("production")) == ([1, 2, 3, 6, 7], [1, 2, 3])
    assert orders.run("rollback", "production", "--json").code == 1
    assert orders.ids("production") == [1, 2, 3]

    ledger = "FROM headgate.batches"
    parts = "+".join(f"sum({name})" for name in ROWS[1:])
    assert orders.number(f"SELECT sum(rows_in) {ledger}") == orders.number(f"SELECT {parts} {ledger}") == 11


def test_the_same_bytes_under_another_path_are_a_duplicate(sold_orders: Shop) -> None:
    name = sold_orders.file("elsewhere/copy.csv", "1,ann,10.50", "2,bob,3.00", "3,,7.25")
    assert sold_orders.outcome(name) == "duplicate"


def test_under_replace_only_the_last_batch_is_compared(sold_orders: Shop) -> None:
    a, b = sold_orders.file("a.csv", "1,ann,1.00"), sold_orders.file("b.csv", "2,bob,2.00")
    for name, ids in ((a, [1]), (b, [2]), (a, [1])):
        assert sold_orders.outcome(name, "--mode", "replace") == "published"
        assert sold_orders.ids() == ids
    assert sold_orders.outcome(a, "--mode", "replace") == "duplicate"


def test_of_overlapping_objects_the_rest_is_loaded_and_the_skipped_are_named(sold_orders: Shop) -> None:
    new = sold_orders.file("new.csv", "8,eve,1.00")
    found = sold_orders.load("good.csv", new)
    assert (found["outcome"], found["rows_in"]) == ("published", 1)
    assert [o["location"] for o in found["skipped"]] == ["good.csv"]
    assert sold_orders.ids() == [1, 2, 3, 8]
    assert (
        "skipped: good.csv"
        in sold_orders.run("load", "orders", "good.csv", sold_orders.file("x.csv", "9,x,1")).out
    )


def test_after_a_revert_the_same_file_may_come_again(sold_orders: Shop) -> None:
    new = sold_orders.file("new.csv", "8,eve,1.00")
    batch = sold_orders.load(new)["batch"]
    assert sold_orders.run("revert", batch, "--json").document["outcome"] == "reverted"
    assert sold_orders.ids() == [1, 2, 3]
    assert sold_orders.outcome(new) == "published"
    assert sold_orders.ids() == [1, 2, 3, 8]


def test_after_quarantine_the_same_file_may_come_again(sold_orders: Shop) -> None:
    assert sold_orders.outcome("dirty.csv", code=1) == "quarantined"
    assert sold_orders.outcome("dirty.csv", code=1) == "quarantined"
    found = sold_orders.load("dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "50%")
    assert found["outcome"] == "published_partial"
    assert sold_orders.outcome("dirty.csv") == "duplicate"


def test_a_named_batch_is_one_delivery_whatever_its_bytes(sold_orders: Shop) -> None:
    new, other = sold_orders.file("new.csv", "8,eve,1.00"), sold_orders.file("other.csv", "9,fay,1.00")
    assert sold_orders.outcome(new, "--batch", "2026-11-21") == "published"
    assert sold_orders.outcome(new, "--batch", "2026-11-21") == "duplicate"
    refused = sold_orders.run("load", "orders", other, "--batch", "2026-11-21", "--json")
    assert (refused.code, refused.error["kind"]) == (2, "batch_mismatch")
    assert "--again" in refused.error["hint"]
    assert sold_orders.ids() == [1, 2, 3, 8]
    assert sold_orders.outcome(other, "--batch", "2026-11-21", "--again") == "published"
    assert sold_orders.ids() == [1, 2, 3, 8, 9]
