"""Dates, times and timestamps: JDK format patterns as far as they are read, and values in contracts.

A pattern is kept in one normal form, whose fields are `FIELDS` and whose letters are quoted: whoever renders it
needs no more than `tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ONE = "[0-9]{1,2}"
_TWO = "[0-9]{2}"

# A field: what it gives, and how it is written. ``Z`` is wider than the JDK's +HHMM, see `normal`.
FIELDS = {
    "yyyy": ("year", "[0-9]{4}"), "uuuu": ("year", "[0-9]{4}"), "yy": ("year", _TWO), "uu": ("year", _TWO),
    "MM": ("month", _TWO), "M": ("month", _ONE),
    "MMM": ("month", "|".join(name[:3] for name in _MONTHS)), "MMMM": ("month", "|".join(_MONTHS)),
    "dd": ("day", _TWO), "d": ("day", _ONE),
    "HH": ("hour", _TWO), "H": ("hour", _ONE), "hh": ("half", _TWO), "h": ("half", _ONE), "a": ("am", "AM|PM"),
    "mm": ("minute", _TWO), "m": ("minute", _ONE), "ss": ("second", _TWO), "s": ("second", _ONE),
    **{"S" * digits: ("fraction", f"[0-9]{{{digits}}}") for digits in range(1, 7)},
    "X": ("zone", "Z|[+-][0-9]{2}(?:[0-9]{2})?"), "x": ("zone", "[+-][0-9]{2}(?:[0-9]{2})?"),
    "XX": ("zone", "Z|[+-][0-9]{4}"), "xx": ("zone", "[+-][0-9]{4}"),
    "XXX": ("zone", "Z|[+-][0-9]{2}:[0-9]{2}"), "xxx": ("zone", "[+-][0-9]{2}:[0-9]{2}"),
    "Z": ("zone", "Z|[+-][0-9]{2}:?[0-9]{2}"),
}  # fmt: skip
_DAY = {"year", "month", "day"}
_SPECIAL = re.compile(r"[\[\]{}#]")  # means something to the JDK, and nothing here

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
_ZONE = r" ?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_ISO_DATE = re.compile(_DATE)
_ISO_TIME = re.compile(_CLOCK)
_ISO_TIMESTAMP = re.compile(rf"{_DATE}(?:[T ]{_CLOCK})?(?:{_ZONE})?")


def tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """Parts of a pattern: ``("yyyy", True)`` is a field (one of `FIELDS` in normal form), ``("-", False)`` text."""
    for found in _TOKEN.finditer(pattern):
        if found[1] is not None:
            yield found[1].replace("''", "'") or "'", False
        else:
            yield found[0], found[2] is not None


def normal(pattern: str, kind: str) -> str:
    """The pattern in normal form for a ``date``, ``timestamp`` or ``time``; empty for ISO 8601.

    The standard's examples write ``T`` without quotes, and ``Z`` for Z and +10:00, where the JDK has +1000 only: both
    are taken as meant.
    Raises ValueError, in words, for a pattern that is not read here.
    """
    if pattern == {"timestamp": "date-time"}.get(kind, kind):
        return ""  # JSON Schema's names for ISO 8601, which is what is read without a format
    if "".join(found[0] for found in _TOKEN.finditer(pattern)) != pattern:
        raise ValueError(f"a quote in the format {pattern!r} is not closed")
    written, found = [], []
    for text, is_field in tokens(pattern):
        if is_field and text in FIELDS:
            found.append(FIELDS[text][0])
            written.append(text)
        elif is_field and text != "T":
            raise ValueError(f"{text!r} in the format {pattern!r} is not read here")
        else:
            written.append("'" + text.replace("'", "''") + "'" if re.search("[A-Za-z']", text) else text)
    if _SPECIAL.search("".join(written)):
        raise ValueError(f"the format {pattern!r} has optional or special parts, which are not read here")
    if len(set(found)) < len(found):
        raise ValueError(f"the format {pattern!r} names a field twice")
    if ("half" in found) != ("am" in found) or {"half", "hour"} <= set(found):
        raise ValueError(f"the format {pattern!r} needs h and a together, or H alone")
    given = {"hour" if one == "half" else one for one in found}
    needed = {"date": _DAY, "timestamp": {*_DAY, "hour"}, "time": {"hour"}}[kind]
    if not needed <= given:
        raise ValueError(f"the format {pattern!r} does not make a {kind}")
    if kind == "date" and given != _DAY:
        raise ValueError(f"the format {pattern!r} has a time, which a date has not")
    if kind == "time" and given & {*_DAY, "zone"}:
        raise ValueError(f"the format {pattern!r} has a date or an offset, which a time has not")
    return "".join(written)


def has_zone(pattern: str) -> bool:
    return any(is_field and FIELDS[text][0] == "zone" for text, is_field in tokens(pattern))


def zone(name: str) -> tzinfo:
    """A zone by its IANA name. Raises ValueError."""
    if name in {"UTC", "Etc/UTC", "Z"}:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 5 ms that few contracts need

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; use a name like Europe/Berlin") from None


def read_date(text: str, pattern: str | None) -> date:
    """Raises ValueError if ``text`` is neither ISO 8601 nor of the pattern."""
    return _day(_match(text, _ISO_DATE, pattern, "date"))


def read_time(text: str, pattern: str | None) -> time:
    """Raises ValueError if ``text`` is neither ISO 8601 nor of the pattern."""
    return _clock(_match(text, _ISO_TIME, pattern, "time"))


def read_timestamp(text: str, pattern: str | None, *, zoned: bool, default_zone: str | None) -> datetime:
    """In UTC if ``zoned``, else naive. Raises ValueError; also for an offset where there are no zones."""
    found = _match(text, _ISO_TIMESTAMP, pattern, "timestamp")
    naive = datetime.combine(_day(found), _clock(found))
    offset = found.get("zone")
    if not zoned:
        if offset:
            raise ValueError(f"{text!r} names a zone, and the column has none")
        return naive
    try:
        return naive.replace(tzinfo=_offset(offset) if offset else zone(default_zone or "UTC")).astimezone(
            UTC
        )
    except OverflowError:
        raise ValueError(f"{text!r} is out of the range of timestamps") from None


def _match(text: str, iso: re.Pattern[str], pattern: str | None, kind: str) -> dict[str, str | None]:
    found = iso.fullmatch(text)
    if not found and pattern:
        written = [_group(part) if is_field else re.escape(part) for part, is_field in tokens(pattern)]
        found = re.fullmatch("".join(written), text)
    if not found:
        also = f" nor of the format {pattern}" if pattern else ""
        raise ValueError(f"{text!r} is not an ISO 8601 {kind}{also}")
    return found.groupdict()


def _group(field: str) -> str:
    name, expression = FIELDS[field]
    return f"(?P<{name}>{expression})"


def _day(found: dict[str, str | None]) -> date:
    year, month, day = (found[part] or "" for part in ("year", "month", "day"))
    named = [at for at, name in enumerate(_MONTHS, 1) if month and name.startswith(month)]
    return date(int(year) + (2000 if len(year) == 2 else 0), named[0] if named else int(month), int(day))


def _clock(found: dict[str, str | None]) -> time:
    fraction = (found.get("fraction") or "0").ljust(6, "0")
    hour, minute, second = (int(found.get(part) or 0) for part in ("hour", "minute", "second"))
    if half := found.get("half"):
        hour = int(half) % 12 + (12 if found["am"] == "PM" else 0)
    return time(hour, minute, second, int(fraction))


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if text[0] == "-" else shift)
