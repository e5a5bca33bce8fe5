"""Commits: made, named, walked and compared."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from headgate.catalog.trees import canonical, changed
from headgate.model.commit import Commit, Ref
from headgate.model.errors import Bug, NotThere, WrongUse
from headgate.model.event import Json
from headgate.model.names import CommitId, NodeId, RefName, RunId, is_commit_id
from headgate.model.tree import Delta
from headgate.ports import Store

_OF_RUNS = "load/"  # branches of loads that failed: there may be many, and nobody types them
PREFIX_MIN = 7


def new_commit(
    root: NodeId,
    parents: Sequence[Commit],
    *,
    author: str,
    message: str,
    at: datetime,
    run: RunId | None = None,
    reverts: CommitId | None = None,
) -> Commit:
    """A commit of ``root`` on top of ``parents`` (the first one is the branch it is made on).

    Its id is the SHA-256 of everything in it, so the id names content and history both.
    """
    content: Json = {
        "root": root,
        "parents": [p.id for p in parents],
        "author": author,
        "message": message,
        "at": at.isoformat(),
        "run": run,
        "reverts": reverts,
    }
    return Commit(
        id=CommitId(sha256(canonical(content)).hexdigest()),
        root=root,
        parents=tuple(p.id for p in parents),
        generation=1 + max((p.generation for p in parents), default=0),
        author=author,
        message=message,
        at=at,
        run=run,
        reverts=reverts,
    )


# -- names --------------------------------------------------------------------------------------------------


def find_ref(store: Store, name: str) -> Ref:
    """The ref of this name, as it is. Raises NotThere with the closest names."""
    ref = store.ref(RefName(name))
    if ref is None:
        raise NotThere.among("branch or tag", name, (r.name for r in store.refs()))
    return ref


def branch_behind(store: Store, name: str) -> Ref:
    """The ref of this name; for an alias, the branch it stands for now."""
    ref = find_ref(store, name)
    return find_ref(store, ref.head) if ref.kind == "alias" else ref


def resolve(store: Store, text: str) -> CommitId:
    """The commit that a branch, tag, alias, commit id or unique start of one (7 digits or more) names.

    A ref wins over the start of a commit id. Raises NotThere, or WrongUse for a start that several commits share.
    """
    ref = store.ref(RefName(text))
    if ref is not None:
        return CommitId(branch_behind(store, text).head if ref.kind == "alias" else ref.head)
    lowered = text.lower()
    if is_commit_id(lowered) and store.commit_of(CommitId(lowered)) is not None:
        return CommitId(lowered)
    if PREFIX_MIN <= len(text) < 64 and all(c in "0123456789abcdef" for c in lowered):
        found = store.commits_like(lowered)
        if len(found) > 1:
            raise WrongUse(
                f"{text!r} is the start of {len(found)} commits",
                hint=f"write more of it: {', '.join(c[: len(text) + 5] for c in found[:3])}",
                place=text,
            )
        if found:
            return found[0]
    names = [r.name for r in store.refs()]
    told = [n for n in names if not n.startswith(_OF_RUNS)] or names
    raise NotThere.among("branch, tag or commit", text, names if text.startswith(_OF_RUNS) else told)


def commit_at(store: Store, text: str) -> Commit:
    """`resolve`, and the commit itself."""
    return stored_commit(store, resolve(store, text))


def stored_commit(store: Store, id: CommitId) -> Commit:
    """A commit that something stored names, so it must be there."""
    commit = store.commit_of(id)
    if commit is None:
        raise Bug(f"commit {id} is named and not stored", place=id)
    return commit


# -- history ------------------------------------------------------------------------------------------------


def log(store: Store, head: CommitId, limit: int = 100) -> tuple[Commit, ...]:
    """The history of ``head``, newest first by generation, itself included."""
    return store.ancestors(head, limit)


def merge_bases(store: Store, one: CommitId, other: CommitId) -> tuple[CommitId, ...]:
    """The best common ancestors: those that are not an ancestor of another one. None for strangers.

    Walks by falling generation, so a commit is only looked at after everything that descends from it; costs
    what lies between the two and their bases, not the whole history.
    """
    ours, theirs, stale = 1, 2, 4
    marks: dict[CommitId, int] = {}
    known: dict[CommitId, Commit] = {}
    queue: list[tuple[int, CommitId]] = []

    def see(id: CommitId, mark: int) -> None:
        if id not in known:
            known[id] = stored_commit(store, id)
            heapq.heappush(queue, (-known[id].generation, id))
        marks[id] = marks.get(id, 0) | mark

    see(one, ours)
    see(other, theirs)
    bases: list[CommitId] = []
    while any(not marks[id] & stale for _, id in queue):
        _, id = heapq.heappop(queue)
        mark = marks[id]
        if mark & (ours | theirs) == ours | theirs:
            if not mark & stale:
                bases.append(id)
            mark |= stale
        for parent in known[id].parents:
            see(parent, mark)
    return tuple(bases)


def merge_base(store: Store, one: CommitId, other: CommitId) -> CommitId:
    """The one best common ancestor. Raises WrongUse if there is none, or if there are several."""
    bases = merge_bases(store, one, other)
    if len(bases) == 1:
        return bases[0]
    if not bases:
        raise WrongUse(
            f"{one[:12]} and {other[:12]} have no common history",
            hint="load the data anew on a branch made from the target",
            place=one,
        )
    raise WrongUse(
        f"{one[:12]} and {other[:12]} were merged crosswise and have {len(bases)} merge bases",
        hint="make a branch from the target and load the source's deliveries there",
        place=one,
    )


def diff(store: Store, one: CommitId, other: CommitId) -> tuple[Delta, ...]:
    """Every key that differs between two commits, in key order: how ``one`` becomes ``other``."""
    return changed(store, stored_commit(store, one).root, stored_commit(store, other).root)
