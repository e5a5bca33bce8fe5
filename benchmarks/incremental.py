"""What does it cost to check a table again? After an append of one in a hundred rows, and after nothing at all.

The table has keys without any order, and refers to another one; both are checked, like every other rule. Against the
same check with nothing remembered, in the same run.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import ours
import polars as pl
import pyarrow.parquet as pq
from data import ROWS_PER_CHUNK, orders
from measure import WORK, report, say, setting, spread, table, timed

import headgate

CUSTOMERS = 1_000_000
CUSTOMER = (
    "      - {name: customer, logicalType: integer, required: true, relationships: [{to: customers.id}]}\n"
)
PARENT = """apiVersion: v3.2.0
kind: DataContract
id: customers
version: 1.0.0
status: active
schema:
  - name: customers
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
"""


def main() -> int:
    rows, rounds = setting("ROWS", 50_000_000), setting("ROUNDS", 3)
    more = rows // 100
    contract = ours.CONTRACT.read_bytes() + CUSTOMER.encode()
    project = ours.new_project("incremental")
    customers = pl.DataFrame({"id": pl.int_range(CUSTOMERS, eager=True)})
    project.load("customers", customers, contract=PARENT.encode())
    say(f"loading {rows:,} rows")
    first = _written("first", 0, rows)
    _published(project.load("orders", [first], contract=contract).outcome)
    say("checking them for the first time, and keeping what was found")
    took: dict[str, list[float]] = {"first": [], "full": [], "appended 1 %": [], "unchanged": []}
    used: dict[str, list[float]] = {
        name: [] for name in took
    }  # seconds of all threads, whatever else runs here

    def step(name: str, *, remember: bool = True) -> None:
        started = time.process_time()
        took[name].append(timed(lambda: _passed(project, remember=remember)))
        used[name].append(time.process_time() - started)

    step("first")
    for turn in range(rounds):
        say(f"appending {more:,} rows, {turn + 1} of {rounds}")
        came = _written("more", rows + turn * more, more)
        _published(project.load("orders", [came]).outcome)
        step("appended 1 %")
        for _ in range(5):
            step("unchanged")
        step("full", remember=False)

    print(f"incremental: {rows:,} rows and {CUSTOMERS:,} that they refer to; seconds in process\n")
    table(
        ("", "median", "slowest/fastest", "CPU", "runs"),
        [(name, median(t), spread(t), median(used[name]), len(t)) for name, t in took.items()],
    )
    print()
    report(
        "incremental",
        {
            "rows": rows,
            "unchanged_ms": 1000 * median(took["unchanged"]),
            "seconds": {name: median(t) for name, t in took.items()},
            "cpu_seconds": {name: median(t) for name, t in used.items()},
            "slowest_over_fastest": {name: spread(t) for name, t in took.items()},
        },
        {
            "recheck_over_full": median(took["appended 1 %"]) / median(took["full"]),
            "recheck_over_full_cpu": median(used["appended 1 %"]) / median(used["full"]),
        },
    )
    return 0


def _written(name: str, first: int, rows: int) -> Path:
    """Orders ``first`` to ``first + rows``, each of some customer."""
    path = WORK / "data" / f"incremental-{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer: pq.ParquetWriter | None = None
    for at in range(first, first + rows, ROWS_PER_CHUNK):
        chunk = orders(at, min(ROWS_PER_CHUNK, first + rows - at))
        of = (pl.col("order_id") % CUSTOMERS).alias("customer")
        arrow = chunk.with_columns(of).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, arrow.schema)
        writer.write_table(arrow)
    if writer is not None:
        writer.close()
    return path


def _published(outcome: str) -> None:
    if outcome != "published":
        raise RuntimeError(f"{outcome}, not published")


def _passed(project: headgate.Project, *, remember: bool) -> None:
    verdict = project.check("orders", remember=remember).verdict
    if not verdict.passed:
        raise RuntimeError(f"the verdict does not pass: {verdict.blocking[0]}")
