"""Profiles to contracts: what a person would keep, and what the rows behind the profile pass."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.contracts import bodies, pattern_error, table
from headgate.contract.compile import compile_contract
from headgate.contract.document import parse
from headgate.contract.infer import ColumnProfile, infer
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    Column,
    ColumnType,
    DateType,
    DecimalType,
    Dialect,
    IntegerType,
    NumberType,
    ObjectType,
    StringType,
    TableContract,
    TimestampType,
    TimeType,
)
from headgate.model.errors import WrongUse
from headgate.model.rule import Fits, InRange, NotNull, OneOf, Unique

ORDERS = (
    ColumnProfile("order_id", IntegerType(), 1000, 0, None, 1, 1000, unique=True),
    ColumnProfile("customer_id", IntegerType(), 1000, 0, None, 1, 90),
    ColumnProfile(
        "placed_at", TimestampType(True, None, "UTC"), 1000, 0, None, datetime(2024, 1, 1, tzinfo=UTC)
    ),
    ColumnProfile("status", StringType(), 1000, 0, ("cancelled", "no", "open")),
    ColumnProfile("amount", DecimalType(9, 2), 1000, 3, None, Decimal("0.00"), Decimal("99.50")),
    ColumnProfile("note", StringType(), 1000, 990),
)

WRITTEN = """\
# A draft, from 1,000 rows: say what things mean; take out what need not hold tomorrow.
apiVersion: v3.2.0
kind: DataContract
id: orders
name: orders
version: 0.1.0
status: draft

schema:
  - name: orders
    physicalType: table
    customProperties:
      - property: csv
        vendor: headgate
        value:
          delimiter: ";"
          null: ["NA"]
    properties:
      - name: order_id
        logicalType: integer
        primaryKey: true
      - name: customer_id
        logicalType: integer
        required: true
      - name: placed_at
        logicalType: timestamp
        required: true
      - name: status
        logicalType: string
        required: true
        enum:
          - value: cancelled
          - value: "no"
          - value: open
      - name: amount
        logicalType: number
        physicalType: decimal(9,2)
        logicalTypeOptions:
          minimum: 0
      - name: note
        logicalType: string
