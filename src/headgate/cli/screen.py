"""What people see: aligned text, Rich tables on a terminal, and a spinner for what takes longer than a second.

Rich is imported only where a terminal is really written to. Whatever came from data is made harmless first:
a cell may hold escape sequences, which a terminal would obey.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

SPINNER_AFTER_S = 1.0
STYLES = {
    "pass": "green", "published": "green", "passed": "green", "promoted": "green", "merged": "green",
    "fail": "bold red", "failed": "bold red", "error": "bold red", "quarantined": "bold red",
    "conflict": "bold red", "refused": "bold red", "unreadable": "bold red", "rolled_back": "green",
    "warn": "yellow", "not_executed": "yellow",
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
    if screen.terminal and cells and not _fit(screen, headings, cells):
        _stacked(screen, headings, cells)
    elif screen.terminal:
        _rich_table(screen, headings, cells, set(right), STYLES)
    else:
        _plain_table(headings, cells, set(right))


def data(
    screen: Screen, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Like `table`, for what people asked of their data: no word is coloured for what it says, and rows that are
    wider than the terminal stand below one another instead of being broken into pieces.
    """
    names = [harmless(name) for name in headings]
    cells = [[harmless(cell) for cell in row] for row in rows]
    if not screen.terminal:
        _plain_table(names, cells, set(right))
    elif sum(_widths(names, cells)) + 3 * len(names) <= screen.width or not cells:
        _rich_table(screen, names, cells, set(right), {})
    else:
        column = max(map(len, names))
        for number, row in enumerate(cells, 1):
            say(painted(screen, f"row {number}", "bold"))
            for name, cell in zip(names, row, strict=True):
                say(f"  {name:<{column}}  {cell}")


def _fit(screen: Screen, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> bool:
    """True if all columns but the last one stay whole, which may be folded: an id in pieces is no use to anybody."""
    *most, last = _widths(headings, cells)
    return sum(most) + 3 * len(most) + min(last, 20) <= screen.width


def _stacked(screen: Screen, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row as a paragraph: its first cell, and what there is of the others below it."""
    for first, *rest in cells:
        say(f"{headings[0]} {painted(screen, first, 'bold')}")
        told = [
            f"{name} {painted(screen, cell)}" if name else cell
            for name, cell in zip(headings[1:], rest, strict=True)
            if cell
        ]
        for line in told:
            say(f"  {line}")


def _widths(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max([len(heading), *(len(row[i]) for row in cells)]) for i, heading in enumerate(headings)]


def _plain_table(headings: Sequence[str], cells: Sequence[Sequence[str]], numbers: set[str]) -> None:
    widths = _widths(headings, cells)
    for row in [headings, *cells]:
        padded = (
            c.rjust(w) if h in numbers else c.ljust(w) for c, w, h in zip(row, widths, headings, strict=True)
        )
        say("  ".join(padded).rstrip())


def _rich_table(
    screen: Screen,
    headings: Sequence[str],
    cells: Sequence[Sequence[str]],
    numbers: set[str],
    styles: Mapping[str, str],
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for at, heading in enumerate(headings):
        found.add_column(
            Text(heading),
            justify="right" if heading in numbers else "left",
            overflow="fold",
            no_wrap=at < len(headings) - 1,
        )
    for row in cells:
        found.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    console = Console(
        width=screen.width,
        color_system="auto" if screen.colour else None,  # without one there is no bold, either
        highlight=False,
        markup=False,
        legacy_windows=False,
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
