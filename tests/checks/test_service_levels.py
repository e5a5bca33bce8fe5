"""Service levels against a clock and a history, and ages against data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from edge.rows_at_hand import contract, typed_rows
from headgate.checks.durations import in_time
from headgate.checks.service_levels import History, findings, told
from headgate.edge.engine_polars import PolarsEngine
from headgate.intake.policy import governed
from headgate.model.contract import DateType, IntegerType, TableContract, TimestampType
from headgate.model.names import RuleName
from headgate.model.rule import Age, Bound, Measured, NotNull, OneOf, Predicate, Rule
from headgate.model.service_level import ServiceLevel
from headgate.model.verdict import Finding, Verdict
from headgate.testing.clock import TickingClock

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
NAME = RuleName("sla.x")


def of(level: ServiceLevel, history: History | None = None) -> Finding | None:
    found = findings(replace(contract({}), levels=(level,)), NOW, history)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("kind", "moment", "status", "message"),
    [
        ("generalAvailability", NOW, "pass", "available since 2026-05-10 12:00"),
        ("generalAvailability", NOW + timedelta(seconds=1), "warn", "not generally available until"),
        ("endOfSupport", NOW + timedelta(seconds=1), "pass", "supported until"),
        ("endOfSupport", NOW, "warn", "not supported since"),
        ("endOfLife", datetime(2026, 5, 1, tzinfo=UTC), "warn", "at the end of its life since 2026-05-01"),
    ],
)
def test_dates_are_compared_with_the_clock(kind: Any, moment: datetime, status: str, message: str) -> None:
    found = of(ServiceLevel(NAME, kind, moment=moment))
    assert found is not None
    assert found.status == status
    assert found.message.startswith(message)


def ago(**span: int) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("kind", "limit", "history", "status", "message"),
    [
        ("frequency", 86_400, History(ago(days=1)), "pass", "last published 1 d ago; it must be every 1 d"),
        ("frequency", 86_400, History(ago(days=1, seconds=1)), "warn", "last published 1 d ago"),
        ("frequency", 86_400, History(), "warn", "it was never published"),
        ("errorRate", "0.5", History(loads=4, loads_failed=2), "pass", "2 of 4 loads failed"),
        ("errorRate", "0.5", History(loads=4, loads_failed=3), "warn", "3 of 4 loads failed"),
        ("errorRate", 0, History(), "info", "no loads"),
        (
            "throughput",
            1,
            History(first=ago(seconds=10), rows=10),
            "pass",
            "86400 rows a day in the last 10 s",
        ),
        ("throughput", 1, History(first=ago(seconds=10), rows=9), "warn", "77760 rows a day"),
        (
            "throughput",
            1,
            History(first=ago(days=90), rows=30 * 86_400),
            "pass",
            "86400 rows a day in the last 30 d",
        ),
        ("throughput", 1, History(), "info", "it was never loaded"),
        ("throughput", 1, History(first=NOW), "info", "it was loaded right now"),
    ],
)
def test_the_history_of_a_table_tells_the_rest(
    kind: Any, limit: Any, history: History, status: str, message: str
) -> None:
    level = ServiceLevel(NAME, kind, Decimal(limit))
    found = of(level, history)
    assert found is not None
    assert found.status == status
    assert found.message.startswith(message)
    assert of(level) is None
    blocking = of(replace(level, blocks=True), history)
    assert blocking is not None
    assert blocking.status == ("fail" if status == "warn" else status)


def test_what_was_found_stands_in_a_verdict_where_it_was_only_named() -> None:
    verdict = Verdict("c", "1", 1, 0, 1, (Finding(RuleName("a"), "pass"), Finding(NAME, "info")))
    assert [f.status for f in told(verdict, [Finding(NAME, "warn")]).findings] == ["pass", "warn"]


# -- ages ---------------------------------------------------------------------------------------------------


def aged(values: Any, column: Any, limit: int, of: Any = "newest", where: Predicate | None = None) -> Finding:
    rule = Rule(
        NAME,
        Measured(Age("at", of), Bound("mustBeLessOrEqualTo", (Decimal(limit),))),
        on_fail="warn",
        where=where,
    )
    made: TableContract = replace(contract({"at": column, "n": IntegerType()}), rules=(rule,))
    data = pl.DataFrame({"at": values, "n": range(len(values))})
    engine = PolarsEngine(clock=TickingClock(NOW - timedelta(milliseconds=1)))
    checked = engine.check(typed_rows(data), made, parents={}, existing={}, table_rules="all")
    return next(f for f in checked.verdict.findings if f.rule == NAME)


@pytest.mark.parametrize(
    ("values", "kind", "seconds"),
    [
        ([date(2026, 5, 10), date(2026, 5, 9)], DateType(), 43_200),
        ([ago(hours=2), ago(hours=3), None], TimestampType(), 7200),
        ([ago(hours=2).replace(tzinfo=None)], TimestampType(zoned=False), 7200),
        ([ago(hours=-1)], TimestampType(), -3600),
    ],
)
def test_an_age_is_the_time_since_the_newest_value(values: Any, kind: Any, seconds: int) -> None:
    assert aged(values, kind, seconds).status == "pass"
    late = aged(values, kind, seconds - 1)
    assert (late.status, late.measured) == ("warn", str(seconds))


def test_a_message_says_how_old_the_data_are_and_may_be() -> None:
    found = aged([ago(hours=30)], TimestampType(), 4 * 3600)
    assert found.message == "the newest at may be 4 h old, and is 1.2 d old"
    assert aged([ago(days=9), ago(days=1)], TimestampType(), 5 * 86_400, "oldest").message.endswith(
        "is 9 d old"
    )


def test_without_any_value_there_is_no_age_and_the_rule_fails() -> None:
    """Seen passing with an age of 0 in its stead."""
    found = aged(pl.Series([None], dtype=pl.Date), DateType(), 10**9)
    assert (found.status, found.measured) == ("warn", None)
    assert found.message.endswith("there is none")


@pytest.mark.parametrize(
    ("newest", "status"),
    [({"days": -1}, "pass"), ({"days": -1, "seconds": -1}, "warn"), ({"days": -9999}, "warn")],
)
def test_a_newest_value_that_lies_ahead_says_nothing_of_how_late_the_others_are(
    newest: dict[str, int], status: str
) -> None:
    """Up to a day ahead is a matter of zones. Seen passing without `ahead`: a row of 2053 kept every promise."""
    values = [ago(days=300), ago(**newest)]
    found = aged(values, TimestampType(), 60)
    assert found.status == status
    assert ("ahead" in found.message) == (status == "warn")
    assert aged(values, TimestampType(), 301 * 86_400, "oldest").status == "pass"


def test_an_age_is_of_the_rows_that_are_looked_at() -> None:
    values = [ago(hours=2), ago(hours=9)]
    assert aged(values, TimestampType(), 7200).status == "pass"
    assert aged(values, TimestampType(), 7200, where=OneOf("n", (1,))).measured == str(9 * 3600)
    assert aged(values, TimestampType(), 7200, where=OneOf("n", (5,))).message.endswith("there is none")


def test_what_a_load_is_told_about_rows_is_not_about_late_data() -> None:
    age = Rule(NAME, Measured(Age("at"), Bound("mustBeLessOrEqualTo", (Decimal(1),))), on_fail="warn")
    rows = Rule(RuleName("at.required"), NotNull("at"), on_fail="warn")
    made = replace(contract({"at": DateType()}), rules=(age, rows))
    assert [r.on_fail for r in governed(made, "quarantine_batch", None, None).rules] == ["warn", None]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (90, "1.5 min"), (7200, "2 h"), (86_400, "1 d"), (-3600, "-1 h")],
)
def test_a_span_is_said_in_its_greatest_unit(seconds: int, words: str) -> None:
    assert in_time(Decimal(seconds)) == words
