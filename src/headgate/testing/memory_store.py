"""The Store in memory: same answers as `edge.store_sql`, by plain dictionaries. Passes the same suite."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace

from headgate.catalog.admission import Move, first_broken, plan_moves
from headgate.catalog.trees import EMPTY_ROOT, node_id
from headgate.model.batch import BatchRow
from headgate.model.change import Changes, Done, QuarantineRow, Refused, Requirement, Unknown, VerdictRow
from headgate.model.commit import Commit, Ref, RefMove, Release
from headgate.model.errors import Bug
from headgate.model.event import Event
from headgate.model.names import BatchId, CommitId, Key, NodeId, RefName, RunId, TableName
from headgate.model.run import Run, StepRow
from headgate.model.tree import Delta
from headgate.ports import Clock


@dataclass(slots=True)
class _State:
    """Everything stored. Dictionaries keep the order of insertion, which is what ``n`` is in SQL."""

    nodes: dict[NodeId, bytes] = field(default_factory=dict)
    commits: dict[CommitId, Commit] = field(default_factory=dict)
    deltas: dict[CommitId, tuple[Delta, ...]] = field(default_factory=dict)
    refs: dict[RefName, Ref] = field(default_factory=dict)
    gens: dict[RefName, int] = field(default_factory=dict)
    reflog: list[RefMove] = field(default_factory=list)
    batches: list[BatchRow] = field(default_factory=list)
    quarantine: dict[str, QuarantineRow] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    steps: dict[tuple[RunId, str, str], StepRow] = field(default_factory=dict)
    verdicts: list[VerdictRow] = field(default_factory=list)
    taints: dict[CommitId, str] = field(default_factory=dict)  # those not cleared
    releases: list[Release] = field(default_factory=list)
    partials: dict[str, bytes] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def twin(self) -> _State:
        return _State(**{f.name: copy(getattr(self, f.name)) for f in fields(self)})


class MemoryStore:
    """One process, no disk. Each commit works on a copy of the state and swaps it in: all or nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = _State()

    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused | Unknown:
        with self._lock:
            after = MemoryStore(self._clock)
            after._state = self._state.twin()
            answer = after._write(changes, requires)
            if isinstance(answer, Done):
                self._state = after._state
            return answer

    def _write(self, changes: Changes, requires: Sequence[Requirement]) -> Done | Refused:
        broken = first_broken(self, requires)
        if broken is not None:
            return broken
        s = self._state
        for id, content in changes.nodes.items():
            if node_id(content) != id:
                raise Bug("a node's id is not the hash of its content", place=id)
            s.nodes[id] = content
        self._add_commits(changes)
        self._add_ledger(changes)
        moves = plan_moves(self, changes.refs, requires)
        if isinstance(moves, Refused):
            return moves
        self._move(moves)
        numbered = tuple(replace(e, offset=len(s.events) + i) for i, e in enumerate(changes.events, 1))
        s.events.extend(numbered)
        return Done(numbered)

    def _add_commits(self, changes: Changes) -> None:
        s = self._state
        for commit in changes.commits:
            if commit.root != EMPTY_ROOT and commit.root not in s.nodes:
                raise Bug("a commit's root is not stored", place=commit.id)
            self._known(commit.parents)
            if commit.id not in s.commits:
                s.commits[commit.id] = commit
                s.deltas[commit.id] = tuple(
                    sorted(changes.deltas.get(commit.id, ()), key=lambda delta: delta.key)
                )
        self._known([*changes.taints, *changes.clearances])
        for id, why in changes.taints.items():
            s.taints.pop(id, None)
            s.taints[id] = why
        for id in changes.clearances:
            s.taints.pop(id, None)

    def _add_ledger(self, changes: Changes) -> None:
        s = self._state
        for row in changes.batches:
            if any((b.batch, b.table, b.run) == (row.batch, row.table, row.run) for b in s.batches):
                raise Bug("a run puts a batch into the ledger twice", place=row.batch)
            s.batches.append(row)
        s.quarantine.update({q.id: q for q in changes.quarantine})
        s.runs.update({r.id: r for r in changes.runs})
        s.steps.update({(step.run, step.step, step.input_hash): step for step in changes.steps})
        for verdict in changes.verdicts:
            if verdict.verdict.root not in (None, verdict.root):
                raise Bug("a verdict is filed under the root of another tree", place=verdict.root)
            s.verdicts.append(verdict)
        for release in changes.releases:
            if any((r.environment, r.id) == (release.environment, release.id) for r in s.releases):
                raise Bug("an environment has two releases of one number", place=release.environment)
            s.releases.append(release)
        s.partials.update({k: v for k, v in changes.partials.items() if k not in s.partials})

    def _known(self, ids: Iterable[CommitId]) -> None:
        for id in ids:
            if id not in self._state.commits:
                raise Bug("a commit is named and not stored", place=id)

    def _move(self, moves: Sequence[Move]) -> None:
        s, now = self._state, self._clock.now()
        for move in moves:
            before, after = move.before, move.after
            if after is None:
                del s.refs[move.name]
                s.gens[move.name] += 1
            else:
                s.refs[move.name] = after
                s.gens[move.name] = after.gen
            old, new = before.head if before else None, after.head if after else None
            s.reflog.append(RefMove(move.name, old, new, now, move.reason))

    # -- the catalog

    def node(self, id: NodeId) -> bytes | None:
        return self._state.nodes.get(id)

    def commit_of(self, id: CommitId) -> Commit | None:
        return self._state.commits.get(id)

    def commits_like(self, prefix: str) -> tuple[CommitId, ...]:
        return tuple(sorted(id for id in self._state.commits if id.startswith(prefix))[:10])

    def deltas(self, commit: CommitId) -> tuple[Delta, ...]:
        return self._state.deltas.get(commit, ())

    def last_touching(self, key: Key, head: CommitId) -> CommitId | None:
        past = self._past(head)
        return next(
            (
                id
                for id in reversed(self._state.commits)
                if id in past and any(d.key == key for d in self._state.deltas[id])
            ),
            None,
        )

    def is_ancestor(self, ancestor: CommitId, of: CommitId) -> bool:
        return ancestor in self._past(of)

    def ancestors(self, of: CommitId, limit: int) -> tuple[Commit, ...]:
        past = self._past(of)
        newest = [c for id, c in reversed(self._state.commits.items()) if id in past]
        return tuple(sorted(newest, key=lambda c: -c.generation)[:limit])

    def reverted(self, head: CommitId) -> frozenset[CommitId]:
        past, undone = self._past(head), set[CommitId]()
        for id, commit in reversed(self._state.commits.items()):
            if id in past and commit.reverts is not None and id not in undone:
                undone.add(commit.reverts)
        return frozenset(undone)

    def taint(self, commit: CommitId) -> str | None:
        past = self._past(commit)
        return next((why for id, why in reversed(self._state.taints.items()) if id in past), None)

    def _past(self, head: CommitId) -> set[CommitId]:
        found: set[CommitId] = set()
        front = [head] if head in self._state.commits else []
        while front:
            id = front.pop()
            if id not in found:
                found.add(id)
                front.extend(self._state.commits[id].parents)
        return found

    def ref(self, name: RefName) -> Ref | None:
        return self._state.refs.get(name)

    def refs(self) -> tuple[Ref, ...]:
        return tuple(sorted(self._state.refs.values(), key=lambda r: r.name))

    def aliases_of(self, branch: RefName) -> tuple[Ref, ...]:
        return tuple(r for r in self.refs() if r.kind == "alias" and r.head == branch)

    def last_gen(self, name: RefName) -> int:
        return self._state.gens.get(name, 0)

    def reflog(self, name: RefName | None = None, limit: int = 1000) -> tuple[RefMove, ...]:
        return tuple(m for m in reversed(self._state.reflog) if name in (None, m.name))[:limit]

    # -- the ledger

    def batches(
        self, table: TableName | None = None, *, digests: Collection[str] = (), batch: BatchId | None = None
    ) -> tuple[BatchRow, ...]:
        return tuple(
            b
            for b in self._state.batches
            if table in (None, b.table)
            and batch in (None, b.batch)
            and (not digests or any(o.digest in digests for o in b.objects))
        )

    def quarantined(
        self, *, batch: BatchId | None = None, open_only: bool = False
    ) -> tuple[QuarantineRow, ...]:
        return tuple(
            q
            for q in self._state.quarantine.values()
            if batch in (None, q.batch) and (not open_only or q.state == "open")
        )

    def releases(self, environment: str) -> tuple[Release, ...]:
        return tuple(
            sorted((r for r in self._state.releases if r.environment == environment), key=lambda r: r.id)
        )

    def release(self, environment: str, id: int | None = None) -> Release | None:
        found = self.releases(environment)
        return next((r for r in reversed(found) if id in {None, r.id}), None)

    def last_release(self, environment: str) -> int | None:
        return max((r.id for r in self.releases(environment)), default=None)

    # -- runs, verdicts, events

    def run(self, id: RunId) -> Run | None:
        return self._state.runs.get(id)

    def runs(self, *, state: str | None = None, limit: int = 1000) -> tuple[Run, ...]:
        found = [r for r in self._state.runs.values() if state in (None, r.state)]
        return tuple(sorted(found, key=lambda r: (r.started, r.id), reverse=True)[:limit])

    def steps(self, run: RunId) -> tuple[StepRow, ...]:
        return tuple(s for s in self._state.steps.values() if s.run == run)

    def verdicts(self, *, root: NodeId | None = None, limit: int = 100) -> tuple[VerdictRow, ...]:
        return tuple(v for v in reversed(self._state.verdicts) if root in (None, v.root))[:limit]

    def passed(self, root: NodeId) -> Mapping[TableName | None, bool]:
        return {v.table: v.verdict.passed for v in self._state.verdicts if v.verdict.root == root}

    def partials(self, keys: Collection[str]) -> Mapping[str, bytes]:
        return {k: self._state.partials[k] for k in keys if k in self._state.partials}

    def events(self, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        return tuple(self._state.events[after : after + limit])
