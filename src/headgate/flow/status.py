"""Where things stand: refs, what waits to be promoted, open quarantines, failed branches, last verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from headgate.catalog.commits import resolve, stored_commit
from headgate.catalog.trees import load_tree
from headgate.checks.baseline import baseline_of
from headgate.flow.contracts import contract_of
from headgate.flow.service_levels import levels_of
from headgate.model.baseline import Baseline
from headgate.model.change import QuarantineRow, VerdictRow
from headgate.model.commit import Ref
from headgate.model.environment import Environment
from headgate.model.names import CommitId, RefName, TableName, table_key, table_of
from headgate.model.run import Run
from headgate.model.tree import EMPTY_TREE, deltas
from headgate.model.verdict import Finding
from headgate.ports import Ports
from headgate.promotion.releases import shown

RUNS_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A table on main. ``contract`` is id and version, None: unguarded. ``verdict``: the one it was published under.

    ``levels``: its service levels, as they are kept now. ``baseline``: what is put up with in it.
    """

    table: TableName
    rows: int
    contract: tuple[str, str] | None
    verdict: VerdictRow | None
    levels: tuple[Finding, ...] = ()
    baseline: Baseline = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """``waiting``: tables that its source has otherwise than its readers see, or not any more; contracts included."""

    name: RefName
    release: int | None
    shows: CommitId | None
    waiting: tuple[TableName, ...]


@dataclass(frozen=True, slots=True)
class Status:
    refs: tuple[Ref, ...]
    tables: tuple[TableStatus, ...]
    environments: tuple[EnvironmentStatus, ...]
    quarantines: tuple[QuarantineRow, ...]
    failed: tuple[Run, ...]  # runs whose branch is still there for people to look at, and that nobody settled
    settled: tuple[Run, ...]  # the same, whose quarantine was replayed or discarded since
    open: tuple[Run, ...]  # under way, or dead and waiting for `recover`


def status(ports: Ports, environments: Iterable[Environment], branch: RefName) -> Status:
    """What a person wants to know first."""
    refs = ports.store.refs()
    names = {r.name for r in refs}
    failed = tuple(
        r
        for r in ports.store.runs(state="failed", limit=RUNS_SHOWN)
        if r.branch is not None and r.branch in names
    )
    over = {q.run for q in ports.store.quarantined()} - {
        q.run for q in ports.store.quarantined(open_only=True)
    }
    return Status(
        refs,
        _tables(ports, branch),
        tuple(_environment(ports, e) for e in environments),
        ports.store.quarantined(open_only=True),
        tuple(r for r in failed if r.id not in over),
        tuple(r for r in failed if r.id in over),
        ports.store.runs(state="open"),
    )


def _tables(ports: Ports, branch: RefName) -> tuple[TableStatus, ...]:
    head = resolve(ports.store, branch)
    tree = load_tree(ports.store, stored_commit(ports.store, head).root)
    levels = levels_of(ports, tree, head)
    found = []
    for table in tree.tables():
        entry = tree.table(table)
        assert entry is not None
        contract = contract_of(ports, tree, table)
        named = (contract.id, contract.version) if contract is not None else None
        verdict = last_verdict(ports, table, head)
        known = baseline_of(ports.store, tree, table)
        rows = ports.lake.rows(entry)
        found.append(TableStatus(table, rows, named, verdict, levels.get(table, ()), known))
    return tuple(found)


def last_verdict(ports: Ports, table: TableName, head: CommitId) -> VerdictRow | None:
    """The verdict under which the table came to be as it is at ``head``: what was rejected is not among them."""
    commit = ports.store.last_touching(table_key(table), head)
    if commit is None:
        return None
    rows = ports.store.verdicts(root=stored_commit(ports.store, commit).root)
    return next((r for r in rows if r.table in {table, None}), None)


def _environment(ports: Ports, environment: Environment) -> EnvironmentStatus:
    now = shown(partial(ports.store.release, environment.name))
    ahead = load_tree(ports.store, stored_commit(ports.store, resolve(ports.store, environment.source)).root)
    behind = load_tree(ports.store, stored_commit(ports.store, now.commit).root) if now else EMPTY_TREE
    differing = dict.fromkeys(table_of(d.key) for d in deltas(behind, ahead))
    waiting = tuple(sorted(t for t in differing if t is not None))
    return EnvironmentStatus(environment.name, now.id if now else None, now.commit if now else None, waiting)
