from __future__ import annotations

from decimal import Decimal

import pytest

from headgate.intake.policy import QuarantineBatch, TakeGood, decide, governed, on_fail_of, warned
from headgate.model.contract import Column, IntegerType, Policy, TableContract
from headgate.model.names import RuleName
from headgate.model.rule import Bound, Fits, Measured, NotNull, OnFail, RowCount, Rule
from headgate.model.verdict import Finding, Status, Verdict

RULES = (
    Rule(RuleName("n.type"), Fits("n")),
    Rule(RuleName("n.required"), NotNull("n")),
    Rule(RuleName("rowCount"), Measured(RowCount(), Bound("mustBeGreaterThan", (Decimal(0),)))),
)


def contract(on_fail: OnFail, limit: str = "0.01", *, of_rule: OnFail | None = None) -> TableContract:
    rules = (RULES[0], Rule(RULES[1].name, RULES[1].body, on_fail=of_rule), RULES[2])
    policy = Policy(on_fail, Decimal(limit))
    return TableContract("c", "1.0.0", "t", "t", (Column("n", IntegerType()),), rules, "", policy=policy)


def verdict(rule: str, status: Status, bad: int) -> Verdict:
    return Verdict("c", "1.0.0", 100, bad, 1, (Finding(RuleName(rule), status, bad),))


@pytest.mark.parametrize(
    ("on_fail", "limit", "found", "taken"),
    [
        ("quarantine_batch", "0.01", verdict("n.required", "fail", 1), False),
        ("quarantine_rows", "0.01", verdict("n.required", "fail", 1), True),
        ("quarantine_rows", "0.01", verdict("n.required", "fail", 2), False),
        ("quarantine_rows", "0", verdict("n.required", "fail", 1), False),
        ("quarantine_rows", "1", verdict("x.present", "fail", 0), False),
        ("warn", "1", verdict("rowCount", "fail", 0), True),
        ("quarantine_rows", "1", verdict("rowCount", "fail", 0), False),
        ("quarantine_rows", "1", verdict("n.required", "error", 0), False),
        ("warn", "1", verdict("custom", "not_executed", 0), False),
    ],
)
def test_a_verdict_decides_over_rows_and_batches(
    on_fail: OnFail, limit: str, found: Verdict, taken: bool
) -> None:
    assert isinstance(decide(found, contract(on_fail, limit), 100), TakeGood if taken else QuarantineBatch)


def test_the_share_is_taken_of_what_was_delivered_not_of_what_is_left_after_collapsing() -> None:
    found = verdict("n.required", "fail", 2)
    assert isinstance(decide(found, contract("quarantine_rows"), 200), TakeGood)
    assert isinstance(decide(found, contract("quarantine_rows"), 199), QuarantineBatch)


def test_a_value_that_does_not_fit_is_never_only_warned_of() -> None:
    assert on_fail_of(contract("warn"), RuleName("n.type")) == "quarantine_rows"


def test_what_only_warns_makes_no_row_bad() -> None:
    assert warned(verdict("n.required", "warn", 1)) == {"n.required"}
    assert warned(verdict("n.required", "fail", 1)) == frozenset()


def test_what_is_said_for_one_load_goes_before_contract_and_rule() -> None:
    said = governed(contract("quarantine_batch", of_rule="warn"), "quarantine_rows", Decimal("0.5"), None)
    assert on_fail_of(said, RuleName("n.required")) == "quarantine_rows"
    assert said.policy.max_quarantined == Decimal("0.5")
    unsaid = governed(contract("quarantine_batch", of_rule="warn"), None, None, None)
    assert on_fail_of(unsaid, RuleName("n.required")) == "warn"
