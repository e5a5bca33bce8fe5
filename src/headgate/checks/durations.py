"""Spans of time: exact seconds, and words for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

_UNITS = ((365 * 86_400, "y"), (86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def seconds_between(then: datetime, now: datetime) -> Decimal:
    """From ``then`` until ``now``, below 0 if that is still to come."""
    return Decimal((now - then) // timedelta(microseconds=1)) / 1_000_000


def in_time(seconds: Decimal) -> str:
    """``4 h``, ``2.5 d``: in the greatest unit of which there is at least one, to a tenth."""
    size, unit = next((each for each in _UNITS if abs(seconds) >= each[0]), _UNITS[-1])
    return f"{round(seconds / size, 1).normalize():f} {unit}"
