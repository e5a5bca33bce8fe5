from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rows_at_hand import ENGINE, contract, frame_of, text_rows, typed_rows
from headgate.edge import collapsing
from headgate.edge.rows import named_lazy
from headgate.model.batch import Mode
from headgate.model.contract import IntegerType, StringType
from headgate.ports import Frame

RULES = contract({"id": IntegerType(), "v": StringType(), "at": IntegerType()}, primary_key=("id",))
Row = tuple[str | None, str | None, str | None]


def delivered(rows: Sequence[Row]) -> Frame:
    return text_rows({name: [row[i] for row in rows] for i, name in enumerate(("id", "v", "at"))})


def published(rows: Sequence[tuple[int, str | None, int | None]]) -> Frame:
    return Frame(
        pl.LazyFrame(list(rows), schema={"id": pl.Int64, "v": pl.String, "at": pl.Int64}, orient="row")
    )


def collapsed(
    rows: Sequence[Row],
    existing: Sequence[tuple[int, str | None, int | None]] = (),
    mode: Mode = "append",
    by: str | None = None,
) -> tuple[list[Any], int, int]:
    found = ENGINE.collapse(delivered(rows), RULES, published(existing) if existing else None, mode, by)
    return named_lazy(found.rows).collect().rows(), found.deduplicated, found.superseded


A1, A2, A3 = ("1", "a", "1"), ("1", "b", "2"), ("1", "c", "2")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("rows", "existing", "mode", "by", "want"),
    [
        ([A1, ("2", "x", None)], [], "append", None, ([A1, ("2", "x", None)], 0, 0)),
        ([A1, A1, A1], [], "append", None, ([A1], 2, 0)),
        ([A1, ("01", "a", "+1")], [], "append", None, ([A1], 1, 0)),
        ([("1", None, None), ("1", None, None)], [], "append", None, ([("1", None, None)], 1, 0)),
        ([("1", "", "1"), ("1", None, "1")], [], "append", None, ([("1", "", "1"), ("1", None, "1")], 0, 0)),
        ([A1, A2], [], "append", "at", ([A1, A2], 0, 0)),
        ([A1, A2], [], "merge", None, ([A1, A2], 0, 0)),
        ([A1, A2], [], "merge", "at", ([A2], 0, 1)),
        ([A2, A3, A1, A1], [], "merge", "at", ([A2, A3], 1, 1)),
        ([("1", "a", None), A2], [], "merge", "at", ([("1", "a", None), A2], 0, 0)),
        ([A1], [(1, "a", 1)], "append", None, ([], 1, 0)),
        ([A1], [(1, "b", 1)], "append", None, ([A1], 0, 0)),
        ([A1], [(1, "b", 2)], "merge", "at", ([], 0, 1)),
        ([A2], [(1, "a", 1)], "merge", "at", ([A2], 0, 0)),
        ([A1], [(1, "b", 1)], "merge", "at", ([A1], 0, 0)),
        ([(None, "a", "1"), (None, "a", "1")], [], "append", None, ([(None, "a", "1"), (None, "a", "1")], 0, 0)),
        ([("x", "a", "1"), ("x", "a", "1")], [], "append", None, ([("x", "a", "1"), ("x", "a", "1")], 0, 0)),
        ([("1", "a", "x"), ("1", "a", "y"), ("1", "a", "x")], [], "append", None,
            ([("1", "a", "x"), ("1", "a", "y")], 1, 0)),
        ([], [(1, "a", 1)], "append", None, ([], 0, 0)),
    ],
)  # fmt: skip
def test_what_need_not_be_loaded(
    rows: list[Row], existing: Any, mode: Mode, by: str | None, want: Any
) -> None:
    assert collapsed(rows, existing, mode, by) == want


@pytest.fixture(params=[collapsing.IN_MEMORY_MAX, 0], ids=["few keys", "as if many keys"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapsing, "IN_MEMORY_MAX", request.param)


@pytest.mark.usefixtures("way")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", None]), st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", None])
        )
    ),
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.sampled_from(["a", "b"]), st.sampled_from([1, 2, None])),
        max_size=3,
    ),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_collapsing_agrees_with_the_slow_way(rows: list[Row], existing: Any, order: bool) -> None:
    """In words: the first of identical rows stays, unless it is published; a row below the greatest gives way."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in existing:
        groups[row[0]].append(row)
    kept, deduplicated = [], 0
    for row in rows:
        typed = (None if row[0] is None else int(row[0]), row[1], None if row[2] is None else int(row[2]))
        if typed[0] is not None and typed in groups[typed[0]]:
            deduplicated += 1
            continue
        if typed[0] is not None:
            groups[typed[0]].append(typed)
        kept.append((row, typed))
    left, superseded = [], 0
    for row, typed in kept:
        orders = [t[2] for t in groups[typed[0]] if t[2] is not None]
        if order and typed[0] is not None and typed[2] is not None and typed[2] < max(orders):
            superseded += 1
        else:
            left.append(row)
    assert collapsed(rows, existing, "merge", "at" if order else None) == (left, deduplicated, superseded)


def test_rows_come_back_as_they_are_when_no_key_is_met_again() -> None:
    rows = delivered([A1, ("2", "a", "1")])
    assert ENGINE.collapse(rows, RULES, None, "append", None).rows is rows
    keyless = contract({"id": IntegerType()})
    assert ENGINE.collapse(rows, keyless, None, "append", None).rows is rows


def test_collapsed_rows_keep_their_numbers() -> None:
    found = ENGINE.collapse(delivered([A1, A1, ("x", "b", None)]), RULES, None, "append", None).rows
    checked = ENGINE.check(found, RULES, parents={}, existing={}, table_rules="none")
    assert [s.row for f in checked.verdict.findings for s in f.samples] == [3]
    assert checked.verdict.rows == 2


def test_typed_rows_collapse_with_published_ones() -> None:
    data = typed_rows(
        pl.DataFrame({"v": ["a", "b"], "id": [1.0, 2.0], "at": pl.Series([1, 1], dtype=pl.Int8)})
    )
    found = ENGINE.collapse(data, RULES, published([(1, "a", 1)]), "append", None)
    assert (named_lazy(found.rows).collect().rows(), found.deduplicated) == ([("b", 2.0, 1)], 1)


def test_published_rows_without_those_whose_key_comes_again() -> None:
    old = published([(1, "a", 1), (2, "b", 1), (3, "c", None)])
    for keys_of in (delivered([("2", "z", None), ("x", "z", None)]), published([(2, "z", 1)])):
        left = ENGINE.without(old, RULES, keys_of)
        assert frame_of(left).get_column("id").to_list() == [1, 3]
    both = frame_of(ENGINE.together([old, published([(9, "z", 1)])]))
    assert both.get_column("id").to_list() == [1, 2, 3, 9]
