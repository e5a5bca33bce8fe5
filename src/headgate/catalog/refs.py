"""Branches and tags by hand: create, protect, delete, prune. (Loads, merges and promotions move refs themselves.)"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from headgate.catalog.commits import find_ref
from headgate.catalog.telling import telling
from headgate.model.change import Changes, Done, RefAbsent, RefChange, RefIs, Refused, Requirement, Unknown
from headgate.model.commit import Ref, RefKind
from headgate.model.errors import OutcomeUnknown, WrongUse
from headgate.model.event import Event
from headgate.model.names import MAIN, CommitId, RefName, ref_name
from headgate.ports import Clock, Store

_TRIES = 20  # a ref that moves between reading and writing is read again


def create_branch(
    store: Store,
    clock: Clock,
    name: str,
    at: CommitId,
    *,
    protected: bool = False,
    reserved: Collection[str] = (),
) -> Ref:
    """A new branch at a commit. ``reserved``: names of environments, which a branch may not take.

    Raises WrongUse if the name is taken or no name, or (protected) the commit has no passing verdict.
    """
    return _create(store, clock, name, at, "branch", protected=protected, reserved=reserved)


def create_tag(store: Store, clock: Clock, name: str, at: CommitId, *, reserved: Collection[str] = ()) -> Ref:
    """A new tag at a commit, which it names for as long as it exists."""
    return _create(store, clock, name, at, "tag", protected=False, reserved=reserved)


def protect(store: Store, clock: Clock, name: str) -> Ref:
    """From now on the branch only moves to commits with a passing verdict, and stays. There is no way back.

    Raises WrongUse if what it shows now has none.
    """
    for _ in range(_TRIES):
        ref = _of_kind(store, name, "branch")
        if ref.protected:
            return ref
        change = RefChange(ref.name, ref.head, protected=True, reason="protected")
        event = Event("branch.protected", ref.name, clock.now(), data={"commit": ref.head})
        if _written(store, change, RefIs(ref.name, ref.head, ref.gen), event):
            return Ref(ref.name, ref.kind, ref.head, ref.gen + 1, protected=True)
    raise _restless(name)


def delete_branch(store: Store, clock: Clock, name: str) -> Ref:
    """Take a branch away; its commits stay. Raises WrongUse for one that must stay (see `why_it_stays`)."""
    return _delete(store, clock, name, "branch")


def delete_tag(store: Store, clock: Clock, name: str) -> Ref:
    return _delete(store, clock, name, "tag")


def why_it_stays(store: Store, ref: Ref) -> str | None:
    """Why a branch may not be deleted: it is main, protected, a colour of an environment, or of an open run.

    (What an alias shows stays, too: that, the store itself sees to.)
    """
    if ref.name == MAIN:
        return "is the main branch"
    if ref.protected:
        return "is protected"
    environment, _, colour = ref.name.rpartition("-")
    if colour in {"blue", "green"} and (alias := store.ref(RefName(environment))) and alias.kind == "alias":
        return f"is a colour of {alias.name}"
    for run in store.runs(state="open", limit=1_000_000):
        if run.branch == ref.name:
            return f"belongs to run {run.id}, which is open"
    return None


def prune_branches(store: Store, clock: Clock, older: timedelta) -> tuple[RefName, ...]:
    """Delete the branches that have not moved for longer than ``older`` and need not stay; their names.

    Whoever moves one of them meanwhile wins: it stays.
    """
    before = clock.now() - older
    refs = store.refs()
    shown = {r.head for r in refs if r.kind == "alias"}
    gone: list[RefName] = []
    for ref in refs:
        if ref.kind != "branch" or ref.name in shown:
            continue
        moves = store.reflog(ref.name, limit=1)
        if (moves and moves[0].at >= before) or why_it_stays(store, ref) is not None:
            continue
        change = RefChange(ref.name, None, reason="pruned")
        event = Event("branch.deleted", ref.name, clock.now(), data={"commit": ref.head, "pruned": True})
        if _written(store, change, RefIs(ref.name, ref.head, ref.gen), event):
            gone.append(ref.name)
    return tuple(gone)


# -- one ref, one transaction -------------------------------------------------------------------------------


def _create(
    store: Store,
    clock: Clock,
    name: str,
    at: CommitId,
    kind: RefKind,
    *,
    protected: bool,
    reserved: Collection[str],
) -> Ref:
    ref = ref_name(name)
    if ref in reserved:
        raise WrongUse(f"{ref} is an environment", hint="choose another name", place=ref)
    change = RefChange(ref, at, kind=kind, protected=protected, reason="created")
    event = Event(f"{kind}.created", ref, clock.now(), data={"commit": at})
    if not _written(store, change, RefAbsent(ref), event):
        there = store.ref(ref)
        raise WrongUse(
            f"there is a {there.kind if there else kind} {ref} already",
            hint="choose another name, or delete it first",
            place=ref,
        )
    created = store.ref(ref)
    return created or Ref(ref, kind, at, 1, protected)  # gone again: somebody was quick


def _delete(store: Store, clock: Clock, name: str, kind: RefKind) -> Ref:
    for _ in range(_TRIES):
        ref = _of_kind(store, name, kind)
        why = why_it_stays(store, ref) if kind == "branch" else None
        if why is not None:
            raise WrongUse(f"{ref.name} {why} and stays", hint="delete another one", place=ref.name)
        change = RefChange(ref.name, None, kind=kind, reason="deleted")
        event = Event(f"{kind}.deleted", ref.name, clock.now(), data={"commit": ref.head})
        if _written(store, change, RefIs(ref.name, ref.head, ref.gen), event):
            return ref
    raise _restless(name)


def _of_kind(store: Store, name: str, kind: RefKind) -> Ref:
    ref = find_ref(store, name)
    if ref.kind != kind:
        there = f"an {ref.kind}" if ref.kind == "alias" else f"a {ref.kind}"
        raise WrongUse(f"{ref.name} is {there}, not a {kind}", hint=f"name a {kind}", place=ref.name)
    return ref


def _written(store: Store, change: RefChange, requires: Requirement, event: Event) -> bool:
    """True if done, False if the ref was not as required; raises WrongUse if the change may never be."""
    changes = Changes(refs=(change,), events=(event,))
    match store.commit(telling(changes, (requires,)), (requires,)):
        case Done():
            return True
        case Refused(why, None):
            hint = (
                "delete another one" if change.head is None else "see `headgate log` for a commit that passed"
            )
            raise WrongUse(why, hint=hint, place=change.name)
        case Refused():
            return False
        case Unknown(why):
            raise OutcomeUnknown(
                why, hint=f"look whether {change.name} is there, then go on", place=change.name
            )


def _restless(name: str) -> WrongUse:
    return WrongUse(
        f"{name} moved {_TRIES} times while it was looked at",
        hint="try again once the loads onto it are done",
        place=name,
    )
