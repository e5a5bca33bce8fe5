"""append, merge and replace; what collapses, what gives way, and whose fault a doubled key is."""

from __future__ import annotations

import polars as pl
import pytest

from flow.shop import AMOUNT, ID, ITEM, ORDERS, Shop, contract, counts, failed, of_headgate, orders, table
from headgate.model.errors import WrongUse


def test_append_adds_rows_to_those_that_are_there(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("3,cup,3"))
    assert (loaded.outcome, counts(loaded)) == ("published", (1, 1, 0, 0, 0))
    assert shop.rows() == [(1, "pen", 1.0), (2, "ink", 2.0), (3, "cup", 3.0)]


def test_merge_takes_the_place_of_rows_with_the_same_key(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("2,ink,20", "3,cup,3"), mode="merge")
    assert (loaded.outcome, counts(loaded)) == ("published", (2, 2, 0, 0, 0))
    assert shop.rows() == [(1, "pen", 1.0), (2, "ink", 20.0), (3, "cup", 3.0)]


def test_merge_rewrites_only_the_files_that_hold_its_keys(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    first = shop.paths()
    shop.load(shop.orders("101,cup,3", "102,mug,4"))
    shop.load(shop.orders("101,cup,30"), mode="merge")
    assert first < shop.paths()
    assert shop.rows()[2:] == [(101, "cup", 30.0), (102, "mug", 4.0)]


def test_replace_leaves_nothing_of_what_was_there(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("2,ink,3"), mode="replace")
    assert (loaded.outcome, counts(loaded)) == ("published", (1, 1, 0, 0, 0))
    assert shop.rows() == [(2, "ink", 3.0)]


@pytest.mark.parametrize(("mode", "left"), [("append", [1]), ("merge", [1]), ("replace", [])])
def test_a_header_without_rows_is_a_delivery_of_nothing(shop: Shop, mode: str, left: list[int]) -> None:
    shop.load(shop.orders("1,pen,1"))
    loaded = shop.load(shop.orders(), mode=mode)
    assert (loaded.outcome, counts(loaded)) == ("published", (0, 0, 0, 0, 0))
    assert shop.ids() == left


def test_a_table_can_begin_empty(shop: Shop) -> None:
    assert shop.load(shop.orders()).outcome == "published"
    assert (shop.count(), shop.project.table("orders").contract is None) == (0, False)
    assert counts(shop.load(shop.orders("1,pen,1"))) == (1, 1, 0, 0, 0)


# -- identical rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_identical_rows_collapse_within_the_batch_and_against_what_is_published(
    shop: Shop, mode: str
) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("1,pen,1", "3,cup,3", "3,cup,3", "3,cup,3.0"), mode=mode)
    assert (loaded.outcome, counts(loaded)) == ("published", (4, 1, 0, 3, 0))
    assert shop.ids() == [1, 2, 3]


def test_under_replace_rows_collapse_within_the_batch_alone(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("1,pen,1", "1,pen,1"), mode="replace")
    assert counts(loaded) == (2, 1, 0, 1, 0)
    assert shop.rows() == [(1, "pen", 1.0)]


