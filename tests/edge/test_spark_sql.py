"""SQL of users in the SQL of Spark: what it may say, what it may not, and that nothing of it stays."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from edge.spark_at_hand import sparks
from headgate.edge.spark import sql as spark_sql
from headgate.edge.spark.gate import SQL_LENGTH_MAX, Refused
from headgate.edge.user_sql.engine import ScalarResult
from headgate.edge.user_sql.text import fill
from headgate.model.errors import ContractUnusable

pytestmark = pytest.mark.xdist_group("spark")

_WIDE = ", ".join(f"t{i} AS (SELECT x.a FROM t{i - 1} x, t{i - 1} y)" for i in range(1, 31))

ATTACKS: Mapping[str, str] = {
    # commands
    "set": "SET spark.sql.ansi.enabled = false",
    "set a time zone": "SET TIME ZONE 'UTC'",
    "reset": "RESET",
    "add jar": "ADD JAR '/tmp/x.jar'",
    "add file": "ADD FILE '/etc/passwd'",
    "create table": "CREATE TABLE x AS SELECT 1",
    "create view": "CREATE OR REPLACE TEMPORARY VIEW orders AS SELECT 1",
    "create function": "CREATE TEMPORARY FUNCTION f AS 'x.Y'",
    "create SQL function": "CREATE TEMPORARY FUNCTION f() RETURNS INT RETURN 1",
    "declare": "DECLARE VARIABLE x INT DEFAULT 1",
    "set variable": "SET VAR x = 1",
    "insert": "INSERT INTO orders VALUES (1)",
    "insert from": "FROM orders INSERT INTO payments SELECT a",
    "insert directory": "INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet SELECT 1",
    "insert in a CTE": "WITH x AS (SELECT 1) INSERT INTO payments SELECT * FROM x",
    "update": "UPDATE orders SET a = 1",
    "delete": "DELETE FROM orders",
    "merge": "MERGE INTO orders USING orders o ON true WHEN MATCHED THEN DELETE",
    "truncate": "TRUNCATE TABLE payments",
    "drop": "DROP TABLE payments",
    "drop view": "DROP VIEW orders",
    "alter": "ALTER TABLE payments RENAME TO x",
    "load": "LOAD DATA INPATH '/etc/passwd' INTO TABLE payments",
    "cache": "CACHE TABLE payments",
    "cache lazily": "CACHE LAZY TABLE x AS SELECT 1",
    "uncache": "UNCACHE TABLE payments",
    "clear cache": "CLEAR CACHE",
    "refresh": "REFRESH TABLE payments",
    "use": "USE default",
    "call": "CALL spark_catalog.system.rollback_to_snapshot('x', 1)",
    "analyze": "ANALYZE TABLE payments COMPUTE STATISTICS",
    "explain": "EXPLAIN SELECT 1",
    "describe": "DESCRIBE TABLE payments",
    "show tables": "SHOW TABLES",
    "show create": "SHOW CREATE TABLE payments",
    "several": "SELECT 1; DROP TABLE payments",
    "a script of SQL": "BEGIN SELECT 1; END",
    "execute immediate": "EXECUTE IMMEDIATE 'SELECT 1'",
    "nothing": "",
    "a comment": "-- nothing",
    # other data
    "another table": "SELECT count(*) FROM payments",
    "another table of a schema": "SELECT count(*) FROM default.payments",
    "another table of a catalog": "SELECT count(*) FROM spark_catalog.default.payments",
    "the table of a schema": "SELECT count(*) FROM default.orders",
    "the table in other letters": "SELECT count(*) FROM ORDERS",
    "a temporary view": "SELECT count(*) FROM view_of_the_session",
    "a global view": "SELECT count(*) FROM global_temp.x",
    "TABLE": "TABLE payments",
    "another in a subquery": "SELECT (SELECT count(*) FROM payments)",
    "another in a join": "SELECT count(*) FROM orders, payments",
    "another lateral": "SELECT count(*) FROM orders, LATERAL (SELECT * FROM payments)",
    "another in exists": "SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM payments)",
    "another in in": "SELECT count(*) FROM orders WHERE a IN (SELECT a FROM payments)",
    "another in a union": "SELECT 1 UNION ALL SELECT count(*) FROM payments",
    "another in order by": "SELECT a FROM orders ORDER BY (SELECT count(*) FROM payments)",
    "another in having": "SELECT count(*) FROM orders HAVING count(*) > (SELECT count(*) FROM payments)",
    "another in a filter": "SELECT count(*) FILTER (WHERE a IN (SELECT 1 FROM payments)) FROM orders",
    "another in a CTE": "WITH x AS (SELECT * FROM payments) SELECT count(*) FROM x",
    "another in a case": "SELECT CASE WHEN (SELECT true FROM payments) THEN 1 END",
    "another in a lambda": "SELECT filter(array(1), x -> (SELECT true FROM payments))",
    "another in a generator": "SELECT count(*) FROM orders LATERAL VIEW explode((SELECT c FROM payments)) t",
    "another in a window": "SELECT sum(a) OVER (ORDER BY (SELECT 1 FROM payments)) FROM orders",
    "another in a named window": "SELECT sum(a) OVER w FROM orders WINDOW w AS (ORDER BY (SELECT 1 FROM payments))",
    "another in a limit": "SELECT a FROM orders LIMIT (SELECT count(*) FROM payments)",
    "another in VALUES": "SELECT * FROM VALUES ((SELECT count(*) FROM payments))",
    "a CTE's name before it": "WITH x AS (SELECT * FROM payments), payments AS (SELECT 1) SELECT 1 FROM x",
    "a CTE's name within it": "WITH payments AS (SELECT * FROM payments) SELECT 1 FROM payments",
    "a CTE's name outside of it": "SELECT 1 FROM (WITH payments AS (SELECT 1) SELECT * FROM payments), payments",
    "a name by expression": "SELECT count(*) FROM IDENTIFIER('payments')",
    "time travel": "SELECT count(*) FROM orders VERSION AS OF 1",
    "an option": "SELECT count(*) FROM orders WITH (x = 1)",
    "a stream": "SELECT count(*) FROM STREAM(orders)",
    # files
    "a path": "SELECT count(*) FROM parquet.`/tmp/x.parquet`",
    "a csv": "SELECT count(*) FROM csv.`/etc/passwd`",
    "text": "SELECT count(*) FROM text.`/etc/passwd`",
    "binary files": "SELECT count(*) FROM binaryFile.`/etc/passwd`",
    "a bucket": "SELECT count(*) FROM parquet.`s3a://bucket/x`",
    "jdbc": "SELECT count(*) FROM jdbc.`jdbc:h2:mem:x`",
    "read_files": "SELECT count(*) FROM read_files('/etc/passwd')",
    "where a row comes from": "SELECT length(input_file_name()) FROM orders",
    "the block that a row comes from": "SELECT max(input_file_block_start()) FROM orders",
    # code
    "a script": "SELECT TRANSFORM(a) USING 'cat' FROM orders",
    "map": "SELECT * FROM (MAP a USING 'cat' FROM orders)",
    "reflect": "SELECT reflect('java.lang.System', 'getProperty', 'user.home')",
    "java_method": "SELECT JAVA_METHOD('java.util.UUID', 'randomUUID')",
    "try_reflect": "SELECT try_reflect('java.lang.System', 'exit', 1)",
    "reflect quoted": "SELECT `reflect`('java.lang.System', 'getProperty', 'user.home')",
    "reflect in VALUES": "SELECT * FROM VALUES (reflect('java.lang.System', 'getProperty', 'user.home'))",
    "reflect of a catalog": "SELECT system.builtin.reflect('java.lang.System', 'getProperty', 'user.home')",
    "reflect in a lambda": "SELECT filter(array(1), x -> reflect('java.lang.System', 'exit', x))",
    "reflect in range": "SELECT count(*) FROM range(reflect('java.lang.Integer', 'valueOf', 1))",
    "reflect in order by": "SELECT a FROM orders ORDER BY reflect('java.lang.System', 'getProperty', 'user.home')",
    "reflect in group by": "SELECT 1 FROM orders GROUP BY reflect('java.lang.System', 'getProperty', 'user.home')",
    "reflect in a join": "SELECT 1 FROM orders JOIN orders o ON reflect('java.lang.Boolean', 'valueOf', 'true')",
    "a function of the session": "SELECT of_the_session(a) FROM orders",
    "a class": "SELECT `org.apache.hadoop.hive.ql.udf.UDFLog`(a) FROM orders",
    "xpath": "SELECT xpath_int('<a>1</a>', 'a')",
    "avro": "SELECT from_avro(b, '{}') FROM orders",
    # the session, chance, and what does not end
    "the catalog": "SELECT length(current_catalog())",
    "who asks": "SELECT length(current_user())",
    "who asks, without parentheses": "SELECT length(current_user)",
    "who asks, in a subquery": "SELECT count(*) FROM orders WHERE b IN (SELECT `User`)",
    "the version": "SELECT length(version())",
    "logs": "SELECT count(*) FROM python_worker_logs()",
    "raise_error": "SELECT raise_error('x')",
    "assert_true": "SELECT assert_true(false)",
    "rand": "SELECT rand()",
    "uuid": "SELECT length(uuid())",
    "monotonically_increasing_id": "SELECT max(monotonically_increasing_id()) FROM orders",
    "sample": "SELECT count(*) FROM orders TABLESAMPLE (10 PERCENT)",
    "hints": "SELECT /*+ REPARTITION(1000000) */ count(*) FROM orders",
    "broadcast": "SELECT /*+ BROADCAST(o) */ count(*) FROM orders JOIN orders o",
    "repeat": "SELECT length(repeat('x', 2000000000))",
    "sequence": "SELECT size(sequence(1, 2000000000))",
    "lpad": "SELECT length(lpad('x', 2000000000, 'x'))",
    "format_string": "SELECT length(format_string('%2000000000d', 1))",
    "all rows in one value": "SELECT size(collect_list(a)) FROM orders",
    "a fold that doubles": "SELECT length(aggregate(array(1, 2, 3), 'x', (x, y) -> concat(x, x)))",
    "subqueries that double": "SELECT max(length(a)) FROM "
    + "(SELECT b || b AS b FROM " * 20
    + "orders"
    + ")" * 20,
    "columns written out": "SELECT max(a) FROM " + "(SELECT a + a AS a FROM " * 20 + "orders" + ")" * 20,
    "columns beside": "SELECT a + a AS t0, "
    + ", ".join(f"t{i} + t{i} AS t{i + 1}" for i in range(20))
    + " FROM orders",
    "columns of a WITH": (
        "WITH t0 AS (SELECT a FROM orders), "
        + ", ".join(f"t{i + 1} AS (SELECT a + a AS a FROM t{i})" for i in range(20))
        + " SELECT max(a) FROM t20 WHERE a > 0"
    ),
    "replacements that square": "SELECT max(length(replace(b, 'x', b))) FROM orders",
    "replacements one in the other": "SELECT length("
    + "replace(" * 6
    + "b"
    + ", 'x', 'xxxxxxxx')" * 6
    + ") FROM orders",
    "a place far away": "SELECT size(array_insert(c, 2000000000, 1)) FROM orders",
    "many digits": "SELECT round(1e0, 2000000000)",
    "digits that are computed": "SELECT round(1e0, 2000 * 1000000)",
    "many digits to show": "SELECT length(format_number(1, 2000000000))",
    "a count that is too exact": "SELECT approx_count_distinct(a, 0.0000000001) FROM orders",
    "quantiles that are too exact": "SELECT approx_percentile(a, 0.5, 2147483647) FROM orders",
    "all values at once": "SELECT median(a) FROM orders",
    "all values at once, in order": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM orders",
    "all rows but the last": "SELECT a FROM orders LIMIT 1 OFFSET 2000000000",
    "a window of many rows": "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND 2000000000 FOLLOWING) "
    "FROM orders",
    "a window of a computed number of rows": "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND 9 * 9 "
    "FOLLOWING) FROM orders",
    "a window that is computed anew for each row": "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND "
    "UNBOUNDED FOLLOWING) FROM orders",
    "a window of all that are alike": "SELECT sum(a) OVER (ORDER BY a % 1 RANGE BETWEEN CURRENT ROW AND CURRENT ROW) "
    "FROM orders",
    "a window of all that are near": "SELECT sum(a) OVER (ORDER BY a % 1 RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING) "
    "FROM orders",
    "a full join, of which all that are alike are held": "SELECT count(*) FROM orders o FULL JOIN orders p "
    "ON o.a % 1 = p.a % 1 AND o.a < p.a - 9",
    "a struct that doubles": "SELECT max(a) FROM "
    + "(SELECT struct(a, a) AS a FROM " * 20
    + "orders"
    + ")" * 20,
    "code in an aggregate of its own": "SELECT first(reflect('java.lang.System', 'getProperty', 'user.home'))",
    "partitions": "SELECT count(*) FROM range(0, 1, 1, 2000000000)",
    "cube": "SELECT count(*) FROM orders GROUP BY CUBE (a, b)",
    "grouping sets": "SELECT count(*) FROM orders GROUP BY GROUPING SETS ((a), (b))",
    "pivot": "SELECT * FROM orders PIVOT (sum(a) FOR b IN ('x'))",
    "recursion": "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
    "each twice the one before": f"WITH t0 AS (SELECT a FROM orders), {_WIDE} SELECT count(*) FROM t30",
    "computed for range": "SELECT count(*) FROM range(levenshtein('a', 'b'))",
    "computed where Spark parses": "SELECT * FROM VALUES ('a' RLIKE '(a+)+$')",
    "a pipe": "FROM orders |> SELECT count(*)",
    "a parameter": "SELECT :x",
    "a parameter by place": "SELECT ?",
    "not SQL": "how many orders are there?",
    "too long": "SELECT '" + "x" * SQL_LENGTH_MAX + "'",
    "too deep": "SELECT " + "(" * 800 + "1" + ")" * 800,
    "too deep to judge": "SELECT " + "abs(" * 160 + "1" + ")" * 160,
    "too much": "SELECT " + " + ".join(["1"] * 2_500),
}

HARMLESS: Mapping[str, str] = {
    "SELECT max(a) > 2 FROM `orders`;": "1",
    "SELECT length('${env:HOME} ${spark.app.name}')": "29",
    "WITH orders AS (SELECT a, count(*) FILTER (WHERE a > 1) n FROM orders GROUP BY a HAVING count(*) >= 1) "
    "SELECT sum(n) FROM orders WHERE a BETWEEN 1 AND 3": "2",
    "SELECT count(*) FROM (SELECT a FROM orders UNION SELECT 9 EXCEPT SELECT 1 INTERSECT SELECT 2)": "4",
    "SELECT max(r) FROM (SELECT rank() OVER w r FROM orders WINDOW w AS (ORDER BY a DESC NULLS LAST))": "3",
    "SELECT count(*) FROM orders o, LATERAL (SELECT o.a + 1 AS q) l, range(3) t(id)": "9",
    "SELECT count(*) FROM orders LEFT JOIN (VALUES (1, -1)) v(k, w) ON k = a LATERAL VIEW OUTER explode(c) e AS f": "4",
    "SELECT (SELECT max(a) FROM orders) - (SELECT min(a) FROM orders)": "2",
    "SELECT count_if(b RLIKE '^[xy]$' AND (a > 0) IS NOT UNKNOWN AND b ILIKE ANY ('X', 'q')) FROM orders "
    "WHERE exists(c, x -> x = a + 1) AND round(a, -1) = 0 AND replace(b, 'x', 'long') || b = 'longx' "
    "AND d + INTERVAL 1 DAY < current_date": "1",
    "SELECT cast(sum(a) AS decimal(38, 2)) / 4 + approx_percentile(a, 0.5, 100) FROM orders": "3.500000",
    "SELECT max(struct(a, b)).a + first(a IGNORE NULLS) - any_value(struct(a AS q).q) FROM orders": "3",
    "SELECT max(x + y + z) FROM (SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) x, "
    "sum(a) OVER (ORDER BY a DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) y, "
    "sum(a) OVER (ORDER BY a RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) z FROM orders)": "13",
    "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM orders p WHERE p.a = o.a + 1)": "1",
    "SELECT count(*) FROM orders o JOIN orders p ON o.a < p.a WHERE o.a IN (SELECT a FROM orders)": "3",
}


@functools.cache
def _frame() -> Any:
    return sparks().local.sql(
        "SELECT * FROM VALUES (1, 'x', array(1, 2), date'2024-01-01', named_struct('f', 1)), "
        "(2, 'y', array(3), null, null), (3, null, null, null, null) AS t(a, b, c, d, s)"
    )


def _asked(*queries: str, timeout_s: float = 60, frame: Any = None) -> tuple[ScalarResult, ...]:
    found = spark_sql.run_rules(queries, frame or _frame(), "orders", timeout_s=timeout_s)
    assert not isinstance(found, spark_sql.Unable)
    return found


@functools.cache
def _attacked() -> dict[str, ScalarResult]:
    """All of them at once; none may come as far as to be analyzed, in which Spark looks for tables and classes."""

    def let_through(*_: object) -> None:
        raise Refused("it was let through")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark_sql, "_over", let_through)
        return dict(zip(ATTACKS, _asked(*ATTACKS.values()), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_query_that_does_anything_but_read_the_rows_is_refused_before_it_is_run(attack: str) -> None:
    """Seen failing with the gate off, all that the parser takes: reflect, scripts, samples, and tables of a catalog
    even give a value then.
    """
    found = _attacked()[attack]
    assert found.reason is not None
    assert found.reason.startswith(("only a single SELECT", "the query ")), found.reason
    assert len(found.reason) < 400


@pytest.mark.parametrize(
    "attack",
    [
        "another table",
        "a temporary view",
        "a path",
        "text",
        "a function of the session",
        "drop",
        "create table",
        "cache",
    ],
)
def test_behind_the_gate_there_is_no_catalog_either(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing without `spark.sql.defaultCatalog`, or in the session itself."""
    session = sparks().local
    session.range(1).createOrReplaceTempView("view_of_the_session")
    session.udf.register("of_the_session", lambda x: x)
    monkeypatch.setattr(spark_sql, "gate", lambda *_: None)
    try:
        (found,) = _asked(ATTACKS[attack])
    finally:
        session.catalog.dropTempView("view_of_the_session")
        session.sql("DROP TEMPORARY FUNCTION of_the_session")
    assert "CATALOG_NOT_FOUND" in str(found.reason)


