from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.contract import temporal
from headgate.edge import cast_text
from headgate.edge.jdk_format import Unsupported, reading
from headgate.model.contract import TimestampType

PATTERNS = [
    "yyyy-MM-dd HH:mm:ss", "dd.MM.yyyy HH:mm", "d/M/yy H:mm", "MM/dd/yyyy hh:mm a", "dd MMM yyyy HH:mm:ss.SSS",
    "yyyyMMddHHmmss", "d MMMM yyyy, h:mm a", "uuuu-MM-dd'T'HH:mm:ss.SSSSSS", "yyyy-MM-dd'T'HH:mm:ssX",
    "yyyy-MM-dd'T'HH:mmXXX", "yyyy/MM/dd HH'h'mm Z", "yyyy-MM-dd HH:mm:ssxx",
]  # fmt: skip
TEXTS = [
    "2024-02-29 01:02:03", "29.02.2024 01:02", "1/2/24 3:04", "02/29/2024 01:02 PM", "29 Feb 2024 01:02:03.004",
    "20240229010203", "3 March 2024, 1:02 AM", "2024-02-29T01:02:03.000004", "2024-02-29T01:02:03Z",
    "2024-02-29T01:02:03+0530", "2024-02-29T01:02+05:30", "2024/02/29 01h02 +0100", "2024-02-29 01:02:03-0800",
    "31.02.2024 01:02", "12/31/2024 12:00 AM", "12/31/2024 12:00 PM", "1/1/99 0:00", "",
]  # fmt: skip


@pytest.mark.parametrize("field", sorted(temporal.FIELDS))
def test_every_field_that_a_contract_may_name_is_read(field: str) -> None:
    partner = {"h": "a", "hh": "a", "a": "h"}.get(field)
    assert reading(f"{field} {partner}" if partner else field).regex


@pytest.mark.parametrize("pattern", ["[yyyy]", "VV", "ww", "yyyy yyyy", "h", "a", "n", "zzz"])
def test_what_is_not_understood_is_said(pattern: str) -> None:
    with pytest.raises(Unsupported):
        reading(pattern)


@given(st.sampled_from(PATTERNS), st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_columns_read_patterns_as_contracts_read_bounds(pattern: str, texts: list[str]) -> None:
    """Two readers of one language: temporal reads single values (and ISO 8601 besides), this one columns."""
    zoned = temporal.has_zone(temporal.normal(pattern, "timestamp"))
    normal = temporal.normal(pattern, "timestamp")
    kind = TimestampType(zoned=zoned, format=normal)
    found = pl.select(cast_text.timestamp(pl.lit(pl.Series(texts)), kind)).to_series().to_list()
    for text, value in zip(texts, found, strict=True):
        expected: datetime | None
        try:
            expected = temporal.read_timestamp(text, normal, zoned=zoned, default_zone=None)
        except ValueError:
            expected = None
        if expected is not None and value is None and text[4:5] == "-":
            continue  # ISO 8601, which bounds may always be written in
        assert value == expected, (pattern, text)
