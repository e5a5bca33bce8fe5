"""Does width hurt? 5,000 rules on 500 columns of a million rows, on every engine, each in a process of its own.

``plan_s`` is the check of the same columns without a row, the median of several: reading the contract, compiling it,
building every query.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from measure import PEERS, WORK, Worker, report, say, setting, start, table

COLUMNS = 500
RULES_EACH = 10
ROWS_PER_CHUNK = 50_000
CITIES = ("Basel", "Bergen", "Brno", "Cork", "Ghent", "Graz", "Lyon", "Malmö", "Porto", "Turku")


def main() -> int:
    rows, rounds = setting("ROWS", 1_000_000), setting("ROUNDS", 5)
    engines = os.environ.get("ENGINES", "polars,duckdb").split(",")
    folder = WORK / "data"
    folder.mkdir(parents=True, exist_ok=True)
    contract = folder / "wide.odcs.yaml"
    contract.write_text(json.dumps(_contract()))
    empty = _write(folder / "wide-0.parquet", 0)
    full = _write(folder / f"wide-{rows}.parquet", rows)
    plan: dict[str, float] = {}
    seconds: dict[str, float] = {}
    peak: dict[str, float] = {}
    for engine in engines:
        say(f"checking with {engine}")
        worker = start(f"wide-{engine}", Path(sys.executable), PEERS / "headgate_peer.py", contract, engine)
        if isinstance(worker, str):
            raise SystemExit(worker)
        _asked(worker, empty)  # everything is imported then
        plan[engine] = statistics.median(_asked(worker, empty)[0] for _ in range(rounds))
        seconds[engine], peak[engine] = _asked(worker, full)
        worker.stop()
    print(f"wide: {COLUMNS * RULES_EACH:,} rules, {COLUMNS} columns, {rows:,} rows\n")
    table(("", "plan s", "check s", "peak MB"), ((e, plan[e], seconds[e], peak[e]) for e in engines))
    print()
    report(
        "wide",
        {
            "plan_s": max(plan.values()),
            "memory_mb": max(peak.values()),
            "plan_s_by_engine": plan,
            "check_s_by_engine": seconds,
            "memory_mb_by_engine": peak,
        },
        {},
    )
    return 0


def _asked(worker: Worker, path: Path) -> tuple[float, float]:
    answer = worker.ask(path)
    if answer.error or answer.failed:
        raise SystemExit(f"{worker.name} on {path.name}: {answer.error or sorted(answer.failed)[:5]}")
    return answer.seconds, answer.peak_mb


def _contract() -> dict[str, object]:
    properties = [_property(number) for number in range(COLUMNS)]
    head = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "wide",
        "version": "1.0.0",
        "status": "active",
    }
    return head | {"schema": [{"name": "wide", "properties": properties}]}


def _property(number: int) -> dict[str, object]:
    """Ten rules: type, required, and eight of the column's kind."""
    said: dict[str, object] = {"name": f"c{number}", "required": True}
    zero = {"metric": "invalidValues", "mustBe": 0}
    match number % 3:
        case 0:
            options = {"minimum": 0, "maximum": 999, "multipleOf": 1}
            said |= {"logicalType": "integer", "logicalTypeOptions": options}
            said["quality"] = [
                *({"metric": "nullValues", "id": f"nulls-{n}", "mustBeLessThan": n} for n in (10, 20, 30)),
                {"metric": "missingValues", "arguments": {"missingValues": [-1]}, "mustBe": 0},
                {"metric": "nullValues", "id": "share", "mustBeLessThan": 1, "unit": "percent"},
            ]
        case 1:
            options = {"minimum": 0, "exclusiveMaximum": 1000, "multipleOf": 0.25}
            said |= {"logicalType": "number", "logicalTypeOptions": options}
            said["quality"] = [
                {"metric": "nullValues", "id": f"nulls-{n}", "mustBeLessThan": n} for n in (10, 20, 30)
            ]
            said["quality"] += [
                {"metric": "missingValues", "arguments": {"missingValues": [-1]}, "mustBe": 0},
                {"metric": "nullValues", "id": "share", "mustBeLessThan": 1, "unit": "percent"},
            ]
        case _:
            options = {"minLength": 4, "maxLength": 6, "pattern": "^[A-Z]"}
            said |= {"logicalType": "string", "logicalTypeOptions": options}
            said["enum"] = [{"value": city} for city in CITIES]
            said["quality"] = [
                {**zero, "id": "letters", "arguments": {"pattern": "^\\S+$"}},
                {"metric": "missingValues", "arguments": {"missingValues": ["N/A"]}, "mustBe": 0},
                {"metric": "nullValues", "mustBeLessThan": 10},
                {"metric": "nullValues", "id": "share", "mustBeLessThan": 1, "unit": "percent"},
            ]
    return said


def _write(path: Path, rows: int) -> Path:
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished")
    first = _frame(0, 0).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pq.ParquetWriter(unfinished, first.schema) as writer:
        writer.write_table(first)
        for at in range(0, rows, ROWS_PER_CHUNK):
            frame = _frame(at, min(ROWS_PER_CHUNK, rows - at))
            writer.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return unfinished.rename(path)


def _frame(first: int, rows: int) -> pl.DataFrame:
    number = pl.int_range(first, first + rows, dtype=pl.Int64, eager=True).alias("number")
    cities = pl.lit(pl.Series(CITIES))
    columns = []
    for i in range(COLUMNS):
        mixed = (pl.col("number") * (2 * i + 7919)) % 1_000_003 % 1000
        value = (
            mixed if i % 3 == 0 else mixed.cast(pl.Float64) / 4 if i % 3 == 1 else cities.gather(mixed % 10)
        )
        columns.append(value.alias(f"c{i}"))
    return number.to_frame().select(columns)


if __name__ == "__main__":
    sys.exit(main())
