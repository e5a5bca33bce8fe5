"""Rules about what is inside of objects, arrays and maps, against the same written the slow way."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import slow_nested
from edge.rows_at_hand import bad_rows, check, contract, findings, text_rows, typed_rows
from edge.slow_nested import Map
from headgate.edge.cast import dtype_of
from headgate.model.contract import (
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
)
from headgate.model.rule import (
    THIS,
    AllOf,
    Bound,
    Each,
    FailingRows,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    Measured,
    MultipleOf,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    UniqueItems,
)
from headgate.ports import Frame

D = Decimal
INT, NUM, STR = IntegerType(), NumberType(), StringType()
ITEMS, KEYS, VALUES = Each("items"), Each("keys"), Each("values")
NAMES = ("a", "b", "c")
A = "a"


# -- cases --------------------------------------------------------------------------------------------------


def failing(values: list[Any], kind: ColumnType, predicate: Predicate, *, text: bool = False) -> list[int]:
    rows = _as_text(values) if text else _typed(values, kind)
    found = bad_rows(rows, contract({"a": kind}, {"a.rule": predicate}))
    return sorted(row for row, rules in found.items() if "a.rule" in rules)


def _typed(values: list[Any], kind: ColumnType) -> Frame:
    series = pl.Series("a", [for_polars(v) for v in values], dtype=dtype_of(kind), strict=False)
    return typed_rows(series.to_frame())


def _as_text(values: list[Any]) -> Frame:
    return text_rows({"a": [None if v is None else json.dumps(for_json(v)) for v in values]})


def for_polars(value: Any) -> Any:
    match value:
        case Map(entries):
            return {key: for_polars(one) for key, one in entries.items()}
        case dict():
            return {name: for_polars(one) for name, one in value.items()}
        case list():
            return [for_polars(one) for one in value]
        case _:
            return value


def for_json(value: Any) -> Any:
    found = for_polars(value)
    return json.loads(json.dumps(found, default=str))


PERSON = ObjectType((("name", STR), ("age", INT), ("tags", ArrayType(STR))))


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("kind", "values", "predicate", "bad"),
    [
        (PERSON, [{"name": None}, {"name": "x"}, None, {}], Inside(A, (Field("name"),), NotNull(THIS)), [1, 4]),
        (PERSON, [{"age": -1}, {"age": None}, {"age": 0}, None], Inside(A, (Field("age"),), InRange(THIS, 0)), [1]),
        (PERSON, [{"tags": ["a", None]}, {"tags": []}, {"tags": None}, None, {"tags": ["a", "b"]}],
            Inside(A, (Field("tags"), ITEMS), NotNull(THIS)), [1]),
        (PERSON, [{"tags": ["a", "bb"]}, {"tags": ["a", None]}], Inside(A, (Field("tags"), ITEMS), OneOf(THIS, ("a",))),
            [1]),
        (PERSON, [{"tags": []}, {"tags": None}, {"tags": ["x"]}, None],
            Inside(A, (Field("tags"),), LengthInRange(THIS, 1)), [1]),
        (ArrayType(ArrayType(INT)), [[[1], [2, -3]], [[1], None, []], [], None, [None]],
            Inside(A, (ITEMS, ITEMS), InRange(THIS, 0)), [1]),
        (ArrayType(ArrayType(INT)), [[[1], [2, 2]], [[1], None, []], [[1], [1]], None],
            Inside(A, (ITEMS,), UniqueItems(THIS)), [1]),
        (ArrayType(ArrayType(INT)), [[[1], [2]], [[1], [1]], [None, None], [[None], [None]]], UniqueItems(A), [2, 4]),
        (ArrayType(PERSON), [[{"name": "x", "age": 1}], [{"name": "x"}, {"name": "x"}], [None, None], []],
            UniqueItems(A), [2]),
        (ArrayType(PERSON), [[{"name": "x"}, {"name": None}], [None], [], None, [{"name": "y"}]],
            Inside(A, (ITEMS, Field("name")), NotNull(THIS)), [1]),
        (PERSON, [{"name": "x"}, {"name": "x", "age": 1}, {}, None, {"tags": []}], FieldsInRange(A, 1, 1), [2, 3]),
        (MapType(STR, INT), [Map({"x": 1, "y": None}), Map({}), None, Map({"z": -1})],
            Inside(A, (VALUES,), NotNull(THIS)), [1]),
        (MapType(STR, INT), [Map({"x": 1, "Y": None}), Map({}), None, Map({"z": -1})],
            Inside(A, (KEYS,), Matches(THIS, "^[a-z]$")), [1]),
        (MapType(STR, INT), [Map({"x": 1, "y": None}), Map({}), None, Map({"z": -1})], FieldsInRange(A, 1, 1), [1, 2]),
        (MapType(INT, ArrayType(STR)), [Map({1: ["a"], -2: []}), Map({3: ["xx"]})],
            Inside(A, (VALUES, ITEMS), LengthInRange(THIS, maximum=1)), [2]),
        (MapType(INT, STR), [Map({1: "a", -2: "b"}), Map({3: "c"})], Inside(A, (KEYS,), InRange(THIS, 0)), [1]),
        (ArrayType(STR), [["aa", "ab"], ["aa", "bb"], None, [None]],
            Inside(A, (ITEMS,), Matches(THIS, r"^(.)\1$")), [1]),
        (ArrayType(STR), [["N/A"], ["x", None], ["x"], []], Inside(A, (ITEMS,), NotMissing(THIS, ("N/A",))), [1, 2]),
        (ArrayType(NUM), [[0.3, 1e22], [0.31], [1e300], [123456789012345.7]],
            Inside(A, (ITEMS,), MultipleOf(THIS, D("0.1"))), [2]),
        (ArrayType(NUM), [[1e22], [1e16], [3e16]], Inside(A, (ITEMS,), MultipleOf(THIS, D(3))), [1, 2]),
        (ArrayType(INT), [[5, -5], [5], [7]], Inside(A, (ITEMS,), AllOf((InRange(THIS, 0), MultipleOf(THIS, D(5))))),
            [1, 3]),
        (ArrayType(INT), [[1], []], Inside(A, (ITEMS,), OneOf(THIS, ())), [1]),
        (ArrayType(INT), [[2**63 - 1], [-(2**63)]], Inside(A, (ITEMS,), InRange(THIS, None, 2**63 - 2)), [1]),
    ],
)  # fmt: skip
def test_rules_hold_for_every_value_inside(
    kind: ColumnType, values: list[Any], predicate: Predicate, bad: list[int], *, text: bool
) -> None:
    """Seen failing without the null parents' exception in `_every`: rows 3 and 4 of the first case."""
    assert failing(values, kind, predicate, text=text) == bad


