"""Relationships: references to other tables, of one column or several."""

from __future__ import annotations

import pytest

from contract.contracts import bodies, table, two
from headgate.model.errors import ContractUnusable
from headgate.model.names import TableName
from headgate.model.rule import NotCompiled, References

CARRIERS_V2 = References(("carrier",), TableName("default.carriers_v2"), ("carrier_code",))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("carriers.code", CARRIERS_V2),
        ("carriers_v2.carrier_code", CARRIERS_V2),
        ("schema/carriers_id/properties/code_id", CARRIERS_V2),
        ("airlines.iata", References(("carrier",), TableName("default.airlines"), ("iata",))),
        ("air.lines.iata", References(("carrier",), TableName("air.lines"), ("iata",))),
        ("orders.carrier", References(("carrier",), TableName("default.orders_v1"), ("carrier",))),
    ],
)
def test_a_reference_names_a_table_and_its_column(to: str, expected: References) -> None:
    property_level = table(two(f"relationships: [{{to: {to}}}]"), "orders")
    assert bodies(property_level)["carrier.references"] == expected
    for from_ in ("orders.carrier", "schema/orders_id/properties/carrier_id"):
        text = two(of_object=f"relationships: [{{from: {from_}, to: {to}, type: foreignKey}}]")
        assert bodies(table(text, "orders"))["carrier.references"] == expected
    text = two(of_object=f"relationships: [{{from: [orders.carrier], to: [{to}]}}]")
    assert bodies(table(text, "orders"))["carrier.references"] == expected


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("other.yaml#/schema/a/properties/b", "another contract"),
        ("carriers.place.street", "inside of a column"),
        ("schema/carriers_id/properties/code_id/properties/x", "inside of a column"),
        ("schema/carriers_id", "no property"),
        ("a.b.c.d", "inside of a column"),
        ("no-table.c", "not a table name"),
    ],
)
def test_a_reference_that_is_not_looked_up_says_so(to: str, said: str) -> None:
    found = bodies(table(two(f"relationships: [{{to: {to}}}]"), "orders"))["carrier.references"]
    assert isinstance(found, NotCompiled)
    assert said in found.why


def test_a_key_of_several_columns_refers_to_as_many() -> None:
    text = two(of_object="relationships: [{from: [orders.carrier, orders.at], to: [a.b, a.c]}]")
    text = text.replace("    - {name: home,", "    - {name: at}\n      - {name: home,")
    expected = References(("carrier", "at"), TableName("default.a"), ("b", "c"))
    assert bodies(table(text, "orders"))["carrier+at.references"] == expected


@pytest.mark.parametrize(
    ("of_object", "name", "said"),
    [
        ("{from: [orders.carrier, orders.home], to: [a.b, a.c]}", "carrier+home.references", "not compared"),
        ("{from: orders.home, to: a.b}", "home.references", "not compared"),
        ("{from: [orders.carrier, orders.home.street], to: [a.b, a.c]}", "references", "inside of a column"),
        (
            "{from: [orders.carrier, orders.carrier], to: [a.b, x.yaml#/schema/a/properties/b]}",
            "carrier+carrier.references",
            "another",
        ),
    ],
)
def test_a_key_that_is_not_compared_says_so(of_object: str, name: str, said: str) -> None:
    found = bodies(table(two(of_object=f"relationships: [{of_object}]"), "orders"))[name]
    assert isinstance(found, NotCompiled)
    assert said in found.why


def test_one_property_does_not_refer_to_several() -> None:
    found = bodies(table(two("relationships: [{to: [a.b, a.c]}]"), "orders"))["carrier.references"]
    assert isinstance(found, NotCompiled)


@pytest.mark.parametrize(
    ("of_property", "of_object", "said"),
    [
        ("relationships: [{to: carriers.nope}]", "", "no property 'nope'"),
        ("relationships: [{to: schema/nope/properties/a}]", "", "no schema object with the id 'nope'"),
        ("relationships: [{to: schema/carriers_id/properties/nope}]", "", "no property with the id 'nope'"),
        ("relationships: [{to: carriers.code, from: orders.carrier}]", "", "leave out from"),
        ("", "relationships: [{from: carriers.code, to: a.b}]", "not a property of orders"),
        ("", "relationships: [{from: [orders.carrier, orders.home], to: [a.b]}]", "same number"),
        ("", "relationships: [{from: orders.nope, to: a.b}]", "no property 'nope'"),
        ("", "relationships: [{from: [orders.carrier, orders.carrier], to: [a.b, c.d]}]", "in one table"),
        ("", "relationships: [{from: [orders.carrier, orders.carrier], to: [a.b, a.c]}]", "twice in one key"),
    ],
)
def test_a_reference_to_what_is_not_there_is_refused(of_property: str, of_object: str, said: str) -> None:
    with pytest.raises(ContractUnusable) as caught:
        table(two(of_property, of_object), "orders")
    assert said in caught.value.message
