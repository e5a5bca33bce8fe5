"""What a person is told about tables."""

from __future__ import annotations

from flow.shop import ID, Shop, column, contract, table


def test_what_was_rejected_is_not_told_of_the_table_that_stands(shop: Shop) -> None:
    """Seen failing while `status` showed the newest verdict on a table, wherever it was formed."""
    amount = column("amount", "number", logicalTypeOptions={"minimum": 0})
    shop.load(shop.csv("id,amount", "1,5"), contract=contract(table("orders", ID, amount)))
    assert shop.load(shop.csv("id,amount", "2,-5")).outcome == "quarantined"
    (told,) = shop.project.status().tables
    assert told.verdict is not None
    assert told.verdict.verdict.passed
