"""Writing the catalog's database: what one transaction does, over an open connection that has begun it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.dialects.sqlite import insert

from headgate.catalog.admission import Move, first_broken, plan_moves
from headgate.catalog.trees import EMPTY_ROOT, node_id
from headgate.edge.store import history as store_history
from headgate.edge.store import read as store_read
from headgate.edge.store import schema as t
from headgate.edge.store.rows import batch_columns, entry_text, micros, text, verdict_text
from headgate.model.change import Changes, Done, QuarantineRow, Refused, Requirement
from headgate.model.commit import Commit, Ref, Release
from headgate.model.errors import Bug
from headgate.model.event import Event
from headgate.model.names import CommitId, NodeId, RefName, RunId, TableName
from headgate.model.run import Run

_ADD_NODE = insert(t.node).on_conflict_do_nothing()
_ADD_PARTIAL = insert(t.partial).on_conflict_do_nothing()
_ADD_COMMIT = insert(t.commit)
_ADD_PARENT = insert(t.commit_parent)
_ADD_DELTA = insert(t.delta)
_ADD_TAINT = insert(t.taint)
_ADD_BATCH = insert(t.batch)
_ADD_OBJECT = insert(t.batch_object)
_ADD_RELEASE = insert(t.release)
_ADD_VERDICT = insert(t.verdict)
_ADD_EVENT = insert(t.event)
_ADD_REFLOG = insert(t.reflog)
_ADD_REF = insert(t.ref)

_add_run = insert(t.run)
_PUT_RUN = _add_run.on_conflict_do_update(
    index_elements=["id"], set_={c.name: _add_run.excluded[c.name] for c in t.run.c if c.name != "id"}
)
_add_step = insert(t.step)
_PUT_STEP = _add_step.on_conflict_do_update(
    index_elements=["run", "step", "input_hash"], set_={"result": _add_step.excluded.result}
)
_add_quarantine = insert(t.quarantine)
_PUT_QUARANTINE = _add_quarantine.on_conflict_do_update(
    index_elements=["id"],
    set_={c.name: _add_quarantine.excluded[c.name] for c in t.quarantine.c if c.name not in {"n", "id"}},
)
_at_ref = (t.ref.c.name == bindparam("at_name")) & (t.ref.c.gen == bindparam("at_gen"))
_at_ref &= t.ref.c.head == bindparam("at_head")
_MOVE_REF = (
    update(t.ref)
    .where(_at_ref)
    .values(head=bindparam("head"), gen=bindparam("gen"), protected=bindparam("protected"))
)
_DROP_REF = t.ref.delete().where(_at_ref)


class InTransaction:
    """What `admission` sees: the database inside the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    def ref(self, name: RefName) -> Ref | None:
        return store_read.ref(self._c, name)

    def aliases_of(self, branch: RefName) -> tuple[Ref, ...]:
        return store_read.aliases_of(self._c, branch)

    def last_gen(self, name: RefName) -> int:
        return store_read.last_gen(self._c, name)

    def commit_of(self, id: CommitId) -> Commit | None:
        return store_history.commit_of(self._c, id)

    def passed(self, root: NodeId) -> Mapping[TableName | None, bool]:
        return store_read.passed(self._c, root)

    def taint(self, commit: CommitId) -> str | None:
        return store_history.taint(self._c, commit)

    def run(self, id: RunId) -> Run | None:
        return store_read.run(self._c, id)

    def last_release(self, environment: str) -> int | None:
        return store_read.last_release(self._c, environment)


def write(c: Connection, changes: Changes, requires: Sequence[Requirement], at: int) -> Done | Refused:
    """Everything in ``changes``. After Refused the transaction must be rolled back: part of it is written."""
    view = InTransaction(c)
    broken = first_broken(view, requires)
    if broken is not None:
        return broken
    _add_nodes(c, changes.nodes)
    _add_commits(c, changes, at)
    _add_ledger(c, changes)
    _add_runs(c, changes)
    if changes.releases:
        c.execute(_ADD_RELEASE, [_release(r) for r in changes.releases])
    if changes.refs:
        moves = plan_moves(view, changes.refs, requires)
        if isinstance(moves, Refused):
            return moves
        _move_refs(c, moves, at)
    return Done(_add_events(c, changes.events))


def _add_nodes(c: Connection, nodes: Mapping[NodeId, bytes]) -> None:
    for id, content in nodes.items():
        if node_id(content) != id:
            raise Bug("a node's id is not the hash of its content", place=id)
    if nodes:
        c.execute(_ADD_NODE, [{"id": id, "content": content} for id, content in nodes.items()])


def _add_commits(c: Connection, changes: Changes, at: int) -> None:
    for commit in changes.commits:
        _add_commit(c, commit, changes)
    for cleared, reasons in ((False, changes.taints), (True, changes.clearances)):
        for id, why in reasons.items():
            n = _number(c, id)
            c.execute(_ADD_TAINT, {"commit": n, "cleared": cleared, "why": why, "at": at})
            (store_history.end_taint if cleared else store_history.spread_taint)(c, n)


