"""Spark SQL of users: rules that give one number, over the rows at hand, run by Spark.

The query is parsed by Spark's own parser for expressions and queries, which knows no SET and no ADD, judged
(`spark.gate`), and run as the plan that was judged. The rows stand before it as a WITH of its own: nothing is
registered anywhere. It runs in a session beside that of the rows, with the latter's settings and without its views,
functions and variables; a default catalog is not there at all. What it computes it computes in jobs, not where Spark
plans (constants are not folded; only what a function wants to be constant is), so that it ends when its time is up. Its
own thread has its own thread in the JVM: nothing of this one's (its job group, its active session) is touched.

By Spark Connect there is no parser to ask, and none of this: the rules are not executed.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from headgate.edge.spark.gate import SQL_LENGTH_MAX, Reader, Refused, gate
from headgate.edge.spark.session import Spark, guarded, logging_only, said_by
from headgate.edge.user_sql.engine import ScalarResult
from headgate.edge.user_sql.text import no_number

TIMEOUT_S = 600.0  # of one query, which reads the data from where they are
_LEAVING_S = 10.0  # in which a query that is cancelled comes back
_NUMBERS = ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "void")
_ADVICE = re.compile(r" SQLSTATE: | If necessary set |\n")
_SAID_MAX = 300
_CATALOG = "headgate_has_none"
_HELD_MAX = 10_000  # rows
_BY_PARTS = frozenset({"Inner", "Cross"})  # joins that, even without an equality, are computed part by part
_GROUP = "headgate-rule-"
# A query means the same whatever the session says; and none of it is computed where Spark plans.
_SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.caseSensitive": "true",  # as the gate tells names apart
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.eagerEvalOfUnresolvedInlineTable": "false",
    "spark.sql.defaultCatalog": _CATALOG,
    # By size Spark sends a side of a join to everybody, and what it thinks of sizes is easily wrong.
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.sql.execution.topKSortFallbackThreshold": "10000",  # ORDER BY with a LIMIT beyond that is sorted on disk
    "spark.sql.constraintPropagation.enabled": "false",  # Spark calls it costly where names are many
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}"
        for rule in ("ConstantFolding", "ConvertToLocalRelation", "SimplifyExtractValueOps")
    ),
}


@dataclass(frozen=True, slots=True)
class Unable:
    """Why this session runs no query at all."""

    why: str


def run_rules(
    queries: Sequence[str], frame: Spark, table: str, *, timeout_s: float = TIMEOUT_S
) -> tuple[ScalarResult, ...] | Unable:
    """Each query's one number, over ``frame``, which they call ``table``; ``timeout_s`` is for each.

    One that is refused, fails, gives something else or takes too long has a reason instead of a value.
    """
    session = frame.sparkSession
    if not hasattr(session, "_jsparkSession"):
        return Unable(
            "over Spark Connect, queries in the SQL of Spark are not run: nobody there could judge them first"
        )
    if type(session.sparkContext._gateway).__name__ != "ClientServer":  # noqa: SLF001 - PySpark has no other door
        return Unable("queries in the SQL of Spark could not be ended here: PYSPARK_PIN_THREAD is off")
    logging_only(_not_ours)
    beside = guarded(lambda: _session_beside(session))
    return tuple(guarded(partial(_run, query, frame, table, beside, timeout_s)) for query in queries)


def _not_ours(record: logging.LogRecord) -> bool:
    """False for what a query of ours raises: its finding says that, and not with the whole stack of two languages."""
    return not str(record.threadName).startswith(_GROUP)


def _session_beside(session: Spark) -> Any:
    """The JVM's: as ``session`` is set, but for `_SETTINGS`; it knows none of its views, functions and variables."""
    jvm, own = session._jvm, session._jsparkSession  # noqa: SLF001 - as above
    beside = own.newSession()
    conf = beside.sessionState().conf()
    given = jvm.scala.jdk.javaapi.CollectionConverters.asJava(own.sessionState().conf().getAllConfs())
    for name, value in {**dict(given), **_SETTINGS}.items():
        conf.setConfString(name, value)
    return beside


def _run(query: str, frame: Spark, table: str, beside: Any, timeout_s: float) -> ScalarResult:
    if len(query) > SQL_LENGTH_MAX:
        return ScalarResult(None, f"the query is longer than {SQL_LENGTH_MAX:,} characters")
    context = frame.sparkSession.sparkContext
    group = f"{_GROUP}{uuid.uuid4()}"
    properties = context._jsc.sc().getLocalProperties().clone()  # noqa: SLF001 - its scheduler's pool, for one
    found: list[ScalarResult | BaseException] = []

    def work() -> None:
        try:
            context._jvm.SparkSession.setActiveSession(beside)  # noqa: SLF001 - of this thread alone
            context._jsc.sc().setLocalProperties(properties)  # noqa: SLF001 - as above
            context.setJobGroup(group, "a rule in SQL", interruptOnCancel=True)
            found.append(_answer(query, frame, table, beside))
        except BaseException as error:  # noqa: BLE001 - it is raised by the thread that waits
            found.append(error)

    thread = threading.Thread(target=work, name=group, daemon=True)
    thread.start()
    try:
        thread.join(timeout_s)
    finally:  # also where somebody interrupts this process
        late = thread.is_alive()
        if late:
            context._jsc.sc().cancelJobGroupAndFutureJobs(group)  # noqa: SLF001 - PySpark's leaves jobs to come
    if late:
        thread.join(_LEAVING_S)  # else it is left behind: it plans, which nothing can end
        return ScalarResult(None, f"the query took longer than {timeout_s:g} s")
    (result,) = found
    if isinstance(result, BaseException):
        raise result
    return result


