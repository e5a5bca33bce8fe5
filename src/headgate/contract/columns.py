"""What a property says about its column, each thing one rule: type, required, unique, enum, logicalTypeOptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from headgate.contract import formats, temporal
from headgate.contract.bounds import (
    BOUNDS,
    INTEGER_FORMATS,
    NUMBER_FORMATS,
    BoundName,
    bounded,
    contradiction,
    limit,
    multiple_of,
    within,
)
from headgate.contract.draft import Draft, Subject
from headgate.contract.json_schema import Path, Value
from headgate.contract.quality import members, pattern
from headgate.contract.types import described, logical_type, parts
from headgate.model.contract import (
    AnyType,
    ArrayType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
    TimeType,
)
from headgate.model.rule import (
    AllOf,
    Body,
    Fits,
    InRange,
    LengthInRange,
    Matches,
    NotCompiled,
    NotNull,
    OneOf,
    Scalar,
    Told,
    Unique,
)

# Options that describe and do not constrain; `timezone` and `defaultTimezone` are in the type.
_NOTES = frozenset(
    {"distanceMetric", "embeddingModel", "embeddingModelVersion", "timezone", "defaultTimezone"}
)


def drafts(subject: Subject) -> Iterator[Draft]:
    """The rules of one column, except its quality and its references."""
    column, part = subject.column, subject.part
    yield from _type(subject, column)
    if part.get("required") is True:
        yield _draft(subject, "required", NotNull(column))
    if part.get("unique") is True:
        nested = isinstance(subject.type, ArrayType | ObjectType)
        why = NotCompiled("values of this type are not compared with one another")
        yield _draft(subject, "unique", why if nested else Unique((column,)))
    if "enum" in part:
        yield _draft(subject, "enum", _enum(subject, column))
    yield from _options(subject, column)
    yield from inside(part, subject.prefix, subject.path)


def _draft(subject: Subject, name: str, body: Body) -> Draft:
    return Draft(f"{subject.prefix}{name}", body, subject.at(name) if name in subject.part else subject.path)


def _type(subject: Subject, column: str) -> Iterator[Draft]:
    if not isinstance(subject.type, AnyType):
        yield _draft(subject, "type", Fits(column))
    elif declared := logical_type(subject.part):
        yield _draft(subject, "type", NotCompiled(f"values of type {declared} are taken as they come"))


def _enum(subject: Subject, column: str) -> Body:
    if isinstance(subject.type, AnyType | ArrayType | ObjectType):
        return NotCompiled(f"a column {described(subject.type)} is not compared; declare its logicalType")
    return OneOf(column, members(subject, ("enum",), subject.part["enum"], "value"))


def _options(subject: Subject, column: str) -> Iterator[Draft]:
    options = subject.part.get("logicalTypeOptions")
    if not isinstance(options, dict):
        return
    _agree(subject, options)
    for name, value in options.items():
        body = _option(subject, column, name, value)
        if body is not None:
            yield Draft(f"{subject.prefix}{name}", body, subject.at("logicalTypeOptions", name))


def _option(subject: Subject, column: str, name: str, value: Value) -> Body | None:
    steps: Path = ("logicalTypeOptions", name)
    if name in _NOTES or (name == "uniqueItems" and value is False) or (name.startswith("min") and value == 0
        and isinstance(subject.type, ArrayType | ObjectType)):  # fmt: skip
        return None
    match subject.type, name:
        case StringType(), "minLength":
            return LengthInRange(column, minimum=_length(subject, steps, value))
        case StringType(), "maxLength":
            return LengthInRange(column, maximum=_length(subject, steps, value))
        case StringType(), "pattern":
            return Matches(column, pattern(subject, steps, value))
        case StringType(), "format":
            return _string_format(column, str(value))
        case ((IntegerType() | NumberType()), "format"):
            return _number_format(column, str(value), integer=isinstance(subject.type, IntegerType))
        case ((DateType() | TimestampType() | TimeType()), "format"):
            return _temporal_format(subject, str(value))
        case ((IntegerType() | NumberType() | DecimalType()), "multipleOf"):
            return multiple_of(column, subject.type, _divisor(subject, steps, value))
        case _ if name in BOUNDS and bounded(subject.type):
            bound: BoundName = name
            return within(column, subject.type, bound, _limit(subject, bound, value))
        case _:
            return NotCompiled(f"{name} is not checked for a column that is {described(subject.type)}")


def _agree(subject: Subject, options: Mapping[str, Value]) -> None:
    """Refuse bounds that leave no value at all: nobody means them."""
    least, most = options.get("minLength"), options.get("maxLength")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        subject.refuse(
            ("logicalTypeOptions", "minLength"),
            f"{least} is greater than maxLength {most}",
            "correct one of them",
        )
    if not bounded(subject.type):
        return
    limits: list[tuple[BoundName, Scalar]] = [
        (name, _limit(subject, name, options[name])) for name in BOUNDS if name in options
    ]
    if said := contradiction(limits):
        subject.refuse(("logicalTypeOptions", limits[0][0]), said, "correct one of them")


def _limit(subject: Subject, name: BoundName, value: Value) -> Scalar:
    try:
        return limit(subject.type, value)
    except ValueError as error:
        subject.refuse(("logicalTypeOptions", name), str(error), "a bound is of the column's type")


def _length(subject: Subject, steps: Path, value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value) or value < 0:
        subject.refuse(steps, f"{value!r} is no length", "a length is a whole number, 0 or more")
    return int(value)


def _divisor(subject: Subject, steps: Path, value: Value) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value <= 0:
        subject.refuse(steps, f"nothing is a multiple of {value}", "use a number greater than 0")
    return Decimal(value)


def _string_format(column: str, name: str) -> Body:
    known = name.casefold()
    if known in formats.NOTES:
        return Told(f"the text is a {name}, which any text can be")
    if known not in formats.PATTERNS:
        return NotCompiled(f"the format {name!r} has no one definition here; use a pattern, or a logicalType")
    matches = Matches(column, formats.PATTERNS[known])
    if known in formats.LENGTHS_MAX:
        return AllOf((matches, LengthInRange(column, maximum=formats.LENGTHS_MAX[known])))
    return matches


def _number_format(column: str, name: str, *, integer: bool) -> Body:
    """The type itself is 64 bits wide: only narrower formats say more than ``<column>.type`` does."""
    if integer and name in INTEGER_FORMATS:
        least, most = INTEGER_FORMATS[name]
        minimum = least if least > -(2**63) else None
        maximum = most if most < 2**63 - 1 else None
        if minimum is None and maximum is None:
            return Told(f"{name}: every integer here has 64 bits, see {column}.type")
        return InRange(column, minimum=minimum, maximum=maximum)
    if not integer and name == "f64":
        return Told(f"{name}: every number here has 64 bits, see {column}.type")
    if not integer and name in NUMBER_FORMATS:
        return InRange(column, minimum=-NUMBER_FORMATS[name], maximum=NUMBER_FORMATS[name])
    return NotCompiled(f"the format {name!r} is not known here")


def _temporal_format(subject: Subject, declared: str) -> Body | None:
    """A format that is read is part of the type: ``<column>.type`` is its rule."""
    kind = str(logical_type(subject.part))
    try:
        normal = temporal.normal(declared, kind)
    except ValueError as error:
        return NotCompiled(str(error))
    if isinstance(subject.type, TimestampType) and not subject.type.zoned and temporal.has_zone(normal):
        return NotCompiled(
            f"the format {declared!r} has an offset, and the column is declared without a zone"
        )
    return None


def inside(part: Mapping[str, Value], prefix: str, path: Path) -> Iterator[Draft]:
    """Constraints inside of arrays, objects and maps: declared, and not executed. Their types are (`Fits`)."""
    inner: list[tuple[str, Path, Mapping[str, Value]]] = []
    items, map_ = part.get("items"), part.get("map")
    if isinstance(items, dict):
        inner.append((f"{prefix}items.", (*path, "items"), items))
    if isinstance(map_, dict):
        inner += [
            (f"{prefix}{name}.", (*path, "map", name), one)
            for name, one in map_.items()
            if isinstance(one, dict)
        ]
    inner += [
        (f"{prefix}{one.get('name')}.", (*path, "properties", at), one)
        for at, one in enumerate(parts(part, "properties"))
    ]
    for name, here, one in inner:
        why = f"constraints inside of {prefix.rstrip('.')} are not executed"
        yield from (
            Draft(f"{name}{what}", NotCompiled(why), where) for what, where in _constraints(one, here)
        )
        yield from inside(one, name, here)


def _constraints(part: Mapping[str, Value], path: Path) -> Iterator[tuple[str, Path]]:
    for flag in ("required", "unique", "primaryKey"):
        if part.get(flag) is True:
            yield flag, (*path, flag)
    if "enum" in part:
        yield "enum", (*path, "enum")
    options = part.get("logicalTypeOptions")
    for name in options if isinstance(options, dict) else ():
        if name not in _NOTES:
            yield name, (*path, "logicalTypeOptions", name)
    for at, entry in enumerate(parts(part, "quality")):
        if entry.get("type") != "text":
            yield str(entry.get("id") or entry.get("metric") or "quality"), (*path, "quality", at)
    for at, _ in enumerate(parts(part, "relationships")):
        yield "references", (*path, "relationships", at)
