"""The Narwhals rendering, on Polars, streaming."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import narwhals
import polars as pl

from headgate.checks import bounds
from headgate.edge import collapsing, findings, judging, measuring, splitting
from headgate.edge.judging import Judged
from headgate.edge.rows import rows_of
from headgate.intake.policy import warned
from headgate.model.batch import Mode
from headgate.model.contract import Column, TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured, Rule, Scalar
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Checked, Collapsed, Delivery, Frame, Measurement, Split, TableRules

RENDERING = 1  # to be raised whenever a rendering comes to judge a value differently


@dataclass(frozen=True, slots=True)
class NarwhalsEngine:
    """Polars, in process. Every method runs streaming; what it holds are keys at fault and one block of rows."""

    name: str = "polars"

    def version(self) -> str:
        return f"narwhals-{RENDERING}/{narwhals.__version__}/polars-{pl.__version__}"

    def check(
        self,
        rows: Frame,
        contract: TableContract,
        *,
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
        table_rules: TableRules,
        allowed: frozenset[str] = frozenset(),
    ) -> Checked:
        delivered = rows_of(rows)
        rules = judging.complete(contract)
        wanted = [r for r in rules if r.about_rows or _measured_here(r, table_rules)]
        judged = judging.pass_one(delivered, contract, wanted, parents, existing)
        structural = findings.structure(judged.cells, delivered, contract.policy)
        about_rows = [r for r in wanted if r.about_rows]
        judged = judging.with_bad_rows(judged, contract, about_rows, warned(contract))
        measurements = measuring.from_judged(judged, contract, [r for r in wanted if not r.about_rows])
        found: list[Finding] = list(structural)
        for rule in rules:
            if rule.name in measurements and rule.name not in judged.absent:
                found.append(bounds.measured(rule, measurements[rule.name], contract))
            elif isinstance(rule.body, Measured) and rule not in wanted:
                found.append(findings.unmeasured(rule))
            else:
                found.append(findings.finding(rule, judged, contract, judged.samples.get(rule.name, ())))
        verdict = Verdict(
            contract.id,
            contract.version,
            judged.count,
            judged.count if structural else judged.bad,
            len(delivered.objects),
            tuple(found),
            allowed=allowed,
        )
        return Checked(verdict, Frame(judged))

    def split(
        self,
        rows: Frame,
        contract: TableContract,
        checked: Checked,
        *,
        warn: Collection[RuleName],
        whole: bool = False,
    ) -> Split:
        return splitting.split(rows_of(rows), contract, _judged(checked), frozenset(warn), whole=whole)

    def columns(self, delivery: Delivery) -> tuple[Column, ...]:
        return measuring.columns(rows_of(delivery.rows))

    def collapse(
        self, rows: Frame, contract: TableContract, existing: Frame | None, mode: Mode, order_by: str | None
    ) -> Collapsed:
        return collapsing.collapse(rows_of(rows), contract, existing, mode, order_by)

    def ranges(
        self, rows: Frame, contract: TableContract, columns: Collection[str]
    ) -> Mapping[str, tuple[Scalar, Scalar] | None]:
        return measuring.ranges(rows_of(rows), contract, columns)

    def measure(self, rows: Frame, contract: TableContract, rules: Sequence[Rule]) -> tuple[Measurement, ...]:
        judged = judging.pass_one(rows_of(rows), contract, rules, {}, {})
        found = measuring.from_judged(judged, contract, rules)
        return tuple(found[rule.name] for rule in rules)

    def without(self, rows: Frame, contract: TableContract, keys_of: Frame) -> Frame:
        return collapsing.without(rows, contract, keys_of)

    def together(self, frames: Sequence[Frame]) -> Frame:
        return collapsing.together(frames)


def _measured_here(rule: Rule, table_rules: TableRules) -> bool:
    if not isinstance(rule.body, Measured):
        return False
    return table_rules in ("all", rule.scope)


def _judged(checked: Checked) -> Judged:
    if isinstance(checked.evidence, Judged):
        return checked.evidence
    raise Bug("the check was not made by this engine")
