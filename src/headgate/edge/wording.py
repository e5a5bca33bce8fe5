"""Rules in words, for findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from headgate.model.contract import AnyType, ArrayType, ColumnType, DecimalType, ObjectType, TableContract
from headgate.model.names import short
from headgate.model.rule import (
    THIS,
    AllOf,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    Measured,
    MultipleOf,
    Not,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    References,
    Unique,
    UniqueItems,
)

_MEMBERS_SHOWN = 8


def in_words(body: Predicate | Unique | References | Measured, contract: TableContract) -> str:
    """What a rule asks for, in words, bounds included."""
    match body:
        case Unique(columns, required):
            return f"{', '.join(columns)} must be unique" + (" and not null" if required else "")
        case References(columns, table, to):
            return f"{', '.join(columns)} must occur in {', '.join(to)} of {short(table)}"
        case Measured():
            return str(body.bound)
        case _:
            return _predicate(body, contract)


def _predicate(body: Predicate, contract: TableContract) -> str:
    match body:
        case Fits(column):
            declared = contract.column(column)
            return f"{column} must be {_kind(declared.type) if declared else 'of its type'}"
        case NotNull(column):
            return f"{column} must not be null"
        case NotMissing(column, missing):
            return f"{column} must be neither null nor one of {_listed([str(m) for m in missing])}"
        case InRange():
            return f"{body.column} must be {_range(body)}"
        case LengthInRange(column, minimum, maximum):
            return f"{column} must be {_least_and_most(minimum, maximum)} characters long"
        case Matches(column, pattern):
            return f"{column} must match {pattern}"
        case OneOf(column, members):
            return f"{column} must be one of {_listed([str(m) for m in members])}"
        case MultipleOf(column, divisor):
            return f"{column} must be a multiple of {divisor}"
        case UniqueItems(column):
            return f"no item of {column} may occur twice"
        case FieldsInRange(column, minimum, maximum):
            return f"{column} must have {_least_and_most(minimum, maximum)} fields"
        case AllOf(parts):
            return " and ".join(_predicate(part, contract) for part in parts)
        case Not(inner):
            return f"not: {_predicate(inner, contract)}"
        case Inside(column, steps, predicate):
            path = "".join(f".{s.name}" if isinstance(s, Field) else f"[{s.of}]" for s in steps)
            return _predicate(predicate, contract).replace(THIS + " ", f"{column}{path} ", 1)
        case _:
            assert_never(body)


def _least_and_most(minimum: int | None, maximum: int | None) -> str:
    least = "" if minimum is None else f"at least {minimum}"
    most = "" if maximum is None else f"at most {maximum}"
    return " and ".join(p for p in (least, most) if p)


def _range(rule: InRange) -> str:
    parts = []
    if rule.minimum is not None:
        parts.append(f"{'above' if rule.exclusive_minimum else 'at least'} {rule.minimum}")
    if rule.maximum is not None:
        parts.append(f"{'below' if rule.exclusive_maximum else 'at most'} {rule.maximum}")
    return " and ".join(parts)


def _kind(kind: ColumnType) -> str:
    name = type(kind).__name__.removesuffix("Type").lower()
    if isinstance(kind, DecimalType):
        return f"a decimal with {kind.precision} digits, {kind.scale} behind the point"
    if isinstance(kind, AnyType):
        return "anything"
    form = getattr(kind, "format", None)
    article = "an" if isinstance(kind, ArrayType | ObjectType) or name == "integer" else "a"
    return f"{article} {name}" + (f" written {form}" if form else "")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MEMBERS_SHOWN])
    return shown + (f" and {len(names) - _MEMBERS_SHOWN} more" if len(names) > _MEMBERS_SHOWN else "")
