r"""Spark SQL as text: literals that no setting of the session changes, and raw text as values of a contract's types.

A session may be set to read backslashes, double quotes and ``${...}`` in a query in ways of its own: so whatever
is not plainly harmless is written as bytes. Casts are tried (`try_cast`), and only on text whose form was looked
at first: Spark alone takes ``1d`` for a number and `` 1 `` for an integer. Times never pass the session's zone.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from headgate.edge.cast_text import FALSE, TRUE
from headgate.edge.jdk_format import reading
from headgate.model.contract import DecimalType, TimestampType

_HARMLESS = re.compile(r"[A-Za-z0-9 _.,:;+/=@#%-]*")
_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DATE = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FRACTION = r"(?:\.[0-9]{1,6}0*)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIRST_MICROSECOND = -62_135_596_800_000_000  # of year 1, in UTC
LAST_MICROSECOND = 253_402_300_799_999_999  # of year 9999


# -- literals -----------------------------------------------------------------------------------------------


def text(value: str) -> str:
    """A string."""
    if _HARMLESS.fullmatch(value):
        return f"'{value}'"
    return f"cast(X'{value.encode('utf-8', 'surrogatepass').hex()}' as string)"


def quoted(name: str) -> str:
    """A column's or a field's name."""
    return "`" + name.replace("`", "``") + "`"


def double(value: float) -> str:
    return f"double('{'NaN' if math.isnan(value) else repr(value)}')"


def literal(value: Any) -> str:
    """A value as `folding` gives it: of the very type that it is compared with."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}L"
        case float():
            return double(value)
        case Decimal():
            return decimal_literal(value)
        case str():
            return text(value)
        case datetime() if value.tzinfo is not None:
            return f"timestamp_micros({(value - _EPOCH) // (datetime.resolution)}L)"
        case datetime():
            return f"timestamp_ntz'{value.isoformat(sep=' ')}'"
        case date():
            return f"date'{value.isoformat()}'"
        case time():
            return f"'{value.isoformat('microseconds')}'"
    raise TypeError(f"no literal for {type(value).__name__}")


def decimal_literal(value: Decimal) -> str:
    digits = value.as_tuple()
    exponent = digits.exponent if isinstance(digits.exponent, int) else 0
    scale = max(0, -exponent)
    precision = max(len(digits.digits) + max(0, exponent), scale, 1)
    return f"cast('{value:f}' as decimal({precision},{scale}))"


def matches(e: str, regex: str) -> str:
    return f"regexp_like({e}, {text(regex)})"


def when(condition: str, then: str) -> str:
    return f"case when {condition} then {then} end"


# -- raw text as values -------------------------------------------------------------------------------------


def integer(e: str) -> str:
    return when(matches(e, r"\A[+-]?[0-9]+\z"), f"try_cast({e} as bigint)")


def number(e: str) -> str:
    """Finite; never ``1.``."""
    form = r"\A[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\z"
    value = f"try_cast({e} as double)"
    return when(f"{matches(e, form)} and abs({value}) < double('Infinity')", value)


def decimal(e: str, kind: DecimalType) -> str:
    form = rf"\A[+-]?(?:[0-9]+(?:\.[0-9]{{1,{kind.scale}}}0*)?|\.[0-9]{{1,{kind.scale}}}0*)\z"
    if kind.scale == 0:
        form = r"\A[+-]?(?:[0-9]+(?:\.0+)?|\.0+)\z"
    return when(matches(e, form), f"try_cast({e} as decimal({kind.precision},{kind.scale}))")


def boolean(e: str) -> str:
    true, false = (", ".join(text(t) for t in texts) for texts in (TRUE, FALSE))
    return f"case when {e} in ({true}) then true when {e} in ({false}) then false end"


def date_(e: str, pattern: str | None) -> str:
    if pattern is not None and pattern not in {"yyyy-MM-dd", "uuuu-MM-dd"}:
        return f"cast(try_cast({_by_pattern(e, pattern)[0]} as timestamp_ntz) as date)"
    return when(matches(e, rf"\A{_DATE}\z"), f"try_cast({e} as date)")


def timestamp(e: str, kind: TimestampType) -> str:
    """An instant, or a wall-clock time without a zone."""
    if kind.format is not None:
        local, zone = _by_pattern(e, kind.format)
        if zone is not None:
            return _instant(local, zone) if kind.zoned else "cast(null as timestamp_ntz)"
        return _in_zone(local, kind.default_zone) if kind.zoned else f"try_cast({local} as timestamp_ntz)"
    joined = f"replace({e}, ' ', 'T')"
    joined = when(matches(e, rf"\A{_DATE}[ T]"), joined)
    local = when(matches(joined, rf"\A{_DATE}T{_TIME}{_FRACTION}\z"), joined)
    if not kind.zoned:
        return f"try_cast({local} as timestamp_ntz)"
    fits = matches(joined, rf"\A{_DATE}T{_TIME}{_FRACTION}{_ZONE}\z")
    split = text(r"\A(.{19}(?:\.[0-9]+)?)(.+)\z")
    read = when(
        fits, _instant(f"regexp_extract({joined}, {split}, 1)", f"regexp_extract({joined}, {split}, 2)")
    )
    return read if kind.default_zone is None else f"coalesce({read}, {_in_zone(local, kind.default_zone)})"


