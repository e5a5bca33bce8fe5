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
class UniqueItems:
    """No two items of an array are equal; nulls are no duplicates."""

    column: str


@dataclass(frozen=True, slots=True)
class FieldsInRange:
    """How many fields of an object are not null, or how many entries a map has."""

    column: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds. Null parts have no say."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where ``predicate`` is false and the other way round; null stays null."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Field:
    """A step into an object."""

    name: str


@dataclass(frozen=True, slots=True)
class Each:
    """A step to every item of an array, or to every key or value of a map."""

    of: Literal["items", "keys", "values"] = "items"


@dataclass(frozen=True, slots=True)
class Inside:
    """``predicate`` holds for every value that ``steps`` lead to from ``column``; its own column is `THIS`.

    What is null on the way has no children: where nothing is reached, there is nothing to fail. The value reached
    last may be null: of that, the predicate speaks as it does of a column's.
    """

    column: str
    steps: tuple[Field | Each, ...]
    predicate: Predicate


THIS = ""  # the column of a predicate `Inside` another column: the value itself
Predicate = (
    Fits | NotNull | NotMissing | InRange | LengthInRange | Matches | OneOf | MultipleOf | UniqueItems | FieldsInRange
    | AllOf | Not | Inside
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows agree on all ``columns``; rows with a null among them do not take part.

    ``required``: a null among the columns fails the rule, too (a primary key is required + unique, one rule).
    """

    columns: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """Every key in ``columns`` (none of them null) occurs in ``to_columns`` of ``to_table`` of the same commit, by
    position.
    """

    columns: tuple[str, ...]
    to_table: TableName
    to_columns: tuple[str, ...]


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
    """One number (or boolean: true is 1) from a query; ``{object}`` and the like are still in it.

    An engine runs queries of one dialect; those of the other it does not execute.
    """

    query: str
    column: str | None = None
    dialect: SqlDialect = "duckdb"


@dataclass(frozen=True, slots=True)
class Age:
    """Seconds from the ``newest`` or ``oldest`` value of a date or timestamp column until now.

    Without any value there is no age: the rule fails. A date counts from its first moment in UTC.
    """

    column: str
    of: Literal["newest", "oldest"] = "newest"


SqlDialect = Literal["duckdb", "spark"]
Measure = RowCount | FailingRows | DuplicateRows | SqlResult | Age
Operator = Literal[
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bound:
    """An ODCS operator with its one or two values. Both ends of the between operators are included.

    ``percent``: the measure is 100 x failing rows / rows (0 when there are no rows). ``slack`` and ``slack_share``
    (of the value's size) are a tolerance: they widen what is allowed, by the greater of the two.
    """

    operator: Operator
    values: tuple[Decimal, ...]
    percent: bool = False
    slack: Decimal = Decimal(0)
    slack_share: Decimal = Decimal(0)

    def holds(self, measured: Decimal) -> bool:
        first, last = self.values[0], self.values[-1]
        if self.slack or self.slack_share:
            return self._holds_about(measured, first, last)
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

    def _holds_about(self, measured: Decimal, first: Decimal, last: Decimal) -> bool:
        below, above = (max(self.slack, self.slack_share * abs(v)) for v in (first, last))
        match self.operator:
            case "mustBe" | "mustBeBetween":
                return first - below <= measured <= last + above
            case "mustNotBe" | "mustNotBeBetween":
                # What must not be is widened, too: a value that is nearly the forbidden one is the forbidden one.
                return not first - below <= measured <= last + above
            case "mustBeGreaterThan":
                return measured > first - below
            case "mustBeGreaterOrEqualTo":
                return measured >= first - below
            case "mustBeLessThan":
                return measured < last + above
            case "mustBeLessOrEqualTo":
                return measured <= last + above

    def __str__(self) -> str:
        unit = "%" if self.percent else ""
        about = [f"{self.slack}{unit}"] if self.slack else []
        about += [f"{100 * self.slack_share:f}%"] if self.slack_share else []
        said = f"{self.operator} {' and '.join(f'{v}{unit}' for v in self.values)}"
        return f"{said} (give or take {' or '.join(about)})" if about else said


@dataclass(frozen=True, slots=True)
class Measured:
    """A rule about the table: ``measure`` within ``bound``.

    ``warn``: a second bound; outside of it, but within ``bound``, the rule only warns. ``by``: columns whose values
    make segments, each of which is measured for itself; null is a segment of its own.
    """

    measure: Measure
    bound: Bound
    warn: Bound | None = None
    by: tuple[str, ...] = ()


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
class Waiver:
    """Somebody knows of the failure and has allowed it, until ``expires`` (that day included, in UTC).

    ``up_to``: the greatest share of failing rows that is allowed; None is any.
    """

    reason: str
    expires: date
    up_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A name that quarantine keeps, and what must hold.

    ``on_fail``: None takes the contract's. ``scope``: where a rule about the table is measured: on the merged
    table, or on what was delivered. ``place``: where in the contract it was declared (``schema[0].properties[2]``).
    ``where``: only rows for which it is true are looked at; of the others (null included) the rule says nothing.
    """

    name: RuleName
    body: Body
    place: str = ""
    description: str = ""
    on_fail: OnFail | None = None
    scope: Scope = "table"
    dimension: str | None = None
    severity: str | None = None
    where: Predicate | None = None
    waiver: Waiver | None = None

    @property
    def about_rows(self) -> bool:
        """True if each row passes or fails on its own, or by its key: such rows can be split off."""
        return not isinstance(self.body, Measured | Told | NotCompiled)
