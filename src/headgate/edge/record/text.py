"""Raw text as values of a contract's types, one text at a time: what `cast_text` says of columns, without Polars.

Every function gives None where the text does not fit. Lengths are looked at before numbers are made: Python takes
time that grows faster than the text to read very long integers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from headgate.edge.jdk_format import reading
from headgate.model.contract import DecimalType, TimestampType

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
Read = Callable[[str], Any]  # None: it does not fit

_INTEGER = re.compile(r"([+-]?)([0-9]+)")
_DIGITS_SURE = 18  # so many digits are within 64 bits, whatever they are
_DIGITS_MAX = 19
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]+))?")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = r"([0-9]{2}):([0-9]{2}):([0-5][0-9])(?:\.([0-9]{1,6})0*)?"
_CLOCK = re.compile(_TIME)
_STAMP = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})[T ]{_TIME}(Z|[+-].*)?")
_ZONE = re.compile(r"([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?")
_MONTHS = {month: i + 1 for i, month in enumerate(re.findall("...", "JanFebMarAprMayJunJulAugSepOctNovDec"))}


def integer(text: str) -> int | None:
    """``[+-]?[0-9]+`` within 64 bits."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    if len(text) <= _DIGITS_SURE:
        return int(text)
    digits = found[2].lstrip("0")
    if len(digits) > _DIGITS_MAX:
        return None
    value = int(found[1] + (digits or "0"))
    return value if INT64_MIN <= value <= INT64_MAX else None


def number(text: str) -> float | None:
    """``1``, ``1.5``, ``.5``, each with an exponent if need be; never ``1.``, NaN or infinite."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def decimal(kind: DecimalType) -> Read:
    """As `number`, without an exponent; digits behind the point beyond the scale must be zeros."""
    scale, before_max = kind.scale, kind.precision - kind.scale

    def read(text: str) -> Decimal | None:
        found = _DECIMAL.fullmatch(text)
        if found is None:
            return None
        sign, before, behind = found.groups()
        if not before and behind is None:
            return None
        before, behind = before.lstrip("0"), (behind or "").rstrip("0")
        if len(before) > before_max or len(behind) > scale:
            return None
        return Decimal(f"{sign}{before or '0'}.{behind}")

    return read


def boolean(text: str) -> bool | None:
    """true and false, in lower case, upper case or capitalised; no digits, no yes or no."""
    return _BOOLEANS.get(text)


def iso_date(text: str) -> date | None:
    """ISO 8601 (2024-02-29), years 0001 to 9999."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def iso_time(text: str) -> time | None:
    """ISO 8601: 12:30:00, 12:30:00.123456."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    try:
        return time(int(hour), int(minute), int(second), _microseconds(fraction))
    except ValueError:
        return None


def date_by(pattern: str | None) -> Read:
    """Dates in ISO 8601, or by a JDK pattern. May raise `jdk_format.Unsupported`."""
    if pattern is None or pattern in {"yyyy-MM-dd", "uuuu-MM-dd"}:
        return iso_date
    read = _by_pattern(pattern)
    return lambda text: None if (found := read(text)) is None else found.date()


def time_by(pattern: str | None) -> Read:
    """Times of day in ISO 8601, or by a JDK pattern. May raise `jdk_format.Unsupported`."""
    if pattern is None:
        return iso_time
    read = _by_pattern(pattern)
    return lambda text: None if (found := read(text)) is None else found.time()


def timestamp(kind: TimestampType) -> Read:
    """ISO 8601 with T or a space, seconds and up to microseconds; or by a JDK pattern.

    Zoned: in UTC, from text with a zone (Z, +01:00, +0100, +01), or without one where ``default_zone`` says which.
    Not zoned: without. May raise `jdk_format.Unsupported`.
    """
    zone = None if kind.default_zone is None else ZoneInfo(kind.default_zone)
    if kind.format is not None:
        return _stamp_by(kind.format, zone, zoned=kind.zoned)
    zoned = kind.zoned

    def read(text: str) -> datetime | None:
        found = _STAMP.fullmatch(text)
        if found is None:
            return None
        year, month, day, hour, minute, second, fraction, offset = found.groups()
        at = (int(year), int(month), int(day), int(hour), int(minute), int(second), _microseconds(fraction))
        try:
            if offset is None:
                return in_zone(datetime(*at), zone) if zoned else datetime(*at)  # noqa: DTZ001 - a wall-clock time
            if not zoned:
                return None
            if offset == "Z":
                return datetime(*at, tzinfo=UTC)
            shift = _shift(_ZONE.fullmatch(offset))
            return None if shift is None else datetime(*at, tzinfo=timezone(shift)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    return read


def in_zone(local: datetime, zone: ZoneInfo | None) -> datetime | None:
    """A wall-clock time as an instant. Of two that a clock change makes alike the earlier; a skipped one is none."""
    if zone is None:
        return None
    try:
        found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        back = found.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return None
    return found if back == local else None


def _microseconds(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0


def _shift(found: re.Match[str] | None) -> timedelta | None:
    if found is None:
        return None
    shift = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -shift if found[1] == "-" else shift


def _stamp_by(pattern: str, zone: ZoneInfo | None, *, zoned: bool) -> Read:
    has_zone = reading(pattern).has_zone
    read = _by_pattern(pattern)
    if has_zone and not zoned:
        return lambda _: None
    if has_zone:
        return lambda text: None if (found := read(text)) is None else found.replace(tzinfo=UTC)
    if zoned:
        return lambda text: None if (found := read(text)) is None else in_zone(found, zone)
    return read


def _by_pattern(pattern: str) -> Callable[[str], datetime | None]:
    """Without a zone: in UTC if the pattern has one."""
    regex = re.compile(reading(pattern).regex.removeprefix(r"\A").removesuffix(r"\z"))

    def read(text: str) -> datetime | None:
        found = regex.fullmatch(text)
        if found is None:
            return None
        part = found.groupdict()
        fraction = part.get("f") or "0"
        if fraction[6:].strip("0"):
            return None  # finer than microseconds
        try:
            at = datetime(  # noqa: DTZ001 - the zone, if there is one, comes below
                _year(part),
                _MONTHS[part["b"][:3]] if "b" in part else int(part.get("m", 1)),
                int(part.get("d", 1)),
                _hour(part),
                int(part.get("M", 0)),
                int(part.get("S", 0)),
                _microseconds(fraction[:6]),
            )
            offset = part.get("z", "Z")
            if offset == "Z":
                return at
            shift = _shift(_ZONE.fullmatch(offset))
            return None if shift is None else at - shift
        except (ValueError, OverflowError):
            return None

    return read


def _year(part: dict[str, str]) -> int:
    if "y" in part:
        return int(part["y"])
    return 2000 + int(part["yy"]) if "yy" in part else 1970


def _hour(part: dict[str, str]) -> int:
    """Raises ValueError for an hour that is none."""
    if "h" not in part:
        return int(part.get("H", 0))
    hour = int(part["h"])
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if part["a"] == "PM" else 0)
