"""Crash points, enumerated: a wrapper around any port that dies before or after its n-th call.

    calls = Countdown()                       # counts only
    work(crashing(store, calls))
    for point in points(calls.seen):          # then once for each point
        with contextlib.suppress(Killed):
            work(crashing(store, Countdown(point)))

Several ports may share one `Countdown`, so that one number orders the calls of all of them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")

EXIT_KILLED = 137  # what a shell reports for kill -9


class Killed(BaseException):
    """The process died here. Not an Exception: no `except Exception` may survive its own death."""


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Death ``before`` call number ``call`` (1 is the first) does anything, or ``after`` all of it."""

    call: int
    when: Literal["before", "after"]


def points(calls: int) -> Iterator[CrashPoint]:
    """Every crash point of a piece of work that makes so many calls."""
    for call in range(1, calls + 1):
        yield CrashPoint(call, "before")
        yield CrashPoint(call, "after")


def raise_killed() -> None:
    raise Killed


def exit_at_once() -> None:
    """Like kill -9: nothing is flushed, nothing is cleaned up."""
    os._exit(EXIT_KILLED)


@dataclass(slots=True)
class Countdown:
    """Counts calls and dies at ``point``; after that, every further call dies too: the dead do nothing.

    ``names`` are the calls so far, in order; ``only`` limits what is counted to methods of these names.
    """

    point: CrashPoint | None = None
    die: Callable[[], None] = raise_killed
    only: frozenset[str] = frozenset()
    names: list[str] = field(default_factory=list)
    dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seen(self) -> int:
        return len(self.names)

    def around(self, name: str, call: Callable[[], T]) -> T:
        """Make one call, unless this is where it ends."""
        if self.only and name not in self.only:
            return call()
        with self._lock:
            self.names.append(name)
            number = len(self.names)
            ends = self.point is not None and self.point.call == number
            self.dead = self.dead or ends
        if self.dead and not (ends and self.point is not None and self.point.when == "after"):
            self.die()
        result = call()
        if ends:
            self.die()
        return result


def crashing(port: T, countdown: Countdown) -> T:
    """The same port, with its methods counted. Attributes that are no methods are handed through."""
    return cast("T", _Crashing(port, countdown))


class _Crashing:
    def __init__(self, port: object, countdown: Countdown) -> None:
        self._port, self._countdown = port, countdown

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        value = getattr(self._port, name)
        if not callable(value):
            return value
        return lambda *args, **kwargs: self._countdown.around(name, lambda: value(*args, **kwargs))
