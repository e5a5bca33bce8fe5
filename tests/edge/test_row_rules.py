# ruff: noqa: DTZ001, E501, RUF001 - wall-clock times, tables of cases, and letters that look like others are the point
from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import slow_rules
from edge.rows_at_hand import bad_rows, check, contract, findings, text_rows, typed_rows
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    ColumnType,
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
    Fits,
    InRange,
    LengthInRange,
    Matches,
    MultipleOf,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
)

D = Decimal
INT, NUM, STR = IntegerType(), NumberType(), StringType()
MAX, MIN = 2**63 - 1, -(2**63)


def failing(cells: list[Any], kind: ColumnType, predicate: Predicate, dtype: Any = None) -> list[int]:
    """Row numbers. ``dtype``: the cells are typed data, else text."""
    rows = (
        text_rows({"a": cells})
        if dtype is None
        else typed_rows(pl.DataFrame({"a": cells}, schema={"a": dtype}))
    )
    found = bad_rows(rows, contract({"a": kind}, {"a.rule": predicate}))
    return sorted(row for row, rules in found.items() if "a.rule" in rules)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (INT, ["0", "-1", "+1", "007", str(MAX), str(MIN), "0" * 30 + "1"],
            ["1.0", "1e3", " 1", "1 ", "", "0x1", "1_000", "١", "-", "+", "--1", str(MAX + 1), str(MIN - 1), "nan"]),
        (NUM, ["0", "-1.5", ".5", "+.5", "1e3", "1E-3", "1e308", "123456789012345678901234567890", "1e-400"],
            ["1.", "1.e3", "nan", "NaN", "inf", "-Infinity", "1e400", "", " 1", "1,5", "0x1", "1_0", "1e", "."]),
        (DecimalType(5, 2), ["999.99", "-999.99", "1", ".5", "1.500", "001.10", "+0.01"],
            ["1000", "1.234", "1e2", "", "1.", "nan", "9999.9", "0.001"]),
        (DecimalType(38, 0), ["9" * 38, "-" + "9" * 38], ["1" + "0" * 38, "0.5"]),
        (BooleanType(), ["true", "false", "True", "FALSE"], ["1", "0", "yes", "t", "", "tRuE", " true"]),
        (DateType(), ["2024-02-29", "0001-01-01", "9999-12-31"],
            ["2023-02-29", "0000-01-01", "2024-2-9", "2024-13-01", "20240229", "+2024-02-29", "2024-02-29 ", "",
             "2024-02-29T00:00:00", "2024- 2-29", "10000-01-01"]),
        (DateType("dd.MM.yyyy"), ["29.02.2024"], ["29.02.2023", "9.2.2024", "2024-02-29"]),
        (DateType("d/M/yy"), ["1/2/24", "01/12/99"], ["1/2/2024", "32/1/24"]),
        (TimestampType(), ["2024-02-29T23:59:59Z", "2024-02-29 23:59:59.123456+01:00", "2024-01-01T00:00:00.1230000-0500",
                           "2024-01-01T00:00:00+05"],
            ["2024-02-29T23:59:59", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T23:59:60Z",
             "2024-01-01T00:00:00.1234567Z", "2024-01-01", "", "2024-01-01T00:00:00+24:00", "0000-01-01T00:00:00Z",
             "2024-01-01T1:00:00Z", "2024-01-01  00:00:00Z"]),
        (TimestampType(default_zone="Europe/Berlin"), ["2024-02-29T23:59:59", "2024-10-27T02:30:00", "2024-01-01T00:00:00Z"],
            ["2024-03-31T02:30:00"]),
        (TimestampType(zoned=False), ["2024-02-29T23:59:59", "2024-02-29 23:59:59.5"], ["2024-02-29T23:59:59Z"]),
        (TimestampType(format="yyyy-MM-dd'T'HH:mm:ss.SSSX"), ["2024-02-29T01:02:03.004Z", "2024-02-29T01:02:03.004+01"],
            ["2024-02-29T01:02:03.004", "2024-02-29T01:02:03Z"]),
        (TimestampType(zoned=False, format="dd/MM/yyyy h:mm a"), ["01/02/2024 1:05 PM"], ["01/02/2024 13:05 PM"]),
        (TimeType(), ["00:00:00", "23:59:59.123456"], ["24:00:00", "1:00:00", "12:00", "12:00:00.1234567", ""]),
        (TimeType("HH:mm"), ["12:30"], ["12:60", "1:30"]),
        (STR, ["", " ", "x", "\U0001f600"], []),
        (AnyType(), ["", "1", "x"], []),
        (ArrayType(INT), ["[]", "[1, null]"], ["[1.5]", "x", "{}"]),
        (ObjectType((("x", INT),)), ['{"x": 1}'], ["[", '"a"']),
    ],
)  # fmt: skip
def test_text_fits_a_type_or_fails_it_alone(kind: ColumnType, good: list[str], bad: list[str]) -> None:
    cells: list[str | None] = [None, *good, *bad]
    want = list(range(2 + len(good), 2 + len(good) + len(bad)))
    assert failing(cells, kind, Fits("a")) == want
    assert failing(cells, kind, NotNull("a")) == [1], "a cell that does not fit is there all the same"
    # Without a declared rule the engine adds one: nothing that cannot be read is passed over.
    assert (
        findings(text_rows({"a": cells}), contract({"a": kind})).get("a.type") is not None
        or kind == AnyType()
    )


