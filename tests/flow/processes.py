"""Processes to load, promote and die in: forked from one that has imported everything and done nothing.

A new interpreter needs a second to import what a load needs; a fork of one that waits with all of it at hand needs
none. It never opens a project itself, so that its children share nothing but code: no lock, no connection, no thread.

    with Nursery() as nursery:
        [answer] = nursery.run([{"do": "story", ...}])
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

PATIENCE_S = 60.0
Job = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """``signal``: what killed it, 0 if it came to its end. ``said``: what it returned; None if it died."""

    signal: int
    said: Any


class Nursery:
    """The parent of all the processes. Each call of `run` starts its jobs at once and waits for all of them."""

    def __enter__(self) -> Self:
        tests = Path(__file__).parent.parent
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def run(self, jobs: Sequence[Job]) -> list[Answer]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(jobs) + "\n")
        self._process.stdin.flush()
        answers = json.loads(self._process.stdout.readline())
        broken = [a["error"] for a in answers if a["error"]]
        assert not broken, "\n".join(broken)
        return [Answer(a["signal"], a["said"]) for a in answers]


# -- in the parent ------------------------------------------------------------------------------------------


def serve() -> None:
    for line in sys.stdin:
        jobs = json.loads(line)
        begin = time.monotonic() + (0.02 * len(jobs) if len(jobs) > 1 else 0)  # all of them together
        born = [_born(job, begin) for job in jobs]
        sys.stdout.write(json.dumps([_answer(pid, pipe) for pid, pipe in born]) + "\n")
        sys.stdout.flush()


def _born(job: Job, begin: float) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    try:
        time.sleep(max(0.0, begin - time.monotonic()))
        said = {"said": DO[job["do"]](job), "error": None}
    except BaseException:  # noqa: BLE001 - the parent is told
        said = {"said": None, "error": traceback.format_exc()}
    os.write(writing, json.dumps(said).encode())
    os._exit(0)


def _answer(pid: int, pipe: int) -> dict[str, Any]:
    """What a child said, once it has ended. One that hangs is killed, and that is an error."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            return {"signal": 9, "said": None, "error": f"a process was not done after {PATIENCE_S} s"}
        time.sleep(0.002)
    with os.fdopen(pipe, "rb") as stream:
        text = stream.read()
    found = json.loads(text) if text else {"said": None, "error": None}
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, **found}


# -- in the children ----------------------------------------------------------------------------------------


def _story(job: Job) -> list[str]:
    """Play a story, and be killed at a point of it: ``number``, None for never. The calls that it made."""
    countdown = Countdown(
        CrashPoint(job["number"], "before") if job["number"] else None,
        die=kill_9,
        only=WRITES | ({"sync"} if job["syncs"] else set()),
    )
    real = durable.sync
    durable.sync = lambda paths: countdown.around("sync", lambda: real(paths))
    project = headgate.open(job["root"])
    project = replace(project, ports=crashing_ports(project.ports, countdown))
    STORIES[job["story"]].play(project, Path(job["data"]))
    return countdown.names


def _loads(job: Job) -> list[str]:
    """Deliver files one after the other; what became of each."""
    project = headgate.open(job["root"])
    return [
        project.load(table, paths, contract=contract.encode(), **job.get("options", {})).outcome
        for table, contract, paths in job["deliveries"]
    ]


def _promotes(job: Job) -> list[str]:
    project = headgate.open(job["root"])
    return [project.promote(source=job.get("source")).outcome for _ in range(job["times"])]


def _replays(job: Job) -> str:
    """Replay a quarantine; whoever comes second is told so."""
    project = headgate.open(job["root"])
    try:
        return project.replay(job["quarantine"]).outcome
    except (Unavailable, WrongUse) as error:
        return error.message.removeprefix(f"quarantine {job['quarantine']} ")


def _reads(job: Job) -> list[list[int]]:
    """Over and over until a file is there: resolve a ref once, and count the rows of its tables. All that was seen."""
    project = headgate.open(job["root"])
    found = set()
    while True:
        last = Path(job["until"]).exists()
        commit = project.resolve(job["ref"])
        found.add(tuple(project.table(name, commit).scan().collect().height for name in job["tables"]))
        if last:
            return sorted(map(list, found))


def _merges(job: Job) -> list[str]:
    project = headgate.open(job["root"])
    outcomes: list[str] = [project.merge(branch).outcome for branch in job["branches"]]
    Path(job["until"]).touch()
    return outcomes


DO: Mapping[str, Callable[[Job], object]] = {
    "story": _story,
    "loads": _loads,
    "promotes": _promotes,
    "replays": _replays,
    "reads": _reads,
    "merges": _merges,
}

if __name__ == "__main__":
    import headgate
    import headgate.project
    from flow.stories import STORIES
    from headgate.edge import durable
    from headgate.model.errors import Unavailable, WrongUse
    from headgate.testing.crash import WRITES, Countdown, CrashPoint, crashing_ports, kill_9

    serve()
