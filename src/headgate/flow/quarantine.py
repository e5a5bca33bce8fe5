"""Quarantine: what is there, how it is replayed, how it is given up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from headgate.catalog.trees import read_document
from headgate.flow.ledger import family, was_forced
from headgate.flow.load import Tell, load
from headgate.flow.plan import LoadIntent, mode_named
from headgate.flow.preparing import Base, seen
from headgate.flow.runs import event, must, target_ref
from headgate.intake.batches import batch_id, in_effect
from headgate.model.batch import BatchRow, Counts
from headgate.model.change import Changes, QuarantineRow
from headgate.model.errors import NotThere, Unavailable, WrongUse
from headgate.model.names import BatchId
from headgate.model.rule import OnFail
from headgate.model.run import Loaded, Run
from headgate.model.tree import DocumentEntry
from headgate.ports import Delivery, Ports

Reader = Callable[[QuarantineRow, Collection[str]], Delivery]
"""The rows of a quarantine as a delivery, but for those of the objects with these digests."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a replay is told. ``data``: mended files to load in the rows' stead; ``contract``: a mended contract."""

    data: Sequence[str] | None = None
    contract: bytes | None = None
    on_fail: OnFail | None = None


def found(ports: Ports, id: str) -> QuarantineRow:
    """By its own id, or by a batch's or run's: the newest open one, else the newest. Raises NotThere."""
    rows = [q for q in ports.store.quarantined() if id in {q.id, q.batch, q.run}]
    if not rows:
        raise NotThere.among("quarantine", id, (q.id for q in ports.store.quarantined()))
    return max(rows, key=lambda q: (q.state == "open", q.at))


def replay(
    ports: Ports,
    id: str,
    read: Reader,
    told: Told,
    *,
    recover: Callable[[BatchId], bool],
    tell: Tell = lambda _: None,
) -> Loaded:
    """Load quarantined rows again, as the same batch, under the contract as it is now.

    Where the target has no contract for the table, that of the first delivery is taken. When it is published the
    quarantine is over, in the same transaction; rows that fail again are in a quarantine of their own, whose parent
    this one is. Rows that were delivered again and published meanwhile are not loaded twice.
    """
    row = _open(ports, id)
    first = family(ports.store.quarantined(), row.id)[0].id
    with ports.locks.hold(f"quarantine-{first}", 0) as held:
        if not held:
            raise Unavailable(f"quarantine {row.id} is being replayed", hint="wait for it", place=row.id)
        row = _open(ports, id)  # as it is now that nobody else can end it
        base = seen(ports, target_ref(ports, row.target))
        run = ports.store.run(row.run)
        batch = next((b for b in ports.store.batches(row.table, batch=row.batch) if b.run == row.run), None)
        intent = _intent(ports, row, run, batch, base, told)
        if told.data is not None:
            return _ended(ports, row, load(ports, intent, told.data, recover=recover, tell=tell))
        again = _delivered_since(ports, row, batch, base)
        digests = {o.digest for o in batch.objects} if batch else set()
        if batch is not None and digests and digests <= again:
            duplicate = Loaded(
                None,
                "duplicate",
                row.table,
                row.batch,
                None,
                None,
                batch.objects,
                batch.objects,
                Counts(),
                (),
            )
            return _ended(ports, row, duplicate)
        return load(ports, replace(intent, again=True), read(row, again), recover=recover, tell=tell)


def _intent(
    ports: Ports, row: QuarantineRow, run: Run | None, batch: BatchRow | None, base: Base, told: Told
) -> LoadIntent:
    """As the rows were to be loaded first. What is left of a batch that replaced the table is added to it."""
    said = run.intent if run else {}
    mode = mode_named(str(said.get("mode", "append")))
    if mode == "replace" and (batch is None or batch.outcome != "quarantined"):
        mode = "append"
    order_by, digest = said.get("order_by"), said.get("contract")
    contract = told.contract
    guarded = base.tree.contract(row.table) is not None
    if contract is None and not guarded and isinstance(digest, str):
        contract = read_document(ports.store, DocumentEntry(digest))
    named = batch is not None and row.batch != batch_id(row.table, batch.mode, batch.objects)
    keeps = told.data is None or named
    return LoadIntent(
        row.table,
        row.target,
        mode,
        contract=contract,
        batch=row.batch if keeps else None,
        again=told.data is not None and named,
        on_fail=told.on_fail,
        order_by=order_by if isinstance(order_by, str) else None,
        unguarded=bool(said.get("unguarded")) and contract is None and not guarded,
        parent=row.id,
        mended=told.data is not None,
    )


def _delivered_since(ports: Ports, row: QuarantineRow, batch: BatchRow | None, base: Base) -> frozenset[str]:
    """Digests of the batch's objects that came again, by another delivery, and are in effect.

    None for what is left of a batch that is in effect itself, and for one that was wanted twice.
    """
    if batch is None or not batch.objects or was_forced(ports, batch):
        return frozenset()
    own = {q.run for q in family(ports.store.quarantined(), row.id)}
    digests = tuple(o.digest for o in batch.objects)
    rows = ports.store.batches(row.table, digests=digests)  # oldest first
    later = rows[[r.run for r in rows].index(batch.run) :]
    there = in_effect(ports.store, later, base.commit.id)
    if any(r.run in own for r in there):
        return frozenset()
    return frozenset(o.digest for r in there if not was_forced(ports, r) for o in r.objects) & set(digests)


def _ended(ports: Ports, row: QuarantineRow, loaded: Loaded) -> Loaded:
    """A replay whose rows are in effect already ends the quarantine."""
    if loaded.outcome == "duplicate":
        told = event(
            ports, "quarantine.replayed", row.table, row.run, quarantine=row.id, why="delivered again"
        )
        must(ports, Changes(quarantine=(replace(row, state="replayed"),), events=(told,)))
    return loaded


def discard(ports: Ports, id: str, reason: str) -> QuarantineRow:
    """Give quarantined rows up, with what replays of them left. The files stay (and the ledger's rows, with the
    reason in the event).
    """
    row = _open(ports, id)
    left = [q for q in _descendants(ports.store.quarantined(), row) if q.state == "open"]
    gone = tuple(replace(q, state="discarded") for q in (row, *left))
    told = event(
        ports, "quarantine.discarded", row.table, row.run, quarantine=row.id, rows=row.rows, reason=reason
    )
    must(ports, Changes(quarantine=gone, events=(told,)))
    return gone[0]


def _open(ports: Ports, id: str) -> QuarantineRow:
    """The open quarantine of this id; where it was replayed and failed again, the one that holds its rows now."""
    row = found(ports, id)
    if row.state == "open":
        return row
    left = [q for q in _descendants(ports.store.quarantined(), row) if q.state == "open"]
    if len(left) == 1 and row.state == "replayed":
        return left[0]
    hint = "see `headgate quarantine list`"
    if left:
        hint = f"attempts to replay it are open: name one of {', '.join(q.id for q in left)}"
    raise WrongUse(f"quarantine {row.id} is {row.state}", hint=hint, place=row.id)


def _descendants(rows: Sequence[QuarantineRow], of: QuarantineRow) -> tuple[QuarantineRow, ...]:
    """Its replays, theirs, and so on. ``rows`` oldest first, so that parents come before children."""
    ids = {of.id}
    for row in rows:
        if row.parent in ids:
            ids.add(row.id)
    return tuple(q for q in rows if q.id in ids and q.id != of.id)
