"""Raw text as values of a contract's types, in SQL: the twin of `cast_text`, which is the specification.

Every function takes an expression of text and gives one of its value, NULL where the text does not fit. The
database's own casts take more than we do (blanks, underscores, hexadecimals, ``epoch``): what it may cast is
settled by a pattern first.
"""

from __future__ import annotations

import re

from headgate.edge.cast_text import FALSE, TRUE
from headgate.edge.jdk_format import reading
from headgate.edge.sql.dialect import Dialect
from headgate.model.contract import DecimalType, TimestampType

_NUMBER = r"\A[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\z"
_PLAIN_NUMBER = r"\A[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\z"
# No year 0000: Python has none, nor has the calendar.
_DATE = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"  # 24:00 would be the next day's midnight
_FRACTION = r"(?:\.[0-9]{1,6}0*)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_LOCAL = 26  # characters of a date, T, and a time with six digits behind the point
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def integer(d: Dialect, e: str) -> str:
    return _if(d.matches(e, r"\A[+-]?[0-9]+\z"), d.try_cast(e, "BIGINT"))


def number(d: Dialect, e: str) -> str:
    value = d.try_cast(e, "DOUBLE")
    return _if(f"{d.matches(e, _NUMBER)} AND {d.finite(value)}", value)


def decimal(d: Dialect, e: str, kind: DecimalType) -> str:
    too_fine = d.matches(e, rf"\.[0-9]{{{kind.scale}}}[0-9]*[1-9]")
    value = d.try_cast(e, f"DECIMAL({kind.precision}, {kind.scale})")
    return _if(f"{d.matches(e, _PLAIN_NUMBER)} AND NOT {too_fine}", value)


def boolean(d: Dialect, e: str) -> str:
    true, false = (", ".join(map(d.text, texts)) for texts in (TRUE, FALSE))
    return f"CASE WHEN {e} IN ({true}) THEN TRUE WHEN {e} IN ({false}) THEN FALSE END"


def date(d: Dialect, e: str, pattern: str | None) -> str:
    if pattern is not None and pattern not in {"yyyy-MM-dd", "uuuu-MM-dd"}:
        value, _ = _by_pattern(d, e, pattern)
        return f"CAST({value} AS DATE)"
    return _if(d.matches(e, rf"\A{_DATE}\z"), d.try_cast(e, "DATE"))


def timestamp(d: Dialect, e: str, kind: TimestampType) -> str:
    if kind.format is not None:
        value, has_zone = _by_pattern(d, e, kind.format)
        if has_zone:
            return value if kind.zoned else "CAST(NULL AS TIMESTAMP)"
        return in_zone(d, value, kind.default_zone) if kind.zoned else value
    local = _if(
        d.matches(e, rf"\A{_DATE}[T ]{_TIME}{_FRACTION}\z"), d.try_cast(f"left({e}, {_LOCAL})", "TIMESTAMP")
    )
    if not kind.zoned:
        return local
    plain = rf"\A{_DATE}[T ]{_TIME}Z\z"
    zoned = rf"\A({_DATE}[T ]{_TIME})({_FRACTION})({_ZONE})\z"
    parts = [d.group(e, zoned, n) for n in (1, 2, 3)]
    instant = d.try_cast(f"{parts[0]} || left({parts[1]}, 7) || {_offset(parts[2])}", "TIMESTAMPTZ")
    read = (
        f"CASE WHEN {d.matches(e, plain)} THEN {d.try_cast(e, 'TIMESTAMPTZ')} "
        f"WHEN {d.matches(e, zoned)} THEN {_in_calendar(instant)} END"
    )
    if kind.default_zone is None:
        return read
    return f"COALESCE({read}, {in_zone(d, local, kind.default_zone)})"


def time(d: Dialect, e: str, pattern: str | None) -> str:
    if pattern is not None:
        value, _ = _by_pattern(d, e, pattern)
        return f"CAST({value} AS TIME)"
    return _if(d.matches(e, rf"\A{_TIME}{_FRACTION}\z"), d.try_cast(f"left({e}, 15)", "TIME"))


