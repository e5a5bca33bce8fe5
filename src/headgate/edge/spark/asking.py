"""What Spark cannot judge is asked of this process, over distinct values: one job for each such predicate.

Those are patterns that only regress knows, patterns at which Java's engine may go wrong or for ever, and multiples of
very large doubles. The values of a column that fail go back as a frame, and become a column ``q{i}`` that is true
there; those inside of columns go back as a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from headgate.edge import patterns
from headgate.edge.folding import Meaningless
from headgate.edge.render_rules import ColumnAbsent, Judging, Question, by_regress, questions
from headgate.edge.spark.cells import Laid
from headgate.edge.spark.dialect import safe_in_java
from headgate.edge.spark.nested import values
from headgate.edge.spark.rows import collected, handed
from headgate.edge.spark.text import double, literal
from headgate.model.names import RuleName
from headgate.model.rule import Predicate

DISTINCT_MAX = 5_000_000  # values that this process will hold
LISTED_MAX = 10_000  # values that a query will hold


def asked(
    over: Laid, predicates: Sequence[tuple[RuleName, Predicate]]
) -> tuple[Laid, dict[Predicate, str], dict[RuleName, str], dict[RuleName, str]]:
    """The rows with the answers as columns; what `Rendering` needs for each predicate; rules in error, and those
    about what is absent.
    """
    errors: dict[RuleName, str] = {}
    absent: dict[RuleName, str] = {}
    answers: dict[Predicate, str] = {}
    for name, predicate in predicates:
        try:
            for question in questions(predicate, over.cells, _beyond):
                if question.cell.present and question.predicate not in answers:
                    over, answers[question.predicate] = _answered(over, question, f"q{len(answers)}")
        except Meaningless as error:
            errors[name] = str(error)
        except ColumnAbsent as error:
            absent[name] = str(error)
    return over, answers, errors, absent


def _beyond(pattern: str) -> Judging | None:
    translated = patterns.translate(pattern)
    if translated is None:
        return by_regress(pattern)
    return None if safe_in_java(translated) else _linear(translated)


def _linear(translated: str) -> Judging:
    """Polars' engine never backtracks."""

    def judge(values: Sequence[Any]) -> Sequence[bool]:
        found: list[bool] = pl.Series(values, dtype=pl.String).str.contains(translated).to_list()
        return found

    return judge


def _answered(over: Laid, question: Question, column: str) -> tuple[Laid, str]:
    name = question.cell.value
    frame = over.frame.filter(f"{name} is not null").select(name)
    for selected, kept in values(question.cell, question.steps):
        frame = frame.selectExpr(selected).filter(kept)
    if question.beyond is not None:
        frame = frame.filter(f"abs({name}) >= {double(question.beyond)} and abs({name}) < double('Infinity')")
    found = collected(frame.distinct().limit(DISTINCT_MAX + 1)).to_series()
    most = LISTED_MAX if question.steps else DISTINCT_MAX
    if len(found) > DISTINCT_MAX:
        raise Meaningless(f"{_told(question)} holds more than {DISTINCT_MAX:,} different values, {_TOO_MANY}")
    verdicts = pl.Series(question.judge(found.to_list()), dtype=pl.Boolean)
    failing = found.filter(~verdicts)
    if len(failing) > most:
        raise Meaningless(
            f"{_told(question)} holds more than {most:,} different values that fail, {_TOO_MANY}"
        )
    if question.steps:
        listed = ", ".join(literal(value) for value in failing)
        inner = "double" if failing.dtype.is_float() else "string"
        return over, f"array({listed})" if listed else f"cast(array() as array<{inner}>)"
    if not len(failing):
        none = over.frame.selectExpr("*", f"cast(null as boolean) as {column}")
        return replace(over, frame=none), column
    table = pl.LazyFrame({name: failing}).with_columns(pl.lit(value=True).alias(column))
    theirs = handed(over.rows.session, table, over.rows.described)
    return replace(over, frame=over.frame.join(theirs, on=name, how="left")), column


_TOO_MANY = "and only outside of Spark is it known which of them the rule lets through: that is too many"


def _told(question: Question) -> str:
    return question.cell.column.name