@pytest.mark.parametrize(
    ("kind", "dtype", "good", "bad"),
    [
        (INT, pl.Int8, [1, -1, None], []),
        (INT, pl.UInt64, [0, MAX], [MAX + 1, 2**64 - 1]),
        (INT, pl.Float64, [1.0, -0.0, 2.0**53, -(2.0**63)], [1.5, math.nan, math.inf, 2.0**63]),
        (INT, pl.Decimal(10, 2), [D("1.00")], [D("1.50")]),
        (INT, pl.Decimal(38, 0), [D(MAX)], [D(MAX + 1)]),
        (INT, pl.String, ["1"], ["1.0", "x"]),
        (INT, pl.Boolean, [None], [True, False]),
        (INT, pl.Date, [None], [date(2024, 1, 1)]),
        (NUM, pl.Int32, [1, 2**31 - 1], []),
        (NUM, pl.Int64, [1, 2**53, -(2**53), 2**53 + 2], [2**53 + 1, MAX]),
        (NUM, pl.Float32, [0.5, math.nan, math.inf], []),
        (NUM, pl.Decimal(10, 2), [D("0.10")], []),
        (NUM, pl.Decimal(38, 2), [D("0.10")], [D("12345678901234567890.12")]),
        (DecimalType(5, 2), pl.Int64, [999, -999], [1000]),
        (DecimalType(5, 2), pl.Float64, [0.1, 1.25], [1.234, math.nan, 1e10]),
        (DecimalType(5, 2), pl.Decimal(10, 3), [D("1.230")], [D("1.234"), D("1000.000")]),
        (STR, pl.Categorical, ["x"], []),
        (STR, pl.Int64, [None], [1]),
        (BooleanType(), pl.Int64, [None], [0, 1]),
        (DateType(), pl.Datetime("us"), [datetime(2024, 1, 1)], [datetime(2024, 1, 1, 1)]),
        (DateType(), pl.Datetime("ms", "UTC"), [None], [datetime(2024, 1, 1, tzinfo=UTC)]),
        (TimestampType(), pl.Datetime("ms", "Europe/Berlin"), [datetime(2024, 1, 1, tzinfo=UTC)], []),
        (TimestampType(), pl.Datetime("us"), [None], [datetime(2024, 1, 1)]),
        (TimestampType(default_zone="UTC"), pl.Datetime("us"), [datetime(2024, 1, 1)], []),
        (TimestampType(zoned=False), pl.Date, [date(2024, 1, 1)], []),
        (TimestampType(zoned=False), pl.Datetime("us", "UTC"), [None], [datetime(2024, 1, 1, tzinfo=UTC)]),
        (TimeType(), pl.Time, [time(1, 2, 3, 4)], []),
        (ArrayType(INT), pl.List(pl.Float64), [[1.0, None], []], [[1.5], [1.0, 2.5]]),
        (ArrayType(), pl.List(pl.String), [["x"], []], []),
        (ArrayType(INT), pl.Int64, [None], [1]),
        (ObjectType((("x", INT),)), pl.Struct({"x": pl.Float64}), [{"x": 1.0}, {"x": None}], [{"x": 1.5}]),
        (ObjectType((("x", INT),)), pl.Struct({"x": pl.Int64, "y": pl.Int64}), [{"x": 1, "y": None}], [{"x": 1, "y": 2}]),
        (ObjectType(), pl.Struct({"y": pl.Int64}), [{"y": 1}], []),
        (INT, pl.Null, [None], []),
    ],
)  # fmt: skip
def test_typed_data_fit_if_they_convert_without_loss(
    kind: ColumnType, dtype: Any, good: list[Any], bad: list[Any]
) -> None:
    want = list(range(1 + len(good), 1 + len(good) + len(bad)))
    assert failing([*good, *bad], kind, Fits("a"), dtype) == want


