"""Raw text as values of a contract's types; what does not fit is null.

Every function takes the text of a column and gives its value. Where Polars' own lenient cast takes exactly what we
take, it is used alone (it is several times faster than a regular expression); what it takes beyond that is cut off.
"""

from __future__ import annotations

import polars as pl

from headgate.edge.jdk_format import reading
from headgate.model.contract import DecimalType, TimestampType

TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")
UTC_MICROSECONDS = pl.Datetime("us", "UTC")

# No year 0000: Python has none, nor has the calendar.
_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DATE = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-5][0-9]"
_FRACTION = r"(?:\.[0-9]{1,6}0*)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_FINER_THAN_MICROSECONDS = r"\.[0-9]{6}[0-9]*[1-9]"


def integer(text: pl.Expr) -> pl.Expr:
    """``[+-]?[0-9]+`` within 64 bits: what Polars' cast takes."""
    return text.cast(pl.Int64, strict=False)


def number(text: pl.Expr) -> pl.Expr:
    """``1``, ``1.5``, ``.5``, each with an exponent if need be; never ``1.``, NaN or infinite."""
    value = text.cast(pl.Float64, strict=False)
    # Looked for in what has an exponent alone, so that plain numbers need not pass another expression.
    with_exponent = pl.when(text.str.contains("[eE]")).then(text)
    dangling = text.str.ends_with(".") | with_exponent.str.contains(r"\.[eE]").fill_null(value=False)
    return pl.when(value.is_finite() & ~dangling).then(value)


def decimal(text: pl.Expr, kind: DecimalType) -> pl.Expr:
    """As `number`, without an exponent; digits behind the point beyond the scale must be zeros."""
    value = text.cast(pl.Decimal(kind.precision, kind.scale), strict=False)
    fits = text.str.contains(r"\A[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\z")
    too_fine = text.str.contains(rf"\.[0-9]{{{kind.scale}}}[0-9]*[1-9]")
    return pl.when(fits & ~too_fine).then(value)


def boolean(text: pl.Expr) -> pl.Expr:
    """true and false, in lower case, upper case or capitalised; no digits, no yes or no."""
    return (
        pl.when(text.is_in(TRUE)).then(pl.lit(value=True)).when(text.is_in(FALSE)).then(pl.lit(value=False))
    )


def date(text: pl.Expr, pattern: str | None) -> pl.Expr:
    """ISO 8601 (2024-02-29), years 0001 to 9999; or by a JDK pattern."""
    if pattern is not None and pattern not in {"yyyy-MM-dd", "uuuu-MM-dd"}:
        return _by_pattern(text, pattern).dt.date()
    value = text.str.to_date("%Y-%m-%d", strict=False, cache=False)
    return pl.when(text.str.contains(rf"\A{_DATE}\z")).then(value)


def timestamp(text: pl.Expr, kind: TimestampType) -> pl.Expr:
    """ISO 8601 with T or a space, seconds and up to microseconds; or by a JDK pattern.

    Zoned: with a zone (Z, +01:00, +0100, +01), or without one where ``default_zone`` says which. Not zoned: without.
    """
    pattern = kind.format
    if pattern is not None:
        has_zone = reading(pattern).has_zone
        value = _by_pattern(text, pattern)
        if kind.zoned and not has_zone:
            value = in_zone(value, kind.default_zone)
        elif has_zone and not kind.zoned:
            value = pl.lit(None, pl.Datetime("us"))
        return value
    joined = text.str.replace(" ", "T", literal=True)
    local = _local(joined)
    if not kind.zoned:
        return local
    # Polars is fast at a form it knows throughout, and slow at fractions and offsets: those go a way of their own.
    plain = rf"\A{_DATE}T{_TIME}Z\z"
    utc = joined.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False, cache=False)
    fast = pl.when(joined.str.contains(plain)).then(utc).dt.replace_time_zone("UTC")
    other = pl.when(~joined.str.contains(plain)).then(joined)
    slow = other.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False, cache=False
    )
    fits = other.str.contains(rf"\A{_DATE}T{_TIME}{_FRACTION}{_ZONE}\z")
    read = pl.coalesce(fast, pl.when(fits & slow.dt.year().is_between(1, 9999)).then(slow))
    return read if kind.default_zone is None else pl.coalesce(read, in_zone(local, kind.default_zone))


def _local(joined: pl.Expr) -> pl.Expr:
    """Wall-clock times with a T."""
    plain = rf"\A{_DATE}T{_TIME}\z"
    fast = joined.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False, cache=False)
    other = pl.when(~joined.str.contains(plain)).then(joined)
    slow = other.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False, cache=False)
    fits = other.str.contains(rf"\A{_DATE}T{_TIME}{_FRACTION}\z")
    return pl.coalesce(pl.when(joined.str.contains(plain)).then(fast), pl.when(fits).then(slow))


def time(text: pl.Expr, pattern: str | None) -> pl.Expr:
    """ISO 8601: 12:30:00, 12:30:00.123456; or by a JDK pattern."""
    if pattern is not None:
        return _by_pattern(text, pattern).dt.time()
    return _local(pl.lit("1970-01-01T") + text).dt.time()


def in_zone(value: pl.Expr, zone: str | None) -> pl.Expr:
    """Wall-clock times as instants. Of two that a clock change makes alike the earlier; a skipped one is none."""
    if zone is None:
        return pl.lit(None, UTC_MICROSECONDS)
    local = value.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _by_pattern(text: pl.Expr, pattern: str) -> pl.Expr:
    """Microseconds, in UTC if the pattern has a zone, else without one."""
    read = reading(pattern)
    rewritten = text.str.replace(read.regex, read.template)
    value = rewritten.str.to_datetime(
        read.format, time_unit="us", time_zone="UTC" if read.has_zone else None, strict=False
    )
    fits = text.str.contains(read.regex) & ~rewritten.str.contains(_FINER_THAN_MICROSECONDS)
    fits = fits & value.dt.year().is_between(1, 9999)
    return pl.when(fits).then(value)
