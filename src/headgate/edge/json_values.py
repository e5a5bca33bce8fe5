"""Nested values that stand in text as JSON, as values of a contract's types; in Python, a value at a time.

Nothing else judges JSON strictly: a number is taken by its digits, never through a double where the type is exact;
an undeclared field with a value does not fit, nor do two keys of a map that are one value of their type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, Self

from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    ColumnType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
)

Read = Callable[[ColumnType, str], Any]  # a text as a value of a plain type; None: it does not fit

_DIGITS_MAX = 60  # of a number whose exponent is written out
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")


class _Number(float):
    """A JSON number with a fraction or an exponent; ``text``: its digits as they were written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made


class _Misfit(Exception):
    pass


def parsed(cell: str | None) -> Any:
    """What a cell says; None also for what is no JSON."""
    if cell is None:
        return None
    try:
        found = json.loads(cell, parse_float=_Number, parse_int=_whole, parse_constant=_no_number)
        if "\\u" in cell:
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return found


def _whole(text: str) -> int | _Number:
    return int(text) if len(text) <= _DIGITS_MAX else _Number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def scalars(value: Any, kind: ColumnType) -> Iterator[tuple[ColumnType, str]]:
    """What `fitted` will ask to be read: the scalars within a value, each with its type, as text."""
    match kind:
        case ArrayType(items) if isinstance(value, list):
            for one in value:
                yield from scalars(one, items or AnyType())
        case ObjectType(fields) if isinstance(value, dict):
            for name, inner in fields:
                yield from scalars(value.get(name), inner)
        case MapType(key, inner) if isinstance(value, dict):
            for name, one in value.items():
                yield from scalars(name, key)
                yield from scalars(one, inner)
        case AnyType() | StringType() | ArrayType() | ObjectType() | MapType():
            return
        case _:
            text = _text(value, kind)
            if text is not None:
                yield kind, text


def _text(value: Any, kind: ColumnType) -> str | None:
    """A scalar as the text that its type reads; None if there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("true" if value else "false") if isinstance(kind, BooleanType) else None
    if isinstance(value, int | float) and isinstance(kind, IntegerType | NumberType | DecimalType):
        written = value.text if isinstance(value, _Number) else str(value)
        return written if isinstance(kind, NumberType) else _plain(written)
    return None


def _plain(written: str) -> str | None:
    """A JSON number without exponent, and without zeros behind the point: 1.0 and 1e2 are integers."""
    found = _NUMBER.fullmatch(written)
    if found is None:
        return None
    sign, whole, fraction, power = found[1], found[2], found[3] or "", int((found[4] or "0")[:9])
    if abs(power) > _DIGITS_MAX:
        return "0" if not (whole + fraction).strip("0") else None
    digits = (whole + fraction).lstrip("0")
    scale = len(fraction) - power
    if scale <= 0:
        return f"{sign}{digits}{'0' * -scale}" if digits else "0"
    digits = digits.rjust(scale + 1, "0")
    whole, fraction = digits[:-scale], digits[-scale:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def fitted(value: Any, kind: ColumnType, read: Read) -> Any:
    """A parsed value as one of ``kind``; None where it does not fit, down to its innermost item."""
    try:
        return _fit(value, kind, read)
    except _Misfit:
        return None


def _fit(value: Any, kind: ColumnType, read: Read) -> Any:
    if value is None:
        return None
    match kind:
        case StringType():
            if isinstance(value, str):
                return value
        case AnyType():
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        case ArrayType(items):
            if isinstance(value, list):
                return [_fit(one, items or AnyType(), read) for one in value]
        case ObjectType(()):
            if isinstance(value, dict):
                return json.dumps(value, ensure_ascii=False)
        case ObjectType(fields):
            if isinstance(value, dict) and not _undeclared(value, [name for name, _ in fields]):
                return {name: _fit(value.get(name), inner, read) for name, inner in fields}
        case MapType(key, inner):
            if isinstance(value, dict):
                made = {_fit(name, key, read): _fit(one, inner, read) for name, one in value.items()}
                if len(made) == len(value):
                    return made
        case _:
            text = _text(value, kind)
            found = None if text is None else read(kind, text)
            if found is not None:
                return found
    raise _Misfit


def _undeclared(value: dict[str, Any], names: Sequence[str]) -> bool:
    """True if a field that nobody declared has a value."""
    return any(one is not None for name, one in value.items() if name not in names)