def test_queries_that_only_read_are_run() -> None:
    found = zip(HARMLESS, _asked(*HARMLESS), strict=True)
    assert {query: r.reason or f"{r.value:f}" for query, r in found} == HARMLESS


def test_a_column_may_be_called_as_what_says_who_asks() -> None:
    queries = [f"SELECT count({name}) FROM orders" for name in ("user", "USER")]  # cases are told apart here
    assert [r.value for r in _asked(*queries, frame=sparks().local.sql("SELECT 'x' AS user"))] == [1, None]


def test_a_query_that_does_not_end_is_cancelled_and_its_jobs_with_it() -> None:
    """Seen failing without `cancelJobGroupAndFutureJobs`: the job is still active, and the session is busy."""
    session = sparks().local
    began = time.monotonic()
    (found,) = _asked("SELECT count(*) FROM range(1000000000000) WHERE id % 3 = 4", timeout_s=1)
    assert found == ScalarResult(None, "the query took longer than 1 s")
    assert time.monotonic() - began < 8
    assert list(session.sparkContext.statusTracker().getActiveJobsIds()) == []
    assert _asked("SELECT 1")[0].value == 1


def test_a_query_that_hangs_where_spark_plans_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job, nothing to cancel. Seen failing, by waiting for it, with a join that has no end."""
    ended = threading.Event()
    monkeypatch.setattr(spark_sql, "_LEAVING_S", 0.1)
    monkeypatch.setattr(spark_sql, "_answer", lambda *_: ended.wait(30))
    began = time.monotonic()
    (found,) = _asked("SELECT 1", timeout_s=0.1)
    ended.set()
    assert (found.reason, time.monotonic() - began < 5) == ("the query took longer than 0.1 s", True)


def test_a_query_sees_no_columns_but_those_of_the_contract(tmp_path: Path) -> None:
    """Neither what Spark knows of files, nor what we add to rows. Seen failing over all that rows are laid out in."""
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(tmp_path / "x.parquet")
    for column in ("_metadata.file_path", "row"):
        query = f"SELECT count({column}) FROM {{object}}"
        status, message = _found(query, frame=str(tmp_path), engine="spark")
        assert (status, "UNRESOLVED_COLUMN" in message) == ("error", True)


def _state(session: Any) -> dict[str, Any]:
    context = session.sparkContext
    return {
        "tables": session.sql("SHOW TABLES").collect(),
        "database": (session.catalog.currentCatalog(), session.catalog.currentDatabase()),
        "functions": session.sql("SHOW USER FUNCTIONS").collect(),
        "settings": session.conf.getAll,
        "group": context.getLocalProperty("spark.jobGroup.id"),
        "cached": len(context._jsc.getPersistentRDDs()),
        "active": session._jvm.SparkSession.active().hashCode(),
    }


def test_a_session_is_as_it_was_after_queries_of_every_kind() -> None:
    session = sparks().local
    session.sparkContext.setLocalProperty("spark.jobGroup.id", "mine")
    try:
        before = _state(session)
        _asked(
            "SELECT count(*) FROM orders", "SELECT nope", "SET x = 1", "SELECT max(1 / (a - a)) FROM orders"
        )
        _asked("SELECT count(*) FROM range(1000000000000) WHERE id % 3 = 4", timeout_s=0.1)
        assert _state(session) == before
    finally:
        session.sparkContext.setLocalProperty("spark.jobGroup.id", None)


def test_what_a_session_knows_and_how_it_is_set_means_nothing_to_a_query() -> None:
    """Seen failing where queries run in the session of the rows: its function, variable and settings count."""
    session = sparks().local.newSession()
    frame = session.sql("SELECT 'x' AS a")
    session.udf.register("upper", lambda _: "mine")
    session.sql("DECLARE OR REPLACE VARIABLE v INT DEFAULT 7")
    session.conf.set("spark.sql.ansi.enabled", "false")
    session.conf.set("spark.sql.session.timeZone", "America/New_York")
    night = "timestamp'2024-01-01 00:30:00Z'::date = date'2024-01-01'"
    queries = (f"SELECT upper(a) = 'X' AND {night} AND \"a\" = 'a' FROM t", "SELECT 1 / 0", "SELECT v")
    found = spark_sql.run_rules(queries, frame, "t")
    assert not isinstance(found, spark_sql.Unable)
    same, zero, variable = found
    assert same == ScalarResult(Decimal(1))
    assert "DIVIDE_BY_ZERO" in str(zero.reason)
    assert "UNRESOLVED_COLUMN" in str(variable.reason)


# -- as rules -----------------------------------------------------------------------------------------------


def _contract(query: str, more: str = "") -> bytes:
    spark = "customProperties: [{vendor: headgate, property: dialect, value: spark}]"
    return f"""
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: my orders
    quality: [{{id: q, type: sql, query: {query!r}, mustBe: 6, {spark}}}]
    properties:
      - {{name: a, logicalType: integer}}
      - {{name: b, logicalType: string{more}}}