def _add_commit(c: Connection, commit: Commit, changes: Changes) -> None:
    if commit.root != EMPTY_ROOT and store_read.node(c, commit.root) is None:
        raise Bug("a commit's root is not stored", place=commit.id)
    if store_history.number(c, commit.id) is not None:
        return  # the same content under the same id: written before
    parents = [_number(c, id) for id in commit.parents]
    row = {
        "id": commit.id,
        "root": commit.root,
        "generation": commit.generation,
        "author": commit.author,
        "message": commit.message,
        "at": micros(commit.at),
        "run": commit.run,
        "reverts": commit.reverts,
    }
    inserted = c.execute(_ADD_COMMIT, row).inserted_primary_key
    if inserted is None:
        raise Bug("a commit got no number", place=commit.id)
    n: int = inserted[0]
    if parents:
        c.execute(
            _ADD_PARENT,
            [{"commit": n, "position": i, "parent": parent} for i, parent in enumerate(parents)],
        )
        store_history.inherit_taint(c, n, parents)
    deltas = changes.deltas.get(commit.id, ())
    if deltas:
        c.execute(
            _ADD_DELTA,
            [{"key": d.key, "commit": n, "old": entry_text(d.old), "new": entry_text(d.new)} for d in deltas],
        )


def _number(c: Connection, id: CommitId) -> int:
    n = store_history.number(c, id)
    if n is None:
        raise Bug("a commit is named and not stored", place=id)
    return n


def _add_ledger(c: Connection, changes: Changes) -> None:
    for row in changes.batches:
        inserted = c.execute(_ADD_BATCH, batch_columns(row)).inserted_primary_key
        if inserted is None:
            raise Bug("a batch got no number", place=row.batch)
        if row.objects:
            c.execute(
                _ADD_OBJECT,
                [
                    {
                        "batch": inserted[0],
                        "position": i,
                        "digest": o.digest,
                        "location": o.location,
                        "bytes": o.bytes,
                        "format": o.format,
                    }
                    for i, o in enumerate(row.objects)
                ],
            )
    if changes.quarantine:
        c.execute(_PUT_QUARANTINE, [_quarantine(q) for q in changes.quarantine])
    if changes.partials:
        c.execute(_ADD_PARTIAL, [{"key": key, "body": body} for key, body in changes.partials.items()])


def _add_runs(c: Connection, changes: Changes) -> None:
    if changes.runs:
        c.execute(_PUT_RUN, [_run(r) for r in changes.runs])
    if changes.steps:
        c.execute(
            _PUT_STEP,
            [
                {"run": s.run, "step": s.step, "input_hash": s.input_hash, "result": text(s.result)}
                for s in changes.steps
            ],
        )
    for row in changes.verdicts:
        about = row.verdict.root
        if about not in (None, row.root):
            raise Bug("a verdict is filed under the root of another tree", place=row.root)
        c.execute(
            _ADD_VERDICT,
            {
                "root": row.root,
                "run": row.run,
                "table_name": row.table,
                "passed": None if about is None else row.verdict.passed,
                "body": verdict_text(row.verdict),
                "at": micros(row.at),
            },
        )


def _move_refs(c: Connection, moves: Sequence[Move], at: int) -> None:
    for move in moves:
        before, after = move.before, move.after
        if before is None and after is not None:
            c.execute(_ADD_REF, _ref(after))
        elif before is not None:
            place = {"at_name": before.name, "at_head": before.head, "at_gen": before.gen}
            moved = (
                c.execute(_DROP_REF, place)
                if after is None
                else c.execute(
                    _MOVE_REF, {**place, "head": after.head, "gen": after.gen, "protected": after.protected}
                )
            )
            if moved.rowcount != 1:
                raise Bug("a ref moved inside the transaction", place=before.name)
    c.execute(
        _ADD_REFLOG,
        [
            {
                "name": m.name,
                "gen": m.after.gen if m.after else m.before.gen + 1 if m.before else 0,
                "old": m.before.head if m.before else None,
                "new": m.after.head if m.after else None,
                "at": at,
                "reason": m.reason,
            }
            for m in moves
        ],
    )


def _add_events(c: Connection, events: Sequence[Event]) -> tuple[Event, ...]:
    if not events:
        return ()
    # Under the write lock nobody else gives offsets, so that they have no gaps. (PostgreSQL will need a lock.)
    first = store_read.last_offset(c) + 1
    numbered = tuple(replace(e, offset=first + i) for i, e in enumerate(events))
    c.execute(
        _ADD_EVENT,
        [
            {
                "offset": e.offset,
                "kind": e.kind,
                "subject": e.subject,
                "at": micros(e.at),
                "run": e.run,
                "data": text(e.data),
            }
            for e in numbered
        ],
    )
    return numbered


# -- rows ---------------------------------------------------------------------------------------------------


def _ref(ref: Ref) -> dict[str, object]:
    return {
        "name": ref.name,
        "kind": ref.kind,
        "head": ref.head,
        "gen": ref.gen,
        "protected": ref.protected,
    }


def _release(r: Release) -> dict[str, object]:
    return {
        "environment": r.environment,
        "id": r.id,
        "kind": r.kind,
        "commit": r.commit,
        "branch": r.branch,
        "before": r.before,
        "shows": r.shows,
        "at": micros(r.at),
    }


def _run(r: Run) -> dict[str, object]:
    return {
        "id": r.id,
        "kind": r.kind,
        "state": r.state,
        "subject": r.subject,
        "target": r.target,
        "branch": r.branch,
        "batch": r.batch,
        "started": micros(r.started),
        "ended": None if r.ended is None else micros(r.ended),
        "outcome": r.outcome,
        "intent": text(r.intent),
    }


def _quarantine(q: QuarantineRow) -> dict[str, object]:
    return {
        "id": q.id,
        "run": q.run,
        "batch": q.batch,
        "table_name": q.table,
        "target": q.target,
        "path": q.path,
        "rows": q.rows,
        "contract_id": q.contract_id,
        "contract_version": q.contract_version,
        "state": q.state,
        "at": micros(q.at),
        "parent": q.parent,
    }
