"""customProperties of vendor ``headgate``: what the standard has no word for."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Literal, cast, get_args

from headgate.contract.document import Document, refuse
from headgate.contract.json_schema import Path, Value, text_of
from headgate.model.contract import Dialect
from headgate.model.rule import OnFail, Scope, Waiver

VENDOR = "headgate"
Level = Literal["contract", "object", "property", "rule"]
FileFormat = Literal["csv", "parquet", "jsonl"]

_TABLE = ("contract", "object")
_ANY = ("contract", "object", "property", "rule")
LEVELS: dict[str, tuple[str, ...]] = {
    "onFail": _ANY,
    "scope": _ANY,
    "maxQuarantined": _TABLE,
    "orderBy": _TABLE,
    "csv": _TABLE,
    "extraColumns": _TABLE,
    "missingColumns": _TABLE,
    "format": _TABLE,
    "dialect": ("rule",),
    "where": ("object", "property", "rule"),
    "warn": ("rule",),
    "tolerance": ("rule",),
    "waiver": ("object", "property", "rule"),
    "mask": ("contract", "object", "property"),
    "segmentBy": ("rule",),
}
_CSV = ("delimiter", "quote", "encoding", "header", "null")


Written = tuple[Value, Path]  # a value that is read later, and where it stands


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a measure may be beyond its bound. ``relative``: a share of the bound's size."""

    absolute: Decimal = Decimal(0)
    relative: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Settings:
    """What one place in a contract says; None where it says nothing."""

    on_fail: OnFail | None = None
    scope: Scope | None = None
    max_quarantined: Decimal | None = None
    order_by: str | None = None
    csv: Dialect | None = None
    extra_columns: Literal["fail", "drop"] | None = None
    missing_columns: Literal["fail", "null"] | None = None
    format: FileFormat | None = None
    dialect: str | None = None
    mask: bool | None = None
    order_by_path: Path = ()
    where: Written | None = None
    warn: Written | None = None
    tolerance: Tolerance | None = None
    waiver: Waiver | None = None
    segment_by: Written | None = None

    def over(self, outer: Settings) -> Settings:
        """These settings, and the ``outer`` ones where these say nothing."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(outer, **{name: v for name, v in said.items() if v is not None and v != ()})


def settings(document: Document, path: Path, custom: Value, level: Level) -> Settings:
    """The ``customProperties`` at ``path``, a place of this level. Raises ContractUnusable for what is not known."""
    found: dict[str, object] = {}
    for at, one in enumerate(custom if isinstance(custom, list) else []):
        if not isinstance(one, dict) or str(one.get("vendor") or "").casefold() != VENDOR:
            continue
        name, here = str(one["property"]), (*path, "customProperties", at)
        if name not in LEVELS:
            close = difflib.get_close_matches(name, LEVELS, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there is {', '.join(LEVELS)}"
            refuse(document, (*here, "property"), f"{VENDOR} has no property {name!r}", hint)
        if level not in LEVELS[name]:
            refuse(document, here, f"{name} does not belong to {_A[level]}", f"it belongs to {_places(name)}")
        key = _snake(name)
        if key in found:
            refuse(document, here, f"{name} stands there twice", "keep one of them")
        if name in _LATER:
            found[key] = (one.get("value"), (*here, "value"))
            continue
        try:
            found[key] = _read(name, one.get("value"))
        except ValueError as error:
            refuse(document, (*here, "value"), f"{name} {error}", _FORMS[name])
        if name == "orderBy":
            found["order_by_path"] = (*here, "value")
    return Settings(**found)  # type: ignore[arg-type]  # names and values are matched by `_read`


def refuse_misplaced(document: Document) -> None:
    """Raise ContractUnusable for settings that stand where nobody reads them, as at a team."""
    for path, vendor, name in _custom(dict(document.tree), ()):
        if vendor != VENDOR:
            continue
        if not _READ.fullmatch(text_of(path)):
            known = f"{name} belongs to {_places(name)}" if name in LEVELS else "take it out"
            refuse(document, path, f"{VENDOR} reads no setting here", known)


def unclaimed(document: Document) -> Iterator[tuple[Path, str]]:
    """Where a setting of ours seems to be meant, and its vendor does not say so."""
    for path, vendor, name in _custom(dict(document.tree), ()):
        if (
            name in LEVELS
            and vendor != VENDOR
            and (not vendor or difflib.get_close_matches(vendor, [VENDOR]))
        ):
            yield path, name


def _custom(value: Value, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Every custom property, with its vendor and name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "customProperties" and isinstance(inner, list):
                for at, one in enumerate(inner):
                    if isinstance(one, dict):
                        vendor = str(one.get("vendor") or "").strip().casefold()
                        yield (*path, name, at), vendor, str(one.get("property"))
            elif isinstance(inner, dict | list):
                yield from _custom(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _custom(inner, (*path, at))


def _places(name: str) -> str:
    *most, last = (_A[level] for level in LEVELS[name])
    return f"{', '.join(most)} or {last}" if most else last


_A = {"contract": "a contract", "object": "an object", "property": "a property", "rule": "a rule"}
_READ = re.compile(
    r"(?:(?:schema\[\d+\](?:\.properties\[\d+\](?:\.properties\[\d+\]|\.items|\.map\.(?:key|value))*)?"
    r"(?:\.(?:quality|relationships)\[\d+\])?|slaProperties\[\d+\])\.)?customProperties\[\d+\]"
)
_LATER = ("where", "warn", "segmentBy")  # what speaks of columns and their types, which are not known here
_FORMS = {
    "onFail": "use quarantine_batch, quarantine_rows or warn",
    "scope": "use table or delivery",
    "maxQuarantined": 'use a share: "5%" or 0.05',
    "orderBy": "use the name of a property",
    "csv": 'use a map: {delimiter: ";", quote: \'"\', encoding: utf-8, header: true, null: [NA]}',
    "extraColumns": "use fail or drop",
    "missingColumns": "use fail or null",
    "format": "use csv, parquet or jsonl",
    "dialect": "use the name of a SQL dialect, like duckdb or spark",
    "tolerance": "use {abs: 0.5}, {rel: 1%} or both",
    "waiver": 'use {reason: "...", expires: 2026-12-31, upTo: 1%}; upTo may be left out',
    "mask": "use true or false",
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "onFail": get_args(OnFail),
    "scope": get_args(Scope),
    "extraColumns": ("fail", "drop"),
    "missingColumns": ("fail", "null"),
    "format": get_args(FileFormat),
}


def _read(name: str, value: Value) -> object:
    if name == "missingColumns" and value is None:
        return "null"  # `value: null` is what YAML makes of the word
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ValueError(f"cannot be {value!r}")
        return value
    if name == "mask":
        if not isinstance(value, bool):
            raise ValueError(f"cannot be {value!r}")
        return value
    if name == "maxQuarantined":
        return _share(value)
    if name in _MAPS:
        return _MAPS[name](value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is no name")
    return value.strip()


def _share(value: Value) -> Decimal:
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)\s*", value)):
        share = Decimal(found[1]) / (100 if found[2] else 1)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        share = Decimal(value)
    else:
        raise ValueError(f"cannot be {value!r}")
    if not 0 <= share <= 1:
        raise ValueError(f"{value} is not between 0 and 100 %")
    return share


def _map(value: Value, known: tuple[str, ...]) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise ValueError("is no map")  # noqa: TRY004  # about a contract's value, not a caller's type
    for name in value:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            also = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"knows no {name!r}{also}")
    return value


def tolerance(value: Value) -> Tolerance:
    """Raises ValueError, in words."""
    given = _map(value, ("abs", "rel"))
    absolute = given.get("abs", 0)
    if isinstance(absolute, bool) or not isinstance(absolute, int | Decimal) or absolute < 0:
        raise ValueError(f"cannot be {absolute!r}: abs is a number, 0 or more")
    found = Tolerance(Decimal(absolute), _share(given.get("rel", 0)))
    if found == Tolerance():
        raise ValueError("allows nothing")
    return found


def waiver(value: Value) -> Waiver:
    """Raises ValueError, in words."""
    given = _map(value, ("reason", "expires", "upTo"))
    reason, expires = given.get("reason"), given.get("expires")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError("gives no reason")
    try:
        day = date.fromisoformat(expires if isinstance(expires, str) else "")
    except ValueError:
        raise ValueError(f"has no day on which it expires, but {expires!r}") from None
    return Waiver(reason.strip(), day, _share(given["upTo"]) if "upTo" in given else None)


def dialect(value: Value) -> Dialect:
    """How text files are written. Raises ValueError, in words."""
    value = _map(value, _CSV)
    base = Dialect()
    delimiter = value.get("delimiter", base.delimiter)
    quote = value.get("quote", base.quote)
    header = value.get("header", base.header)
    null = value.get("null", [])
    null = [null] if isinstance(null, str) else null
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '\r\n"':
        raise ValueError(f"cannot have the delimiter {delimiter!r}: it is one character")
    if not isinstance(quote, str) or len(quote) > 1 or (quote and quote in f"\r\n{delimiter}"):
        raise ValueError(f"cannot have the quote {quote!r}: it is one character, or none")
    if not isinstance(header, bool):
        raise ValueError("header is true or false")  # noqa: TRY004  # as above
    if not isinstance(null, list) or not all(isinstance(one, str) for one in null):
        raise ValueError("null is a list of texts")
    return Dialect(
        delimiter,
        quote,
        encoding(value.get("encoding", base.encoding)),
        header,
        tuple(cast("list[str]", null)),
    )


def encoding(name: Value) -> str:
    """An encoding's name as Python spells it. Raises ValueError."""
    try:
        return codecs.lookup(str(name)).name
    except LookupError:
        raise ValueError(f"knows no encoding {name!r}") from None


_MAPS: dict[str, Callable[[Value], object]] = {"csv": dialect, "tolerance": tolerance, "waiver": waiver}


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name)
