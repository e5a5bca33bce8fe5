"""Rows that fail a rule and were let in all the same: later verdicts on the table do not forget them."""

from __future__ import annotations

import pytest

from flow.shop import AMOUNT, ID, ITEM, Shop, column, contract, failed, of_headgate, orders, table

PRICE = column("amount", "number", logicalTypeOptions={"minimum": 5})
DEARER = contract(table("orders", ID, ITEM, PRICE), version="2.0.0")


def of_main(shop: Shop) -> tuple[str, int | None]:
    """What the verdict on orders, as it was kept, says of the least amount."""
    row = shop.project.status().tables[0].verdict
    assert row is not None
    [found] = [f for f in row.verdict.findings if f.rule == "amount.minimum"]
    return found.status, found.rows_failed


def test_rows_that_were_let_in_stay_in_the_verdicts_of_later_loads(shop: Shop) -> None:
    """Seen failing with `let_in_before` returning nothing: a clean load made the table's verdict clean."""
    shop.load(shop.orders("1,pen,1", "2,ink,-1"), on_fail="warn")
    assert of_main(shop) == ("warn", 1)
    shop.load(shop.orders("3,cup,3"))
    assert of_main(shop) == ("warn", 1)
    shop.load(shop.orders("4,jar,-4"), on_fail="warn")
    assert of_main(shop) == ("warn", 2)
    shop.load(shop.orders("2,ink,2"), mode="merge")
    assert of_main(shop) == ("warn", 1)
    shop.load(shop.orders("4,jar,4"), mode="merge")
    assert of_main(shop) == ("pass", 0)
    assert shop.project.check("orders").verdict.passed


def test_rows_that_are_let_in_over_a_baseline_are_told_beside_it(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1", "2,ink,2"))
    shop.load(shop.orders("5,box,9"), contract=DEARER, baseline=True)
    assert of_main(shop) == ("warn", 2)
    shop.load(shop.orders("6,bag,1"), on_fail="warn")
    assert of_main(shop) == ("warn", 3)
    shop.load(shop.orders("7,hat,9"))
    assert of_main(shop) == ("warn", 3)


def test_a_contract_that_only_warns_says_what_is_there(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    warns = contract(
        table("orders", ID, ITEM, PRICE), version="2.0.0", customProperties=of_headgate(onFail="warn")
    )
    shop.load(shop.orders("3,cup,9"), contract=warns)
    assert of_main(shop) == ("warn", 1)


@pytest.mark.parametrize("forward", [True, False])
def test_what_a_load_let_into_a_branch_is_not_let_into_another_by_a_merge(shop: Shop, forward: bool) -> None:
    """What the load was told is for its own branch: who merges is held by the contract, also where the target would
    only move forward. Seen failing with `_let_in` returning nothing: the refusal did not say why, nor what to do.
    """
    shop.load(shop.orders("1,pen,1"))
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,-1"), to="spring", on_fail="warn")
    if not forward:
        shop.load(shop.orders("3,cup,3"))
    refused = shop.project.merge("spring")
    assert (refused.outcome, failed(refused)) == ("refused", {"orders:amount.minimum": 1})
    assert "let in by a load, which is for its own branch alone" in refused.why
    assert "load the same files into main with --on-fail warn" in refused.why
    shop.load(shop.orders("2,ink,2"), to="spring", mode="merge")
    if forward:
        assert shop.project.merge("spring").outcome == "merged"


def test_a_contract_that_only_warns_lets_a_branch_through(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,-1"), to="spring", on_fail="warn")
    warns = contract(
        table("orders", ID, ITEM, AMOUNT), version="2.0.0", customProperties=of_headgate(onFail="warn")
    )
    assert shop.load(shop.orders("3,cup,3"), to="spring", contract=warns).outcome == "published"
    merged = shop.project.merge("spring")
    assert merged.outcome == "merged"
    assert merged.verdict is not None and merged.verdict.passed
    warned = {f.rule: f.rows_failed for f in merged.verdict.findings if f.status == "warn"}
    assert warned == {"orders:amount.minimum": 1}


def test_a_refusal_for_another_reason_speaks_of_no_load(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.branch("spring")
    dearer = orders(version="2.0.0").replace(b"minimum: 0", b"minimum: 5")
    shop.load(shop.orders("2,ink,7"), to="spring", contract=dearer, mode="replace")
    shop.load(shop.orders("3,cup,3"))
    refused = shop.project.merge("spring")
    assert "let in" not in refused.why