""".encode()


def _found(query: str, more: str = "", frame: Any = None, **options: Any) -> tuple[str, str]:
    frame = _frame().select("a", "b") if frame is None else frame
    checked = headgate.check(frame, _contract(query, more), **options)
    (finding,) = (f for f in checked.verdict.findings if f.rule == "my orders.q")
    assert checked.verdict.passed == (finding.status == "pass" or bool(options.get("allow_unexecuted")))
    return finding.status, finding.message


def test_a_rule_in_the_sql_of_spark_is_run_over_a_frame_of_sparks() -> None:
    assert _found("SELECT sum(a) FROM {object} -- {object}") == ("pass", "the result is 6, mustBe 6")


def test_wrong_sql_is_an_error_in_one_line() -> None:
    status, message = _found("SELECT sum(nope) FROM {table}")
    assert status == "error"
    assert message.startswith("the query is not valid SQL of Spark: [UNRESOLVED_COLUMN.WITH_SUGGESTION] ")
    assert message.endswith("Did you mean one of the following? [`a`, `b`].")
    assert _found("SELEC 1") == (
        "error",
        "the query is not valid SQL of Spark: [PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'.",
    )


def test_what_spark_says_of_values_that_are_confidential_is_not_shown() -> None:
    """Seen failing where the reason began with "the": 'x' stood in the message."""
    query = "SELECT sum(cast(b AS int)) FROM {object}"
    assert "The value 'x'" in _found(query)[1]
    assert _found(query, ", classification: confidential") == (
        "error",
        "Spark Error; its words may hold values of confidential columns, and are not shown",
    )


def test_by_connect_queries_are_not_executed_and_block_unless_that_is_allowed() -> None:
    frame = sparks().connect.createDataFrame([(1, "x")], "a int, b string")
    status, message = _found("SELECT sum(a) FROM {object}", frame=frame)
    assert (status, "Spark Connect" in message) == ("not_executed", True)
    status, _ = _found("SELECT sum(a) FROM {object}", frame=frame, allow_unexecuted=["my orders.q"])
    assert status == "not_executed"


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_other_engines_own_that_they_do_not_speak_it(engine: str, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a,b\n6,x\n")
    status, message = _found("SELECT sum(a) FROM {object}", frame=str(tmp_path / "orders.csv"), engine=engine)
    assert (status, "the SQL of Spark" in message, "--engine spark" in message) == (
        "not_executed",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("SELECT {column} FROM ${table}", "SELECT `a``b` FROM `my orders`"),
        ("SELECT `{column}` FROM `${ object }`", "SELECT `a``b` FROM `my orders`"),
        (
            r"SELECT '{column}\\' || '\'{column}' || {column}",
            r"SELECT '{column}\\' || '\'{column}' || `a``b`",
        ),
        (r"SELECT r'{column}\' || {column}", r"SELECT r'{column}\' || `a``b`"),
        ('SELECT "{column}\'" || {column}', 'SELECT "{column}\'" || `a``b`'),
        ("SELECT `{x` -- {column}\n/* {table} */ {column}", "SELECT `{x` -- {column}\n/* {table} */ `a``b`"),
    ],
)
def test_placeholders_are_names_in_the_quotes_of_spark(query: str, filled: str) -> None:
    assert fill(query, "my orders", "a`b", "spark") == filled


def test_a_placeholder_that_is_none_is_refused() -> None:
    with pytest.raises(ContractUnusable):
        fill("SELECT ${env:HOME}", "orders", None, "spark")
