"""Preparing a batch against one state of the target: collapse, check, decide, split, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headgate.catalog.commits import new_commit, stored_commit
from headgate.catalog.trees import document, load_tree, update
from headgate.checks import baseline as baselines
from headgate.checks.bounds import measured
from headgate.checks.evidence import attributed
from headgate.checks.lookups import near, note_unique, parents_of
from headgate.checks.merged import still_known
from headgate.checks.own_parents import fitting, own_references
from headgate.flow.contracts import contract_of
from headgate.flow.plan import LoadIntent, object_names
from headgate.flow.runs import event, must
from headgate.intake.policy import QuarantineBatch, TakeGood, decide, warned
from headgate.model.baseline import Baseline
from headgate.model.batch import Batch, Counts
from headgate.model.change import Changes, RefChange, RefIs, RunOpen, VerdictRow
from headgate.model.commit import Commit, Ref
from headgate.model.contract import TableContract
from headgate.model.errors import Bug, ContractUnusable
from headgate.model.event import Json
from headgate.model.names import (
    CommitId,
    Key,
    NodeId,
    RuleName,
    TableName,
    baseline_key,
    contract_key,
    short,
    table_key,
)
from headgate.model.record import object_record, verdict_record
from headgate.model.rule import Measured, References, Unique
from headgate.model.run import Run, StepRow
from headgate.model.tree import Delta, Entry, TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Checked, Collapsed, Delivery, Frame, Ports, Split, Written


@dataclass(frozen=True, slots=True)
class Task:
    """What a load works on: fixed while it runs. ``contract`` is governed by what the load was told.

    ``baseline``: what is put up with from now on, where the load brings a contract; None: as the target has it.
    """

    run: Run
    intent: LoadIntent
    batch: Batch
    contract: TableContract
    document: bytes | None  # None: unguarded
    baseline: Baseline | None = None

    @property
    def table(self) -> TableName:
        return self.intent.table

    def adopts(self, tree: Tree) -> bool:
        """True if the contract is another one than a tree has."""
        return self.document is not None and tree.contract(self.table) != document(self.document)[0]


@dataclass(frozen=True, slots=True)
class Base:
    """The target as it was seen: everything below was prepared against exactly this."""

    ref: Ref
    commit: Commit
    tree: Tree


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows judged against a base; nothing is written yet."""

    base: Base
    start: TableEntry | None  # the table with the contract's columns, before the batch
    collapsed: Collapsed
    checked: Checked
    delivered: Frame
    rows_in: int
    decision: TakeGood | QuarantineBatch


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging found and wrote: recorded with the step, so that a killed run can be finished from it.

    ``added``: paths of the batch's data files; ``quarantine``: of the bad rows' file, if there are any.
    """

    added: tuple[str, ...]
    verdict: Verdict
    counts: Counts
    quarantine: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Good rows staged on the run's branch, as ``entry``, on top of ``base``."""

    base: Base
    entry: TableEntry
    commit: Commit
    staged: Staged


def seen(ports: Ports, ref: Ref) -> Base:
    commit = stored_commit(ports.store, CommitId(ref.head))
    return Base(ref, commit, load_tree(ports.store, commit.root))


def judge(ports: Ports, task: Task, delivery: Delivery, base: Base) -> Judged:
    """Check the delivery against the contract, and its keys against what the base already holds."""
    start = started(ports, task, base)
    existing = _existing(ports, task, delivery, start)
    rows, contract = delivery.rows, task.contract
    primary = next((r.name for r in contract.rules if _is_primary(contract, r.body)), None)
    collapsed = Collapsed(rows, 0, 0)
    if contract.primary_key:
        of_key = existing.get(primary) if primary else None
        collapsed = ports.engine.collapse(rows, contract, of_key, task.batch.mode, contract.policy.order_by)
        if task.batch.mode == "merge":  # what is published under the delivered keys gives way
            existing = {name: frame for name, frame in existing.items() if name != primary}
    checked = _checked(ports, task, base.tree, start, collapsed, existing, came=rows)
    rows_in = checked.verdict.rows + collapsed.deduplicated + collapsed.superseded
    return Judged(base, start, collapsed, checked, rows, rows_in, decide(checked.verdict, contract, rows_in))


