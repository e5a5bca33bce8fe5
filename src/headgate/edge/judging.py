"""Pass 1 of a check: count what fails. Pass 2, which looks at the rows that do, is `marking`."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from headgate.edge import keeping, probing, render_nested, segments
from headgate.edge import keys as key_passes
from headgate.edge.cells import Cell, Cells, laid
from headgate.edge.folding import Meaningless
from headgate.edge.keys import Keys
from headgate.edge.render_rules import (
    Answers,
    ColumnAbsent,
    Good,
    Question,
    both,
    holds,
    questions,
    times,
)
from headgate.edge.render_rules import failing as failing_rows
from headgate.edge.rows import Rows, collected, collected_all, rows_of
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName, short
from headgate.model.rule import (
    AllOf,
    DuplicateRows,
    FailingRows,
    Measured,
    Not,
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

EXPRESSIONS_MAX = 500  # in one query
Counted = pl.Expr | int | None  # see `render_rules.times`


@dataclass(frozen=True, slots=True)
class Judged:
    """What pass 1 learnt. ``failing``: rows that fail each rule about rows (and FailingRows measures).

    ``looked``: for each `Rule.where`, how many rows it is true for. ``groups``: of rules with segments.
    ``errors``: rules that could not be run, and why. ``keys``: keys at fault of Unique and References rules.
    ``bad_rows``: rows of ``cells`` among which are all that fail a rule about rows, where pass 1 kept them.
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
    bad_rows: pl.DataFrame | None = None

    def looked_at(self, rule: Rule) -> int:
        """How many rows the rule speaks of."""
        return self.count if rule.where is None else self.looked.get(rule.where, 0)


def pass_one(
    rows: Rows,
    contract: TableContract,
    rules: Sequence[Rule],
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
    *,
    keep: bool = False,
) -> Judged:
    """Count failing rows: one query for all predicates, one more for each key. ``keep``: and keep them, if few."""
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
    known, found_bad = _looked_up(rules, counts, rows, cells, answers) if keep else ({}, None)
    count, counted = _counted(rows, cells, {what: n for what, n in counts.items() if what not in known})
    failing = known | {name: n for name, n in counted.items() if isinstance(name, str)}
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
    some = found_bad.frame if found_bad and not any(found.frame.height for found in keys.values()) else None
    return Judged(
        rows, cells, count, failing, beyond, errors, absent, answers, keys, looked, groups, bad_rows=some
    )


def _looked_up(
    rules: Sequence[Rule],
    counts: Collection[RuleName | Predicate],
    rows: Rows,
    cells: Cells,
    answers: Answers,
) -> tuple[dict[RuleName, int], keeping.Kept | None]:
    """How many rows fail rules about rows, as far as that is found without counting; and those rows, if few fail."""
    bad = _bad(rules, counts, cells, answers)
    asked = {
        r.name: p
        for r in rules
        if isinstance(bad.get(r.name), pl.Expr) and (p := predicate_of(r)) is not None
    }
    unfailed = probing.unfailed(rows, cells, asked)
    found = keeping.kept(rows, cells, {name: each for name, each in bad.items() if name not in unfailed})
    return dict.fromkeys(unfailed, 0) | dict(found.failing if found else {}), found


def _bad(
    rules: Sequence[Rule], counts: Collection[RuleName | Predicate], cells: Cells, answers: Answers
) -> dict[RuleName, Good]:
    """Where a row fails each rule about rows that is counted."""
    found: dict[RuleName, Good] = {}
    for rule in rules:
        predicate = predicate_of(rule)
        if predicate is not None and rule.about_rows and rule.name in counts:
            bad = holds(Not(predicate), cells, answers)
            found[rule.name] = bad if rule.where is None else both(bad, holds(rule.where, cells, answers))
    return found


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
    return cells.lazy.filter(good)


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
    asked = [pl.len().alias("rows")]
    if any(part.text for part in rows.parts):
        # Polars notices long rows only when it reads all columns: see csv_text.
        asked += [pl.col(c.raw).null_count().alias(f"z{c.number}") for c in cells.cells]
        asked += [pl.col(f"x{j}").null_count().alias(f"y{j}") for j in range(len(cells.extra))]
        asked = (
            [pl.sum_horizontal(*asked).alias("rows+"), *asked[:1]] if len(asked) > EXPRESSIONS_MAX else asked
        )
    distinct = {id(c): c for c in counts.values() if isinstance(c, pl.Expr)}
    names = {each: f"f{i}" for i, each in enumerate(distinct)}
    asked += [c.alias(names[each]) for each, c in distinct.items()]
    row: dict[str, Any] = {}
    for at in range(0, len(asked), EXPRESSIONS_MAX):
        query = cells.lazy.select(*asked[at : at + EXPRESSIONS_MAX])
        row |= collected(query, rows).row(0, named=True)
    count = int(row["rows"])
    failing: dict[RuleName | Predicate, int] = {}
    for name, asked_for in counts.items():
        known = int(row[names[id(asked_for)]] or 0) if isinstance(asked_for, pl.Expr) else asked_for
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
    """The parent's key columns, named and typed as ours. Parts of it that lack one hold no key.

    Raises ColumnAbsent, Meaningless.
    """
    frame, columns = parents.get(body.to_table), body.to_columns
    if frame is None:
        raise ColumnAbsent(f"the table {short(body.to_table)} is not there")
    lacking = [c for c in columns if c not in rows_of(frame).columns]
    if lacking:
        raise ColumnAbsent(f"the table {short(body.to_table)} has no column {lacking[0]}")
    for part in rows_of(frame).parts:
        for name, c in zip(columns, own, strict=True):
            if name in part.columns and isinstance(part.dtypes[part.columns.index(name)], pl.String):
                refuse_text(c, name)
    return pl.concat(
        part.lazy.select(
            pl.col(f"c{part.columns.index(name)}").cast(c.dtype, strict=False).alias(c.value)
            for name, c in zip(columns, own, strict=True)
        )
        for part in rows_of(frame).parts
        if set(columns) <= set(part.columns)
    )


def refuse_text(own: Cell, theirs: str) -> None:
    """Raises Meaningless for moments that would be looked for among texts: nobody says how those are written."""
    if isinstance(own.dtype, pl.Date | pl.Datetime | pl.Time):
        raise Meaningless(f"{theirs}, to which it refers, holds texts, and {own.column.name} does not")
