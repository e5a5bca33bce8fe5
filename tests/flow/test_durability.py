"""The power fails: what was acknowledged is there, at every point where the work can be cut off.

The lake stands on a disk that forgets what was not synced (`headgate.testing.unsynced`). SQLite's own syncs cannot
be seen from here; that it is told to make them is asked of every connection.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

import headgate
from flow.stage import Stage, close, folder, survives, told
from flow.stories import STORIES
from headgate.edge.store.sql import SqlStore
from headgate.model.errors import Unavailable
from headgate.testing import checker
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports
from headgate.testing.unsynced import Unsynced

__all__ = ["folder"]  # a fixture
SPARED = ("catalog.db", "-wal", "-shm", ".lock")
WRITING = [
    "the first append",
    "an append with bad rows",
    "a bad batch",
    "a merge by key",
    "a new contract",
    "a lost race",
    "a merge",
    "a revert",
    "a replay of the good rows",
]


@pytest.mark.parametrize("name", WRITING)
def test_a_power_cut_at_any_boundary_takes_nothing_that_was_acknowledged(name: str, folder: Path) -> None:
    """Seen failing with ``off=True``, at the first boundary after a transaction that names a file of the lake."""
    stage = Stage(folder, STORIES[name])
    for number, call in enumerate([*stage.calls(), "its end"], 1):
        project = stage.anew()
        countdown = Countdown(CrashPoint(number, "before"))
        with Unsynced(stage.place, spared=SPARED) as disk:
            with contextlib.suppress(Killed):
                stage.story.play(replace(project, ports=crashing_ports(project.ports, countdown)), stage.data)
            close(project)
            disk.cut_power()
        with told(f"{name}, the power cut before call {number} ({call})"):
            survives(stage)


@pytest.mark.parametrize("name", ["the first append", "a merge by key", "a merge"])
def test_without_syncs_a_power_cut_is_noticed(name: str, folder: Path) -> None:
    stage = Stage(folder, STORIES[name])
    project = stage.anew()
    with Unsynced(stage.place, spared=SPARED, off=True) as disk:
        stage.story.play(project, stage.data)
        close(project)
        assert disk.cut_power()
    with pytest.raises((AssertionError, Unavailable)):
        checker.hold(stage.open().ports)


def test_quarantined_rows_outlive_a_power_cut_only_by_their_sync(folder: Path) -> None:
    stage = Stage(folder, STORIES["a bad batch"])
    for off in (False, True):
        project = stage.anew()
        with Unsynced(stage.place, spared=SPARED, off=off) as disk:
            stage.story.play(project, stage.data)
            disk.cut_power()
        [waiting] = project.quarantines()
        assert Path(waiting.path).exists() is not off
        close(project)


def test_the_catalog_is_told_to_sync_every_transaction(folder: Path) -> None:
    """On each connection that the pool ever opens, and in write-ahead mode, where FULL means at every commit."""
    store = headgate.init(folder / "project").ports.store
    assert isinstance(store, SqlStore)
    with store.engine.connect() as one, store.engine.connect() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()