def _checked(
    ports: Ports,
    task: Task,
    tree: Tree,
    start: TableEntry | None,
    collapsed: Collapsed,
    existing: Mapping[RuleName, Frame],
    came: Frame,
) -> Checked:
    """Rows judged beside what will stand in the table with them.

    Where rows lean on one another (a table that refers to itself; keys that a merge replaces), a row that goes to
    quarantine can make others bad: judged again without it, until no more are. Each round adds bad rows, so it ends.
    """
    contract, allowed, rows = task.contract, task.intent.allowed, collapsed.rows
    gone = collapsed.deduplicated + collapsed.superseded
    as_it_came = {} if came is rows else _as_it_came(ports, came, contract)
    others = [r for r in contract.rules if isinstance(r.body, References) and r.body.to_table != task.table]
    parents = parents_of(ports, tree, contract, others, rows)
    own = own_references(contract, {task.table})
    replacing = task.batch.mode == "merge" and bool(existing)
    standing = rows
    if own:
        standing = fitting(ports.engine, rows, contract, own, parents)
    bad = 0
    while True:
        beside = existing
        if replacing:
            beside = {n: ports.engine.without(f, contract, standing) for n, f in existing.items()}
        if own:
            parents = {**parents, task.table: _with_own(ports, task, start, standing)}
        checked = ports.engine.check(
            rows, contract, parents=parents, existing=beside, table_rules="delivery", allowed=allowed
        )
        told = checked.verdict.findings
        whole = tuple(f if f.status == "not_executed" else as_it_came.get(f.rule, f) for f in told)
        verdict = replace(checked.verdict, findings=whole)
        checked = replace(checked, verdict=attributed(verdict, contract, ports.engine.name))
        found = checked.verdict.rows_bad
        decided = decide(checked.verdict, contract, checked.verdict.rows + gone)
        if not (own or replacing) or found == bad or isinstance(decided, QuarantineBatch):
            return checked
        bad = found
        standing = ports.engine.split(rows, contract, checked, warn=warned(checked.verdict)).good


def _as_it_came(ports: Ports, came: Frame, contract: TableContract) -> Mapping[RuleName, Finding]:
    """Rules about a delivery, measured on all that came: also on rows that were there already and collapsed."""
    rules = [r for r in contract.rules if isinstance(r.body, Measured) and r.scope == "delivery"]
    found = zip(rules, ports.engine.measure(came, contract, rules), strict=True) if rules else ()
    now = ports.clock.now()
    return {rule.name: measured(rule, number, contract, now) for rule, number in found}


def _with_own(ports: Ports, task: Task, start: TableEntry | None, standing: Frame) -> Frame:
    """The table as it will be: what stays of it, and the rows that come."""
    if start is None or task.batch.mode == "replace":
        return standing
    published = ports.lake.scan(start)
    if task.batch.mode == "merge":
        published = ports.engine.without(published, task.contract, standing)
    return ports.engine.together([published, standing])


def stage(ports: Ports, task: Task, judged: Judged) -> Prepared:
    """Write the good rows to the run's branch and the bad ones to quarantine, each once."""
    split = ports.engine.split(
        judged.collapsed.rows, task.contract, judged.checked, warn=warned(judged.checked.verdict)
    )
    start = judged.start or ports.lake.create(task.table, task.contract.columns)
    entry, written = _written(ports, task, judged, start, split)
    path = None
    if split.rows_bad:
        path = ports.lake.quarantine(task.batch.id, task.run.id, split.bad)
    counts = Counts(
        judged.rows_in,
        split.rows_good,
        split.rows_bad,
        judged.collapsed.deduplicated,
        judged.collapsed.superseded,
    )
    if not counts.balanced or written.rows < split.rows_good:
        raise Bug(
            f"the sum of {task.batch.id} does not hold: {counts}, {written.rows} rows written",
            place=task.table,
        )
    note_unique(ports, start, entry, task.contract, judged.checked.verdict)
    staged = Staged(tuple(f.path for f in written.files), judged.checked.verdict, counts, path)
    message = _message(task, f"{counts.rows_good:,} row{'' if counts.rows_good == 1 else 's'}")
    commit = commit_branch(ports, task, judged.base, entry, message, staged)
    return Prepared(judged.base, entry, commit, staged)


