"""What the optimizer of Spark would be busy with for ever, and what hides in lambdas and stars."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from edge.spark_at_hand import sparks
from headgate.edge.spark import sql
from headgate.edge.spark.gate import Reader, Refused, gate
from headgate.edge.user_sql.engine import ScalarResult

pytestmark = pytest.mark.xdist_group("spark")


def _nested(before: str, inner: str, behind: str, times: int = 20) -> str:
    return before * times + inner + behind * times


ATTACKS: Mapping[str, str] = {
    "who asks, in a lambda": "SELECT size(filter(c, x -> x < length(current_user))) FROM orders",
    "columns written out, in lambdas": "SELECT max(a) FROM "
    + _nested("(SELECT element_at(filter(c, x -> a + a > 0), 1) AS a, c FROM ", "orders", ")"),
    "columns written out, by stars": "SELECT max(a) FROM "
    + _nested("(SELECT hash(*) AS a, hash(*) AS b FROM ", "orders", ")"),
    "values that double, by stars": "SELECT max(length(a)) FROM "
    + _nested("(SELECT concat(*) AS a, concat(*) AS b FROM ", "orders", ")"),
    "all columns but one": "SELECT max(concat(* EXCEPT (a))) FROM orders",
    "right": f"SELECT count(*) FROM orders WHERE {_nested('right(', 'b', ', 5)')} = 'x'",
    "decode": f"SELECT max({_nested('decode(', 'a', ', 1, 2, 3, 4)')}) FROM orders",
    "LIKE": "SELECT count(*) FROM orders WHERE " + _nested("string(", "b", " LIKE 'x%y')") + " = 'x'",
}
HARMLESS = (
    "SELECT count(*), count(o.*), count(DISTINCT *) FROM (SELECT * EXCEPT (a) FROM orders) o",
    "SELECT count_if(exists(c, x -> x = a) AND b LIKE 'x%y' AND right(b, 1) = decode(a, 1, 'x', 'y')) FROM orders",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_stands_in_a_query_once_and_is_computed_often_is_refused(attack: str) -> None:
    """Seen failing, each, as let through."""
    assert _said(ATTACKS[attack]).startswith("the query ")


def test_the_same_in_moderation_is_let_through() -> None:
    assert [_said(query) for query in HARMLESS] == ["", ""]


def _said(query: str) -> str:
    jvm = sparks().local._jvm
    try:
        plan = jvm.org.apache.spark.sql.catalyst.parser.CatalystSqlParser().parsePlan(query)
        gate(Reader(jvm).read(plan), "orders", ("a", "b", "c"))
    except Refused as refused:
        return str(refused)
    return ""


def test_names_are_told_apart_by_case_whatever_the_session_does() -> None:
    """Seen failing: in a session that does not, another table was read than the one that was judged."""
    session = sparks().local.newSession()
    session.conf.set("spark.sql.caseSensitive", "false")
    query = "WITH ORDERS AS (SELECT 1 AS a) SELECT count(*) FROM orders"
    assert sql.run_rules([query], session.range(3), "orders") == (ScalarResult(Decimal(3)),)
