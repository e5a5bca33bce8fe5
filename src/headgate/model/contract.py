"""What a contract means for one table: columns with types, rules, and how deliveries are read and judged.

The document itself (ODCS YAML) is read and compiled in the contract room; this is its compiled form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from headgate.model.names import RuleName
from headgate.model.rule import Fits, OnFail, Rule
from headgate.model.service_level import ServiceLevel

# -- column types -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IntegerType:
    """A 64-bit integer, always: narrower declared formats (``i32``) are range rules."""


@dataclass(frozen=True, slots=True)
class NumberType:
    """A 64-bit float; NaN and infinities are values."""


@dataclass(frozen=True, slots=True)
class DecimalType:
    """An exact number: ``precision`` digits in all (at most 38), ``scale`` of them behind the point."""

    precision: int
    scale: int


@dataclass(frozen=True, slots=True)
class StringType:
    pass


@dataclass(frozen=True, slots=True)
class BooleanType:
    pass


@dataclass(frozen=True, slots=True)
class DateType:
    """``format`` is a JDK date pattern for text; None is ISO 8601 (yyyy-MM-dd)."""

    format: str | None = None


@dataclass(frozen=True, slots=True)
class TimestampType:
    """Microseconds. ``zoned``: an instant, kept in UTC; else a wall-clock time without a zone.

    Text that names no zone is read in ``default_zone``; without one it does not fit a zoned column.
    """

    zoned: bool = True
    format: str | None = None
    default_zone: str | None = None


@dataclass(frozen=True, slots=True)
class TimeType:
    """Time of day in microseconds."""

    format: str | None = None


@dataclass(frozen=True, slots=True)
class ArrayType:
    """``items`` None takes any element."""

    items: ColumnType | None = None


@dataclass(frozen=True, slots=True)
class ObjectType:
    """Nested fields, name to type; empty takes any."""

    fields: tuple[tuple[str, ColumnType], ...] = ()


@dataclass(frozen=True, slots=True)
class MapType:
    """Keys, each once and never null, to values. Keys are of a plain type."""

    key: ColumnType
    value: ColumnType


@dataclass(frozen=True, slots=True)
class AnyType:
    """No logicalType was declared: whatever comes is taken as it is."""


ColumnType = (
    IntegerType | NumberType | DecimalType | StringType | BooleanType | DateType | TimestampType | TimeType
    | ArrayType | ObjectType | MapType | AnyType
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column. ``name`` is physical (physicalName, else name); ``label`` is the contract's name.

    ``masked``: its values are not shown to people (`masking`); whoever may read the data reads them there.
    """

    name: str
    type: ColumnType
    required: bool = False
    label: str = ""
    classification: str | None = None
    description: str = ""
    masked: bool = False


# -- how deliveries are read --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialect:
    """How text files are written. The defaults are RFC 4180, UTF-8, with a header; never sniffed.

    ``maps``: columns with maps in them. JSON lines keep those as text: the keys of a map are no fields, and a key
    without a value is not an absent one.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    null: tuple[str, ...] = ()  # texts that are null, quoted or not, besides the unquoted empty one
    maps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to rows and batches that fail. ``max_quarantined`` is a share, 0.01 = 1 %."""

    on_fail: OnFail = "quarantine_batch"
    max_quarantined: Decimal = Decimal("0.01")
    order_by: str | None = None
    extra_columns: Literal["fail", "drop"] = "fail"
    missing_columns: Literal["fail", "null"] = "fail"


@dataclass(frozen=True, slots=True)
class TableContract:
    """A contract compiled for one schema object.

    ``document`` is the SHA-256 of the YAML's bytes, and ``variables`` a digest of what its variables stood for (empty
    if it has none): a verdict depends on both.
    """

    id: str
    version: str
    object: str
    physical_name: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    document: str
    primary_key: tuple[str, ...] = ()
    dialect: Dialect = field(default_factory=Dialect)
    policy: Policy = field(default_factory=Policy)
    format: str | None = None  # of the files: csv, parquet, jsonl; None goes by the file's name
    levels: tuple[ServiceLevel, ...] = ()
    variables: str = ""
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {c.name: c for c in self.columns})

    @property
    def complete_rules(self) -> tuple[Rule, ...]:
        """The rules, and `Fits` for every column without one: a cell that nothing can read is never missed."""
        have = {r.body.column for r in self.rules if isinstance(r.body, Fits)}
        return self.rules + tuple(
            Rule(RuleName(f"{c.name}.type"), Fits(c.name))
            for c in self.columns
            if c.name not in have and not isinstance(c.type, AnyType)
        )

    def column(self, name: str) -> Column | None:
        return self._by_name.get(name)