def stage_rejected(ports: Ports, task: Task, judged: Judged, verdict: Verdict) -> Commit | None:
    """What of a rejected batch fits the table, on the branch, for people to look at; tainted.

    None if its columns are not the table's: then there is nothing that could stand in it.
    """
    if any(f.rule.endswith((".present", ".undeclared")) for f in judged.checked.verdict.blocking):
        return None
    about_rows = frozenset(r.name for r in task.contract.rules if r.about_rows)
    split = ports.engine.split(judged.collapsed.rows, task.contract, judged.checked, warn=about_rows)
    start = judged.start or ports.lake.create(task.table, task.contract.columns)
    written = ports.lake.write(start, split.good)
    entry = ports.lake.append(start, written) if written.files else start
    return commit_branch(ports, task, judged.base, entry, _message(task, "rejected"), verdict)


def _message(task: Task, what: str) -> str:
    """What the log says of a load: ``load flights (append): 901 rows of flights-2013-01-16.csv``."""
    said = f"load {short(task.table)} ({task.batch.mode}): {what} of"
    return (
        f"{said} {object_names(task.batch.objects)}"
        if task.batch.objects
        else f"{said} batch {task.batch.id}"
    )


def tree_changes(
    ports: Ports, task: Task, base_tree: Tree, entry: TableEntry
) -> tuple[Mapping[Key, Entry | None], Mapping[NodeId, bytes]]:
    """The keys that a load changes: its table, its contract where that is new, and baselines where they shrink."""
    changes: dict[Key, Entry | None] = {table_key(task.table): entry}
    nodes: dict[NodeId, bytes] = {}
    if task.document is not None and task.adopts(base_tree):
        changes[contract_key(task.table)], content = document(task.document)
        nodes |= content
    for table, baseline in _baselines(ports, task, base_tree, entry).items():
        held, content = document(baselines.written(baseline)) if baseline else (None, {})
        if base_tree.baseline(table) != held:
            changes[baseline_key(table)] = held
            nodes |= content
    return changes, nodes


def _baselines(ports: Ports, task: Task, tree: Tree, entry: TableEntry) -> Mapping[TableName, Baseline]:
    """What is put up with once the table is ``entry``, also in its children: less, if rows that failed are gone or
    found their parents.
    """
    known, contracts = {task.table: _carried(ports, task, tree)}, {task.table: task.contract}
    for table in tree.tables():
        if table == task.table or tree.baseline(table) is None:
            continue
        try:
            contract = contract_of(ports, tree, table)
        except ContractUnusable:  # a variable of another table's: it keeps what it has
            continue
        if contract is not None:
            known[table], contracts[table] = baselines.baseline_of(ports.store, tree, table), contract
    return still_known(ports, tree, tree.put({table_key(task.table): entry}), contracts, known)


def _carried(ports: Ports, task: Task, tree: Tree) -> Baseline:
    """What was put up with until now, as far as it holds under the contract that the load brings."""
    if task.baseline is not None:
        return task.baseline
    there = baselines.baseline_of(ports.store, tree, task.table)
    if not there or not task.adopts(tree):
        return there
    return baselines.kept(there, contract_of(ports, tree, task.table), task.contract)