def test_a_time_finer_than_microseconds_does_not_fit() -> None:
    ns = pl.Series([0, 1, 1000]).cast(pl.Datetime("ns"))
    found = bad_rows(typed_rows(pl.DataFrame({"a": ns})), contract({"a": TimestampType(zoned=False)}))
    assert found == {2: ["a.type"]}
    found = bad_rows(
        typed_rows(pl.DataFrame({"a": ns.cast(pl.Int64).cast(pl.Time)})), contract({"a": TimeType()})
    )
    assert found == {2: ["a.type"]}


@pytest.mark.parametrize(
    ("kind", "cells", "predicate", "bad"),
    [
        (INT, [str(MIN), str(MAX), "0", None, "x"], InRange("a", MIN, MAX), []),
        (INT, [str(MAX), str(MAX - 1)], InRange("a", maximum=MAX, exclusive_maximum=True), [1]),
        (INT, [str(MIN), "0"], InRange("a", MIN, exclusive_minimum=True), [1]),
        (INT, [str(2**53 + 1), str(2**53)], InRange("a", maximum=2**53), [1]),
        (INT, ["1", "2"], InRange("a", D("1.5")), [1]),
        (INT, ["1", "2"], InRange("a", None, D("1.5")), [2]),
        (INT, ["1", "2"], InRange("a", D("1e30")), [1, 2]),
        (INT, ["1", "2"], InRange("a", None, D("1e30")), []),
        (INT, ["1", "2", None], InRange("a", None, D("-1e30")), [1, 2]),
        (NUM, ["0.1", "0.10000000000000001", "0.2"], InRange("a", maximum=D("0.1")), [3]),
        (NUM, ["0.1", "0.3"], InRange("a", D("0.1"), exclusive_minimum=True), [1]),
        (NUM, ["0.1"], InRange("a", D("0.1000000000000000001")), [1]),
        (NUM, ["1e308", "-1e308"], InRange("a", D("-1e400"), D("1e400")), []),
        (DecimalType(5, 2), ["1.25", "1.24"], InRange("a", D("1.245")), [2]),
        (DecimalType(5, 2), ["999.99"], InRange("a", None, D("1000000")), []),
        (DateType(), ["2024-01-01", "2024-01-02"], InRange("a", date(2024, 1, 2)), [1]),
        (TimestampType(), ["2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00Z"],
            InRange("a", datetime(2024, 1, 1, tzinfo=UTC)), [1]),
        (TimestampType(zoned=False), ["2024-01-01T00:00:00.000001"], InRange("a", None, datetime(2024, 1, 1)), [1]),
        (TimeType(), ["12:00:00", "12:00:01"], InRange("a", None, time(12)), [2]),
        (STR, ["a", "ä", "\U0001f468\u200d\U0001f469", "", None], LengthInRange("a", 1, 2), [3, 4]),
        (STR, ["a", None], LengthInRange("a", None, 0), [1]),
        (STR, ["de", "xx", None, ""], OneOf("a", ("de", "fr")), [2, 4]),
        (STR, ["a", None], OneOf("a", ()), [1]),
        (INT, ["1", "3"], OneOf("a", (1, D("2.5"), 2)), [2]),
        (NUM, ["0.1", "0.30000000000000004"], OneOf("a", (D("0.1"), D("0.3"))), [2]),
        (DecimalType(5, 2), ["1.5", "1.25"], OneOf("a", (D("1.50"), D("1.255"))), [2]),
        (BooleanType(), ["true", "false"], OneOf("a", (True,)), [2]),
        (DateType(), ["2024-01-01", "2024-01-02"], OneOf("a", (date(2024, 1, 1),)), [2]),
        (STR, ["AB-1", "ab-1", "xAB-12", None], Matches("a", "^[A-Z]{2}-[0-9]$"), [2, 3]),
        (STR, ["foobar", "foobaz"], Matches("a", "foo(?=bar)"), [2]),
        (STR, ["a\n", "a"], Matches("a", "^a$"), [1]),
        (INT, ["4", "-4", "5", "0", str(MAX)], MultipleOf("a", D("2")), [3, 5]),
        (INT, ["1", "3", "0"], MultipleOf("a", D("1.5")), [1]),
        (INT, ["1", "0"], MultipleOf("a", D("1e30")), [1]),
        (INT, ["1", "7"], MultipleOf("a", D("0.5")), []),
        (DecimalType(10, 2), ["0.15", "0.20", "-0.30", "0"], MultipleOf("a", D("0.15")), [2]),
        (DecimalType(10, 2), ["0.25", "0.50"], MultipleOf("a", D("0.125")), []),
        (NUM, ["0.3", "0.31", "-0.3", "0", "1e300", "1e22", "123456789012345.7", "0.07"],
            MultipleOf("a", D("0.1")), [2, 8]),
        (NUM, ["1e22", "1e16", "3e16", "12345678901234567890"], MultipleOf("a", D("3")), [1, 2, 4]),
        (INT, ["-1", "1", None, "99", "x"], NotMissing("a", (-1, 99)), [1, 3, 4]),
        (INT, ["N/A", "1"], NotMissing("a", ("N/A",)), [1]),
        (STR, ["N/A", "x", "", None], NotMissing("a", ("N/A", "")), [1, 3, 4]),
        (INT, ["5", "-5", None], AllOf((InRange("a", 0), MultipleOf("a", D("5")))), [2]),
    ],
)  # fmt: skip
def test_rules_about_text(
    kind: ColumnType, cells: list[str | None], predicate: Predicate, bad: list[int]
) -> None:
    assert failing(cells, kind, predicate) == bad


