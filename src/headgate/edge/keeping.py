"""Pass 1 and pass 2 in one: where few rows fail, they are kept as they are met, and nothing is read again for them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from headgate.edge.cells import Cells
from headgate.edge.render_value import Good
from headgate.edge.rows import Rows, guarded
from headgate.model.names import RuleName

KEPT_BYTES_MAX = 64 << 20  # more than that, and rows are counted first, and read again
FLAGS_MAX = 200  # each is a column of its own; with more rules counting takes less memory


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of `Cells` that fail one of the rules that were asked about, in order, and how many fail each."""

    frame: pl.DataFrame
    failing: Mapping[RuleName, int]


def kept(rows: Rows, cells: Cells, bad: Mapping[RuleName, Good]) -> Kept | None:
    """``bad``: where a row fails each rule. None if that are too many rows to be held, or too many rules.

    Text is left out: its long lines are only noticed where all of it is read and counted (see `csv_text`).
    """
    flags = {name: each for name, each in bad.items() if isinstance(each, pl.Expr)}
    everywhere = any(each is True for each in bad.values())
    if not flags or everywhere or len(flags) > FLAGS_MAX or any(part.text for part in rows.parts):
        return None
    named = {name: f"\0{i}" for i, name in enumerate(flags)}
    # Null is no failure: a filter leaves it out, and so does a sum. Columns that no rule asks about are read for the
    # rows alone that are found.
    bad_rows = cells.lazy.filter(functools.reduce(operator.or_, flags.values()))
    lazy = bad_rows.with_columns(*(flags[n].alias(column) for n, column in named.items()))
    found = _held(lazy, rows)
    if found is None:
        return None
    failing = {name: int(found.get_column(column).sum() or 0) for name, column in named.items()}
    return Kept(found.drop(named.values()), dict.fromkeys(bad, 0) | failing)


def _held(lazy: pl.LazyFrame, rows: Rows) -> pl.DataFrame | None:
    """The rows of a query, if they take no more than `KEPT_BYTES_MAX`; else it is broken off."""

    def run() -> pl.DataFrame | None:
        batches: list[pl.DataFrame] = []
        held = 0
        for batch in lazy.collect_batches(maintain_order=True, engine="streaming"):
            held += int(batch.estimated_size())
            if held > KEPT_BYTES_MAX:
                return None
            batches.append(batch)
        return pl.concat(batches) if batches else pl.DataFrame(schema=lazy.collect_schema())

    return guarded(run, rows)
