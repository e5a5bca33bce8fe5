"""`promote` and `rollback`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


def test_a_release_is_shown_and_taken_back(sold: Run, tmp_path: Path) -> None:
    first = sold("promote", "production", "--json")
    listed(first.document, DOCUMENTS["promote"])
    assert (first.code, first.document["outcome"], first.document["from"]) == (0, "promoted", None)
    assert sold("promote", "--json").document["outcome"] == "unchanged"
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1.00\n")
    sold("load", "orders", "more.csv")
    second = sold("promote", "production", "--json").document
    back = sold("rollback", "production", "--json")
    listed(back.document, DOCUMENTS["rollback"])
    assert (back.code, back.document["outcome"]) == (0, "rolled_back")
    assert (back.document["from"], back.document["to"]) == (second["to"], first.document["to"])


def test_a_rollback_says_how_long_it_took(sold: Run, tmp_path: Path) -> None:
    sold("promote")
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1.00\n")
    sold("load", "orders", "more.csv")
    sold("promote")
    assert re.search(r"^rolled_back: production shows .* in \d+\.\d ms$", sold("rollback").out, re.MULTILINE)


def test_a_rollback_with_nothing_before_is_refused(sold: Run) -> None:
    for _ in range(2):
        done = sold("rollback", "production", "--json")
        assert (done.code, done.document["outcome"]) == (1, "refused")
        assert done.document["why"]
        sold("promote")


def test_a_smoke_check_that_fails_leaves_readers_alone(sold: Run, tmp_path: Path) -> None:
    first = sold("promote", "--json").document["to"]
    (tmp_path / "few.sql").write_text("SELECT count(*) < 4 FROM orders")
    toml = tmp_path / "headgate.toml"
    toml.write_text(toml.read_text().replace("# smoke", "smoke").replace("smoke/totals.sql", "few.sql"))
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1.00\n")
    sold("load", "orders", "more.csv")
    done = sold("promote", "production", "--json")
    listed(done.document, DOCUMENTS["promote"])
    assert (done.code, done.document["outcome"], done.document["to"]) == (1, "refused", first)
    assert {r["rule"]: r["status"] for r in done.document["rules"]}["smoke:few"] == "fail"
    assert done.document["release"] is None
    looked = done.document["verdict"]
    assert (looked["outcome"], looked["rows"], looked["engine"]) == ("failed", 4, "polars")
    assert looked["root"] and looked["files"] >= 1
    assert "fail  smoke:few" in sold("promote").out
    count = sold("sql", "SELECT count(*) FROM orders", "--ref", "production", "--json").document["rows"]
    assert count == [[3]]


def test_an_unknown_environment_has_close_names(sold: Run) -> None:
    done = sold("promote", "prodution", "--json")
    assert (done.code, done.error["kind"]) == (3, "not_there")
    assert "production" in done.error["hint"]
