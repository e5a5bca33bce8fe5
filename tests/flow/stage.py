"""A project where a story is about to begin, as often as a test likes, and what must be so after a death in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import headgate
from flow.stories import Story, shown
from headgate.edge.store.sql import SqlStore
from headgate.project import Project
from headgate.testing import checker
from headgate.testing.crash import Countdown, crashing_ports

_COMPILED: dict[object, object] = {}  # SQL statements: a fresh engine would compile all of them again


def opened(place: Path) -> Project:
    """A project opened anew: nothing is remembered but how its statements are written."""
    project = headgate.open(place)
    assert isinstance(project.ports.store, SqlStore)
    project.ports.store.engine.update_execution_options(compiled_cache=_COMPILED)
    return project


def close(project: Project) -> None:
    assert isinstance(project.ports.store, SqlStore)
    project.ports.store.close()


class Stage:
    """Always at one place, since paths in a project are absolute."""

    def __init__(self, folder: Path, story: Story) -> None:
        self.story, self.data = story, folder / "data"
        self.place, self._kept = folder / "project", folder / "kept"
        self.data.mkdir()
        project = headgate.init(self.place)
        story.begin(project, self.data)
        close(project)
        shutil.copytree(self.place, self._kept)

    def restore(self) -> None:
        shutil.rmtree(self.place)
        shutil.copytree(self._kept, self.place)

    def anew(self) -> Project:
        self.restore()
        return self.open()

    def open(self) -> Project:
        return opened(self.place)

    def calls(self) -> list[str]:
        """What the story calls that writes or locks, when nobody kills it."""
        countdown = Countdown()
        project = self.anew()
        self.story.play(replace(project, ports=crashing_ports(project.ports, countdown)), self.data)
        close(project)
        return countdown.names


def survives(stage: Stage) -> None:
    """What readers see is what was before, or what was to be; recovered; and after the work is repeated, the latter.

    Every promise holds at each of these points.
    """
    story, project = stage.story, stage.open()
    right = [story.before, *story.between, story.after]
    checker.hold(project.ports, at_rest=False)
    assert shown(project) in right, "readers saw something between"
    checker.recovered(project.ports)
    checker.hold(project.ports)
    assert shown(project) in right, "recovered to something between"
    story.settle(project, stage.data)
    checker.hold(project.ports)
    assert shown(project) == story.after
    assert len(project.quarantines(open_only=True)) == story.quarantines
    close(project)


@contextlib.contextmanager
def told(where: str) -> Iterator[None]:
    """A failure says at which point."""
    try:
        yield
    except BaseException as error:
        error.add_note(where)
        raise


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder where a sync costs nothing, if there is one: these tests make thousands."""
    memory = Path("/dev/shm")
    swift = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 200_000_000
    with tempfile.TemporaryDirectory(dir=memory if swift else None) as name:
        yield Path(name)
