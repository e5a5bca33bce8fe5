"""References: to a table of the same commit, to one that is not there, to one that loses rows, and to itself."""

from __future__ import annotations

import pytest

from flow.shop import ID, Shop, column, contract, counts, failed, of_headgate, refers, statuses, table

STAFF = contract(table("staff", ID, column("boss", "integer", relationships=refers("staff.id"))))
BADGES = contract(
    table("badges", ID, column("badge", unique=True), column("boss", relationships=refers("badges.badge")))
)


def staff(shop: Shop, *rows: str) -> str:
    return shop.csv("id,boss", *rows)


def purchases(shop: Shop, *rows: str) -> str:
    return shop.csv("id,customer", *rows)


def with_customers(shop: Shop, *ids: str) -> None:
    shop.load(shop.csv("id", *ids), "customers")


# -- parents in another table -------------------------------------------------------------------------------


def test_a_reference_leads_to_what_is_published(shop: Shop) -> None:
    with_customers(shop, "1", "2")
    assert shop.load(purchases(shop, "1,1", "2,2", "3,"), "purchases").outcome == "published"
    loaded = shop.load(purchases(shop, "4,1", "5,7"), "purchases")
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"customer.references": 1})
    loaded = shop.load(
        purchases(shop, "4,2", "5,7"), "purchases", on_fail="quarantine_rows", max_quarantined="50%"
    )
    assert counts(loaded) == (2, 1, 1, 0, 0)
    assert shop.ids("purchases") == [1, 2, 3, 4]


def test_a_reference_to_a_table_that_is_not_there_blocks_unless_it_is_allowed_by_name(shop: Shop) -> None:
    loaded = shop.load(purchases(shop, "1,1"), "purchases")
    assert loaded.outcome == "quarantined"
    assert statuses(loaded)["customer.references"] == "not_executed"
    loaded = shop.load(purchases(shop, "1,1"), "purchases", allow_unexecuted=["customer.references"])
    assert (loaded.outcome, statuses(loaded)["customer.references"]) == ("published", "not_executed")
    assert shop.load(purchases(shop, "2,1"), "purchases").outcome == "quarantined"


@pytest.mark.parametrize("name", ["customer.references", "purchases:customer.references"])
def test_what_was_allowed_for_a_load_is_not_allowed_for_a_release(shop: Shop, name: str) -> None:
    shop.load(purchases(shop, "1,1"), "purchases", allow_unexecuted=["customer.references"])
    refused = shop.project.promote()
    assert (refused.outcome, list(failed(refused))) == ("refused", ["purchases:customer.references"])
    assert shop.project.promote(allow_unexecuted=[name]).outcome == "promoted"


def test_orphans_that_were_let_in_unexecuted_come_to_light_with_their_parents(shop: Shop) -> None:
    shop.load(purchases(shop, "1,1", "2,9"), "purchases", allow_unexecuted=["customer.references"])
    with_customers(shop, "1")
    assert failed(shop.project.promote()) == {"purchases:customer.references": 1}


def test_a_parent_s_column_that_is_not_there_is_not_executed(shop: Shop) -> None:
    shop.load(shop.csv("number", "1"), "customers", contract=contract(table("customers", column("number"))))
    loaded = shop.load(purchases(shop, "1,1"), "purchases")
    assert (loaded.outcome, statuses(loaded)["customer.references"]) == ("quarantined", "not_executed")


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_parent_that_children_need_stays(shop: Shop, mode: str) -> None:
    """Seen failing without `check_children`: the purchase of customer 2 was left without its customer."""
    parents = contract(
        table("customers", column("number", "integer", primaryKey=True), column("id", "integer"))
    )
    shop.load(shop.csv("number,id", "10,1", "20,2"), "customers", contract=parents)
    shop.load(purchases(shop, "1,1", "2,2"), "purchases")
    loaded = shop.load(shop.csv("number,id", "10,1", "20,3"), "customers", mode=mode)
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"purchases:customer.references": 1})
    assert counts(loaded) == (2, 0, 2, 0, 0)
    assert shop.rows("customers") == [(10, 1), (20, 2)]
    loaded = shop.load(shop.csv("number,id", "10,1", "20,2", "30,3"), "customers", mode=mode)
    assert loaded.outcome == "published"


