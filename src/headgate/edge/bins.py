"""Numbers on an axis: ranges of a width that people count in, and how their ends are written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from headgate.model.profile import Bar

Kind = Literal["whole", "number", "date", "timestamp", "time"]
Bucket = tuple[float, float, int, int]  # least and greatest value, good rows, bad rows

BINS = 24
GREATEST = 1e300  # an axis over more than that cannot be reckoned with
FEW = 12  # different values: each has a bar of its own
_DAYS = (1.0, 7.0, 30.0, 91.0, 365.0)
_SECONDS = (
    1.0,
    5.0,
    15.0,
    60.0,
    300.0,
    900.0,
    3600.0,
    10800.0,
    21600.0,
    43200.0,
    *(86400.0 * d for d in _DAYS),
)


def histogram(buckets: Sequence[Bucket], kind: Kind) -> tuple[Bar, ...]:
    """Bars over the range where nearly all values are; what lies beyond is one bar at each end.

    ``buckets``: ascending.
    """
    if len(buckets) <= FEW and all(least == most for least, most, _, _ in buckets):
        return tuple(Bar(written(least, kind, 0.0), good, bad) for least, _, good, bad in buckets)
    low, high = (max(-GREATEST, min(GREATEST, end)) for end in _range(buckets))
    width = _width((high - low) / BINS, kind)
    start = math.floor(low / width) * width
    count = min(2 * BINS, max(1, math.ceil((high - start) / width + 1e-9)))
    end = start + count * width
    counts = [[0, 0] for _ in range(count + 2)]  # below, the bars, beyond
    for least, most, good, bad in buckets:
        middle = least + (most - least) / 2
        at = (
            0
            if middle < start
            else count + 1
            if middle >= end
            else 1 + min(count - 1, int((middle - start) / width))
        )
        counts[at][0] += good
        counts[at][1] += bad
    return tuple(_bars(counts, start, width, kind))


def _bars(counts: list[list[int]], start: float, width: float, kind: Kind) -> Iterator[Bar]:
    last = len(counts) - 1
    for at, (good, bad) in enumerate(counts):
        edge = start + (at - 1) * width
        if at == 0:
            if good or bad:
                yield Bar(f"below {written(start, kind, width)}", good, bad)
        elif at == last:
            if good or bad:
                yield Bar(f"{written(edge, kind, width)} and more", good, bad)
        elif kind == "whole" and width == 1:
            yield Bar(written(edge, kind, width), good, bad)
        else:
            yield Bar(f"{written(edge, kind, width)} to {written(edge + width, kind, width)}", good, bad)


def _range(buckets: Sequence[Bucket]) -> tuple[float, float]:
    """From the 1st to the 99th percentile of good rows, widened to most of the bad ones, if these are near enough."""
    good = _between(buckets, 2, 0.01)
    bad = _between(buckets, 3, 0.1)
    if good is None or bad is None:
        low, high = good or bad or (0.0, 1.0)
        return low, max(high, low + abs(low) * 1e-12)
    size = good[1] - good[0]
    reach = size or max(bad[1] - bad[0], abs(good[0] - bad[0]))
    return max(min(good[0], bad[0]), good[0] - reach), min(max(good[1], bad[1]), good[1] + reach)


def _between(buckets: Sequence[Bucket], at: Literal[2, 3], share: float) -> tuple[float, float] | None:
    total = sum(b[at] for b in buckets)
    if not total:
        return None
    ends = []
    for wanted in (share * total, (1 - share) * total):
        seen = 0
        for bucket in buckets:
            seen += bucket[at]
            if seen >= wanted and bucket[at]:
                ends.append(bucket)
                break
    return ends[0][0], ends[-1][1]


def _width(least: float, kind: Kind) -> float:
    """The first handy width that is not under ``least``."""
    if kind == "date" and least <= _DAYS[-1]:
        return next(w for w in _DAYS if w >= least)
    if kind in {"timestamp", "time"} and 1 <= least <= _SECONDS[-1]:
        return next(w for w in _SECONDS if w >= least)
    if kind in {"whole", "date"}:
        least = max(least, 1.0)
    if least <= 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((m * power for m in (1, 2, 5) if m * power >= least * (1 - 1e-9)), 10 * power)


def written(value: float, kind: Kind, width: float) -> str:
    """A value on an axis. ``width`` says how exactly: 0 is as exactly as there is."""
    try:
        match kind:
            case "date":
                return (date(1970, 1, 1) + timedelta(days=round(value))).isoformat()
            case "timestamp":
                at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
                return f"{at:%Y-%m-%d}" if width >= _SECONDS[10] else f"{at:%Y-%m-%d %H:%M:%S}"
            case "time":
                return f"{int(value) // 3600:02}:{int(value) // 60 % 60:02}:{int(value) % 60:02}"
            case "whole":
                return f"{round(value):,}"
            case "number":
                digits = 0 if width == 0 else max(0, -math.floor(math.log10(width)))
                return (
                    f"{value:,.6g}"
                    if width == 0 or abs(value) >= 1e15 or digits > 9
                    else f"{value:,.{digits}f}"
                )
    except (OverflowError, ValueError):  # a date beyond those that Python has
        return f"{value:,.6g}"
