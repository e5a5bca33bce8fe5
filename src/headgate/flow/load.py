"""The main loop: check, split, stage, merge, check the merged result, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.catalog.trees import document
from headgate.checks.again import check_again
from headgate.checks.baseline import baseline_of, kept, put_up_with, recorded
from headgate.flow.contracts import compiled, contract_of
from headgate.flow.landing import Landed, Overtaken, land
from headgate.flow.ledger import batch_row, quarantine_row
from headgate.flow.plan import LoadIntent
from headgate.flow.planning import Planned, planned
from headgate.flow.preparing import Base, Judged, Task, judge, seen, stage, stage_rejected, started
from headgate.flow.runs import close, ended, event, must, new_run, opened, target_ref
from headgate.intake.batches import Duplicate
from headgate.intake.policy import QuarantineBatch
from headgate.model.baseline import Baseline
from headgate.model.batch import Counts
from headgate.model.change import Changes, RunOpen
from headgate.model.commit import Commit
from headgate.model.event import Json
from headgate.model.names import BatchId, NodeId, short, table_key
from headgate.model.run import Conflict, Loaded, LoadOutcome
from headgate.model.verdict import Verdict
from headgate.ports import Delivery, Ports

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
    deadline = ports.clock.monotonic() + LOST_RACE_S
    while True:
        plan = planned(ports, intent, data, seen(ports, target_ref(ports, intent.target)))
        if recover(plan.admission.batch.id):
            plan = planned(ports, intent, data, seen(ports, target_ref(ports, intent.target)))
        loaded = perform(ports, plan, deadline, tell)
        if loaded is not None:
            return loaded
        tell("others were faster: looking again at what is new")


def perform(ports: Ports, plan: Planned, deadline: float, tell: Tell = lambda _: None) -> Loaded | None:
    """Carry a plan out. None: others changed meanwhile what it was made from, so that it has to be made anew.

    ``deadline``: in the clock's monotonic seconds; until then a lost race is run again.
    """
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
    intent: dict[str, Json] = {**plan.intent.told()}
    nodes: Mapping[NodeId, bytes] = {}
    if plan.adopts and plan.document is not None:
        entry, nodes = document(plan.document)
        intent["contract"] = entry.digest
    run = new_run(
        ports,
        "load",
        batch.table,
        plan.base.ref.name,
        intent=intent,
        branch_prefix=f"load/{short(batch.table)}",
        batch=batch.id,
    )
    with opened(ports, run, plan.base.commit.id, nodes):
        task = Task(run, plan.intent, batch, plan.contract, plan.document)
        end = _perform(ports, plan, task, deadline, tell)
        return _loaded(plan, task, end) if end is not None else None


@dataclass(frozen=True, slots=True)
class _End:
    """How a load came out."""

    outcome: LoadOutcome
    counts: Counts
    verdict: Verdict
    commit: Commit | None = None
    conflicts: tuple[Conflict, ...] = ()
    why: str = ""


def _perform(ports: Ports, plan: Planned, task: Task, deadline: float, tell: Tell) -> _End | None:
    base, delivery = plan.base, plan.delivery
    assert delivery is not None
    while True:
        # Rows that this load replaces need not fulfil the contract that comes with it.
        if plan.held_against_rows:
            tell("checking the new contract against the rows that are there")
            verdict, baseline = adoption(ports, task, base)
            if baseline is None:
                why = "the rows that are there do not fulfil the new contract, so it is not adopted"
                if not task.intent.baseline and recorded(verdict, task.contract) is not None:
                    why += " (--baseline would put up with them)"
                return _quarantined(ports, task, judge(ports, task, delivery, base), verdict, why)
            task = replace(task, baseline=baseline)
        tell("checking")
        judged = judge(ports, task, delivery, base)
        if isinstance(judged.decision, QuarantineBatch):
            return _quarantined(ports, task, judged, judged.checked.verdict, judged.decision.why)
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
                return _quarantined(ports, task, judged, landed, "the table would not fulfil its contract")
            case Overtaken():
                close(ports, task.run, "aborted", "overtaken", drop_branch=True)
                return None
            case Conflict():
                return _conflict(ports, task, judged, landed)
            case Base():
                base = landed


def adoption(ports: Ports, task: Task, base: Base) -> tuple[Verdict, Baseline | None]:
    """The new contract's own verdict on the rows that are there: what this load was told about failing rows is
    for those that it brings. Beside it what is put up with from now on; None: the contract is not adopted.

    Raises ContractUnusable for its columns.
    """
    assert task.document is not None
    own = compiled(ports, task.document, task.table, "--contract", base.tree)
    evolved = started(ports, task, base)
    assert evolved is not None
    there = baseline_of(ports.store, base.tree, task.table)
    there = kept(there, contract_of(ports, base.tree, task.table), own)
    tree = base.tree.put({table_key(task.table): evolved})
    found = check_again(ports, tree, task.table, own, task.intent.allowed)
    verdict = put_up_with(found, there)
    if verdict.passed:
        return verdict, there
    if not task.intent.baseline:
        return verdict, None
    more = recorded(found, own)
    return found, {**there, **more} if more is not None else None


def _quarantined(ports: Ports, task: Task, judged: Judged, verdict: Verdict, why: str) -> _End:
    """Keep the whole batch in quarantine, its rows as they came; the target is untouched."""
    split = ports.engine.split(judged.delivered, task.contract, judged.checked, warn=(), whole=True)
    path = ports.lake.quarantine(task.batch.id, task.run.id, split.bad)
    commit = stage_rejected(ports, task, judged, verdict)
    counts = Counts(judged.rows_in, 0, judged.rows_in, 0, 0)
    # The same rows are in quarantine once: where their replay failed, they are those of the replay from now on.
    moved = task.intent.parent if not task.intent.mended else None
    replayed = [q for q in ports.store.quarantined(open_only=True) if q.id == moved] if moved else []
    told = event(
        ports,
        "batch.quarantined",
        task.table,
        task.run.id,
        batch=task.batch.id,
        rows=counts.rows_in,
        rules=[f.rule for f in verdict.blocking],
        why=why,
        replayed=[q.id for q in replayed],
    )
    here = quarantine_row(ports, task, path, counts.rows_quarantined)
    must(
        ports,
        Changes(
            batches=(batch_row(task, "quarantined", None, counts),),
            quarantine=(here, *(replace(q, state="replayed") for q in replayed)),
            runs=(ended(ports, task.run, "failed", "quarantined"),),
            events=(told,),
        ),
        (RunOpen(task.run.id),),
    )
    return _End("quarantined", counts, verdict, commit, why=why)


def _conflict(ports: Ports, task: Task, judged: Judged, conflict: Conflict) -> _End:
    """Somebody else's change does not go together with this one: the branch stays for people to look at."""
    told = event(ports, "batch.conflicted", task.table, task.run.id, batch=task.batch.id, key=conflict.key)
    must(
        ports,
        Changes(runs=(ended(ports, task.run, "failed", "conflict"),), events=(told,)),
        (RunOpen(task.run.id),),
    )
    counts = Counts(rows_in=judged.rows_in)
    return _End("conflict", counts, judged.checked.verdict, None, (conflict,), conflict.theirs)


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
        why=end.why,
        verdict=end.verdict,
    )
