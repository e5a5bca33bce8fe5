from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.cli.answer import as_json
from headgate.cli.wire import value


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        ("ä", "ä"),
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (timedelta(days=1, seconds=2.5), "P1DT2.5S"),
        (timedelta(0), "PT0S"),
        (-timedelta(hours=1), "-PT3600S"),
        (b"\x00\xff", "AP8="),
        ([1, Decimal(2)], [1, "2"]),
        ({"a": float("nan")}, {"a": "NaN"}),
        ([("k", 1)], [["k", 1]]),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_a_value_becomes_json_that_loses_nothing(found: object, expected: object) -> None:
    assert value(found) == expected
    assert type(value(found)) is type(expected)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.binary()
    | st.datetimes() | st.dates() | st.times() | st.timedeltas(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@given(VALUES)
def test_any_value_is_written_as_one_document_of_ascii(found: object) -> None:
    text = as_json({"value": value(found)})
    assert text.isascii()
    assert json.loads(text) == {"value": value(found)}
