"""Measuring: peers in environments and processes of their own, interleaved rounds, one report."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".bench"  # environments, data, projects: large, ignored by git, deleted without loss
PEERS = HERE / "peers"


def setting(name: str, default: int) -> int:
    """A number from the environment, for a smaller or a longer run: ``ROWS=100000 make bench NAME=check``."""
    return int(os.environ.get(name, default))


# -- environments and processes -----------------------------------------------------------------------------


def environment(peer: str) -> Path:
    """The Python of the peer's own environment, made from ``peers/<peer>.txt`` when the pins changed."""
    pins = PEERS / f"{peer}.txt"
    home = WORK / "envs" / peer
    stamp = home / "installed.txt"
    python = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        say(f"setting up {peer}")
        uv = Path(sys.executable).with_name("uv")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([uv, "venv", "-q", "--clear", "--python", version, home], check=True)
        subprocess.run([uv, "pip", "sync", "-q", "--compile-bytecode", "--python", python, pins], check=True)
        stamp.write_text(pins.read_text())
    return python


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said about one file. ``seconds`` are in process, ``peak_mb`` is the whole process's so far."""

    failed: frozenset[str]
    seconds: float
    peak_mb: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """A peer's process, started and warm, that answers one file at a time (the loop is ``peers/worker.py``)."""

    name: str
    process: subprocess.Popen[str]

    def ask(self, path: Path, *parts: Path) -> Answer:
        """Check a file; with two more paths, write its good and its bad rows to them."""
        assert self.process.stdin
        self.process.stdin.write("\t".join(map(str, (path, *parts))) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Answer:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            return Answer(
                frozenset(), float("nan"), float("nan"), f"ended with exit code {self.process.wait()}"
            )
        said: dict[str, Any] = json.loads(line)
        failed = frozenset(said.get("failed", ()))
        return Answer(failed, said.get("seconds", 0.0), said.get("peak_mb", 0.0), said.get("error", ""))

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def start(name: str, python: Path, script: Path, *arguments: object) -> Worker | str:
    """Start a worker and wait until its imports are over; a string says why it did not start."""
    log = WORK / "logs" / f"{name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        process = subprocess.Popen(
            [python, script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=WORK,
        )
    worker = Worker(name, process)
    ready = worker.answer()
    return f"{ready.error}: see {log}" if ready.error else worker


# -- rounds -------------------------------------------------------------------------------------------------


def interleaved(
    steps: Mapping[str, Callable[[], float | None]], rounds: int, seconds_each_max: float = float("inf")
) -> dict[str, list[float]]:
    """Every step once a round, the order turned round by round, so that noise and caches fall on all alike.

    A step returns its seconds; None is not counted. A slow one sits out once it has used ``seconds_each_max``.
    """
    took: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if sum(took[name]) < seconds_each_max and (seconds := steps[name]()) is not None:
                took[name].append(seconds)
    return took


def timed(step: Callable[[], object]) -> float:
    """The seconds one call takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def percentile_99(samples: Sequence[float]) -> float:
    return quantiles(samples, n=100, method="inclusive")[98]


def spread(samples: Sequence[float]) -> float:
    """How noisy the machine was: the slowest run over the fastest."""
    return max(samples) / min(samples)


# -- report -------------------------------------------------------------------------------------------------


def say(line: str) -> None:
    """Progress, for people who wait."""
    sys.stderr.write(line + "\n")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print an aligned table: the first column to the left, numbers to the right."""
    cells = [[str(h) for h in head], *([_cell(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print(
            "  ".join(
                c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
            )
        )


def report(benchmark: str, figures: Mapping[str, Any], ratios: Mapping[str, Any]) -> None:
    """Print the last line: one JSON object, for scripts."""
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
    found = {"benchmark": benchmark, "figures": {**figures, "machine": machine}, "ratios": ratios}
    print(json.dumps(_rounded(found)))


def _cell(value: object) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {k: _rounded(v) for k, v in value.items()}
    return value
