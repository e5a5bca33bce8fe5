"""Pass 2 of a check: look at the rows that fail; and which rows they are, for a split."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from headgate.edge import keys as key_passes
from headgate.edge import render_nested
from headgate.edge.cells import Cells
from headgate.edge.judging import Judged, asked_of, predicate_of
from headgate.edge.render_rules import Good, holds
from headgate.edge.rows import OBJECT, ROW, guarded
from headgate.edge.samples import sampling
from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.rule import Fits, Rule
from headgate.model.verdict import Sample

SAMPLES_MAX = 5
WORD = 63  # rules whose outcomes fit into one Int64


@dataclass(frozen=True, slots=True)
class Masks:
    """Rows with their failures: word w has bit b where rule ``rules[63 * w + b]`` fails."""

    lazy: pl.LazyFrame
    rules: tuple[RuleName, ...]
    words: tuple[str, ...]

    def bad(self, warn: Collection[RuleName] = ()) -> pl.Expr:
        """True where a rule fails that is not among ``warn``."""
        asked = [(w, mask) for w, mask in zip(self.words, self.serious(warn), strict=True) if mask]
        if not asked:
            return pl.lit(value=False)
        return pl.any_horizontal(pl.col(w) & pl.lit(mask, pl.Int64) != 0 for w, mask in asked)

    def rows(self, warn: Collection[RuleName] = (), *, bad: bool) -> pl.LazyFrame:
        """Rows that a rule fails which is not among ``warn``, or the others."""
        if not self.words:
            return self.lazy.limit(0) if bad else self.lazy
        return self.lazy.filter(self.bad(warn) if bad else ~self.bad(warn))

    def serious(self, warn: Collection[RuleName] = ()) -> list[int]:
        """For each word the bits of rules that are not among ``warn``."""
        found = [0] * len(self.words)
        for i, name in enumerate(self.rules):
            if name not in warn:
                found[i // WORD] |= 1 << (i % WORD)
        return found

    def count_bad(self, combinations: Mapping[tuple[int, ...], int], warn: Collection[RuleName]) -> int:
        """Of rows counted by their words, those that fail a rule that is not among ``warn``."""
        serious = self.serious(warn)
        return sum(
            n for words, n in combinations.items() if any(w & s for w, s in zip(words, serious, strict=True))
        )

    def names(self, words: Sequence[int]) -> list[str]:
        """The rules behind the values of the words of one row."""
        return [str(name) for i, name in enumerate(self.rules) if words[i // WORD] >> (i % WORD) & 1]


class Mark(Protocol):
    """Mark the rows of ``cells`` with what pass 1 learnt: `masks`, or the same on another engine."""

    def __call__(self, judged: Judged, cells: Cells, rules: Sequence[Rule]) -> Masks: ...


def masks(judged: Judged, cells: Cells, rules: Sequence[Rule]) -> Masks:
    """Mark the rows of ``cells`` (those that were judged, or others under the same contract).

    Only rules that failed are evaluated again; `judged.keys` are looked up, not searched anew.
    """
    asked = [a for r in rules if judged.failing.get(r.name) and (a := asked_of(r)) is not None]
    cells = render_nested.prepared(cells, asked, judged.answers)
    lazy = cells.lazy
    flags: list[tuple[RuleName, pl.Expr]] = []
    for i, rule in enumerate(rules):
        if not judged.failing.get(rule.name):
            continue
        flag = pl.lit(value=False)
        if rule.name in judged.keys:
            lazy = key_passes.marked(lazy, judged.keys[rule.name], f"k{i}")
            flag = pl.col(f"k{i}")
        predicate = predicate_of(rule)
        if predicate is not None:
            flag = flag | ~_filled(holds(predicate, cells, judged.answers), null=True)
        if rule.where is not None:
            flag = flag & _filled(holds(rule.where, cells, judged.answers), null=False)
        flags.append((rule.name, flag))
    words = []
    for w in range(0, len(flags), WORD):
        bits = [flag.cast(pl.Int64) * (1 << b) for b, (_, flag) in enumerate(flags[w : w + WORD])]
        words.append(pl.sum_horizontal(bits).alias(f"w{w // WORD}"))
    return Masks(
        lazy.with_columns(words), tuple(n for n, _ in flags), tuple(f"w{i}" for i in range(len(words)))
    )


def _filled(good: Good, *, null: bool) -> pl.Expr:
    return pl.lit(value=good) if isinstance(good, bool) else good.fill_null(value=null)


def of_bad_rows(judged: Judged) -> Cells:
    """The rows that fail, and maybe others."""
    kept = judged.bad_rows
    return judged.cells if kept is None else replace(judged.cells, lazy=kept.lazy())


def with_bad_rows(
    judged: Judged,
    contract: TableContract,
    rules: Sequence[Rule],
    warn: Collection[RuleName],
    mark: Mark = masks,
) -> Judged:
    """Pass 2, if any of ``rules`` failed: the same with its bad rows counted, and the first few of each rule.

    A row that only rules in ``warn`` fail is not bad, unless a value does not fit its type.
    """
    warn = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
    failed = [r for r in rules if judged.failing.get(r.name)]
    if not failed:
        return replace(judged, bad=0)
    cells, rows = of_bad_rows(judged), judged.rows
    marked = mark(judged, cells, rules)
    by_name = {r.name: r for r in failed}
    asked = [(r, predicate_of(r)) for r in (by_name[name] for name in marked.rules)]
    lazy = marked.rows(bad=True)
    wanted = sampling(asked, contract, cells, judged.answers, lazy.collect_schema())
    bad = lazy.select(ROW, OBJECT, *marked.words, *wanted.columns)
    samples: dict[RuleName, list[Sample]] = {name: [] for name in marked.rules}
    combinations: dict[tuple[int, ...], int] = {}
    wanting = list(range(len(marked.rules)))

    def look(batch: pl.DataFrame) -> None:
        for *words, count in batch.group_by(marked.words).len().iter_rows():
            combinations[tuple(words)] = combinations.get(tuple(words), 0) + count
        for i in list(wanting):
            found = samples[marked.rules[i]]
            bit = batch.get_column(marked.words[i // WORD]) // (1 << (i % WORD)) % 2 == 1
            # Only the columns that are shown: a filter of all of a wide table, for each rule, takes minutes.
            for at in bit.arg_true().head(SAMPLES_MAX - len(found)):
                row = {name: batch.get_column(name)[at] for name in (ROW, OBJECT, *wanted.needed(i))}
                found.append(wanted.sample(i, row, rows.where(row[OBJECT])))
            if len(found) == SAMPLES_MAX:
                wanting.remove(i)

    def run() -> None:
        for batch in bad.collect_batches(maintain_order=True, engine="streaming"):
            look(batch)

    guarded(run, rows)
    return replace(
        judged,
        bad=marked.count_bad(combinations, warn),
        samples={name: tuple(found) for name, found in samples.items()},
        combinations=combinations,
    )
