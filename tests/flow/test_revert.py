"""Reverting whole publish sets: of a load, a run, a merge of several tables; after what came later; twice."""

from __future__ import annotations

import pytest

from flow.shop import ID, ITEM, Shop, column, contract, counts, failed, orders, table
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import CommitId
from headgate.model.run import Loaded

STOCK = contract(table("stock", ID, ITEM))


def commit(loaded: Loaded) -> CommitId:
    assert loaded.commit is not None
    return loaded.commit


@pytest.fixture
def two(shop: Shop) -> Shop:
    """Two loads: order 1, then order 2."""
    shop.load(shop.orders("1,pen,1"))
    shop.load(shop.orders("2,ink,2"))
    return shop


def test_a_revert_restores_the_tree_before(two: Shop) -> None:
    before = two.project.tree(two.project.log()[1].id)
    reverted = two.project.revert("main")
    assert reverted.outcome == "reverted"
    assert two.project.tree("main") == before
    assert two.ids() == [1]
    assert two.project.log()[0].reverts == reverted.before


@pytest.mark.parametrize("by", ["commit", "start of the commit", "run", "batch"])
def test_what_is_reverted_can_be_named_in_several_ways(two: Shop, by: str) -> None:
    loaded = two.load(two.orders("3,cup,3"))
    names = {"commit": commit(loaded), "run": str(loaded.run), "batch": loaded.batch}
    names["start of the commit"] = names["commit"][:10]
    assert two.project.revert(names[by]).outcome == "reverted"
    assert two.ids() == [1, 2]


def test_rows_that_came_later_stay(two: Shop) -> None:
    middle = two.load(two.orders("3,cup,3", "4,jar,4"))
    two.load(two.orders("5,mug,5"))
    files = two.parquet_files()
    assert two.project.revert(commit(middle)).outcome == "reverted"
    assert two.ids() == [1, 2, 5]
    assert two.parquet_files() == files


def test_a_revert_does_nothing_a_second_time(two: Shop) -> None:
    loaded = two.load(two.orders("3,cup,3"))
    two.project.revert(commit(loaded))
    head = two.project.resolve("main")
    again = two.project.revert(commit(loaded))
    assert (again.outcome, again.why, two.project.resolve("main")) == ("unchanged", "reverted before", head)


def test_a_revert_can_be_reverted_and_done_once_more(two: Shop) -> None:
    loaded = two.load(two.orders("3,cup,3"))
    undone = two.project.revert(commit(loaded))
    assert undone.to is not None
    assert two.project.revert(undone.to).outcome == "reverted"
    assert two.ids() == [1, 2, 3]
    assert two.project.revert(commit(loaded)).outcome == "reverted"
    assert two.ids() == [1, 2]


def test_the_first_load_s_table_and_contract_go_together(shop: Shop) -> None:
    first = shop.load(shop.orders("1,pen,1"))
    assert shop.project.revert(commit(first)).outcome == "reverted"
    assert dict(shop.project.tree()) == {}


def test_the_contract_stays_with_rows_that_came_later_under_it(two: Shop) -> None:
    """Seen failing while the contract went with the load that had brought it: the table was left unguarded."""
    first = two.project.log()[1].id
    assert two.project.revert(first).outcome == "reverted"
    assert (two.ids(), two.unguarded("orders")) == ([2], False)
    assert two.load(two.orders("3,cup,-3")).outcome == "quarantined"


def test_a_contract_over_an_unguarded_table_goes_with_its_load(shop: Shop) -> None:
    shop.load(shop.csv("id,item,amount", "1,pen,1.5"), unguarded=True)
    guarded = shop.load(shop.orders("2,ink,2.5"), contract=orders())
    assert shop.project.revert(commit(guarded)).outcome == "reverted"
    assert (shop.ids(), shop.unguarded("orders")) == ([1], True)


def test_a_contract_s_next_version_is_reverted_with_its_load(two: Shop) -> None:
    loaded = two.load(two.orders("3,cup,3"), contract=orders(version="2.0.0"))
    two.project.revert(commit(loaded))
    found = two.project.table("orders").contract
    assert found is not None and found.version == "1.0.0"


def test_an_older_contract_must_hold_for_what_came_under_the_newer(two: Shop) -> None:
    """The column came with the load that is to be reverted; later rows have it."""
    widened = two.load(
        two.csv("id,item,amount,note", "3,a,3,x"), contract=orders(column("note"), version="2.0.0")
    )
    two.load(two.csv("id,item,amount,note", "4,a,4,x"))
    refused = two.project.revert(commit(widened))
    assert (refused.outcome, list(failed(refused))) == ("refused", ["orders:note.undeclared"])
    assert two.ids() == [1, 2, 3, 4]


