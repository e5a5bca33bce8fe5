"""Pass 1 and pass 2 of a check: count what fails, then look at the rows that do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import narwhals.stable.v2 as nw
import polars as pl

from headgate.edge import keys as key_passes
from headgate.edge import render_nested, segments
from headgate.edge.cells import Cell, Cells, laid
from headgate.edge.folding import Meaningless
from headgate.edge.keys import Keys
from headgate.edge.render_rules import (
    Answers,
    ColumnAbsent,
    Question,
    holds,
    questions,
    times,
)
from headgate.edge.render_rules import failing as failing_rows
from headgate.edge.rows import OBJECT, ROW, Rows, collected, collected_all, guarded, rows_of
from headgate.edge.samples import sampling
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName, short
from headgate.model.rule import (
    AllOf,
    DuplicateRows,
    FailingRows,
    Fits,
    Measured,
    NotCompiled,
    NotNull,
    Predicate,
    References,
    Rule,
    Told,
    Unique,
)
from headgate.model.verdict import Sample
from headgate.ports import Frame, Group

SAMPLES_MAX = 5
EXPRESSIONS_MAX = 500  # in one query
WORD = 63  # rules whose outcomes fit into one Int64
Counted = nw.Expr | int | None  # see `render_rules.times`


@dataclass(frozen=True, slots=True)
class Judged:
    """What pass 1 learnt. ``failing``: rows that fail each rule about rows (and FailingRows measures).

    ``looked``: for each `Rule.where`, how many rows it is true for. ``groups``: of rules with segments.
    ``errors``: rules that could not be run, and why. ``keys``: keys at fault of Unique and References rules.
    Pass 2 adds ``bad`` (rows that fail a rule about rows), samples, and how many rows fail each combination of rules.
    """

    rows: Rows
    cells: Cells
    count: int
    failing: Mapping[RuleName, int]
    beyond: Mapping[RuleName, int]
    errors: Mapping[RuleName, str]
    absent: Mapping[RuleName, str]
    answers: Answers
    keys: Mapping[RuleName, Keys]
    looked: Mapping[Predicate, int] = field(default_factory=dict)
    groups: Mapping[RuleName, tuple[Group, ...]] = field(default_factory=dict)
    bad: int = 0
    samples: Mapping[RuleName, tuple[Sample, ...]] = field(default_factory=dict)
    combinations: Mapping[tuple[int, ...], int] = field(default_factory=dict)

    def looked_at(self, rule: Rule) -> int:
        """How many rows the rule speaks of."""
        return self.count if rule.where is None else self.looked.get(rule.where, 0)


def pass_one(
    rows: Rows,
    contract: TableContract,
    rules: Sequence[Rule],
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
) -> Judged:
    """Count failing rows: one query for all predicates, one more for each key."""
    cells = laid(rows, contract)
    asked = {r.name: a for r in rules if (a := asked_of(r)) is not None}
    answers, errors, absent = _answered(asked, cells, rows)
    cells = render_nested.prepared(cells, asked.values(), answers)
    counts: dict[RuleName | Predicate, Counted] = {}
    once: dict[
        tuple[Predicate, Predicate | None], Counted
    ] = {}  # rules often ask the same, with other bounds
    for rule in rules:
        name, predicate, where = rule.name, predicate_of(rule), rule.where
        if name in errors or name in absent:
            continue
        try:
            if where is not None and where not in counts:
                counts[where] = times(holds(where, cells, answers))
            if predicate is not None:
                if (predicate, where) not in once:
                    once[predicate, where] = failing_rows(predicate, cells, answers, where)
                counts[name] = once[predicate, where]
        except Meaningless as error:
            errors[name] = str(error)
        except ColumnAbsent as error:
            absent[name] = str(error)
    count, counted = _counted(rows, cells, counts)
    failing = {name: n for name, n in counted.items() if isinstance(name, str)}
    looked = {where: n for where, n in counted.items() if not isinstance(where, str)}
    beyond: dict[RuleName, int] = {}
    keys: dict[RuleName, Keys] = {}
    groups: dict[RuleName, tuple[Group, ...]] = {}
    for rule in rules:
        if rule.name in errors or rule.name in absent:
            continue
        try:
            own = replace(cells, lazy=looking(rule.where, cells, answers))
            if isinstance(rule.body, Measured) and rule.body.by:
                groups[rule.name] = _groups(rule.body, own, answers, rows)
                continue
            found = _keys(rule, rows, own, count, parents, published_looked_at(rule, existing, contract))
        except Meaningless as error:
            errors[rule.name] = str(error)
        except ColumnAbsent as error:
            absent[rule.name] = str(error)
        else:
            if found is not None:
                keys[rule.name] = found
                failing[rule.name] = failing.get(rule.name, 0) + found.rows
                beyond[rule.name] = found.beyond
    return Judged(rows, cells, count, failing, beyond, errors, absent, answers, keys, looked, groups)


def _groups(body: Measured, cells: Cells, answers: Answers, rows: Rows) -> tuple[Group, ...]:
    keys = body.measure.columns if isinstance(body.measure, DuplicateRows) else ()
    return segments.groups(body, key_cells(body.by, cells), key_cells(keys, cells), cells, answers, rows)


def looking(where: Predicate | None, cells: Cells, answers: Answers) -> pl.LazyFrame:
    """The rows that a rule with this `Rule.where` looks at."""
    if where is None:
        return cells.lazy
    cells = render_nested.prepared(cells, [where], answers)
    good = holds(where, cells, answers)
    if isinstance(good, bool):
        return cells.lazy if good else cells.lazy.limit(0)
    found: pl.LazyFrame = nw.to_native(nw.from_native(cells.lazy).filter(good))
    return found


def published_looked_at(
    rule: Rule, existing: Mapping[RuleName, Frame], contract: TableContract
) -> Mapping[RuleName, Frame]:
    """Of the published rows that the rule's keys may not meet, those that it looks at."""
    if rule.where is None or rule.name not in existing:
        return existing
    rows = rows_of(existing[rule.name])
    cells = laid(rows, replace(contract, policy=replace(contract.policy, missing_columns="null")))
    answers, _, _ = _answered({rule.name: rule.where}, cells, rows)
    values = [pl.col(c.value).alias(c.column.name) for c in cells.cells]
    return {rule.name: Frame(looking(rule.where, cells, answers).select(values))}


