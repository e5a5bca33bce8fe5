"""What rows look like around their failures: figures for plots, bounded whatever the rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of rows in the order they came: ``first`` is its first row, counted over all files from 1."""

    first: int
    rows: int
    bad: int


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one object (a file). ``first``: as in `Slice`."""

    location: str
    first: int
    rows: int
    bad: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows whose value is ``label`` (or within it), those that pass the column's rules and those that do not."""

    label: str
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values of a column. ``shape``: bars stand for ranges of numbers, ranges of lengths, or single values.

    ``unfit``: the most frequent texts that are no value of the column's type, raw. ``about``: counts of single values
    are lower bounds, since there were too many to keep all.
    """

    column: str
    shape: Literal["numbers", "lengths", "values"]
    bars: tuple[Bar, ...]
    unfit: tuple[tuple[str, int], ...] = ()
    about: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """``nulls``: columns, and how many rows have no value there; ``parts``: in the order they were read."""

    rows: int
    slices: tuple[Slice, ...]
    nulls: tuple[tuple[str, int], ...]
    distributions: tuple[Distribution, ...]
    parts: tuple[Part, ...]
