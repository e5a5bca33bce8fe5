"""What is declared inside of objects, arrays and maps, and the rules that become of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contract.contracts import bodies, of_column, of_properties
from headgate.model.contract import ObjectType, StringType, TimestampType
from headgate.model.errors import ContractUnusable
from headgate.model.rule import (
    THIS,
    AllOf,
    Body,
    Bound,
    Each,
    FailingRows,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    Measured,
    NotCompiled,
    NotMissing,
    NotNull,
    OneOf,
    SqlResult,
    Told,
    UniqueItems,
)

C = "c"
ITEMS, KEYS, VALUES = Each("items"), Each("keys"), Each("values")
NESTED = """\
logicalType: array
logicalTypeOptions: {minItems: 1, maxItems: 9, uniqueItems: true}
items:
  logicalType: object
  required: true
  logicalTypeOptions: {minProperties: 1, maxProperties: 2, required: [price]}
  properties:
    - name: price
      physicalName: PRICE
      logicalType: integer
      required: true
      enum: [{value: 1}, {value: 2}]
      logicalTypeOptions: {minimum: 1}
      quality:
        - {metric: missingValues, arguments: {missingValues: [null, -1]}, mustBe: 0}
        - {metric: nullValues, mustBeLessThan: 5, unit: percent}
    - name: tags
      logicalType: map
      map:
        key: {logicalType: string, logicalTypeOptions: {pattern: "^[a-z]+$"}}
        value: {logicalType: array, items: {logicalType: string, logicalTypeOptions: {maxLength: 3}}}