def asked_of(rule: Rule) -> Predicate | None:
    """All of a rule that is decided row by row: what it asks, and of which rows."""
    predicate = predicate_of(rule)
    if predicate is None or rule.where is None:
        return predicate or rule.where
    return AllOf((predicate, rule.where))


def predicate_of(rule: Rule) -> Predicate | None:
    """What of a rule is decided row by row, without keys."""
    body = rule.body
    if isinstance(body, Measured):
        return body.measure.predicate if isinstance(body.measure, FailingRows) else None
    if isinstance(body, Unique):
        return AllOf(tuple(NotNull(c) for c in body.columns)) if body.required else None
    if isinstance(body, References | Told | NotCompiled):
        return None
    return body


# -- pass 1 -------------------------------------------------------------------------------------------------


def _answered(
    predicates: Mapping[RuleName, Predicate], cells: Cells, rows: Rows
) -> tuple[Answers, dict[RuleName, str], dict[RuleName, str]]:
    errors: dict[RuleName, str] = {}
    absent: dict[RuleName, str] = {}
    asked: dict[Predicate, Question] = {}
    for name, predicate in predicates.items():
        try:
            asked |= {q.predicate: q for q in questions(predicate, cells) if q.cell.present}
        except Meaningless as error:
            errors[name] = str(error)
        except ColumnAbsent as error:
            absent[name] = str(error)
    return _refused(asked.values(), cells, rows), errors, absent


def _refused(asked: Collection[Question], cells: Cells, rows: Rows) -> Answers:
    asked = _worth_asking(asked, cells, rows)
    if not asked:
        return Answers()
    queries = [_distinct(cells.lazy, q) for q in asked]
    found: dict[Predicate, Sequence[Any]] = {}
    for question, values in zip(asked, collected_all(queries, rows), strict=True):
        candidates = values.to_series().to_list()
        verdicts = question.judge(candidates)
        found[question.predicate] = [v for v, ok in zip(candidates, verdicts, strict=True) if not ok]
    return Answers(found)


