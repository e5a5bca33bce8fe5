"""What a check found. A verdict is about exactly one thing: a delivery, or the tree whose root it names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from headgate.model.names import NodeId, RuleName

Status = Literal["pass", "fail", "warn", "error", "info", "not_executed"]
How = Literal["scan", "partial", "statistics", "lookup", "none"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One failing row: where it came from and what stood there, raw. People are shown it through `masking`.

    ``inside``: where in the column the value stood (``.price``, ``[items].price``), if it is not the column's own.
    """

    object: str
    row: int  # 1 is the first row after the header
    key: tuple[tuple[str, str | None], ...]
    column: str
    value: str | None
    masked: frozenset[str] = frozenset()  # columns among these whose values people are not shown
    inside: str = ""

    @property
    def path(self) -> str:
        """The column, and where inside of it: ``lines[items].price``."""
        return self.column + self.inside


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's outcome.

    ``rows_failed`` is None for rules that count no rows; ``measured`` is a rule about the table's number as
    text, in the unit of its bound. ``message`` says it in words, the bound included. ``place``: where in the
    contract the rule was declared; empty for what nobody declared.
    """

    rule: RuleName
    status: Status
    rows_failed: int | None = None
    measured: str | None = None
    message: str = ""
    how: How = "scan"
    samples: tuple[Sample, ...] = ()
    dimension: str | None = None
    severity: str | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings for every declared rule, none left out.

    It passes if no finding is fail, error, or a not_executed that nobody allowed by name.
    ``root``: of the tree that was looked at; None for a delivery that is in no tree. ``masked``: columns whose
    values people are not shown; if there are any, ``declared`` are all columns of the contract. ``engine``: who ran the
    rules; engines that find the same give the same verdict.
    """

    contract_id: str
    contract_version: str
    rows: int
    rows_bad: int
    files: int
    findings: tuple[Finding, ...]
    root: NodeId | None = None
    allowed: frozenset[str] = frozenset()
    masked: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    engine: str = field(default="", compare=False)

    @property
    def passed(self) -> bool:
        return not self.blocking

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings for which it does not pass."""
        return tuple(
            f
            for f in self.findings
            if f.status in {"fail", "error"} or (f.status == "not_executed" and f.rule not in self.allowed)
        )

    def on(self, root: NodeId) -> Verdict:
        """The same verdict, about the tree with this root."""
        return replace(self, root=root)
