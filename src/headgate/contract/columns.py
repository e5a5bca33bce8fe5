"""What a property says about its column, each thing one rule: type, required, unique, enum, logicalTypeOptions.

What is inside of objects, arrays and maps says the same of each value there, with its quality: rules `Inside` the
column. Only the type is the column's as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from headgate.contract import formats, quality, temporal
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
from headgate.contract.draft import Draft, Subject, Within
from headgate.contract.json_schema import Path, Value
from headgate.contract.quality import members, pattern
from headgate.contract.types import (
    VECTOR_INTEGERS,
    VECTOR_NUMBERS,
    described,
    logical_type,
    parts,
    physical_name,
)
from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
    TimeType,
)
from headgate.model.rule import (
    THIS,
    AllOf,
    Body,
    Each,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    NotCompiled,
    NotNull,
    OneOf,
    Scalar,
    Told,
    Unique,
    UniqueItems,
)

# Options that describe and do not constrain; `timezone` and `defaultTimezone` are in the type.
_FLAGS = frozenset({"uniqueItems", "normalized"})
_NOTES = frozenset(
    {"distanceMetric", "embeddingModel", "embeddingModelVersion", "timezone", "defaultTimezone"}
)


def drafts(subject: Subject) -> Iterator[Draft]:
    """The rules of one column, and of what is inside of it; except the column's own quality and references."""
    yield from _type(subject, subject.column)
    yield from _own(subject)
    yield from inside(subject)


def inside(subject: Subject) -> Iterator[Draft]:
    """The rules of what is inside of a column, or of what is inside of that."""
    for child in children(subject):
        found = [*_own(child), *quality.drafts(child, {}, ""), *_keys(child)]
        if not isinstance(subject.type, ArrayType | ObjectType | MapType):
            why = NotCompiled(
                f"{subject.prefix.rstrip('.')} is {described(subject.type)}: there is nothing inside"
            )
            found = [replace(draft, body=why) for draft in found]
        yield from found
        yield from inside(child)


def children(subject: Subject) -> Iterator[Subject]:
    """The properties of an object, the items of an array, keys and values of a map. Raises ContractUnusable."""
    type_, part = subject.type, subject.part
    fields = dict(type_.fields) if isinstance(type_, ObjectType) else {}
    taken: set[str] = set()
    for at, one in enumerate(parts(part, "properties")):
        name = physical_name(one)
        if name in taken:
            subject.refuse(
                ("properties", at), f"the field {name!r} stands there twice", "keep one, or rename it"
            )
        taken.add(name)
        label, here = str(one.get("name") or name), ("properties", at)
        yield _child(subject, one, here, Field(name), label, fields.get(name))
    items, both = part.get("items"), part.get("map")
    if isinstance(items, dict):
        inner = type_.items if isinstance(type_, ArrayType) else None
        yield _child(subject, items, ("items",), Each("items"), "items", inner)
    if not isinstance(both, dict):
        return
    key, value = both.get("key"), both.get("value")
    if isinstance(key, dict):
        inner = type_.key if isinstance(type_, MapType) else None
        yield _child(subject, key, ("map", "key"), Each("keys"), "key", inner)
    if isinstance(value, dict):
        inner = type_.value if isinstance(type_, MapType) else None
        yield _child(subject, value, ("map", "value"), Each("values"), "value", inner)


def _child(
    subject: Subject,
    part: Mapping[str, Value],
    here: Path,
    step: Field | Each,
    label: str,
    type_: ColumnType | None,
) -> Subject:
    outer = subject.within or Within(subject.column, (), "")
    within = Within(outer.column, (*outer.steps, step), f"{subject.prefix}{label}.")
    return replace(
        subject, path=subject.at(*here), part=part, column=THIS, type=type_ or AnyType(), within=within
    )


def _own(subject: Subject) -> Iterator[Draft]:
    for draft in _said(subject, subject.column):
        yield replace(draft, body=subject.within.placed(draft.body)) if subject.within else draft


def _said(subject: Subject, column: str) -> Iterator[Draft]:
    part = subject.part
    if part.get("required") is True:
        yield _draft(subject, "required", NotNull(column))
    if part.get("unique") is True:
        nested = isinstance(subject.type, ArrayType | ObjectType | MapType)
        why = NotCompiled("values of this type are not compared with one another")
        yield _draft(subject, "unique", why if nested else Unique((column,)))
    if "enum" in part:
        yield _draft(subject, "enum", _enum(subject, column))
    yield from _options(subject, column)


def _keys(subject: Subject) -> Iterator[Draft]:
    """What of keys is declared inside of a column."""
    if subject.part.get("primaryKey") is True:
        yield _draft(
            subject, "primaryKey", NotCompiled("a primary key is of columns, not of what is inside of one")
        )
    for at, _ in enumerate(parts(subject.part, "relationships")):
        why = NotCompiled("only columns are looked up, not what is inside of them")
        yield Draft(f"{subject.prefix}references", why, subject.at("relationships", at))


