"""Branches and tags as people use them: zero-copy, each its own, deleted and pruned, and never moved by accident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flow.shop import Shop
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import RefName


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.load(shop.orders("1,pen,1"))
    return shop


def names(shop: Shop) -> list[str]:
    return [r.name for r in shop.project.status().refs]


def test_a_branch_is_made_without_copying(stocked: Shop) -> None:
    files = stocked.parquet_files()
    made = stocked.project.branch("spring")
    assert (made.head, stocked.ids(ref="spring")) == (stocked.project.resolve("main"), [1])
    assert stocked.parquet_files() == files


def test_branches_do_not_see_each_other(stocked: Shop) -> None:
    for name in ("spring", "summer"):
        stocked.project.branch(name)
    stocked.load(stocked.orders("2,ink,2"), to="spring")
    stocked.load(stocked.orders("3,cup,3"), to="summer")
    stocked.load(stocked.orders("4,jar,4"))
    assert [stocked.ids(ref=r) for r in ("main", "spring", "summer")] == [[1, 4], [1, 2], [1, 3]]
    assert stocked.ask("SELECT sum(amount) FROM orders", "spring") == [(3.0,)]


@pytest.mark.parametrize("start", ["tag", "branch", "commit"])
def test_a_branch_begins_wherever_it_is_told(stocked: Shop, start: str) -> None:
    at = stocked.project.resolve("main")
    stocked.project.tag("v1")
    stocked.project.branch("old")
    stocked.load(stocked.orders("2,ink,2"))
    stocked.project.branch("spring", {"tag": "v1", "branch": "old", "commit": at}[start])
    assert stocked.ids(ref="spring") == [1]


def test_a_tag_names_its_commit_for_ever(stocked: Shop) -> None:
    stocked.project.tag("v1")
    stocked.load(stocked.orders("2,ink,2"))
    assert stocked.ids(ref="v1") == [1]
    with pytest.raises(WrongUse, match="tags do not move"):
        stocked.load(stocked.orders("3,cup,3"), to="v1")
    with pytest.raises(WrongUse):
        stocked.project.tag("v1")
    stocked.project.delete_tag("v1")
    with pytest.raises(NotThere):
        stocked.ids(ref="v1")


@pytest.mark.parametrize(
    "name", ["main", "spring", "production", "production-blue", "headgate sql", "", "-x", "a..b"]
)
def test_names_that_are_taken_or_none_are_refused(stocked: Shop, name: str) -> None:
    stocked.project.branch("spring")
    before = names(stocked)
    with pytest.raises(WrongUse):
        stocked.project.branch(name)
    assert names(stocked) == before


def test_a_deleted_branch_is_gone_and_its_commits_stay(stocked: Shop) -> None:
    stocked.project.branch("spring")
    stocked.load(stocked.orders("2,ink,2"), to="spring")
    head = stocked.project.resolve("spring")
    stocked.project.delete_branch("spring")
    assert (names(stocked), stocked.ids(ref=head)) == (["main"], [1, 2])


def test_main_and_what_readers_see_stay(stocked: Shop) -> None:
    stocked.project.promote()
    for name in ("main", "production", "production-blue"):
        with pytest.raises(WrongUse):
            stocked.project.delete_branch(name)
    assert stocked.project.prune_branches(timedelta(0)) == ()
    assert stocked.ids(ref="production") == [1]


def test_branches_of_failed_loads_are_shown_and_can_be_pruned(stocked: Shop) -> None:
    bad = stocked.load(stocked.orders("2,ink,-2"))
    assert bad.branch is not None
    assert stocked.ids(ref=bad.branch) == [1, 2]
    (failed,) = stocked.project.status().failed
    assert (failed.branch, failed.id) == (bad.branch, bad.run)
    assert stocked.project.prune_branches(timedelta(hours=1)) == ()
    assert stocked.project.prune_branches(timedelta(0)) == (bad.branch,)
    assert stocked.project.status().failed == ()
    assert len(stocked.open_quarantines()) == 1


def test_a_load_without_its_target_is_refused(stocked: Shop) -> None:
    with pytest.raises(NotThere) as error:
        stocked.project.load("orders", stocked.orders("2,ink,2"), to="sprnig")
    assert "main" in error.value.hint
    assert names(stocked) == ["main"]


def test_history_and_differences_are_told(stocked: Shop) -> None:
    first = stocked.project.resolve("main")
    stocked.load(stocked.orders("2,ink,2"))
    newest, older, oldest = stocked.project.log()
    assert (older.id, newest.parents, oldest.parents) == (first, (first,), ())
    (delta,) = stocked.project.diff(first, "main")
    assert delta.key == "table/default.orders"
    assert stocked.project.diff("main", "main") == ()


def test_the_reflog_remembers_where_a_ref_has_been(stocked: Shop) -> None:
    stocked.load(stocked.orders("2,ink,2"))
    moves = stocked.project.ports.store.reflog(RefName("main"))
    assert [m.new for m in moves] == [c.id for c in stocked.project.log()]