@pytest.mark.parametrize(
    ("kind", "dtype", "cells", "predicate", "bad"),
    [
        (NUM, pl.Float64, [math.nan, 1.0, None, math.inf, -math.inf], InRange("a", D(0)), [1, 5]),
        (NUM, pl.Float64, [math.nan, 1.0], InRange("a", None, D(5)), [1]),
        (NUM, pl.Float64, [math.nan], InRange("a", D("-1e400"), D("1e400")), [1]),
        (NUM, pl.Float64, [math.nan, 1.0], OneOf("a", (D(1),)), [1]),
        (NUM, pl.Float64, [math.nan, math.inf, 0.5, -0.0], MultipleOf("a", D("0.5")), [1, 2]),
        (NUM, pl.Float64, [math.nan, None], NotNull("a"), [2]),
        (AnyType(), pl.Int64, [1, 5], InRange("a", None, D(3)), [2]),
        (AnyType(), pl.Datetime("ms", "Europe/Berlin"), [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)],
            InRange("a", None, datetime(2024, 1, 1, tzinfo=UTC)), [2]),
        (AnyType(), pl.Datetime("ns"), [datetime(2024, 1, 1), datetime(2024, 1, 2)],
            InRange("a", None, datetime(2024, 1, 1)), [2]),
        (ArrayType(), pl.List(pl.Int64), [[1], [1, 2]], LengthInRange("a", 2), [1]),
        (STR, pl.Categorical, ["äö", "a"], LengthInRange("a", 2), [2]),
    ],
)  # fmt: skip
def test_rules_about_typed_data(
    kind: ColumnType, dtype: Any, cells: list[Any], predicate: Predicate, bad: list[int]
) -> None:
    assert failing(cells, kind, predicate, dtype) == bad


def test_a_rule_that_says_nothing_about_a_type_is_an_error_and_not_a_pass() -> None:
    found = findings(text_rows({"a": ["1"]}), contract({"a": INT}, {"a.length": LengthInRange("a", 1)}))
    assert found["a.length"].status == "error"
    assert not check(
        text_rows({"a": ["1"]}), contract({"a": INT}, {"a.length": LengthInRange("a", 1)})
    ).verdict.passed


# -- against the slow rules ---------------------------------------------------------------------------------

integers = st.one_of(
    st.integers(MIN - 2, MAX + 2).map(str),
    st.integers(-20, 20).map(str),
    st.sampled_from(["", "x", "1.0", "+5", " 1"]),
)
numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-1000, 1000, places=2).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["nan", "1.", "1e5", ".5"]),
)
dates = st.one_of(st.dates().map(str), st.sampled_from(["2023-02-29", "2024-1-1", "x", "0000-00-00"]))
stamps = st.builds(
    lambda at, sep, fraction, zone: (
        at.strftime("%Y").zfill(4) + at.strftime(f"-%m-%d{sep}%H:%M:%S") + fraction + zone
    ),
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.sampled_from("T "),
    st.sampled_from(["", ".5", ".123456", ".1234560", ".1234567"]),
    st.sampled_from(["", "Z", "+01:00", "-0530", "+05", "+25:00"]),
)
bounds = st.one_of(
    st.integers(-20, 20).map(D), st.decimals(-1000, 1000, places=2), st.integers(MIN - 2, MAX + 2).map(D),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: D(repr(x))),
)  # fmt: skip
divisors = st.one_of(
    st.integers(1, 50).map(D), st.sampled_from([D("0.1"), D("0.25"), D("0.01"), D("1.5"), D("1e16")])
)
texts = st.text(st.sampled_from("abAB09 -\n\u00e9\U0001f600"), max_size=6)


