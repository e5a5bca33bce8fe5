"""What is shown of rows that fail: where they are, their key, and the value at fault."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from headgate.edge import render_nested
from headgate.edge.cells import Cell, Cells, as_text
from headgate.edge.render_rules import Answers, columns_of
from headgate.edge.rows import ROW
from headgate.edge.wording import path_inside
from headgate.model.contract import ArrayType, MapType, ObjectType, TableContract
from headgate.model.masking import CHARACTERS_MAX
from headgate.model.rule import Inside, Predicate, References, Rule, Unique
from headgate.model.verdict import Sample


@dataclass(frozen=True, slots=True)
class Sampling:
    """``columns``: what is asked of failing rows. ``shown``: for each rule the column that its samples show, where
    inside of it, and under which name its text is among those.
    """

    columns: tuple[pl.Expr, ...]
    keys: tuple[Cell, ...]
    shown: tuple[tuple[Cell, str, str] | None, ...]

    def needed(self, rule: int) -> tuple[str, ...]:
        """The columns that a sample of the rule with this number is made of, beside where the row stands."""
        shown = self.shown[rule]
        return (*(c.raw for c in self.keys), *((shown[2],) if shown else ()))

    def sample(self, rule: int, row: Mapping[str, Any], where: str) -> Sample:
        """A failing row of the rule with this number, as a sample."""
        shown = self.shown[rule]
        return Sample(
            where,
            row[ROW],
            tuple((c.column.name, row[c.raw]) for c in self.keys),
            shown[0].column.name if shown else "",
            row[shown[2]] if shown else None,
            inside=shown[1] if shown else "",
        )


def sampling(
    rules: Sequence[tuple[Rule, Predicate | None]],
    contract: TableContract,
    cells: Cells,
    answers: Answers,
    have: Collection[str],
) -> Sampling:
    """What to show for each rule with what it decides row by row. ``have``: columns of the rows; an engine that has
    no typed values among them shows nested columns as a whole.
    """
    keys = tuple(c for name in contract.primary_key if (c := cells.of(name)) is not None and c.present)
    used = {c.raw: c for c in keys}
    columns: list[pl.Expr] = []
    shown: list[tuple[Cell, str, str] | None] = []
    for i, (rule, predicate) in enumerate(rules):
        cell = _column(rule, predicate, cells)
        if cell is None:
            shown.append(None)
        elif isinstance(predicate, Inside) and cell.value in have:
            inside = render_nested.first_failing(predicate, cell, answers)
            columns.append(_shortened(inside).alias(f"s{i}"))
            shown.append((cell, path_inside(predicate.steps), f"s{i}"))
        else:
            used[cell.raw] = cell
            shown.append((cell, "", cell.raw))
    for cell in used.values():
        text = as_text(pl.col(cell.raw), cell.raw_dtype)
        nested = isinstance(cell.kind, ArrayType | ObjectType | MapType)
        columns.append((_shortened(text) if nested else text).alias(cell.raw))
    return Sampling(tuple(columns), keys, tuple(shown))


def _column(rule: Rule, predicate: Predicate | None, cells: Cells) -> Cell | None:
    """The column whose value a sample of the rule shows."""
    if isinstance(rule.body, Unique | References):
        return cells.of(rule.body.columns[0])
    return cells.of(columns_of(predicate)[0]) if predicate is not None else None


def _shortened(text: pl.Expr) -> pl.Expr:
    """Texts of nested values are cut (as `masking.cut` does): they may be as long as the data."""
    length = text.str.len_chars()
    said = pl.format("{}... [{} characters]", text.str.head(CHARACTERS_MAX), length)
    return pl.when(length > CHARACTERS_MAX).then(said).otherwise(text)
