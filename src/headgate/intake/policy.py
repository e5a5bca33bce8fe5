"""What becomes of rows and batches that fail, for one load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.rule import Age, Fits, Measured, OnFail, Rule
from headgate.model.verdict import Finding, Verdict


def governed(
    contract: TableContract, on_fail: OnFail | None, max_quarantined: Decimal | None, order_by: str | None
) -> TableContract:
    """The contract with what was said for this one load put over it."""
    policy = contract.policy
    policy = replace(
        policy,
        on_fail=on_fail or policy.on_fail,
        max_quarantined=policy.max_quarantined if max_quarantined is None else max_quarantined,
        order_by=order_by or policy.order_by,
    )
    rules = contract.rules
    if on_fail:  # which is about rows: how late the data are, is for the contract to say
        rules = tuple(r if _is_age(r) else replace(r, on_fail=None) for r in rules)
    return replace(contract, policy=policy, rules=rules)


def _is_age(rule: Rule) -> bool:
    return isinstance(rule.body, Measured) and isinstance(rule.body.measure, Age)


@dataclass(frozen=True, slots=True)
class TakeGood:
    """Load the good rows; the bad ones, if any, go to quarantine."""


@dataclass(frozen=True, slots=True)
class QuarantineBatch:
    """Load nothing; ``because`` are the findings that decided it."""

    because: tuple[Finding, ...]
    why: str


def on_fail_of(contract: TableContract, rule: RuleName) -> OnFail:
    found = next((r for r in contract.rules if r.name == rule), None)
    if found is None:
        return "quarantine_batch"  # structure: an absent or undeclared column concerns every row
    chosen = found.on_fail or contract.policy.on_fail
    if isinstance(found.body, Fits) and chosen == "warn":
        return "quarantine_rows"  # a value that does not fit cannot be stored, whoever warns
    if not found.about_rows and chosen == "quarantine_rows":
        return "quarantine_batch"  # no row to blame
    return chosen


def warned(verdict: Verdict) -> frozenset[RuleName]:
    """Rules whose failures are only told, because the contract or a waiver says so: they make no row bad."""
    return frozenset(f.rule for f in verdict.findings if f.status == "warn")


def decide(verdict: Verdict, contract: TableContract, rows_in: int) -> TakeGood | QuarantineBatch:
    """What a verdict on a delivery means. Pure.

    ``rows_in``: as delivered, before collapsing: the share of bad rows is taken of these.
    """
    whole = tuple(
        f
        for f in verdict.blocking
        if f.status in {"error", "not_executed"} or on_fail_of(contract, f.rule) == "quarantine_batch"
    )
    if whole:
        return QuarantineBatch(whole, whole[0].message or f"{whole[0].rule} failed")
    limit = contract.policy.max_quarantined
    if verdict.rows_bad and Decimal(verdict.rows_bad) > limit * rows_in:
        share = Decimal(100 * verdict.rows_bad) / rows_in
        said = f"{verdict.rows_bad} of {rows_in} rows are bad: {share:.2f} % is over the limit of {100 * limit:f} %"
        return QuarantineBatch(verdict.blocking, said)
    return TakeGood()
