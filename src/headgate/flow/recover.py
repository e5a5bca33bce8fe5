"""`recover`: finish or abort what a killed process left. Never touches a run whose lease is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headgate.catalog.commits import stored_commit
from headgate.catalog.trees import load_tree
from headgate.checks.baseline import baseline_of
from headgate.flow.contracts import compiled, contract_bytes
from headgate.flow.landing import Landed, land
from headgate.flow.plan import LoadIntent, mode_named
from headgate.flow.planning import unguarded_contract
from headgate.flow.preparing import Base, Prepared, Staged, Task
from headgate.flow.runs import LEASE, close
from headgate.intake.policy import governed
from headgate.model.batch import Batch, Counts
from headgate.model.commit import Ref
from headgate.model.errors import HeadgateError, OutcomeUnknown
from headgate.model.names import BatchId, CommitId, RunId, TableName
from headgate.model.record import recorded_object, recorded_verdict
from headgate.model.run import Run
from headgate.ports import Ports

LANDING_S = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """Runs that were brought to their end, and runs that were undone."""

    finished: tuple[RunId, ...]
    aborted: tuple[RunId, ...]


def recover(ports: Ports, batch: BatchId | None = None) -> Recovered:
    """End every dead run (of one batch, or all).

    A load that had staged its rows is landed, if that still goes without reading its source again; anything
    else is aborted: it was never acknowledged, and its source still has it. Files that an aborted run wrote are
    reachable from nothing and are left to garbage collection.

    Raises OutcomeUnknown: the database did not say whether a run landed. It stays open, and is looked up next time.
    """
    finished: list[RunId] = []
    aborted: list[RunId] = []
    for seen in reversed(ports.store.runs(state="open")):
        if batch is not None and seen.batch != batch:
            continue
        with ports.locks.hold(LEASE.format(seen.id), 0) as held:
            run = ports.store.run(seen.id)
            if not held or run is None or run.state != "open":
                continue
            if run.kind == "load" and _finished(ports, run):
                finished.append(run.id)
            else:
                close(ports, run, "aborted", "aborted", drop_branch=True)
                aborted.append(run.id)
    return Recovered(tuple(finished), tuple(aborted))


def _finished(ports: Ports, run: Run) -> bool:
    staged = [s for s in ports.store.steps(run.id) if s.step == "stage"]
    if not staged or _replayed_since(ports, run):
        return False
    try:
        task, prepared = _restored(ports, run, staged[-1].result)
        landed = land(ports, task, prepared, ports.clock.monotonic() + LANDING_S)
    except OutcomeUnknown:
        raise  # it may have landed: neither finished nor to be aborted
    except HeadgateError:
        return False
    return isinstance(landed, Landed)


def _replayed_since(ports: Ports, run: Run) -> bool:
    """True for a replay whose quarantine is over: another one published its rows."""
    parent = run.intent.get("parent")
    return any(q.id == parent and q.state != "open" for q in ports.store.quarantined())


def _restored(ports: Ports, run: Run, result: Mapping[str, Any]) -> tuple[Task, Prepared]:
    """The task and what it had staged, from the step's record and the branch's commit."""
    said: Mapping[str, Any] = run.intent
    table = TableName(said["table"])
    commit = stored_commit(ports.store, CommitId(result["commit"]))
    tree = load_tree(ports.store, commit.root)
    before = stored_commit(ports.store, commit.parents[0])
    entry = tree.table(table)
    assert entry is not None
    assert run.batch is not None
    doc = tree.contract(table)
    document = contract_bytes(ports, doc) if doc else None
    intent = LoadIntent(
        table,
        run.target,
        mode_named(said["mode"]),
        batch=BatchId(said["batch"]) if said.get("batch") else None,
        again=bool(said.get("again")),
        parent=said.get("parent"),
    )
    contract = (
        compiled(ports, document, table, f"contract/{table}", tree)
        if document is not None
        else unguarded_contract(table, ports.lake.columns(entry))
    )
    contract = governed(contract, said.get("on_fail"), None, said.get("order_by"))
    batch = Batch(run.batch, table, intent.mode, tuple(recorded_object(o) for o in result["objects"]))
    staged = Staged(
        tuple(result["added"]),
        recorded_verdict(result["verdict"]),
        Counts(*result["counts"]),
        result["quarantine"],
    )
    base = Base(Ref(run.target, "branch", before.id, -1), before, load_tree(ports.store, before.root))
    task = Task(run, intent, batch, contract, document)
    if task.adopts(base.tree):
        task = replace(task, baseline=baseline_of(ports.store, tree, table))
    return task, Prepared(base, entry, commit, staged)
