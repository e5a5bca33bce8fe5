"""Rules in one intermediate form: a closed set of primitives that every engine renders by hand.

A *rule about rows* is a predicate: true keeps the row, false fails it, and null (the value is absent) has no
say, except where a predicate speaks of absence itself (`NotNull`, `NotMissing`). A *rule about the table* is a
measure with a bound. Columns are physical names. Bounds are exact: they were read from the contract's text,
never through a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

from headgate.model.names import RuleName, TableName

Scalar = bool | int | Decimal | str | date | datetime | time


# -- predicates about one row -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fits:
    """The raw value converts to the column's declared type without loss (rule ``<column>.type``)."""

    column: str


@dataclass(frozen=True, slots=True)
class NotNull:
    column: str


@dataclass(frozen=True, slots=True)
class NotMissing:
    """Neither null nor one of ``missing`` (compared as the column's type; text compared with raw text)."""

    column: str
    missing: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class InRange:
    """minimum <= value <= maximum, either end optional or exclusive. NaN is within no range."""

    column: str
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False


@dataclass(frozen=True, slots=True)
class LengthInRange:
    """Length in Unicode code points."""

    column: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """ECMA-262 regular expression with the ``u`` flag, searched (not anchored)."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of ``members``, compared as the column's type. No members: always false."""

    column: str
    members: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class MultipleOf:
    """A whole multiple of ``divisor`` (not 0), judged on the shortest decimal form of the value."""

    column: str
    divisor: Decimal


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds. Null parts have no say."""

    parts: tuple[Predicate, ...]


Predicate = Fits | NotNull | NotMissing | InRange | LengthInRange | Matches | OneOf | MultipleOf | AllOf


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows agree on all ``columns``; rows with a null among them do not take part.

    ``required``: a null among the columns fails the rule, too (a primary key is required + unique, one rule).
    """

    columns: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """Every non-null value of ``column`` occurs in ``to_column`` of ``to_table`` (of the same commit)."""

    column: str
    to_table: TableName
    to_column: str


# -- measures about the table -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RowCount:
    pass


@dataclass(frozen=True, slots=True)
class FailingRows:
    """How many rows fail ``predicate``: nullValues, missingValues, invalidValues with any bound."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class DuplicateRows:
    """Rows beyond the first of each group that agrees on all ``columns``; nulls are no duplicates."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SqlResult:
    """One number (or boolean: true is 1) from a query; ``{object}`` and the like are still in it."""

    query: str
    column: str | None = None


Measure = RowCount | FailingRows | DuplicateRows | SqlResult
Operator = Literal[
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bound:
    """An ODCS operator with its one or two values. Both ends of the between operators are included.

    ``percent``: the measure is 100 x failing rows / rows (0 when there are no rows).
    """

    operator: Operator
    values: tuple[Decimal, ...]
    percent: bool = False

    def holds(self, measured: Decimal) -> bool:
        first, last = self.values[0], self.values[-1]
        match self.operator:
            case "mustBe":
                return measured == first
            case "mustNotBe":
                return measured != first
            case "mustBeGreaterThan":
                return measured > first
            case "mustBeGreaterOrEqualTo":
                return measured >= first
            case "mustBeLessThan":
                return measured < first
            case "mustBeLessOrEqualTo":
                return measured <= first
            case "mustBeBetween":
                return first <= measured <= last
            case "mustNotBeBetween":
                return not first <= measured <= last

    def __str__(self) -> str:
        unit = "%" if self.percent else ""
        return f"{self.operator} {' and '.join(f'{v}{unit}' for v in self.values)}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A rule about the table: ``measure`` within ``bound``."""

    measure: Measure
    bound: Bound


# -- what the standard has and no engine runs ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Declared for people (``text``, service levels): status ``info``."""

    what: str


@dataclass(frozen=True, slots=True)
class NotCompiled:
    """Declared, and nothing here can execute it: status ``not_executed``, which fails the verdict."""

    why: str


Body = Predicate | Unique | References | Measured | Told | NotCompiled
OnFail = Literal["quarantine_batch", "quarantine_rows", "warn"]
Scope = Literal["table", "delivery"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A name that quarantine keeps, and what must hold.

    ``on_fail``: None takes the contract's. ``scope``: where a rule about the table is measured: on the merged
    table, or on what was delivered. ``place``: where in the contract it was declared (``schema[0].properties[2]``).
    """

    name: RuleName
    body: Body
    place: str = ""
    description: str = ""
    on_fail: OnFail | None = None
    scope: Scope = "table"
    dimension: str | None = None
    severity: str | None = None

    @property
    def about_rows(self) -> bool:
        """True if each row passes or fails on its own, or by its key: such rows can be split off."""
        return not isinstance(self.body, Measured | Told | NotCompiled)
