"""Predicates about one row as plain functions, made once: what `render_rules` says of columns.

A value comes beside what was read it from: ``value`` is None where nothing was there, or where it does not fit its
type (then ``raw`` is not None). Outcomes are true, false, or None: no say.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, assert_never

from headgate.edge import folding, json_values
from headgate.edge.folding import Interval, Meaningless
from headgate.edge.record.patterns import finder
from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
)
from headgate.model.rule import (
    THIS,
    AllOf,
    Each,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    MultipleOf,
    Not,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    UniqueItems,
)

Test = Callable[[Any], Any]  # of a value that is there and fits
_EXACT_DOUBLES = 10.0**15
_WIDE = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Judge:
    """What a predicate says of one cell. ``value``: of a value that fits, with its raw form where ``with_raw``.

    ``null``: of nothing there; ``misfit``: of the raw form of what does not fit. A constant says the same of all.
    """

    value: Callable[..., Any] | bool
    null: bool | None = None
    misfit: Callable[[Any], bool | None] | bool | None = None
    with_raw: bool = False

    def says(self, value: Any, raw: Any) -> bool | None:
        if value is not None:
            if not callable(self.value):
                return self.value
            return bool(self.value(value, raw) if self.with_raw else self.value(value))
        if raw is None:
            return self.null
        return self.misfit(raw) if callable(self.misfit) else self.misfit


def judge(predicate: Predicate, kind: ColumnType) -> Judge:
    """A predicate about one column of ``kind``. Raises Meaningless where it cannot speak of such a column."""
    match predicate:
        case Fits():
            return Judge(True, True, False)
        case NotNull():
            return Judge(True, False, True)
        case NotMissing(_, missing):
            return _not_missing(missing, kind)
        case AllOf(parts):
            return _all_of([judge(part, kind) for part in parts])
        case Not(inner):
            return _negated(judge(inner, kind))
        case Inside(_, steps, inner):
            return _inside(kind, steps, inner)
        case _:
            return Judge(_test(predicate, kind))


def columns_of(predicate: Predicate) -> tuple[str, ...]:
    """The columns that a predicate speaks of, the first one first."""
    if isinstance(predicate, AllOf):
        return tuple(dict.fromkeys(c for part in predicate.parts for c in columns_of(part)))
    if isinstance(predicate, Not):
        return columns_of(predicate.predicate)
    return (predicate.column,)


Row = Callable[[Mapping[str, tuple[Any, Any]]], bool | None]  # values and raw forms by column


def row_judge(predicate: Predicate, kinds: Mapping[str, ColumnType]) -> Row:
    """A predicate about several columns. Raises Meaningless, and KeyError for a column that nobody declared."""
    columns = columns_of(predicate)
    if len(columns) != 1 and isinstance(predicate, Not):
        inner = row_judge(predicate.predicate, kinds)
        return lambda row: _not(inner(row))
    if len(columns) != 1 and isinstance(predicate, AllOf):
        parts = [row_judge(part, kinds) for part in predicate.parts]
        return lambda row: all(part(row) is not False for part in parts)
    column = columns[0]
    says = judge(predicate, kinds[column]).says
    return lambda row: says(*row[column])


# -- one kind of predicate each -----------------------------------------------------------------------------


def _test(
    predicate: InRange | LengthInRange | Matches | OneOf | MultipleOf | UniqueItems | FieldsInRange,
    kind: ColumnType,
) -> Test:
    if isinstance(kind, AnyType):
        raise Meaningless(
            "its column has no declared type: one record alone does not show which one is meant"
        )
    match predicate:
        case InRange():
            return _in_range(folding.interval(predicate, kind), kind)
        case LengthInRange(_, minimum, maximum):
            _of_kind(kind, StringType, ArrayType)
            return _sized(len, minimum, maximum)
        case Matches(_, pattern):
            _of_kind(kind, StringType)
            return finder(pattern)
        case OneOf(_, members):
            return _one_of(members, kind)
        case MultipleOf(_, divisor):
            return _multiple_of(divisor, kind)
        case UniqueItems():
            _of_kind(kind, ArrayType)
            return _unique_items
        case FieldsInRange(_, minimum, maximum):
            _of_kind(kind, ObjectType, MapType)
            if isinstance(kind, MapType):
                return _sized(len, minimum, maximum)
            return _sized(_fields_present, minimum, maximum)
        case _:
            assert_never(predicate)


def _of_kind(kind: ColumnType, *kinds: type[ColumnType]) -> None:
    if not isinstance(kind, kinds):
        raise Meaningless("the rule says nothing about values of this type")


def _in_range(within: Interval, kind: ColumnType) -> Test:
    low, high = within.lower, within.upper
    if within.empty:
        return lambda _: False
    if low is None and high is None:
        return (
            (lambda x: not math.isnan(x)) if isinstance(kind, NumberType) else (lambda _: True)
        )  # NaN is in no range
    match low is not None, high is not None, within.lower_open, within.upper_open:
        case True, True, False, False:
            return lambda x: low <= x <= high
        case True, True, True, False:
            return lambda x: low < x <= high
        case True, True, False, True:
            return lambda x: low <= x < high
        case True, True, _, _:
            return lambda x: low < x < high
        case True, _, is_open, _:
            return (lambda x: low < x) if is_open else (lambda x: low <= x)
        case _, _, _, is_open:
            return (lambda x: x < high) if is_open else (lambda x: x <= high)


def _sized(size: Callable[[Any], int], minimum: int | None, maximum: int | None) -> Test:
    least = minimum or 0
    if maximum is None:
        return lambda x: size(x) >= least
    return lambda x: least <= size(x) <= maximum


def _fields_present(value: Mapping[str, Any] | str) -> int:
    """How many are not null; an object of which nothing is declared may stand in text."""
    fields: Mapping[str, Any] = json_values.parsed(value) if isinstance(value, str) else value
    return sum(each is not None for each in fields.values())


def _one_of(members: Sequence[Any], kind: ColumnType) -> Test:
    if isinstance(kind, ArrayType | ObjectType | MapType):
        raise Meaningless("the rule lists single values, and the column holds nested ones")
    found = folding.members(tuple(members), kind)
    if isinstance(kind, NumberType) and any(map(math.isnan, found)):
        return lambda x: math.isnan(x) or x in found
    return frozenset(found).__contains__


def _not_missing(missing: Sequence[Any], kind: ColumnType) -> Judge:
    texts = frozenset(m for m in missing if isinstance(m, str))
    plain = not isinstance(kind, AnyType | ArrayType | ObjectType | MapType)
    listed = _one_of(missing, kind) if plain else lambda _: False
    of_text = isinstance(kind, StringType)

    def value(x: Any, raw: Any) -> bool:
        if isinstance(raw, str):
            return raw not in texts and (of_text or not listed(x))
        return not listed(x)

    return Judge(value, False, lambda raw: not (isinstance(raw, str) and raw in texts), with_raw=True)


def _multiple_of(divisor: Decimal, kind: ColumnType) -> Test:
    match kind:
        case IntegerType():
            whole = folding.divisor_integer(divisor)
            return operator.not_ if whole is None else lambda x: x % whole == 0
        case DecimalType(_, scale):
            step = folding.divisor_scaled(divisor, scale)
            return lambda x: int(x.scaleb(scale, _WIDE)) % step == 0
        case NumberType():
            return _multiple_of_double(divisor)
        case _:
            raise Meaningless("the rule speaks of numbers, and the column holds none")


def _multiple_of_double(divisor: Decimal) -> Test:
    """With divisor = p/s, s a power of ten: the double next to q/s is the value itself, and p divides q."""
    power = folding.power_of_ten(divisor)
    step = int(abs(Fraction(divisor)) * power)
    large = _EXACT_DOUBLES / power if power < 10**300 else 0.0

    def test(x: float) -> bool:
        if -large < x < large:
            q = round(x * power)
            return q / power == x and q % step == 0
        return folding.is_multiple(x, divisor)

    return test


def _all_of(judges: Sequence[Judge]) -> Judge:
    """All parts hold; a part that has no say has none."""
    if len(judges) == 1:
        return judges[0]
    return Judge(
        lambda value, raw: all(j.says(value, raw) is not False for j in judges),
        all(j.null is not False for j in judges),
        lambda raw: all(j.says(None, raw) is not False for j in judges),
        with_raw=True,
    )


def _negated(inner: Judge) -> Judge:
    return Judge(
        lambda value, raw: not inner.says(value, raw),
        _not(inner.null),
        lambda raw: _not(inner.says(None, raw)),
        with_raw=True,
    )


def _not(said: bool | None) -> bool | None:  # noqa: FBT001 - it stands where `not` would
    return None if said is None else not said


# -- inside of nested values --------------------------------------------------------------------------------


def _inside(kind: ColumnType, steps: Sequence[Field | Each], predicate: Predicate) -> Judge:
    """The predicate for every value that the steps lead to. What is null on the way has no children."""
    at = kind
    for step in steps:
        at = _stepped(at, step)
    if columns_of(predicate) != (THIS,):
        raise Meaningless("the rule inside of a column speaks of another one")
    says = judge(predicate, at).says
    path = tuple(steps)

    def value(x: Any) -> bool:
        return all(says(found, found) is not False for found in _reached(x, path))

    return Judge(value)


def _stepped(kind: ColumnType, step: Field | Each) -> ColumnType:
    match kind, step:
        case ObjectType(fields), Field(name):
            found = dict(fields).get(name)
            if found is not None:
                return found
        case ArrayType(items), Each("items"):
            return items or AnyType()
        case MapType(key), Each("keys"):
            return key
        case MapType(value=value), Each("values"):
            return value
        case _:
            pass
    raise Meaningless(
        f"there is no {step.name if isinstance(step, Field) else step.of} in values of this type"
    )


def _reached(value: Any, steps: tuple[Field | Each, ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    if value is None:
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        yield from _reached(value.get(step.name), rest)
    else:
        for each in value.values() if step.of == "values" else value:
            yield from _reached(each, rest)


def _unique_items(items: Sequence[Any]) -> bool:
    seen = set()
    for item in items:
        if item is None:
            continue
        frozen = _frozen(item)
        if frozen in seen:
            return False
        seen.add(frozen)
    return True


def _frozen(value: Any) -> Any:
    """Equal exactly if the values are: NaN is NaN, and true is not 1."""
    if isinstance(value, float) and math.isnan(value):
        return ("nan",)
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, list | tuple):
        return ("items", *map(_frozen, value))
    if isinstance(value, Mapping):
        return ("fields", frozenset((name, _frozen(each)) for name, each in value.items()))
    return value if value.__hash__ is not None else ("other", repr(value))
