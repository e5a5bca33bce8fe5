"""Old sins: what a table's baseline makes of a verdict on it, and what a verdict makes of the baseline.

Deliveries are never measured by it: a baseline is about rows that were published before their rule was.
"""

from __future__ import annotations

import json
from dataclasses import replace

from headgate.model.baseline import Baseline, Known
from headgate.model.errors import Bug
from headgate.model.names import RuleName
from headgate.model.verdict import Finding, Verdict

_FORMAT = 1


def recorded(verdict: Verdict) -> Baseline | None:
    """What there is to put up with so that the verdict passes; None if something blocks it that no row is to blame
    for (structure, an error, a rule that was not executed, a number of rows).
    """
    if any(not _countable(f) for f in verdict.blocking):
        return None
    return {f.rule: Known(f.rows_failed or 0, verdict.rows) for f in verdict.blocking}


def _countable(finding: Finding) -> bool:
    return finding.status == "fail" and bool(finding.rows_failed)


def put_up_with(verdict: Verdict, baseline: Baseline) -> Verdict:
    """The verdict, in which what is known only warns. What has grown fails, and says from what."""
    if not baseline:
        return verdict
    found = tuple(
        _seen(f, baseline[f.rule], verdict.rows) if f.rule in baseline else f for f in verdict.findings
    )
    return replace(verdict, findings=found)


def _seen(finding: Finding, known: Known, rows: int) -> Finding:
    if not _countable(finding):
        return finding
    failed = finding.rows_failed or 0
    was = f"{known.rows_failed:,} of {known.rows:,} rows are known from before this rule"
    if known.covers(failed, rows):
        return replace(finding, status="warn", message=f"{was}: {finding.message}")
    return replace(finding, message=f"more than the baseline puts up with ({was}): {finding.message}")


def shrunk(baseline: Baseline, verdict: Verdict) -> Baseline:
    """The baseline after rows were mended: fewer failing rows are the new measure, none end it.

    Where the number is the same nothing changes, though the share of a growing table falls: a revert of what was
    added must not be refused.
    """
    now = {
        f.rule: f.rows_failed or 0
        for f in verdict.findings
        if f.rule in baseline and f.status != "not_executed"
    }
    found: dict[RuleName, Known] = {}
    for rule, known in baseline.items():
        failed = now.get(rule, known.rows_failed)
        if failed >= known.rows_failed:
            found[rule] = known
        elif failed:
            found[rule] = Known(failed, verdict.rows)
    return found


def written(baseline: Baseline) -> bytes:
    """As a document of the tree: the same for the same baseline."""
    rules = {name: [known.rows_failed, known.rows] for name, known in sorted(baseline.items())}
    return json.dumps({"format": _FORMAT, "rules": rules}, separators=(",", ":")).encode()


def read(document: bytes) -> Baseline:
    said = json.loads(document)
    if said["format"] != _FORMAT:
        raise Bug(f"a baseline of format {said['format']}", place="baseline")
    return {RuleName(name): Known(failed, rows) for name, (failed, rows) in said["rules"].items()}
