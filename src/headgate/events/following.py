"""`follow`: events as they are written."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.model.event import Event
from headgate.ports import Clock, Store

PAGE = 500
PAUSE_S = 0.2


def page(store: Store, after: int, limit: int) -> Iterator[Event]:
    """Events with an offset greater than ``after``, at most ``limit`` of them, oldest first."""
    left = limit
    while left > 0:
        found = store.events(after, min(left, PAGE))
        yield from found
        if not found:
            return
        after, left = found[-1].offset, left - len(found)


def follow(store: Store, clock: Clock, after: int) -> Iterator[Event]:
    """Every event after an offset, and then each new one. Ends when its consumer does."""
    while True:
        found = store.events(after, PAGE)
        yield from found
        if found:
            after = found[-1].offset
        else:
            clock.sleep(PAUSE_S)
