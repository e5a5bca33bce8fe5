"""Service levels of tables in a project: in status and by SQL, and without a say in what is loaded."""

from __future__ import annotations

from flow.shop import ID, Part, Shop, column, contract, of_headgate, table

LEVELS: list[Part] = [
    {"property": "latency", "value": 1, "unit": "d", "element": "orders.at"},
    {"property": "frequency", "value": 1, "unit": "h"},
    {"property": "errorRate", "value": 0.1},
    {"property": "throughput", "value": 1, "unit": "rows/y"},
    {"property": "endOfLife", "value": "2020-01-01"},
    {"property": "availability", "value": 99, "unit": "%"},
]
ORDERS = contract(table("orders", ID, column("at", "date")), slaProperties=LEVELS)


def test_service_levels_are_told_as_they_are_kept_now_and_stop_nothing(shop: Shop) -> None:
    loaded = shop.load(shop.csv("id,at", "1,2020-01-01"), contract=ORDERS)
    assert loaded.outcome == "published"
    assert shop.load(shop.csv("id,at", "1,2020-01-02")).outcome == "quarantined"
    found = {str(f.rule): f.status for t in shop.project.status().tables for f in t.levels}
    assert found == {
        "sla.latency": "warn",
        "sla.frequency": "pass",
        "sla.errorRate": "warn",  # one of two
        "sla.throughput": "pass",
        "sla.endOfLife": "warn",
    }
    rows = shop.project.sql("SELECT rule, status, measured FROM headgate.service_levels").rows
    assert {str(rule): status for rule, status, _ in rows} == found
    assert {str(rule): measured for rule, _, measured in rows}["sla.errorRate"] == "50%"
    assert shop.project.promote().outcome == "promoted"


def test_an_age_stops_a_load_if_the_contract_says_so(shop: Shop) -> None:
    strict = {**LEVELS[0], "customProperties": of_headgate(onFail="quarantine_batch")}
    document = contract(table("orders", ID, column("at", "date")), slaProperties=[strict])
    assert shop.load(shop.csv("id,at", "1,2020-01-01"), contract=document).outcome == "quarantined"


def test_a_table_without_service_levels_has_none(shop: Shop) -> None:
    shop.load(shop.csv("id", "1"), contract=contract(table("orders", ID)))
    assert [t.levels for t in shop.project.status().tables] == [()]
