from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from headgate.edge.clock import SystemClock


def test_tokens_are_unique_and_sort_by_time_also_within_a_millisecond_and_between_threads() -> None:
    clock = SystemClock()
    tokens = [clock.token() for _ in range(5_000)]
    assert tokens == sorted(set(tokens))
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{26}", t) for t in tokens)
    with ThreadPoolExecutor(4) as pool:
        many = [
            t for part in pool.map(lambda _: [clock.token() for _ in range(1_000)], range(4)) for t in part
        ]
    assert len({*many, *tokens}) == 9_000
    assert min(many) > max(tokens)


def test_tokens_rise_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    first = clock.token()
    earlier = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: earlier)
    assert clock.token() > first


def test_tokens_of_two_processes_sort_by_the_millisecond() -> None:
    first = SystemClock().token()
    time.sleep(0.002)
    assert SystemClock().token() > first


def test_the_time_is_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
