"""How long do a branch, a tag and a rollback take? Each is one small transaction, whatever the tables hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import ours
from data import small_files
from measure import percentile_99, report, say, setting, table, timed


def main() -> int:
    times = setting("TIMES", 1_000)
    releases = setting("RELEASES", 200)
    say(f"{releases} loads and promotions, to have something to roll back")
    project = ours.new_project("refs")
    for number, file in enumerate(small_files(releases + 1)):
        ours.load(project, file, ours.CONTRACT if number == 0 else None)
        ours.promote(project)

    took = {
        "branch": _repeat(times, lambda number: ours.branch(project, f"branch-{number}")),
        "tag": _repeat(times, lambda number: ours.tag(project, f"tag-{number}")),
        "rollback": _repeat(releases, lambda _: ours.rollback(project)),
    }
    print("refs: milliseconds in process\n")
    rows = [
        (name, 1000 * median(t), 1000 * percentile_99(t), 1000 * max(t), len(t)) for name, t in took.items()
    ]
    table(("", "median", "99 of 100", "slowest", "times"), rows)
    print()
    figures = {f"{name}_p99_ms": p99 for name, _, p99, _, _ in rows}
    figures |= {f"{name}_median_ms": middle for name, middle, _, _, _ in rows}
    report("refs", figures, {})
    return 0


def _repeat(times: int, step: Callable[[int], None]) -> list[float]:
    return [timed(partial(step, number)) for number in range(times)]
