"""A rule about the table, judged by its bound: the one place, whoever measured it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from headgate.checks.outcomes import Outcome, failed
from headgate.model.contract import TableContract
from headgate.model.rule import DuplicateRows, FailingRows, Measured, RowCount, Rule
from headgate.model.verdict import Finding
from headgate.ports import Measurement

_PLACES = 6  # behind the point: a share of 1/3 has no end


def measured(rule: Rule, found: Measurement, contract: TableContract, now: datetime) -> Finding:
    """A rule about the table, judged by its bound; ``now`` is when, for its waiver."""
    assert isinstance(rule.body, Measured)
    bound, measure = rule.body.bound, rule.body.measure
    if found.error is not None:
        return Finding(rule.name, "error", message=found.error, dimension=rule.dimension)
    if found.number is not None:
        number = Decimal(found.number)
    elif bound.percent:
        number = Decimal(100 * (found.failing or 0)) / found.rows if found.rows else Decimal(0)
    else:
        number = Decimal(found.failing or 0)
    rows_failed = found.failing if isinstance(measure, FailingRows | DuplicateRows) else None
    outcome = Outcome("pass")
    if not bound.holds(number):
        outcome = failed(rule, contract, now, bad=rows_failed, rows=found.rows)
    elif rule.body.warn is not None and not rule.body.warn.holds(number):
        outcome = Outcome("warn", f"it warns unless {rule.body.warn}")
    shown = _shown(number) + ("%" if bound.percent else "")
    counted = {RowCount: "rows", DuplicateRows: "duplicate rows", FailingRows: "failing rows"}.get(
        type(measure)
    )
    return Finding(
        rule.name,
        outcome.status,
        rows_failed=rows_failed,
        measured=shown,
        message=outcome.told(f"{shown} {counted}, {bound}" if counted else f"the result is {shown}, {bound}"),
        dimension=rule.dimension,
    )


def _shown(number: Decimal) -> str:
    exponent = number.as_tuple().exponent
    endless = isinstance(exponent, int) and exponent < -_PLACES
    return f"{(round(number, _PLACES) if endless else number).normalize():f}"
