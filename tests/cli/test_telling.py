"""What happened, in sentences; and what people are told of where things stand."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.terminal import Ran
from headgate.cli.telling import sentence, short
from headgate.model.event import Event

Run = Callable[..., Ran]
AT = datetime(2026, 11, 21, tzinfo=UTC)
LONG = re.compile(r"[0-9a-f]{40}")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def story(sold: Run, tmp_path: Path) -> Run:
    """A load that fails, mended; a branch merged; a release, another, and back; a revert; a discard."""
    (tmp_path / "mended.csv").write_text("id,customer,amount\n4,ann,1\n5,bob,2.00\n6,cid,2.00\n7,dan,3.00\n")
    (tmp_path / "more.csv").write_text("id,customer,amount\n8,eve,1\n")
    (tmp_path / "worse.csv").write_text("id,customer,amount\n9,eve,-1\n")
    assert sold("load", "orders", "dirty.csv").code == 1
    sold("promote")
    assert sold("quarantine", "replay", run_of(sold, "quarantined"), "--with", "mended.csv").code == 0
    sold("branch", "create", "feature")
    sold("tag", "create", "v1")
    sold("load", "orders", "more.csv", "--to", "feature")
    sold("merge", "feature")
    sold("promote")
    sold("rollback")
    assert sold("load", "orders", "worse.csv").code == 1
    sold("quarantine", "discard", run_of(sold, "quarantined"), "--reason", "a test")
    sold("branch", "delete", "feature")
    assert sold("revert", "main").code == 0
    return sold


def run_of(run: Run, outcome: str) -> str:
    query = f"SELECT run FROM headgate.batches WHERE outcome = '{outcome}' ORDER BY run DESC"
    return str(run("sql", query, "--json").document["rows"][0][0])


def test_every_event_of_a_story_is_a_sentence_without_json_or_long_ids(story: Run) -> None:
    """Seen failing with the line that `events` had before: refs as JSON."""
    told = story("events").out
    assert not LONG.search(told) and "{" not in told and "?" not in told and '"' not in told
    kinds = {e["kind"] for e in story("events", "--json").document["events"]}
    assert {
        "project.created", "load.opened", "batch.published", "batch.quarantined", "branch.created", "tag.created",
        "ref.merged", "ref.reverted", "release.promoted", "release.rolled_back", "quarantine.discarded",
    } <= kinds  # fmt: skip
    for part in (
        "the project begins",
        "this ends quarantine q",
        "took over feature",
        "given up, 1 row: a test",
        "undid ",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            "load.failed",
            {"outcome": "error", "message": "the disk is full"},
            "the load is failed: error, the disk is full",
        ),
        (
            "batch.conflicted",
            {"batch": "b1", "key": "table/default.a"},
            "batch b1 does not go together with what became",
        ),
        ("new.kind", {"rows": 3, "refs": {"main": [None, "x"]}, "at": "f" * 64}, "rows 3, at ffffffffffff"),
        ("new.kind", {}, ""),
    ],
)
def test_what_has_no_story_here_is_told_as_well(kind: str, data: dict[str, object], said: str) -> None:
    event = Event(kind, "orders", AT, None, data)  # type: ignore[arg-type]
    assert sentence(event).startswith(said)


def test_only_ids_are_shortened() -> None:
    digits = "0123456789abcdef" * 4
    assert (
        short(f"{digits} x{digits} {digits}0 b3f2a9c1d0b7e0001")
        == f"{digits[:12]} x{digits} {digits}0 b3f2a9c1d0b7e0001"
    )


def test_a_revert_names_its_commit_shortly(sold: Run) -> None:
    commit = sold("log", "--json").document["commits"][0]["commit"]
    said = sold("revert", commit)
    assert said.code == 0
    assert f"reverted: {commit[:12]}; main" in said.out and not LONG.search(said.out)


def test_a_failed_run_is_settled_once_its_rows_are_replayed_or_given_up(story: Run) -> None:
    """Seen failing with `settled` counted among `failed`."""
    assert story("status", "--json").document["failed"] == []
    told = story("status").out
    assert "branch is kept" not in told and "load/orders" not in told


def test_an_unknown_table_is_answered_with_ones_own_first(sold: Run) -> None:
    """Seen failing with all tables given to `NotThere.among`."""
    assert sold("sql", "SELECT * FROM zzzz", "--json").error["hint"] == "there is orders"
    assert sold("sql", "SELECT * FROM ordres", "--json").error["hint"] == "there is orders"
    assert "headgate.events" in sold("sql", "SELECT * FROM headgate.evnts", "--json").error["hint"]


def test_an_absent_column_is_said_once(run: Run, tmp_path: Path) -> None:
    from cli.terminal import CONTRACT

    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "short.csv").write_text("id,customer\n1,ann\n")
    for how in ((), ("--output", "github"), ("--output", "sarif")):
        told = run("check", "short.csv", "--contract", "c.yaml", *how).out
        loud = told.partition('"results"')[2] if "sarif" in how else told
        assert "amount.present" in loud
        assert "amount.type" not in loud and "amount.required" not in loud
    rules = run("check", "short.csv", "--contract", "c.yaml", "--json").document["rules"]
    assert {r["rule"]: r["status"] for r in rules}["amount.required"] == "not_executed"


def test_no_color_keeps_every_command_from_colours(run: Run, tmp_path: Path) -> None:
    """Seen failing on `status`, whose headings were bold."""
    from cli.terminal import CONTRACT

    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "bad.csv").write_text("id,customer,amount\n1,ann,-1\n")
    run("init")
    for words in (("check", "bad.csv", "--contract", "c.yaml"), ("status",), ("events",)):
        assert not COLOUR.search(on_terminal(words, NO_COLOR="1"))
    assert COLOUR.search(on_terminal(("check", "bad.csv", "--contract", "c.yaml")))


def on_terminal(words: tuple[str, ...], **more: str) -> str:
    main, other = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm", **more}
    command = [sys.executable, "-m", "headgate", *words]
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment) as child:
        os.close(other)
        seen = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(main)
    assert child.returncode in {0, 1}
    return seen.decode()
