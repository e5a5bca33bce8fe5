"""The engines that judge every case. Another one is one line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from check import record_engine
from check.pages import Case
from edge.spark_at_hand import sparks
from headgate.checks.own_parents import fitting, own_references
from headgate.edge.engine_polars import PolarsEngine
from headgate.edge.spark.engine import SparkEngine
from headgate.edge.spark.rows import delivered
from headgate.edge.sql.engine import DuckEngine
from headgate.model.contract import TableContract
from headgate.model.names import TableName
from headgate.model.rule import Measured, References, Rule, SqlDialect, SqlResult
from headgate.model.verdict import Finding
from headgate.ports import Delivery, Frame, Judge


@dataclass(frozen=True, slots=True)
class Asked:
    """What an engine is given: the compiled contract, the rows, and the tables that references name."""

    case: Case
    contract: TableContract
    delivery: Delivery
    parents: Mapping[TableName, Delivery] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The findings in the verdict's order, and for each rule about rows the numbers of those that fail it.

    ``passed``, ``rows`` and ``rows_bad`` are the verdict's; None if the engine has no such number.
    """

    findings: tuple[Finding, ...]
    failing: Mapping[str, tuple[int, ...]]
    passed: bool | None = None
    rows: int | None = None
    rows_bad: int | None = None


def _nothing_said(case: Case) -> str | None:
    del case
    return None


def _everything(rule: Rule) -> bool:
    del rule
    return True


def _nothing(rule: Rule) -> bool:
    del rule
    return False


@dataclass(frozen=True, slots=True)
class UnderTest:
    """An engine, and what of the corpus is for it.

    ``declines``: why it takes no part in a case at all (None: it does); ``speaks_of``: whether a rule has a finding
    there. What it does not speak of is left out of the comparison, never passed over in the rest. ``unable``: rules
    that it must own not to have executed, whatever the page says of them. ``also_typed``: texts are judged a second
    time as values of the contract's types; Spark, which is slow to answer, has the pages of typed rows for that.
    """

    judge: Callable[[Asked], Answer]
    declines: Callable[[Case], str | None] = _nothing_said
    speaks_of: Callable[[Rule], bool] = _everything
    unable: Callable[[Rule], bool] = _nothing
    also_typed: bool = True


def of_port(made: Callable[[], Judge], rows_of: Callable[[Delivery], Frame] | None = None) -> UnderTest:
    """An engine behind the port `Judge`. ``rows_of``: a delivery as the frame it takes, if it is one of its own."""

    def judge(asked: Asked) -> Answer:
        engine = made()
        as_frame = rows_of or (lambda delivery: delivery.rows)
        contract, rows = asked.contract, as_frame(asked.delivery)
        parents = {name: as_frame(one) for name, one in asked.parents.items()}
        called = {f"default.{contract.object}", f"default.{contract.physical_name}"}
        if own := own_references(contract, called):
            typed = fitting(engine, rows, contract, own, parents)
            parents |= {r.body.to_table: typed for r in own if isinstance(r.body, References)}
        checked = engine.check(rows, contract, parents=parents, existing={}, table_rules="all")
        verdict = checked.verdict
        if rows_of is not None and not any(f.rows_failed for f in verdict.findings):
            return Answer(verdict.findings, {}, verdict.passed, verdict.rows, verdict.rows_bad)
        found: Any = engine.split(rows, contract, checked, warn=()).bad
        bad = (
            found.collect()
            if isinstance(found, pl.LazyFrame)
            else pl.DataFrame(pl.from_arrow(found.toArrow()))
        )
        failing: dict[str, list[int]] = {}
        for row, rules in bad.select("row", "rules").iter_rows():
            for rule in rules:
                failing.setdefault(rule, []).append(row)
        return Answer(
            verdict.findings,
            {rule: tuple(sorted(numbers)) for rule, numbers in failing.items()},
            verdict.passed,
            verdict.rows,
            verdict.rows_bad,
        )

    return UnderTest(judge)


def _asks(dialect: SqlDialect) -> Callable[[Rule], bool]:
    """Rules that are queries in this SQL, which is one engine's and not the other's."""

    def asks(rule: Rule) -> bool:
        measure = rule.body.measure if isinstance(rule.body, Measured) else None
        return isinstance(measure, SqlResult) and measure.dialect == dialect

    return asks


ENGINES: dict[str, UnderTest] = {
    "polars": replace(of_port(PolarsEngine), unable=_asks("spark")),
    "duckdb": replace(of_port(DuckEngine), unable=_asks("spark")),
    "spark": replace(
        of_port(SparkEngine, lambda delivery: Frame(delivered(delivery.rows, sparks().local))),
        unable=_asks("duckdb"),
        also_typed=False,
    ),
    "record": UnderTest(record_engine.judge, record_engine.declines, record_engine.speaks_of),
}
