"""Commits, refs and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headgate.model.names import CommitId, NodeId, RefName, RunId

RefKind = Literal["branch", "tag", "alias"]


@dataclass(frozen=True, slots=True)
class Commit:
    """A tree with parents. Nothing in it changes later: taint and clearance are rows of their own.

    ``generation`` is one more than the greatest of the parents'; ``reverts`` names the commit whose publish
    set this one undoes.
    """

    id: CommitId
    root: NodeId
    parents: tuple[CommitId, ...]
    generation: int
    author: str
    message: str
    at: datetime
    run: RunId | None = None
    reverts: CommitId | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A name for a commit (branch, tag) or for another ref (alias).

    ``head`` is a commit id; of an alias, the name of the branch behind it. ``gen`` counts the moves, so that a
    compare-and-swap notices A-B-A. A ``protected`` ref only takes commits that have a passing verdict.
    """

    name: RefName
    kind: RefKind
    head: str
    gen: int
    protected: bool = False


@dataclass(frozen=True, slots=True)
class RefMove:
    """One line of the reflog. None: the ref did not exist before, or does not any more."""

    name: RefName
    old: str | None
    new: str | None
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """One promotion of an environment. ``before`` is the release that was shown when this one came.

    A rollback is recorded as a release of kind ``rollback`` whose ``shows`` is an earlier promotion; it is
    never gone back to itself.
    """

    id: int
    environment: str
    kind: Literal["promotion", "rollback"]
    commit: CommitId
    branch: RefName
    before: int | None
    shows: int
    at: datetime
