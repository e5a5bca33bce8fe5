"""Rows of a table that fail rules and were let in all the same: by rules that only warn, or loads that were told to.

A load judges what it brings. That the table holds such rows from before is part of the verdict on it, so they are
carried from the last one; where rows left the table, or its contract is another, they are counted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headgate.checks.again import check_again
from headgate.flow.preparing import Base, Task
from headgate.flow.status import last_verdict
from headgate.model.names import RuleName, short
from headgate.model.tree import Tree
from headgate.ports import Ports


@dataclass(frozen=True, slots=True)
class Failing:
    """``rows`` of the table fail a rule: before the load, or (``whole``) with what it brings."""

    rows: int
    whole: bool = False


def let_in_before(
    ports: Ports, task: Task, onto: Base, merged: Tree, *, removed: bool
) -> Mapping[RuleName, Failing]:
    """Of each rule about rows that some rows of the table fail: how many. ``removed``: rows left the table."""
    if onto.tree.table(task.table) is None:
        return {}
    known = {} if task.adopts(onto.tree) else _carried(ports, task, onto)
    again = [r for r in task.contract.rules if r.about_rows and (r.name in known or task.adopts(onto.tree))]
    if not again or not (removed or task.adopts(onto.tree)):
        return {name: Failing(rows) for name, rows in known.items()}
    verdict = check_again(ports, merged, task.table, replace(task.contract, rules=tuple(again)))
    return {f.rule: Failing(f.rows_failed, whole=True) for f in verdict.findings if f.rows_failed}


def _carried(ports: Ports, task: Task, onto: Base) -> dict[RuleName, int]:
    """What the verdict says under which the table came to be as it is."""
    row = last_verdict(ports, task.table, onto.commit.id)
    if row is None:
        return {}
    of_table = f"{short(task.table)}:" if row.table is None else ""
    return {
        RuleName(f.rule.removeprefix(of_table)): f.rows_failed
        for f in row.verdict.findings
        if f.status == "warn" and f.rows_failed and f.rule.startswith(of_table)
    }
