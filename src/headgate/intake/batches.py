"""Batch identity: what a delivery is called, and what of it was delivered before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from headgate.catalog.commits import stored_commit
from headgate.model.batch import Batch, BatchRow, Mode, Object
from headgate.model.commit import Commit
from headgate.model.errors import BatchMismatch
from headgate.model.names import BatchId, CommitId, TableName
from headgate.ports import Store


def batch_id(table: TableName, mode: Mode, objects: Sequence[Object]) -> BatchId:
    """The id of a batch nobody named: of its ordered objects, its table and its mode; 16 hex digits."""
    text = "\n".join((table, mode, *(o.digest for o in objects)))
    return BatchId("b" + hashlib.sha256(text.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Admitted:
    """``batch`` holds what is to be loaded, ``skipped`` what was delivered before."""

    batch: Batch
    skipped: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """All of it was delivered before and is still in effect: ``of`` is the ledger's row."""

    batch: Batch
    of: BatchRow


def admit(
    store: Store,
    table: TableName,
    mode: Mode,
    objects: tuple[Object, ...],
    *,
    head: CommitId,
    named: BatchId | None,
    again: bool,
) -> Admitted | Duplicate:
    """What of ``objects`` is new to the ancestry of ``head``.

    An object counts as delivered only while the commit that brought it is in that ancestry and not reverted.
    Under ``replace`` only the last batch in effect is compared, as a whole. A batch with the caller's own id is
    compared with that id alone: who names batches says which are the same. Files with the same bytes are one object:
    the first is loaded, the others are skipped.

    Raises BatchMismatch: ``named`` was delivered before, with other objects.
    """
    each = {o.digest: o for o in reversed(objects)}
    twins = tuple(o for o in objects if each[o.digest] is not o)
    objects = tuple(o for o in objects if each[o.digest] is o)
    batch = Batch(named or batch_id(table, mode, objects), table, mode, objects)
    if again:
        return Admitted(batch, twins)
    digests = tuple(o.digest for o in objects)
    if named is not None:
        before = in_effect(store, store.batches(table, batch=named), head)
        if not before:
            return Admitted(batch, twins)
        if tuple(o.digest for o in before[-1].objects) != digests:
            raise BatchMismatch.of(named, table)
        return Duplicate(batch, before[-1])
    if mode == "replace":
        last = _last_in_effect(store, table, head)
        same = last is not None and last.mode == mode and tuple(o.digest for o in last.objects) == digests
        return Duplicate(batch, last) if last is not None and same else Admitted(batch, twins)
    holding = in_effect(store, store.batches(table, digests=digests), head)
    holding = _since_replaced(store, table, holding, head)
    known = {o.digest for row in holding for o in row.objects}
    new = tuple(o for o in objects if o.digest not in known)
    if not new:
        return Duplicate(batch, holding[-1])
    if len(new) == len(objects):
        return Admitted(batch, twins)
    skipped = (*(o for o in objects if o not in new), *twins)
    return Admitted(Batch(batch_id(table, mode, new), table, mode, new), skipped)


def in_effect(store: Store, rows: Sequence[BatchRow], head: CommitId) -> tuple[BatchRow, ...]:
    """The rows that reached the ancestry of ``head`` and were not reverted there."""
    reached = [r for r in rows if r.commit is not None and store.is_ancestor(r.commit, head)]
    if not reached:
        return ()
    undone = [stored_commit(store, id) for id in store.reverted(head)]
    return tuple(r for r in reached if r.commit is not None and not _is_undone(store, r.commit, undone))


def _last_in_effect(store: Store, table: TableName, head: CommitId) -> BatchRow | None:
    """The newest one: of a long ledger only its end is looked at."""
    return next((r for r in reversed(store.batches(table)) if in_effect(store, (r,), head)), None)


def _is_undone(store: Store, commit: CommitId, undone: Sequence[Commit]) -> bool:
    """True if a revert took it out: itself, or the merge that brought it (what its first parent did not have)."""
    return any(
        commit == each.id
        or (
            len(each.parents) > 1
            and store.is_ancestor(commit, each.id)
            and not store.is_ancestor(commit, each.parents[0])
        )
        for each in undone
    )


def _since_replaced(
    store: Store, table: TableName, rows: tuple[BatchRow, ...], head: CommitId
) -> tuple[BatchRow, ...]:
    """Without the rows that a later ``replace`` of the whole table wiped out."""
    if not rows:
        return ()
    replaced = in_effect(store, [r for r in store.batches(table) if r.mode == "replace"], head)
    commits = [r.commit for r in replaced if r.commit is not None]
    return tuple(
        r
        for r in rows
        if not any(c != r.commit and r.commit is not None and store.is_ancestor(r.commit, c) for c in commits)
    )
