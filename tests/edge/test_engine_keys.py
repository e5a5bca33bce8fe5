from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import slow_rules
from edge.rows_at_hand import (
    ENGINE,
    bad_rows,
    check,
    contract,
    findings,
    frame_of,
    table,
    text_rows,
    typed_rows,
)
from headgate.edge import keys
from headgate.model.contract import ColumnType, DecimalType, IntegerType, NumberType, StringType
from headgate.model.rule import References, Unique
from headgate.ports import Frame

INT, STR = IntegerType(), StringType()


@pytest.fixture(params=[keys.FEW_ROWS, 0], ids=["few rows", "as if many rows"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of finding doubled keys; the second is for more rows than tests have."""
    monkeypatch.setattr(keys, "FEW_ROWS", request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("columns", "rule", "bad"),
    [
        ({"a": ["1", "2", "1", None, None, "x", "x"]}, Unique(("a",)), [1, 3]),
        ({"a": ["1", "01", "+1"]}, Unique(("a",)), [1, 2, 3]),
        ({"a": ["1", None, "x"]}, Unique(("a",), required=True), [2]),
        ({"a": ["1", "1", None]}, Unique(("a",), required=True), [1, 2, 3]),
        ({"a": ["1", "1", "2", "1"], "b": ["x", "y", "x", "x"]}, Unique(("a", "b")), [1, 4]),
        ({"a": ["1", "1", None, None], "b": [None, None, "x", "x"]}, Unique(("a", "b")), []),
        ({"a": ["1", "1"], "b": [None, ""]}, Unique(("a", "b"), required=True), [1]),
        ({"a": []}, Unique(("a",), required=True), []),
    ],
)
def test_doubled_keys(columns: dict[str, list[str | None]], rule: Unique, bad: list[int]) -> None:
    kinds: dict[str, ColumnType] = {"a": INT, "b": STR}
    found = bad_rows(text_rows(columns), contract({c: kinds[c] for c in columns}, {"key": rule}))
    assert sorted(row for row, rules in found.items() if "key" in rules) == bad


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("kind", "dtype", "cells", "bad"),
    [
        (NumberType(), pl.Float64, [0.0, -0.0, 1.0], [1, 2]),
        (NumberType(), pl.Float64, [math.nan, math.nan, 1.0], [1, 2]),
        (DecimalType(5, 2), pl.Decimal(5, 2), ["1.00", "1.00", "2.00"], [1, 2]),
        (INT, pl.Int64, [2**63 - 1, -(2**63), 2**63 - 1], [1, 3]),
        (STR, pl.String, ["", "", None], [1, 2]),
    ],
)
def test_keys_are_compared_as_values(kind: ColumnType, dtype: Any, cells: list[Any], bad: list[int]) -> None:
    data = pl.DataFrame({"a": pl.Series(cells).cast(dtype)})
    found = bad_rows(typed_rows(data), contract({"a": kind}, {"key": Unique(("a",))}))
    assert sorted(found) == bad


@pytest.mark.usefixtures("way")
@given(
    st.lists(
        st.tuples(st.none() | st.sampled_from(["1", "2", "02", "x"]), st.none() | st.sampled_from("ab")),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_keys_agree_with_the_slow_rules(
    rows: list[tuple[str | None, str | None]], required: bool, both: bool
) -> None:
    columns = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    kinds: dict[str, ColumnType] = {"a": INT, "b": STR}
    unique = Unique(("a", "b") if both else ("a",), required)
    reference = References(("a",), table("t"), ("x",))
    parents = {table("t"): Frame(pl.LazyFrame({"x": [2, 7]}))}
    found = bad_rows(text_rows(columns), contract(kinds, {"key": unique, "ref": reference}), parents=parents)
    slow = [dict(zip("ab", row, strict=True)) for row in rows]
    assert sorted(r for r, n in found.items() if "key" in n) == slow_rules.key_fails(unique, slow, kinds)
    assert sorted(r for r, n in found.items() if "ref" in n) == slow_rules.key_fails(
        reference, slow, kinds, [2, 7]
    )


def test_keys_may_not_meet_published_rows_again() -> None:
    published = Frame(pl.LazyFrame({"a": [2, 3], "z": ["x", "y"]}))
    rules = contract({"a": INT}, {"key": Unique(("a",), required=True)})
    rows = text_rows({"a": ["1", "2", "1", "4"]})
    checked = check(rows, rules, existing={"key": published})
    assert checked.verdict.findings[0].rows_failed == 3
    assert bad_rows(rows, rules, existing={"key": published}) == {1: ["key"], 2: ["key"], 3: ["key"]}


def test_references_look_values_up_in_the_parent() -> None:
    rule = {"ref": References(("a",), table("parents"), ("id",))}
    rows = text_rows({"a": ["1", "2", None, "x"]})
    parents = {table("parents"): Frame(pl.LazyFrame({"id": [1.0, 5.0, None]}))}
    assert bad_rows(rows, contract({"a": INT}, rule), parents=parents) == {2: ["ref"], 4: ["a.type"]}
    for missing in ({}, {table("parents"): Frame(pl.LazyFrame({"other": [1]}))}):
        found = findings(rows, contract({"a": INT}, rule), parents=missing)
        assert found["ref"].status == "not_executed"


def test_the_sample_of_a_doubled_key_shows_where_it_stands() -> None:
    rules = contract({"a": INT, "b": STR}, {"key": Unique(("a",))}, primary_key=("a",))
    found = findings(text_rows({"a": ["07", "7", "8"], "b": ["x", "y", "z"]}, "in.csv"), rules)["key"]
    assert [(s.object, s.row, s.key, s.column, s.value) for s in found.samples] == [
        ("in.csv", 1, (("a", "07"),), "a", "07"),
        ("in.csv", 2, (("a", "7"),), "a", "7"),
    ]


def test_a_hash_alone_never_condemns_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: the exact pass over candidates. Without it (marks taken for keys) this test fails."""
    monkeypatch.setattr(keys, "FEW_ROWS", 0)
    monkeypatch.setattr(keys, "_mark", lambda lazy, names: pl.col(names[0]).str.len_bytes())
    data = text_rows({"a": ["x", "y", "zz", "x"]})
    assert sorted(bad_rows(data, contract({"a": STR}, {"key": Unique(("a",))}))) == [1, 4]


def test_keys_of_good_rows_come_back_typed() -> None:
    rules = contract({"a": INT}, {"key": Unique(("a",))})
    rows = text_rows({"a": ["1", "2", "2"]})
    split = ENGINE.split(rows, rules, check(rows, rules), warn=())
    assert frame_of(split.good).to_dict(as_series=False) == {"a": [1]}
