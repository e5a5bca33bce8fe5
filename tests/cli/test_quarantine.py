from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


@pytest.fixture
def stopped(sold: Run) -> tuple[Run, str]:
    """A project with a batch of four rows in quarantine, and the quarantine's id."""
    assert sold("load", "orders", "dirty.csv").code == 1
    return sold, sold("quarantine", "list", "--json").document["quarantines"][0]["quarantine"]


def test_the_list_names_what_waits(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    listed(run("quarantine", "list", "--json").document, DOCUMENTS["quarantine list"])
    assert id in run("quarantine", "list").out


def test_an_empty_list_says_so(shop: Run) -> None:
    assert shop("quarantine", "list").out == "nothing is in quarantine\n"
    assert shop("quarantine", "list", "--json").document == {"quarantines": []}


def test_rows_are_shown_raw_with_their_rules(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    found = run("quarantine", "show", id, "--json").document
    listed(found, DOCUMENTS["quarantine show"])
    assert [row["rules"] for row in found["rows"]] == [["amount.minimum"], ["amount.type"], [], []]
    assert json.loads(found["rows"][1]["raw"]) == {"id": "5", "customer": "bob", "amount": "x"}
    text = run("quarantine", "show", id, "-n", "1").out
    assert "row 1 of dirty.csv: amount.minimum" in text
    assert "... and 3 more" in text


def test_a_batch_or_a_run_names_its_quarantine(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    found = run("quarantine", "list", "--json").document["quarantines"][0]
    for name in ("batch", "run"):
        shown = run("quarantine", "show", found[name], "--json").document
        assert shown["quarantine"]["quarantine"] == id


def test_mended_files_end_a_quarantine(stopped: tuple[Run, str], tmp_path: Path) -> None:
    run, id = stopped
    (tmp_path / "mended.csv").write_text("id,customer,amount\n4,ann,1\n5,bob,2\n6,cid,2.00\n7,dan,3.00\n")
    done = run("quarantine", "replay", id, "--with", "mended.csv", "--json")
    listed(done.document, DOCUMENTS["quarantine replay"])
    assert (done.code, done.document["outcome"], done.document["rows_good"]) == (0, "published", 4)
    assert run("quarantine", "list", "--json").document == {"quarantines": []}
    assert run("quarantine", "list", "--all", "--json").document["quarantines"][0]["state"] == "replayed"
    assert run("sql", "SELECT count(*) FROM orders", "--json").document["rows"] == [[7]]


def test_rows_that_fail_again_stay_in_quarantine(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    done = run("quarantine", "replay", id, "--json")
    assert (done.code, done.document["outcome"]) == (1, "quarantined")
    waiting = run("quarantine", "list", "--json").document["quarantines"]
    assert sum(q["rows_quarantined"] for q in waiting) == 4
    assert run("sql", "SELECT count(*) FROM orders", "--json").document["rows"] == [[3]]


def test_who_names_a_replayed_quarantine_is_told_where_its_rows_are(
    stopped: tuple[Run, str], tmp_path: Path
) -> None:
    run, id = stopped
    (tmp_path / "still.csv").write_text("id,customer,amount\n4,ann,-1\n")
    run("quarantine", "replay", id)
    run("quarantine", "replay", id, "--with", "still.csv")
    waiting = [q["quarantine"] for q in run("quarantine", "list", "--json").document["quarantines"]]
    assert len(waiting) == 2
    done = run("quarantine", "discard", id)
    assert done.code == 2
    assert f"name one of {', '.join(waiting)}" in done.err


def test_discarded_rows_are_given_up_once(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    done = run("quarantine", "discard", id, "--reason", "test data", "--json")
    listed(done.document, DOCUMENTS["quarantine discard"])
    assert (done.code, done.document["state"]) == (0, "discarded")
    assert run("quarantine", "discard", id, "--json").code == 2


def test_an_unknown_id_is_not_there(stopped: tuple[Run, str]) -> None:
    run, id = stopped
    done = run("quarantine", "show", "q", "--json")
    assert (done.code, done.error["kind"]) == (3, "not_there")
    assert id in done.error["hint"]
