"""Crash points, enumerated: a wrapper around any port that dies before or after its n-th call.

    calls = Countdown()                       # counts only
    work(crashing(store, calls))
    for point in points(calls.seen):          # then once for each point
        with contextlib.suppress(Killed):
            work(crashing(store, Countdown(point)))

Several ports may share one `Countdown`, so that one number orders the calls of all of them: `crashing_ports` does
that for everything that writes or locks. `losing_reply` is the other way to be left in the dark: the database did
it, or did not, and never said so.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast

from headgate.model.change import Changes, Done, Refused, Requirement, Unknown
from headgate.ports import Locks, Ports, Store

T = TypeVar("T")

EXIT_KILLED = 137  # what a shell reports for kill -9
WRITES = frozenset(
    {
        *("commit", "lock", "unlock"),
        *("create", "evolve", "write", "append", "rewrite", "adopt", "quarantine", "discard"),
    }
)


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


def kill_9() -> None:
    """The real thing: not even the interpreter hears of it."""
    os.kill(os.getpid(), signal.SIGKILL)


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


def crashing_ports(ports: Ports, countdown: Countdown) -> Ports:
    """The same ports, with every call counted that writes or locks (`WRITES`), if the countdown counts all."""
    if not countdown.only:
        countdown.only = WRITES
    return replace(
        ports,
        store=crashing(ports.store, countdown),
        lake=crashing(ports.lake, countdown),
        locks=_CrashingLocks(ports.locks, countdown),
    )


@dataclass(frozen=True, slots=True)
class _CrashingLocks:
    """Taking a lock is one call, ``lock``, and letting it go another, ``unlock``."""

    locks: Locks
    countdown: Countdown

    def hold(self, name: str, wait_s: float) -> AbstractContextManager[bool]:
        return self._hold(name, wait_s)

    @contextmanager
    def _hold(self, name: str, wait_s: float) -> Iterator[bool]:
        with ExitStack() as stack:
            yield self.countdown.around("lock", lambda: stack.enter_context(self.locks.hold(name, wait_s)))
            self.countdown.around("unlock", stack.close)


def losing_reply(store: Store, call: int, *, written: bool) -> tuple[Store, list[Changes]]:
    """The same store, whose ``call``-th commit (1 is the first) answers `Unknown`, ``written`` or not.

    Beside it a list, to which what that commit was about is added.
    """
    losing = _LosingReply(store, call, written)
    return cast("Store", losing), losing.lost


class _LosingReply:
    def __init__(self, store: Store, call: int, written: bool) -> None:  # noqa: FBT001
        self._store, self._left, self._written = store, call, written
        self.lost: list[Changes] = []

    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused | Unknown:
        self._left -= 1
        if self._left:
            return self._store.commit(changes, requires)
        self.lost.append(changes)
        if self._written:
            self._store.commit(changes, requires)
        return Unknown("the connection was lost")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._store, name)
