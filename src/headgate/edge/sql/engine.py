"""The SQL rendering, on DuckDB, in process: the same verdict as `engine_polars`, for checks alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from headgate.checks.segments import SEGMENTS_MAX
from headgate.edge import passes, segments
from headgate.edge.cells import Cell, Cells, laid
from headgate.edge.folding import Meaningless
from headgate.edge.judging import (
    EXPRESSIONS_MAX,
    Judged,
    asked_of,
    key_cells,
    looked_inside,
    parent_keys,
    predicate_of,
    published_looked_at,
    typed_like,
)
from headgate.edge.keys import Keys
from headgate.edge.marking import WORD, Masks
from headgate.edge.render_rules import Answers, ColumnAbsent, Question, questions
from headgate.edge.rows import OBJECT, ROW, Rows
from headgate.edge.sql.dialect import DuckDB
from headgate.edge.sql.render import Good, Rendering, both, fails, holds, true
from headgate.edge.sql.session import Session, opened
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName
from headgate.model.rule import DuplicateRows, FailingRows, Measured, Not, Predicate, References, Rule, Unique
from headgate.ports import Frame, Group

RENDERING = 1  # to be raised whenever a rendering comes to judge a value differently
_DIALECT = DuckDB()


# -- pass 1 -------------------------------------------------------------------------------------------------


def pass_one(
    rows: Rows,
    contract: TableContract,
    rules: Sequence[Rule],
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
    *,
    keep: bool = False,
) -> Judged:
    """As `judging.pass_one`, but that no rows are kept: one query for all predicates, one more for each key."""
    del keep
    asked = {r.name: a for r in rules if (a := asked_of(r)) is not None}
    cells, inside = looked_inside(laid(rows, contract), asked.values(), rows)
    with opened(rows, cells) as session:
        answers, errors, absent = _answered(session, asked)
        answers = Answers({**inside.failing, **answers.failing})
        to = _rendering(session, answers)
        counts: dict[RuleName | Predicate, Good] = {}
        for rule in rules:
            if rule.name in errors or rule.name in absent:
                continue
            try:
                if rule.where is not None:
                    counts[rule.where] = holds(rule.where, to)
                if (predicate := predicate_of(rule)) is not None:
                    counts[rule.name] = _failing(predicate, rule.where, to)
            except Meaningless as error:
                errors[rule.name] = str(error)
            except ColumnAbsent as error:
                absent[rule.name] = str(error)
        count, counted = _counted(session, counts)
        failing = {name: n for name, n in counted.items() if isinstance(name, str)}
        looked = {where: n for where, n in counted.items() if not isinstance(where, str)}
        beyond: dict[RuleName, int] = {}
        keys: dict[RuleName, Keys] = {}
        groups: dict[RuleName, tuple[Group, ...]] = {}
        for rule in rules:
            if rule.name in errors or rule.name in absent:
                continue
            try:
                seen = "TRUE" if rule.where is None else true(holds(rule.where, to))
                if isinstance(rule.body, Measured) and rule.body.by:
                    groups[rule.name] = _groups(session, rule.body, seen, to)
                    continue
                published = published_looked_at(rule, existing, contract)
                found = _keys(session, rule, seen, parents, published)
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


def _failing(predicate: Predicate, where: Predicate | None, to: Rendering) -> Good:
    """True where a row fails, false or NULL elsewhere."""
    bad = holds(Not(predicate), to)
    return bad if where is None else both(bad, holds(where, to))


def _answered(
    session: Session, predicates: Mapping[RuleName, Predicate]
) -> tuple[Answers, dict[RuleName, str], dict[RuleName, str]]:
    """What only Python can judge, asked over distinct values."""
    errors: dict[RuleName, str] = {}
    absent: dict[RuleName, str] = {}
    asked: dict[Predicate, Question] = {}
    for name, predicate in predicates.items():
        try:
            found = questions(predicate, session.cells)
            asked |= {q.predicate: q for q in found if q.cell.present and not q.steps}
        except Meaningless as error:
            errors[name] = str(error)
        except ColumnAbsent as error:
            absent[name] = str(error)
    failing: dict[Predicate, Sequence[Any]] = {}
    for predicate, question in _worth_asking(session, asked).items():
        values = _distinct(session, question)
        failing[predicate] = [v for v, ok in zip(values, question.judge(values), strict=True) if not ok]
    return Answers(failing), errors, absent


def _worth_asking(session: Session, asked: Mapping[Predicate, Question]) -> Mapping[Predicate, Question]:
    """Without those about large values of columns that hold none: one query tells, instead of one for each."""
    large = [p for p, question in asked.items() if question.beyond is not None]
    there = dict(zip(large, _row(session, [f"bool_or({_beyond(asked[p])})" for p in large]), strict=True))
    return {p: question for p, question in asked.items() if there.get(p, True)}


def _row(session: Session, selected: Sequence[str], *, whole: bool = False) -> list[Any]:
    """Aggregates over the rows; very many take several queries."""
    row: list[Any] = []
    for at in range(0, len(selected), EXPRESSIONS_MAX):
        row += session.row(selected[at : at + EXPRESSIONS_MAX], whole=whole and at == 0)
    return row


def _beyond(question: Question) -> str:
    assert question.beyond is not None
    e = question.cell.value
    return f"isfinite({e}) AND abs({e}) >= {_DIALECT.literal(question.beyond)}"


def _distinct(session: Session, question: Question) -> list[Any]:
    e = question.cell.value
    condition = f"{e} IS NOT NULL"
    if question.beyond is not None:
        condition += f" AND {_beyond(question)}"
    return session.query(f"DISTINCT {e}", f"WHERE {condition}").to_series().to_list()


def _rendering(session: Session, answers: Answers) -> Rendering:
    """What rules are rendered for, with the values that Python refused as relations."""
    relations: dict[Predicate, str] = {}
    for i, (predicate, values) in enumerate(answers.failing.items()):
        if values:
            relations[predicate] = f"a{i}"
            session.keep(f"a{i}", pl.DataFrame({"x": list(values)}))
    return Rendering(_DIALECT, session.cells, relations)


def _counted(
    session: Session, counts: Mapping[RuleName | Predicate, Good]
) -> tuple[int, dict[RuleName | Predicate, int]]:
    """Rows, and those for which each condition is true, in one pass; with very many rules in several."""
    asked = {what: condition for what, condition in counts.items() if isinstance(condition, str)}
    distinct = list(dict.fromkeys(asked.values()))
    # It takes two thirds of the time of count(*) FILTER; over no rows it is NULL.
    row = _row(session, ["count(*)", *(f"count_if({condition})" for condition in distinct)], whole=True)
    count, *counted = (int(n or 0) for n in row)
    times = dict(zip(distinct, counted, strict=True))
    found = {what: times[condition] for what, condition in asked.items()}
    return count, found | {what: count if c else 0 for what, c in counts.items() if isinstance(c, bool)}


def _keys(
    session: Session,
    rule: Rule,
    seen: str,
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
) -> Keys | None:
    """Keys at fault of a rule about keys, among the rows that are ``seen``; None for the others."""
    body, cells = rule.body, session.cells
    if isinstance(body, Measured) and isinstance(body.measure, DuplicateRows):
        return _at_fault(session, key_cells(body.measure.columns, cells), seen, "count(*) > 1")
    if isinstance(body, Unique):
        own = key_cells(body.columns, cells)
        condition = "count(*) > 1"
        if (published := existing.get(rule.name)) is not None:
            session.register("published", _keys_only(typed_like(published, own), own))
            condition += f" OR {_within({c.value: c.dtype for c in own}, 'published')}"
        return _at_fault(session, own, seen, condition)
    if isinstance(body, References):
        own = key_cells(body.columns, cells)
        session.register("parent", _keys_only(parent_keys(body, parents, own), own))
        return _at_fault(session, own, seen, f"NOT {_within({c.value: c.dtype for c in own}, 'parent')}")
    return None


def _groups(session: Session, body: Measured, seen: str, to: Rendering) -> tuple[Group, ...]:
    """The segments of the rows that are ``seen``; see `segments.groups`."""
    by = key_cells(body.by, session.cells)
    counted = "count(*)"
    if isinstance(body.measure, FailingRows):
        counted += f" FILTER (WHERE {fails(holds(body.measure.predicate, to))})"
    elif isinstance(body.measure, DuplicateRows):
        own = [c.value for c in key_cells(body.measure.columns, session.cells)]
        whole = " AND ".join(f"{name} IS NOT NULL" for name in own)
        counted += f" FILTER (WHERE {whole}) - count(DISTINCT ({', '.join(own)})) FILTER (WHERE {whole})"
    listed = ", ".join(c.value for c in by)
    found = session.query(
        f"{listed}, count(*) AS n, {counted} AS f",
        f"WHERE {seen} GROUP BY {listed} LIMIT {SEGMENTS_MAX + 1}",
    )
    return segments.listed(found.cast({c.value: c.dtype for c in by}))


def _keys_only(lazy: pl.LazyFrame, own: Sequence[Cell]) -> pl.LazyFrame:
    return lazy.select(pl.col(c.value).alias(f"y{i}") for i, c in enumerate(own)).drop_nulls()


def _at_fault(session: Session, own: Sequence[Cell], seen: str, condition: str) -> Keys:
    """Keys for which ``condition`` is true. Rows with a NULL in a key take no part."""
    names = tuple(c.value for c in own)
    listed, there = ", ".join(names), " AND ".join([seen, *(f"{name} IS NOT NULL" for name in names)])
    found = session.query(
        f"{listed}, count(*) AS n", f"WHERE {there} GROUP BY {listed} HAVING {condition}"
    ).cast({c.value: c.dtype for c in own})
    counts = found.get_column("n")
    return Keys(names, found.drop("n"), int(counts.sum() or 0), int((counts - 1).sum() or 0))


# -- pass 2 -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SqlMasks(Masks):
    """Rows are marked, and chosen, by the database: ``lazy`` is a query, run when it is read."""

    judged: Judged
    failed: tuple[Rule, ...]

    def whole(self) -> _SqlMasks:
        return replace(self, lazy=self._read(""))

    def rows(self, warn: Collection[RuleName] = (), *, bad: bool) -> pl.LazyFrame:
        asked = [
            f"({w} & {mask}) <> 0" for w, mask in zip(self.words, self.serious(warn), strict=True) if mask
        ]
        condition = " OR ".join(asked) or "FALSE"
        return self._read(f"WHERE {condition}" if bad else f"WHERE NOT ({condition})")

    def _read(self, where: str) -> pl.LazyFrame:
        cells = self.judged.cells
        schema = _schema(cells) | dict.fromkeys(self.words, pl.Int64())

        def batches(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, size: int | None
        ) -> Iterator[pl.DataFrame]:
            del limit, size  # who has read enough reads no further
            wanted = list(schema) if columns is None else columns
            with opened(self.judged.rows, cells) as session:
                for frame in self._marked(session, wanted, where):
                    typed = frame.cast({n: schema[n] for n in wanted if frame.schema[n] != schema[n]})
                    yield typed if predicate is None else typed.filter(predicate)

        return register_io_source(batches, schema=schema)

    def _marked(self, session: Session, wanted: Sequence[str], where: str) -> Iterator[pl.DataFrame]:
        flags = _flags(session, self.judged, self.failed)
        inner = [f'"{n}"' for n in wanted if n not in {*self.words, ROW, OBJECT} and n[0] != "n"]
        inner += [f"r{name[1:]} IS NULL AS {name}" for name in wanted if name[0] == "n"]
        for w, word in enumerate(self.words):
            bits = (
                f"CASE WHEN {flag} THEN CAST({1 << b} AS BIGINT) ELSE 0 END"
                for b, flag in enumerate(flags[w * WORD : (w + 1) * WORD])
            )
            inner.append(f"{' + '.join(bits)} AS {word}")
        outer = ", ".join(f'"{name}"' for name in wanted)
        return session.in_order(outer or "1", ", ".join(inner) or "1", where)


def masks(judged: Judged, cells: Cells, rules: Sequence[Rule]) -> Masks:
    """As `marking.masks`. Nothing is read yet."""
    assert cells is judged.cells, "this engine splits what it has judged, and nothing else"
    failed = tuple(r for r in rules if judged.failing.get(r.name))
    words = tuple(f"w{w}" for w in range(-(-len(failed) // WORD)))
    return _SqlMasks(pl.LazyFrame(), tuple(r.name for r in failed), words, judged, failed).whole()


def _flags(session: Session, judged: Judged, rules: Sequence[Rule]) -> list[str]:
    """For each rule a condition that is true where a row fails it, and nowhere NULL."""
    to = _rendering(session, judged.answers)
    flags = []
    for i, rule in enumerate(rules):
        parts = []
        if rule.name in judged.keys:
            keys = judged.keys[rule.name]
            session.keep(f"k{i}", keys.frame.rename({n: f"y{j}" for j, n in enumerate(keys.names)}))
            there = [f"{name} IS NOT NULL" for name in keys.names]
            parts.append(" AND ".join([*there, _within(dict(keys.frame.schema), f"k{i}")]))
        predicate = predicate_of(rule)
        if predicate is not None:
            parts.append(fails(holds(predicate, to)))
        flag = " OR ".join(f"({part})" for part in parts) or "FALSE"
        flags.append(flag if rule.where is None else f"({flag}) AND {true(holds(rule.where, to))}")
    return flags


def _within(keys: Mapping[str, pl.DataType], relation: str) -> str:
    """A condition on keys without a NULL: one of those in columns y0, y1 ... of a relation."""
    # A time of day comes from Arrow as TIME_NS, which is never IN a list of TIME.
    times = [isinstance(dtype, pl.Time) for dtype in keys.values()]
    theirs = ", ".join(f"CAST(y{i} AS TIME)" if time else f"y{i}" for i, time in enumerate(times))
    return f"({', '.join(keys)}) IN (SELECT {theirs} FROM {relation})"


def _schema(cells: Cells) -> dict[str, pl.DataType]:
    """What `cells.laid` gives, less what can be read off the rest."""
    found: dict[str, pl.DataType] = {}
    for cell in cells.cells:
        found |= {cell.value: cell.dtype, cell.missing: pl.Boolean(), cell.raw: cell.raw_dtype}
    found |= {f"x{j}": dtype for j, (_, dtype) in enumerate(cells.extra)}
    return found | {ROW: pl.Int64(), OBJECT: pl.Int64()}


@dataclass(frozen=True, slots=True)
class DuckEngine(passes.InProcess):
    """DuckDB, in process. It spills what does not fit into a gigabyte."""

    name: str = "duckdb"

    pass_one = staticmethod(pass_one)
    mark = staticmethod(masks)

    def version(self) -> str:
        return f"sql-{RENDERING}/duckdb-{duckdb.__version__}"
