"""What is kept of a column's values: small, and mergeable, so that many files cost what the new ones do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REGISTERS = 2048  # of a HyperLogLog: 2.3 % standard error, and next to none up to some hundred values
WIDTH = 1.02  # of a bucket: its greatest value over its least, as distances from the origin
NEAR = 1e-9  # to the origin: nearer than that is the same


@dataclass(frozen=True, slots=True)
class Sketch:
    """Values of one column over some rows. ``odd``: rows with NaN or an infinity.

    ``least`` and ``most`` are exact; ``buckets``: rows whose value is within each, by its number (0 is at the origin,
    negative ones are below it). Values are numbers, days or seconds since 1970, or seconds since midnight; of other
    columns there are none. ``registers``: see `REGISTERS`; empty for columns whose values are not counted.
    """

    rows: int
    nulls: int
    odd: int = 0
    least: float | None = None
    most: float | None = None
    buckets: Mapping[int, int] = field(default_factory=dict)
    registers: bytes = b""


@dataclass(frozen=True, slots=True)
class Figures:
    """A column for people. ``distinct`` is about so many, None if it was not counted; the others are text, None for
    columns that have no such values. ``bars``: a histogram, as label and rows.
    """

    column: str
    nulls: int
    distinct: int | None
    least: str | None = None
    median: str | None = None
    greatest: str | None = None
    bars: tuple[tuple[str, int], ...] = ()
