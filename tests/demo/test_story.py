"""The demo, played once: short enough to read, and every number it says is there when asked by SQL."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import headgate
from headgate.demo import deliveries
from headgate.demo.story import Line, tell
from headgate.model.errors import WrongUse
from headgate.project import Project

LINES_MAX, COLUMNS_MAX = 39, 100


@pytest.mark.slow
def test_the_story_is_short_and_what_it_says_holds_in_the_project_it_leaves(tmp_path: Path) -> None:
    """One test, since it takes ten seconds. Seen failing with `_landed` asking for `rows_in`: the day that came in
    part has 12 flights less."""
    root = tmp_path / "headgate-demo"
    lines = tuple(tell(root))
    fits_on_a_screen(lines)
    has_everything_that_can_happen_to_a_delivery(lines)
    every_number_holds_when_asked_by_sql(headgate.open(root), lines)
    main_is_what_was_delivered_but_for_the_quarantine(headgate.open(root))
    the_three_commands_to_try_next_work(root, lines)


def fits_on_a_screen(lines: Sequence[Line]) -> None:
    blank = sum(line.kind == "part" for line in lines)  # cli prints one before each
    assert len(lines) + blank <= LINES_MAX
    assert [str(line) for line in lines if len(str(line)) > COLUMNS_MAX] == []


def has_everything_that_can_happen_to_a_delivery(lines: Sequence[Line]) -> None:
    marks = Counter(line.mark for line in lines)
    assert marks["quarantined"] == 2
    assert marks["published_partial"] == marks["unreadable"] == marks["duplicate"] == 1
    releases = [line.mark for line in lines if line.mark in {"promoted", "refused", "rolled_back"}]
    assert releases == ["promoted", "refused", "promoted", "rolled_back"]


def every_number_holds_when_asked_by_sql(project: Project, lines: Sequence[Line]) -> None:
    asks = [(line.text, ask) for line in lines for ask in line.asks]
    assert len(asks) >= 20
    for text, ask in asks:
        assert project.sql(ask.sql, ask.ref).rows == ((ask.answer,),), text
        assert f"{ask.answer:,}" in text or f"{ask.answer} rows" in text


def main_is_what_was_delivered_but_for_the_quarantine(project: Project) -> None:
    ((there,),) = project.sql("SELECT count(*) FROM flights").rows
    ((waiting,),) = project.sql("SELECT count(*) FROM headgate.quarantine WHERE state = 'open'").rows
    assert isinstance(there, int)
    assert isinstance(waiting, int)
    assert there + waiting == sum(deliveries.flights(day).count("\n") - 1 for day in range(1, 11))


def the_three_commands_to_try_next_work(root: Path, lines: Sequence[Line]) -> None:
    tries = [shlex.split(line.text) for line in lines if line.kind == "try"]
    assert len(tries) == 3
    for words in tries:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_it_plays_again_where_it_played_and_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    assert "January" in next(iter(tell(root))).text
    assert "replaced" in next(iter(tell(root))).text
    (root / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match=r"notes\.txt"):
        next(iter(tell(root)))
    assert (root / "notes.txt").read_text() == "mine"
    with pytest.raises(WrongUse, match="not empty"):
        next(iter(tell(tmp_path)))


def test_a_contract_that_somebody_edited_is_not_overwritten(tmp_path: Path) -> None:
    next(iter(tell(tmp_path)))
    contract = tmp_path / "contracts/flights.yaml"
    contract.write_text(contract.read_text() + "# mine\n")
    with pytest.raises(WrongUse, match=r"flights\.yaml"):
        next(iter(tell(tmp_path)))