def _worth_asking(asked: Collection[Question], cells: Cells, rows: Rows) -> list[Question]:
    """Without those about large values of columns that hold none: one query tells, instead of one for each."""
    large = {f"q{i}": q for i, q in enumerate(asked) if q.beyond is not None and not q.steps}
    if len(large) < 2:
        return list(asked)
    any_large = [_beyond(q).any().alias(name) for name, q in large.items()]
    there: dict[str, Any] = {}
    for at in range(0, len(any_large), EXPRESSIONS_MAX):
        query = cells.lazy.select(any_large[at : at + EXPRESSIONS_MAX])
        there |= collected(query, rows).row(0, named=True)
    return [q for i, q in enumerate(asked) if there.get(f"q{i}", True)]


def _beyond(question: Question) -> pl.Expr:
    value = pl.col(question.cell.value)
    return value.is_finite() & (value.abs() >= question.beyond)


def looked_inside(cells: Cells, predicates: Collection[Predicate], rows: Rows) -> tuple[Cells, Answers]:
    """``cells`` with what is said of the inside of columns (`render_nested.prepared`), for an engine that has not
    the words for it. What makes no sense there is said by `render_nested.prepared`, too.
    """
    asked: dict[Predicate, Question] = {}
    for predicate in predicates:
        with contextlib.suppress(Meaningless, ColumnAbsent):
            asked |= {q.predicate: q for q in questions(predicate, cells) if q.cell.present and q.steps}
    answers = _refused(asked.values(), cells, rows)
    return render_nested.prepared(cells, predicates, answers), answers