"""


def test_a_contract_is_written_as_a_person_would() -> None:
    assert infer("orders", ORDERS, Dialect(delimiter=";", null=("NA",))).decode() == WRITTEN


def compiled(*columns: ColumnProfile, name: str = "orders", dialect: Dialect | None = None) -> TableContract:
    document = parse(infer(name, columns, dialect or Dialect()), "inferred")
    return compile_contract(document, pattern_error=pattern_error)


def test_what_is_written_compiles_to_what_was_seen() -> None:
    contract = table(WRITTEN)
    assert contract.dialect == Dialect(delimiter=";", null=("NA",))
    assert contract.primary_key == ("order_id",)
    assert bodies(contract) == {
        **{f"{column.name}.type": Fits(column.name) for column in ORDERS},
        "customer_id.required": NotNull("customer_id"),
        "placed_at.required": NotNull("placed_at"),
        "status.required": NotNull("status"),
        "status.enum": OneOf("status", ("cancelled", "no", "open")),
        "amount.minimum": InRange("amount", minimum=Decimal("0.00")),
        "primaryKey": Unique(("order_id",), required=True),
    }


def test_a_default_dialect_is_not_mentioned() -> None:
    assert b"customProperties" not in infer("orders", ORDERS, Dialect())


@pytest.mark.parametrize(
    "column",
    [
        ColumnProfile("city", StringType(), 15, 0, ("a", "b")),  # too few rows to know
        ColumnProfile("city", StringType(), 1000, 0, ("a",)),  # one value is no choice
        ColumnProfile("city", StringType(), 1000, 0, ("a", "")),  # blanks are not meant
        ColumnProfile("city", StringType(), 1000, 0, ("a", "b" * 41)),  # prose
        ColumnProfile("grade", IntegerType(), 1000, 0, (1, 2), 1, 2),  # numbers go on
        ColumnProfile("delay", IntegerType(), 1000, 0, None, 0, 9),  # may be negative tomorrow
        ColumnProfile(
            "price", NumberType(), 1000, 0, None, Decimal(0), Decimal(9), nans=1
        ),  # NaN is in no range
        ColumnProfile("price", IntegerType(), 1000, 0, None, -1, 9),
        ColumnProfile("customer_id", IntegerType(), 1000, 0, None, 1, 2, unique=True),  # a key of others
        ColumnProfile("order_id", IntegerType(), 1000, 1, None, 1, 2, unique=True),  # absent once
        ColumnProfile("order_id", NumberType(), 1000, 0, None, Decimal(1), Decimal(2), unique=True),
        ColumnProfile("placed", StringType(), 1000, 0, None, None, None, unique=True),
    ],
)
def test_what_may_be_chance_is_left_out(column: ColumnProfile) -> None:
    first = ColumnProfile("first", StringType(), column.rows, 1)
    expected = {"first.type", f"{column.name}.type"} | (
        {f"{column.name}.required"} if not column.nulls else set()
    )
    assert set(bodies(compiled(first, column))) == expected


@pytest.mark.parametrize(
    ("table_name", "names", "key"),
    [
        ("orders", ["customer_id", "order_id"], "order_id"),
        ("orders", ["order_id", "id"], "id"),
        ("countries", ["x", "country_code"], "country_code"),
        ("orders", ["orderId"], "orderId"),
        ("planes", ["tail_number", "x"], "tail_number"),
        ("planes", ["x", "tail_number"], None),
    ],
)
def test_the_key_is_unique_and_called_like_one(table_name: str, names: list[str], key: str | None) -> None:
    columns = [ColumnProfile(name, StringType(), 100, 0, unique=True) for name in names]
    assert compiled(*columns, name=table_name).primary_key == ((key,) if key else ())


def test_a_uuid_that_is_not_the_key_is_unique() -> None:
    columns = (
        ColumnProfile("id", IntegerType(), 100, 0, None, 1, 2, unique=True),
        ColumnProfile("event_uuid", StringType(), 100, 0, unique=True),
    )
    assert bodies(compiled(*columns))["event_uuid.unique"] == Unique(("event_uuid",))


@pytest.mark.parametrize("names", [["a", "a"], ["a", ""], [" "], []])
def test_columns_that_no_contract_can_name_are_refused(names: list[str]) -> None:
    with pytest.raises(WrongUse):
        infer("orders", [ColumnProfile(name, StringType(), 1, 0) for name in names], Dialect())


def test_no_rows_make_no_rules_but_types() -> None:
    contract = compiled(ColumnProfile("id", AnyType(), 0, 0), ColumnProfile("b", StringType(), 0, 0))
    assert bodies(contract) == {"b.type": Fits("b")}


_PLAIN: list[ColumnType] = [
    StringType(), IntegerType(), NumberType(), BooleanType(), DecimalType(38, 0), DecimalType(5, 5), DateType(),
    DateType("dd.MM.yyyy"), TimeType(), TimeType("HH:mm"), TimestampType(), TimestampType(False),
    TimestampType(True, None, "UTC"), TimestampType(True, None, "Europe/Berlin"),
    TimestampType(True, "yyyy-MM-dd'T'HH:mm:ssXXX", None), TimestampType(True, "dd/MM/yyyy HH:mm", "UTC"),
    TimestampType(False, "dd/MM/yyyy HH:mm"), AnyType(),
]  # fmt: skip
_NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
_TYPE = st.recursive(
    st.sampled_from(_PLAIN),
    lambda inner: st.one_of(
        inner.map(ArrayType),
        st.lists(st.tuples(_NAME, inner), max_size=3, unique_by=lambda one: one[0]).map(
            lambda fields: ObjectType(tuple(fields))
        ),
    ),
    max_leaves=4,
)


def _generic(type_: ColumnType) -> ColumnType:
    """An array of anything is written as an array of no declared items: the same."""
    match type_:
        case ArrayType(AnyType()):
            return ArrayType()
        case ArrayType(items) if items is not None:
            return ArrayType(_generic(items))
        case ObjectType(fields):
            return ObjectType(tuple((name, _generic(inner)) for name, inner in fields))
        case _:
            return type_


@given(
    st.text(max_size=20),
    st.lists(st.tuples(_NAME, _TYPE), min_size=1, max_size=4, unique_by=lambda one: one[0]),
    st.lists(st.text(max_size=4), max_size=3),
)
def test_any_names_and_types_come_back_as_they_were(
    name: str, columns: list[tuple[str, ColumnType]], null: list[str]
) -> None:
    """Found by this: a table called 0, whose id was a number."""
    name = name.encode("utf-8", "replace").decode()
    dialect = Dialect(null=tuple(text.encode("utf-8", "replace").decode() for text in null))
    profiles = [ColumnProfile(column, type_, 5, 1) for column, type_ in columns]
    contract = compiled(*profiles, name=name, dialect=dialect)
    assert contract.columns == tuple(
        Column(column, _generic(type_), False, column) for column, type_ in columns
    )
    assert contract.dialect == dialect


def test_dates_in_enumerations_are_not_guessed() -> None:
    column = ColumnProfile("day", DateType(), 1000, 0, (date(2024, 1, 1), date(2024, 1, 2)))
    assert "day.enum" not in bodies(compiled(column))