def _answer(query: str, frame: Spark, table: str, beside: Any) -> ScalarResult:
    jvm = frame.sparkSession._jvm  # noqa: SLF001 - as above
    try:
        plan = jvm.org.apache.spark.sql.catalyst.parser.CatalystSqlParser().parsePlan(query)
        gate(Reader(jvm).read(plan), table, frame.columns)
        rows = _over(jvm, plan, frame, table, beside)
    except Refused as refused:
        return ScalarResult(None, str(refused))
    except Exception as error:
        if (told := said_by(error)) is None:
            raise
        return ScalarResult(None, f"the query is not valid SQL of Spark: {_short(told)}")
    try:
        return _number(jvm, rows)
    except Refused as refused:
        return ScalarResult(None, str(refused))
    except Exception as error:
        if (told := said_by(error)) is None:
            raise
        return ScalarResult(None, f"Spark Error: {_short(told)}")  # and may hold values


def _short(told: str) -> str:
    """Without what Spark's own users are told to do."""
    return _ADVICE.split(told)[0].rstrip(" ;")[:_SAID_MAX]


def _over(jvm: Any, plan: Any, frame: Spark, table: str, beside: Any) -> Any:
    """The JVM's DataFrame of ``plan``, with the rows as a WITH before it."""
    catalyst = jvm.org.apache.spark.sql.catalyst
    logical, scala = catalyst.plans.logical, jvm.PythonUtils.toSeq
    alias = catalyst.AliasIdentifier(table, scala([]))
    data = logical.SubqueryAlias(alias, _unbounded(frame, beside))
    named = scala([jvm.scala.Tuple3(table, data, jvm.scala.Option.empty())])
    whole = logical.UnresolvedWith(plan, named, False)  # none of them recursive
    return jvm.org.apache.spark.sql.classic.Dataset.ofRows(beside, whole)


def _unbounded(frame: Spark, beside: Any) -> Any:
    """The plan of the rows, of which nobody knows that they are few: what is run does not depend on where they are."""
    execution = frame._jdf.queryExecution()  # noqa: SLF001 - as above
    plan = execution.analyzed()
    if not plan.maxRows().isDefined():
        return plan
    rows = beside.internalCreateDataFrame(execution.toRdd(), plan.schema(), False)  # they are no stream
    return rows.queryExecution().analyzed()


def _held(jvm: Any, plan: Any) -> bool:
    """True if an optimized plan holds one side of a join in memory, all of it and in one process, and may be large:
    Spark's only way to compare each row with each where that decides about a row (NOT IN, outer joins). It takes the
    smaller one, as it estimates.
    """
    equal = jvm.org.apache.spark.sql.catalyst.planning.ExtractEquiJoinKeys
    todo = [plan]
    while todo:
        node = todo.pop()
        for some in (node.children(), node.subqueries()):
            todo += [some.apply(i) for i in range(some.length())]
        if str(node.getClass().getSimpleName()) != "Join" or str(node.joinType()) in _BY_PARTS:
            continue
        left, right = node.left(), node.right()
        smaller = min(right, left, key=lambda side: int(side.stats().sizeInBytes()))
        few = smaller.maxRows().isDefined() and smaller.maxRows().get() <= _HELD_MAX
        if not few and equal.unapply(node).isEmpty():
            return True
    return False


def _number(jvm: Any, rows: Any) -> ScalarResult:
    fields = rows.schema().fields()
    if len(fields) != 1:
        return ScalarResult(None, no_number(f"{len(fields)} columns"))
    kind = str(fields[0].dataType().simpleString())
    if kind.partition("(")[0] not in _NUMBERS:
        return ScalarResult(None, no_number(kind))
    some = rows.limit(2)
    if _held(jvm, some.queryExecution().optimizedPlan()):
        raise Refused(
            "the query compares each row with each (NOT IN, or EXISTS or an outer join without =), for which Spark "
            "would hold all of them in memory; NOT EXISTS with = may do, to which a NULL means nothing"
        )
    found = list(some.collectAsList())
    if len(found) != 1:
        return ScalarResult(None, no_number("more than one row" if found else "no row"))
    value = found[0].get(0)
    if value is None:
        return ScalarResult(None, no_number("NULL"))
    if isinstance(value, float) and not math.isfinite(value):
        return ScalarResult(None, no_number(str(value)))
    return ScalarResult(Decimal(str(int(value) if isinstance(value, bool) else value)))
