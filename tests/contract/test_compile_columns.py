"""One property at a time: what it declares, and the rules that become of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.contracts import bodies, of_column
from headgate.contract import temporal
from headgate.contract.bounds import BOUNDS, BoundName, within
from headgate.contract.formats import PATTERNS
from headgate.edge.jdk_format import reading
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
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
from headgate.model.errors import ContractUnusable
from headgate.model.rule import (
    AllOf,
    Body,
    Fits,
    InRange,
    LengthInRange,
    Matches,
    MultipleOf,
    NotCompiled,
    NotNull,
    OneOf,
    Predicate,
    Told,
    Unique,
)

C = "c"
MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("logicalType: string", StringType()),
        ("logicalType: integer\nphysicalType: decimal(20,0)", IntegerType()),
        ("logicalType: number", NumberType()),
        ("logicalType: number\nphysicalType: int", NumberType()),
        ("logicalType: number\nphysicalType: DECIMAL(12, 2)", DecimalType(12, 2)),
        ("logicalType: number\nphysicalType: numeric(7)", DecimalType(7, 0)),
        ("logicalType: number\nphysicalType: NUMBER(38,0)", DecimalType(38, 0)),
        ("logicalType: number\nphysicalType: decimal", DecimalType(38, 18)),
        ("logicalType: boolean", BooleanType()),
        ("logicalType: date", DateType()),
        ("logicalType: date\nlogicalTypeOptions: {format: yyyy-MM-dd}", DateType()),
        ("logicalType: date\nlogicalTypeOptions: {format: dd.MM.uuuu}", DateType("dd.MM.uuuu")),
        ("logicalType: time", TimeType()),
        ("logicalType: date\nlogicalTypeOptions: {format: date}", DateType()),
        ("logicalType: timestamp\nlogicalTypeOptions: {format: date-time}", TimestampType(True, None, "UTC")),
        ("logicalType: timestamp", TimestampType(True, None, "UTC")),
        ("logicalType: timestamp\nphysicalType: timestamp", TimestampType(True, None, "UTC")),
        ("logicalType: timestamp\nlogicalTypeOptions: {timezone: true}", TimestampType(True, None, None)),
        ("logicalType: timestamp\nlogicalTypeOptions: {timezone: false}", TimestampType(False)),
        ("logicalType: timestamp\nphysicalType: timestamp(6) without time zone", TimestampType(False)),
        ("logicalType: timestamp\nphysicalType: TIMESTAMP_NTZ", TimestampType(False)),
        ("logicalType: timestamp\nphysicalType: datetime", TimestampType(False)),
        ("logicalType: timestamp\nphysicalType: datetimeoffset", TimestampType(True, None, "UTC")),
        (
            "logicalType: timestamp\nphysicalType: datetime\nlogicalTypeOptions: {timezone: true}",
            TimestampType(True, None, None),
        ),
        (
            "logicalType: timestamp\nlogicalTypeOptions: {defaultTimezone: Australia/Sydney}",
            TimestampType(True, None, "Australia/Sydney"),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {format: "yyyy-MM-ddTHH:mm:ssZ", timezone: true}',
            TimestampType(True, "yyyy-MM-dd'T'HH:mm:ssZ", None),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {format: "yyyy-MM-dd HH:mm", timezone: true}',
            TimestampType(True, "yyyy-MM-dd HH:mm", "UTC"),
        ),
        ("logicalType: array", ArrayType()),
        ("logicalType: array\nitems: {logicalType: integer}", ArrayType(IntegerType())),
        ("logicalType: object", ObjectType()),
        (
            "logicalType: object\nproperties: [{name: a, logicalType: string}, {name: b, logicalType: date}]",
            ObjectType((("a", StringType()), ("b", DateType()))),
        ),
        ("physicalType: varchar(20)", StringType()),
        ("physicalType: BIGINT", IntegerType()),
        ("physicalType: decimal(9,4)", DecimalType(9, 4)),
        ("physicalType: double precision", NumberType()),
        ("physicalType: timestamptz", TimestampType(True, None, "UTC")),
        ("physicalType: timestamp without time zone", TimestampType(False)),
        ("physicalType: 'int[]'", AnyType()),
        ("physicalType: geography", AnyType()),
        ("description: nothing about its type", AnyType()),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 3}", ArrayType(NumberType())),
        (
            "logicalType: vector\nlogicalTypeOptions: {dimensions: 3, elementType: int8}",
            ArrayType(IntegerType()),
        ),
        ("physicalType: struct", ObjectType()),
        ("physicalType: ARRAY", ArrayType()),
        (
            (
                "logicalType: map\n"
                "map: {key: {logicalType: string}, value: {logicalType: array, items: {logicalType: date}}}"
            ),
            MapType(StringType(), ArrayType(DateType())),
        ),
    ],
)
def test_the_declared_type_decides_and_the_physical_type_refines_it(part: str, expected: ColumnType) -> None:
    assert of_column(part).columns[0].type == expected


def test_every_typed_column_has_a_type_rule_and_any_has_none() -> None:
    assert bodies(of_column("logicalType: string")) == {"c.type": Fits(C)}
    assert bodies(of_column("description: anything")) == {}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("required: true", {"c.required": NotNull(C)}),
        ("required: false\nunique: false", {}),
        ("unique: true", {"c.unique": Unique((C,))}),
        ("primaryKey: true", {"primaryKey": Unique((C,), required=True)}),
        (
            "primaryKey: true\nrequired: true\nunique: true",
            {"c.required": NotNull(C), "c.unique": Unique((C,)), "primaryKey": Unique((C,), required=True)},
        ),
        ("enum: [{value: b}, {value: a, label: A}, {value: null}]", {"c.enum": OneOf(C, ("b", "a"))}),
        ("enum: [{value: 007}, {value: 1.0}, {value: true}]", {"c.enum": OneOf(C, ("007", "1.0", "true"))}),
        ("logicalTypeOptions: {minLength: 1}", {"c.minLength": LengthInRange(C, minimum=1)}),
        ("logicalTypeOptions: {maxLength: 3}", {"c.maxLength": LengthInRange(C, maximum=3)}),
        ("logicalTypeOptions: {pattern: '^[A-Z]+$'}", {"c.pattern": Matches(C, "^[A-Z]+$")}),
        ("logicalTypeOptions: {format: email}", {"c.format": Matches(C, PATTERNS["email"])}),
        ("logicalTypeOptions: {format: UUID}", {"c.format": Matches(C, PATTERNS["uuid"])}),
        (
            "logicalTypeOptions: {format: hostname}",
            {"c.format": AllOf((Matches(C, PATTERNS["hostname"]), LengthInRange(C, maximum=253)))},
        ),
        (
            "logicalTypeOptions: {format: password}",
            {"c.format": Told("the text is a password, which any text can be")},
        ),
    ],
)
def test_what_a_text_column_declares_becomes_one_rule_each(part: str, expected: dict[str, Body]) -> None:
    assert bodies(of_column(f"logicalType: string\n{part}")) == {"c.type": Fits(C), **expected}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("minimum: 1", InRange(C, minimum=1)),
        ("minimum: 1.2", InRange(C, minimum=2)),
        ("minimum: -1.2", InRange(C, minimum=-1)),
        ("maximum: 1.8", InRange(C, maximum=1)),
        ("maximum: -1.8", InRange(C, maximum=-2)),
        ("exclusiveMinimum: 1", InRange(C, minimum=2)),
        ("exclusiveMinimum: 1.5", InRange(C, minimum=2)),
        ("exclusiveMaximum: 100", InRange(C, maximum=99)),
        ("exclusiveMaximum: 99.5", InRange(C, maximum=99)),
        ("minimum: 9007199254740993", InRange(C, minimum=2**53 + 1)),
        (f"maximum: {MAX}", InRange(C)),
        (f"maximum: {MAX - 1}", InRange(C, maximum=MAX - 1)),
        (f"exclusiveMinimum: {MAX}", OneOf(C, ())),
        ("minimum: 1e30", OneOf(C, ())),
        ("maximum: 1e30", InRange(C)),
        ("minimum: -1e30", InRange(C)),
        ("maximum: -1e30", OneOf(C, ())),
        ("multipleOf: 5", MultipleOf(C, Decimal(5))),
        ("multipleOf: 1.5", MultipleOf(C, Decimal(3))),
        ("multipleOf: 0.25", MultipleOf(C, Decimal(1))),
        ("multipleOf: 1e30", OneOf(C, (0,))),
        ("format: u8", InRange(C, minimum=0, maximum=255)),
        ("format: i32", InRange(C, minimum=-(2**31), maximum=2**31 - 1)),
        ("format: u64", InRange(C, minimum=0)),
        ("format: u128", InRange(C, minimum=0)),
        ("format: i64", Told("i64: every integer here has 64 bits")),
    ],
)
def test_integer_bounds_are_folded_to_the_integers_that_keep_them(options: str, expected: Body) -> None:
    found = bodies(of_column(f"logicalType: integer\nlogicalTypeOptions: {{{options}}}"))
    assert found == {"c.type": Fits(C), f"c.{options.split(':', maxsplit=1)[0]}": expected}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("minimum: 0.01", InRange(C, minimum=Decimal("0.01"))),
        ("minimum: 0.011", InRange(C, minimum=Decimal("0.02"))),
        ("exclusiveMinimum: 0", InRange(C, minimum=Decimal("0.01"))),
        ("exclusiveMaximum: 1.005", InRange(C, maximum=Decimal("1.00"))),
        ("maximum: 999.99", InRange(C)),
        ("minimum: 1000", OneOf(C, ())),
        ("multipleOf: 0.05", MultipleOf(C, Decimal("0.05"))),
    ],
)
def test_decimal_bounds_are_folded_to_the_scale(options: str, expected: Body) -> None:
    part = f"logicalType: number\nphysicalType: decimal(5,2)\nlogicalTypeOptions: {{{options}}}"
    assert bodies(of_column(part))[f"c.{options.split(':', maxsplit=1)[0]}"] == expected


def test_bounds_of_wide_decimals_keep_every_digit() -> None:
    text = "12345678901234567890123456789012345.678"
    part = f"logicalType: number\nphysicalType: decimal(38,3)\nlogicalTypeOptions: {{minimum: {text}}}"
    assert bodies(of_column(part))["c.minimum"] == InRange(C, minimum=Decimal(text))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("minimum: 0.1", InRange(C, minimum=Decimal("0.1"))),
        ("exclusiveMaximum: 1e3", InRange(C, maximum=Decimal(1000), exclusive_maximum=True)),
        ("multipleOf: 0.1", MultipleOf(C, Decimal("0.1"))),
        ("format: f64", Told("f64: every number here has 64 bits")),
        (
            "format: f32",
            InRange(C, minimum=-Decimal("3.4028234663852886E+38"), maximum=Decimal("3.4028234663852886E+38")),
        ),
    ],
)
def test_number_bounds_stay_as_they_were_written(options: str, expected: Body) -> None:
    found = bodies(of_column(f"logicalType: number\nlogicalTypeOptions: {{{options}}}"))
    assert found == {"c.type": Fits(C), f"c.{options.split(':', maxsplit=1)[0]}": expected}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            "logicalType: date\nlogicalTypeOptions: {minimum: 2020-01-01}",
            InRange(C, minimum=date(2020, 1, 1)),
        ),
        (
            'logicalType: date\nlogicalTypeOptions: {format: dd.MM.yyyy, minimum: "31.12.2019"}',
            InRange(C, minimum=date(2019, 12, 31)),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {minimum: "2020-01-01"}',
            InRange(C, minimum=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {minimum: "2020-01-01T10:00:00.5+10:00"}',
            InRange(C, minimum=datetime(2020, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ),
        (
            (
                "logicalType: timestamp\n"
                'logicalTypeOptions: {defaultTimezone: Australia/Sydney, minimum: "2020-01-01 00:00:00"}'
            ),
            InRange(C, minimum=datetime(2019, 12, 31, 13, tzinfo=UTC)),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {timezone: false, minimum: "2020-01-01 05:06:07"}',
            InRange(C, minimum=datetime(2020, 1, 1, 5, 6, 7)),  # noqa: DTZ001
        ),
        (
            'logicalType: date\nlogicalTypeOptions: {format: "d MMM yy", minimum: "5 Jun 24"}',
            InRange(C, minimum=date(2024, 6, 5)),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {format: "M/d/yyyy h:mm a", minimum: "1/2/2024 12:30 AM"}',
            InRange(C, minimum=datetime(2024, 1, 2, 0, 30, tzinfo=UTC)),
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {format: "d.M.yyyy HH:mmZ", minimum: "2.1.2024 03:04+0100"}',
            InRange(C, minimum=datetime(2024, 1, 2, 2, 4, tzinfo=UTC)),
        ),
        ('logicalType: time\nlogicalTypeOptions: {minimum: "08:30"}', InRange(C, minimum=time(8, 30))),
    ],
)
def test_bounds_on_dates_and_times_are_moments(part: str, expected: Body) -> None:
    assert bodies(of_column(part))["c.minimum"] == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("logicalType: integer\nenum: [{value: 1}, {value: 2.0}, {value: '3'}]", (1, 2, 3)),
        ("logicalType: number\nenum: [{value: 0.1}, {value: 1}]", (Decimal("0.1"), Decimal(1))),
        ("logicalType: boolean\nenum: [{value: true}]", (True,)),
        ("logicalType: date\nenum: [{value: 2020-01-01}]", (date(2020, 1, 1),)),
        ("logicalType: string\nenum: [{value: null}]", ()),
    ],
)
def test_members_of_an_enumeration_are_values_of_the_columns_type(
    part: str, expected: tuple[object, ...]
) -> None:
    assert bodies(of_column(part))["c.enum"] == OneOf(C, expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("logicalType: string\nlogicalTypeOptions: {format: iban}", "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "EEE d MMM yyyy"}', "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "yyyy-MM-dd HH:mm:ss"}', "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "yyyy-MM"}', "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "yyyy-MM[-dd]"}', "c.format"),
        ('logicalType: time\nlogicalTypeOptions: {format: "hh:mm"}', "c.format"),
        ('logicalType: time\nlogicalTypeOptions: {format: "HH:mm a"}', "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "yyyy-MM-dd \'x"}', "c.format"),
        ('logicalType: date\nlogicalTypeOptions: {format: "yyyy-uuuu-MM-dd"}', "c.format"),
        ('logicalType: time\nlogicalTypeOptions: {format: "HH:mm:ssXXX"}', "c.format"),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {timezone: false, format: "yyyy-MM-dd HH:mmXXX"}',
            "c.format",
        ),
        ("logicalType: array\nlogicalTypeOptions: {minItems: 1}\nunique: true", "c.unique"),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 3, normalized: true}", "c.normalized"),
        ("logicalType: object\nproperties: [{name: a, enum: [{value: 1}]}]", "c.a.enum"),
        ("logicalType: object\nproperties: [{name: a, primaryKey: true}]", "c.a.primaryKey"),
        ("logicalType: array\nitems: {relationships: [{to: other.id}]}", "c.items.references"),
        (
            "logicalType: array\nitems: {quality: [{metric: duplicateValues, mustBe: 0}]}",
            "c.items.duplicateValues",
        ),
        (
            (
                "logicalType: object\n"
                "properties: [{name: a, logicalType: object, properties: [{name: b, unique: true}]}]"
            ),
            "c.a.b.unique",
        ),
        ("enum: [{value: a}]", "c.enum"),
        ("logicalTypeOptions: {minimum: 3}", "c.minimum"),
        ("physicalType: int\nlogicalTypeOptions: {minLength: 3}", "c.minLength"),
        ("logicalType: boolean\nlogicalTypeOptions: {minimum: 3}", "c.minimum"),
        ("logicalType: array\nunique: true", "c.unique"),
        ("logicalType: object\nprimaryKey: true", "primaryKey"),
    ],
)
def test_what_nothing_here_executes_is_a_rule_that_says_so(part: str, rule: str) -> None:
    """Promise 8. With `_option`'s last case returning None, c.minimum and c.minLength fail."""
    assert isinstance(bodies(of_column(part))[rule], NotCompiled)


