"""Service levels of tables as they are now: facts from ledger, runs and data; what they mean is said in `checks`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from headgate.catalog.commits import stored_commit
from headgate.checks import service_levels
from headgate.checks.bounds import measured
from headgate.checks.service_levels import WINDOW_DAYS, History
from headgate.flow.contracts import contracts_of
from headgate.model.contract import TableContract
from headgate.model.names import CommitId, TableName, table_key
from headgate.model.rule import Age, Measured
from headgate.model.tree import TableEntry, Tree
from headgate.model.verdict import Finding
from headgate.ports import Ports

_RUNS_MAX = 100_000


def levels_of(ports: Ports, tree: Tree, head: CommitId) -> Mapping[TableName, tuple[Finding, ...]]:
    """A finding for each service level that can be told, of every table of ``tree``, which is that of ``head``.

    Only columns whose age is promised are read.
    """
    found = {}
    for table, contract in contracts_of(ports, tree).items():
        entry = tree.table(table)
        if entry is not None:
            found[table] = _of_table(ports, table, entry, contract, head)
    return found


def _of_table(
    ports: Ports, table: TableName, entry: TableEntry, contract: TableContract, head: CommitId
) -> tuple[Finding, ...]:
    ages = [r for r in contract.rules if isinstance(r.body, Measured) and isinstance(r.body.measure, Age)]
    if not ages and not contract.levels:
        return ()
    now = ports.clock.now()
    by_name: dict[str, Finding] = {}
    if ages:
        numbers = ports.engine.measure(ports.lake.scan(entry), contract, ages)
        by_name |= {r.name: measured(r, m, contract, now) for r, m in zip(ages, numbers, strict=True)}
    if contract.levels:
        history = _history(ports, table, head, now)
        by_name |= {f.rule: f for f in service_levels.findings(contract, now, history)}
    return tuple(by_name[rule.name] for rule in contract.rules if rule.name in by_name)


def _history(ports: Ports, table: TableName, head: CommitId, now: datetime) -> History:
    """Loads that ended in the window, as done or as failed; what was aborted was done anew, or killed."""
    touched = ports.store.last_touching(table_key(table), head)
    loads = [
        r for r in ports.store.runs(limit=_RUNS_MAX) if r.kind in {"load", "replay"} and r.subject == table
    ]
    since = now - timedelta(days=WINDOW_DAYS)
    ended = [r for r in loads if r.ended is not None and r.ended >= since and r.state in {"done", "failed"}]
    done = {r.id for r in ended if r.state == "done"}
    return History(
        published=stored_commit(ports.store, touched).at if touched is not None else None,
        first=min((r.started for r in loads), default=None),
        loads=len(ended),
        loads_failed=len(ended) - len(done),
        rows=sum(b.counts.rows_good for b in ports.store.batches(table) if b.run in done),
    )
