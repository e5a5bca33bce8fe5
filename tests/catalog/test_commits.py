from __future__ import annotations

import random
from dataclasses import replace

import pytest

from headgate.catalog.commits import (
    branch_behind,
    commit_at,
    diff,
    log,
    merge_base,
    merge_bases,
    new_commit,
    resolve,
)
from headgate.catalog.trees import EMPTY_ROOT
from headgate.model.change import Changes, RefChange
from headgate.model.commit import Commit
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import CommitId, RefName
from headgate.ports import Store
from headgate.testing.clock import TickingClock
from headgate.testing.memory_store import MemoryStore
from headgate.testing.store_writer import Writer, table


@pytest.fixture
def store() -> Store:
    return MemoryStore(TickingClock())


@pytest.fixture
def write(store: Store) -> Writer:
    return Writer(store, TickingClock())


def test_a_commit_is_named_by_everything_in_it() -> None:
    at = TickingClock().now()
    first = new_commit(EMPTY_ROOT, (), author="a", message="m", at=at)
    assert first == new_commit(EMPTY_ROOT, (), author="a", message="m", at=at)
    others = [
        new_commit(EMPTY_ROOT, (first,), author="a", message="m", at=at),
        new_commit(EMPTY_ROOT, (), author="b", message="m", at=at),
        new_commit(EMPTY_ROOT, (), author="a", message="n", at=at),
        new_commit(EMPTY_ROOT, (), author="a", message="m", at=TickingClock(at).now()),
        new_commit(EMPTY_ROOT, (), author="a", message="m", at=at, reverts=first.id),
    ]
    assert len({first.id, *(c.id for c in others)}) == 6
    assert others[0].generation == 2


def test_names_of_all_kinds_lead_to_a_commit(store: Store, write: Writer) -> None:
    one, two = write({}), write({"table/default.a": table(1)})
    write.branch("dev", one)
    store.commit(Changes(refs=(RefChange(RefName("v1"), two.id, "tag"),)))
    store.commit(Changes(refs=(RefChange(RefName("production"), "dev", "alias"),)))
    for text, commit in (("dev", one), ("v1", two), ("production", one), (one.id, one), (two.id[:7], two)):
        assert resolve(store, text) == commit.id
        assert commit_at(store, text) == commit
    assert resolve(store, one.id[:9].upper()) == one.id
    assert branch_behind(store, "production").name == branch_behind(store, "dev").name == "dev"


def test_an_unknown_name_gets_the_closest_ones_as_a_hint(store: Store, write: Writer) -> None:
    one = write({})
    write.branch("staging", one)
    with pytest.raises(NotThere, match="staging"):
        resolve(store, "stagign")
    for nothing in (one.id[:6], "0" * 64, "", "-", "no/../way"):
        with pytest.raises(NotThere):
            resolve(store, nothing)


def test_the_start_of_several_commits_is_refused(store: Store, write: Writer) -> None:
    commit = write({})
    twin = replace(commit, id=CommitId(commit.id[:20] + "0" * 44))
    store.commit(Changes(commits=(twin,)))
    with pytest.raises(WrongUse, match="2 commits"):
        resolve(store, commit.id[:10])
    assert resolve(store, commit.id) == commit.id


def test_a_branch_wins_over_the_start_of_a_commit(store: Store, write: Writer) -> None:
    one, two = write({}), write({"table/default.a": table(1)})
    write.branch(two.id[:8], one)
    assert resolve(store, two.id[:8]) == one.id


def test_a_log_begins_at_the_newest_commit(store: Store, write: Writer) -> None:
    one = write({})
    two = write({"table/default.a": table(1)}, one)
    assert log(store, two.id) == (two, one)


def test_a_difference_reads_from_the_first_to_the_second(store: Store, write: Writer) -> None:
    one = write({"table/default.a": table(1)})
    two = write({"table/default.a": table(2), "table/default.b": table(1)}, one)
    assert [(d.key, d.old, d.new) for d in diff(store, one.id, two.id)] == [
        ("table/default.a", table(1), table(2)),
        ("table/default.b", None, table(1)),
    ]
    assert diff(store, one.id, one.id) == ()


# -- merge bases --------------------------------------------------------------------------------------------


def test_the_base_of_a_fork_is_where_it_forked(store: Store, write: Writer) -> None:
    base = write({"table/default.a": table(0)}, write({}))
    left, right = write({"table/default.a": table(1)}, base), write({"table/default.a": table(2)}, base)
    assert merge_base(store, left.id, right.id) == base.id
    assert merge_base(store, base.id, right.id) == base.id
    assert merge_base(store, left.id, left.id) == left.id


def test_after_a_merge_the_base_is_what_was_merged(store: Store, write: Writer) -> None:
    base = write({})
    left, right = write({"table/default.a": table(1)}, base), write({"table/default.b": table(1)}, base)
    merged = write({"table/default.b": table(1)}, left, right)
    onward = write({"table/default.b": table(2)}, right)
    assert merge_base(store, merged.id, onward.id) == right.id


def test_a_crosswise_merge_is_refused_with_a_way_out(store: Store, write: Writer) -> None:
    base = write({})
    left, right = write({"table/default.a": table(1)}, base), write({"table/default.b": table(1)}, base)
    one, other = (
        write({"table/default.c": table(1)}, left, right),
        write({"table/default.c": table(2)}, right, left),
    )
    assert set(merge_bases(store, one.id, other.id)) == {left.id, right.id}
    with pytest.raises(WrongUse, match="crosswise"):
        merge_base(store, one.id, other.id)


def test_strangers_have_no_base(store: Store, write: Writer) -> None:
    one, other = write({"table/default.a": table(1)}), write({"table/default.b": table(1)})
    assert merge_bases(store, one.id, other.id) == ()
    with pytest.raises(WrongUse, match="no common history"):
        merge_base(store, one.id, other.id)


@pytest.mark.parametrize("seed", range(20))
def test_bases_are_the_common_ancestors_below_no_other(store: Store, write: Writer, seed: int) -> None:
    dice = random.Random(seed)
    commits: list[Commit] = [write({})]
    for i in range(25):
        parents = dice.sample(commits[-6:], min(len(commits), dice.choice((1, 1, 2))))
        commits.append(write({"table/default.a": table(i)}, *parents))
    for _ in range(40):
        one, other = dice.choice(commits), dice.choice(commits)
        common = [c for c in commits if store.is_ancestor(c.id, one.id) and store.is_ancestor(c.id, other.id)]
        best = {c.id for c in common if not any(d != c and store.is_ancestor(c.id, d.id) for d in common)}
        assert set(merge_bases(store, one.id, other.id)) == best
