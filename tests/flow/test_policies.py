"""Who says what becomes of failing rows: rule, property, object, contract or the load; and how many may be bad."""

from __future__ import annotations

from typing import Any

import pytest

from flow.shop import ID, ITEM, Shop, column, contract, counts, failed, of_headgate, orders, statuses, table

ROWS = of_headgate(onFail="quarantine_rows")
BATCH = of_headgate(onFail="quarantine_batch")
WARN = of_headgate(onFail="warn")
HALF = of_headgate(onFail="quarantine_rows", maxQuarantined="50%")
NULLS = {"metric": "nullValues", "mustBe": 0}


@pytest.mark.parametrize(
    ("of_contract", "of_object", "of_property", "of_rule", "outcome"),
    [
        (None, None, None, None, "quarantined"),
        (HALF, None, None, None, "published_partial"),
        (None, HALF, None, None, "published_partial"),
        (HALF, BATCH, None, None, "quarantined"),
        (BATCH, HALF, None, None, "published_partial"),
        (HALF, None, BATCH, None, "quarantined"),
        (HALF, None, WARN, None, "published"),
        (HALF, None, BATCH, ROWS, "published_partial"),
        (HALF, None, None, WARN, "published"),
        (WARN, None, None, BATCH, "quarantined"),
        (WARN, None, None, None, "published"),
    ],
)
def test_the_nearest_word_counts(
    shop: Shop, of_contract: object, of_object: object, of_property: object, of_rule: object, outcome: str
) -> None:
    rule = {**NULLS, **({"customProperties": of_rule} if of_rule else {})}
    item = column("item", quality=[rule]) | ({"customProperties": of_property} if of_property else {})
    of_table = {"customProperties": of_object} if of_object else {}
    whole: dict[str, Any] = {"customProperties": of_contract} if of_contract else {}
    document = contract(table("orders", ID, item, **of_table), **whole)
    loaded = shop.load(shop.csv("id,item", "1,a", "2,"), contract=document)
    assert loaded.outcome == outcome
    assert statuses(loaded)["item.nullValues"] == ("warn" if outcome == "published" else "fail")


@pytest.mark.parametrize(
    ("on_fail", "outcome"),
    [("quarantine_batch", "quarantined"), ("quarantine_rows", "published_partial"), ("warn", "published")],
)
@pytest.mark.parametrize("said", [BATCH, ROWS, WARN])
def test_what_the_load_is_told_counts_most(shop: Shop, said: object, on_fail: str, outcome: str) -> None:
    item = column("item", quality=[{**NULLS, "customProperties": said}])
    loaded = shop.load(
        shop.csv("id,item", "1,a", "2,"),
        contract=contract(table("orders", ID, item)),
        on_fail=on_fail,
        max_quarantined=0.5,
    )
    assert loaded.outcome == outcome


@pytest.mark.parametrize(
    ("limit", "bad", "outcome"),
    [
        ("10%", 1, "published_partial"),
        ("10%", 2, "quarantined"),
        ("0.2", 2, "published_partial"),
        ("0%", 1, "quarantined"),
        ("100%", 10, "published_partial"),
        (None, 1, "quarantined"),
    ],
)
def test_as_many_rows_may_be_bad_as_the_limit_says(
    shop: Shop, limit: str | None, bad: int, outcome: str
) -> None:
    lines = [f"{i},item,{-1 if i < bad else 1}" for i in range(10)]
    loaded = shop.load(shop.orders(*lines), on_fail="quarantine_rows", max_quarantined=limit)
    assert loaded.outcome == outcome
    assert counts(loaded) == (
        (10, 10 - bad, bad, 0, 0) if outcome == "published_partial" else (10, 0, 10, 0, 0)
    )
    if outcome == "quarantined":
        assert "limit" in loaded.why


def test_one_bad_row_of_a_hundred_is_within_the_limit_that_is_usual(shop: Shop) -> None:
    lines = [f"{i},item,{-1 if i == 7 else 1}" for i in range(100)]
    loaded = shop.load(shop.orders(*lines), on_fail="quarantine_rows")
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (100, 99, 1, 0, 0))


def test_the_share_is_of_the_rows_as_delivered(shop: Shop) -> None:
    shop.load(shop.orders("1,a,1", "2,b,1", "3,c,1"))
    loaded = shop.load(
        shop.orders("1,a,1", "2,b,1", "3,c,1", "4,d,-1"), on_fail="quarantine_rows", max_quarantined="25%"
    )
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (4, 0, 1, 3, 0))


def test_a_row_that_fails_several_rules_is_one_bad_row(shop: Shop) -> None:
    document = orders(column("note", required=True))
    loaded = shop.load(
        shop.csv("id,item,amount,note", "1,a,-1,", "2,b,1,x"),
        contract=document,
        on_fail="quarantine_rows",
        max_quarantined="50%",
    )
    assert (counts(loaded), failed(loaded)) == ((2, 1, 1, 0, 0), {"amount.minimum": 1, "note.required": 1})
    (held,) = shop.open_quarantines()
    assert [rules for *_, rules, _ in shop.quarantined(held)] == [["amount.minimum", "note.required"]]


# -- warn ---------------------------------------------------------------------------------------------------


def test_rows_that_only_warned_rules_fail_are_published_and_are_not_bad(shop: Shop) -> None:
    """Seen failing while every failing row counted as bad: over 1 % of warnings stopped the batch."""
    document = contract(
        table(
            "orders",
            ID,
            ITEM,
            column("amount", "number", logicalTypeOptions={"minimum": 0}, customProperties=WARN),
            customProperties=HALF,
        )
    )
    loaded = shop.load(shop.orders("1,a,-1", "2,b,-2", ",c,-3"), contract=document)
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (3, 2, 1, 0, 0))
    assert statuses(loaded) == statuses(loaded) | {"amount.minimum": "warn", "primaryKey": "fail"}
    (held,) = shop.open_quarantines()
    assert [rules for *_, rules, _ in shop.quarantined(held)] == [["amount.minimum", "primaryKey"]]
    (stored,) = [v.verdict for v in shop.project.ports.store.verdicts() if v.run == loaded.run]
    assert stored.passed


def test_a_value_that_does_not_fit_cannot_be_published_whoever_warns(shop: Shop) -> None:
    loaded = shop.load(shop.orders("1,a,many", "2,b,-1"), on_fail="warn", max_quarantined="50%")
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (2, 1, 1, 0, 0))
    assert shop.rows() == [(2, "b", -1.0)]
    assert shop.load(shop.orders("3,a,many", "4,b,-1"), on_fail="warn").outcome == "quarantined"


def test_a_doubled_key_can_be_warned_of(shop: Shop) -> None:
    loaded = shop.load(shop.orders("1,a,1", "1,b,1"), on_fail="warn")
    assert (loaded.outcome, statuses(loaded)["primaryKey"], shop.ids()) == ("published", "warn", [1, 1])


def test_rows_loaded_for_on_fail_warn_are_for_the_contract_to_release(shop: Shop) -> None:
    """What one load was told is no change of the contract: that is what a release is checked against."""
    shop.load(shop.orders("1,a,-1"), on_fail="warn")
    refused = shop.project.promote()
    assert (refused.outcome, failed(refused)) == ("refused", {"orders:amount.minimum": 1})
    tolerant = orders(customProperties=WARN, version="1.0.1")
    assert shop.load(shop.orders("2,b,1"), contract=tolerant).outcome == "published"
    assert shop.project.promote().outcome == "promoted"
