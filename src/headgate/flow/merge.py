"""`merge` and `revert`: changes of whole trees, checked and published like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

from headgate.catalog.commits import commit_at, diff, merge_base, new_commit, stored_commit
from headgate.catalog.merging import BothChanged, conflict, merge_trees
from headgate.catalog.trees import Beside, load_tree, update
from headgate.checks.merged import KnownAs, check_changed
from headgate.flow.baselines import about_baseline, agreed_on, as_before, with_baselines
from headgate.flow.contracts import contracts_of, contracts_that_refer
from headgate.flow.ledger import was_forced
from headgate.flow.preparing import Base, seen
from headgate.flow.runs import close, ended, event, new_run, opened, target_ref
from headgate.flow.status import last_verdict
from headgate.intake.batches import in_effect
from headgate.model.baseline import Baseline
from headgate.model.batch import BatchRow
from headgate.model.change import Changes, RunOpen, VerdictRow
from headgate.model.commit import Commit
from headgate.model.errors import WrongUse
from headgate.model.names import (
    CommitId,
    Key,
    NodeId,
    RefName,
    RunId,
    TableName,
    contract_key,
    table_key,
    table_name,
    table_of,
)
from headgate.model.run import Conflict, Run
from headgate.model.tree import Delta, Entry, TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Ports
from headgate.publishing.publish import Candidate, Lost, Published, Withheld, publish
from headgate.publishing.tables import Unmergeable, merge_table, undo_table

LOST_RACE_S = 120.0
TABLE_LOCK_S = 30.0

MergeOutcome = Literal["merged", "reverted", "unchanged", "refused", "conflict"]


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The result of a merge or a revert. ``to``: the target's new head; None if it did not move.

    ``verdict``: on the tree that the target would have, or has; None where nothing was judged.
    """

    run: RunId | None
    outcome: MergeOutcome
    source: str
    target: RefName
    before: CommitId
    to: CommitId | None
    conflicts: tuple[Conflict, ...] = ()
    findings: tuple[Finding, ...] = ()
    why: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What a target would become: an existing commit (fast-forward), or a new one with what it writes."""

    tree: Tree
    commit: Commit
    changes: Changes


Propose = Callable[[Base, Run], "_Candidate | tuple[Conflict, ...] | None"]


def merge(ports: Ports, source: str, target: str, *, allowed: frozenset[str] = frozenset()) -> MergeResult:
    """Merge a branch, tag or commit into a branch: fast-forward, or three-way per key.

    Tables that both sides only appended to are merged by appending the source's files again. What does not merge
    is a conflict, with the evidence. Raises NotThere, WrongUse (no common history, or several merge bases).
    """
    theirs = commit_at(ports.store, source)
    onto = target_ref(ports, target)
    if ports.store.is_ancestor(theirs.id, CommitId(onto.head)):
        return MergeResult(None, "unchanged", source, onto.name, CommitId(onto.head), None)

    def propose(base: Base, run: Run) -> _Candidate | tuple[Conflict, ...] | None:
        return _merge_onto(ports, theirs, base, run, f"merge {source}")

    return _move(ports, "merge", source, onto.name, propose, allowed)


def revert(ports: Ports, commit: str, target: str, *, allowed: frozenset[str] = frozenset()) -> MergeResult:
    """Undo a whole publish set: every key that ``commit`` changed, on top of what came later.

    Raises NotThere, and WrongUse if the commit is not in the target's history or was reverted already.
    """
    undone = commit_at(ports.store, commit)
    onto = target_ref(ports, target)
    if not ports.store.is_ancestor(undone.id, CommitId(onto.head)):
        raise WrongUse(
            f"{commit} is not in the history of {target}", hint=f"see `headgate log {target}`", place=commit
        )
    if undone.id in ports.store.reverted(CommitId(onto.head)):
        return MergeResult(
            None, "unchanged", commit, onto.name, CommitId(onto.head), None, why="reverted before"
        )
    if not undone.parents:
        raise WrongUse(f"{commit} is the first commit", hint="there is nothing before it", place=commit)

    def propose(base: Base, run: Run) -> _Candidate | tuple[Conflict, ...] | None:
        return _revert_on(ports, undone, base, run)

    return _move(ports, "revert", commit, onto.name, propose, allowed)


def _move(
    ports: Ports,
    kind: Literal["merge", "revert"],
    source: str,
    target: RefName,
    propose: Propose,
    allowed: frozenset[str],
) -> MergeResult:
    """Propose, check, publish; again for a while if somebody else was first."""
    run = new_run(ports, kind, source, target, intent={"source": source, "target": target})
    deadline = ports.clock.monotonic() + LOST_RACE_S
    known: dict[KnownAs, Verdict] = {}
    with opened(ports, run, None):
        while True:
            base = seen(ports, target_ref(ports, target))
            result = MergeResult(run.id, "conflict", source, target, base.commit.id, None)
            found = propose(base, run)
            if found is None:
                close(ports, run, "done", "unchanged", drop_branch=False)
                return replace(result, outcome="unchanged")
            if isinstance(found, tuple):
                close(ports, run, "failed", "conflict", drop_branch=False)
                return replace(result, conflicts=found)
            verdict = _judged(ports, base, found, allowed, known)
            result = replace(result, verdict=verdict)
            done = _switch(ports, run, base, found, verdict)
            match done:
                case Published(commit):
                    outcome: MergeOutcome = "merged" if kind == "merge" else "reverted"
                    return replace(result, outcome=outcome, to=commit.id)
                case Withheld(why, because):
                    why += _let_in(ports, kind, source, base, because)
                    close(ports, run, "failed", "refused", message=why, drop_branch=False)
                    return replace(result, outcome="refused", findings=because, why=why)
                case Lost():
                    if ports.clock.monotonic() > deadline:
                        close(ports, run, "failed", "conflict", drop_branch=False)
                        return replace(result, why=f"others kept moving {target} until the time was up")


def _judged(
    ports: Ports, base: Base, found: _Candidate, allowed: frozenset[str], known: dict[KnownAs, Verdict]
) -> Verdict:
    """The verdict on what the target would be."""
    # What a load says of its tree is about what it brought; what was let in before it must be looked at, too.
    stored = [v for v in ports.store.verdicts(root=found.commit.root) if v.table is None][:1]
    if stored and stored[0].verdict.passed and stored[0].verdict.allowed <= allowed:
        return stored[0].verdict
    contracts, were = contracts_of(ports, found.tree), contracts_that_refer(ports, base.tree)
    nodes = Beside(ports.store, found.changes.nodes)
    verdict = check_changed(ports, base.tree, found.tree, contracts, allowed, known, nodes, were)
    return verdict.on(found.commit.root)


def _let_in(
    ports: Ports, kind: Literal["merge", "revert"], source: str, base: Base, because: Collection[Finding]
) -> str:
    """Where rows that a load let in are why it is refused: so much, and the way out.

    What a load is told (``--on-fail warn``) is for the branch that it loads into. A merge is held against what the
    contracts say: who merges did not say it, and may not know.
    """
    heads = [base.commit.id, *([commit_at(ports.store, source).id] if kind == "merge" else ())]
    for finding in because:
        table, _, rule = finding.rule.partition(":")
        if not rule or not finding.rows_failed:
            continue
        rows = (last_verdict(ports, table_name(table), head) for head in heads)
        said = {f.rule for row in rows if row is not None for f in row.verdict.findings if f.status == "warn"}
        if said & {finding.rule, rule}:
            return (
                f"; rows of {table} that fail it were let in by a load, which is for its own branch alone: mend them "
                f"(load --mode merge), load the same files into {base.ref.name} with --on-fail warn, or say "
                "onFail: warn in the contract"
            )
    return ""


def _switch(
    ports: Ports, run: Run, base: Base, found: _Candidate, verdict: Verdict
) -> Published | Withheld | Lost:
    now = ports.clock.now()
    outcome = "merged" if run.kind == "merge" else "reverted"
    told = event(
        ports,
        f"ref.{outcome}",
        base.ref.name,
        run.id,
        source=run.subject,
        old=base.ref.head,
        new=found.commit.id,
    )
    changes = replace(
        found.changes,
        runs=(ended(ports, run, "done", outcome),),
        verdicts=(VerdictRow(found.commit.root, run.id, None, verdict, now),),
        events=(told,),
    )
    reason = f"{run.kind} {run.subject}"
    return publish(
        Candidate(found.commit, base.ref, changes, (RunOpen(run.id),), reason), verdict, ports.store
    )


def _merge_onto(
    ports: Ports, theirs: Commit, base: Base, run: Run, message: str
) -> _Candidate | tuple[Conflict, ...] | None:
    if ports.store.is_ancestor(theirs.id, base.commit.id):
        return None
    source = load_tree(ports.store, theirs.root)
    if ports.store.is_ancestor(base.commit.id, theirs.id):
        return _Candidate(source, theirs, Changes())
    ancestor = stored_commit(ports.store, merge_base(ports.store, base.commit.id, theirs.id))
    merged = merge_trees(load_tree(ports.store, ancestor.root), base.tree, source)
    changes: dict[Key, Entry | None] = dict(merged.changes)
    conflicts: list[Conflict] = []
    known: dict[TableName, Baseline] = {}
    with ExitStack() as locks:
        for both in merged.both_changed:  # in key order, so that two merges never wait for one another
            table = table_of(both.key)
            if table is not None and about_baseline(both.key):
                known[table] = agreed_on(ports, both)
                continue
            locks.enter_context(ports.locks.hold(f"table-{table}", TABLE_LOCK_S))
            answer = _taken_twice(ports, both, base.commit.id, theirs.id) or _both(ports, both)
            if isinstance(answer, Unmergeable):
                rival = ports.store.last_touching(both.key, base.commit.id)
                evidence = conflict(both, rival)
                conflicts.append(replace(evidence, ours=answer.ours, theirs=answer.theirs))
            else:
                changes[both.key] = answer
    if conflicts:
        return tuple(conflicts)
    found = with_baselines(ports, base.tree, changes, known)
    return _commit(ports, run, base, [base.commit, theirs], found, message)


def _taken_twice(ports: Ports, both: BothChanged, ours: CommitId, theirs: CommitId) -> Unmergeable | None:
    """What each side took in by a delivery of its own: it was new to each, and would be there twice."""
    table = table_of(both.key)
    if table is None or both.key != table_key(table):
        return None
    rows = _repeated(ports.store.batches(table))
    mine, other = (in_effect(ports.store, rows, head) for head in (ours, theirs))
    here, there = (_objects(ports, set(one) - set(two)) for one, two in ((mine, other), (other, mine)))
    twice = [known for known in here if known in there]  # an object before its batch: people know the file
    if not twice:
        return None
    return Unmergeable(f"took in {here[twice[0]]}", f"took in {there[twice[0]]}, which is the same")


def _repeated(rows: Sequence[BatchRow]) -> tuple[BatchRow, ...]:
    """Batches of which the ledger has another with the same id or one of the same objects: nearly always none."""
    known = [frozenset({r.batch, *(o.digest for o in r.objects)}) for r in rows]
    often = Counter(name for names in known for name in names)
    return tuple(r for r, names in zip(rows, known, strict=True) if any(often[n] > 1 for n in names))


def _objects(ports: Ports, rows: Collection[BatchRow]) -> Mapping[str, str]:
    """What these batches are known by, their objects and their ids, and how to call it; not what was wanted twice."""
    once = [row for row in rows if not was_forced(ports, row)]
    objects = {o.digest: o.location for row in once for o in row.objects}
    return {**objects, **{row.batch: f"batch {row.batch}" for row in once}}


def _both(ports: Ports, both: BothChanged) -> Entry | Unmergeable:
    if all(isinstance(e, TableEntry | None) for e in (both.base, both.ours, both.theirs)):
        b, o, t = (e if isinstance(e, TableEntry) else None for e in (both.base, both.ours, both.theirs))
        return merge_table(ports.lake, b, o, t)
    return Unmergeable("changed the document", "changed the document")


def _revert_on(
    ports: Ports, undone: Commit, base: Base, run: Run
) -> _Candidate | tuple[Conflict, ...] | None:
    changes: dict[Key, Entry | None] = {}
    conflicts: list[Conflict] = []
    then = load_tree(ports.store, undone.root)
    changed = diff(ports.store, undone.parents[0], undone.id)
    for delta in changed:
        if about_baseline(delta.key):
            continue
        now = base.tree.get(delta.key)
        if now == delta.new and _contract_in_use(delta, then, base.tree):
            continue
        answer = _undone(ports, delta, now)
        if isinstance(answer, Unmergeable):
            rival = ports.store.last_touching(delta.key, base.commit.id)
            conflicts.append(Conflict(delta.key, answer.ours, answer.theirs, rival))
        elif answer != now:
            changes[delta.key] = answer
    if conflicts:
        return tuple(conflicts)
    before = load_tree(ports.store, stored_commit(ports.store, undone.parents[0]).root)
    known = as_before(ports, changed, before, base.tree.put(changes))
    found = with_baselines(ports, base.tree, changes, known)
    if not found[0]:
        return None
    return _commit(ports, run, base, [base.commit], found, f"revert {undone.id[:12]}", reverts=undone.id)


def _contract_in_use(delta: Delta, then: Tree, now: Tree) -> bool:
    """True for the first contract of a table that took more rows since: without it they would be unguarded."""
    table = table_of(delta.key)
    if table is None or delta.key != contract_key(table) or delta.old is not None:
        return False
    return now.table(table) not in (None, then.table(table))


def _undone(ports: Ports, delta: Delta, now: Entry | None) -> Entry | Unmergeable | None:
    if now == delta.new:
        return delta.old
    if isinstance(delta.new, TableEntry) and isinstance(now, TableEntry):
        old = delta.old if isinstance(delta.old, TableEntry) else None
        answer = undo_table(ports.lake, old, delta.new, now)
        return now if answer == "untouched" else answer
    return Unmergeable("changed it later", "changed it")


def _commit(
    ports: Ports,
    run: Run,
    base: Base,
    parents: list[Commit],
    found: tuple[Mapping[Key, Entry | None], Mapping[NodeId, bytes]],
    message: str,
    *,
    reverts: CommitId | None = None,
) -> _Candidate:
    """A commit of changes, and of the documents that are new with them."""
    changes, documents = found
    root, nodes = update(ports.store, base.commit.root, changes)
    now = ports.clock.now()
    commit = new_commit(
        root, parents, author=ports.author, message=message, at=now, run=run.id, reverts=reverts
    )
    deltas = tuple(Delta(k, base.tree.get(k), e) for k, e in sorted(changes.items()))
    written = Changes(nodes={**nodes, **documents}, commits=(commit,), deltas={commit.id: deltas})
    return _Candidate(base.tree.put(changes), commit, written)
