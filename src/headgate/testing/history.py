"""Ancestry by looking everywhere: what the catalog's walks are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.commit import Commit
from headgate.model.names import CommitId
from headgate.ports import Store

_ALL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Ancestry:
    """All commits that refs reach."""

    commits: Mapping[CommitId, Commit]

    def past(self, head: CommitId) -> frozenset[CommitId]:
        """A commit and everything before it."""
        found: set[CommitId] = set()
        front = [head]
        while front:
            id = front.pop()
            if id not in found:
                found.add(id)
                front.extend(self.commits[id].parents)
        return frozenset(found)

    def undone(self, head: CommitId) -> frozenset[CommitId]:
        """Commits before ``head`` whose changes reverts took back.

        A revert takes back what its commit brought to the branch: the commit itself, and of a merge all that came
        through its other parents. A revert that was reverted takes nothing back.
        """
        undone: set[CommitId] = set()
        past = self.past(head)
        for id in sorted(past, key=lambda c: -self.commits[c].generation):
            reverts = self.commits[id].reverts
            if reverts is not None and id not in undone:
                undone |= self.brought(reverts)
        return frozenset(undone & past)

    def brought(self, id: CommitId) -> frozenset[CommitId]:
        """What came to a branch with a commit: it, and what its first parent did not have."""
        parents = self.commits[id].parents
        return self.past(id) - (self.past(parents[0]) if parents else frozenset())


def whole_history(store: Store) -> Ancestry:
    """The history of everything that refs and ledger name."""
    heads = {CommitId(r.head) for r in store.refs() if r.kind != "alias"}
    heads |= {row.commit for row in store.batches() if row.commit is not None}
    return Ancestry({c.id: c for head in heads for c in store.ancestors(head, _ALL)})
