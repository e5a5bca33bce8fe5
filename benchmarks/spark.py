"""What do the rules cost on Spark? 16 rules over 10 M rows, beside the barest aggregation that reads the same columns.

Both run in one local session over one DataFrame, in turns: ``headgate.check`` from the contract to the verdict, and one
row of sums and maxima over the same eight columns (of texts, of their lengths). The rules are those of `check.py`, all
about single rows: in place of the unique key, whose keys any engine must bring together, stands a first day. What the
key costs on top is a figure, beside Spark's own grouping by it. That comes afterwards: ten million groups fill Spark's
memory and the disk, and what is measured next to them is measured under their load.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from data import RULES, planted, write_orders
from measure import HERE, WORK, interleaved, report, say, setting, spread, table, timed

import headgate
from headgate.edge.spark import session as spark_session

KEYED = (HERE / "orders.odcs.yaml").read_bytes()
BARE = (  # a count of texts would not look at them
    "count(1)", "max(order_id)", "max(length(account))", "max(length(country))", "max(length(status))", "sum(quantity)",
    "sum(amount)", "sum(discount)", "max(ordered_at)",
)  # fmt: skip


def main() -> int:
    rows = setting("ROWS", 10_000_000)
    orders = write_orders(WORK / "data" / f"orders-{rows}.parquet", rows)
    session = spark_session.local()
    contract = _without_key()
    for file in planted(WORK / "data" / "planted"):
        if wrong := _wrong(session, file.path, file.agrees):
            raise SystemExit(wrong)
    say(f"measuring on {rows:,} rows")
    frame = session.read.parquet(str(orders))
    rounds = setting("ROUNDS", 9)
    one_pass = {
        "headgate": partial(_check, frame, contract, rows),
        "bare": lambda: _aggregated(frame, *BARE),
    }
    with_key = {
        "headgate, with a unique key": partial(_check, frame, KEYED, rows),
        "bare, with a unique key": lambda: (_aggregated(frame, *BARE), _doubled(frame)),
    }
    return _report(rows, _took(one_pass, rounds) | _took(with_key, -(-rounds // 3)))


def _took(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    for step in steps.values():
        step()  # warm: the file in memory, the code compiled
    return interleaved({n: partial(timed, s) for n, s in steps.items()}, rounds)


def _without_key() -> bytes:
    """As many rules about single rows."""
    contract = yaml.safe_load(KEYED)
    properties = {p["name"]: p for p in contract["schema"][0]["properties"]}
    del properties["order_id"]["unique"]
    properties["ordered_at"]["logicalTypeOptions"] = {"minimum": "2026-01-01T00:00:00Z"}
    return yaml.safe_dump(contract).encode()


def _wrong(session: Any, path: Path, agrees: Any) -> str | None:
    found = headgate.check(session.read.parquet(str(path)), KEYED).verdict
    failed = frozenset(str(f.rule) for f in found.findings if f.status != "pass")
    return None if agrees(failed) else f"{path.stem}: says {', '.join(sorted(failed)) or 'all pass'}"


def _check(frame: Any, contract: bytes, rows: int) -> None:
    verdict = headgate.check(frame, contract).verdict
    declared = [f for f in verdict.findings if not f.rule.endswith(".type")]
    if not verdict.passed or verdict.rows != rows or len(declared) != len(RULES):
        raise SystemExit(f"the clean file: {[(f.rule, f.status) for f in declared]}")


def _aggregated(frame: Any, *expressions: str) -> None:
    frame.selectExpr(*expressions).collect()


def _doubled(frame: Any) -> None:
    frame.groupBy("order_id").count().filter("count > 1").selectExpr("count(1)").collect()


def _report(rows: int, took: dict[str, list[float]]) -> int:
    seconds = {name: median(samples) for name, samples in took.items()}
    print(f"spark: {rows:,} rows, 8 columns, {len(RULES)} rules, one local session; median seconds\n")
    table(("", "seconds", "spread"), ((n, seconds[n], spread(took[n])) for n in seconds))
    print()
    report(
        "spark",
        {"seconds": seconds, "spread": {n: spread(s) for n, s in took.items()}},
        {
            "over_bare_scan": seconds["headgate"] / seconds["bare"],
            "over_bare_with_key": seconds["headgate, with a unique key"] / seconds["bare, with a unique key"],
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