@st.composite
def ranges(draw: st.DrawFn, ends: st.SearchStrategy[Any]) -> InRange:
    low, high = draw(st.none() | ends), draw(st.none() | ends)
    return InRange("a", low, high, draw(st.booleans()), draw(st.booleans()))


def cases() -> st.SearchStrategy[tuple[ColumnType, list[str | None], list[Predicate]]]:
    def of(
        kind: st.SearchStrategy[ColumnType],
        cells: st.SearchStrategy[str],
        rules: st.SearchStrategy[Predicate],
    ) -> st.SearchStrategy[tuple[ColumnType, list[str | None], list[Predicate]]]:
        both = st.one_of(rules, st.just(Fits("a")), st.just(NotNull("a")))
        return st.tuples(
            kind, st.lists(st.none() | cells, max_size=12), st.lists(both, min_size=1, max_size=5)
        )

    numeric = st.one_of(
        ranges(bounds),
        st.builds(MultipleOf, st.just("a"), divisors),
        st.builds(OneOf, st.just("a"), st.lists(bounds, max_size=3).map(tuple)),
    )
    kinds = st.sampled_from([DecimalType(10, 2), DecimalType(38, 4), DecimalType(3, 0)])
    return st.one_of(
        of(st.just(INT), integers, numeric),
        of(st.just(NUM), numbers, numeric),
        of(kinds, numbers, numeric),
        of(st.just(DateType()), dates, ranges(st.dates())),
        of(
            st.sampled_from(
                [TimestampType(), TimestampType(zoned=False), TimestampType(default_zone="Europe/Berlin")]
            ),
            stamps,
            st.just(NotNull("a")),
        ),
        of(
            st.just(STR),
            texts,
            st.one_of(
                st.builds(LengthInRange, st.just("a"), st.integers(0, 3), st.integers(2, 6)),
                st.builds(
                    Matches,
                    st.just("a"),
                    st.sampled_from(["^[ab]+$", "a.b", "(?=a)b?", r"\S\s", "é$", r"\bab"]),
                ),
                st.builds(OneOf, st.just("a"), st.lists(texts, max_size=4).map(tuple)),
                st.builds(NotMissing, st.just("a"), st.lists(texts, max_size=4).map(tuple)),
            ),
        ),
    )


@given(cases())
@settings(max_examples=300, deadline=None)
def test_the_engine_and_the_slow_rules_agree(
    case: tuple[ColumnType, list[str | None], list[Predicate]],
) -> None:
    kind, cells, predicates = case
    rules = {f"a.{i}": p for i, p in enumerate(predicates)}
    found = bad_rows(text_rows({"a": cells}), contract({"a": kind}, rules))
    for name, predicate in rules.items():
        ours = sorted(row for row, names in found.items() if name in names)
        assert ours == slow_rules.fails(predicate, cells, kind), (name, predicate, cells)


@pytest.mark.parametrize(("precision", "scale"), [(5, 2), (15, 2), (17, 2), (38, 0), (38, 10)])
def test_a_float_beyond_a_decimals_digits_does_not_fit_and_is_no_error(precision: int, scale: int) -> None:
    """Seen failing without the bound before the cast: Polars raised "decimal precision 5 can't fit values"."""
    above = 10.0 ** (precision - scale)
    cells = [1.0, above, -above, 10 * above, 1e300, math.inf, math.nan, None, -2.0]
    assert failing(cells, DecimalType(precision, scale), Fits("a"), pl.Float64) == [2, 3, 4, 5, 6, 7]


def test_a_float_that_rounds_up_to_one_digit_too_many_does_not_fit() -> None:
    assert failing([999.99, 999.994, 999.999, -999.999], DecimalType(5, 2), Fits("a"), pl.Float64) == [
        2,
        3,
        4,
    ]
