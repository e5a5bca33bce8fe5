"""Landing a staged batch: merge it onto the target as it is now, check the merged result, switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headgate.catalog.commits import new_commit
from headgate.catalog.trees import Beside, Nodes, load_tree, update
from headgate.checks.baseline import baseline_of, eased
from headgate.checks.baseline import told as told_of
from headgate.checks.merged import check_children, check_moved, check_table, combined
from headgate.checks.overlap import overlapping, ranges_of
from headgate.flow.contracts import contracts_of, contracts_that_refer
from headgate.flow.elsewhere import named_elsewhere
from headgate.flow.ledger import batch_row, family, quarantine_row
from headgate.flow.let_in import Failing, let_in_before
from headgate.flow.preparing import Base, Prepared, Task, seen, tree_changes
from headgate.flow.runs import dropped, ended, event, target_ref
from headgate.intake.batches import Duplicate, admit, in_effect
from headgate.model.baseline import Known
from headgate.model.batch import BatchOutcome
from headgate.model.change import Changes, QuarantineRow, RunOpen, VerdictRow
from headgate.model.commit import Commit
from headgate.model.event import Event, Json
from headgate.model.names import CommitId, RuleName, TableName, table_key
from headgate.model.rule import References, Unique
from headgate.model.run import Conflict
from headgate.model.tree import Delta, TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Ports
from headgate.publishing.publish import Candidate, Lost, Published, Withheld, publish
from headgate.publishing.tables import file_change

TABLE_LOCK_S = 30.0  # then on without it: the compare-and-swap decides anyway


@dataclass(frozen=True, slots=True)
class Landed:
    commit: Commit
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Merge:
    """The candidate on top of ``onto``; ``tree``: what its commit holds."""

    onto: Base
    tree: Tree
    entry: TableEntry
    commit: Commit
    changes: Changes

    def nodes(self, ports: Ports) -> Nodes:
        """Where the documents of its tree are before it is written."""
        return Beside(ports.store, self.changes.nodes)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Others published some of the same objects meanwhile, or another contract: the load has to be planned anew."""


def land(
    ports: Ports, task: Task, prepared: Prepared, deadline: float
) -> Landed | Verdict | Conflict | Base | Overtaken:
    """Publish what was staged.

    Returns:
        Landed; a Verdict that does not pass on the merged result; a Base to prepare against anew, because what
        others published there touches the same keys or columns; Overtaken; or, when time is up, a Conflict.
    """
    while True:
        with ports.locks.hold(f"table-{task.table}", TABLE_LOCK_S):
            onto = seen(ports, target_ref(ports, task.run.target))
            if onto.commit.id != prepared.base.commit.id and _overtaken(ports, task, prepared.base, onto):
                return _late(ports, deadline, task, onto) or _again(task, onto)
            merge = _merged(ports, task, prepared, onto)
            if merge is None:
                return _late(ports, deadline, task, onto) or onto
            judged = _judged(ports, task, prepared, merge)
            if not judged.on_tree.passed:
                return judged.told
            published = publish(_candidate(ports, task, prepared, merge, judged), judged.on_tree, ports.store)
        match published:
            case Published(commit):
                return Landed(commit, judged.told)
            case Withheld(why, _):
                return _conflict(task, onto, why)
            case Lost(RunOpen(run)):
                return _conflict(task, onto, f"run {run} was ended by somebody else")
            case Lost():
                late = _late(ports, deadline, task, onto)
                if late:
                    return late


def _overtaken(ports: Ports, task: Task, base: Base, onto: Base) -> bool:
    intent = task.intent
    if intent.contract is None and base.tree.contract(task.table) != onto.tree.contract(task.table):
        return True
    if task.document is not None:
        before, now = (named_elsewhere(ports, t, task.table, task.document) for t in (base.tree, onto.tree))
        if before != now:
            return True
    if intent.parent is not None and intent.again:
        digests = tuple(o.digest for o in task.batch.objects)
        rows = ports.store.batches(task.table, digests=digests)
        return in_effect(ports.store, rows, base.commit.id) != in_effect(ports.store, rows, onto.commit.id)
    if intent.again:
        return False
    admission = admit(
        ports.store,
        task.table,
        task.batch.mode,
        task.batch.objects,
        head=onto.commit.id,
        named=intent.batch,
        again=False,
    )
    return isinstance(admission, Duplicate) or bool(admission.skipped)


def _again(task: Task, onto: Base) -> Conflict | Overtaken:
    """A replay is not planned anew: its rows were delivered meanwhile, so whether to go on is for people to say."""
    if task.intent.parent is not None and task.intent.again:
        return _conflict(task, onto, "the same objects were delivered again")
    return Overtaken()


def _late(ports: Ports, deadline: float, task: Task, onto: Base) -> Conflict | None:
    if ports.clock.monotonic() < deadline:
        return None
    return _conflict(task, onto, "others kept publishing to it until the time was up")


def _conflict(task: Task, onto: Base, theirs: str) -> Conflict:
    return Conflict(
        table_key(task.table), f"{task.batch.mode} of batch {task.batch.id}", theirs, onto.commit.id
    )