def _distinct(lazy: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    values = render_nested.values(lazy, question.cell, question.steps)
    return (values if question.beyond is None else values.filter(_beyond(question))).unique()


def _counted(
    rows: Rows, cells: Cells, counts: Mapping[RuleName | Predicate, Counted]
) -> tuple[int, dict[RuleName | Predicate, int]]:
    """Rows, and those that are counted of each rule, in one pass; with very many rules in several, for a fifth of the
    memory. The same expression (the very same object) is counted once.
    """
    asked = [nw.len().alias("rows")]
    if any(part.text for part in rows.parts):
        # Polars notices long rows only when it reads all columns: see csv_text.
        asked += [nw.col(c.raw).null_count().alias(f"z{c.number}") for c in cells.cells]
        asked += [nw.col(f"x{j}").null_count().alias(f"y{j}") for j in range(len(cells.extra))]
        asked = (
            [nw.sum_horizontal(*asked).alias("rows+"), *asked[:1]] if len(asked) > EXPRESSIONS_MAX else asked
        )
    distinct = {id(c): c for c in counts.values() if isinstance(c, nw.Expr)}
    names = {each: f"f{i}" for i, each in enumerate(distinct)}
    asked += [c.alias(names[each]) for each, c in distinct.items()]
    lazy = nw.from_native(cells.lazy)
    row: dict[str, Any] = {}
    for at in range(0, len(asked), EXPRESSIONS_MAX):
        query = nw.to_native(lazy.select(*asked[at : at + EXPRESSIONS_MAX]))
        row |= collected(query, rows).row(0, named=True)
    count = int(row["rows"])
    failing: dict[RuleName | Predicate, int] = {}
    for name, asked_for in counts.items():
        known = int(row[names[id(asked_for)]] or 0) if isinstance(asked_for, nw.Expr) else asked_for
        failing[name] = count if known is None else known
    return count, failing


def _keys(
    rule: Rule,
    rows: Rows,
    cells: Cells,
    count: int,
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
) -> Keys | None:
    """Keys at fault of a rule about keys; None for the others."""
    body = rule.body
    if isinstance(body, Measured) and isinstance(body.measure, DuplicateRows):
        names = [c.value for c in key_cells(body.measure.columns, cells)]
        return key_passes.doubled(cells.lazy, names, count, rows)
    if isinstance(body, Unique):
        own = key_cells(body.columns, cells)
        names = [c.value for c in own]
        found = key_passes.doubled(cells.lazy, names, count, rows)
        published = existing.get(rule.name)
        if published is not None:
            theirs = typed_like(published, own)
            found = key_passes.together(
                found, key_passes.meeting(cells.lazy, names, theirs, rows), cells.lazy, rows
            )
        return found
    if isinstance(body, References):
        own = key_cells(body.columns, cells)
        values = parent_keys(body, parents, own)
        return key_passes.orphans(cells.lazy, [c.value for c in own], values, rows)
    return None


def key_cells(columns: Sequence[str], cells: Cells) -> list[Cell]:
    """The columns of a key. Raises ColumnAbsent, Meaningless."""
    found = []
    for name in columns:
        cell = cells.of(name)
        if cell is None or not (cell.present or cells.lenient):
            raise ColumnAbsent(f"the column {name} is absent")
        if cell.why is not None:
            raise Meaningless(cell.why)
        found.append(cell)
    return found


def typed_like(frame: Frame, own: Sequence[Cell]) -> pl.LazyFrame:
    """Key columns of published rows, named and typed as ours."""
    part = rows_of(frame).parts[0]
    names = part.columns
    return part.lazy.select(
        pl.col(f"c{names.index(c.column.name)}").cast(c.dtype, strict=False).alias(c.value)
        if c.column.name in names
        else pl.lit(None, c.dtype).alias(c.value)
        for c in own
    )


def parent_keys(body: References, parents: Mapping[TableName, Frame], own: Sequence[Cell]) -> pl.LazyFrame:
    """The parent's key columns, named and typed as ours. Parts of it that lack one hold no key. Raises ColumnAbsent."""
    frame, columns = parents.get(body.to_table), body.to_columns
    if frame is None:
        raise ColumnAbsent(f"the table {short(body.to_table)} is not there")
    lacking = [c for c in columns if c not in rows_of(frame).columns]
    if lacking:
        raise ColumnAbsent(f"the table {short(body.to_table)} has no column {lacking[0]}")
    return pl.concat(
        part.lazy.select(
            pl.col(f"c{part.columns.index(name)}").cast(c.dtype, strict=False).alias(c.value)
            for name, c in zip(columns, own, strict=True)
        )
        for part in rows_of(frame).parts
        if set(columns) <= set(part.columns)
    )


# -- pass 2 -------------------------------------------------------------------------------------------------


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
    exprs: list[nw.Expr] = []
    for i, rule in enumerate(rules):
        if not judged.failing.get(rule.name):
            continue
        flag = pl.lit(value=False)
        if rule.name in judged.keys:
            lazy = key_passes.marked(lazy, judged.keys[rule.name], f"k{i}")
            flag = pl.col(f"k{i}")
        predicate = predicate_of(rule)
        if predicate is not None:
            good = holds(predicate, cells, judged.answers)
            if isinstance(good, bool):
                flag = flag | pl.lit(value=not good)
            else:
                exprs.append((~good.fill_null(value=True)).alias(f"f{i}"))
                flag = flag | pl.col(f"f{i}")
        if rule.where is not None:
            seen = holds(rule.where, cells, judged.answers)
            if isinstance(seen, bool):
                flag = flag & pl.lit(value=seen)
            else:
                exprs.append(seen.fill_null(value=False).alias(f"g{i}"))
                flag = flag & pl.col(f"g{i}")
        flags.append((rule.name, flag))
    if exprs:
        lazy = nw.to_native(nw.from_native(lazy).with_columns(*exprs))
    words = []
    for w in range(0, len(flags), WORD):
        bits = [flag.cast(pl.Int64) * (1 << b) for b, (_, flag) in enumerate(flags[w : w + WORD])]
        words.append(pl.sum_horizontal(bits).alias(f"w{w // WORD}"))
    return Masks(
        lazy.with_columns(words), tuple(n for n, _ in flags), tuple(f"w{i}" for i in range(len(words)))
    )


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
    cells, rows = judged.cells, judged.rows
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
            for row in batch.filter(bit).head(SAMPLES_MAX - len(found)).iter_rows(named=True):
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
