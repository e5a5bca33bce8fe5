"""The loop every peer runs in: a file's path comes in on a line, the figures of one check go out as JSON on a line.

A line of three paths, with tabs between, asks for a split: good rows of the first into the second, bad into the third.

Only the standard library, since each peer has an environment of its own. Imports are over when the loop starts,
so they are not in the seconds; they are in the peak, which is the whole process's.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path


def serve(
    check: Callable[[str], Iterable[str]], split: Callable[[str, str, str], object] | None = None
) -> None:
    """Answer until standard input ends. ``check`` returns the names of the rules that failed."""
    # Peers print what they like: the answers get a channel of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        started = time.perf_counter()
        try:
            path, *parts = line.rstrip("\n").split("\t")
            answer: dict[str, object] = {}
            if not parts:
                answer = {"failed": sorted(set(check(path)))}
            elif split is None:
                answer = {"error": "does not split"}
            else:
                split(path, *parts)
        except Exception as error:  # noqa: BLE001  a peer that cannot answer is listed with its reason
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(
            json.dumps(answer | {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}) + "\n"
        )


def peak_mb() -> float:
    """The most memory this process has ever held, in MB (ru_maxrss would be inherited from the parent)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")
