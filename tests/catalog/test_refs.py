from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from headgate.catalog.refs import (
    create_branch,
    create_tag,
    delete_branch,
    delete_tag,
    protect,
    prune_branches,
)
from headgate.model.change import Changes, Done, RefAbsent, RefChange, RefIs, Refused, Requirement, Unknown
from headgate.model.errors import NotThere, OutcomeUnknown, WrongUse
from headgate.model.names import MAIN, RefName, RunId
from headgate.model.run import Run
from headgate.testing.clock import TickingClock
from headgate.testing.memory_store import MemoryStore
from headgate.testing.store_writer import Writer, table


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def store(clock: TickingClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def write(store: MemoryStore, clock: TickingClock) -> Writer:
    return Writer(store, clock)


def test_branches_and_tags_come_and_go_and_the_log_tells(
    store: MemoryStore, write: Writer, clock: TickingClock
) -> None:
    commit = write({})
    branch, tag = create_branch(store, clock, "dev", commit.id), create_tag(store, clock, "v1", commit.id)
    assert (branch, tag) == (store.ref(RefName("dev")), store.ref(RefName("v1")))
    delete_branch(store, clock, "dev")
    delete_tag(store, clock, "v1")
    assert store.refs() == ()
    kinds = [(e.kind, e.subject, e.data["commit"]) for e in store.events()]
    assert kinds == [
        ("branch.created", "dev", commit.id),
        ("tag.created", "v1", commit.id),
        ("branch.deleted", "dev", commit.id),
        ("tag.deleted", "v1", commit.id),
    ]


def test_a_name_is_taken_once(store: MemoryStore, write: Writer, clock: TickingClock) -> None:
    commit = write({})
    create_branch(store, clock, "dev", commit.id)
    with pytest.raises(WrongUse, match="branch dev already"):
        create_tag(store, clock, "dev", commit.id)
    with pytest.raises(WrongUse, match="is an environment"):
        create_branch(store, clock, "production", commit.id, reserved=["production"])
    with pytest.raises(WrongUse):
        create_branch(store, clock, "a b", commit.id)
    assert len(store.events()) == 1


def test_only_what_is_there_and_of_that_kind_is_deleted(
    store: MemoryStore, write: Writer, clock: TickingClock
) -> None:
    create_tag(store, clock, "v1", write({}).id)
    with pytest.raises(NotThere):
        delete_branch(store, clock, "v2")
    with pytest.raises(WrongUse, match="v1 is a tag"):
        delete_branch(store, clock, "v1")


def test_protection_needs_a_verdict_and_stays(store: MemoryStore, write: Writer, clock: TickingClock) -> None:
    first = write({})
    unjudged = write({"table/default.a": table(1)}, first)
    create_branch(store, clock, "dev", unjudged.id)
    with pytest.raises(WrongUse, match="no verdict"):
        protect(store, clock, "dev")
    create_branch(store, clock, "good", first.id)
    assert protect(store, clock, "good") == store.ref(RefName("good")) == protect(store, clock, "good")
    with pytest.raises(WrongUse, match="protected"):
        delete_branch(store, clock, "good")


def held(store: MemoryStore, write: Writer, clock: TickingClock) -> list[str]:
    """Branches that must stay, for every reason there is."""
    commit = write({})
    write.branch(MAIN, commit)
    write.branch("guarded", commit, protected=True)
    write.branch("p-blue", commit)
    write.branch("p-green", commit)
    store.commit(Changes(refs=(RefChange(RefName("p"), "p-blue", "alias"),)))
    write.branch("run/1", commit)
    run = Run(RunId("r1"), "load", "open", "orders", MAIN, clock.now(), branch=RefName("run/1"))
    store.commit(Changes(runs=(run,)))
    write.branch("shown", commit)
    store.commit(Changes(refs=(RefChange(RefName("now"), "shown", "alias"),)))
    return ["main", "guarded", "p-blue", "p-green", "run/1", "shown"]


def test_branches_that_must_stay_are_not_deleted(
    store: MemoryStore, write: Writer, clock: TickingClock
) -> None:
    for name in held(store, write, clock):
        with pytest.raises(WrongUse, match="stays|shows"):
            delete_branch(store, clock, name)
        assert store.ref(RefName(name)) is not None


def test_pruning_takes_what_is_old_and_not_needed(
    store: MemoryStore, write: Writer, clock: TickingClock
) -> None:
    stay = held(store, write, clock)
    for name in ("old", "moved"):
        write.branch(name, write({}))
    clock.advance(timedelta(days=10))
    write.branch("young", write({}))
    assert isinstance(write.move("moved", write({"table/default.a": table(1)}).id), Done)
    assert prune_branches(store, clock, timedelta(days=7)) == ("old",)
    assert {r.name for r in store.refs()} == {*stay, "p", "now", "young", "moved"}
    assert store.events()[-1].data["pruned"] is True


class Interrupted(MemoryStore):
    """Somebody else moves the ref just before each of the first commits arrives; or no answer comes."""

    rivals: int = 0
    silent: bool = False

    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused | Unknown:
        if self.silent:
            return Unknown("the disk went away")
        if self.rivals and any(isinstance(r, RefIs) for r in requires):
            self.rivals -= 1
            ref = self.ref(changes.refs[0].name)
            assert ref is not None
            again = RefChange(ref.name, ref.head, ref.kind)
            assert isinstance(
                super().commit(Changes(refs=(again,)), (RefIs(ref.name, ref.head, ref.gen),)), Done
            )
        return super().commit(changes, requires)


def test_a_ref_that_moves_meanwhile_is_read_again(clock: TickingClock) -> None:
    store = Interrupted(clock)
    create_branch(store, clock, "dev", Writer(store, clock)({}).id)
    store.rivals = 3
    delete_branch(store, clock, "dev")
    assert store.refs() == ()
    assert store.reflog(RefName("dev"))[0].reason == "deleted"


def test_whoever_moves_a_branch_that_is_pruned_keeps_it(clock: TickingClock) -> None:
    store = Interrupted(clock)
    create_branch(store, clock, "dev", Writer(store, clock)({}).id)
    clock.advance(timedelta(days=10))
    store.rivals = 1
    assert prune_branches(store, clock, timedelta(days=7)) == ()
    assert store.ref(RefName("dev")) is not None


def test_a_lost_answer_is_said_so(clock: TickingClock) -> None:
    store = Interrupted(clock)
    commit = Writer(store, clock)({})
    store.silent = True
    with pytest.raises(OutcomeUnknown):
        create_branch(store, clock, "dev", commit.id)


def test_two_who_create_one_branch_do_not_both_succeed(
    store: MemoryStore, write: Writer, clock: TickingClock
) -> None:
    commit = write({})
    name = RefName("dev")
    answers = [store.commit(Changes(refs=(RefChange(name, commit.id),)), (RefAbsent(name),)) for _ in "ab"]
    assert [type(a) for a in answers] == [Done, Refused]
