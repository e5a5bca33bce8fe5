"""The ledger's rows of one load."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.flow.preparing import Task
from headgate.model.batch import BatchOutcome, BatchRow, Counts
from headgate.model.change import QuarantineRow
from headgate.model.names import CommitId
from headgate.ports import Ports


def batch_row(task: Task, outcome: BatchOutcome, commit: CommitId | None, counts: Counts) -> BatchRow:
    batch = task.batch
    return BatchRow(batch.id, batch.table, batch.mode, task.run.id, outcome, commit, counts, batch.objects)


def quarantine_row(ports: Ports, task: Task, path: str, rows: int) -> QuarantineRow:
    """Its id is "q" and the run's: a run puts at most one file into quarantine."""
    return QuarantineRow(
        id=f"q{task.run.id[1:]}",
        run=task.run.id,
        batch=task.batch.id,
        table=task.table,
        target=task.run.target,
        path=path,
        rows=rows,
        contract_id=task.contract.id,
        contract_version=task.contract.version,
        state="open",
        at=ports.clock.now(),
        parent=task.intent.parent,
    )


def family(rows: Sequence[QuarantineRow], id: str) -> tuple[QuarantineRow, ...]:
    """The quarantines that are about the same delivery as ``id``: what it is a replay of, and its own replays."""
    parents = {q.id: q.parent for q in rows}

    def first(one: str) -> str:
        while (parent := parents.get(one)) is not None:
            one = parent
        return one

    return tuple(q for q in rows if first(q.id) == first(id))


def was_forced(ports: Ports, row: BatchRow) -> bool:
    """True for a delivery that was wanted twice (``--again``), so that finding it twice means nothing."""
    run = ports.store.run(row.run)
    return run is not None and bool(run.intent.get("again")) and not run.intent.get("parent")
