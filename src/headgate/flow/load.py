"""The main loop: check, split, stage, merge, check the merged result, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headgate.checks.merged import check_whole
from headgate.flow.landing import Landed, land
from headgate.flow.ledger import batch_row, quarantine_row
from headgate.flow.plan import LoadIntent
from headgate.flow.planning import Planned, planned
from headgate.flow.preparing import Base, Judged, Task, judge, seen, stage, stage_rejected, started
from headgate.flow.runs import ended, event, must, new_run, opened, target_ref
from headgate.intake.batches import Duplicate
from headgate.intake.policy import QuarantineBatch
from headgate.model.batch import Counts
from headgate.model.commit import Commit
from headgate.model.names import BatchId, short, table_key
from headgate.model.run import Conflict, Loaded, LoadOutcome
from headgate.model.verdict import Verdict
from headgate.ports import Changes, Delivery, Ports, RunOpen

LOST_RACE_S = 120.0  # a lost race that merges cleanly is tried again for this long

Tell = Callable[[str], None]


def load(
    ports: Ports,
    intent: LoadIntent,
    data: Sequence[str] | Delivery,
    *,
    recover: Callable[[BatchId], bool],
    tell: Tell = lambda _: None,
) -> Loaded:
    """Load data into a table on its own branch, and publish what its contract lets through.

    ``recover`` ends dead runs of a batch (True if there was one): what they left comes first.

    Raises NotThere, Unreadable (the data), ContractUnusable, WrongUse, BatchMismatch, Unavailable, OutcomeUnknown.
    """
    plan = planned(ports, intent, data, seen(ports, target_ref(ports, intent.target)))
    if recover(plan.admission.batch.id):
        plan = planned(ports, intent, data, seen(ports, target_ref(ports, intent.target)))
    return perform(ports, plan, tell)


def perform(ports: Ports, plan: Planned, tell: Tell = lambda _: None) -> Loaded:
    """Carry a plan out."""
    batch = plan.admission.batch
    if isinstance(plan.admission, Duplicate):
        of = plan.admission.of
        return Loaded(
            None,
            "duplicate",
            batch.table,
            of.batch,
            None,
            of.commit,
            plan.objects,
            plan.objects,
            Counts(),
            (),
        )
    assert plan.delivery is not None
    prefix = f"load/{short(batch.table)}"
    run = new_run(
        ports,
        "load",
        batch.table,
        plan.base.ref.name,
        intent=plan.intent.told(),
        branch_prefix=prefix,
        batch=batch.id,
    )
    with opened(ports, run, plan.base.commit.id):
        task = Task(run, plan.intent, batch, plan.contract, plan.document)
        return _loaded(plan, task, _perform(ports, plan, task, plan.delivery, tell))


@dataclass(frozen=True, slots=True)
class _End:
    """How a load came out."""

    outcome: LoadOutcome
    counts: Counts
    verdict: Verdict
    commit: Commit | None = None
    conflicts: tuple[Conflict, ...] = ()


def _perform(ports: Ports, plan: Planned, task: Task, delivery: Delivery, tell: Tell) -> _End:
    base = plan.base
    deadline = ports.clock.monotonic() + LOST_RACE_S
    while True:
        if plan.adopts and base.tree.table(task.table) is not None:
            tell("checking the new contract against the rows that are there")
            verdict = adoption(ports, task, base)
            if not verdict.passed:
                return _quarantined(ports, task, judge(ports, task, delivery, base), verdict)
        tell("checking")
        judged = judge(ports, task, delivery, base)
        if isinstance(judged.decision, QuarantineBatch):
            return _quarantined(ports, task, judged, judged.checked.verdict)
        tell("staging")
        prepared = stage(ports, task, judged)
        tell("publishing")
        landed = land(ports, task, prepared, deadline)
        match landed:
            case Landed(commit, verdict):
                counts = prepared.staged.counts
                return _End(
                    "published_partial" if counts.rows_quarantined else "published", counts, verdict, commit
                )
            case Verdict():
                return _quarantined(ports, task, judged, landed)
            case Conflict():
                return _conflict(ports, task, judged, landed)
            case Base():
                base = landed


def adoption(ports: Ports, task: Task, base: Base) -> Verdict:
    """The new contract's verdict on the rows that are there. Raises ContractUnusable for its columns."""
    evolved = started(ports, task, base)
    assert evolved is not None
    tree = base.tree.put({table_key(task.table): evolved})
    return check_whole(ports, tree, task.table, task.contract, task.intent.allowed)


def _quarantined(ports: Ports, task: Task, judged: Judged, verdict: Verdict) -> _End:
    """Keep the whole batch in quarantine, its rows as they came; the target is untouched."""
    split = ports.engine.split(judged.delivered, task.contract, judged.checked, warn=(), whole=True)
    path = ports.lake.quarantine(task.batch.id, task.run.id, split.bad)
    commit = stage_rejected(ports, task, judged, verdict)
    counts = Counts(judged.rows_in, 0, judged.rows_in, 0, 0)
    told = event(
        ports,
        "batch.quarantined",
        task.table,
        task.run.id,
        batch=task.batch.id,
        rows=counts.rows_in,
        rules=[f.rule for f in verdict.blocking],
    )
    must(
        ports,
        Changes(
            batches=(batch_row(task, "quarantined", None, counts),),
            quarantine=(quarantine_row(ports, task, path, counts.rows_quarantined),),
            runs=(ended(ports, task.run, "failed", "quarantined"),),
            events=(told,),
        ),
        (RunOpen(task.run.id),),
    )
    return _End("quarantined", counts, verdict, commit)


def _conflict(ports: Ports, task: Task, judged: Judged, conflict: Conflict) -> _End:
    """Somebody else's change does not go together with this one: the branch stays for people to look at."""
    told = event(ports, "batch.conflicted", task.table, task.run.id, batch=task.batch.id, key=conflict.key)
    must(
        ports,
        Changes(runs=(ended(ports, task.run, "failed", "conflict"),), events=(told,)),
        (RunOpen(task.run.id),),
    )
    return _End("conflict", Counts(rows_in=judged.rows_in), judged.checked.verdict, None, (conflict,))


def _loaded(plan: Planned, task: Task, end: _End) -> Loaded:
    published = end.outcome in {"published", "published_partial"}
    return Loaded(
        run=task.run.id,
        outcome=end.outcome,
        table=task.table,
        batch=task.batch.id,
        branch=task.run.branch,
        commit=end.commit.id if end.commit and published else None,
        objects=task.batch.objects,
        skipped=plan.skipped,
        counts=end.counts,
        findings=end.verdict.findings,
        conflicts=end.conflicts,
        unguarded=plan.document is None,
    )
