"""May this transaction be written? The one definition that every Store obeys, inside its transaction.

`first_broken` is asked before anything is written, `plan_moves` after everything but the refs is, so that "stored
or among the changes" is one question to one `View`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from headgate.catalog.trees import EMPTY_ROOT
from headgate.model.change import LastRelease, RefAbsent, RefChange, RefIs, Refused, Requirement, RunOpen
from headgate.model.commit import Commit, Ref
from headgate.model.errors import Bug
from headgate.model.names import CommitId, NodeId, RefName, RunId, TableName
from headgate.model.run import Run


class View(Protocol):
    """What the transaction sees: the stored state and its own writes so far."""

    def ref(self, name: RefName) -> Ref | None: ...
    def aliases_of(self, branch: RefName) -> tuple[Ref, ...]: ...
    def last_gen(self, name: RefName) -> int:
        """The greatest generation a ref of this name ever had; 0 if there never was one."""
        ...

    def commit_of(self, id: CommitId) -> Commit | None: ...
    def passed(self, root: NodeId) -> Mapping[TableName | None, bool]:
        """The newest verdict on the tree with this root, by table."""
        ...

    def taint(self, commit: CommitId) -> str | None: ...
    def run(self, id: RunId) -> Run | None: ...
    def last_release(self, environment: str) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Move:
    """One ref before and after. None: it is not there."""

    before: Ref | None
    after: Ref | None
    reason: str

    @property
    def name(self) -> RefName:
        ref = self.after or self.before
        if ref is None:
            raise Bug("a move from nothing to nothing")
        return ref.name


def first_broken(view: View, requires: Sequence[Requirement]) -> Refused | None:
    """The first requirement that does not hold, in words."""
    for requirement in requires:
        why = _broken(view, requirement)
        if why is not None:
            return Refused(why, requirement)
    return None


def plan_moves(
    view: View, changes: Sequence[RefChange], requires: Sequence[Requirement]
) -> tuple[Move, ...] | Refused:
    """How each ref changes, or why none may.

    A change of a ref that exists must carry `RefIs`; without it, it is a creation. Protection stays: no move
    takes it away, and an alias that once showed a protected branch is protected itself. Tags do not move.
    Protected refs, and branches behind a protected alias, are not deleted, and only move to commits that
    `_unfit` has nothing against.
    """
    seen = {r.name for r in requires if isinstance(r, RefIs)}
    if len({c.name for c in changes}) < len(changes):
        raise Bug("one transaction changes a ref twice")
    moves: dict[RefName, Move] = {}
    for change in changes:
        before = view.ref(change.name)
        if before is not None and change.name not in seen:
            return Refused(f"{change.name} exists already", RefAbsent(change.name))
        after = _after(view, change, before)
        if isinstance(after, Refused):
            return after
        moves[change.name] = Move(before, after, change.reason)
    for move in tuple(moves.values()):
        refused = _judge(view, move, moves)
        if refused is not None:
            return refused
        after = move.after
        if after is not None and after.kind == "alias" and _protected(view, move, moves):
            moves[move.name] = replace(move, after=replace(after, protected=True))
    return tuple(moves.values())


def _broken(view: View, requirement: Requirement) -> str | None:
    match requirement:
        case RefIs(name, head, gen):
            ref = view.ref(name)
            if ref is None:
                return f"{name} does not exist any more"
            return None if (ref.head, ref.gen) == (head, gen) else f"{name} has moved"
        case RefAbsent(name):
            return None if view.ref(name) is None else f"{name} exists already"
        case RunOpen(id):
            run = view.run(id)
            return None if run is not None and run.state == "open" else f"run {id} is not open"
        case LastRelease(environment, id):
            last = view.last_release(environment)
            return None if last == id else f"release {last} of {environment} came meanwhile"


def _after(view: View, change: RefChange, before: Ref | None) -> Ref | Refused | None:
    if change.head is None:
        return None if before is not None else Refused(f"{change.name} does not exist")
    if before is None:
        gen = view.last_gen(change.name) + 1  # a name used again does not start over: A-B-A stays visible
        return Ref(change.name, change.kind, change.head, gen, change.protected)
    if before.kind == "tag" and change.head != before.head:
        return Refused(f"{change.name} is a tag, and tags do not move")
    return Ref(before.name, before.kind, change.head, before.gen + 1, before.protected or change.protected)


def _judge(view: View, move: Move, moves: Mapping[RefName, Move]) -> Refused | None:
    """What is wrong with one move, given all the others of the same transaction."""
    protected = _protected(view, move, moves)
    if move.after is None:
        if protected:
            return Refused(f"{move.name} is protected and stays")
        shown_by = [a.name for a in view.aliases_of(move.name) if _shows(view, a.name, moves) == move.name]
        return Refused(f"{move.name} is what {shown_by[0]} shows") if shown_by else None
    head = move.after.head
    if move.after.kind == "alias":
        target = _planned(view, head, moves)
        if target is None or target.kind != "branch":
            return Refused(f"{move.name} would show {head}, which is no branch")
        head = target.head
    commit = view.commit_of(CommitId(head))
    if commit is None:
        return Refused(f"there is no commit {head}")
    why = _unfit(view, commit) if protected else None
    return Refused(f"{move.name} is protected: {why}") if why else None


def _planned(view: View, name: str, moves: Mapping[RefName, Move]) -> Ref | None:
    """A ref as it will be."""
    move = moves.get(RefName(name))
    return move.after if move else view.ref(RefName(name))


def _shows(view: View, alias: RefName, moves: Mapping[RefName, Move]) -> str | None:
    ref = _planned(view, alias, moves)
    return None if ref is None else ref.head


def _protected(view: View, move: Move, moves: Mapping[RefName, Move]) -> bool:
    """True for a protected ref, an alias of a protected branch, and a branch behind a protected alias."""
    both = [r for r in (move.before, move.after) if r is not None]
    if any(r.protected for r in both):
        return True
    if both[0].kind == "alias":
        was = view.ref(RefName(both[0].head))
        will_be = _planned(view, both[-1].head, moves)
        return any(r is not None and r.protected for r in (was, will_be))
    aliases = [a for a in view.aliases_of(move.name) if _shows(view, a.name, moves) == move.name]
    aliases += [
        m.after for m in moves.values() if m.after and m.after.kind == "alias" and m.after.head == move.name
    ]
    return any(a.protected for a in aliases)


def _unfit(view: View, commit: Commit) -> str | None:
    """Why a commit may not be what a protected ref shows. The empty tree needs no verdict."""
    taint = view.taint(commit.id)
    if taint is not None:
        return f"commit {commit.id[:12]} is tainted: {taint}"
    if commit.root == EMPTY_ROOT:
        return None
    verdicts = view.passed(commit.root)
    if not verdicts:
        return f"commit {commit.id[:12]} has no verdict on exactly its tree"
    failed = sorted(table or "the whole tree" for table, passed in verdicts.items() if not passed)
    return f"commit {commit.id[:12]} did not pass: {', '.join(failed)}" if failed else None
