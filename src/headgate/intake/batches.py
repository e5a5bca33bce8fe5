"""Batch identity: what a delivery is called, and what of it was delivered before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from headgate.model.batch import Batch, BatchRow, Mode, Object
from headgate.model.errors import BatchMismatch
from headgate.model.names import BatchId, CommitId, TableName, table_key
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
    Under ``replace`` only the last batch that changed the table is compared, as a whole. A batch with the caller's
    own id is compared with that id alone: who names batches says which are the same.

    Raises BatchMismatch: ``named`` was delivered before, with other objects.
    """
    batch = Batch(named or batch_id(table, mode, objects), table, mode, objects)
    if again:
        return Admitted(batch)
    digests = tuple(o.digest for o in objects)
    if named is not None:
        before = in_effect(store, store.batches(table, batch=named), head)
        if not before:
            return Admitted(batch)
        if tuple(o.digest for o in before[-1].objects) != digests:
            raise BatchMismatch.of(named, table)
        return Duplicate(batch, before[-1])
    if mode == "replace":
        last = store.last_touching(table_key(table), head)
        rows = [r for r in in_effect(store, store.batches(table), head) if r.commit == last] if last else []
        same = [r for r in rows if tuple(o.digest for o in r.objects) == digests]
        return Duplicate(batch, same[-1]) if same else Admitted(batch)
    holding = in_effect(store, store.batches(table, digests=digests), head)
    holding = _since_replaced(store, table, holding, head)
    known = {o.digest for row in holding for o in row.objects}
    new = tuple(o for o in objects if o.digest not in known)
    if not new:
        return Duplicate(batch, holding[-1])
    if len(new) == len(objects):
        return Admitted(batch)
    return Admitted(
        Batch(batch_id(table, mode, new), table, mode, new), tuple(o for o in objects if o not in new)
    )


def in_effect(store: Store, rows: Sequence[BatchRow], head: CommitId) -> tuple[BatchRow, ...]:
    """The rows that reached the ancestry of ``head`` and were not reverted there."""
    reached = [r for r in rows if r.commit is not None and store.is_ancestor(r.commit, head)]
    if not reached:
        return ()
    reverted = store.reverted(head)
    return tuple(r for r in reached if r.commit not in reverted)


def _since_replaced(
    store: Store, table: TableName, rows: tuple[BatchRow, ...], head: CommitId
) -> tuple[BatchRow, ...]:
    """Without the rows that a later ``replace`` of the whole table wiped out."""
    if not rows:
        return ()
    replaced = [r for r in in_effect(store, store.batches(table), head) if r.mode == "replace"]
    commits = [r.commit for r in replaced if r.commit is not None]
    return tuple(
        r
        for r in rows
        if not any(c != r.commit and r.commit is not None and store.is_ancestor(r.commit, c) for c in commits)
    )
