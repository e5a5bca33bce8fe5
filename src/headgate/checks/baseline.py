"""Old sins: what a table's baseline makes of a verdict on it, and what a verdict makes of the baseline.

Deliveries are never measured by it: a baseline is about rows that were published before their rule was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from headgate.catalog.trees import Nodes, read_document
from headgate.model.baseline import Baseline, Known
from headgate.model.contract import TableContract
from headgate.model.errors import Bug
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured
from headgate.model.tree import Tree
from headgate.model.verdict import Finding, Verdict

_FORMAT = 1
_UPPER = ("mustBeLessThan", "mustBeLessOrEqualTo")


def baseline_of(store: Nodes, tree: Tree, table: TableName) -> Baseline:
    """What is put up with in a table of a tree: nothing, if nothing was recorded."""
    entry = tree.baseline(table)
    return read(read_document(store, entry)) if entry is not None else {}


def in_tree(store: Nodes, tree: Tree, table: TableName, verdict: Verdict) -> Verdict:
    """A verdict on a table of a tree, with what the tree says of its old sins."""
    return put_up_with(verdict, baseline_of(store, tree, table))


def recorded(verdict: Verdict, contract: TableContract) -> Baseline | None:
    """What there is to put up with so that the verdict passes; None if something blocks it that no row is to blame
    for (structure, an error, a rule that was not executed, a number of rows, too few failing rows).
    """
    bounds = {r.name: r.body.bound.operator for r in contract.rules if isinstance(r.body, Measured)}
    if any(not _countable(f) or bounds.get(f.rule) not in {None, *_UPPER} for f in verdict.blocking):
        return None
    return {f.rule: Known(f.rows_failed or 0, verdict.rows) for f in verdict.blocking}


def _countable(finding: Finding) -> bool:
    return finding.status == "fail" and bool(finding.rows_failed)


def put_up_with(verdict: Verdict, baseline: Baseline) -> Verdict:
    """The verdict, in which what is known only warns. What has grown fails, and says from what."""
    return replace(verdict, findings=eased(verdict.findings, baseline, verdict.rows))


def eased(findings: Iterable[Finding], baseline: Baseline, rows: int) -> tuple[Finding, ...]:
    """Findings on a table of so many rows, as `put_up_with`."""
    return tuple(_seen(f, baseline[f.rule], rows) if f.rule in baseline else f for f in findings)


def _seen(finding: Finding, known: Known, rows: int) -> Finding:
    if not _countable(finding):
        return finding
    if known.covers(finding.rows_failed or 0, rows):
        return replace(finding, status="warn", message=f"{finding.message} ({told(known)})")
    return replace(finding, message=f"{finding.message} (more than {told(known)})")


def told(known: Known) -> str:
    """``12 of 300 known from before the rule``."""
    return f"{known.rows_failed:,} of {known.rows:,} known from before the rule"


def kept(baseline: Baseline, old: TableContract | None, new: TableContract) -> Baseline:
    """What of a baseline holds under another contract: of rules that mean the same as before."""
    was = {r.name: (r.body, r.where) for r in old.rules} if old is not None else {}
    same = {r.name for r in new.rules if was.get(r.name) == (r.body, r.where)}
    return {name: known for name, known in baseline.items() if name in same}


def shrunk(baseline: Baseline, verdict: Verdict) -> Baseline:
    """The baseline after rows were mended: fewer failing rows are the new measure. None end it, and so does a number
    that is within its bound again.

    Where the number is the same nothing changes, though the share of a growing table falls: a revert of what was
    added must not be refused.
    """
    now = {
        f.rule: (f.rows_failed or 0) if f.status != "pass" else 0
        for f in verdict.findings
        if f.rule in baseline and f.status not in {"not_executed", "error"}
    }
    found: dict[RuleName, Known] = {}
    for rule, known in baseline.items():
        failed = now.get(rule, known.rows_failed)
        if failed >= known.rows_failed:
            found[rule] = known
        elif failed:
            found[rule] = Known(failed, verdict.rows)
    return found


def agreed(base: Baseline, ours: Baseline, theirs: Baseline) -> Baseline:
    """Of two baselines that both come from ``base`` the lesser, rule by rule; what either has mended is over."""
    found: dict[RuleName, Known] = {}
    for rule in ours.keys() | theirs.keys():
        one, other = ours.get(rule), theirs.get(rule)
        if one is None or other is None:
            if rule not in base:
                found[rule] = one or theirs[rule]
        else:
            found[rule] = min(one, other, key=lambda k: (k.rows_failed, -k.rows))
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
