"""A verdict with what its readers need beside it: the one value that every output format is made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from headgate.checks.evidence import columns_of
from headgate.model.masking import shown
from headgate.model.names import short
from headgate.model.verdict import Finding, Verdict

if TYPE_CHECKING:
    from headgate.model.contract import TableContract
    from headgate.model.names import NodeId, TableName
    from headgate.model.profile import Profile
    from headgate.model.rule import Rule
    from headgate.project import Project


@dataclass(frozen=True, slots=True)
class Evidence:
    """``verdict`` as people are shown it: masked and cut. ``name``: of the schema object or table.

    ``data``: what was looked at, as it was named. ``at``: when the verdict was formed, ``took_s`` how long that took.
    ``id``: of this verdict, unique (a run's, where there is one). ``contract``: the file, if it is one; then ``line``
    gives the line of a rule's place. ``rules``: those of the contract, where they are known, by name. ``profile``:
    where one was asked for. ``meanings``: what the contract says of its columns, by name.
    """

    verdict: Verdict
    name: str
    data: Sequence[str]
    at: datetime
    id: str
    took_s: float = 0.0
    contract: str | None = None
    line: Callable[[str], int] = lambda _: 1
    rules: Mapping[str, Rule] = field(default_factory=dict)
    profile: Profile | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.verdict.findings

    @property
    def outcome(self) -> str:
        return "passed" if self.verdict.passed else "failed"

    def blocks(self, finding: Finding) -> bool:
        """True if the verdict does not pass because of it."""
        return finding.status in {"fail", "error"} or (
            finding.status == "not_executed" and finding.rule not in self.verdict.allowed
        )

    def columns(self, finding: Finding) -> tuple[str, ...]:
        """The columns that a rule is about; none for one about the table."""
        rule = self.rules.get(finding.rule)
        if rule is not None:
            return columns_of(rule.body)
        name, dot, _ = finding.rule.rpartition(".")  # structure: `amount.present`
        return (name,) if dot and finding.rule.endswith((".present", ".undeclared", ".type")) else ()


def masked(verdict: Verdict, *, unmasked: bool = False) -> Verdict:
    """The verdict as people are shown it."""
    return replace(
        verdict,
        findings=tuple(
            replace(f, samples=tuple(shown(s, unmasked=unmasked) for s in f.samples))
            for f in verdict.findings
        ),
    )


Said: TypeAlias = (
    "tuple[Mapping[str, Rule], Mapping[str, str]]"  # rules by name, and what is said of the columns
)


def of_contract(contract: TableContract | None) -> Said:
    """What a contract, if there is one, says."""
    if contract is None:
        return {}, {}
    meanings = {c.name: c.description for c in contract.columns if c.description}
    return {r.name: r for r in contract.rules}, meanings


def of_tree(project: Project, root: NodeId, table: TableName | None) -> Said:
    """What the contract of a table in a tree says; without a table the rules of all of them, as they are called where
    several are judged (``orders:amount.minimum``).
    """
    found = project.contracts_at(root)
    if table is not None:
        return of_contract(found.get(table))
    return {f"{short(t)}:{r.name}": r for t, c in found.items() for r in c.rules}, {}


def relative(path: str, base: str | None = None) -> str:
    """A path as it is best told: below the folder that one is in (or ``base``) it goes without it."""
    found = os.path.relpath(path, base)
    return path if found.startswith("..") else found.replace(os.sep, "/")


def lines_of(contract: str) -> Callable[[str], int]:
    """The line of each place in a contract's file; 1 for what is not in it."""
    from headgate.contract.document import line_of
    from headgate.edge.documents import document_of

    document = document_of(contract)
    return lambda place: line_of(document, place)
