"""A check in its order, the same on every engine: pass 1, structure, pass 2 if rows failed, measures, findings.

An engine brings its `Passes`: what is counted and which keys are at fault, and which rows fail what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from headgate.checks import bounds
from headgate.edge import findings, judging, measuring
from headgate.edge.judging import Judged, Mark
from headgate.edge.rows import Rows
from headgate.model.contract import TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured, Rule
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Checked, Frame, TableRules


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
    wanted = [r for r in rules if r.about_rows or _measured_here(r, table_rules)]
    judged = passes.pass_one(rows, contract, wanted, parents, existing)
    structural = findings.structure(judged.cells, rows, contract.policy)
    about_rows = [r for r in wanted if r.about_rows]
    outcomes = findings.outcomes(about_rows, judged, contract, passes.now)
    warned = [name for name, outcome in outcomes.items() if outcome.status == "warn"]
    judged = judging.with_bad_rows(judged, contract, about_rows, warned, passes.mark)
    measurements = measuring.from_judged(judged, contract, [r for r in wanted if not r.about_rows])
    found: list[Finding] = list(structural)
    for rule in rules:
        if rule.name in measurements and rule.name not in judged.absent:
            found.append(bounds.measured(rule, measurements[rule.name], contract, passes.now))
        elif isinstance(rule.body, Measured) and rule not in wanted:
            found.append(findings.unmeasured(rule))
        else:
            found.append(findings.finding(rule, judged, contract, outcomes.get(rule.name)))
    verdict = Verdict(
        contract.id,
        contract.version,
        judged.count,
        judged.count if structural else judged.bad,
        len(rows.objects),
        tuple(found),
        allowed=allowed,
    )
    return Checked(verdict, Frame(judged))


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


def _measured_here(rule: Rule, table_rules: TableRules) -> bool:
    if not isinstance(rule.body, Measured):
        return False
    return table_rules in ("all", rule.scope)
