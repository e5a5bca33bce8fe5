"""A rule about the table, judged by its bound: the one place, whoever measured it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from headgate.checks.durations import in_time, seconds_between
from headgate.checks.outcomes import Outcome, failed
from headgate.checks.segments import SHOWN, named, number, worst_first
from headgate.model.contract import TableContract
from headgate.model.rule import Age, Bound, DuplicateRows, FailingRows, Measured, RowCount, Rule, SqlResult
from headgate.model.verdict import Finding
from headgate.ports import Group, Measurement

_AHEAD_S = 86_400  # dates, and times without a zone, may be those of a place that is ahead of UTC
_PLACES = 6  # behind the point: a share of 1/3 has no end
# Our own words, and what DuckDB says before it has looked at any row.
_WITHOUT_VALUES = ("the ", "only ", "of SHOW", "no tables", "Parser Error", "Binder Error", "Catalog Error")
_NOBODY = Group((), 0, 0)  # without any row there is no segment, and the bound is for none


def measured(rule: Rule, found: Measurement, contract: TableContract, now: datetime) -> Finding:
    """A rule about the table, judged by its bound; ``now`` is when, for its waiver."""
    assert isinstance(rule.body, Measured)
    bound, measure = rule.body.bound, rule.body.measure
    if found.not_executed is not None:
        return Finding(
            rule.name, "not_executed", message=found.not_executed, how="none", dimension=rule.dimension
        )
    if found.error is not None:
        return Finding(
            rule.name, "error", message=_sayable(found.error, rule, contract), dimension=rule.dimension
        )
    if isinstance(measure, Age):
        return _aged(rule, measure, bound, found, contract, now)
    rows_failed = found.failing if isinstance(measure, FailingRows | DuplicateRows) else None
    if rule.body.by:
        numbers = worst_first(found.groups or (_NOBODY,), bound)
    elif found.number is not None:
        numbers = [(_NOBODY, Decimal(found.number))]
    else:
        numbers = [(_NOBODY, number(found.rows, found.failing or 0, bound))]
    outside = [(group, n) for group, n in numbers if not bound.holds(n)]
    outcome = Outcome("pass")
    if outside and rule.body.by and rows_failed is not None:
        rows_failed = sum(group.failing for group, _ in outside)  # the others may have as many as they have
    if outside:
        outcome = failed(rule, contract, now, bad=rows_failed, rows=found.rows)
    elif rule.body.warn is not None:
        warn = rule.body.warn
        numbers = worst_first(found.groups, warn) or numbers
        outside = [(group, n) for group, n in numbers if not warn.holds(n)]
        outcome = Outcome("warn", f"it warns unless {warn}") if outside else outcome
    counted = {RowCount: "rows", DuplicateRows: "duplicate rows", FailingRows: "failing rows"}
    noun = counted.get(type(measure), "")
    one = numbers[0][1] == 1 and not bound.percent
    said = f"{_shown(numbers[0][1], bound)} {noun.removesuffix('s') if one else noun}, {bound}"
    if isinstance(measure, SqlResult):
        said = f"the result is {_shown(numbers[0][1], bound)}, {bound}"
    elif found.groups:
        hidden = [(c := contract.column(name)) is not None and c.masked for name in rule.body.by]
        said = f"{counted[type(measure)]} by {', '.join(rule.body.by)}: "
        said += f"{_told(numbers, outside, bound, hidden)}, {bound}"
    return Finding(
        rule.name,
        outcome.status,
        rows_failed=rows_failed,
        measured=_shown(numbers[0][1], bound, apart=""),
        message=outcome.told(said),
        dimension=rule.dimension,
    )


def _aged(
    rule: Rule, measure: Age, bound: Bound, found: Measurement, contract: TableContract, now: datetime
) -> Finding:
    """Without any value there is no age, and the rule fails; also if the newest lies ahead: it hides the others."""
    age = seconds_between(found.moment, now) if found.moment is not None else None
    ahead = age is not None and measure.of == "newest" and age < -_AHEAD_S
    outcome = Outcome("pass")
    if age is None or ahead or not bound.holds(age):
        outcome = failed(rule, contract, now, bad=None, rows=found.rows)
    said = f"the {measure.of} {measure.column} may be {in_time(bound.values[0])} old, and "
    if age is None:
        said += "there is none"
    else:
        said += f"lies {in_time(-age)} ahead" if ahead else f"is {in_time(age)} old"
    measured = None if age is None else f"{age.normalize():f}"
    return Finding(
        rule.name, outcome.status, measured=measured, message=outcome.told(said), dimension=rule.dimension
    )


def _sayable(error: str, rule: Rule, contract: TableContract) -> str:
    """What went wrong. What a query says of values it has met is not for everybody who may read a verdict."""
    assert isinstance(rule.body, Measured)
    asked = isinstance(rule.body.measure, SqlResult) and any(c.masked for c in contract.columns)
    if not asked or error.startswith(_WITHOUT_VALUES):
        return error
    kind = error.partition(":")[0]
    what = kind if kind.endswith(" Error") else "the query failed"
    return f"{what}; its words may hold values of confidential columns, and are not shown"


def _told(
    numbers: Sequence[tuple[Group, Decimal]],
    outside: Sequence[tuple[Group, Decimal]],
    bound: Bound,
    hidden: Sequence[bool],
) -> str:
    """``DE 12%, null 7% and 3 more (5 of 40 segments)``."""
    shown = (outside or numbers)[: SHOWN if outside else 1]
    said = ", ".join(f"{named(group, hidden)} {_shown(n, bound)}" for group, n in shown)
    if not outside:
        return f"at worst {said} ({len(numbers)} segments)"
    more = f" and {len(outside) - len(shown)} more" if len(outside) > len(shown) else ""
    return f"{said}{more} ({len(outside)} of {len(numbers)} segments)"


def _shown(number: Decimal, bound: Bound, apart: str = ",") -> str:
    exponent = number.as_tuple().exponent
    endless = isinstance(exponent, int) and exponent < -_PLACES
    return f"{(round(number, _PLACES) if endless else number).normalize():{apart}f}" + (
        "%" if bound.percent else ""
    )