def test_children_only_warn_where_their_contract_says_so(shop: Shop) -> None:
    with_customers(shop, "1", "2")
    to = [{"to": "customers.id", "customProperties": of_headgate(onFail="warn")}]
    children = contract(table("purchases", ID, column("customer", "integer", relationships=to)))
    shop.load(purchases(shop, "1,1", "2,2"), "purchases", contract=children)
    loaded = shop.load(shop.csv("id", "1"), "customers", mode="replace")
    assert (loaded.outcome, statuses(loaded)["purchases:customer.references"]) == ("published", "warn")


ORDERED = contract(
    table(
        "shipped",
        ID,
        column("order", "integer"),
        column("line", "integer"),
        relationships=[{"from": ["shipped.order", "shipped.line"], "to": ["lines.order", "lines.line"]}],
    )
)
LINES = contract(table("lines", ID, column("order", "integer"), column("line", "integer")))


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_key_of_several_columns_is_looked_up_whole(shop: Shop, mode: str) -> None:
    """(1, 2) is there and (2, 1) is not, though both values are. Its parent stays, as one of one column does."""
    shop.load(shop.csv("id,order,line", "1,1,2", "2,2,2", "3,,7"), "lines", contract=LINES)
    loaded = shop.load(shop.csv("id,order,line", "1,1,2", "2,2,1"), "shipped", contract=ORDERED)
    assert failed(loaded) == {"order+line.references": 1}
    delivery = shop.csv("id,order,line", "1,1,2", "2,2,", "3,,7")
    assert shop.load(delivery, "shipped", contract=ORDERED).outcome == "published"
    loaded = shop.load(shop.csv("id,order,line", "1,1,3", "2,2,2"), "lines", mode=mode)
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"shipped:order+line.references": 1})
    loaded = shop.load(shop.csv("id,order,line", "1,1,2", "2,2,4"), "lines", mode=mode)
    assert loaded.outcome == "published"
    assert shop.project.promote().outcome == "promoted"


# -- a table that refers to itself --------------------------------------------------------------------------


def test_rows_of_the_same_delivery_are_parents(shop: Shop) -> None:
    loaded = shop.load(staff(shop, "1,", "2,1", "3,2"), "staff", contract=STAFF)
    assert (loaded.outcome, counts(loaded)) == ("published", (3, 3, 0, 0, 0))


def test_rows_that_are_published_are_parents_too(shop: Shop) -> None:
    shop.load(staff(shop, "1,", "2,1"), "staff", contract=STAFF)
    loaded = shop.load(staff(shop, "3,2", "4,3", "5,5"), "staff")
    assert (loaded.outcome, counts(loaded)) == ("published", (3, 3, 0, 0, 0))
    loaded = shop.load(staff(shop, "6,1", "7,99"), "staff")
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"boss.references": 1})


def test_whoever_leans_on_a_row_in_quarantine_follows_it_there(shop: Shop) -> None:
    """3 has an unknown boss; 4 and 5 lean on 3. Seen failing without the rounds of `_checked`: 4 was published
    with a boss who was not.
    """
    delivery = staff(shop, "1,", "2,1", "3,99", "4,3", "5,4", "6,2")
    loaded = shop.load(delivery, "staff", contract=STAFF, on_fail="quarantine_rows", max_quarantined="50%")
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (6, 3, 3, 0, 0))
    assert failed(loaded) == {"boss.references": 3}
    assert shop.ids("staff") == [1, 2, 6]
    assert shop.project.promote().outcome == "promoted"


