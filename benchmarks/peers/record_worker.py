"""The loop of every validator of single records: a file of records comes in on a line, microseconds go out.

Only the standard library, since each peer has an environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from worker import peak_mb

BATCHES = 40
BATCH_SECONDS_MIN = 0.01


def serve(validate: Callable[[dict[str, Any]], Iterable[str]]) -> None:
    """Answer until standard input ends. ``validate`` returns the columns of a record that are wrong."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        try:
            records = json.loads(Path(line.strip()).read_text())
            failed = [f"{i}:{column}" for i, record in enumerate(records) for column in set(validate(record))]
            answer: dict[str, object] = {"failed": sorted(failed), "seconds": _seconds(validate, records)}
        except Exception as error:  # noqa: BLE001  a peer that cannot answer is listed with its reason
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer | {"peak_mb": peak_mb()}) + "\n")


def _seconds(validate: Callable[[dict[str, Any]], Iterable[str]], records: list[dict[str, Any]]) -> float:
    """The median of many batches, for one record: CPU time, so that what else runs on the machine is not in it."""
    rounds = 1
    while (took := _batch(validate, records, rounds)) < BATCH_SECONDS_MIN:
        rounds *= 2
    return (
        median([took, *(_batch(validate, records, rounds) for _ in range(BATCHES - 1))])
        / len(records)
        / rounds
    )


def _batch(
    validate: Callable[[dict[str, Any]], Iterable[str]], records: list[dict[str, Any]], rounds: int
) -> float:
    started = time.process_time()
    for _ in range(rounds):
        for record in records:
            validate(record)
    return time.process_time() - started
