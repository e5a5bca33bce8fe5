from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS, DRY_RUN

Run = Callable[..., Ran]


def counts(document: dict[str, Any]) -> list[int]:
    """in, good, quarantined, deduplicated, superseded."""
    return [value for name, value in document.items() if name.startswith("rows_")]


def test_a_load_is_published_and_told_in_a_few_lines(shop: Run) -> None:
    done = shop("load", "orders", "good.csv", "--contract", "orders.yaml")
    assert (done.code, done.err) == (0, "")
    assert 3 <= len(done.out.splitlines()) <= 6
    assert done.out.startswith("published: orders, batch b")
    assert "3 in = 3 good + 0 quarantined + 0 deduplicated + 0 superseded" in done.out


def test_a_load_has_the_fixed_fields(shop: Run) -> None:
    done = shop("load", "orders", "good.csv", "--contract", "orders.yaml", "--json")
    found = done.document
    listed(found, DOCUMENTS["load"])
    assert (done.code, done.err, found["outcome"], found["table"]) == (0, "", "published", "orders")
    assert counts(found) == [3, 3, 0, 0, 0]
    assert found["objects"][0]["location"] == "good.csv"


def test_a_duplicate_is_done_and_counts_nothing(sold: Run) -> None:
    done = sold("load", "orders", "good.csv", "--json")
    listed(done.document, DOCUMENTS["load"])
    assert (done.code, done.document["outcome"], counts(done.document)) == (0, "duplicate", [0] * 5)
    assert "nothing to do" in sold("load", "orders", "good.csv").out


def test_a_batch_that_fails_is_quarantined_whole_with_the_next_step(sold: Run) -> None:
    done = sold("load", "orders", "dirty.csv")
    assert done.code == 1
    assert "fail  amount.minimum" in done.out
    assert "4 in = 0 good + 4 quarantined" in done.out
    assert "next: headgate quarantine show q" in done.out


def test_some_rows_may_be_quarantined_and_the_rest_published(sold: Run) -> None:
    done = sold(
        "load", "orders", "dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "50%", "--json"
    )
    listed(done.document, DOCUMENTS["load"])
    assert (done.code, done.document["outcome"]) == (0, "published_partial")
    assert counts(done.document) == [4, 2, 2, 0, 0]


def test_a_dry_run_says_the_steps_and_writes_nothing(sold: Run) -> None:
    before = sold("log", "--json").document, sold("events", "--json").document
    done = sold("load", "orders", "dirty.csv", "--dry-run", "--json")
    listed(done.document, {**DOCUMENTS["load"], **DRY_RUN})
    assert done.document["dry_run"] is True
    assert len(done.document["steps"]) >= 3
    assert "  1. " in sold("load", "orders", "dirty.csv", "--dry-run").out
    assert (sold("log", "--json").document, sold("events", "--json").document) == before


def test_an_unguarded_table_is_called_so(shop: Run) -> None:
    done = shop("load", "raw", "good.csv", "--unguarded")
    assert done.code == 0
    assert "unguarded" in done.out
    assert shop("status", "--json").document["tables"][0]["unguarded"] is True


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("orders", "good.csv"), 2, "wrong_use"),  # no contract anywhere
        (("no-table", "good.csv", "--contract", "orders.yaml"), 2, "wrong_use"),
        (("orders", "nosuch.csv", "--contract", "orders.yaml"), 3, "not_there"),
        (("orders", "good.csv", "--contract", "orders.yaml", "--to", "mian"), 3, "not_there"),
        (("orders", "good.csv", "--contract", "orders.yaml", "--mode", "upsert"), 2, "wrong_use"),
        (("orders", "good.csv", "--contract", "orders.yaml", "--max-quarantined", "lots"), 2, "wrong_use"),
        (("orders", "empty", "--contract", "orders.yaml"), 3, "not_there"),
        (("orders", "zero.csv", "--contract", "orders.yaml"), 3, "unreadable"),
    ],
)
def test_errors_have_a_kind_a_place_and_a_code(
    shop: Run, tmp_path: Path, words: tuple[str, ...], code: int, kind: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.csv").write_text("")
    done = shop("load", *words, "--json")
    assert (done.code, done.error["kind"]) == (code, kind)
    assert done.error["place"]
