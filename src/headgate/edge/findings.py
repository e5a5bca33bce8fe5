"""From counts to findings: what each rule found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headgate.checks.outcomes import Outcome, failed
from headgate.edge.cells import Absent, Cells
from headgate.edge.judging import Judged
from headgate.edge.rows import Rows
from headgate.edge.wording import in_words
from headgate.model.contract import Policy, TableContract
from headgate.model.names import RuleName
from headgate.model.rule import NotCompiled, Rule, Told
from headgate.model.verdict import Finding


def structure(cells: Cells, rows: Rows, policy: Policy) -> list[Finding]:
    """Columns that are absent and may not be, and columns that nobody declared."""
    found: list[Finding] = []
    if policy.missing_columns == "fail":
        found += [
            Finding(
                RuleName(f"{absent.column}.present"),
                "fail",
                message=f"the column {absent.column} is absent{_in(absent, rows)}; "
                "`missingColumns: null` in the contract would take it for null",
            )
            for absent in cells.missing
        ]
    if policy.extra_columns == "fail":
        found += [
            Finding(
                RuleName(f"{extra.column}.undeclared"),
                "fail",
                message=f"the contract declares no column {extra.column}{_in(extra, rows)}; "
                "`extraColumns: drop` in the contract would leave it out",
            )
            for extra in cells.undeclared
        ]
    return found


def outcomes(
    rules: Sequence[Rule], judged: Judged, contract: TableContract, now: datetime
) -> dict[RuleName, Outcome]:
    """What the failures of rules about rows amount to."""
    return {
        rule.name: failed(rule, contract, now, bad=bad, rows=judged.looked_at(rule))
        for rule in rules
        if rule.about_rows and (bad := judged.failing.get(rule.name))
    }


def finding(rule: Rule, judged: Judged, contract: TableContract, outcome: Outcome | None) -> Finding:
    """The finding of a rule about rows, or of one that nothing runs. ``outcome``: None if no row fails it."""
    name, body = rule.name, rule.body
    if isinstance(body, Told):
        return Finding(name, "info", message=body.what, how="none", dimension=rule.dimension)
    if isinstance(body, NotCompiled):
        return Finding(name, "not_executed", message=body.why, how="none", dimension=rule.dimension)
    if name in judged.errors:
        return Finding(name, "error", message=judged.errors[name], how="none", dimension=rule.dimension)
    if name in judged.absent:
        return Finding(
            name, "not_executed", message=judged.absent[name], how="none", dimension=rule.dimension
        )
    said = in_words(body, contract)
    if outcome is None:
        return Finding(name, "pass", rows_failed=0, message=said, dimension=rule.dimension)
    bad = judged.failing[name]
    of = f"{judged.looked_at(rule):,} rows" + (" looked at" if rule.where is not None else "")
    return Finding(
        name,
        outcome.status,
        rows_failed=bad,
        message=outcome.told(f"{bad:,} of {of}: {said}"),
        samples=judged.samples.get(name, ()),
        dimension=rule.dimension,
    )


def unmeasured(rule: Rule) -> Finding:
    """A rule about the table that this check was not asked to measure."""
    where = "each delivery" if rule.scope == "delivery" else "the merged table"
    return Finding(rule.name, "info", message=f"measured on {where}", how="none", dimension=rule.dimension)


def _in(absent: Absent, rows: Rows) -> str:
    if len(set(absent.objects)) >= len(rows.objects):
        return ""
    first = rows.where(absent.objects[0])
    others = len(set(absent.objects)) - 1
    return f" in {first}" + (f" and {others} more" if others else "")