def _merged(ports: Ports, task: Task, prepared: Prepared, onto: Base) -> Merge | None:
    """The staged table on top of ``onto``; None if it has to be prepared against that anew."""
    if onto.commit.id == prepared.base.commit.id:
        tree = load_tree(ports.store, prepared.commit.root)
        return Merge(onto, tree, prepared.entry, prepared.commit, Changes())
    entry = _entry(ports, task, prepared, onto)
    if entry is None:
        return None
    changes, documents = tree_changes(ports, task, onto.tree, entry)
    root, nodes = update(ports.store, onto.commit.root, changes)
    commit = new_commit(
        root,
        [onto.commit, prepared.commit],
        author=ports.author,
        message=f"merge {task.run.branch}",
        at=ports.clock.now(),
        run=task.run.id,
    )
    deltas = tuple(Delta(k, onto.tree.get(k), e) for k, e in sorted(changes.items()) if onto.tree.get(k) != e)
    return Merge(
        onto,
        onto.tree.put(changes),
        entry,
        commit,
        Changes(nodes={**nodes, **documents}, commits=(commit,), deltas={commit.id: deltas}),
    )


def _entry(ports: Ports, task: Task, prepared: Prepared, onto: Base) -> TableEntry | None:
    """The table with the batch on top of what others did meanwhile; None: judge it anew."""
    base = prepared.base.tree
    was, now = base.table(task.table), onto.tree.table(task.table)
    if base.contract(task.table) != onto.tree.contract(task.table):
        return None
    for rule in task.contract.rules:
        if isinstance(rule.body, References) and rule.body.to_table != task.table:
            parent = rule.body.to_table
            if file_change(ports.lake, base.table(parent), onto.tree.table(parent)).removed:
                return None
    if now == was:
        return prepared.entry
    if now is not None and task.adopts(base):
        return None  # rows came that the new contract was not held against
    if now is None or task.batch.mode != "append" or not ports.lake.compatible(prepared.entry, now):
        return None
    theirs = file_change(ports.lake, was, now)
    if theirs.removed or _keys_meet(ports, task, prepared, now, theirs.added):
        return None
    if not prepared.staged.added:
        return now
    return ports.lake.append(now, ports.lake.adopt(now, prepared.staged.added, prepared.entry))


def _keys_meet(ports: Ports, task: Task, prepared: Prepared, now: TableEntry, added: frozenset[str]) -> bool:
    """True if a key of the staged rows occurs in files that others added."""
    ours = [f for f in ports.lake.files(prepared.entry) if f.path in set(prepared.staged.added)]
    theirs = [f for f in ports.lake.files(now) if f.path in added]
    for rule in task.contract.rules:
        if not isinstance(rule.body, Unique) or not ours:
            continue
        near = overlapping(theirs, ranges_of(ours, rule.body.columns), rule.body.columns)
        if not near:
            continue
        only = replace(task.contract, rules=(rule,))
        rows = ports.lake.scan(prepared.entry, prepared.staged.added)
        existing = {RuleName(rule.name): ports.lake.scan(now, near)}
        verdict = ports.engine.check(rows, only, parents={}, existing=existing, table_rules="none").verdict
        if any(f.rule == rule.name and f.rows_failed for f in verdict.findings):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Judged:
    """``told``: what was found, for people. ``on_tree``: what holds on exactly the merged tree."""

    told: Verdict
    on_tree: Verdict
    partials: Mapping[str, bytes]


def _judged(ports: Ports, task: Task, prepared: Prepared, merge: Merge) -> _Judged:
    merged = check_table(ports, merge.entry, task.contract)
    baseline = baseline_of(merge.nodes(ports), merge.tree, task.table)
    rows = ports.lake.rows(merge.entry)
    findings = eased(merged.findings, baseline, rows)
    was = merge.onto.tree.table(task.table)
    removed = was is not None and bool(file_change(ports.lake, was, merge.entry).removed)
    adopts = task.adopts(merge.onto.tree)
    if removed or adopts:
        findings += _of_children(ports, task, merge, removed=removed, adopts=adopts)
    told = combined(prepared.staged.verdict, findings, task.contract)
    about_rows = {r.name for r in task.contract.rules if r.about_rows}
    let_in = let_in_before(ports, task, merge.onto, merge.tree, removed=removed)
    settled = tuple(
        _settled(f, baseline.get(f.rule), let_in.get(f.rule, Failing(0))) if f.rule in about_rows else f
        for f in told.findings
    )
    on_tree = replace(told, findings=settled, rows=rows, rows_bad=0, root=merge.commit.root)
    return _Judged(told, on_tree, merged.partials)


def _of_children(
    ports: Ports, task: Task, merge: Merge, *, removed: bool, adopts: bool
) -> tuple[Finding, ...]:
    """References of other tables that this load may have cut: their parents' rows are gone (``removed``), or the
    contract that it brings is one that they name objects of (``adopts``).
    """
    found: tuple[Finding, ...] = ()
    nodes = merge.nodes(ports)
    if removed:
        contracts = {**contracts_of(ports, merge.tree), task.table: task.contract}
        found += check_children(ports, merge.tree, contracts, task.table, nodes)
    if adopts:
        before, after = (contracts_that_refer(ports, tree) for tree in (merge.onto.tree, merge.tree))
        found += check_moved(ports, merge.tree, after, before, nodes)
    return tuple({f.rule: f for f in found}.values())