def test_nan_is_in_no_range_inside_either() -> None:
    values = [[math.nan], [math.inf], [1.0], [-math.inf]]
    assert failing(values, ArrayType(NUM), Inside(A, (ITEMS,), InRange(THIS, D(0)))) == [1, 4]
    assert failing(values, ArrayType(NUM), Inside(A, (ITEMS,), InRange(THIS, None, D(5)))) == [1, 2]
    assert failing([[math.nan, math.nan], [0.0, -0.0], [1.0]], ArrayType(NUM), UniqueItems(A)) == [1, 2]


def test_rows_with_any_failing_value_are_counted_once() -> None:
    kind = ArrayType(INT)
    rule = Measured(
        FailingRows(Inside(A, (ITEMS,), NotNull(THIS))), Bound("mustBeLessThan", (D(50),), percent=True)
    )
    found = findings(_typed([[None, None], [1], [], None], kind), contract({"a": kind}, {"a.rule": rule}))
    assert (found["a.rule"].status, found["a.rule"].measured) == ("pass", "25%")


def test_a_value_of_the_wrong_type_inside_fails_the_column_and_no_rule_inside_of_it() -> None:
    kind = ArrayType(INT)
    rules: dict[str, Predicate] = {"a.type": Fits(A), "a.rule": Inside(A, (ITEMS,), InRange(THIS, 0))}
    found = bad_rows(
        text_rows({"a": ['[-1, "x"]', "[-1]", "[1.0, 2e0]", "{}"]}), contract({"a": kind}, rules)
    )
    assert found == {1: ["a.type"], 2: ["a.rule"], 4: ["a.type"]}


def test_a_rule_that_the_data_have_nothing_for_is_an_error() -> None:
    rows = typed_rows(pl.DataFrame({"a": ["x"]}))
    rule = Inside(A, (Field("x"),), NotNull(THIS))
    found = check(rows, contract({"a": ObjectType()}, {"a.rule": rule})).verdict
    assert [f.status for f in found.findings if f.rule == "a.rule"] == ["error"]


