"""What a contract adds to a verdict for its readers: how bad each failure is, where it was declared, and which
columns' values people are not shown.
"""

from __future__ import annotations

import re
from dataclasses import replace

from headgate.model.contract import TableContract
from headgate.model.rule import (
    AllOf,
    Body,
    DuplicateRows,
    FailingRows,
    Measured,
    Not,
    NotCompiled,
    References,
    Told,
    Unique,
)
from headgate.model.verdict import Finding, Verdict

_COUNTED = re.compile(r"\A[0-9,]+ of [0-9,]+ rows(?: looked at)?: ")


def attributed(verdict: Verdict, contract: TableContract, engine: str = "") -> Verdict:
    """The same verdict with severity and place of each rule, what is masked, and the engine's name, if there is one.

    Whoever judged it needs not know.
    """
    rules = {r.name: r for r in contract.rules}
    masked = tuple(c.name for c in contract.columns if c.masked)
    hidden = frozenset(masked)

    def told(finding: Finding) -> Finding:
        rule = rules.get(finding.rule)
        samples = tuple(
            replace(s, masked=hidden & {s.column, *(name for name, _ in s.key)}) for s in finding.samples
        )
        if rule is None:
            return replace(finding, samples=samples)
        return replace(
            finding,
            samples=samples,
            dimension=finding.dimension or rule.dimension,
            severity=rule.severity,
            place=rule.place,
        )

    columns = tuple(c.name for c in contract.columns) if masked else ()
    return replace(
        verdict,
        findings=tuple(map(told, verdict.findings)),
        masked=masked,
        declared=columns,
        engine=engine or verdict.engine,
    )


def columns_of(body: Body) -> tuple[str, ...]:
    """The columns that a rule is about; none for one about the table."""
    match body:
        case Unique(columns) | References(columns) | Measured(DuplicateRows(columns)):
            return columns
        case Measured(FailingRows(predicate)):
            return columns_of(predicate)
        case Measured(measure):
            column = getattr(measure, "column", None)
            return (column,) if column else ()
        case AllOf(parts):
            return tuple(dict.fromkeys(c for part in parts for c in columns_of(part)))
        case Not(part):
            return columns_of(part)
        case Told() | NotCompiled():
            return ()
        case _:
            return (body.column,)


def reason(finding: Finding) -> str:
    """Why a row fails the rule: its message without the count of all rows."""
    return _COUNTED.sub("", finding.message)
