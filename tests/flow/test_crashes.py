"""Kill -9 at every step boundary: `recover` leaves a state in which every promise holds.

Crash points are enumerated, not drawn: a story is played once to count the calls that write or lock, and then once
for each of them, dying before it, and once dying after the last, when only the answer is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flow.processes import Nursery
from flow.stage import Stage, close, folder, survives, told
from flow.stories import STORIES
from headgate.model.change import Changes
from headgate.model.errors import OutcomeUnknown
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports, losing_reply

__all__ = ["folder"]  # a fixture
KILLED = ["the first append", "an append with bad rows", "a lost race for a key", "a merge", "a promotion"]
UNANSWERED = [*KILLED, "a bad batch", "a rollback", "a replay of the good rows", "a recovery"]


@pytest.mark.parametrize("name", STORIES)
def test_a_story_killed_at_any_boundary_is_finished_or_undone(name: str, folder: Path) -> None:
    stage = Stage(folder, STORIES[name])
    for number, call in enumerate([*stage.calls(), "its end"], 1):
        project = stage.anew()
        countdown = Countdown(CrashPoint(number, "before"))
        with contextlib.suppress(Killed):
            stage.story.play(replace(project, ports=crashing_ports(project.ports, countdown)), stage.data)
        close(project)
        with told(f"{name}, killed before call {number} ({call})"):
            survives(stage)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.mark.parametrize("name", KILLED)
def test_a_process_killed_at_any_boundary_or_sync_is_finished_or_undone(
    name: str, folder: Path, nursery: Nursery
) -> None:
    """SIGKILL: nothing is unwound, no `finally` runs, no lock is let go by hand. In one story each sync of files is a
    boundary, too.
    """
    stage = Stage(folder, STORIES[name])
    syncs = name == "an append with bad rows"
    job: dict[str, object] = {
        "do": "story",
        "syncs": syncs,
        "story": name,
        "root": str(stage.place),
        "data": str(stage.data),
    }
    stage.restore()
    [whole] = nursery.run([{**job, "number": None}])
    assert ("sync" in whole.said) == syncs
    for number, call in enumerate(whole.said, 1):
        stage.restore()
        [answer] = nursery.run([{**job, "number": number}])
        with told(f"{name}, killed before call {number} ({call})"):
            assert answer.signal == 9
            survives(stage)


@pytest.mark.parametrize("written", [True, False], ids=["written", "not written"])
@pytest.mark.parametrize("name", UNANSWERED)
def test_a_story_whose_database_did_not_answer_is_looked_up(name: str, written: bool, folder: Path) -> None:
    """An unknown outcome is told as that, never as done or failed; and recovering, then repeating, does it once.

    Only whether partials were kept matters to nobody.
    """
    stage = Stage(folder, STORIES[name])
    for number in range(1, stage.calls().count("commit") + 1):
        project = stage.anew()
        store, lost = losing_reply(project.ports.store, number, written=written)
        with told(f"{name}, no answer to commit {number}"):
            try:
                stage.story.play(replace(project, ports=replace(project.ports, store=store)), stage.data)
            except OutcomeUnknown:
                pass
            else:
                assert lost == [Changes(partials=kept.partials) for kept in lost]
            close(project)
            survives(stage)
