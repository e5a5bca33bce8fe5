"""Pass 1 and pass 2 of a check on Spark: one job for all predicates, one more for each key; then the rows that fail.

Nothing that grows with the data comes to this process: counts, and a few rows of each rule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headgate.edge.folding import Meaningless
from headgate.edge.judging import Judged, key_cells, predicate_of
from headgate.edge.render_rules import Answers, ColumnAbsent
from headgate.edge.rows import OBJECT, ROW
from headgate.edge.spark.asking import asked
from headgate.edge.spark.cells import Laid, laid, raw_json
from headgate.edge.spark.dialect import SparkSql
from headgate.edge.spark.keys import SparkKeys, doubled, grouped, marked, orphans
from headgate.edge.spark.nested import prepared
from headgate.edge.spark.rows import SparkRows, spark_rows
from headgate.edge.spark.session import Spark, guarded
from headgate.edge.spark.text import quoted, text
from headgate.edge.sql.render import Rendering, fails, holds, true
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName, short
from headgate.model.rule import (
    Age,
    DuplicateRows,
    Measured,
    Predicate,
    References,
    Rule,
    Unique,
)
from headgate.ports import Frame, Group

EXPRESSIONS_MAX = 500  # in one job
_SQL = SparkSql()


@dataclass(frozen=True, slots=True)
class SparkJudged:
    """What pass 1 learnt: ``told`` in numbers, ``failing`` as the condition under which a row fails each predicate.

    ``looked``: the condition under which each `Rule.where` is true. Pass 2 adds to ``told`` how many rows are bad, and
    samples. ``warn``: the rules that made no row bad there.
    """

    laid: Laid
    told: Judged
    failing: Mapping[RuleName, str]
    keys: Mapping[RuleName, SparkKeys] = field(default_factory=dict)
    answers: Mapping[Predicate, str] = field(default_factory=dict)
    looked: Mapping[Predicate, str] = field(default_factory=dict)
    warn: frozenset[RuleName] = frozenset()


# -- pass 1 -------------------------------------------------------------------------------------------------


def pass_one(
    rows: SparkRows, contract: TableContract, rules: Sequence[Rule], parents: Mapping[TableName, Frame]
) -> SparkJudged:
    """Count failing rows."""
    over = laid(rows, contract)
    predicates = {r.name: p for r in rules if (p := predicate_of(r)) is not None}
    where = {r.name: r.where for r in rules if r.where is not None}
    over, answers, errors, absent = asked(over, [*where.items(), *predicates.items()])
    over = replace(over, cells=prepared(over.cells, [*where.values(), *predicates.values()], answers))
    to = Rendering(_SQL, over.cells, answers)
    failing: dict[RuleName, str] = {}
    within: dict[RuleName, str] = {}
    looked: dict[Predicate, str] = {}
    for rule in rules:
        name = rule.name
        if isinstance(rule.body, Measured) and isinstance(rule.body.measure, Age):
            absent[name] = "the age of a column is not measured on Spark"
        try:
            if rule.where is not None:
                within[name] = looked[rule.where] = true(holds(rule.where, to))
            if name in predicates and name not in errors and name not in absent:
                failed = fails(holds(predicates[name], to))
                failing[name] = f"({within[name]} and {failed})" if name in within else failed
        except Meaningless as error:
            errors[name] = str(error)
        except ColumnAbsent as error:
            absent[name] = str(error)
    count, counts, looked_at = _counted(over, failing, looked)
    beyond: dict[RuleName, int] = {}
    keys: dict[RuleName, SparkKeys] = {}
    groups: dict[RuleName, tuple[Group, ...]] = {}
    for rule in rules:
        if rule.name in errors or rule.name in absent:
            continue
        try:
            if isinstance(rule.body, Measured) and rule.body.by:
                groups[rule.name] = _groups(rule.body, over, within.get(rule.name), failing.get(rule.name))
                continue
            found = _keys(rule, over, within.get(rule.name), parents)
        except Meaningless as error:
            errors[rule.name] = str(error)
        except ColumnAbsent as error:
            absent[rule.name] = str(error)
        else:
            if found is not None:
                keys[rule.name] = found
                counts[rule.name] = counts.get(rule.name, 0) + found.rows
                beyond[rule.name] = found.beyond
    told = Judged(
        rows.described, over.cells, count, counts, beyond, errors, absent, Answers(), {}, looked_at, groups
    )
    return SparkJudged(over, told, failing, keys, answers, looked)


def _counted(
    over: Laid, failing: Mapping[RuleName, str], looked: Mapping[Predicate, str]
) -> tuple[int, dict[RuleName, int], dict[Predicate, int]]:
    """Rows, rows that fail each predicate, and rows that each `Rule.where` is true for."""
    conditions = [*failing.values(), *looked.values()]
    # Not count_if, which has Spark compute all conditions first, as columns of their own.
    asked_for = [f"count(case when {condition} then 1 end) as f{i}" for i, condition in enumerate(conditions)]
    row: dict[str, int] = {}
    for at in range(0, max(len(asked_for), 1), EXPRESSIONS_MAX):
        query = over.frame.selectExpr("count(1) as rows", *asked_for[at : at + EXPRESSIONS_MAX])
        row |= guarded(query.collect)[0].asDict()
    counts = {name: row[f"f{i}"] for i, name in enumerate(failing)}
    return row["rows"], counts, {where: row[f"f{i}"] for i, where in enumerate(looked, len(counts))}


def _keys(rule: Rule, over: Laid, within: str | None, parents: Mapping[TableName, Frame]) -> SparkKeys | None:
    """Keys at fault of a rule about keys; None for the others."""
    body = rule.body
    if isinstance(body, Measured) and isinstance(body.measure, DuplicateRows):
        return doubled(over, key_cells(body.measure.columns, over.cells), within)
    if isinstance(body, Unique):
        return doubled(over, key_cells(body.columns, over.cells), within)
    if isinstance(body, References):
        own = key_cells(body.columns, over.cells)
        parent = parents.get(body.to_table)
        if parent is None:
            raise ColumnAbsent(f"the table {short(body.to_table)} is not there")
        theirs = spark_rows(parent)
        known = {name for part in theirs.parts for name in part.columns}
        lacking = [c for c in body.to_columns if c not in known]
        if lacking:
            raise ColumnAbsent(f"the table {short(body.to_table)} has no column {lacking[0]}")
        return orphans(over, own, within, theirs, body.to_columns)
    return None


def _groups(body: Measured, over: Laid, within: str | None, failed: str | None) -> tuple[Group, ...]:
    keys = body.measure.columns if isinstance(body.measure, DuplicateRows) else ()
    by, own = key_cells(body.by, over.cells), key_cells(keys, over.cells)
    frame = over.frame.filter(within) if within else over.frame
    return grouped(frame, [c.value for c in by], [c.value for c in own], failed)


# -- pass 2 -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marked:
    """Rows, and for each rule that failed the condition under which a row fails it."""

    frame: Spark
    conditions: Mapping[RuleName, str]

    def bad(self, warn: Collection[RuleName] = ()) -> str:
        """True where a rule fails that is not among ``warn``."""
        asked_for = [f"({c})" for name, c in self.conditions.items() if name not in warn]
        return f"coalesce({' or '.join(asked_for)}, false)" if asked_for else "false"


def mark(judged: SparkJudged, rules: Sequence[Rule]) -> Marked:
    """Only rules that failed are evaluated again."""
    frame = judged.laid.frame
    conditions: dict[RuleName, str] = {}
    for i, rule in enumerate(rules):
        if not rule.about_rows or not judged.told.failing.get(rule.name):
            continue
        parts = [judged.failing[rule.name]] if rule.name in judged.failing else []
        keys = judged.keys.get(rule.name)
        if keys is not None and keys.rows:
            frame = marked(frame, keys, f"k{i}")
            parts.append(f"k{i} is true" if keys.within is None else f"(k{i} is true and {keys.within})")
        conditions[rule.name] = " or ".join(f"coalesce({part}, false)" for part in parts)
    return Marked(frame, conditions)


# -- both sides ---------------------------------------------------------------------------------------------


def good_rows(judged: SparkJudged, failed: Marked, warn: Collection[RuleName]) -> Spark:
    """Typed rows that no rule fails but those in ``warn``, under the contract's names."""
    frame = failed.frame.filter(f"not {failed.bad(warn)}") if failed.conditions else failed.frame
    return frame.selectExpr(*(f"{c.value} as {quoted(c.column.name)}" for c in judged.laid.cells.cells))


def bad_rows(judged: SparkJudged, failed: Marked, condition: str) -> Spark:
    """Raw rows with object, location, row, the names of the rules they fail, and their values as JSON."""
    names = ", ".join(f"case when {c} then {text(name)} end" for name, c in failed.conditions.items())
    rules = f"array_compact(array({names}))" if names else "cast(array() as array<string>)"
    return failed.frame.filter(condition).selectExpr(
        f"'' as {OBJECT}",
        f"{OBJECT} as location",
        ROW,
        f"{rules} as rules",
        f"{raw_json(judged.laid)} as raw",
    )
