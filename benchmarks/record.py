"""How long does it take to validate one record? Ten rules and the types of five columns, for a process that serves.

Beside us run other validators, each with the same rules in its own words. A peer counts only if it passes the good
records, and names the wrong column of each record that has one. Some of them also make an object of the record; some
do not know half of what a contract may say (exact decimals, ECMA patterns, warnings): this is about time alone.
"""

from __future__ import annotations

import json
import random
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

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
OTHERS = ("pydantic", "msgspec", "jsonschema")
CONTRACT = HERE / "record.odcs.yaml"
RECORDS = 200
GOOD: dict[str, Any] = {"order_id": 1, "account": "AC-000001", "country": "DE", "quantity": 1, "amount": 0.01}
WRONG: tuple[tuple[str, Any], ...] = (
    ("order_id", None), ("order_id", 0), ("order_id", "x"), ("order_id", True), ("account", None), ("account", "AC-1"),
    ("account", "AC-000001x"), ("account", 1), ("country", None), ("country", "de"), ("quantity", 0),
    ("quantity", 1001), ("quantity", 1.5), ("amount", 0.001), ("amount", 100_001), ("amount", "x"),
)  # fmt: skip


def main() -> int:
    good, wrong = _records()
    workers: dict[str, Worker] = {}
    left_out: dict[str, str] = {}
    for name in (OURS, *OTHERS):
        python = Path(sys.executable) if name == OURS else environment(name)
        worker = start(f"{name}_record", python, PEERS / f"{name}_record.py", CONTRACT)
        if isinstance(worker, str):
            left_out[name] = worker
        elif told := _disagrees(worker, good, wrong):
            left_out[name] = told
            worker.stop()
        else:
            workers[name] = worker
    say(f"measuring {', '.join(workers)}")
    rounds = setting("ROUNDS", 5)
    passing = interleaved({n: partial(_seconds, w, good) for n, w in workers.items()}, rounds)
    failing = interleaved({n: partial(_seconds, w, wrong) for n, w in workers.items()}, rounds)
    for worker in workers.values():
        worker.stop()
    return _report(passing, failing, left_out)


def _records() -> tuple[Path, Path]:
    """A file of good records, and one of records with one wrong column each."""
    dice = random.Random(7)
    folder = WORK / "data"
    folder.mkdir(parents=True, exist_ok=True)
    good, wrong = folder / "records-good.json", folder / "records-wrong.json"
    made = [
        {
            "order_id": number,
            "account": f"AC-{dice.randrange(10**6):06}",
            "country": dice.choice(["DE", "FR", "IT", "NL"]),
            "quantity": dice.choice([None, 1, 7, 1000]),
            "amount": round(dice.uniform(0.01, 100_000), 2),
        }
        for number in range(1, RECORDS + 1)
    ]
    good.write_text(json.dumps(made))
    wrong.write_text(json.dumps([GOOD | {column: value} for column, value in WRONG]))
    return good, wrong


def _disagrees(worker: Worker, good: Path, wrong: Path) -> str:
    for path, truth in (
        (good, set[str]()),
        (wrong, {f"{i}:{column}" for i, (column, _) in enumerate(WRONG)}),
    ):
        answer = worker.ask(path)
        if answer.error:
            return answer.error
        if different := sorted(answer.failed ^ truth):
            return f"{path.stem}: of another opinion about {', '.join(different[:5])}"
    return ""


def _seconds(worker: Worker, path: Path) -> float:
    return worker.ask(path).seconds


def _report(
    passing: dict[str, list[float]], failing: dict[str, list[float]], left_out: dict[str, str]
) -> int:
    micro = {name: 1e6 * median(samples) for name, samples in passing.items()}
    micro_failing = {name: 1e6 * median(samples) for name, samples in failing.items()}
    print("record: ten rules and five types; median microseconds of CPU for a record\n")
    rows = sorted(micro.items(), key=lambda item: item[1])
    table(
        ("", "passes", "fails", "slowest/fastest", "times ours"),
        (
            (n, us, micro_failing[n], spread(passing[n]), us / micro[OURS] if OURS in micro else "-")
            for n, us in rows
        ),
    )
    for name, reason in left_out.items():
        print(f"\n{name}: different verdict, not in the ratios\n  {reason}")
    print()
    ours = micro.get(OURS)
    figures = {
        "record_us": ours,
        "failing_record_us": micro_failing.get(OURS),
        "rules": 10,
        "peers_us": {n: us for n, us in micro.items() if n != OURS},
        "peers_failing_us": {n: us for n, us in micro_failing.items() if n != OURS},
        "slowest_over_fastest": {n: spread(samples) for n, samples in passing.items()},
        "different_verdict": left_out,
    }
    ratios = {"over_peer": {n: ours / us for n, us in micro.items() if n != OURS}} if ours else {}
    report("record", figures, ratios)
    return 0 if ours else 1
