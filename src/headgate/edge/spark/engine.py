"""The rules over Spark: rendered as SQL (`sql.render`), judged where the data are, in one job for all predicates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version

from headgate.edge import findings, measuring, passes
from headgate.edge.clock import SystemClock
from headgate.edge.judging import Judged
from headgate.edge.spark import sql as spark_sql
from headgate.edge.spark.judging import (
    SparkJudged,
    bad_rows,
    good_rows,
    mark,
    pass_one,
)
from headgate.edge.spark.rows import spark_rows
from headgate.edge.spark.samples import count_bad, with_bad_rows
from headgate.edge.spark.text import quoted
from headgate.edge.user_sql import text as sql_text
from headgate.model.contract import TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Fits, Predicate, SqlResult
from headgate.ports import Checked, Clock, Frame, Measurement, Split, TableRules

RENDERING = 1  # to be raised whenever a rendering comes to judge a value differently


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """Spark, in the session that the rows belong to. It judges and splits; loads are not its work."""

    name: str = "spark"
    clock: Clock = field(default_factory=SystemClock)  # for waivers, and the age of data

    def version(self) -> str:
        return f"sql-{RENDERING}/spark-{version('pyspark')}"

    def check(
        self,
        rows: Frame,
        contract: TableContract,
        *,
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
        table_rules: TableRules,
        allowed: frozenset[str] = frozenset(),
        beside: int = 0,
    ) -> Checked:
        """As `ports.Judge` says. Raises Bug for ``existing`` rows: published tables are not Spark's to meet here."""
        if existing:
            raise Bug("Spark was asked about published rows")
        delivered = spark_rows(rows)
        rules = contract.complete_rules
        wanted = [r for r in rules if r.about_rows or passes.measured_here(r, table_rules)]
        judged = pass_one(delivered, contract, wanted, parents)
        judged = replace(judged, told=replace(judged.told, count=judged.told.count + beside))
        structural = findings.structure(judged.told.cells, delivered.described, contract.policy)
        about_rows = [r for r in wanted if r.about_rows]
        now = self.clock.now()
        outcomes = findings.outcomes(about_rows, judged.told, contract, now)
        judged = with_bad_rows(judged, contract, about_rows, passes.warned(outcomes))
        about_table = [r for r in wanted if not r.about_rows]
        measurements = measuring.from_judged(
            judged.told, contract, about_table, partial(_by_sql, judged), "spark"
        )
        found = passes.Found(judged.told, structural, measurements, outcomes, now)
        verdict = passes.told(found, rules, contract)
        return Checked(replace(verdict, allowed=allowed), Frame(judged))

    def split(
        self,
        rows: Frame,
        contract: TableContract,
        checked: Checked,
        *,
        warn: Collection[RuleName],
        whole: bool = False,
    ) -> Split:
        """As `ports.Judge` says: two DataFrames, of which nothing is computed yet."""
        del rows
        judged = checked.evidence
        if not isinstance(judged, SparkJudged):
            raise Bug("the check was not made by this engine")
        rules = [r for r in contract.complete_rules if r.about_rows]
        warn = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
        failed = mark(judged, rules)
        good, count = good_rows(judged, failed, warn), judged.told.count
        if whole:
            return Split(Frame(good.limit(0)), Frame(bad_rows(judged, failed, "true")), 0, count)
        bad = judged.told.bad if warn == judged.warn else count_bad(failed, warn)
        return Split(Frame(good), Frame(bad_rows(judged, failed, failed.bad(warn))), count - bad, bad)


def _by_sql(
    over: SparkJudged,
    asked: Mapping[RuleName, SqlResult],
    where: Predicate | None,
    judged: Judged,
    contract: TableContract,
) -> dict[RuleName, Measurement]:
    rows = measuring.rows_within(where, judged)
    frame = over.laid.frame if where is None else over.laid.frame.filter(over.looked[where])
    named = frame.selectExpr(*(f"{c.value} as {quoted(c.column.name)}" for c in over.laid.cells.cells))
    queries = [sql_text.fill(m.query, contract.object, m.column, m.dialect) for m in asked.values()]
    found = spark_sql.run_rules(queries, named, contract.object)
    if isinstance(found, spark_sql.Unable):
        return {name: Measurement(name, rows, not_executed=found.why) for name in asked}
    return measuring.measured(asked, found, rows)
