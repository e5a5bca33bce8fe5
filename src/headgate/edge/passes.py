"""A check in its order, the same on every engine: pass 1, structure, pass 2 if rows failed, measures, findings.

An engine brings its `Passes`: what is counted and which keys are at fault, and which rows fail what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from headgate.checks import bounds
from headgate.checks.outcomes import Outcome
from headgate.edge import findings, marking, measuring
from headgate.edge.judging import Judged
from headgate.edge.marking import Mark
from headgate.edge.rows import Rows
from headgate.model.contract import TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured, Rule
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Checked, Frame, Measurement, TableRules


class PassOne(Protocol):
    """`judging.pass_one`, or the same on another engine."""

    def __call__(
        self,
        rows: Rows,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
    ) -> Judged: ...


@dataclass(frozen=True, slots=True)
class Passes:
    """What an engine brings to a check. ``now`` is for waivers, and the age of data."""

    pass_one: PassOne
    mark: Mark
    now: datetime


def checked(
    passes: Passes,
    rows: Rows,
    contract: TableContract,
    *,
    parents: Mapping[TableName, Frame],
    existing: Mapping[RuleName, Frame],
    table_rules: TableRules,
    allowed: frozenset[str],
) -> Checked:
    """As `Judge.check` says. The evidence is a `Judged`."""
    rules = contract.complete_rules
    wanted = [r for r in rules if r.about_rows or measured_here(r, table_rules)]
    judged = passes.pass_one(rows, contract, wanted, parents, existing)
    structural = findings.structure(judged.cells, rows, contract.policy)
    about_rows = [r for r in wanted if r.about_rows]
    outcomes = findings.outcomes(about_rows, judged, contract, passes.now)
    judged = marking.with_bad_rows(judged, contract, about_rows, warned(outcomes), passes.mark)
    measurements = measuring.from_judged(judged, contract, [r for r in wanted if not r.about_rows])
    found = Found(judged, structural, measurements, outcomes, passes.now)
    return Checked(replace(told(found, rules, contract), allowed=allowed), Frame(judged))


@dataclass(frozen=True, slots=True)
class Found:
    """All that a check has found. ``measurements``: of the rules about the table that were measured here."""

    judged: Judged
    structural: Sequence[Finding]
    measurements: Mapping[RuleName, Measurement]
    outcomes: Mapping[RuleName, Outcome]
    now: datetime


def told(found: Found, rules: Sequence[Rule], contract: TableContract) -> Verdict:
    """The verdict, with a finding of every rule."""
    judged = found.judged
    told: list[Finding] = list(found.structural)
    for rule in rules:
        measurement = found.measurements.get(rule.name)
        if rule.name in judged.absent:
            told.append(findings.finding(rule, judged, contract, None))
        elif measurement is not None:
            told.append(bounds.measured(rule, measurement, contract, found.now))
        elif isinstance(rule.body, Measured):
            told.append(findings.unmeasured(rule))
        else:
            told.append(findings.finding(rule, judged, contract, found.outcomes.get(rule.name)))
    return Verdict(
        contract.id,
        contract.version,
        judged.count,
        judged.count if found.structural else judged.bad,
        len(judged.rows.objects),
        tuple(told),
    )


def warned(outcomes: Mapping[RuleName, Outcome]) -> list[RuleName]:
    """The rules whose failures make no row bad."""
    return [name for name, outcome in outcomes.items() if outcome.status == "warn"]


def beside(pass_one: PassOne, count: int) -> PassOne:
    """The same pass, where ``count`` rows that fail nothing stand beside the rows that are read."""

    def counted(
        rows: Rows,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
    ) -> Judged:
        judged = pass_one(rows, contract, rules, parents, existing)
        return replace(judged, count=judged.count + count)

    return counted if count else pass_one


def judged_of(checked: Checked) -> Judged:
    """The evidence of a check of ours."""
    if isinstance(checked.evidence, Judged):
        return checked.evidence
    raise Bug("the check was not made by this engine")


def measured_here(rule: Rule, table_rules: TableRules) -> bool:
    if not isinstance(rule.body, Measured):
        return False
    return table_rules in ("all", rule.scope)
