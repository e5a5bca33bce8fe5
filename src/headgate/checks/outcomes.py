"""What a rule's failure amounts to: whoever counted, and by whatever engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from headgate.model.contract import TableContract
from headgate.model.rule import Fits, Rule
from headgate.model.verdict import Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """``note``: what there is to say of a waiver."""

    status: Status
    note: str = ""

    def told(self, message: str) -> str:
        """A finding's message with the note behind it."""
        return f"{message}; {self.note}" if self.note else message


def failed(rule: Rule, contract: TableContract, now: datetime, *, bad: int | None, rows: int) -> Outcome:
    """Of a rule that failed: fail, or warn where the contract or a waiver says so.

    ``bad`` of ``rows`` looked at; None where the rule counts no rows. A waiver holds until the end of its last day in
    UTC. A value that does not fit its type cannot be loaded, whatever the contract would put up with.
    """
    if isinstance(rule.body, Fits):
        return Outcome("fail")
    if (rule.on_fail or contract.policy.on_fail) == "warn":
        return Outcome("warn")
    waiver = rule.waiver
    if waiver is None:
        return Outcome("fail")
    if now.astimezone(UTC).date() > waiver.expires:
        return Outcome("fail", f"its waiver expired on {waiver.expires} ({waiver.reason})")
    if waiver.up_to is not None and (bad is None or Decimal(bad) > waiver.up_to * rows):
        share = f"{(100 * waiver.up_to).normalize():f} %"
        return Outcome("fail", f"more than the {share} that are waived until {waiver.expires}")
    return Outcome("warn", f"waived until {waiver.expires}: {waiver.reason}")
