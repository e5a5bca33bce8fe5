"""Plans are values: intent and state in, steps out; nothing is read or written."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from headgate.flow.plan import (
    AnswerDuplicate,
    CheckAdoption,
    CheckDelivery,
    Collapse,
    LoadIntent,
    LoadState,
    OpenBranch,
    PublishMerged,
    SkipDelivered,
    Stage,
    explain,
    mode_named,
    on_fail_named,
    plan_load,
    share_named,
)
from headgate.model.batch import Object
from headgate.model.contract import Column, IntegerType, Policy, TableContract
from headgate.model.errors import WrongUse
from headgate.model.names import MAIN, RuleName, TableName
from headgate.model.rule import Bound, Fits, Measured, RowCount, Rule, Unique

ORDERS = TableName("default.orders")
CONTRACT = TableContract(
    "shop",
    "1.0.0",
    "orders",
    "orders",
    (Column("id", IntegerType()), Column("at", IntegerType())),
    (
        Rule(RuleName("id.type"), Fits("id")),
        Rule(RuleName("primaryKey"), Unique(("id",), required=True)),
        Rule(RuleName("rowCount"), Measured(RowCount(), Bound("mustBeGreaterThan", (Decimal(0),)))),
    ),
    "0" * 64,
    primary_key=("id",),
)
FILES = tuple(Object(c * 64, f"in/{c}.csv", 1, "csv") for c in "abcdef")
INTENT = LoadIntent(ORDERS, MAIN)
STATE = LoadState(CONTRACT, adopts=False, table_exists=True, duplicate=False, objects=FILES[:1], skipped=())
CHECK = CheckDelivery(FILES[:1], 2, "quarantine_batch", Decimal("0.01"))
USUAL = (
    OpenBranch(ORDERS, MAIN),
    Collapse(("id",), None),
    CHECK,
    Stage("append", False),
    PublishMerged(MAIN, 1),
)


def test_a_load_branches_collapses_checks_stages_and_publishes() -> None:
    assert plan_load(INTENT, STATE) == USUAL


def test_a_duplicate_is_answered() -> None:
    assert plan_load(INTENT, replace(STATE, duplicate=True)) == (AnswerDuplicate(),)


def test_what_was_delivered_is_skipped_first() -> None:
    assert plan_load(INTENT, replace(STATE, skipped=FILES[1:])) == (SkipDelivered(FILES[1:]), *USUAL)


def test_a_new_contract_is_held_against_rows_if_there_are_any() -> None:
    assert CheckAdoption(ORDERS) in plan_load(INTENT, replace(STATE, adopts=True))
    assert plan_load(INTENT, replace(STATE, adopts=True, table_exists=False))[0] == OpenBranch(ORDERS, MAIN)


def test_rows_that_are_replaced_are_not_held_against_the_new_contract() -> None:
    replacing = plan_load(replace(INTENT, mode="replace"), replace(STATE, adopts=True))
    assert CheckAdoption(ORDERS) not in replacing


def test_without_a_key_nothing_collapses() -> None:
    loose = replace(CONTRACT, primary_key=())
    assert not [s for s in plan_load(INTENT, replace(STATE, contract=loose)) if isinstance(s, Collapse)]


def test_an_order_is_for_merging() -> None:
    ordered = replace(STATE, contract=replace(CONTRACT, policy=Policy(order_by="at")))
    assert Collapse(("id",), "at") in plan_load(replace(INTENT, mode="merge"), ordered)
    assert Collapse(("id",), None) in plan_load(INTENT, ordered)


@pytest.mark.parametrize(
    ("intent", "state", "said"),
    [
        (
            replace(INTENT, mode="merge"),
            replace(STATE, contract=replace(CONTRACT, primary_key=())),
            "primaryKey",
        ),
        (replace(INTENT, order_by="when"), STATE, "id, at"),
    ],
)
def test_what_contradicts_the_contract_is_refused(intent: LoadIntent, state: LoadState, said: str) -> None:
    with pytest.raises(WrongUse) as error:
        plan_load(intent, state)
    assert said in error.value.hint


def test_every_step_is_told_in_words() -> None:
    steps = (
        SkipDelivered(FILES[:2]),
        AnswerDuplicate(),
        CheckAdoption(ORDERS),
        *USUAL,
        Collapse(("id", "line"), "at"),
        CheckDelivery(FILES, 3, "quarantine_rows", Decimal("0.05")),
        Stage("merge", True),
    )
    told = [explain(step) for step in steps]
    assert len(set(told)) == len(told)
    assert told[0] == "skip a.csv, b.csv: delivered before"
    assert "a.csv, b.csv, c.csv and 3 more" in told[-2] and "5" in told[-2]


@pytest.mark.parametrize(
    ("text", "share"), [("5%", "0.05"), ("0.05", "0.05"), ("100%", "1"), ("0", "0"), ("1 %", "0.01")]
)
def test_a_share_is_a_percentage_or_a_fraction(text: str, share: str) -> None:
    assert share_named(text) == Decimal(share)


@pytest.mark.parametrize("text", ["", "%", "-1%", "101%", "2", "half", "nan", "1e999", "5%%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(WrongUse):
        share_named(text)


def test_names_of_modes_and_policies() -> None:
    assert (mode_named("merge"), on_fail_named("warn")) == ("merge", "warn")
    for named in (mode_named, on_fail_named):
        with pytest.raises(WrongUse) as error:
            named("upsert")
        assert error.value.hint.startswith("choose one of ")