def commit_branch(
    ports: Ports, task: Task, base: Base, entry: TableEntry, message: str, what: Staged | Verdict
) -> Commit:
    """A commit on the run's own branch: of what was staged, or, tainted, of what a verdict rejected."""
    assert task.run.branch is not None
    changes, documents = tree_changes(ports, task, base.tree, entry)
    root, nodes = update(ports.store, base.commit.root, changes)
    now = ports.clock.now()
    commit = new_commit(root, [base.commit], author=ports.author, message=message, at=now, run=task.run.id)
    branch = ports.store.ref(task.run.branch)
    if branch is None:
        raise Bug(f"branch {task.run.branch} is gone", place=task.run.branch)
    told = event(ports, "batch.staged", task.table, task.run.id, batch=task.batch.id, commit=commit.id)
    written = Changes(
        nodes={**nodes, **documents},
        commits=(commit,),
        deltas={commit.id: _deltas(base.tree, changes)},
        refs=(RefChange(branch.name, commit.id, reason=message),),
        events=(told,),
    )
    if isinstance(what, Staged):
        step = StepRow(task.run.id, "stage", base.commit.id, staged_record(task, commit, what))
        written = replace(written, steps=(step,))
    else:
        verdict = VerdictRow(root, task.run.id, task.table, what.on(root), now)
        written = replace(
            written, verdicts=(verdict,), taints={commit.id: f"batch {task.batch.id} was quarantined"}
        )
    must(ports, written, (RefIs(branch.name, branch.head, branch.gen), RunOpen(task.run.id)))
    return commit


def staged_record(task: Task, commit: Commit, staged: Staged) -> dict[str, Json]:
    """The stage step's result, enough to land it in another process."""
    counts = staged.counts
    objects: list[Json] = [object_record(o) for o in task.batch.objects]
    return {
        "commit": commit.id,
        "objects": objects,
        "added": [*staged.added],
        "verdict": verdict_record(staged.verdict),
        "counts": [getattr(counts, f) for f in counts.__slots__],
        "quarantine": staged.quarantine,
    }


def _deltas(tree: Tree, changes: Mapping[Key, Entry | None]) -> tuple[Delta, ...]:
    return tuple(Delta(k, tree.get(k), e) for k, e in sorted(changes.items()) if tree.get(k) != e)


def started(ports: Ports, task: Task, base: Base) -> TableEntry | None:
    """The table as it is, with the columns that the contract gives it. Raises ContractUnusable."""
    entry = base.tree.table(task.table)
    if entry is None:
        return None
    evolved = ports.lake.evolve(entry, task.contract.columns)
    if isinstance(evolved, str):
        raise ContractUnusable(
            f"{task.table} cannot take the columns of this contract: {evolved}",
            hint="add optional columns, or widen types as Iceberg allows; for anything else load a new table",
            place=str(task.table),
        )
    return evolved


def _is_primary(contract: TableContract, body: object) -> bool:
    return isinstance(body, Unique) and body.columns == contract.primary_key and body.required


def _existing(
    ports: Ports, task: Task, delivery: Delivery, entry: TableEntry | None
) -> dict[RuleName, Frame]:
    """For each Unique rule, the published rows that its delivered keys could meet."""
    unique = {r.name: r.body for r in task.contract.rules if isinstance(r.body, Unique)}
    if entry is None or not unique or task.batch.mode == "replace":
        return {}
    files = ports.lake.files(entry)
    if not files:
        return {}
    columns = {c for body in unique.values() for c in body.columns}
    ranges = ports.engine.ranges(delivery.rows, task.contract, columns)
    rows, contract = delivery.rows, task.contract
    found = {n: near(ports, entry, contract, rows, ranges, body.columns) for n, body in unique.items()}
    return {name: ports.lake.scan(entry, paths) for name, paths in found.items() if paths}


def _written(
    ports: Ports, task: Task, judged: Judged, start: TableEntry, split: Split
) -> tuple[TableEntry, Written]:
    """The good rows in the table: appended, merged by key, or in place of everything."""
    if task.batch.mode == "append":
        written = ports.lake.write(start, split.good)
        return (ports.lake.append(start, written) if written.files else start), written
    if task.batch.mode == "replace":
        removed = tuple(f.path for f in ports.lake.files(start))
        written = ports.lake.write(start, split.good)
        return ports.lake.rewrite(start, written, removed), written
    keys = task.contract.primary_key
    ranges = ports.engine.ranges(judged.delivered, task.contract, keys)
    held = near(ports, start, task.contract, judged.delivered, ranges, keys) if split.rows_good else ()
    if not held:
        written = ports.lake.write(start, split.good)
        return (ports.lake.append(start, written) if written.files else start), written
    staying = ports.engine.without(ports.lake.scan(start, held), task.contract, split.good)
    written = ports.lake.write(start, ports.engine.together([staying, split.good]))
    return ports.lake.rewrite(start, written, held), written
