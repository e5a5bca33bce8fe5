"""All that makes a contract unusable, not the first thing alone."""

from __future__ import annotations

import pytest

from contract.contracts import line, pattern_error, with_schema
from headgate.contract.faults import examined
from headgate.model.errors import ContractUnusable

MANY = with_schema(
    """\
    - name: orders
      customProperties: [{vendor: headgate, property: onFial, value: warn}]
      properties:
        - name: id
          logicalType: integer
          primaryKey: true
          logicalTypeOptions: {minimum: 3, maximum: 2}
        - name: colour
          logicalType: string
          logicalTypeOptions: {pattern: "["}
          enum: [{value: a}]
          quality:
            - {metric: rowCount, mustBe: [1, 2]}
            - {metric: nullValues, mustBe: 1, mustBeLessThan: 2}
        - name: colour
          logicalType: string
        - name: lines
          logicalType: array
          items:
            logicalType: object
            properties:
              - {name: price, logicalType: integer, enum: [{value: x}, {value: 1}, {value: y}]}
    - name: other
      properties:
        - {name: day, logicalType: date, logicalTypeOptions: {minimum: "2020-02-30"}}
    """
)


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ContractUnusable) as found:
        examined(text.encode(), "orders.yaml", pattern_error=pattern_error)
    errors = [found.value, *found.value.also]
    assert all(error.hint for error in errors)
    return [(line(error.place), error.message) for error in errors]


def test_everything_that_is_wrong_is_told_once_by_line() -> None:
    """Seen failing with `examined` raising what `compile_contract` raises: the first line alone."""
    said = [
        (8, "onFial"),
        (13, "minimum 3"),
        (16, "no ECMA-262 pattern"),
        (19, "is no bound"),
        (20, "it has mustBe and mustBeLessThan"),
        (21, "stands there twice"),
        (28, "x is not a 64-bit integer"),
        (28, "y is not a 64-bit integer"),
        (31, "day"),
    ]
    found = faults(MANY)
    assert [number for number, _ in found] == [number for number, _ in said], found
    for (_, message), (_, part) in zip(found, said, strict=True):
        assert part in message


def test_what_the_schema_has_against_a_contract_does_not_hide_the_rest() -> None:
    properties = """\
    - name: a
      properties:
        - {name: b, nme: 1}
        - {name: c, logicalType: text}
        - {name: d, logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 2}}
    """
    found = faults(with_schema(properties))
    assert [number for number, _ in found] == [9, 10, 11]


def test_a_contract_with_one_fault_has_no_others() -> None:
    text = with_schema(
        "- {name: a, properties: [{name: b, logicalType: string, unique: true, primaryKey: 1}]}"
    )
    assert len(faults(text)) == 1
    assert len(faults("a: [")) == 1


def test_a_contract_without_faults_is_given_back() -> None:
    text = with_schema("- {name: a, properties: [{name: b, logicalType: string}]}")
    found = examined(text.encode(), "orders.yaml", pattern_error=pattern_error)
    assert found.data == text.encode()
