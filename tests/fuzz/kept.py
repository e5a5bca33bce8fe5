"""The corpus: what was worth keeping of a search, one input a line, in base 64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
INPUTS_MAX = 80  # of each reader: a few seconds in every run of the tests
LENGTH_MAX = 1600


def read(name: str) -> list[bytes]:
    file = FOLDER / f"{name}.txt"
    return [base64.b64decode(line) for line in file.read_text().splitlines()] if file.exists() else []


def write(name: str, inputs: Sequence[bytes]) -> None:
    """Keep a sample of all sizes, beside what was kept already: what once failed is kept for good."""
    old = read(name)
    new = sorted(
        (one for one in set(inputs) - set(old) if len(one) <= LENGTH_MAX), key=lambda one: (len(one), one)
    )
    room = max(INPUTS_MAX - len(old), 0)
    taken = [new[at * len(new) // room] for at in range(room)] if room < len(new) else new
    FOLDER.mkdir(exist_ok=True)
    lines = [base64.b64encode(one).decode() + "\n" for one in [*old, *taken]]
    (FOLDER / f"{name}.txt").write_text("".join(lines))
