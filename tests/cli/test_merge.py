"""`merge` and `revert`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


def count(run: Run) -> int:
    rows = run("sql", "SELECT count(*) FROM orders", "--json").document["rows"]
    return int(rows[0][0])


def test_a_branch_is_merged_once(sold: Run, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1.00\n")
    (tmp_path / "other.csv").write_text("id,customer,amount\n9,fay,1.00\n")
    sold("branch", "create", "feature")
    sold("load", "orders", "more.csv", "--to", "feature")
    sold("load", "orders", "other.csv")
    assert count(sold) == 4
    done = sold("merge", "feature", "--json")
    listed(done.document, DOCUMENTS["merge"])
    assert (done.code, done.document["outcome"], done.document["target"]) == (0, "merged", "main")
    assert done.document["verdict"]["outcome"] == "passed"
    assert (
        done.document["verdict"]["rows"]
        == sold("check", "orders", "--ref", "main", "--json").document["rows"]
    )
    assert done.document["from"] != done.document["to"]
    assert count(sold) == 5
    again = sold("merge", "feature", "--json")
    assert (again.code, again.document["outcome"]) == (0, "unchanged")
    assert again.document["verdict"] is None
    assert again.document["from"] == again.document["to"] == done.document["to"]


def test_what_does_not_merge_is_a_conflict_with_evidence(sold: Run, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1.00\n")
    (tmp_path / "other.csv").write_text("id,customer,amount\n9,fay,1.00\n")
    sold("branch", "create", "feature")
    assert sold("load", "orders", "more.csv", "--to", "feature", "--mode", "replace").code == 0
    assert sold("load", "orders", "other.csv", "--mode", "replace").code == 0
    done = sold("merge", "feature", "--json")
    listed(done.document, DOCUMENTS["merge"])
    assert (done.code, done.document["outcome"]) == (1, "conflict")
    assert done.document["conflicts"][0]["key"] == "table/default.orders"
    assert "table/default.orders" in sold("merge", "feature").out


def test_a_publish_is_reverted_by_commit_or_run_and_may_come_again(sold: Run) -> None:
    for name in ("commit", "run"):  # by batch: see test_story
        rows = sold("sql", f"SELECT {name} FROM headgate.batches", "--json").document["rows"]
        done = sold("revert", rows[-1][0], "--json")
        listed(done.document, DOCUMENTS["revert"])
        assert (done.code, done.document["outcome"]) == (0, "reverted")
        assert done.document["verdict"]["outcome"] == "passed"
        assert sold("sql", "SELECT * FROM orders", "--json").code == 3
        assert sold("load", "orders", "good.csv", "--contract", "orders.yaml").code == 0
        assert count(sold) == 3


def test_unknown_names_are_not_there(sold: Run) -> None:
    assert sold("merge", "nosuch", "--json").error["kind"] == "not_there"
    assert sold("merge", "main", "nosuch", "--json").error["kind"] == "not_there"
    assert sold("revert", "nosuch", "--json").error["kind"] == "not_there"
