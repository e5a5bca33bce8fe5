"""Service levels that the clock and the history of a table tell: a finding each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from headgate.checks.durations import in_time, seconds_between
from headgate.model.contract import TableContract
from headgate.model.service_level import ServiceLevel
from headgate.model.verdict import Finding, Status, Verdict

WINDOW_DAYS = 30


@dataclass(frozen=True, slots=True)
class History:
    """Of one table. Loads and rows are those of the last `WINDOW_DAYS`, or since ``first`` if that is later.

    ``published``: when it changed last. ``first``: when the first load of it began.
    """

    published: datetime | None = None
    first: datetime | None = None
    loads: int = 0
    loads_failed: int = 0
    rows: int = 0


def findings(contract: TableContract, now: datetime, history: History | None = None) -> tuple[Finding, ...]:
    """Of each level that can be told from what is at hand. Without a history those are the dates."""
    found = (_finding(level, now, history) for level in contract.levels)
    return tuple(f for f in found if f is not None)


def told(verdict: Verdict, found: Sequence[Finding]) -> Verdict:
    """The verdict with these findings in place of those of the same rules, which only named them."""
    by_name = {f.rule: f for f in found}
    return replace(verdict, findings=tuple(by_name.get(f.rule, f) for f in verdict.findings))


def _finding(level: ServiceLevel, now: datetime, history: History | None) -> Finding | None:
    match level.kind:
        case "generalAvailability":
            return _of_date(
                level, now, "available since {}", "not generally available until {}", kept_before=False
            )
        case "endOfSupport":
            return _of_date(level, now, "supported until {}", "not supported since {}", kept_before=True)
        case "endOfLife":
            return _of_date(
                level, now, "in use until {}", "at the end of its life since {}", kept_before=True
            )
        case _ if history is None:
            return None
        case "frequency":
            return _frequency(level, now, history)
        case "errorRate":
            return _error_rate(level, history)
        case "throughput":
            return _throughput(level, now, history)


def _of_date(
    level: ServiceLevel, now: datetime, kept: str, missed: str, *, kept_before: bool
) -> Finding | None:
    if level.moment is None:
        return None
    holds = (now < level.moment) == kept_before
    day = level.moment.isoformat(sep=" ", timespec="minutes").removesuffix("+00:00").removesuffix(" 00:00")
    return _found(level, holds=holds, message=(kept if holds else missed).format(day))


def _frequency(level: ServiceLevel, now: datetime, history: History) -> Finding:
    limit = f"it must be every {in_time(level.limit)}"
    if history.published is None:
        return _found(level, holds=False, message=f"it was never published; {limit}")
    age = seconds_between(history.published, now)
    said = f"last published {in_time(age)} ago; {limit}"
    return _found(level, holds=age <= level.limit, message=said, measured=f"{age.normalize():f}")


def _error_rate(level: ServiceLevel, history: History) -> Finding:
    if not history.loads:
        return Finding(level.rule, "info", message=f"no loads in the last {WINDOW_DAYS} days", how="none")
    share = Decimal(history.loads_failed) / history.loads
    said = f"{history.loads_failed} of {history.loads} loads failed in the last {WINDOW_DAYS} days"
    return _found(
        level,
        holds=share <= level.limit,
        message=f"{said}; at most {100 * level.limit:f} % may",
        measured=f"{round(100 * share, 6).normalize():f}%",
    )


def _throughput(level: ServiceLevel, now: datetime, history: History) -> Finding | None:
    if history.first is None:
        return Finding(level.rule, "info", message="it was never loaded", how="none")
    seconds = min(seconds_between(history.first, now), Decimal(WINDOW_DAYS * 86_400))
    if seconds <= 0:
        return Finding(level.rule, "info", message="it was loaded right now for the first time", how="none")
    rate, limit = (round(r * 86_400, 1).normalize() for r in (history.rows / seconds, level.limit))
    said = f"{rate:f} rows a day in the last {in_time(seconds)}; it must be {limit:f}"
    return _found(level, holds=history.rows >= level.limit * seconds, message=said, measured=f"{rate:f}")


def _found(level: ServiceLevel, *, holds: bool, message: str, measured: str | None = None) -> Finding:
    status: Status = "pass" if holds else "fail" if level.blocks else "warn"
    return Finding(level.rule, status, measured=measured, message=message, how="none")
