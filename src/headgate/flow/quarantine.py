"""Quarantine: what is there, how it is replayed, how it is given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.flow.load import Tell, load
from headgate.flow.plan import LoadIntent
from headgate.flow.runs import event, must
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import BatchId, TableName
from headgate.model.rule import OnFail
from headgate.model.run import Loaded
from headgate.ports import Changes, Delivery, Ports, QuarantineRow

Reader = Callable[[QuarantineRow], Delivery]


def found(ports: Ports, id: str) -> QuarantineRow:
    """By its own id, or by a batch's or run's: the newest. Raises NotThere."""
    rows = [q for q in ports.store.quarantined() if id in {q.id, q.batch, q.run}]
    if not rows:
        raise NotThere.among("quarantine", id, (q.id for q in ports.store.quarantined()))
    return max(rows, key=lambda q: (q.state == "open", q.at))


def replay(
    ports: Ports,
    id: str,
    data: Sequence[str] | None,
    read: Reader,
    *,
    on_fail: OnFail | None,
    recover: Callable[[BatchId], bool],
    tell: Tell = lambda _: None,
) -> Loaded:
    """Load quarantined rows again, as a new batch linked to its parent, under the contract as it is now.

    ``data``: mended files to load in their stead. When it is published the quarantine is over, in the same
    transaction; when it fails again, the rows are still here and those that failed are in a quarantine of their
    own.
    """
    row = _open(ports, id)
    said = next((r for r in ports.store.runs(limit=1_000_000) if r.id == row.run), None)
    mode = said.intent.get("mode", "append") if said else "append"
    intent = LoadIntent(
        TableName(row.table),
        row.target,
        "merge" if mode == "merge" else "append",
        on_fail=on_fail,
        parent=row.id,
    )
    if said is not None and isinstance(said.intent.get("order_by"), str):
        intent = replace(intent, order_by=str(said.intent["order_by"]))
    what: Sequence[str] | Delivery = data or read(row)
    # Rows that are replayed were never delivered in effect, whatever their bytes: nothing is a duplicate here.
    return load(ports, replace(intent, again=True), what, recover=recover, tell=tell)


def discard(ports: Ports, id: str, reason: str) -> QuarantineRow:
    """Give quarantined rows up. The file stays (and the ledger's row, with the reason in its event)."""
    row = _open(ports, id)
    gone = replace(row, state="discarded")
    told = event(
        ports, "quarantine.discarded", row.table, row.run, quarantine=row.id, rows=row.rows, reason=reason
    )
    must(ports, Changes(quarantine=(gone,), events=(told,)))
    return gone


def _open(ports: Ports, id: str) -> QuarantineRow:
    row = found(ports, id)
    if row.state != "open":
        raise WrongUse(
            f"quarantine {row.id} is {row.state}", hint="see `headgate quarantine list`", place=row.id
        )
    return row