def in_zone(d: Dialect, e: str, zone: str | None) -> str:
    """Wall-clock times as instants. Of two that a clock change makes alike the earlier; a skipped one is none.

    Databases differ in both. So the offsets of the day before and of the day after are tried, in this order: with
    the clock put back, the earlier offset gives the earlier instant; one that does not read back as the same
    wall-clock time is none.
    """
    if zone is None:
        return "CAST(NULL AS TIMESTAMPTZ)"

    def tried(days: str) -> str:
        utc = d.in_zone(f"({e} {days})", "UTC")
        offset = f"({d.in_zone(utc, zone)} - ({e} {days}))"
        return d.in_zone(f"({e} - {offset})", "UTC")

    before, after = tried("- INTERVAL 1 DAY"), tried("+ INTERVAL 1 DAY")
    return (
        f"CASE WHEN {d.in_zone(before, zone)} = {e} THEN {before} "
        f"WHEN {d.in_zone(after, zone)} = {e} THEN {after} END"
    )


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _in_calendar(instant: str) -> str:
    """Years 1 to 9999 in UTC."""
    low, high = "TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '10000-01-01 00:00:00+00'"
    return f"CASE WHEN {instant} >= {low} AND {instant} < {high} THEN {instant} END"


def _offset(zone: str) -> str:
    """Z, +01, +0100 and +01:00 as +01:00."""
    minutes = f"CASE WHEN length({zone}) > 3 THEN right({zone}, 2) ELSE '00' END"
    return f"(CASE WHEN {zone} = 'Z' THEN '+00:00' ELSE left({zone}, 3) || ':' || {minutes} END)"


def _by_pattern(d: Dialect, e: str, pattern: str) -> tuple[str, bool]:
    """TIMESTAMPTZ if the pattern has a zone, else TIMESTAMP."""
    read = reading(pattern)
    groups = re.compile(read.regex.removesuffix(r"\z")).groupindex
    # Databases count groups and do not name them.
    regex = re.sub(r"\(\?P<[A-Za-z]+>", "(", read.regex)

    def part(name: str) -> str:
        return d.group(e, regex, groups[name])

    def two(name: str, otherwise: str) -> str:
        return f"lpad({part(name)}, 2, '0')" if name in groups else f"'{otherwise}'"

    year = part("y") if "y" in groups else f"'20' || {part('yy')}" if "yy" in groups else "'1970'"
    month = two("m", "01")
    if "b" in groups:
        listed = ", ".join(f"'{month}'" for month in _MONTHS)
        month = f"lpad(CAST(list_position([{listed}], left({part('b')}, 3)) AS VARCHAR), 2, '0')"
    conditions = [d.matches(e, regex)]
    hour = two("H", "00")
    if "h" in groups:
        clock = d.try_cast(part("h"), "INTEGER")
        noon = f"CASE WHEN {part('a')} = 'PM' THEN 12 ELSE 0 END"
        hour = f"lpad(CAST({clock} % 12 + {noon} AS VARCHAR), 2, '0')"
        conditions.append(f"{clock} BETWEEN 1 AND 12")
    elif "H" in groups:
        conditions.append(f"{hour} < '24'")
    text = f"{year} || '-' || {month} || '-' || {two('d', '01')} || ' ' || {hour} || ':' || {two('M', '00')}"
    text += f" || ':' || {two('S', '00')}"
    if "f" in groups:
        conditions.append(f"NOT {d.matches(part('f'), '[0-9]{6}[0-9]*[1-9]')}")
        text += f" || '.' || rpad(left({part('f')}, 6), 6, '0')"
    conditions.append(f"{year} <> '0000'")
    if not read.has_zone:
        return _if(" AND ".join(conditions), d.try_cast(text, "TIMESTAMP")), False
    zone = part("z")
    conditions.append(
        f"({zone} = 'Z' OR (substr({zone}, 2, 2) < '24' AND substr({_offset(zone)}, 5, 2) < '60'))"
    )
    instant = d.try_cast(f"{text} || {_offset(zone)}", "TIMESTAMPTZ")
    return _if(" AND ".join(conditions), _in_calendar(instant)), True