@pytest.mark.parametrize(
    ("dtype", "values", "bad"),
    [
        (pl.Map(pl.String, pl.Int32), [{"x": 1}, {}, None], []),
        (pl.Map(pl.String, pl.Float64), [{"x": 1.0}, {"x": 1.5}], [2]),
        (pl.List(pl.Struct({"key": pl.String, "value": pl.Int64})),
            [[{"key": "x", "value": 1}], [{"key": None, "value": 1}], [None], [], None], [2, 3]),
        (pl.Struct({"x": pl.Int64, "y": pl.String}),
            [{"x": 1, "y": "2"}, {"x": 1, "y": "z"}, {"x": 3, "y": None}, None], [2]),
        (pl.String, ['{"x": 1}', '{"x": 1.5}', "{}", "[]", '{"x": null}', "null", "x"], [2, 4, 6, 7]),
        (pl.List(pl.Int64), [[1], None], [1]),
        (pl.Int64, [1, None], [1]),
    ],
)  # fmt: skip
def test_maps_come_as_maps_as_entries_as_objects_and_as_text(
    dtype: Any, values: list[Any], bad: list[int]
) -> None:
    rows = typed_rows(pl.DataFrame({"a": values}, schema={"a": dtype}))
    found = bad_rows(rows, contract({"a": MapType(STR, INT)}, {"a.type": Fits(A)}))
    assert sorted(found) == bad


def test_two_keys_that_become_one_do_not_fit() -> None:
    rows = text_rows({"a": ['{"1": "x", "01": "y"}', '{"1": "x", "2": "y"}']})
    assert sorted(bad_rows(rows, contract({"a": MapType(INT, STR)}, {"a.type": Fits(A)}))) == [1]
    typed = typed_rows(
        pl.DataFrame({"a": [{"1": "x", "01": "y"}]}, schema={"a": pl.Map(pl.String, pl.String)})
    )
    assert sorted(bad_rows(typed, contract({"a": MapType(INT, STR)}, {"a.type": Fits(A)}))) == [1]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (DecimalType(20, 2), ["1.50", "123456789012345678.91", "1e2", "0"], ["1.505", "1e-9", "1e99999999", "true"]),
        (INT, ["1", "1.0", "1e2", "-0.0", "9223372036854775807", '"7"'], ["9223372036854775808", "1.5", '"1.0"', "[]"]),
        (NUM, ["1", "1.5", "1e300", "-0.0"], ["1e400", "NaN", "Infinity", "true", '"x"']),
        (STR, ['"x"', '""', r'"\ud83d\ude00"'], ["1", "true", "{}", r'"\ud800"']),
        (DateType("dd.MM.yyyy"), ['"29.02.2024"'], ['"2024-02-29"', "1"]),
        (TimestampType(default_zone="Europe/Berlin"), ['"2024-02-29T00:00:00"'], ['"2024-03-31T02:30:00"']),
    ],
)  # fmt: skip
def test_json_in_text_is_read_as_columns_are(kind: ColumnType, good: list[str], bad: list[str]) -> None:
    rows = text_rows({"a": [f"[{cell}]" for cell in [*good, *bad]]})
    found = bad_rows(rows, contract({"a": ArrayType(kind)}, {"a.type": Fits(A)}))
    assert sorted(found) == list(range(len(good) + 1, len(good) + len(bad) + 1))


def test_json_that_nests_too_deeply_does_not_fit() -> None:
    rows = text_rows({"a": ["[" * 100_000 + "]" * 100_000, "[[1]]"]})
    assert sorted(bad_rows(rows, contract({"a": ArrayType(ArrayType(INT))}, {"a.type": Fits(A)}))) == [1]


def test_a_sample_shows_the_value_inside_that_failed_and_is_short() -> None:
    kind = ArrayType(PERSON)
    rule = Inside(A, (ITEMS, Field("name")), LengthInRange(THIS, maximum=3))
    values = [
        [{"name": "x"}, {"name": "long" * 100}, {"name": "alsolong"}],
        [{"name": None}, {"name": "four"}],
    ]
    found = findings(
        _typed(values, kind), contract({"a": kind}, {"a.rule": rule, "a.max": LengthInRange(A, None, 1)})
    )
    assert [s.value for s in found["a.rule"].samples] == ["long" * 50 + "... [400 characters]", "four"]
    assert found["a.rule"].message == "2 of 2 rows: a[items].name must have at most 3 characters"
    (first, _) = found["a.max"].samples
    assert first.value is not None
    assert first.value.startswith('[{"name":"x","age":null')
    assert first.value.endswith("characters]")


# -- against the slow rules ---------------------------------------------------------------------------------

leaves: st.SearchStrategy[ColumnType] = st.sampled_from([INT, NUM, STR])
texts = st.text(st.sampled_from("abAB09\n\u00e9\U0001f600"), max_size=4)
kinds: st.SearchStrategy[ColumnType] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(ArrayType),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: ObjectType(tuple(zip(NAMES, kinds, strict=False)))
        ),
        st.builds(MapType, st.sampled_from([STR, INT]), inner),
    ),
    max_leaves=4,
).filter(lambda kind: not isinstance(kind, IntegerType | NumberType | StringType))


