"""The Python API: frames in, tables out, checks without a project, errors with a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import headgate
from flow.shop import (
    AMOUNT,
    ID,
    ITEM,
    ORDERS,
    Shop,
    column,
    contract,
    counts,
    failed,
    opened,
    refers,
    statuses,
    table,
)
from headgate.model import errors
from headgate.model.errors import CheckFailed, HeadgateError, NotThere, Unavailable, WrongUse

GOOD: dict[str, list[Any]] = {"id": [1, 2, 3], "item": ["pen", None, "cup"], "amount": [1.5, 2.0, None]}
ROWS = [(1, "pen", 1.5), (2, None, 2.0), (3, "cup", None)]


def frames(data: dict[str, list[Any]]) -> dict[str, object]:
    return {
        "polars": pl.DataFrame(data),
        "polars lazy": pl.LazyFrame(data),
        "arrow": pa.table(data),
        "arrow batch": pa.RecordBatch.from_pydict(data),
        "pandas": pd.DataFrame(data),
    }


KINDS = list(frames(GOOD))


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_a_delivery(shop: Shop, kind: str) -> None:
    loaded = shop.load(frames(GOOD)[kind])
    assert (loaded.outcome, counts(loaded), shop.rows()) == ("published", (3, 3, 0, 0, 0), ROWS)
    assert [o.format for o in loaded.objects] == ["frame"]
    assert shop.load(frames(GOOD)[kind]).outcome == "duplicate"


@pytest.mark.parametrize("kind", KINDS)
def test_bad_rows_of_a_frame_go_to_quarantine_with_their_values(shop: Shop, kind: str) -> None:
    data: dict[str, list[Any]] = {"id": [1, 2, 2], "item": ["pen", "ink", "cup"], "amount": [-1.5, 2.0, 3.0]}
    loaded = shop.load(frames(data)[kind], on_fail="quarantine_rows", max_quarantined=1)
    assert (counts(loaded), failed(loaded)) == ((3, 0, 3, 0, 0), {"amount.minimum": 1, "primaryKey": 2})
    (held,) = shop.open_quarantines()
    assert [raw["amount"] for *_, raw in shop.quarantined(held)] == ["-1.5", "2.0", "3.0"]


def test_nan_is_null_in_pandas_and_a_value_elsewhere(shop: Shop) -> None:
    of_nan: dict[str, list[Any]] = {"id": [1], "item": ["pen"], "amount": [float("nan")]}
    assert failed(shop.load(pl.DataFrame(of_nan))) == {"amount.minimum": 1}
    assert shop.load(pd.DataFrame(of_nan)).outcome == "published"
    assert shop.rows() == [(1, "pen", None)]


@pytest.mark.parametrize("nothing", [{"id": 1}, 7, None, object(), [1, 2]])
def test_what_is_no_data_is_refused(shop: Shop, nothing: object) -> None:
    with pytest.raises(WrongUse) as error:
        shop.project.load("orders", nothing, contract=ORDERS)
    assert "Polars" in error.value.hint


def test_paths_may_be_paths_and_contracts_files(shop: Shop) -> None:
    document = shop.root / "orders.odcs.yaml"
    document.write_bytes(ORDERS)
    loaded = shop.project.load("orders", Path(shop.orders("1,pen,1")), contract=document)
    assert loaded.outcome == "published"


# -- tables out ---------------------------------------------------------------------------------------------


def test_a_table_is_read_in_polars_arrow_and_duckdb(shop: Shop) -> None:
    shop.load(pl.DataFrame(GOOD))
    found = shop.project.table("orders")
    assert isinstance(found.scan(), pl.LazyFrame)
    assert found.scan().filter(pl.col("id") > 1).select("id").collect().to_series().to_list() == [2, 3]
    arrow = found.arrow()
    assert isinstance(arrow, pa.Table) and (arrow.num_rows, arrow.column_names) == (
        3,
        ["id", "item", "amount"],
    )
    assert found.duckdb().aggregate("sum(amount)").fetchall() == [(3.5,)]
    assert found.rows() == 3
    assert found.contract is not None and found.contract.id == "shop"


def test_a_table_stays_as_it_was_resolved(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    found = shop.project.table("orders")
    shop.load(shop.orders("2,ink,2"), mode="replace")
    assert found.scan().collect().rows() == [(1, "pen", 1.0)]
    assert shop.ids() == [2]


def test_a_table_can_be_named_with_its_schema(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    assert shop.project.table("default.orders").name == shop.project.table("orders").name
    with pytest.raises(NotThere) as error:
        shop.project.table("order")
    assert "orders" in error.value.hint


def test_sql_answers_in_python_values(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1.5"))
    found = shop.project.sql("SELECT id, item, amount, NULL AS nothing FROM orders")
    assert (found.columns, found.rows) == (("id", "item", "amount", "nothing"), ((1, "pen", 1.5, None),))
    assert shop.project.sql("SELECT count(*) FROM default.orders").rows == ((1,),)
    for query in (
        "DELETE FROM orders",
        "COPY orders TO 'x.csv'",
        "SELECT 1; SELECT 2",
        "",
    ):
        with pytest.raises(WrongUse):
            shop.project.sql(query)


def test_a_query_of_a_table_that_is_not_there_names_those_that_are(shop: Shop) -> None:
    with pytest.raises(NotThere):
        shop.project.sql("SELECT * FROM nothing")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_an_exported_table_can_be_loaded_again(shop: Shop, suffix: str) -> None:
    shop.load(pl.DataFrame(GOOD))
    file = shop.root / f"out.{suffix}"
    assert shop.project.export("orders", file) == 3
    assert counts(shop.load(str(file))) == (3, 0, 0, 3, 0)


# -- check --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_checked_without_a_project(kind: str) -> None:
    data: dict[str, list[Any]] = {"id": [1, 2, 2], "item": ["pen", "ink", "cup"], "amount": [1.5, -2.0, 3.0]}
    checked = headgate.check(frames(data)[kind], ORDERS)
    assert (checked.verdict.passed, checked.verdict.rows, checked.verdict.rows_bad) == (False, 3, 2)
    assert checked.good_rows.rows() == [(1, "pen", 1.5)]
    assert checked.bad_rows["rules"].to_list() == [["amount.minimum", "primaryKey"], ["primaryKey"]]
    assert checked.bad_rows["row"].to_list() == [2, 3]
    with pytest.raises(CheckFailed, match="2 rules failed") as error:
        checked.raise_for_failure()
    assert error.value.hint


def test_data_that_pass_are_returned_from_raise_for_failure(shop: Shop) -> None:
    checked = headgate.check(shop.orders("1,pen,1"), ORDERS)
    assert checked.raise_for_failure() is checked
    assert checked.bad_rows.height == 0 and checked.good_rows.height == 1


def test_a_check_judges_data_as_they_are(shop: Shop) -> None:
    """Identical rows do not collapse: that is a step of `load`."""
    assert failed(headgate.check(shop.orders("1,pen,1", "1,pen,1"), ORDERS).verdict) == {"primaryKey": 2}


def test_references_are_executed_within_the_data_alone(shop: Shop) -> None:
    staff = contract(
        table(
            "staff",
            ID,
            column("boss", "integer", relationships=refers("staff.id")),
            column("office", relationships=refers("offices.id")),
        )
    )
    checked = headgate.check(shop.csv("id,boss,office", "1,,a", "2,1,b", "3,9,b"), staff)
    told = statuses(checked.verdict)
    assert (told["boss.references"], told["office.references"]) == ("fail", "not_executed")
    assert failed(checked.verdict)["boss.references"] == 1
    allowed = headgate.check(
        shop.csv("id,boss,office", "1,,a"), staff, allow_unexecuted=["office.references"]
    )
    assert allowed.verdict.passed


def test_rows_that_only_warned_rules_fail_are_good(shop: Shop) -> None:
    from flow.shop import of_headgate

    lenient = contract(table("orders", ID, ITEM, AMOUNT), customProperties=of_headgate(onFail="warn"))
    checked = headgate.check(shop.orders("1,pen,-1", "2,ink,2"), lenient)
    assert (checked.verdict.passed, checked.verdict.rows_bad) == (True, 0)
    assert (checked.good_rows.height, checked.bad_rows.height) == (2, 0)


# -- projects and errors ------------------------------------------------------------------------------------


def test_init_leaves_what_is_there(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    shop.load(shop.orders("1,pen,1"))
    assert headgate.init(tmp_path).table("orders").rows() == 1


def test_a_project_is_found_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headgate.init(tmp_path)
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert headgate.open().root == tmp_path
    monkeypatch.chdir("/")
    with pytest.raises(NotThere):
        headgate.open(Path("/proc"))


def test_a_plan_says_what_a_load_would_do_and_does_nothing(shop: Shop) -> None:
    project = shop.project
    intent = project.intent("orders", contract=ORDERS)
    planned, steps = project.plan(intent, shop.orders("1,pen,1"))
    assert [s.split()[0] for s in steps] == ["branch", "collapse", "check", "create", "merge"]
    assert planned.adopts and project.ports.store.runs() == () and not shop.parquet_files()
    shop.load(shop.orders("1,pen,1"))
    _, steps = project.plan(project.intent("orders"), shop.orders("1,pen,1"))
    assert steps == ("nothing to do: everything was delivered before",)


def test_a_moved_project_says_where_it_was(tmp_path: Path) -> None:
    shop = opened(tmp_path / "here")
    shop.load(shop.orders("1,pen,1"))
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(Unavailable) as error:
        headgate.open(tmp_path / "there")
    assert str(tmp_path / "here") in str(error.value)


@pytest.mark.parametrize("kind", [k for k in errors.EXIT_CODES if k is not errors.Bug])
def test_every_error_is_a_headgate_error_with_a_place_and_a_way_out(kind: type[HeadgateError]) -> None:
    error = kind("it went wrong", hint="mend it", place="here")
    assert str(error) == "here: it went wrong (mend it)"
