from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from headgate.checks.overlap import overlapping, ranges_of
from headgate.model.rule import Scalar
from headgate.ports import DataFile


def file(path: str, **bounds: tuple[Scalar, Scalar]) -> DataFile:
    return DataFile(path, 1, 1, bounds)


TENS = [file("a", n=(1, 10)), file("b", n=(11, 20)), file("c", n=(15, 30))]


@pytest.mark.parametrize(
    ("low", "high", "near"),
    [(1, 1, "a"), (10, 11, "ab"), (12, 14, "b"), (15, 15, "bc"), (0, 0, ""), (31, 99, ""), (0, 99, "abc")],
)
def test_files_are_near_whose_bounds_meet_the_range_ends_included(low: int, high: int, near: str) -> None:
    assert "".join(overlapping(TENS, {"n": (low, high)}, ["n"])) == near


def test_every_column_of_a_key_has_to_meet() -> None:
    files = [file("a", n=(1, 9), t=("a", "f")), file("b", n=(1, 9), t=("g", "z"))]
    assert overlapping(files, {"n": (5, 5), "t": ("h", "h")}, ["n", "t"]) == ["b"]
    assert overlapping(files, {"n": (10, 10), "t": ("h", "h")}, ["n", "t"]) == []
    assert overlapping(files, {"n": (5, 5), "t": ("h", "h")}, ["n"]) == ["a", "b"]


def test_without_any_value_no_file_is_near() -> None:
    assert overlapping(TENS, {"n": None}, ["n"]) == []
    assert overlapping(TENS, {"n": (1, 1), "t": None}, ["n", "t"]) == []


@pytest.mark.parametrize(
    ("bounds", "span"),
    [
        ({}, (1, 1)),
        ({"n": ("a", "b")}, (1, 1)),
        ({"n": (date(2024, 1, 1),) * 2}, (datetime(2025, 1, 1, tzinfo=UTC),) * 2),
    ],
)
def test_a_file_that_cannot_be_excluded_is_near(bounds: dict[str, Any], span: tuple[Any, Any]) -> None:
    assert overlapping([file("a", **bounds)], {"n": span}, ["n"]) == ["a"]


def test_a_column_whose_range_is_not_known_excludes_nothing() -> None:
    assert overlapping(TENS, {}, ["n"]) == ["a", "b", "c"]


def test_ranges_span_all_files() -> None:
    files = [file("a", n=(1, 10), d=(Decimal("0.5"), Decimal(1))), file("b", n=(5, 20))]
    assert ranges_of(files, ["n", "d", "x"]) == {"n": (1, 20)}
    assert ranges_of([], ["n"]) == {}