def time_(e: str, pattern: str | None) -> str:
    """As text of 15 characters (``12:30:00.000000``), which sorts as times do: Spark's own type is no more than a
    preview.
    """
    if pattern is not None:
        local = _by_pattern(e, pattern)[0]
        valid = f"try_cast({local} as timestamp_ntz) is not null"
        return when(valid, f"rpad(substring({local}, 12), 15, '0')")
    padded = (
        f"rpad(substring(concat({e}, case when contains({e}, '.') then '' else '.' end), 1, 15), 15, '0')"
    )
    return when(matches(e, rf"\A{_TIME}{_FRACTION}\z"), padded)


def _instant(local: str, zone: str) -> str:
    """From a wall-clock time (ISO, as text) and its distance from UTC."""
    micros = f"unix_micros(try_cast(concat({local}, 'Z') as timestamp))"
    digits = f"rpad(replace(substring({zone}, 2), ':', ''), 4, '0')"
    minutes = f"(try_cast(substring({digits}, 1, 2) as bigint) * 60L + try_cast(substring({digits}, 3, 2) as bigint))"
    sign = f"case when startswith({zone}, '-') then 1L else -1L end"
    shifted = f"{micros} + case when {zone} = 'Z' then 0L else {sign} * {minutes} * 60000000L end"
    return when(
        f"({shifted}) between {FIRST_MICROSECOND}L and {LAST_MICROSECOND}L", f"timestamp_micros({shifted})"
    )


def _in_zone(local: str, zone: str | None) -> str:
    return in_zone(f"try_cast(concat({local}, 'Z') as timestamp)", zone)


def in_zone(wall_clock: str, zone: str | None) -> str:
    """Wall-clock times, given as if they were UTC, as instants. Of two that a clock change makes alike the earlier;
    a skipped one is none.
    """
    if zone is None:
        return "cast(null as timestamp)"
    shifted = f"to_utc_timestamp({wall_clock}, {text(zone)})"
    return when(f"from_utc_timestamp({shifted}, {text(zone)}) = {wall_clock}", shifted)


def as_if_utc(wall_clock: str) -> str:
    """A timestamp without zone as the instant at which clocks in UTC show it."""
    parts = ", ".join(f"{part}({wall_clock})" for part in ("year", "month", "day", "hour", "minute"))
    return f"try_make_timestamp_ltz({parts}, extract(second from {wall_clock}), 'UTC')"


def wall_clock_utc(instant: str) -> str:
    """An instant as the timestamp without zone that clocks in UTC show."""
    seconds = f"cast(unix_micros({instant}) as decimal(20,0)) / 1000000"
    return f"timestamp_ntz'1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, {seconds})"


def _by_pattern(e: str, pattern: str) -> tuple[str, str | None]:
    """Text written by a JDK pattern as ISO text without its zone, and the zone. May raise `Unsupported`."""
    read = reading(pattern)
    names = re.findall(r"\(\?P<(\w+)>", read.regex)
    regex = text(re.sub(r"\(\?P<\w+>", "(", read.regex))
    part = {name: f"regexp_extract({e}, {regex}, {i + 1})" for i, name in enumerate(names)}
    year = part["y"] if "y" in part else f"concat('20', {part['yy']})" if "yy" in part else "'1970'"
    month = f"lpad({part['m']}, 2, '0')" if "m" in part else "'01'"
    if "b" in part:
        numbers = " ".join(f"when '{m}' then '{i + 1:02}'" for i, m in enumerate(_MONTHS))
        month = f"case substring({part['b']}, 1, 3) {numbers} end"
    day = f"lpad({part['d']}, 2, '0')" if "d" in part else "'01'"
    hour = f"lpad({part['H']}, 2, '0')" if "H" in part else "'00'"
    if "h" in part:
        twelve = f"try_cast({part['h']} as int)"
        after_noon = f"case when {part['a']} = 'PM' then 12 else 0 end"
        whole = f"lpad(cast({twelve} % 12 + {after_noon} as string), 2, '0')"
        hour = when(f"{twelve} between 1 and 12", whole)
    minute = f"lpad({part['M']}, 2, '0')" if "M" in part else "'00'"
    second = f"lpad({part['S']}, 2, '0')" if "S" in part else "'00'"
    fraction = part.get("f", "'0'")
    joined = f"concat({year}, '-', {month}, '-', {day}, 'T', {hour}, ':', {minute}, ':', {second}, '.', {fraction})"
    iso = matches(joined, rf"\A{_DATE}T{_TIME}{_FRACTION}\z")
    return when(f"regexp_like({e}, {regex}) and {iso}", joined), part.get("z")
