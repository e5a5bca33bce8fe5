"""Settings of what is inside of columns, and settings that stand where they would do nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.contracts import HEAD, document, of_properties, pattern_error, table, with_schema
from headgate.contract.lint import lint
from headgate.model.contract import TableContract
from headgate.model.errors import ContractUnusable


def custom(**settings: Any) -> str:
    return json.dumps([{"vendor": "headgate", "property": k, "value": v} for k, v in settings.items()])


def nested(price: str, column: str = "[]", items: str = "[]") -> TableContract:
    """A column of lines, each with a price; with the settings at each of the three."""
    return of_properties(f"""
        - {{name: status, logicalType: string}}
        - name: lines
          logicalType: array
          customProperties: {column}
          items:
            logicalType: object
            customProperties: {items}
            properties:
              - {{name: price, logicalType: number, logicalTypeOptions: {{minimum: 0}}, customProperties: {price}}}
              - {{name: sku, logicalType: string, required: true}}
    """)


def test_what_is_said_inside_of_a_column_counts_there_and_the_nearest_counts() -> None:
    """Seen failing with settings looked up at the column alone: those inside were read by nobody."""
    waiver = {"reason": "r", "expires": "2126-01-01"}
    where = {"property": "status", "mustBe": "sent"}
    found = nested(
        custom(waiver=waiver, onFail="warn"), custom(onFail="quarantine_rows"), custom(where=where)
    )
    rules = {str(r.name): r for r in found.rules}
    price, sku = rules["lines.items.price.minimum"], rules["lines.items.sku.required"]
    assert (price.on_fail, sku.on_fail, rules["lines.type"].on_fail) == (
        "warn",
        "quarantine_rows",
        "quarantine_rows",
    )
    assert price.waiver is not None and sku.waiver is None
    assert price.where == sku.where and price.where is not None


def test_a_mask_inside_of_a_column_masks_the_column() -> None:
    assert [c.masked for c in nested(custom(mask=True)).columns] == [False, True]
    assert [c.masked for c in nested(custom(mask=True), custom(mask=False)).columns] == [False, True]
    assert [c.masked for c in nested("[]", custom(mask=False), custom(mask=True)).columns] == [False, True]


def test_a_mask_of_false_takes_back_a_classification_inside() -> None:
    column = (
        "- name: who\n  logicalType: object\n  properties:\n    - {name: mail, logicalType: string, "
        "classification: pii, customProperties: %s}"
    )
    assert [of_properties(column % custom(mask=m)).columns[0].masked for m in (True, False)] == [True, False]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"waver": 1}, "no property 'waver'"),
        ({"onFail": "never"}, "cannot be 'never'"),
        ({"csv": {}}, "property"),
    ],
)
def test_a_setting_inside_of_a_column_that_is_not_known_is_refused(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ContractUnusable, match=said) as caught:
        nested(custom(**settings))
    assert "items.properties[0].customProperties[0]" in caught.value.message


@pytest.mark.parametrize(
    "place",
    [
        "team: {name: t, %s}",
        "description: {purpose: p, %s}",
        "servers: [{server: s, type: local, path: p, format: csv, %s}]",
    ],
)
def test_a_setting_where_nobody_reads_it_is_refused(place: str) -> None:
    said = place % f"customProperties: {custom(onFail='warn')}"
    with pytest.raises(ContractUnusable, match="reads no setting here") as caught:
        table(with_schema("- name: orders\n  properties: [{name: c}]", f"{HEAD}{said}\n"))
    assert "onFail belongs to a contract, an object, a property or a rule" in caught.value.hint


TEXT = {"type": "text", "description": "d"}
NULLS = {"metric": "nullValues", "mustBe": 0}


@pytest.mark.parametrize(
    ("quality", "name", "value", "said"),
    [
        (TEXT, "onFail", "warn", "a rule in words"),
        (TEXT, "warn", {"mustBeLessThan": 1}, "a rule in words"),
        (TEXT, "waiver", {"reason": "r", "expires": "2126-01-01"}, "a rule in words"),
        (NULLS, "scope", "delivery", "a rule about single rows"),
        (NULLS, "dialect", "spark", "for rules in SQL"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(
    quality: dict[str, Any], name: str, value: Any, said: str
) -> None:
    rule = json.dumps([quality | {"customProperties": json.loads(custom(**{name: value}))}])
    with pytest.raises(ContractUnusable, match=said):
        of_properties(f"- {{name: n, logicalType: integer, quality: {rule}}}")


@pytest.mark.parametrize("name", ["warn", "tolerance", "segmentBy", "dialect"])
def test_a_reference_has_no_bound_and_no_segments(name: str) -> None:
    value = {"warn": {"mustBe": 0}, "tolerance": {"abs": 1}, "segmentBy": ["n"], "dialect": "spark"}[name]
    relation = json.dumps([{"to": "a.b", "customProperties": json.loads(custom(**{name: value}))}])
    with pytest.raises(ContractUnusable, match=name):
        of_properties(f"- {{name: n, logicalType: integer, relationships: {relation}}}")


@pytest.mark.parametrize(
    ("vendor", "advised"), [("", True), ("vendor: head-gate, ", True), ("vendor: acme, ", False)]
)
def test_lint_tells_of_settings_that_lack_their_vendor(vendor: str, advised: bool) -> None:
    text = with_schema(
        f"- name: orders\n  properties: [{{name: c, customProperties: [{{{vendor}property: onFail, value: warn}}]}}]"
    )
    told = [a.message for a in lint(document(text), pattern_error=pattern_error)]
    assert ("onFail is a setting of headgate, but its vendor is not: nobody reads it" in told) is advised


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("{property: latncy, value: 4, unit: d}", "not known here"),
        ("{property: latency, value: 4, unit: fortnight, element: orders.c}", "not measured"),
    ],
)
def test_lint_tells_of_service_levels_that_nobody_measures(level: str, said: str) -> None:
    head = f"{HEAD}slaProperties: [{level}, {{property: availability, value: 99, unit: '%'}}]\n"
    text = with_schema("- name: orders\n  properties: [{name: c}]", head)
    told = [a.message for a in lint(document(text), pattern_error=pattern_error) if "sla." in a.message]
    assert len(told) == 1 and said in told[0]


def test_rules_of_one_name_are_told_apart_whatever_they_are_called() -> None:
    quality = [
        {"metric": "rowCount", "name": n, "mustBeGreaterThan": i}
        for i, n in enumerate(["n", "n", "n-2", "!"])
    ]
    quality += [{"metric": "rowCount", "id": i, "mustBeGreaterThan": 1} for i in ("n", "n-2", "type")]
    quality += [{"metric": "rowCount", "mustBeGreaterThan": 1}] * 2
    found = of_properties("- {name: n, logicalType: integer}", f"quality: {json.dumps(quality)}")
    names = [str(r.name) for r in found.rules]
    assert len(set(names)) == len(names) == 10