@pytest.mark.parametrize(
    "part",
    [
        "logicalType: array\nlogicalTypeOptions: {minItems: 0, uniqueItems: false}",
        "logicalType: object\nlogicalTypeOptions: {minProperties: 0}",
        "logicalType: object\nproperties: [{name: a, required: false, logicalType: string}]",
    ],
)
def test_what_constrains_nothing_is_no_rule(part: str) -> None:
    assert bodies(of_column(part)) == {"c.type": Fits(C)}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("logicalType: integer\nlogicalTypeOptions: {minimum: 3, maximum: 2}", "minimum 3"),
        ("logicalType: number\nlogicalTypeOptions: {exclusiveMinimum: 2, maximum: 2}", "exclusiveMinimum 2"),
        ('logicalType: date\nlogicalTypeOptions: {minimum: "2021-01-01", maximum: "2020-01-01"}', "minimum"),
        ("logicalType: string\nlogicalTypeOptions: {minLength: 3, maxLength: 2}", "maxLength 2"),
        ("logicalType: string\nlogicalTypeOptions: {pattern: '['}", "no ECMA-262 pattern"),
        ("logicalType: string\nlogicalTypeOptions: {pattern: '(?i)a'}", "no ECMA-262 pattern"),
        ("logicalType: integer\nlogicalTypeOptions: {multipleOf: 0}", "greater than 0"),
        ("physicalType: int\nlogicalTypeOptions: {multipleOf: -2}", "multiple of -2"),
        ("physicalType: int\nlogicalTypeOptions: {minimum: many}", "not a number"),
        ("physicalType: text\nlogicalTypeOptions: {minLength: -1}", "no length"),
        ("physicalType: text\nlogicalTypeOptions: {pattern: 3}", "no pattern"),
        ('logicalType: date\nlogicalTypeOptions: {minimum: "01.01.2020"}', "not an ISO 8601 date"),
        ('logicalType: date\nlogicalTypeOptions: {minimum: "2020-02-30"}', "day"),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {minimum: "0001-01-01T00:00:00+10:00"}',
            "out of the range",
        ),
        (
            'logicalType: timestamp\nlogicalTypeOptions: {timezone: false, minimum: "2020-01-01T00:00:00Z"}',
            "names a zone",
        ),
        ("logicalType: timestamp\nlogicalTypeOptions: {defaultTimezone: Mars/Olympus}", "no time zone"),
        ("logicalType: integer\nenum: [{value: 1.5}]", "1.5 is not a 64-bit integer"),
        ("logicalType: integer\nenum: [{value: 9223372036854775808}]", "not a 64-bit integer"),
        ("logicalType: integer\nenum: [{value: true}]", "not a 64-bit integer"),
        ("logicalType: number\nphysicalType: decimal(5,2)\nenum: [{value: 1.005}]", "not a decimal(5,2)"),
        ("logicalType: boolean\nenum: [{value: 1}]", "not a boolean"),
        ("logicalType: date\nenum: [{value: 20200101}]", "not a date"),
        ("logicalType: number\nphysicalType: decimal(39,2)", "1 to 38 digits"),
        ("logicalType: number\nphysicalType: 'decimal(5,6)'", "behind the point"),
        ("logicalType: number\nphysicalType: 'number(5,-2)'", "behind the point"),
    ],
)
def test_a_property_that_contradicts_itself_is_refused_at_its_line(part: str, said: str) -> None:
    with pytest.raises(ContractUnusable) as caught:
        of_column(part)
    assert said in caught.value.message
    assert "properties[0]" in caught.value.message
    assert caught.value.hint
    assert caught.value.place.startswith("orders.yaml:")


