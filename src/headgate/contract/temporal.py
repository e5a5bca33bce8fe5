"""Dates, times and timestamps: JDK format patterns as far as they are read, and values in contracts.

A pattern is kept in one normal form, whose fields are `FIELDS` and whose letters are quoted: whoever renders it
needs no more than `tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

FIELDS = ("yyyy", "uuuu", "MM", "dd", "HH", "mm", "ss", "SSS", "SSSSSS", "X", "XXX")
DATE_FIELDS = frozenset({"yyyy", "uuuu", "MM", "dd"})
ZONE_FIELDS = frozenset({"X", "XXX"})

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_GROUPS = {
    "yyyy": r"(?P<year>[0-9]{4})",
    "uuuu": r"(?P<year>[0-9]{4})",
    "MM": r"(?P<month>[0-9]{2})",
    "dd": r"(?P<day>[0-9]{2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "SSS": r"(?P<fraction>[0-9]{3})",
    "SSSSSS": r"(?P<fraction>[0-9]{6})",
    "X": r"(?P<zone>Z|[+-][0-9]{2}(?:[0-9]{2})?)",
    "XXX": r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})",
}
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
_ZONE = r" ?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_ISO_DATE = re.compile(_DATE)
_ISO_TIME = re.compile(_CLOCK)
_ISO_TIMESTAMP = re.compile(rf"{_DATE}(?:[T ]{_CLOCK})?(?:{_ZONE})?")


def tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """The parts of a pattern in normal form: ``("yyyy", True)`` is a field, ``("-", False)`` is text."""
    for found in _TOKEN.finditer(pattern):
        if found[1] is not None:
            yield found[1].replace("''", "'") or "'", False
        else:
            yield found[0], found[2] is not None


def normal(pattern: str, kind: str) -> str:
    """The pattern in normal form for a ``date``, ``timestamp`` or ``time``; empty for ISO 8601.

    The standard's examples write ``T`` without quotes, and ``Z`` for offsets like +10:00: both are taken as meant.
    Raises ValueError, in words, for a pattern that is not read here.
    """
    if pattern == {"timestamp": "date-time"}.get(kind, kind):
        return ""  # JSON Schema's names for ISO 8601, which is what is read without a format
    if "".join(found[0] for found in _TOKEN.finditer(pattern)) != pattern:
        raise ValueError(f"a quote in the format {pattern!r} is not closed")
    parts, fields = [], []
    for text, is_field in tokens(pattern):
        field = {"Z": "XXX"}.get(text, text)
        if is_field and field in FIELDS:
            fields.append(field)
            parts.append(field)
        elif is_field and text != "T":
            raise ValueError(f"{text!r} in the format {pattern!r} is not read here")
        else:
            parts.append("'" + text.replace("'", "''") + "'" if re.search("[A-Za-z']", text) else text)
    seen = [field.replace("u", "y").rstrip("SX") or field[0] for field in fields]
    if len(set(seen)) < len(seen):
        raise ValueError(f"the format {pattern!r} names a field twice")
    needed = {"date": {"yyyy", "MM", "dd"}, "timestamp": {"yyyy", "MM", "dd", "HH"}, "time": {"HH"}}[kind]
    if not needed <= set(seen):
        raise ValueError(f"the format {pattern!r} does not make a {kind}")
    if kind == "date" and not set(fields) <= DATE_FIELDS:
        raise ValueError(f"the format {pattern!r} has a time, which a date has not")
    if kind == "time" and set(fields) & (DATE_FIELDS | ZONE_FIELDS):
        raise ValueError(f"the format {pattern!r} has a date or an offset, which a time has not")
    return "".join(parts)


def has_zone(pattern: str) -> bool:
    return any(is_field and text in ZONE_FIELDS for text, is_field in tokens(pattern))


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
        found = re.fullmatch(
            "".join(_GROUPS[part] if is_field else re.escape(part) for part, is_field in tokens(pattern)),
            text,
        )
    if not found:
        also = f" nor of the format {pattern}" if pattern else ""
        raise ValueError(f"{text!r} is not an ISO 8601 {kind}{also}")
    return found.groupdict()


def _day(found: dict[str, str | None]) -> date:
    return date(*(int(found[part] or 0) for part in ("year", "month", "day")))


def _clock(found: dict[str, str | None]) -> time:
    fraction = (found.get("fraction") or "0").ljust(6, "0")
    hour, minute, second = (int(found.get(part) or 0) for part in ("hour", "minute", "second"))
    return time(hour, minute, second, int(fraction))


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if text[0] == "-" else shift)
