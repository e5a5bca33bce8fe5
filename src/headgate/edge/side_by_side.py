"""Two things at once, in this process: what they do is done outside of Python, on threads that neither keeps busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def side_by_side(one: Callable[[], S], other: Callable[[], T]) -> tuple[S, T]:
    """What both give. ``other`` runs in a thread of its own, which ends before this does. Raises what they raise; of
    two errors that of ``one``.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(other())
        except BaseException as error:  # noqa: BLE001 - it is raised below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)  # a second Ctrl-C does not wait for it
    thread.start()
    try:
        first = one()
    finally:
        thread.join()
    if raised:
        raise raised[0]
    return first, given[0]
