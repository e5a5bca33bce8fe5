"""Good rows typed and on their way to the table, bad rows raw and on their way to quarantine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from headgate.edge.cells import Cells, laid, raw_json
from headgate.edge.judging import Judged
from headgate.edge.marking import Mark, Masks, masks, of_bad_rows
from headgate.edge.rows import OBJECT, ROW, Rows, collected
from headgate.model.batch import Object
from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.rule import Fits
from headgate.ports import Frame, Split

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Parted:
    """Rows with their masks, and how many rows fail each combination of rules.

    ``near``: masks of rows among which all bad ones are: of those that were kept, or else of all.
    """

    rows: Rows
    cells: Cells
    masks: Masks
    near: Masks
    combinations: Mapping[tuple[int, ...], int]
    count: int
    warn: frozenset[RuleName]

    @property
    def count_bad(self) -> int:
        return self.masks.count_bad(self.combinations, self.warn)


def parted(
    rows: Rows,
    contract: TableContract,
    judged: Judged,
    warn: frozenset[RuleName] = frozenset(),
    mark: Mark = masks,
) -> Parted:
    """``rows``: those that were judged, or others under the same contract (then they are counted anew)."""
    rules = [r for r in contract.complete_rules if r.about_rows]
    warn -= {r.name for r in rules if isinstance(r.body, Fits)}
    same = rows is judged.rows
    cells = judged.cells if same else laid(rows, contract)
    marked = mark(judged, cells, rules)
    if same:
        kept = of_bad_rows(judged)
        near = marked if kept is cells else mark(judged, kept, rules)
        return Parted(rows, cells, marked, near, judged.combinations, judged.count, warn)
    if not marked.words:
        count = int(collected(cells.lazy.select(pl.len()), rows).item())
        return Parted(rows, cells, marked, marked, {}, count, warn)
    found = collected(marked.lazy.group_by(marked.words).agg(pl.len().alias("count")), rows)
    combinations = {tuple(words): count for *words, count in found.iter_rows()}
    return Parted(rows, cells, marked, marked, combinations, sum(combinations.values()), warn)


def split(
    rows: Rows,
    contract: TableContract,
    judged: Judged,
    warn: frozenset[RuleName],
    *,
    whole: bool,
    mark: Mark = masks,
) -> Split:
    """Nothing is read yet: both frames are plans, to be written to files once each."""
    mine = parted(rows, contract, judged, warn, mark)
    if whole:
        bad = _quarantined(mine, mine.masks.lazy)
        return Split(Frame(_typed(mine, mine.masks.lazy).limit(0)), Frame(bad), 0, mine.count)
    bad = _quarantined(mine, mine.near.rows(mine.warn, bad=True))
    good = _typed(mine, _good(mine))
    return Split(Frame(good), Frame(bad), mine.count - mine.count_bad, mine.count_bad)


def raw_bad(
    rows: Rows, contract: TableContract, judged: Judged, warn: frozenset[RuleName] = frozenset()
) -> pl.LazyFrame:
    """Bad rows in the columns they came in, with headgate_row, headgate_object and headgate_rules."""
    mine = parted(rows, contract, judged, warn)
    cells = mine.cells
    raws = {c.column.name: c.raw for c in cells.cells if c.present}
    raws |= {name: f"x{j}" for j, (name, _) in enumerate(cells.extra)}
    found = _with_rules(mine, mine.near.rows(mine.warn, bad=True))
    return found.select(
        *(pl.col(raws[name]).alias(name) for name in rows.columns if name in raws),
        *(pl.col(raw).alias(name) for name, raw in raws.items() if name not in rows.columns),
        pl.col(ROW).alias("headgate_row"),
        _of_object(rows, [each.location for each in rows.objects]).alias("headgate_object"),
        pl.col(RULES).alias("headgate_rules"),
    )


def _good(mine: Parted) -> pl.LazyFrame:
    """The rows that are not bad: by their numbers, which is quicker than by their values, where the numbers of the bad
    ones are known, and mean the same whenever the rows are read.
    """
    if mine.near is mine.masks or len(mine.rows.objects) != 1 or mine.rows.objects[0].format == "frame":
        return mine.masks.rows(mine.warn, bad=False)
    numbers = collected(mine.near.rows(mine.warn, bad=True).select(ROW), mine.rows).to_series()
    return mine.cells.lazy.filter(~pl.col(ROW).is_in(numbers.implode()))


def _typed(mine: Parted, lazy: pl.LazyFrame) -> pl.LazyFrame:
    return lazy.select(pl.col(c.value).alias(c.column.name) for c in mine.cells.cells)


def _quarantined(mine: Parted, lazy: pl.LazyFrame) -> pl.LazyFrame:
    rows = mine.rows
    return _with_rules(mine, lazy).select(
        _of_object(rows, [_digest(each) for each in rows.objects]).alias(OBJECT),
        _of_object(rows, [each.location for each in rows.objects]).alias("location"),
        pl.col(ROW),
        pl.col(RULES),
        raw_json(mine.cells).alias("raw"),
    )


def _with_rules(mine: Parted, lazy: pl.LazyFrame) -> pl.LazyFrame:
    """With the names of the rules each row fails, looked up by its words."""
    words = list(mine.masks.words)
    none = pl.lit([], pl.List(pl.String)).alias(RULES)
    if not words:
        return lazy.with_columns(none)
    seen = list(mine.combinations)
    table = pl.LazyFrame(
        {w: [each[i] for each in seen] for i, w in enumerate(words)}
        | {RULES: [mine.masks.names(each) for each in seen]},
        schema=dict.fromkeys(words, pl.Int64) | {RULES: pl.List(pl.String)},
    )
    joined = lazy.join(table, on=words, how="left", maintain_order="left")
    return joined.with_columns(pl.col(RULES).fill_null(pl.lit([], pl.List(pl.String))))


def _digest(each: Object) -> str:
    if each.digest or each.format == "frame":
        return each.digest
    with open(each.location, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_object(rows: Rows, texts: Sequence[str]) -> pl.Expr:
    if not rows.objects:
        return pl.lit("")
    if len(rows.objects) == 1:
        return pl.lit(texts[0])
    return pl.col(OBJECT).replace_strict(list(range(len(texts))), list(texts), return_dtype=pl.String)
