"""`log`, `diff` and `events`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS, SHAPES

Run = Callable[..., Ran]


def test_the_log_is_newest_first(sold: Run) -> None:
    found = sold("log", "--json").document
    listed(found, DOCUMENTS["log"])
    assert [c["parents"] for c in found["commits"]] == [[found["commits"][1]["commit"]], []]
    assert found["commits"][0]["author"] == "ann"
    assert len(sold("log", "-n", "1", "--json").document["commits"]) == 1
    assert sold("log", "-n", "0", "--json").code == 2


def test_a_difference_counts_rows(sold: Run) -> None:
    sold("branch", "create", "old", "--from", sold("log", "--json").document["commits"][1]["commit"])
    found = sold("diff", "old", "main", "--json").document
    listed(found, DOCUMENTS["diff"])
    assert [(c["key"], c["change"]) for c in found["changes"]] == [
        ("contract/default.orders", "added"),
        ("table/default.orders", "added"),
    ]
    assert "added  table/default.orders  0 -> 3 rows (+3)" in sold("diff", "old", "main").out
    assert "hold the same" in sold("diff", "main", "main").out


def test_events_are_numbered_without_gaps(sold: Run) -> None:
    found = sold("events", "--json").document
    listed(found, DOCUMENTS["events"])
    numbers = [e["event"] for e in found["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
    rest = sold("events", "--after", "1", "--limit", "2", "--json").document["events"]
    assert [e["event"] for e in rest] == [2, 3]
    assert sold("events", "--limit", "0", "--json").code == 2


def test_following_gives_one_document_a_line_and_stops_at_the_keyboard(sold: Run, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "headgate", "events", "--follow", "--json"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as child:
        assert child.stdout is not None
        first = json.loads(child.stdout.readline())
        listed(first, SHAPES["event"])
        assert first["event"] == 1
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read().splitlines()
    assert child.returncode == 130
    assert json.loads(rest[-1])["error"]["kind"] == "interrupted"