def test_a_batch_that_is_all_there_already_publishes_no_rows(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    loaded = shop.load(shop.orders("2,ink,2", "1,pen,1"))
    assert (loaded.outcome, counts(loaded)) == ("published", (2, 0, 0, 2, 0))


def test_without_a_primary_key_nothing_collapses(shop: Shop) -> None:
    document = contract(table("orders", ITEM))
    loaded = shop.load(shop.csv("item", "pen", "pen"), contract=document)
    assert counts(loaded) == (2, 2, 0, 0, 0)
    assert counts(shop.load(shop.csv("item", "pen"))) == (1, 1, 0, 0, 0)


def test_rows_with_other_rubbish_in_one_cell_are_not_identical(shop: Shop) -> None:
    loaded = shop.load(shop.orders("1,pen,x", "1,pen,y", "2,ink,z", "2,ink,z"), on_fail="quarantine_rows")
    assert (loaded.outcome, counts(loaded)) == ("quarantined", (4, 0, 4, 0, 0))


# -- rows that differ under one key -------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", [("2,cup,1", "2,mug,1", "3,jar,1"), ("1,pen,9", "2,cup,1", "3,jar,1")])
def test_rows_that_differ_under_one_key_stop_the_batch(shop: Shop, delivery: tuple[str, ...]) -> None:
    shop.load(shop.orders("1,pen,1"))
    loaded = shop.load(shop.orders(*delivery))
    assert loaded.outcome == "quarantined"
    assert list(failed(loaded)) == ["primaryKey"]
    assert shop.rows() == [(1, "pen", 1.0)]


def test_all_that_were_delivered_under_a_doubled_key_go_to_quarantine(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    delivery = shop.orders("2,cup,1", "2,mug,1", "1,pen,9", "3,jar,1", name="march.csv")
    loaded = shop.load(delivery, on_fail="quarantine_rows", max_quarantined="75%")
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (4, 1, 3, 0, 0))
    assert shop.rows() == [(1, "pen", 1.0), (3, "jar", 1.0)]
    (held,) = shop.open_quarantines()
    assert [(where, row, rules, raw["item"]) for where, row, rules, raw in shop.quarantined(held)] == [
        ("march.csv", 1, ["primaryKey"], "cup"),
        ("march.csv", 2, ["primaryKey"], "mug"),
        ("march.csv", 3, ["primaryKey"], "pen"),
    ]


def test_rows_that_differ_under_one_key_are_not_merged_without_an_order(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    loaded = shop.load(
        shop.orders("1,pen,2", "1,pen,3", "2,cup,1"),
        mode="merge",
        on_fail="quarantine_rows",
        max_quarantined="70%",
    )
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (3, 1, 2, 0, 0))
    assert shop.rows() == [(1, "pen", 1.0), (2, "cup", 1.0)]


# -- order_by -----------------------------------------------------------------------------------------------


def test_order_by_decides_between_versions(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,5", "2,ink,5"))
    loaded = shop.load(
        shop.orders("1,old,4", "2,new,6", "2,newest,7", "3,a,1"), mode="merge", order_by="amount"
    )
    assert (loaded.outcome, counts(loaded)) == ("published", (4, 2, 0, 0, 2))
    assert shop.rows() == [(1, "pen", 5.0), (2, "newest", 7.0), (3, "a", 1.0)]


def test_the_order_can_be_the_contract_s(shop: Shop) -> None:
    document = orders(customProperties=of_headgate(orderBy="amount"))
    shop.load(shop.orders("1,pen,5"), contract=document)
    assert counts(shop.load(shop.orders("1,old,4"), mode="merge")) == (1, 0, 0, 0, 1)


def test_versions_that_are_equal_in_order_and_differ_are_nobody_s_to_choose(shop: Shop) -> None:
    loaded = shop.load(
        shop.orders("1,a,4", "1,b,4", "1,c,3", "2,d,1"),
        mode="merge",
        order_by="amount",
        on_fail="quarantine_rows",
        max_quarantined="50%",
    )
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (4, 1, 2, 0, 1))
    assert shop.rows() == [(2, "d", 1.0)]


def test_order_by_is_nothing_to_append(shop: Shop) -> None:
    loaded = shop.load(shop.orders("1,a,4", "1,b,5"), order_by="amount")
    assert (loaded.outcome, counts(loaded)) == ("quarantined", (2, 0, 2, 0, 0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "upsert"}, "append, merge, replace"),
        ({"mode": "merge", "order_by": "nothing"}, "id, item, amount"),
        ({"on_fail": "ignore"}, "quarantine_batch, quarantine_rows, warn"),
        ({"max_quarantined": "5 apples"}, "5%"),
        ({"to": "nowhere"}, "main"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    shop: Shop, options: dict[str, str], said: str
) -> None:
    from headgate.model.errors import HeadgateError

    with pytest.raises(HeadgateError) as error:
        shop.project.load("orders", shop.orders("1,a,1"), contract=ORDERS, **options)  # type: ignore[arg-type]
    assert said in error.value.hint
    assert shop.project.tree("main").tables() == ()


def test_merge_needs_a_primary_key(shop: Shop) -> None:
    with pytest.raises(WrongUse, match="no primary key"):
        shop.load(shop.csv("item", "pen"), contract=contract(table("orders", ITEM)), mode="merge")


# -- what other rows' going to quarantine means under merge -------------------------------------------------


def test_a_published_row_that_stays_after_all_still_holds_its_unique_value(shop: Shop) -> None:
    """Row 1 was to give its address up, but went to quarantine: so row 2 may not have it. With the second round of
    `_checked` off, a@x stood in the table twice.
    """
    document = contract(table("orders", ID, {**ITEM, "name": "email", "unique": True}, AMOUNT))
    shop.load(shop.csv("id,email,amount", "1,a@x,1"), contract=document)
    moved = shop.csv("id,email,amount", "1,b@x,-1", "2,a@x,1", "3,c@x,1")
    loaded = shop.load(moved, mode="merge", on_fail="quarantine_rows", max_quarantined="70%")
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (3, 1, 2, 0, 0))
    assert shop.rows() == [(1, "a@x", 1.0), (3, "c@x", 1.0)]


def test_a_unique_value_can_move_to_another_row_in_one_merge(shop: Shop) -> None:
    document = contract(table("orders", ID, {**ITEM, "name": "email", "unique": True}))
    shop.load(shop.csv("id,email", "1,a@x", "2,b@x"), contract=document)
    assert shop.load(shop.csv("id,email", "1,b@x", "2,a@x"), mode="merge").outcome == "published"
    assert shop.rows() == [(1, "b@x"), (2, "a@x")]


def test_a_load_branches_off_and_takes_its_branch_away_once_it_is_published(shop: Shop) -> None:
    loaded = shop.load(pl.DataFrame({"id": [1], "item": ["pen"], "amount": [1.0]}))
    assert loaded.branch is not None and loaded.branch.startswith("load/orders/")
    assert [r.name for r in shop.project.status().refs] == ["main"]
    assert shop.project.log("main", 1)[0].run == loaded.run
