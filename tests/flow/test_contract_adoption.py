"""A new contract is held against the rows that are there before it is the table's; what it may change, and what not."""

from __future__ import annotations

import pytest

from flow.shop import (
    AMOUNT,
    ID,
    ITEM,
    ORDERS,
    Shop,
    column,
    contract,
    counts,
    failed,
    of_headgate,
    orders,
    statuses,
    table,
)
from headgate.model.errors import ContractUnusable, HeadgateError, WrongUse

PRICE = column("amount", "number", logicalTypeOptions={"minimum": 5})
DEARER = contract(table("orders", ID, ITEM, PRICE), version="2.0.0")


def version(shop: Shop, name: str = "orders") -> str | None:
    found = shop.project.table(name).contract
    return found.version if found else None


def test_the_contract_comes_with_the_first_load_and_stays(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"), contract=ORDERS)
    assert version(shop) == "1.0.0"
    assert shop.load(shop.orders("2,ink,-1")).outcome == "quarantined"


def test_a_contract_that_the_rows_that_are_there_fail_is_not_adopted(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,9"))
    loaded = shop.load(shop.orders("3,cup,9"), contract=DEARER)
    assert (loaded.outcome, failed(loaded), counts(loaded)) == (
        "quarantined",
        {"amount.minimum": 1},
        (1, 0, 1, 0, 0),
    )
    assert "not adopted" in loaded.why
    assert version(shop) == "1.0.0"
    assert shop.load(shop.orders("4,jar,2")).outcome == "published"


def test_what_a_load_was_told_about_its_own_bad_rows_does_not_excuse_those_that_are_there(shop: Shop) -> None:
    """Rows there that fail would stop every release; so the contract is not adopted for `--on-fail warn`, either."""
    shop.load(shop.orders("1,pen,1"))
    assert shop.load(shop.orders("3,cup,9"), contract=DEARER, on_fail="warn").outcome == "quarantined"
    assert version(shop) == "1.0.0"


def test_a_contract_that_only_warns_is_adopted_with_warnings(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    warns = contract(
        table("orders", ID, ITEM, PRICE), version="2.0.0", customProperties=of_headgate(onFail="warn")
    )
    assert shop.load(shop.orders("3,cup,9"), contract=warns).outcome == "published"
    assert version(shop) == "2.0.0"


def test_a_contract_that_the_rows_fulfil_is_adopted(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,7"))
    assert shop.load(shop.orders("3,cup,9"), contract=DEARER).outcome == "published"
    assert version(shop) == "2.0.0"
    assert shop.load(shop.orders("4,jar,2")).outcome == "quarantined"


def test_a_contract_can_be_adopted_without_rows(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,7"))
    assert counts(shop.load(shop.orders(), contract=DEARER)) == (0, 0, 0, 0, 0)
    assert version(shop) == "2.0.0"


def test_rows_that_are_replaced_need_not_fulfil_the_new_contract(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    loaded = shop.load(shop.orders("1,pen,9"), contract=DEARER, mode="replace")
    assert (loaded.outcome, version(shop)) == ("published", "2.0.0")


def test_a_contract_that_came_with_a_quarantined_batch_is_not_adopted(shop: Shop) -> None:
    assert shop.load(shop.orders("1,pen,-1"), contract=ORDERS).outcome == "quarantined"
    with pytest.raises(WrongUse, match="no contract"):
        shop.project.load("orders", shop.orders("1,pen,1"))


def test_the_same_contract_again_is_no_new_one(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,7"), contract=ORDERS)
    before = shop.project.tree()
    shop.load(shop.orders("2,ink,7"), contract=ORDERS)
    assert [d.key for d in shop.project.diff(shop.project.log()[1].id, "main")] == ["table/default.orders"]
    assert before.keys() == shop.project.tree().keys()


def test_a_load_is_checked_under_the_contract_of_its_target(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,7"))
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,7"), contract=DEARER, to="spring")
    assert shop.load(shop.orders("3,cup,1"), to="spring").outcome == "quarantined"
    assert shop.load(shop.orders("3,cup,1")).outcome == "published"


# -- columns ------------------------------------------------------------------------------------------------


def test_an_added_optional_column_is_null_in_the_rows_that_are_there(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    loaded = shop.load(
        shop.csv("id,item,amount,note", "2,ink,2,blue"), contract=orders(column("note"), version="1.1.0")
    )
    assert loaded.outcome == "published"
    assert shop.rows() == [(1, "pen", 1.0, None), (2, "ink", 2.0, "blue")]
    assert shop.load(shop.orders("3,cup,3")).outcome == "quarantined"  # a declared column is absent


def decimal(precision: int, scale: int = 2) -> bytes:
    price = column("price", "number", physicalType=f"decimal({precision},{scale})")
    return contract(table("prices", ID, price), version=f"{precision}.{scale}.0")


def test_a_decimal_may_get_more_digits(shop: Shop) -> None:
    shop.load(shop.csv("id,price", "1,99.99"), "prices", contract=decimal(4))
    wide = shop.csv("id,price", "2,123456.78")
    assert shop.load(wide, "prices").outcome == "quarantined"
    assert shop.load(wide, "prices", contract=decimal(9)).outcome == "published"
    assert [str(price) for _, price in shop.rows("prices")] == ["99.99", "123456.78"]


@pytest.mark.parametrize("document", [decimal(3), decimal(9, 3)])
def test_a_decimal_may_not_lose_digits_nor_move_its_point(shop: Shop, document: bytes) -> None:
    shop.load(shop.csv("id,price", "1,9.99"), "prices", contract=decimal(4))
    with pytest.raises(ContractUnusable):
        shop.load(shop.csv("id,price", "2,1.00"), "prices", contract=document)
    assert version(shop, "prices") == "4.2.0"


@pytest.mark.parametrize(
    ("columns", "header", "row"),
    [
        ((ID, ITEM), "id,item", "2,ink"),
        ((ID, ITEM, column("amount", "string")), "id,item,amount", "2,ink,2"),
        ((ID, ITEM, column("amount", "integer")), "id,item,amount", "2,ink,2"),
        ((column("id", "string", primaryKey=True), ITEM, AMOUNT), "id,item,amount", "2,ink,2"),
        ((ID, ITEM, AMOUNT, column("note", required=True)), "id,item,amount,note", "2,ink,2,blue"),
    ],
    ids=[
        "a column less",
        "text for a number",
        "an integer for a number",
        "text for the key",
        "a required column",
    ],
)
def test_other_changes_of_columns_are_refused_and_nothing_happens(
    shop: Shop, columns: tuple[dict[str, object], ...], header: str, row: str
) -> None:
    shop.load(shop.orders("1,pen,1"))
    head = shop.project.resolve("main")
    with pytest.raises(ContractUnusable) as error:
        shop.load(shop.csv(header, row), contract=contract(table("orders", *columns), version="2.0.0"))
    assert error.value.hint
    assert (shop.project.resolve("main"), version(shop)) == (head, "1.0.0")
    assert [r.name for r in shop.project.status().refs] == ["main"]
    assert shop.project.quarantines() == ()


# -- several schema objects, and none -----------------------------------------------------------------------


def test_of_several_schema_objects_the_one_named_like_the_table_is_meant(shop: Shop) -> None:
    both = contract(table("customers", ID), table("orders", ID, ITEM, physicalName="orders"))
    assert shop.load(shop.csv("id,item", "1,pen"), "orders", contract=both).outcome == "published"
    assert shop.load(shop.csv("id", "1"), "customers", contract=both).outcome == "published"
    with pytest.raises(WrongUse, match="2 tables"):
        shop.project.load("stock", shop.csv("id", "1"), contract=both)


def test_one_schema_object_applies_whatever_the_table_is_called(shop: Shop) -> None:
    assert shop.load(shop.orders("1,pen,1"), "stock", contract=ORDERS).outcome == "published"


def test_without_a_contract_nothing_is_loaded(shop: Shop) -> None:
    with pytest.raises(WrongUse) as error:
        shop.project.load("orders", shop.orders("1,pen,1"))
    assert "contract infer" in error.value.hint and "--unguarded" in error.value.hint


def test_a_contract_that_is_none_is_an_error_before_anything_is_done(shop: Shop) -> None:
    with pytest.raises(HeadgateError):
        shop.project.load("orders", shop.orders("1,pen,1"), contract=b"a: [")
    assert shop.project.ports.store.runs() == ()


# -- unguarded ----------------------------------------------------------------------------------------------


def test_an_unguarded_table_is_shown_as_such(shop: Shop) -> None:
    loaded = shop.load(shop.orders("1,pen,1", "2,,"), unguarded=True)
    assert (loaded.outcome, loaded.unguarded, counts(loaded)) == ("published", True, (2, 2, 0, 0, 0))
    assert shop.rows() == [(1, "pen", 1), (2, None, None)]
    (shown,) = shop.project.status().tables
    assert (shown.contract, shown.rows) == (None, 2)
    assert shop.project.table("orders").contract is None


def test_an_unguarded_table_takes_what_fits_its_columns(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"), unguarded=True)
    assert shop.load(shop.orders("2,ink,2"), unguarded=True).outcome == "published"
    loaded = shop.load(shop.orders("x,ink,2"), unguarded=True)
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"id.type": 1})
    with pytest.raises(WrongUse, match="no contract"):
        shop.project.load("orders", shop.orders("3,cup,3"))


def test_an_unguarded_table_can_be_guarded_later(shop: Shop) -> None:
    shop.load(shop.csv("id,item,amount", "1,pen,1.5", "2,ink,-2.5"), unguarded=True)
    more = shop.orders("3,cup,3.5")
    loaded = shop.load(more, contract=ORDERS)
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"amount.minimum": 1})
    shop.load(shop.csv("id,item,amount", "1,pen,1.5"), unguarded=True, mode="replace")
    loaded = shop.load(more, contract=ORDERS)
    assert (loaded.outcome, loaded.unguarded) == ("published", False)
    (shown,) = shop.project.status().tables
    assert shown.contract == ("shop", "1.0.0")
    with pytest.raises(WrongUse, match="has a contract"):
        shop.project.load("orders", shop.orders("4,jar,4"), unguarded=True)


def test_status_shows_the_contract_that_is_adopted_and_not_the_last_that_was_tried(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.load(shop.orders("3,cup,9"), contract=DEARER)
    (shown,) = shop.project.status().tables
    assert shown.contract == ("shop", "1.0.0")


def test_columns_may_stand_in_any_order_and_none_may_be_missing_or_new(shop: Shop) -> None:
    assert shop.load(shop.csv("amount,id,item", "1,1,pen")).outcome == "published"
    loaded = shop.load(shop.csv("id,item,colour", "2,ink,blue"), on_fail="warn")
    assert loaded.outcome == "quarantined"
    assert statuses(loaded)["amount.present"] == statuses(loaded)["colour.undeclared"] == "fail"
    assert counts(loaded) == (1, 0, 1, 0, 0)
