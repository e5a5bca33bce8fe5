"""What a search has found so far, replayed; and inputs that Hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import kept
from fuzz.readers import READERS, seeds


@pytest.mark.parametrize("name", READERS)
def test_what_was_found_once_is_read_well(name: str) -> None:
    for data in [*seeds(name), *kept.read(name)]:
        READERS[name](data)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    READERS[name](data)
