"""Settings of a rule: a bound that only warns, a tolerance, a waiver."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.contracts import of_properties
from headgate.contract.operators import _allowed, _within, only_zero
from headgate.model.contract import TableContract
from headgate.model.errors import ContractUnusable
from headgate.model.rule import Bound, Measured, Operator, Rule, Waiver


def of_rule(quality: dict[str, Any], at: str = "property", **settings: Any) -> TableContract:
    custom = [{"vendor": "headgate", "property": k, "value": v} for k, v in settings.items()]
    rule = json.dumps([{**quality, "customProperties": custom}])
    if at == "object":
        return of_properties("- {name: n, logicalType: integer}", f"quality: {rule}")
    return of_properties(f"- {{name: n, logicalType: integer, quality: {rule}}}")


def last(contract: TableContract) -> Rule:
    return next(r for r in contract.rules if "quality" in r.place)


NULLS = {"metric": "nullValues"}
SQL = {"type": "sql", "query": "SELECT 1"}


def measured(rule: Rule) -> Measured:
    assert isinstance(rule.body, Measured)
    return rule.body


def bound(operator: Operator, *values: float, **more: Any) -> Bound:
    return Bound(operator, tuple(Decimal(str(v)) for v in values), **more)


def test_a_second_bound_warns_in_the_unit_of_the_first() -> None:
    share = NULLS | {"mustBeLessThan": 5, "unit": "percent"}
    found = measured(last(of_rule(share, warn={"mustBeLessThan": 1})))
    assert found.bound == bound("mustBeLessThan", 5, percent=True)
    assert found.warn == bound("mustBeLessThan", 1, percent=True)
    query = SQL | {"mustBeGreaterThan": 0}
    assert measured(last(of_rule(query, warn={"mustBeBetween": [5, 9]}))).warn == bound("mustBeBetween", 5, 9)


@pytest.mark.parametrize(
    ("quality", "warn", "said"),
    [
        (NULLS | {"mustBe": 0}, {"mustBe": 0}, "nothing to warn of"),
        (NULLS | {"mustBeLessThan": 5}, {"mustBeLessThan": 6}, "lets through"),
        (NULLS | {"mustBeLessThan": 5}, {"mustBeLessOrEqualTo": 5}, "lets through"),
        (SQL | {"mustBeBetween": [0, 5]}, {"mustBeLessThan": 3}, "lets through"),
        (SQL | {"mustNotBe": 3}, {"mustBeBetween": [1, 5]}, "lets through"),
        (NULLS | {"mustBeLessThan": 5}, 3, "warn cannot be 3"),
        (NULLS | {"mustBeLessThan": 5}, {"mustBeLess": 3}, "warn cannot be"),
        (NULLS | {"mustBeLessThan": 5}, {}, "names no operator"),
        (NULLS | {"mustBeLessThan": 5}, {"mustBe": "x"}, "is no number"),
        (NULLS | {"mustBeLessThan": 5}, {"mustBe": 1, "mustNotBe": 2}, "has mustBe and mustNotBe"),
    ],
)
def test_what_could_not_warn_is_refused(quality: dict[str, Any], warn: Any, said: str) -> None:
    with pytest.raises(ContractUnusable, match=said):
        of_rule(quality, warn=warn)


def test_counts_are_never_negative_so_less_than_is_within_between() -> None:
    found = of_rule(NULLS | {"mustBeBetween": [0, 5]}, warn={"mustBeLessThan": 3})
    assert measured(last(found)).warn == bound("mustBeLessThan", 3)


@pytest.mark.parametrize(
    ("tolerance", "slack"),
    [
        ({"abs": 0.5}, {"slack": Decimal("0.5")}),
        ({"rel": "1%"}, {"slack_share": Decimal("0.01")}),
        ({"abs": 2, "rel": 0.1}, {"slack": Decimal(2), "slack_share": Decimal("0.1")}),
    ],
)
def test_a_tolerance_widens_the_bound_of_a_metric_or_a_query(
    tolerance: Any, slack: dict[str, Decimal]
) -> None:
    assert measured(last(of_rule(SQL | {"mustBe": 7}, tolerance=tolerance))).bound == bound(
        "mustBe", 7, **slack
    )
    counted = of_rule({"metric": "rowCount", "mustBe": 7}, "object", tolerance=tolerance)
    assert measured(last(counted)).bound == bound("mustBe", 7, **slack)


def test_with_a_tolerance_none_is_not_none_at_all() -> None:
    assert measured(last(of_rule(NULLS | {"mustBe": 0}, tolerance={"abs": 2}))).bound.slack == 2
    assert only_zero(bound("mustBe", 0))
    assert not only_zero(bound("mustBe", 0, slack=Decimal(1)))


def test_a_warning_may_be_finer_than_the_tolerance() -> None:
    found = of_rule(SQL | {"mustBe": 100}, tolerance={"abs": 10}, warn={"mustBeBetween": [99, 101]})
    assert measured(last(found)).warn == bound("mustBeBetween", 99, 101)


@pytest.mark.parametrize(
    "tolerance", [0.5, {}, {"abs": 0}, {"abs": -1}, {"abs": True}, {"rel": 2}, {"about": 1}]
)
def test_a_tolerance_that_is_none_is_refused(tolerance: Any) -> None:
    with pytest.raises(ContractUnusable, match="tolerance"):
        of_rule(SQL | {"mustBe": 7}, tolerance=tolerance)


UNTIL = {"reason": "a known fault", "expires": "2026-12-31"}
KNOWN = Waiver("a known fault", date(2026, 12, 31))


def test_a_waiver_is_for_all_rules_below_it_but_types() -> None:
    found = of_properties(
        """
        - name: n
          logicalType: integer
          required: true
          customProperties:
            - {vendor: headgate, property: waiver, value: {reason: other, expires: 2027-01-01, upTo: 5%}}
          quality:
            - {metric: nullValues, mustBeLessThan: 5}
            - {type: sql, query: SELECT 1, mustBe: 1}
        - {name: m, logicalType: integer, required: true}
        """,
        "customProperties: [{vendor: headgate, property: waiver, "
        "value: {reason: a known fault, expires: 2026-12-31}}]",
    )
    seen = {str(r.name): r.waiver for r in found.rules}
    own = Waiver("other", date(2027, 1, 1), Decimal("0.05"))
    assert seen == {
        "n.type": None,
        "n.required": own,
        "n.nullValues": own,
        "n.sql": None,  # it counts no rows, so there is no share of them
        "m.type": None,
        "m.required": KNOWN,
    }


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("later", "is no map"),
        ({"expires": "2026-12-31"}, "gives no reason"),
        ({"reason": " ", "expires": "2026-12-31"}, "gives no reason"),
        ({"reason": "r"}, "no day on which it expires"),
        ({"reason": "r", "expires": "31.12.2026"}, "no day on which it expires"),
        (UNTIL | {"upTo": "150%"}, "not between 0 and 100"),
        (UNTIL | {"upto": "1%"}, "did you mean upTo"),
    ],
)
def test_a_waiver_without_reason_or_end_is_refused(waiver: Any, said: str) -> None:
    with pytest.raises(ContractUnusable, match=said):
        of_rule(NULLS | {"mustBe": 0}, waiver=waiver)


def test_a_share_is_refused_where_no_rows_are_counted() -> None:
    assert last(of_rule({"metric": "rowCount", "mustBe": 1}, "object", waiver=UNTIL)).waiver == KNOWN
    for quality, at in (({"metric": "rowCount", "mustBe": 1}, "object"), (SQL | {"mustBe": 1}, "property")):
        with pytest.raises(ContractUnusable, match="this rule counts none"):
            of_rule(quality, at, waiver=UNTIL | {"upTo": "1%"})


BOUNDS = st.builds(
    lambda op, a, b, slack, share: Bound(
        op, tuple(sorted((a, b))) if "Between" in op else (a,), slack=slack, slack_share=share
    ),
    st.sampled_from(
        [
            "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
            "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween",
        ]
    ),
    *[st.integers(-3, 3).map(Decimal)] * 2,
    st.sampled_from([Decimal(0), Decimal("0.5")]),
    st.sampled_from([Decimal(0), Decimal("0.25")]),
)  # fmt: skip


@given(BOUNDS, BOUNDS, st.booleans())
def test_within_means_that_no_number_is_allowed_by_the_one_alone(
    inner: Bound, outer: Bound, counts: bool
) -> None:
    numbers = [Decimal(n) / 8 for n in range(0 if counts else -80, 81)]
    alone = any(inner.holds(n) and not outer.holds(n) for n in numbers)
    assert _within(_allowed(inner, counts=counts), _allowed(outer, counts=counts)) == (not alone)


# -- segments -----------------------------------------------------------------------------------------------


def of_segments(by: Any, quality: dict[str, Any], *more: str) -> Rule:
    custom = [{"vendor": "headgate", "property": "segmentBy", "value": by}]
    rule = json.dumps([{**quality, "customProperties": custom}])
    columns = ["- {name: land, physicalName: country, logicalType: string}", "- {name: any}", *more]
    return last(of_properties("\n".join([f"- {{name: n, logicalType: integer, quality: {rule}}}", *columns])))


@pytest.mark.parametrize("by", [["land"], ["country"], "land", ["land", "country"]])
def test_segments_are_of_columns_by_either_name(by: Any) -> None:
    assert measured(of_segments(by, NULLS | {"mustBeLessThan": 5})).by == ("country",)


@pytest.mark.parametrize("quality", [NULLS | {"mustBe": 0}, {"metric": "duplicateValues", "mustBe": 0}])
def test_with_segments_a_rule_is_about_the_table_even_if_it_allows_none(quality: dict[str, Any]) -> None:
    assert not of_segments(["land"], quality).about_rows


@pytest.mark.parametrize(
    ("by", "quality", "said"),
    [
        ([], NULLS | {"mustBe": 0}, "names no property"),
        (["lnd"], NULLS | {"mustBe": 0}, "'lnd', which is no column"),
        (["any"], NULLS | {"mustBe": 0}, "of any declared type"),
        ([3], NULLS | {"mustBe": 0}, "which is no column"),
        (["land"], SQL | {"mustBe": 0}, "a query has no segments"),
    ],
)
def test_segments_that_cannot_be_are_refused(by: Any, quality: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractUnusable, match=said):
        of_segments(by, quality)
