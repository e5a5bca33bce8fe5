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

_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}0*)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_FINER_THAN_MICROSECONDS = r"\.[0-9]{6}[0-9]*[1-9]"


def integer(text: pl.Expr) -> pl.Expr:
    """``[+-]?[0-9]+`` within 64 bits: what Polars' cast takes."""
    return text.cast(pl.Int64, strict=False)


def number(text: pl.Expr) -> pl.Expr:
    """``1``, ``1.5``, ``.5``, each with an exponent if need be; never ``1.``, NaN or infinite."""
    value = text.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite() & ~text.str.contains(r"\.(?:[eE]|\z)")).then(value)


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
        value = _by_pattern(text, pattern).dt.date()
    else:
        value = text.str.to_date("%Y-%m-%d", strict=False)
        value = pl.when(text.str.contains(rf"\A{_DATE}\z")).then(value)
    return pl.when(value.dt.year() >= 1).then(value)


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
        return pl.when(value.dt.year() >= 1).then(value)
    joined = text.str.replace(" ", "T", literal=True)
    plain = r"\A" + _DATE + "[T ]" + _TIME
    if not kind.zoned:
        return _read(text, joined, rf"{plain}\z", "%Y-%m-%dT%H:%M:%S%.f")
    value = _read(text, joined, plain + _ZONE + r"\z", "%Y-%m-%dT%H:%M:%S%.f%#z")
    if kind.default_zone is None:
        return value
    local = in_zone(_read(text, joined, rf"{plain}\z", "%Y-%m-%dT%H:%M:%S%.f"), kind.default_zone)
    return pl.coalesce(value, local)


def time(text: pl.Expr, pattern: str | None) -> pl.Expr:
    """ISO 8601: 12:30:00, 12:30:00.123456; or by a JDK pattern."""
    if pattern is not None:
        return _by_pattern(text, pattern).dt.time()
    joined = pl.lit("1970-01-01T") + text
    return _read(text, joined, rf"\A{_TIME}\z", "%Y-%m-%dT%H:%M:%S%.f").dt.time()


def in_zone(value: pl.Expr, zone: str | None) -> pl.Expr:
    """Wall-clock times as instants. Of two that a clock change makes alike the earlier; a skipped one is none."""
    if zone is None:
        return pl.lit(None, UTC_MICROSECONDS)
    local = value.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _read(text: pl.Expr, joined: pl.Expr, regex: str, form: str) -> pl.Expr:
    zone = "UTC" if form.endswith("z") else None
    value = joined.str.to_datetime(form, time_unit="us", time_zone=zone, strict=False, ambiguous="earliest")
    return pl.when(text.str.contains(regex) & (value.dt.year() >= 1)).then(value)


def _by_pattern(text: pl.Expr, pattern: str) -> pl.Expr:
    """Microseconds, in UTC if the pattern has a zone, else without one."""
    read = reading(pattern)
    rewritten = text.str.replace(read.regex, read.template)
    value = rewritten.str.to_datetime(
        read.format, time_unit="us", time_zone="UTC" if read.has_zone else None, strict=False
    )
    fits = text.str.contains(read.regex) & ~rewritten.str.contains(_FINER_THAN_MICROSECONDS)
    return pl.when(fits).then(value)
