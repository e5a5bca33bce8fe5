"""Deliveries broken in ways that happen. Each takes one day's CSV text and returns what arrives instead.

All are pure and deterministic. What they meet, with the contract ``flights`` (numbers: 16 January, 901 rows):

    distance_in_kilometres    distance.maximum (2 rows) and flights.no_faster_than_720_mph (23)
    air_time_in_hours         air_time.type (853 rows)
    unknown_carrier           carrier.references (12 rows)
    truncated                 no verdict: Unreadable, at the line that stops in the middle
    truncated_between_lines   flights.a_day_is_complete (540 rows came)
    column_renamed            tailnum.present and tail_number.undeclared
    exported_again            nothing is wrong: other bytes, the same rows, so all are deduplicated
    without_origin            no rule (623 rows came); the smoke query every_airport_every_day stops the release

The same file twice needs no function: it is the same text again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

KILOMETRES_PER_MILE = 1.609344


def distance_in_kilometres(text: str) -> str:
    """The exporter was moved to another country."""
    return _cells(text, "distance", lambda miles: str(round(int(miles) * KILOMETRES_PER_MILE)))


def air_time_in_hours(text: str) -> str:
    """Minutes became decimal hours, 227 to 3.78."""
    return _cells(text, "air_time", lambda minutes: f"{int(minutes) / 60:.2f}")


def unknown_carrier(text: str, carrier: str = "G7", rows: int = 12) -> str:
    """A new partner flies the first ``rows`` departures of ExpressJet, and nobody told the table of airlines."""
    left = rows

    def flown_by(known: str) -> str:
        nonlocal left
        if known != "EV" or not left:
            return known
        left -= 1
        return carrier

    return _cells(text, "carrier", flown_by)


def truncated(text: str, share: float = 0.6) -> str:
    """The connection broke: about ``share`` of the text is there, and its last line stops in the middle."""
    start = text.rindex("\n", 0, int(len(text) * share)) + 1
    end = text.index("\n", start)
    return text[: (start + end) // 2]


def truncated_between_lines(text: str, share: float = 0.6) -> str:
    """The same, but by chance exactly after a line: every row that came is perfect."""
    header, *rows = text.splitlines(keepends=True)
    return "".join([header, *rows[: int(len(rows) * share)]])


def column_renamed(text: str, old: str = "tailnum", new: str = "tail_number") -> str:
    """Somebody tidied up the names."""
    header, rest = text.split("\n", 1)
    names = [new if name == old else name for name in header.split(",")]
    return ",".join(names) + "\n" + rest


def exported_again(text: str) -> str:
    """The same rows from a second export: another order, other line ends, so another file by its bytes."""
    header, *rows = text.splitlines()
    return "\r\n".join([header, *reversed(rows)]) + "\r\n"


def without_origin(text: str, origin: str = "LGA") -> str:
    """One airport's feed is missing. On a weekday what is left is still a plausible day."""
    header, rows = _parsed(text)
    at = header.index("origin")
    return _written(header, [row for row in rows if row[at] != origin])


def _cells(text: str, column: str, change: Callable[[str], str]) -> str:
    """The same text with every filled cell of one column changed, in row order."""
    header, rows = _parsed(text)
    at = header.index(column)
    for row in rows:
        row[at] = change(row[at]) if row[at] else ""
    return _written(header, rows)


def _parsed(text: str) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


def _written(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()
