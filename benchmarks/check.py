"""How long does it take to check a file? 10 M rows, 8 columns, 16 rules, one of them an exact unique key.

Beside us run other checkers, each with the same rules in its own words, and Polars alone as the limit. A peer
counts only if it gives the true verdict on every file with planted errors.

Then the same rows with one in a hundred broken, good and bad ones written to a file each, beside the peers that can.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from data import BAD_EVERY, RULES, Planted, planted, write_dirty, write_orders
from measure import (
    HERE,
    PEERS,
    WORK,
    Worker,
    environment,
    interleaved,
    report,
    say,
    setting,
    spread,
    start,
    table,
)

OURS = "headgate"
LIMIT = "bare_polars"
OTHERS = ("dataframely", "pandera", "pointblank", "datacontract", "great_expectations")
CONTRACT = HERE / "orders.odcs.yaml"
SECONDS_EACH_MAX = 120.0  # a peer that has used so many sits out the remaining rounds


def main() -> int:
    rows = setting("ROWS", 10_000_000)
    orders = write_orders(WORK / "data" / f"orders-{rows}.parquet", rows)
    truth = tuple(planted(WORK / "data" / "planted"))
    others = tuple(os.environ.get("PEERS", ",".join(OTHERS)).split(","))
    workers, left_out = _start_all(others)
    agreeing: dict[str, Worker] = {}
    for name, worker in workers.items():
        if wrong := _disagreements(worker, truth):
            left_out[name] = wrong
            worker.stop()
        else:
            agreeing[name] = worker
    say(f"measuring {', '.join(agreeing)} on {rows:,} rows")
    peaks: dict[str, float] = {}
    took = interleaved(
        {n: partial(_seconds, w, orders, peaks, left_out) for n, w in agreeing.items()},
        setting("ROUNDS", 5),
        SECONDS_EACH_MAX,
    )
    split = _splits(agreeing, rows, left_out)
    for worker in agreeing.values():
        worker.stop()
    return _report(rows, {n: t for n, t in took.items() if n not in left_out}, peaks, left_out, split)


def _splits(
    workers: Mapping[str, Worker], rows: int, left_out: Mapping[str, list[str]]
) -> dict[str, list[float]]:
    """Seconds of splitting into two files, of those that split at all and get every row right."""
    few = 100 * BAD_EVERY
    folder = WORK / "data"
    small = write_dirty(folder / f"dirty-{few}.parquet", few)
    large = write_dirty(folder / f"dirty-{rows}.parquet", rows)
    able = [w for n, w in workers.items() if n not in left_out and _split(w, small, few) is not None]
    say(f"splitting with {', '.join(w.name for w in able)}")
    return interleaved(
        {w.name: partial(_split, w, large, rows) for w in able}, setting("ROUNDS", 5), SECONDS_EACH_MAX
    )


def _split(worker: Worker, dirty: Path, rows: int) -> float | None:
    good, bad = (WORK / "data" / f"{part}-{worker.name}.parquet" for part in ("good", "bad"))
    for part in (good, bad):
        part.unlink(missing_ok=True)
    answer = worker.ask(dirty, good, bad)
    wrong = rows // BAD_EVERY
    if answer.error or [_rows_in(good), _rows_in(bad)] != [rows - wrong, wrong]:
        return None
    return answer.seconds


def _rows_in(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item()) if path.exists() else -1


def _start_all(others: tuple[str, ...]) -> tuple[dict[str, Worker], dict[str, list[str]]]:
    workers: dict[str, Worker] = {}
    left_out: dict[str, list[str]] = {}
    for name in (OURS, LIMIT, *others):
        python = Path(sys.executable) if name in (OURS, LIMIT) else environment(name)
        script = PEERS / (f"{name}.py" if name == LIMIT else f"{name}_peer.py")
        worker = start(name, python, script, CONTRACT)
        if isinstance(worker, str):
            left_out[name] = [worker]
        else:
            workers[name] = worker
    return workers, left_out


def _disagreements(worker: Worker, truth: tuple[Planted, ...]) -> list[str]:
    """Where the worker's verdict differs from what is known of the files; this also warms it."""
    wrong: list[str] = []
    for file in truth:
        answer = worker.ask(file.path)
        if answer.error:
            return [*wrong, f"{file.path.stem}: {answer.error}"]
        if not file.agrees(answer.failed):
            wrong.append(f"{file.path.stem}: says {', '.join(sorted(answer.failed)) or 'all pass'}")
    return wrong


def _seconds(
    worker: Worker, orders: Path, peaks: dict[str, float], left_out: dict[str, list[str]]
) -> float | None:
    if worker.name in left_out:
        return None
    answer = worker.ask(orders)
    if answer.error or answer.failed:  # the large file is clean
        left_out[worker.name] = [f"{orders.stem}: {answer.error or sorted(answer.failed)}"]
        return None
    peaks[worker.name] = answer.peak_mb
    return answer.seconds


def _report(
    rows: int,
    took: Mapping[str, list[float]],
    peaks: Mapping[str, float],
    left_out: Mapping[str, list[str]],
    split: Mapping[str, list[float]],
) -> int:
    seconds = {name: median(samples) for name, samples in took.items()}
    best = min((peaks[n] for n in seconds if n not in (OURS, LIMIT)), default=None)
    print(
        f"check: {rows:,} rows, 8 columns, {len(RULES)} rules; median seconds in process, peak MB of the process\n"
    )
    ours = seconds.get(OURS)
    table(
        ("", "seconds", "slowest/fastest", "runs", "peak MB", "times ours"),
        (
            (n, s, spread(took[n]), len(took[n]), peaks[n], s / ours if ours else "-")
            for n, s in sorted(seconds.items(), key=lambda item: item[1])
        ),
    )
    splitting = {name: median(samples) for name, samples in split.items() if samples}
    print(f"\nsplit into a good and a bad file, one row in {BAD_EVERY} bad; median seconds\n")
    table(
        ("", "seconds", "slowest/fastest", "runs"),
        ((n, s, spread(split[n]), len(split[n])) for n, s in splitting.items()),
    )
    for name, reasons in left_out.items():
        print(f"\n{name}: different verdict, not in the ratios")
        print("\n".join(f"  {reason}" for reason in reasons))
    print()
    ratios: dict[str, Any] = {}
    if ours:
        ratios["over_limit"] = ours / seconds[LIMIT]
        ratios["faster_than"] = {n: s / ours for n, s in seconds.items() if n not in (OURS, LIMIT)}
        ratios["memory_over_best_peer"] = peaks[OURS] / best if best else None
    if OURS in splitting:
        ratios["split_faster_than"] = {n: s / splitting[OURS] for n, s in splitting.items() if n != OURS}
    figures = {
        "rows": rows,
        "split_seconds": splitting,
        "rules": len(RULES),
        "seconds": seconds,
        "slowest_over_fastest": {n: spread(t) for n, t in took.items()},
        "runs": {n: len(t) for n, t in took.items()},
        "peak_mb": {n: peaks[n] for n in seconds},
        "different_verdict": dict(left_out),
    }
    report("check", figures, ratios)
    return 0 if ours else 1