def _draft(subject: Subject, name: str, body: Body) -> Draft:
    return Draft(f"{subject.prefix}{name}", body, subject.at(name) if name in subject.part else subject.path)


def _type(subject: Subject, column: str) -> Iterator[Draft]:
    if not isinstance(subject.type, AnyType):
        yield _draft(subject, "type", Fits(column))


def _enum(subject: Subject, column: str) -> Body:
    if isinstance(subject.type, AnyType | ArrayType | ObjectType | MapType):
        return NotCompiled(f"a column {described(subject.type)} is not compared; declare its logicalType")
    return OneOf(column, members(subject, ("enum",), subject.part["enum"], "value"))


def _options(subject: Subject, column: str) -> Iterator[Draft]:
    options = subject.part.get("logicalTypeOptions")
    if not isinstance(options, dict):
        return
    _agree(subject, options)
    for name, value in options.items():
        if name == "required" and isinstance(subject.type, ObjectType):
            yield from _required_fields(subject, column, value)
            continue
        body = _option(subject, column, name, value)
        if body is not None:
            yield Draft(f"{subject.prefix}{name}", body, subject.at("logicalTypeOptions", name))


def _option(subject: Subject, column: str, name: str, value: Value) -> Body | None:
    steps: Path = ("logicalTypeOptions", name)
    if name in _NOTES or (name in _FLAGS and value is False):
        return None
    match subject.type, name:
        case StringType(), "minLength":
            return LengthInRange(column, minimum=_length(subject, steps, value))
        case StringType(), "maxLength":
            return LengthInRange(column, maximum=_length(subject, steps, value))
        case StringType(), "pattern":
            return Matches(column, pattern(subject, steps, value))
        case ((ArrayType() | ObjectType() | MapType()), _):
            return _nested_option(subject, column, name, value)
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


def _nested_option(subject: Subject, column: str, name: str, value: Value) -> Body | None:
    """Counts of items, fields and entries; and what vectors say of theirs."""
    steps: Path = ("logicalTypeOptions", name)
    if name.startswith("min") and value == 0:
        return None
    match subject.type, name:
        case ArrayType(), "minItems":
            return LengthInRange(column, minimum=_length(subject, steps, value))
        case ArrayType(), "maxItems":
            return LengthInRange(column, maximum=_length(subject, steps, value))
        case ArrayType(), "dimensions":
            exactly = _length(subject, steps, value)
            return LengthInRange(column, minimum=exactly, maximum=exactly)
        case ArrayType(), "uniqueItems":
            return UniqueItems(column)
        case ArrayType(), "elementType":
            return _element_type(column, str(value))
        case ((ObjectType() | MapType()), "minProperties"):
            return FieldsInRange(column, minimum=_length(subject, steps, value))
        case ((ObjectType() | MapType()), "maxProperties"):
            return FieldsInRange(column, maximum=_length(subject, steps, value))
        case _:
            return NotCompiled(f"{name} is not checked for a column that is {described(subject.type)}")


def _element_type(column: str, name: str) -> Body:
    """Every element of a vector is within the range of its type: no NaN, no infinity."""
    if name == "float64":
        return Told("float64: every number here has 64 bits")
    if name in VECTOR_INTEGERS:
        least, most = VECTOR_INTEGERS[name]
        return Inside(column, (Each(),), InRange(THIS, least, most))
    greatest = VECTOR_NUMBERS.get(name)
    if greatest is None:
        return NotCompiled(f"the element type {name!r} is not known here")
    return Inside(column, (Each(),), InRange(THIS, -greatest, greatest))


def _required_fields(subject: Subject, column: str, names: Value) -> Iterator[Draft]:
    declared = {str(one.get("name")): physical_name(one) for one in parts(subject.part, "properties")}
    for at, name in enumerate(names if isinstance(names, list) else []):
        here: Path = ("logicalTypeOptions", "required", at)
        if declared and str(name) not in declared:
            subject.refuse(
                here, f"there is no property {name!r}", f"there is {', '.join(list(declared)[:10])}"
            )
        step = Field(declared.get(str(name), str(name)))
        yield Draft(
            f"{subject.prefix}{name}.required", Inside(column, (step,), NotNull(THIS)), subject.at(*here)
        )


def _agree(subject: Subject, options: Mapping[str, Value]) -> None:
    """Refuse bounds that leave no value at all: nobody means them."""
    for what in ("Length", "Items", "Properties"):
        least, most = options.get(f"min{what}"), options.get(f"max{what}")
        if isinstance(least, int) and isinstance(most, int) and least > most:
            subject.refuse(
                ("logicalTypeOptions", f"min{what}"),
                f"{least} is greater than max{what} {most}",
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
            return Told(f"{name}: every integer here has 64 bits")
        return InRange(column, minimum=minimum, maximum=maximum)
    if not integer and name == "f64":
        return Told(f"{name}: every number here has 64 bits")
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
