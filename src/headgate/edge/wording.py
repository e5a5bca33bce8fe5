"""Rules in words, for findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DecimalType,
    MapType,
    ObjectType,
    TableContract,
)
from headgate.model.names import short
from headgate.model.rule import (
    AllOf,
    Each,
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


def _predicate(body: Predicate, contract: TableContract, inside: tuple[str, ColumnType] | None = None) -> str:
    """``inside``: for what is inside of a column, its path, and its type."""
    if isinstance(body, AllOf):
        return " and ".join(_predicate(part, contract, inside) for part in body.parts)
    if isinstance(body, Not):
        return f"not: {_predicate(body.predicate, contract, inside)}"
    declared = contract.column(body.column)
    name, kind = inside or (body.column, declared.type if declared else AnyType())
    match body:
        case Fits():
            return f"{name} must be {_kind(kind) if declared else 'of its type'}"
        case NotNull():
            return f"{name} must not be null"
        case NotMissing(_, missing):
            return f"{name} must be neither null nor one of {_listed([str(m) for m in missing])}"
        case InRange():
            return f"{name} must be {_range(body)}"
        case LengthInRange(_, minimum, maximum):
            return f"{name} must have {_least_and_most(minimum, maximum)} {_counted(kind)}"
        case Matches(_, pattern):
            return f"{name} must match {pattern}"
        case OneOf(_, members):
            return f"{name} must be one of {_listed([str(m) for m in members])}"
        case MultipleOf(_, divisor):
            return f"{name} must be a multiple of {divisor}"
        case UniqueItems():
            return f"no item of {name} may occur twice"
        case FieldsInRange(_, minimum, maximum):
            return f"{name} must have {_least_and_most(minimum, maximum)} fields"
        case Inside(_, steps, predicate):
            return _predicate(predicate, contract, (name + path_inside(steps), _reached(kind, steps)))
        case _:
            assert_never(body)


def path_inside(steps: Sequence[Field | Each]) -> str:
    """``[items].price``: where in a column, behind its name."""
    return "".join(f".{s.name}" if isinstance(s, Field) else f"[{s.of}]" for s in steps)


def _reached(kind: ColumnType, steps: Sequence[Field | Each]) -> ColumnType:
    """The type that the steps lead to, as far as it is declared."""
    for step in steps:
        match step, kind:
            case Field(name), ObjectType(fields):
                kind = dict(fields).get(name, AnyType())
            case Each("items"), ArrayType(items):
                kind = items or AnyType()
            case Each("keys"), MapType(key):
                kind = key
            case Each("values"), MapType(value=value):
                kind = value
            case _:
                return AnyType()
    return kind


def _counted(kind: ColumnType) -> str:
    """What the length of a value counts."""
    return "items" if isinstance(kind, ArrayType) else "characters"


def _least_and_most(minimum: int | None, maximum: int | None) -> str:
    if minimum is not None and minimum == maximum:
        return f"exactly {minimum}"
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
