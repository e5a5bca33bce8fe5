"""What people see: aligned text, Rich tables on a terminal, and a spinner for what takes longer than a second.

Rich is imported only where a terminal is really written to. Whatever came from data is made harmless first:
a cell may hold escape sequences, which a terminal would obey.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

SPINNER_AFTER_S = 1.0
STYLES = {
    "pass": "green", "published": "green", "passed": "green", "promoted": "green", "merged": "green",
    "fail": "bold red", "failed": "bold red", "error": "bold red", "quarantined": "bold red",
    "conflict": "bold red", "refused": "bold red", "warn": "yellow", "not_executed": "yellow",
    "published_partial": "yellow", "open": "yellow", "unguarded": "yellow",
}  # fmt: skip
_ANSI = {"green": "32", "bold red": "1;31", "yellow": "33", "bold": "1", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where an answer goes. ``terminal`` False: a pipe or a file, which gets plain text in full."""

    terminal: bool
    colour: bool
    width: int


def screen_of(stream: TextIO | None) -> Screen:
    terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    width = 80
    if terminal:
        import shutil

        width = max(40, shutil.get_terminal_size((80, 24)).columns)
    return Screen(terminal, terminal and "NO_COLOR" not in os.environ, width)


def say(text: str = "") -> None:
    print(text)


def harmless(value: object) -> str:
    """Text that a terminal shows and does not obey: control and direction characters are written as escapes."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def painted(screen: Screen, text: str, style: str | None = None) -> str:
    """A word in its colour; without ``style``, by what it says. The word itself always carries the meaning."""
    code = _ANSI.get(style if style is not None else STYLES.get(text, ""))
    return f"\x1b[{code}m{text}\x1b[0m" if screen.colour and code else text


def table(
    screen: Screen, headings: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()
) -> None:
    """Rows under headings. ``right``: headings of columns that are aligned to the right."""
    cells = [["" if cell is None else harmless(cell) for cell in row] for row in rows]
    numbers = set(right)
    if screen.terminal:
        _rich_table(screen, headings, cells, numbers)
        return
    widths = [max(len(h), *(len(r[i]) for r in cells)) if cells else len(h) for i, h in enumerate(headings)]
    for row in [[*headings], *cells]:
        padded = (
            c.rjust(w) if h in numbers else c.ljust(w) for c, w, h in zip(row, widths, headings, strict=True)
        )
        print("  ".join(padded).rstrip())


def _rich_table(
    screen: Screen, headings: Sequence[str], cells: Sequence[Sequence[str]], numbers: set[str]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        found.add_column(
            Text(heading), justify="right" if heading in numbers else "left", overflow="fold", ratio=None
        )
    for row in cells:
        found.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console = Console(
        width=screen.width, no_color=not screen.colour, highlight=False, markup=False, legacy_windows=False
    )
    console.print(found)


# -- while it runs ------------------------------------------------------------------------------------------


@contextmanager
def busy(text: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr from the second second on; what is called with a text changes its words.

    Nothing at all where nobody looks: under ``quiet`` (``--json``) or without a terminal.
    """
    if quiet or not screen_of(sys.stderr).terminal:
        yield lambda _: None
        return
    spinner = _Spinner(text)
    timer = threading.Timer(SPINNER_AFTER_S, spinner.start)
    timer.daemon = True
    timer.start()
    try:
        yield spinner.tell
    finally:
        timer.cancel()
        spinner.stop()


class _Spinner:
    """Rich's, started late, from a timer's thread."""

    def __init__(self, text: str) -> None:
        self._lock = threading.Lock()
        self._text = text
        self._over = False
        self._status: Any = None  # rich.status.Status, once it is started

    def start(self) -> None:
        from rich.console import Console
        from rich.status import Status

        with self._lock:
            if not self._over:
                self._status = Status(self._text, console=Console(stderr=True, markup=False))
                self._status.start()

    def tell(self, text: str) -> None:
        with self._lock:
            self._text = text
            if self._status is not None:
                self._status.update(text)

    def stop(self) -> None:
        with self._lock:
            self._over = True
            if self._status is not None:
                self._status.stop()
