"""Warnings for people."""

from __future__ import annotations

import pytest

from contract.contracts import HEAD, document, pattern_error, with_schema
from headgate.contract.lint import Advice, lint
from headgate.model.errors import ContractUnusable

GOOD = with_schema(
    """\
    - name: orders
      description: One row is an order.
      properties:
        - name: id
          description: Number of the order.
          logicalType: integer
          primaryKey: true
    """,
    HEAD + "description: {purpose: To test}\nsupport: [{channel: '#a', tool: slack, url: 'https://a'}]\n",
)


def advice(text: str) -> list[Advice]:
    return list(lint(document(text), pattern_error=pattern_error))


def test_a_contract_that_says_what_it_should_gets_no_advice() -> None:
    assert advice(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("description: {purpose: To test}\n", "", 1, "no description"),
        ("support: [{channel: '#a', tool: slack, url: 'https://a'}]\n", "", 1, "nobody to ask"),
        ("support: [", "team: [{username: me}]\nsupport: [", 7, "deprecated form of team"),
        ("support: [", "slaDefaultElement: orders.id\nsupport: [", 7, "slaDefaultElement is deprecated"),
        ("    description: One row is an order.\n", "", 9, "orders has no description"),
        ("        description: Number of the order.\n", "", 12, "id has no description"),
        ("        primaryKey: true\n", "", 9, "orders has no primary key"),
        ("logicalType: integer", "physicalType: int", 12, "id has no logicalType: it is a 64-bit integer"),
        ("        logicalType: integer\n", "", 12, "values are taken as they come"),
        (
            "logicalType: integer",
            "logicalType: integer\n        unique: true",
            12,
            "says what primaryKey says",
        ),
        (
            "logicalType: integer",
            "logicalType: number\n        physicalType: numeric",
            15,
            "how many digits",
        ),
        (
            "logicalType: integer",
            "logicalType: string\n        enum: [{value: 1}]",
            15,
            "1 is a member of a text column",
        ),
        (
            "logicalType: integer",
            "logicalType: string\n        logicalTypeOptions: {format: iban}",
            15,
            "id.format is not executed",
        ),
        (
            "logicalType: integer",
            (
                "logicalType: integer\n        quality: [{id: q, type: sql, query: SELECT 1, mustBe: 1, "
                "customProperties: [{vendor: headgate, property: dialect, value: spark}]}]"
            ),
            15,
            "id.q is executed by Spark alone",
        ),
        (
            "logicalType: integer",
            "logicalType: integer\n        logicalTypeOptions: {maximum: 1e30}",
            15,
            "id.maximum holds for every value",
        ),
        (
            "logicalType: integer",
            "logicalType: integer\n        logicalTypeOptions: {minimum: 1e30}",
            15,
            "id.minimum fails every value",
        ),
        (
            "logicalType: integer",
            "logicalType: integer\n        quality: [{metric: nullValues, mustBe: 0}]",
            15,
            "without id or name",
        ),
    ],
)
def test_what_could_be_said_better_is_named_at_its_line(old: str, new: str, at: int, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = [one for one in advice(text) if said in one.message]
    assert [one.line for one in found] == [at], advice(text)
    assert found[0].hint


def test_a_position_in_no_key_and_an_order_without_key_are_noticed() -> None:
    text = GOOD.replace("primaryKey: true", "primaryKeyPosition: 1").replace(
        "support:", "customProperties: [{property: orderBy, value: id, vendor: headgate}]\nsupport:"
    )
    said = [one.message for one in advice(text)]
    assert "orderBy has no effect without a primary key" in said
    assert "id has a position in a key it is not in" in said


def test_rows_under_one_key_are_not_let_through_unnoticed() -> None:
    text = GOOD.replace(
        "primaryKey: true",
        "primaryKey: true\n        customProperties: [{property: onFail, value: warn, vendor: headgate}]",
    )
    assert [one.message for one in advice(text)] == ["rows under one key would be published"]


def test_a_waiver_of_what_only_warns_is_noticed() -> None:
    text = GOOD.replace(
        "primaryKey: true",
        "required: true\n        customProperties: [{property: onFail, value: warn, vendor: headgate}, "
        "{property: waiver, value: {reason: old, expires: 2030-01-01}, vendor: headgate}]",
    )
    assert any("the waiver of" in one.message and "waives nothing" in one.message for one in advice(text))


@pytest.mark.parametrize(
    ("entry", "asked"),
    [
        ("{property: latency, value: 15, unit: m}", True),
        ("{property: latency, value: 15M}", True),
        ("{property: latency, value: 15, unit: min}", False),
        ("{property: latency, value: 15, unit: mo}", False),
        ("{property: latency, value: 15min, unit: m}", False),
        ("{property: generalAvailability, value: '2026-01-01T00:00:00Z'}", False),
    ],
)
def test_a_unit_that_reads_as_minutes_and_is_months_is_asked_about(entry: str, asked: bool) -> None:
    found = advice(GOOD.replace("schema:", f"slaProperties: [{entry}]\nschema:", 1))
    assert ("write min for minutes, mo for months" in [a.hint for a in found]) == asked


def test_every_table_is_looked_at() -> None:
    more = "  - {name: other, properties: [{name: c, logicalType: array, unique: true}]}\n"
    said = [one.message for one in advice(GOOD + more)]
    assert any("c.unique is not executed" in one for one in said)


def test_a_contract_that_cannot_be_used_gets_no_advice_but_an_error() -> None:
    with pytest.raises(ContractUnusable):
        advice(GOOD.replace("primaryKey: true", "logicalTypeOptions: {minimum: 3, maximum: 2}"))