"""


def test_what_is_inside_of_a_column_says_what_columns_say() -> None:
    price = (ITEMS, Field("PRICE"))
    expected: dict[str, Body] = {
        "c.type": Fits(C),
        "c.minItems": LengthInRange(C, minimum=1),
        "c.maxItems": LengthInRange(C, maximum=9),
        "c.uniqueItems": UniqueItems(C),
        "c.items.required": Inside(C, (ITEMS,), NotNull(THIS)),
        "c.items.minProperties": Inside(C, (ITEMS,), FieldsInRange(THIS, minimum=1)),
        "c.items.maxProperties": Inside(C, (ITEMS,), FieldsInRange(THIS, maximum=2)),
        "c.items.price.required": Inside(C, price, NotNull(THIS)),
        "c.items.price.required-2": Inside(C, price, NotNull(THIS)),
        "c.items.price.enum": Inside(C, price, OneOf(THIS, (1, 2))),
        "c.items.price.minimum": Inside(C, price, InRange(THIS, 1)),
        "c.items.price.missingValues": Inside(C, price, NotMissing(THIS, (-1,))),
        "c.items.price.nullValues": Measured(
            FailingRows(Inside(C, price, NotNull(THIS))), Bound("mustBeLessThan", (Decimal(5),), percent=True)
        ),
        "c.items.tags.key.pattern": Inside(C, (ITEMS, Field("tags"), KEYS), Matches(THIS, "^[a-z]+$")),
        "c.items.tags.value.items.maxLength": Inside(
            C, (ITEMS, Field("tags"), VALUES, ITEMS), LengthInRange(THIS, maximum=3)
        ),
    }
    assert bodies(of_column(NESTED)) == expected


@pytest.mark.parametrize(
    ("part", "rule", "body"),
    [
        ("logicalType: object\nlogicalTypeOptions: {required: [a]}", "c.a.required",
            Inside(C, (Field("a"),), NotNull(THIS))),
        ("logicalType: object\nlogicalTypeOptions: {maxProperties: 3}", "c.maxProperties", FieldsInRange(C, maximum=3)),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 3}", "c.dimensions", LengthInRange(C, 3, 3)),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 3, elementType: uint8}", "c.elementType",
            Inside(C, (ITEMS,), InRange(THIS, 0, 255))),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 3, elementType: float16}", "c.elementType",
            Inside(C, (ITEMS,), InRange(THIS, Decimal(-65504), Decimal(65504)))),
        ("logicalType: array\nitems: {logicalType: vector, logicalTypeOptions: {dimensions: 1, elementType: int8}}",
            "c.items.elementType", Inside(C, (ITEMS, ITEMS), InRange(THIS, -128, 127))),
        ("logicalType: array\nitems: {logicalType: string, logicalTypeOptions: {format: uuid}}", "c.items.format",
            None),
        ("logicalType: map\nmap: {key: {logicalType: string}, value: {logicalType: string, required: true}}",
            "c.value.required", Inside(C, (VALUES,), NotNull(THIS))),
        ("logicalType: array\nitems: {quality: [{type: sql, query: SELECT 1, mustBe: 1}]}", "c.items.sql",
            Measured(SqlResult("SELECT 1"), Bound("mustBe", (Decimal(1),)))),
    ],
)  # fmt: skip
def test_each_thing_inside_is_one_rule(part: str, rule: str, body: Body | None) -> None:
    found = bodies(of_column(part))[rule]
    assert found == body if body is not None else isinstance(found, Inside)


def test_several_conditions_of_one_metric_stay_together_inside() -> None:
    quality = "{metric: invalidValues, arguments: {validValues: [a, b], pattern: '^.$'}, mustBe: 0}"
    body = bodies(of_column(f"logicalType: array\nitems: {{logicalType: string, quality: [{quality}]}}"))
    both = AllOf((OneOf(THIS, ("a", "b")), Matches(THIS, "^.$")))
    assert body["c.items.invalidValues"] == Inside(C, (ITEMS,), both)


def test_a_query_cannot_name_what_is_inside_of_a_column() -> None:
    query = "{type: sql, query: 'SELECT sum({property}) FROM {object}', mustBe: 1}"
    body = bodies(of_column(f"logicalType: array\nitems: {{logicalType: string, quality: [{query}]}}"))
    assert isinstance(body["c.items.sql"], NotCompiled)


def test_what_is_told_of_an_inner_value_is_told() -> None:
    part = "logicalType: vector\nlogicalTypeOptions: {dimensions: 3, elementType: float64, normalized: false}"
    assert isinstance(bodies(of_column(part))["c.elementType"], Told)
    assert "c.normalized" not in bodies(of_column(part))


def test_a_format_inside_that_is_not_read_is_left_out_of_the_type() -> None:
    part = """\
    logicalType: object
    properties:
      - {name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false, format: "yyyy-MM-dd HH:mmXXX"}}
    """
    table = of_column(part)
    assert table.columns[0].type == ObjectType((("a", TimestampType(zoned=False)),))
    assert isinstance(bodies(table)["c.a.format"], NotCompiled)


def test_columns_with_maps_in_them_are_kept_as_text_in_json_lines() -> None:
    table = of_properties(
        """\
        - {name: a, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: string}}}
        - name: b
          logicalType: array
          items: {logicalType: map, map: {key: {logicalType: string}, value: {logicalType: string}}}
        - {name: d, logicalType: object, properties: [{name: x, logicalType: string}]}
        """
    )
    assert table.dialect.maps == ("a", "b")
    assert table.columns[2].type == ObjectType((("x", StringType()),))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("logicalType: array\nlogicalTypeOptions: {minItems: 3, maxItems: 2}", "maxItems 2"),
        ("logicalType: object\nlogicalTypeOptions: {minProperties: 3, maxProperties: 2}", "maxProperties 2"),
        (
            "logicalType: object\nlogicalTypeOptions: {required: [b]}\nproperties: [{name: a}]",
            "no property 'b'",
        ),
        ("logicalType: object\nproperties: [{name: a}, {name: a}]", "stands there twice"),
        ("logicalType: array\nitems: {logicalType: integer, enum: [{value: x}]}", "64-bit integer"),
        (
            "logicalType: map\nmap: {key: {logicalType: object}, value: {logicalType: string}}",
            "a key of a map is of a plain type",
        ),
        (
            "logicalType: array\nitems: {logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 2}}",
            "minimum 3",
        ),
    ],
)
def test_what_contradicts_itself_inside_is_refused(part: str, said: str) -> None:
    with pytest.raises(ContractUnusable, match=said):
        of_column(part)