def test_the_limit_is_about_all_who_followed(shop: Shop) -> None:
    loaded = shop.load(
        staff(shop, "1,99", "2,1", "3,2", "4,"),
        "staff",
        contract=STAFF,
        on_fail="quarantine_rows",
        max_quarantined="50%",
    )
    assert (loaded.outcome, counts(loaded)) == ("quarantined", (4, 0, 4, 0, 0))


def test_replacing_a_table_that_refers_to_itself_counts_only_what_comes(shop: Shop) -> None:
    shop.load(staff(shop, "1,", "2,1"), "staff", contract=STAFF)
    assert failed(shop.load(staff(shop, "3,1"), "staff", mode="replace")) == {"boss.references": 1}
    assert shop.load(staff(shop, "3,4", "4,"), "staff", mode="replace").outcome == "published"


def test_merging_into_a_table_that_refers_to_itself(shop: Shop) -> None:
    shop.load(staff(shop, "1,", "2,1"), "staff", contract=STAFF)
    assert shop.load(staff(shop, "1,3", "3,2"), "staff", mode="merge").outcome == "published"
    assert shop.rows("staff") == [(1, 3), (2, 1), (3, 2)]


def test_a_value_that_others_of_the_same_table_need_does_not_go(shop: Shop) -> None:
    """The reference is to a column besides the key, which a merge can change."""
    shop.load(shop.csv("id,badge,boss", "1,red,", "2,blue,red"), "badges", contract=BADGES)
    loaded = shop.load(shop.csv("id,badge,boss", "1,green,"), "badges", mode="merge")
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"badges:boss.references": 1})
    both = shop.csv("id,badge,boss", "1,green,", "2,blue,green")
    assert shop.load(both, "badges", mode="merge").outcome == "published"


def test_a_reference_to_the_own_table_has_its_parents_also_without_rows(shop: Shop) -> None:
    assert shop.load(staff(shop), "staff", contract=STAFF).outcome == "published"
    assert shop.load(staff(shop, "1,"), "staff").outcome == "published"


# -- on branches --------------------------------------------------------------------------------------------


def test_parent_and_child_on_a_branch_are_merged_together(shop: Shop) -> None:
    shop.project.branch("spring")
    shop.load(shop.csv("id", "1"), "customers", to="spring")
    shop.load(purchases(shop, "1,1"), "purchases", to="spring")
    assert shop.project.merge("spring").outcome == "merged"
    assert (shop.ids("customers"), shop.ids("purchases")) == ([1], [1])


def test_a_child_does_not_see_parents_on_another_branch(shop: Shop) -> None:
    with_customers(shop, "1")
    shop.project.branch("spring")
    shop.load(shop.csv("id", "2"), "customers", to="spring")
    assert failed(shop.load(purchases(shop, "1,2"), "purchases")) == {"customer.references": 1}
    assert shop.load(purchases(shop, "1,2"), "purchases", to="spring").outcome == "published"


def test_a_merge_does_not_part_children_from_their_parents(shop: Shop) -> None:
    """The branch drops customer 2 while main gets a purchase of theirs: each is right alone."""
    with_customers(shop, "1", "2")
    shop.load(purchases(shop, "1,1"), "purchases")
    shop.project.branch("spring")
    shop.load(shop.csv("id", "1"), "customers", to="spring", mode="replace")
    shop.load(purchases(shop, "2,2"), "purchases")
    refused = shop.project.merge("spring")
    assert (refused.outcome, failed(refused)) == ("refused", {"purchases:customer.references": 1})
    assert shop.ids("customers") == [1, 2]


def test_a_table_that_others_refer_to_is_not_reverted_away(shop: Shop) -> None:
    with_customers(shop, "1")
    first = shop.project.log()[0].id
    shop.load(purchases(shop, "1,1"), "purchases")
    refused = shop.project.revert(first)
    assert (refused.outcome, list(failed(refused))) == ("refused", ["purchases:customer.references"])