@pytest.mark.parametrize("field", temporal.FIELDS)
def test_every_field_of_a_format_is_one_that_the_engine_reads(field: str) -> None:
    other = {"hh": " a", "h": " a", "a": " h"}.get(field, "")
    assert reading(field + other).regex


def _holds(rule: Predicate, value: int | Decimal) -> bool:
    match rule:
        case OneOf(members=members):
            return value in members
        case InRange(minimum=least, maximum=most):
            assert not (rule.exclusive_minimum or rule.exclusive_maximum)
            return (least is None or value >= least) and (most is None or value <= most)  # type: ignore[operator]
        case _:
            raise AssertionError(rule)


def _meant(name: BoundName, value: int | Decimal, bound: Decimal) -> bool:
    return {
        "minimum": value >= bound,
        "maximum": value <= bound,
        "exclusiveMinimum": value > bound,
        "exclusiveMaximum": value < bound,
    }[name]


_BOUND = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=4)


@given(st.sampled_from(BOUNDS), _BOUND, st.integers(-(2**63), MAX))
def test_a_folded_integer_bound_means_what_was_written(name: BoundName, bound: Decimal, value: int) -> None:
    assert _holds(within(C, IntegerType(), name, bound), value) == _meant(name, value, bound)
    near = min(max(int(bound) + value % 5 - 2, -(2**63)), MAX)
    assert _holds(within(C, IntegerType(), name, bound), near) == _meant(name, near, bound)


@given(st.sampled_from(BOUNDS), _BOUND, st.integers(-99999, 99999))
def test_a_folded_decimal_bound_means_what_was_written(name: BoundName, bound: Decimal, units: int) -> None:
    value = Decimal(units).scaleb(-2)
    assert _holds(within(C, DecimalType(5, 2), name, bound), value) == _meant(name, value, bound)
