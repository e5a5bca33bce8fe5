"""The setting ``where``: which rows a rule looks at."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from contract.contracts import bodies, line, of_properties
from headgate.model.contract import TableContract
from headgate.model.errors import ContractUnusable
from headgate.model.rule import AllOf, Fits, InRange, Matches, Not, NotNull, OneOf, Predicate

NOT_NULL, FITS = NotNull("n"), Fits("n")


def of_rule(where: Any, *more: str) -> TableContract:
    custom = json.dumps([{"vendor": "headgate", "property": "where", "value": where}])
    return of_properties(
        "\n".join(
            [
                "- {name: n, logicalType: integer, required: true}",
                "- {name: s, physicalName: status, logicalType: string}",
                "- {name: d, logicalType: date}",
                "- {name: any}",
                "- {name: x, logicalType: number, quality: [{metric: nullValues, mustBe: 0,",
                f"   customProperties: {custom}}}]}}",
                *more,
            ]
        )
    )


def where(value: Any) -> Predicate | None:
    return next(r.where for r in of_rule(value).rules if r.name == "x.nullValues")


@pytest.mark.parametrize(
    ("given", "compiled"),
    [
        ({"property": "n", "isNull": True}, Not(NotNull("n"))),
        ({"property": "n", "isNull": False}, NotNull("n")),
        ({"property": "any", "isNull": False}, NotNull("any")),
        ({"property": "n", "mustBe": 1}, AllOf((NOT_NULL, FITS, OneOf("n", (1,))))),
        ({"property": "n", "mustNotBe": 1}, AllOf((NOT_NULL, FITS, Not(OneOf("n", (1,)))))),
        ({"property": "n", "validValues": [1, 2, 1]}, AllOf((NOT_NULL, FITS, OneOf("n", (1, 2))))),
        ({"property": "n", "mustBeGreaterThan": 1.5}, AllOf((NOT_NULL, FITS, InRange("n", minimum=2)))),
        (
            {"property": "n", "mustNotBeBetween": [1, 5]},
            AllOf((NOT_NULL, FITS, Not(AllOf((InRange("n", minimum=1), InRange("n", maximum=5)))))),
        ),
        (
            {"property": "n", "mustBeGreaterOrEqualTo": 1, "mustBeLessThan": 5},
            AllOf((NOT_NULL, FITS, InRange("n", minimum=1), InRange("n", maximum=4))),
        ),
        (
            [{"property": "n", "mustBe": 1}, {"property": "s", "pattern": "^a"}],
            AllOf(
                (NOT_NULL, FITS, OneOf("n", (1,)), NotNull("status"), Fits("status"), Matches("status", "^a"))
            ),
        ),
        (
            {"property": "status", "mustBe": 7},
            AllOf((NotNull("status"), Fits("status"), OneOf("status", ("7",)))),
        ),
    ],
)
def test_a_filter_is_a_predicate_that_is_never_null(given: Any, compiled: Predicate) -> None:
    """Else a row whose status is null would be looked at: null has no say in `AllOf`."""
    assert where(given) == compiled


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("status = 'active'", "names a property"),
        ([], "where is empty"),
        ({"mustBe": 1}, "names a property"),
        ({"property": "n"}, "says nothing of n"),
        ({"property": "m", "mustBe": 1}, "'m', which is no column"),
        ({"property": "n", "mustbe": 1}, "knows no 'mustbe'"),
        ({"property": "n", "mustBe": "x"}, "x is not a 64-bit integer"),
        ({"property": "n", "mustBeBetween": 3}, "is no range"),
        ({"property": "n", "pattern": "1"}, "a pattern is for text"),
        ({"property": "s", "pattern": "("}, "is no ECMA-262 pattern"),
        ({"property": "s", "mustBeLessThan": "b"}, "needs numbers or times"),
        ({"property": "n", "validValues": []}, "no row is looked at"),
        ({"property": "n", "isNull": "yes"}, "isNull cannot be"),
        ({"property": "any", "mustBe": 1}, "of any declared type"),
    ],
)
def test_a_filter_that_says_nothing_sensible_is_refused_at_its_line(given: Any, said: str) -> None:
    with pytest.raises(ContractUnusable, match=said) as refused:
        where(given)
    assert line(refused.value.place) == 15
    assert refused.value.hint


OF_ALL = """\
customProperties:
  - {vendor: headgate, property: where, value: {property: gone, isNull: true}}
quality:
  - {metric: rowCount, mustBeGreaterThan: 0}
  - {type: text, description: said}
"""


def test_a_property_s_filter_is_for_its_rules_and_the_object_s_for_all_but_types_and_the_key() -> None:
    found = of_properties(
        """
        - {name: id, logicalType: integer, primaryKey: true}
        - name: n
          logicalType: integer
          required: true
          customProperties: [{vendor: headgate, property: where, value: {property: id, mustBe: 1}}]
          logicalTypeOptions: {minimum: 3}
        - {name: gone, logicalType: date, unique: true}
        """,
        OF_ALL,
    )
    seen = {str(r.name): r.where for r in found.rules}
    own, gone = AllOf((NotNull("id"), Fits("id"), OneOf("id", (1,)))), Not(NotNull("gone"))
    assert seen["n.required"] == seen["n.minimum"] == own
    assert seen["gone.unique"] == seen["rowCount"] == gone
    assert seen["primaryKey"] is seen["id.type"] is seen["n.type"] is seen["gone.type"] is None
    assert [r.where for r in found.rules if "text" in r.name] == [None]


def test_a_decimal_is_compared_exactly() -> None:
    found = of_rule(
        {"property": "m", "mustBe": 0.1}, "- {name: m, logicalType: number, physicalType: 'decimal(4,2)'}"
    )
    assert bodies(found)["m.type"] == Fits("m")
    rule = next(r for r in found.rules if r.name == "x.nullValues")
    assert rule.where == AllOf((NotNull("m"), Fits("m"), OneOf("m", (Decimal("0.1"),))))