def test_a_merge_of_several_tables_is_reverted_as_a_whole(two: Shop) -> None:
    two.project.branch("spring")
    two.load(two.orders("3,cup,3"), to="spring")
    two.load(two.csv("id,item", "1,paper"), "stock", contract=STOCK, to="spring")
    two.load(two.orders("4,jar,4"))
    merged = two.project.merge("spring")
    assert merged.to is not None and (two.ids(), two.ids("stock")) == ([1, 2, 3, 4], [1])
    two.load(two.orders("5,mug,5"))
    assert two.project.revert(merged.to).outcome == "reverted"
    assert two.ids() == [1, 2, 4, 5]
    assert "table/default.stock" not in two.project.tree()


def test_a_conflict_in_one_table_leaves_all_as_they_are(two: Shop) -> None:
    two.project.branch("spring")
    two.load(two.orders("3,cup,3"), to="spring")
    two.load(two.csv("id,item", "1,paper"), "stock", contract=STOCK, to="spring")
    two.load(two.orders("4,jar,4"))
    merged = two.project.merge("spring")
    assert merged.to is not None
    two.load(two.orders("3,cup,30"), mode="merge")
    head = two.project.resolve("main")
    conflict = two.project.revert(merged.to)
    assert (conflict.outcome, [c.key for c in conflict.conflicts]) == ("conflict", ["table/default.orders"])
    assert (two.project.resolve("main"), two.ids("stock")) == (head, [1])


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_a_rewrite_is_reverted_while_nothing_came_after_it(two: Shop, mode: str) -> None:
    rewrite = two.load(two.orders("2,ink,20"), mode=mode)
    assert two.project.revert(commit(rewrite)).outcome == "reverted"
    assert two.rows() == [(1, "pen", 1.0), (2, "ink", 2.0)]
    rewrite = two.load(two.orders("2,ink,21"), mode=mode)
    two.load(two.orders("3,cup,3"))
    conflict = two.project.revert(commit(rewrite))
    (found,) = conflict.conflicts
    assert (conflict.outcome, found.ours, found.rival) == ("conflict", "appended 1 files", conflict.before)


def test_rows_that_were_rewritten_later_are_not_taken_out(two: Shop) -> None:
    loaded = two.load(two.orders("3,cup,3"))
    two.load(two.orders("3,cup,30"), mode="merge")
    assert two.project.revert(commit(loaded)).outcome == "conflict"


def test_a_revert_must_leave_a_table_that_holds_its_rules(shop: Shop) -> None:
    document = orders(quality=[{"metric": "rowCount", "mustBeGreaterOrEqualTo": 2}])
    shop.load(shop.orders("1,pen,1", "2,ink,2"), contract=document)
    first = shop.project.log()[0].id
    shop.load(shop.orders("3,cup,3"))
    refused = shop.project.revert(first)
    assert (refused.outcome, failed(refused)) == ("refused", {"orders:rowCount": None})


def test_a_revert_on_a_branch_leaves_main_alone(two: Shop) -> None:
    two.project.branch("spring")
    assert two.project.revert("main", "spring").outcome == "reverted"
    assert (two.ids(), two.ids(ref="spring")) == ([1, 2], [1])
    assert two.project.merge("spring").outcome == "merged"
    assert two.ids() == [1]


def test_what_is_not_in_the_history_cannot_be_reverted(two: Shop) -> None:
    two.project.branch("spring")
    loaded = two.load(two.orders("3,cup,3"), to="spring")
    with pytest.raises(WrongUse, match="not in the history"):
        two.project.revert(commit(loaded))
    with pytest.raises(WrongUse, match="the first commit"):
        two.project.revert(two.project.log()[-1].id)
    with pytest.raises(NotThere):
        two.project.revert("nothing")


def test_a_part_that_is_in_quarantine_can_be_replayed_after_a_revert(shop: Shop) -> None:
    """Reverting takes out what was published; what was held back waits."""
    mixed = shop.load(shop.orders("1,pen,-1", "2,ink,2"), on_fail="quarantine_rows", max_quarantined="50%")
    shop.project.revert(commit(mixed))
    (held,) = shop.open_quarantines()
    replayed = shop.project.replay(held, contract=orders(), on_fail="warn")
    assert counts(replayed) == (1, 1, 0, 0, 0)
    assert shop.ids() == [1]
