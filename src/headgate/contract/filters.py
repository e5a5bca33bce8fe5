"""Which rows a rule looks at (``where``, closed and the same on every engine; never SQL), and by what it parts them.

A condition is true, or the row is not looked at: also where the value is null, or does not fit its column's type.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import NoReturn, get_args

from headgate.contract.bounds import BoundName, bounded, limit, within
from headgate.contract.document import refuse, written_at
from headgate.contract.draft import Subject
from headgate.contract.json_schema import Path, Value
from headgate.contract.settings import Written
from headgate.contract.types import described, scalar
from headgate.model.contract import AnyType, ArrayType, MapType, ObjectType, StringType
from headgate.model.rule import AllOf, Fits, Matches, Not, NotNull, OneOf, Operator, Predicate, Scalar

Columns = Mapping[str, Subject]  # by logical and physical name
_OPERATORS: tuple[str, ...] = get_args(Operator)
_TESTS = (*_OPERATORS, "validValues", "pattern", "isNull")
_BOUNDS: Mapping[str, BoundName] = {
    "mustBeGreaterThan": "exclusiveMinimum",
    "mustBeGreaterOrEqualTo": "minimum",
    "mustBeLessThan": "exclusiveMaximum",
    "mustBeLessOrEqualTo": "maximum",
}


def compiled(whole: Subject, columns: Columns, where: Written) -> Predicate:
    """``where`` of ``whole``, the object. Raises ContractUnusable, at its line."""
    value, path = where
    given = value if isinstance(value, list) else [value]
    steps = [(*path, at) for at in range(len(given))] if isinstance(value, list) else [path]
    if not given:
        _refuse(whole, path, "where is empty", "say which rows are looked at, or take it out")
    parts: list[Predicate] = []
    for one, here in zip(given, steps, strict=True):
        parts += _condition(whole, columns, one, here)
    unique = tuple(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else AllOf(unique)


def segments(whole: Subject, columns: Columns, by: Written) -> tuple[str, ...]:
    """The columns that ``segmentBy`` names. Raises ContractUnusable, at its line."""
    value, path = by
    names = value if isinstance(value, list) else [value]
    if not names:
        _refuse(whole, path, "segmentBy names no property", "write it like [country]")
    found: list[str] = []
    for name in names:
        if not isinstance(name, str) or name not in columns:
            close = difflib.get_close_matches(str(name), columns, n=3) or list(columns)[:10]
            _refuse(
                whole, path, f"segmentBy names {name!r}, which is no column", f"there is {', '.join(close)}"
            )
        of = columns[name]
        if isinstance(of.type, AnyType | ArrayType | ObjectType | MapType):
            said = f"segments are of single values, and {of.column} is {described(of.type)}"
            _refuse(whole, path, said, "name another property, or declare its logicalType")
        found.append(of.column)
    return tuple(dict.fromkeys(found))


def _condition(whole: Subject, columns: Columns, one: Value, path: Path) -> list[Predicate]:
    hint = "write it like {property: status, mustBe: active}"
    if not isinstance(one, dict) or not isinstance(one.get("property"), str):
        _refuse(whole, path, "a condition of where names a property", hint)
    name = str(one["property"])
    if name not in columns:
        close = difflib.get_close_matches(name, columns, n=3) or list(columns)[:10]
        _refuse(
            whole,
            (*path, "property"),
            f"where names {name!r}, which is no column",
            f"there is {', '.join(close)}",
        )
    tests = [test for test in one if test != "property"]
    if unknown := [test for test in tests if test not in _TESTS]:
        close = difflib.get_close_matches(unknown[0], _TESTS, n=3) or list(_TESTS)
        _refuse(whole, (*path, unknown[0]), f"where knows no {unknown[0]!r}", f"there is {', '.join(close)}")
    if not tests:
        _refuse(whole, path, f"where says nothing of {name}", hint)
    of = columns[name]
    found: list[Predicate] = []
    for test in tests:
        found += _test(whole, of, test, one[test], (*path, test))
    return found


def _test(whole: Subject, of: Subject, test: str, value: Value, path: Path) -> list[Predicate]:
    if test == "isNull":
        if not isinstance(value, bool):
            _refuse(whole, path, f"isNull cannot be {value!r}", "use true or false")
        return [Not(NotNull(of.column))] if value else [NotNull(of.column)]
    if isinstance(of.type, AnyType | ArrayType | ObjectType | MapType):
        said = f"where compares values, and {of.column} is {described(of.type)}"
        _refuse(whole, path, said, "of such a column there is only isNull; or declare its logicalType")
    return [NotNull(of.column), Fits(of.column), _holds(whole, of, test, value, path)]


def _holds(whole: Subject, of: Subject, test: str, value: Value, path: Path) -> Predicate:
    column, type_ = of.column, of.type
    if test == "pattern":
        if not isinstance(type_, StringType):
            _refuse(whole, path, f"a pattern is for text, and {column} is {described(type_)}", "compare it")
        wrong = whole.pattern_error(value) if isinstance(value, str) else "it is no text"
        if wrong or not isinstance(value, str):
            _refuse(whole, path, f"{value!r} is no ECMA-262 pattern: {wrong}", "correct it")
        return Matches(column, value)
    if test in {"mustBe", "mustNotBe", "validValues"}:
        values = value if isinstance(value, list) and test == "validValues" else [value]
        places = [(*path, at) for at in range(len(values))] if values is value else [path]
        members: list[Scalar] = []
        for one, here in zip(values, places, strict=True):
            written = written_at(whole.document, here)
            members.append(_of_type(whole, here, lambda v=one, w=written: scalar(type_, v, w)))  # type: ignore[misc]
        if not members:
            _refuse(whole, path, "no value is valid, so no row is looked at", "name values, or take it out")
        equal = OneOf(column, tuple(dict.fromkeys(members)))
        return Not(equal) if test == "mustNotBe" else equal
    if not bounded(type_):
        _refuse(
            whole, path, f"{test} needs numbers or times, and {column} is {described(type_)}", "use mustBe"
        )
    if test in _BOUNDS:
        return within(column, type_, _BOUNDS[test], _of_type(whole, path, lambda: limit(type_, value)))
    if not isinstance(value, list) or len(value) != 2:
        _refuse(whole, path, f"{value!r} is no range", "between takes two values: [1, 5]")
    low, high = (_of_type(whole, (*path, at), lambda v=v: limit(type_, v)) for at, v in enumerate(value))  # type: ignore[misc]
    inside = AllOf((within(column, type_, "minimum", low), within(column, type_, "maximum", high)))
    return Not(inside) if test == "mustNotBeBetween" else inside


def _of_type(whole: Subject, path: Path, read: Callable[[], Scalar]) -> Scalar:
    try:
        return read()
    except ValueError as error:
        _refuse(whole, path, str(error), "a value of where is of its column's type")


def _refuse(whole: Subject, path: Path, message: str, hint: str) -> NoReturn:
    refuse(whole.document, path, message, hint)
