"""The catalog on SQLite against a model of plain dictionaries and sets, by steps that Hypothesis chooses.

The model knows nothing of nodes, generations, SQL or walks: a commit is a dictionary with parents, a branch is a
name for one, and ancestry is found by looking everywhere. Not modelled: runs, the ledger, releases (no rules of
their own; the store's suite has them).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from headgate.catalog.commits import diff, log, merge_base, new_commit, resolve, stored_commit
from headgate.catalog.merging import merge_trees
from headgate.catalog.refs import create_branch, create_tag, delete_branch, delete_tag
from headgate.catalog.trees import EMPTY_ROOT, changed, load_tree, update
from headgate.edge.store.sql import SqlStore, create, open_store
from headgate.model.change import Changes, Done, RefAbsent, RefChange, RefIs, Refused
from headgate.model.commit import Commit
from headgate.model.errors import WrongUse
from headgate.model.event import Event
from headgate.model.names import MAIN, CommitId, Key, NodeId, RefName
from headgate.model.tree import Entry, TableEntry
from headgate.testing.clock import TickingClock
from headgate.testing.store_writer import verdict_on

KEYS = [f"table/default.{name}" for name in "abcd"]
NAMES = ["dev", "fix/1", "v1"]

Content = dict[str, int]


@dataclass
class Known:
    """One commit, in the model."""

    content: Content
    parents: tuple[str, ...]
    root: str
    reverts: str | None = None


@dataclass
class Model:
    commits: dict[str, Known] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    passed: dict[str, bool] = field(default_factory=dict)  # by root: the newest verdict
    tainted: set[str] = field(default_factory=set)
    moves: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    events: int = 0

    def past(self, id: str) -> set[str]:
        return {id}.union(*(self.past(p) for p in self.commits[id].parents))

    def bases(self, one: str, other: str) -> set[str]:
        common = self.past(one) & self.past(other)
        return {c for c in common if not any(c != d and c in self.past(d) for d in common)}

    def reverted(self, id: str) -> set[str]:
        """Undone by a revert in the past that is not undone itself."""
        reverts = [c for c in self.past(id) if self.commits[c].reverts is not None]

        def stands(revert: str) -> bool:
            later = [r for r in reverts if self.commits[r].reverts == revert]
            return not any(stands(r) for r in later)

        return {str(self.commits[r].reverts) for r in reverts if stands(r)}

    def fit(self, id: str) -> bool:
        """May a protected ref show it?"""
        known = self.commits[id]
        judged = not known.content or self.passed.get(known.root, False)
        return judged and not self.past(id) & self.tainted

    def move(self, name: str, new: str | None) -> None:
        shelf = self.tags if name in self.tags or name.startswith("v") else self.branches
        self.moves.append((name, shelf.get(name), new))
        if new is None:
            del shelf[name]
        else:
            shelf[name] = new

    def differing(self, one: str, other: str) -> set[str]:
        a, b = self.commits[one].content, self.commits[other].content
        return {k for k in a.keys() | b.keys() if a.get(k) != b.get(k)}


def entry(number: int) -> TableEntry:
    return TableEntry("u", f"/{number}.json")


def number(value: Entry) -> int:
    assert isinstance(value, TableEntry)
    return int(value.pointer.strip("/").removesuffix(".json"))


@settings(max_examples=25, stateful_step_count=30, deadline=None)
class CatalogMachine(RuleBasedStateMachine):
    commits: Any = Bundle("commits")

    @initialize(target=commits)
    def begin(self) -> str:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = TickingClock()
        self.store: SqlStore = create(self.folder / "catalog.db", self.clock)
        self.model = Model()
        self.versions = 0
        first = self._write(None, {}, ())
        answer = self.store.commit(
            Changes(refs=(RefChange(MAIN, CommitId(first), protected=True),)), (RefAbsent(MAIN),)
        )
        assert isinstance(answer, Done)
        self.model.move(MAIN, first)
        return first

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    # -- steps

    @rule(
        target=commits,
        name=st.sampled_from(["main", *NAMES]),
        keys=st.sets(st.sampled_from(KEYS), max_size=3),
    )
    def work_on_a_branch(self, name: str, keys: set[str]) -> str:
        """Commit, and move the branch in the same transaction: only if it may."""
        head = self.model.branches.get(name)
        if head is None:
            return self.model.branches["main"]
        content = dict(self.model.commits[head].content)
        for key in keys:
            self.versions += 1
            if content.pop(key, None) is None or self.versions % 3:
                content[key] = self.versions
        return self._write(name, content, (head,))

    @rule(target=commits, name=st.sampled_from(["main", *NAMES]), commit=commits)
    def revert_on_a_branch(self, name: str, commit: str) -> str:
        """Undo what a commit did to its first parent, as far as nothing else changed it since."""
        head = self.model.branches.get(name)
        parents = self.model.commits[commit].parents
        if head is None or not parents:
            return self.model.branches["main"]
        content = dict(self.model.commits[head].content)
        old, new = self.model.commits[parents[0]].content, self.model.commits[commit].content
        touched = self.model.differing(parents[0], commit)
        if any(content.get(key) != new.get(key) for key in touched):
            return head
        for key in touched:
            content.pop(key, None)
            if key in old:
                content[key] = old[key]
        return self._write(name, content, (head,), reverts=commit)

    @rule(target=commits, name=st.sampled_from(["main", *NAMES]))
    def revert_the_head(self, name: str) -> str:
        """Again and again: a revert, the revert of the revert."""
        head = self.model.branches.get(name)
        return self.revert_on_a_branch(name, head) if head else self.model.branches["main"]

    @rule(target=commits, source=st.sampled_from(["main", *NAMES]), target_=st.sampled_from(["main", *NAMES]))
    def merge(self, source: str, target_: str) -> str:
        theirs, ours = self.model.branches.get(source), self.model.branches.get(target_)
        if theirs is None or ours is None:
            return self.model.branches["main"]
        bases = self.model.bases(ours, theirs)
        if len(bases) != 1:
            try:
                merge_base(self.store, CommitId(ours), CommitId(theirs))
            except WrongUse:
                return ours
            raise AssertionError(f"{len(bases)} bases, and none refused")
        base = next(iter(bases))
        assert merge_base(self.store, CommitId(ours), CommitId(theirs)) == base
        merged = merge_trees(*(self._tree(c) for c in (base, ours, theirs)))
        mine, yours = self.model.differing(base, ours), self.model.differing(base, theirs)
        assert {b.key for b in merged.both_changed} == mine & yours & self.model.differing(ours, theirs)
        if merged.both_changed:
            return ours
        content = dict(self.model.commits[ours].content)
        for key in yours:
            content.pop(key, None)
            if key in self.model.commits[theirs].content:
                content[key] = self.model.commits[theirs].content[key]
        assert content == self._read(self._tree(ours).put(merged.changes).entries)
        return self._write(target_, content, (ours, theirs))

    @rule(name=st.sampled_from(["main", *NAMES]), commit=commits)
    def move_somewhere(self, name: str, commit: str) -> None:
        """A rollback, a jump, anything: a protected branch only goes where it may."""
        ref = self.store.ref(RefName(name))
        if ref is None:
            return
        answer = self.store.commit(
            Changes(refs=(RefChange(ref.name, commit),), events=(self._event(),)),
            (RefIs(ref.name, ref.head, ref.gen),),
        )
        allowed = self.model.fit(commit) if name == "main" else ref.kind == "branch" or ref.head == commit
        assert isinstance(answer, Done if allowed else Refused), answer
        if allowed:
            self.model.move(name, commit)
            self.model.events += 1

    @rule(name=st.sampled_from(["main", *NAMES]), commit=commits)
    def come_too_late(self, name: str, commit: str) -> None:
        """A compare-and-swap from where the ref is no more."""
        ref = self.store.ref(RefName(name))
        if ref is not None:
            for seen in (RefIs(ref.name, ref.head, ref.gen - 1), RefIs(ref.name, "0" * 64, ref.gen)):
                answer = self.store.commit(
                    Changes(refs=(RefChange(ref.name, commit),), events=(self._event(),)), (seen,)
                )
                assert isinstance(answer, Refused)

    @rule(name=st.sampled_from(NAMES), commit=commits)
    def create_ref(self, name: str, commit: str) -> None:
        make = create_tag if name.startswith("v") else create_branch
        there = name in self.model.branches or name in self.model.tags
        try:
            make(self.store, self.clock, name, CommitId(commit))
        except WrongUse:
            assert there
        else:
            assert not there
            self.model.move(name, commit)
            self.model.events += 1

    @rule(name=st.sampled_from(["main", *NAMES]))
    def delete_ref(self, name: str) -> None:
        there = name in self.model.branches or name in self.model.tags
        if not there:
            return
        try:
            (delete_tag if name.startswith("v") else delete_branch)(self.store, self.clock, name)
        except WrongUse:
            assert name == "main"
        else:
            assert name != "main"
            self.model.move(name, None)
            self.model.events += 1

    @rule(commit=commits, passed=st.booleans())
    def judge(self, commit: str, passed: bool) -> None:
        root = NodeId(self.model.commits[commit].root)
        assert isinstance(self.store.commit(Changes(verdicts=(verdict_on(root, passed=passed),))), Done)
        self.model.passed[root] = passed

    @rule(commit=commits)
    def taint(self, commit: str) -> None:
        assert isinstance(self.store.commit(Changes(taints={CommitId(commit): commit})), Done)
        self.model.tainted.add(commit)

    @rule(commit=commits)
    def clear(self, commit: str) -> None:
        assert isinstance(self.store.commit(Changes(clearances={CommitId(commit): "seen"})), Done)
        self.model.tainted.discard(commit)

    @rule()
    def open_it_anew(self) -> None:
        self.store.close()
        self.store = open_store(self.folder / "catalog.db", self.clock)

    # -- what must hold after every step

    @invariant()
    def refs_are_where_the_model_has_them(self) -> None:
        found = {r.name: (r.kind, r.head) for r in self.store.refs()}
        assert [r.name for r in self.store.refs() if r.protected] == [MAIN]
        branches = {name: ("branch", head) for name, head in self.model.branches.items()}
        assert found == branches | {name: ("tag", head) for name, head in self.model.tags.items()}
        for name, (_, head) in found.items():
            assert resolve(self.store, name) == resolve(self.store, head[:40]) == head

    @invariant()
    def commits_are_what_they_were(self) -> None:
        """Immutable and acyclic: every one of them, after whatever came later."""
        self.store._commits.clear()  # what the database says, not what was read before
        self.store._nodes.clear()
        for id, known in self.model.commits.items():
            commit = stored_commit(self.store, CommitId(id))
            assert (commit.root, commit.parents, commit.reverts) == (known.root, known.parents, known.reverts)
            assert self._read(self._tree(id)) == known.content
            assert all(stored_commit(self.store, p).generation < commit.generation for p in commit.parents)

    @invariant()
    def history_is_what_the_model_remembers(self) -> None:
        for head in {*self.model.branches.values(), *self.model.tags.values()}:
            id, past = CommitId(head), self.model.past(head)
            assert {c.id for c in log(self.store, id, 10_000)} == past
            assert self.store.reverted(id) == self.model.reverted(head)
            taints = self.model.tainted & past
            assert self.store.taint(id) in taints if taints else self.store.taint(id) is None
            for other in self.model.branches.values():
                assert self.store.is_ancestor(CommitId(other), id) == (other in past)
                differing = {d.key for d in diff(self.store, id, CommitId(other))}
                assert differing == self.model.differing(head, other)
            for key in KEYS:
                last = self.store.last_touching(Key(key), id)
                touching = {c for c in past if key in self._touched(c)}
                assert (last in touching) if touching else last is None
                assert last is None or not any(last in self.model.past(t) and t != last for t in touching)

    @invariant()
    def the_logs_are_complete(self) -> None:
        """The reflog tells every move, and read forward it gives the refs; events have no gaps."""
        moves = [(m.name, m.old, m.new) for m in reversed(self.store.reflog(limit=10_000))]
        assert moves == self.model.moves
        offsets = [e.offset for e in self.store.events(limit=10_000)]
        assert offsets == list(range(1, self.model.events + 1))

    # -- doing it

    def _write(
        self,
        name: str | None,
        content: Content,
        parents: tuple[str, ...],
        reverts: str | None = None,
    ) -> str:
        """A commit, and the branch moved to it. What comes of it in the model; the commit that counts."""
        commit, changes = self._prepare(content, parents, reverts)
        requires = []
        if name is not None:
            ref = self.store.ref(RefName(name))
            assert ref is not None
            changes = replace(changes, refs=(RefChange(ref.name, commit.id),), events=(self._event(),))
            requires.append(RefIs(ref.name, ref.head, ref.gen))
        self.versions += 1
        judged = None if self.versions % 4 == 0 else self.versions % 5 != 0
        before = dict(self.model.passed)
        if judged is not None:
            changes = replace(changes, verdicts=(verdict_on(commit.root, passed=judged),))
            self.model.passed[commit.root] = judged
        known = Known(content, parents, commit.root, reverts)
        answer = self.store.commit(changes, requires)
        self.model.commits[commit.id] = known
        if name == "main" and not self.model.fit(commit.id):
            assert isinstance(answer, Refused)
            del self.model.commits[commit.id]
            self.model.passed = before
            return parents[0]
        assert isinstance(answer, Done), answer
        if name is not None:
            self.model.move(name, commit.id)
            self.model.events += 1
        return commit.id

    def _prepare(
        self, content: Content, parents: Iterable[str], reverts: str | None
    ) -> tuple[Commit, Changes]:
        above = [stored_commit(self.store, CommitId(p)) for p in parents]
        old = above[0].root if above else EMPTY_ROOT
        before = self._read(load_tree(self.store, old).entries)
        edits: dict[Key, Entry | None] = {
            Key(k): entry(content[k]) if k in content else None
            for k in before.keys() | content.keys()
            if before.get(k) != content.get(k)
        }
        root, nodes = update(self.store, old, edits)
        commit = new_commit(
            root,
            above,
            author="a",
            message="m",
            at=self.clock.now(),
            reverts=None if reverts is None else CommitId(reverts),
        )
        shelf = _Both(nodes, self.store)
        return commit, Changes(nodes=nodes, commits=(commit,), deltas={commit.id: changed(shelf, old, root)})

    def _event(self) -> Event:
        return Event("ref.moved", "somewhere", self.clock.now())

    def _tree(self, id: str) -> Any:
        return load_tree(self.store, stored_commit(self.store, CommitId(id)).root)

    def _read(self, entries: Any) -> Content:
        return {str(k): number(e) for k, e in entries.items()}

    def _touched(self, id: str) -> set[str]:
        parents = self.model.commits[id].parents
        return self.model.differing(parents[0], id) if parents else set(self.model.commits[id].content)


@dataclass(frozen=True)
class _Both:
    nodes: Any
    store: SqlStore

    def node(self, id: NodeId) -> bytes | None:
        found: bytes | None = self.nodes.get(id)
        return found or self.store.node(id)


TestCatalog = CatalogMachine.TestCase