def values(kind: ColumnType, *, text: bool) -> st.SearchStrategy[Any]:
    match kind:
        case IntegerType():
            some: st.SearchStrategy[Any] = st.integers(-5, 5) | st.sampled_from([2**63 - 1, -(2**63)])
        case NumberType():
            some = st.floats(allow_nan=not text, allow_infinity=not text) | st.sampled_from(
                [0.3, 1e22, -0.0, 1.5]
            )
        case StringType():
            some = texts
        case ArrayType(items):
            assert items is not None
            some = st.lists(values(items, text=text), max_size=4)
        case ObjectType(fields):
            some = st.fixed_dictionaries({name: values(inner, text=text) for name, inner in fields})
        case MapType(key, value):
            keys = texts if isinstance(key, StringType) else st.integers(-9, 9)
            some = st.dictionaries(keys, values(value, text=text), max_size=3).map(Map)
        case _:
            raise AssertionError(kind)
    return st.none() | some if isinstance(kind, IntegerType) else st.one_of(some, some, some, st.none())


def places(kind: ColumnType) -> Iterator[tuple[tuple[Field | Each, ...], ColumnType]]:
    """Every path into a type, the empty one first."""
    yield (), kind
    match kind:
        case ArrayType(items):
            assert items is not None
            inner: list[tuple[Field | Each, ColumnType]] = [(ITEMS, items)]
        case ObjectType(fields):
            inner = [(Field(name), one) for name, one in fields]
        case MapType(key, value):
            inner = [(KEYS, key), (VALUES, value)]
        case _:
            inner = []
    for step, one in inner:
        yield from (((step, *steps), found) for steps, found in places(one))


def predicates(kind: ColumnType, column: str) -> st.SearchStrategy[Predicate]:
    small = st.integers(0, 3)
    of: list[st.SearchStrategy[Predicate]] = [st.just(NotNull(column))]
    match kind:
        case IntegerType() | NumberType():
            of += [
                st.builds(InRange, st.just(column), st.integers(-5, 5).map(D), st.none() | st.just(D(3))),
                st.builds(MultipleOf, st.just(column), st.sampled_from([D(2), D("0.1"), D(3)])),
                st.builds(OneOf, st.just(column), st.lists(st.integers(-3, 3).map(D), max_size=3).map(tuple)),
            ]
        case StringType():
            patterns = st.sampled_from(["^[ab]+$", "a.b", "(?=a)b?", r"\bab", r"(.)\1"])
            of += [
                st.builds(LengthInRange, st.just(column), small, st.integers(2, 4)),
                st.builds(Matches, st.just(column), patterns),
                st.builds(NotMissing, st.just(column), st.lists(texts, max_size=3).map(tuple)),
            ]
        case ArrayType():
            of += [
                st.builds(LengthInRange, st.just(column), small, st.integers(2, 4)),
                st.just(UniqueItems(column)),
            ]
        case _:
            of += [st.builds(FieldsInRange, st.just(column), small, st.none() | small)]
    return st.one_of(of)


@st.composite
def nested(draw: st.DrawFn, *, text: bool) -> tuple[ColumnType, list[Any], list[Predicate]]:
    kind = draw(kinds)
    rows = draw(st.lists(values(kind, text=text), max_size=6))
    rules: list[Predicate] = []
    for _ in range(draw(st.integers(1, 4))):
        steps, inner = draw(st.sampled_from(list(places(kind))))
        if steps:
            leaf = draw(predicates(inner, THIS))
            both = draw(st.booleans())
            rules.append(Inside(A, steps, AllOf((leaf, draw(predicates(inner, THIS)))) if both else leaf))
        else:
            rules.append(draw(predicates(kind, A)))
    return kind, rows, rules


@given(nested(text=False))
@settings(max_examples=200, deadline=None)
def test_the_engine_and_the_slow_rules_agree_about_typed_values(
    case: tuple[ColumnType, list[Any], list[Predicate]],
) -> None:
    _agree(*case, text=False)


@given(nested(text=True))
@settings(max_examples=100, deadline=None)
def test_the_engine_and_the_slow_rules_agree_about_json(
    case: tuple[ColumnType, list[Any], list[Predicate]],
) -> None:
    _agree(*case, text=True)


def _agree(kind: ColumnType, rows: list[Any], rules: list[Predicate], *, text: bool) -> None:
    named = {f"a.{i}": rule for i, rule in enumerate(rules)}
    frame = _as_text(rows) if text else _typed(rows, kind)
    found = bad_rows(frame, contract({"a": kind}, named))
    for name, rule in named.items():
        ours = sorted(row for row, names in found.items() if name in names)
        slow = [i for i, value in enumerate(rows, start=1) if not slow_nested.holds(rule, value)]
        assert ours == slow, (rule, rows)
