"""What does a guarded load cost, from Parquet to the published branch? Over PyIceberg's bare append of the same rows.

Three questions: a large file; a small one, over a warm append; and whether the thousandth small load still takes
what the tenth took, with keys that rise and with keys in no order, which may be anywhere among those that are there.
The last is asked against a control step in the same run, the bare Parquet write, so that a machine that gets slower
meanwhile is not taken for a load that does.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median

import bare
import ours
import pyarrow.parquet as pq
from data import ROWS_SMALL, RULES, small_files, write_orders
from measure import WORK, interleaved, report, say, setting, spread, table, timed

EARLY = slice(10, 110)  # loads 11 to 110: the first ones still warm up


def main() -> int:
    rows = setting("ROWS", 5_000_000)
    loads = setting("LOADS", 1_000)
    say(f"loading {rows:,} rows, then {loads:,} times {ROWS_SMALL:,}")
    large = _large(write_orders(WORK / "data" / f"orders-{rows}.parquet", rows), setting("ROUNDS", 5))
    small = _small(list(small_files(loads)))
    scattered = _small(list(small_files(loads, rising=False)))

    over_bare = median(large["load"]) / median(large["append"])
    overhead_ms = 1000 * (median(small["load"][EARLY]) - median(small["append"]))
    late = slice(loads - min(100, loads // 2), loads)
    growth = _relative(small, late) / _relative(small, EARLY)
    growth_random = _relative(scattered, late) / _relative(scattered, EARLY)
    print(f"load: {rows:,} rows, {len(RULES)} rules; median seconds in process\n")
    rows_shown = [(f"{rows:,} rows: {n}", median(t), spread(t), len(t)) for n, t in large.items()]
    rows_shown += [
        (f"{ROWS_SMALL:,} rows: {name}", median(took), spread(took), len(took))
        for name, took in (
            ("append, the table's second", small["append"]),
            ("load 11 to 110", small["load"][EARLY]),
            (f"load {late.start + 1} to {late.stop}", small["load"][late]),
            ("Parquet write 11 to 110", small["write"][EARLY]),
            (f"Parquet write {late.start + 1} to {late.stop}", small["write"][late]),
            ("random keys, load 11 to 110", scattered["load"][EARLY]),
            (f"random keys, load {late.start + 1} to {late.stop}", scattered["load"][late]),
        )
    ]
    table(("", "seconds", "slowest/fastest", "runs"), rows_shown)
    print()
    report(
        "load",
        {
            "rows": rows,
            "overhead_ms_1000_rows": overhead_ms,
            "loads": loads,
            "seconds": {name: seconds for name, seconds, _, _ in rows_shown},
            "slowest_over_fastest": {name: noise for name, _, noise, _ in rows_shown},
        },
        {
            "over_bare": over_bare,
            "growth_at_1000": growth,
            "growth_random_key_at_1000": growth_random,
        },
    )
    return 0


def _large(orders: Path, rounds: int) -> dict[str, list[float]]:
    """The same file into an empty project and an empty bare table, each new every round; one round warms up."""
    schema = pq.read_schema(orders)

    def load() -> float:
        project = ours.new_project("load-large")
        return timed(partial(ours.load, project, orders, ours.CONTRACT))

    def append() -> float:
        target = bare.new_table("load-large", schema)
        return timed(partial(bare.append, target, orders))

    took = interleaved({"load": load, "append": append}, rounds + 1)
    return {name: samples[1:] for name, samples in took.items()}


def _small(files: list[Path]) -> dict[str, list[float]]:
    """Load the files one after the other into one table; beside each, write its rows as bare Parquet.

    The bare append is the second one of a new table, since its cost grows with each: its best case.
    """
    took: dict[str, list[float]] = {"load": [], "write": [], "append": []}
    project = ours.new_project("load-small")
    written = WORK / "data" / "control.parquet"
    for number, file in enumerate(files):
        rows = pq.read_table(file)
        took["write"].append(timed(partial(pq.write_table, rows, written)))
        contract = ours.CONTRACT if number == 0 else None
        took["load"].append(timed(partial(ours.load, project, file, contract)))
        if number in range(EARLY.start, EARLY.stop):
            target = bare.new_table("load-small", rows.schema)
            bare.append(target, files[number - 1])
            took["append"].append(timed(partial(bare.append, target, file)))
    return took


def _relative(small: dict[str, list[float]], window: slice) -> float:
    """The loads of this window, in bare Parquet writes of the same window."""
    return median(small["load"][window]) / median(small["write"][window])
