"""A check in its order, the same on every engine: pass 1, structure, pass 2 if rows failed, measures, findings.

`InProcess` is that order; an engine brings what is counted and which keys are at fault, and which rows fail what.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Protocol

from headgate.checks import bounds
from headgate.checks.outcomes import Outcome
from headgate.edge import collapsing, findings, marking, measuring, splitting
from headgate.edge.clock import SystemClock
from headgate.edge.judging import Judged
from headgate.edge.marking import Mark
from headgate.edge.rows import Rows, rows_of
from headgate.model.contract import TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured, Rule
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Checked, Clock, Frame, Measurement, Split, TableRules


class PassOne(Protocol):
    """`judging.pass_one`, or the same on another engine. ``keep``: rows that fail may be kept, if that is cheap."""

    def __call__(
        self,
        rows: Rows,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
        *,
        keep: bool = False,
    ) -> Judged: ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """An engine in this process, but for its ``name`` and the two passes that it brings. The evidence is a `Judged`."""

    name: str
    clock: Clock = field(default_factory=SystemClock)  # for waivers, and the age of data

    pass_one: ClassVar[PassOne]
    mark: ClassVar[Mark]

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
        """As `ports.Judge` says."""
        delivered, rules, now = rows_of(rows), contract.complete_rules, self.clock.now()
        wanted = [r for r in rules if r.about_rows or measured_here(r, table_rules)]
        judged = self.pass_one(delivered, contract, wanted, parents, existing, keep=True)
        judged = replace(judged, count=judged.count + beside)
        structural = findings.structure(judged.cells, delivered, contract.policy)
        about_rows = [r for r in wanted if r.about_rows]
        outcomes = findings.outcomes(about_rows, judged, contract, now)
        judged = marking.with_bad_rows(judged, contract, about_rows, warned(outcomes), self.mark)
        measurements = measuring.from_judged(judged, contract, [r for r in wanted if not r.about_rows])
        found = Found(judged, structural, measurements, outcomes, now)
        return Checked(replace(told(found, rules, contract), allowed=allowed), Frame(judged))

    def split(
        self,
        rows: Frame,
        contract: TableContract,
        checked: Checked,
        *,
        warn: Collection[RuleName],
        whole: bool = False,
    ) -> Split:
        """As `ports.Judge` says: two LazyFrames."""
        judged = judged_of(checked)
        return splitting.split(rows_of(rows), contract, judged, frozenset(warn), whole=whole, mark=self.mark)

    def measure(
        self,
        rows: Frame,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame] = MappingProxyType({}),
    ) -> tuple[Measurement, ...]:
        """As `ports.Counter` says."""
        judged = self.pass_one(rows_of(rows), contract, rules, parents, {})
        found = measuring.from_judged(judged, contract, rules)
        return tuple(found[rule.name] for rule in rules)

    def keys(
        self, rows: Frame, contract: TableContract, columns: Sequence[str], names: Sequence[str]
    ) -> Frame | None:
        """As `ports.Counter` says."""
        return measuring.keys(rows_of(rows), contract, columns, names)

    def together(self, frames: Sequence[Frame]) -> Frame:
        """As `ports.Counter` says."""
        return collapsing.together(frames)


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


def judged_of(checked: Checked) -> Judged:
    """The evidence of a check of ours."""
    if isinstance(checked.evidence, Judged):
        return checked.evidence
    raise Bug("the check was not made by this engine")


def measured_here(rule: Rule, table_rules: TableRules) -> bool:
    if not isinstance(rule.body, Measured):
        return False
    return table_rules in ("all", rule.scope)
