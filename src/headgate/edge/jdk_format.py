"""JDK date patterns (``dd.MM.yyyy HH:mm``) of contracts, as a regular expression and what to read from it.

The expression is strict, as the JDK's resolver is; the text it matches is then rewritten to one form, which
one parser reads. Deliberately absent: optional sections, names of zones, weeks, eras: `Unsupported`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


class Unsupported(Exception):
    """A letter that nothing here can read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """``regex`` matches the text; ``template`` (``${y}`` are its groups) rewrites it for the chrono ``format``."""

    regex: str
    template: str
    format: str
    has_zone: bool


_TWO = "[0-9]{2}"
_ONE_OR_TWO = "[0-9]{1,2}"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTHS_FULL = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DAYS_FULL = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_LETTERS = {
    "yyyy": ("y", "[0-9]{4}"), "uuuu": ("y", "[0-9]{4}"), "yy": ("yy", _TWO), "uu": ("yy", _TWO),
    "y": ("y", "[0-9]{4}"), "u": ("y", "[0-9]{4}"),
    "MM": ("m", _TWO), "M": ("m", _ONE_OR_TWO), "MMM": ("b", _MONTHS), "MMMM": ("b", _MONTHS_FULL),
    "LL": ("m", _TWO), "L": ("m", _ONE_OR_TWO),
    "dd": ("d", _TWO), "d": ("d", _ONE_OR_TWO),
    "HH": ("H", _TWO), "H": ("H", _ONE_OR_TWO), "hh": ("h", _TWO), "h": ("h", _ONE_OR_TWO),
    "mm": ("M", _TWO), "m": ("M", _ONE_OR_TWO), "ss": ("S", "[0-5][0-9]"), "s": ("S", "[0-5]?[0-9]"),
    "a": ("a", "AM|PM"),
    "E": ("", _DAYS), "EE": ("", _DAYS), "EEE": ("", _DAYS), "EEEE": ("", _DAYS_FULL),
    "X": ("z", "Z|[+-][0-9]{2}(?:[0-9]{2})?"), "XX": ("z", "Z|[+-][0-9]{4}"), "XXX": ("z", "Z|[+-][0-9]{2}:[0-9]{2}"),
    "x": ("z", "[+-][0-9]{2}(?:[0-9]{2})?"), "xx": ("z", "[+-][0-9]{4}"), "xxx": ("z", "[+-][0-9]{2}:[0-9]{2}"),
    # One Z is +1000 in the JDK, and "Z" or +10:00 in the contract standard's own examples: all of them are read.
    "Z": ("z", "Z|[+-][0-9]{2}:?[0-9]{2}"), "ZZ": ("z", "[+-][0-9]{4}"), "ZZZ": ("z", "[+-][0-9]{4}"),
}  # fmt: skip
_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL)


@lru_cache(maxsize=256)
def reading(pattern: str) -> Reading:
    """How text written with ``pattern`` is read. Raises Unsupported."""
    regex: list[str] = []
    found: set[str] = set()
    digits = 0
    for token in _TOKEN.finditer(pattern):
        letters = token["letters"]
        if letters is None:
            regex.append(_literal(token))
        elif set(letters) == {"S"}:
            digits = min(len(letters), 9)
            regex.append(f"(?P<f>[0-9]{{{digits}}})")
            found.add("f")
        else:
            group, expression = _LETTERS.get(letters, ("?", ""))
            if group == "?" or group in found:
                raise Unsupported(f"{letters!r} of the format {pattern!r} is not understood")
            found.add(group) if group else None
            regex.append(f"(?P<{group}>{expression})" if group else f"(?:{expression})")
    if {"h", "a"} & found and not {"h", "a"} <= found:
        raise Unsupported(f"the format {pattern!r} has only one of h (hour of AM or PM) and a (AM or PM)")
    return Reading(rf"\A{''.join(regex)}\z", *_target(found), has_zone="z" in found)


def _literal(token: re.Match[str]) -> str:
    if token["quoted"] is not None:
        return re.escape(token["quoted"].replace("''", "'") or "'")
    if token["other"] in "[]{}#'":
        raise Unsupported(f"{token['other']!r} of the format {token.string!r} is not understood")
    return re.escape(token["other"])


def _target(found: set[str]) -> tuple[str, str]:
    """The one form that matched text is rewritten to, and the chrono format which reads it."""
    year = "${y}" if "y" in found else "20${yy}" if "yy" in found else "1970"
    month = "${m}" if "m" in found else "${b}" if "b" in found else "1"
    day = "${d}" if "d" in found else "1"
    hour = "${h}" if "h" in found else "${H}" if "H" in found else "0"
    minute = "${M}" if "M" in found else "0"
    second = "${S}" if "S" in found else "0"
    fraction = "${f}" if "f" in found else "0"
    template = f"{year}-{month}-{day} {hour}:{minute}:{second}.{fraction}"
    form = f"%Y-%{'B' if 'b' in found else 'm'}-%d %{'I' if 'h' in found else 'H'}:%M:%S%.f"
    if "a" in found:
        template, form = template + " ${a}", form + " %p"
    if "z" in found:
        template, form = template + " ${z}", form + " %#z"
    return template, form