def _settled(finding: Finding, known: Known | None, before: Failing) -> Finding:
    """The rows that failed are in quarantine, not in the tree: there the rule holds, but for what is known and for
    what was let in.
    """
    came = 0 if before.whole or finding.status != "warn" else finding.rows_failed or 0
    total = before.rows + came
    if finding.status not in {"pass", "fail", "warn"} or (finding.status == "warn" and total <= came):
        return finding
    if total > (known.rows_failed if known else 0):
        why = f"{total:,} {'row' if total == 1 else 'rows'} of the table fail it, and were let in"
        why += f" ({told_of(known)})" if known else ""
        return replace(finding, status="warn", rows_failed=total, message=why, samples=())
    noun = "row" if finding.rows_failed == 1 else "rows"
    said = [f"{finding.rows_failed:,} {noun} of the delivery went to quarantine"] * (finding.status == "fail")
    if known is None:
        return (
            replace(finding, status="pass", rows_failed=0, message="".join(said), samples=())
            if said
            else finding
        )
    told = "; ".join([told_of(known), *said])
    return replace(finding, status="warn", rows_failed=known.rows_failed, message=told, samples=())


def _settles(ports: Ports, task: Task, head: CommitId) -> tuple[QuarantineRow, ...]:
    """Open quarantines that are over once this batch is published: those it replays, and those of earlier
    deliveries of the same batch that are not in effect. Their rows would else be loaded twice.
    """
    replayed = family(ports.store.quarantined(), task.intent.parent) if task.intent.parent else ()
    found = {q.id: q for q in replayed if q.state == "open"}
    same = ports.store.quarantined(batch=task.batch.id, open_only=True)
    same = tuple(q for q in same if q.table == task.table and q.target == task.run.target)
    if same:
        delivered = ports.store.batches(task.table, batch=task.batch.id)
        there = {r.run for r in in_effect(ports.store, delivered, head)}
        found |= {q.id: q for q in same if q.run not in there}
    return tuple(found.values())


def _candidate(ports: Ports, task: Task, prepared: Prepared, merge: Merge, judged: _Judged) -> Candidate:
    """Everything that is written with the switch."""
    counts = prepared.staged.counts
    outcome: BatchOutcome = "published_partial" if counts.rows_quarantined else "published"
    now = ports.clock.now()
    drop, requires = dropped(ports, task.run.branch)
    quarantine: tuple[QuarantineRow, ...] = ()
    if prepared.staged.quarantine is not None:
        quarantine = (quarantine_row(ports, task, prepared.staged.quarantine, counts.rows_quarantined),)
    settled = _settles(ports, task, merge.onto.commit.id)
    quarantine += tuple(replace(q, state="replayed") for q in settled)
    told = event(
        ports,
        f"batch.{outcome}",
        task.table,
        task.run.id,
        batch=task.batch.id,
        target=merge.onto.ref.name,
        old=merge.onto.ref.head,
        new=merge.commit.id,
        rows_in=counts.rows_in,
        rows_good=counts.rows_good,
        rows_quarantined=counts.rows_quarantined,
        rows_deduplicated=counts.rows_deduplicated,
        rows_superseded=counts.rows_superseded,
        replayed=[q.id for q in settled],
    )
    changes = replace(
        merge.changes,
        refs=drop,
        batches=(batch_row(task, outcome, merge.commit.id, counts),),
        quarantine=quarantine,
        runs=(ended(ports, task.run, "done", outcome),),
        verdicts=(VerdictRow(merge.commit.root, task.run.id, task.table, judged.on_tree, now),),
        partials=judged.partials,
        events=(told, *_of_baseline(ports, task, merge)),
    )
    return Candidate(
        merge.commit, merge.onto.ref, changes, (RunOpen(task.run.id), *requires), f"load {task.batch.id}"
    )


def _of_baseline(ports: Ports, task: Task, merge: Merge) -> tuple[Event, ...]:
    """What became of baselines, the table's own and its children's, where they are others."""
    before, after = merge.onto.tree, merge.tree
    changed = [t for t in after.tables() if before.baseline(t) != after.baseline(t)]
    return tuple(_told_of(ports, task, table, merge) for table in changed)


def _told_of(ports: Ports, task: Task, table: TableName, merge: Merge) -> Event:
    was = baseline_of(ports.store, merge.onto.tree, table)
    now = baseline_of(merge.nodes(ports), merge.tree, table)
    grown = any(name not in was or known.rows_failed > was[name].rows_failed for name, known in now.items())
    rules: dict[str, Json] = {name: [known.rows_failed, known.rows] for name, known in now.items()}
    kind = "baseline.recorded" if grown else "baseline.shrunk"
    mended: list[Json] = [name for name in was if name not in now]
    return event(ports, kind, table, task.run.id, rules=rules, mended=mended)
