"""What data look like -> a contract that a person would keep: types, what is never absent, the key, few members.

Conservative on purpose: no lengths, no patterns, no bounds but zero for what is counted or paid. What happens to
hold in one file need not hold in the next, and every rule too many is a delivery stopped for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from headgate.contract.document import NEWEST
from headgate.contract.settings import VENDOR
from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DateType,
    DecimalType,
    Dialect,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
    TimeType,
)
from headgate.model.errors import WrongUse
from headgate.model.rule import Scalar

DISTINCT_MAX = 12  # members of an enumeration, at most
SEEN_MIN = 10  # rows for each member, at least: fewer say nothing about the next delivery

_KEY = re.compile(r"(?:\A|_)(?:id|key|uuid|guid|code|number|no|nr)\Z")
_GLOBAL = re.compile(r"(?:\A|_)(?:uuid|guid)\Z")
_COUNTED = frozenset({
    "amount", "price", "cost", "fee", "tax", "total", "subtotal", "quantity", "qty", "count", "distance", "duration",
    "weight", "length", "width", "height", "size", "age", "seats", "pages", "score", "visits", "clicks", "units",
    "stock",
})  # fmt: skip
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column of some rows looks like.

    ``type``: the narrowest that every value which is there fits; AnyType if there is none. ``distinct``: its values
    in order, if they are at most `DISTINCT_MAX`, else None. ``minimum`` and ``maximum`` leave NaN out (``nans``
    counts it), and are None without any value or order. ``unique``: no value that is there occurs twice.
    """

    name: str
    type: ColumnType
    rows: int
    nulls: int
    distinct: tuple[Scalar, ...] | None = None
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    unique: bool = False
    nans: int = 0


def infer(name: str, columns: Sequence[ColumnProfile], dialect: Dialect) -> bytes:
    """An ODCS contract in YAML for a table of these columns; the rows behind the profiles pass it.

    Raises WrongUse for columns that no contract can name: without a name, or named twice.
    """
    names = [column.name for column in columns]
    for at, one in enumerate(names):
        if not one.strip() or one in names[:at]:
            raise WrongUse(
                f"column {at + 1} is called {one!r}, like another one"
                if one.strip()
                else f"column {at + 1} has no name",
                hint="give each column a name of its own in the data",
                place=name,
            )
    if not names:
        raise WrongUse("there are no columns", hint="infer from data that have some", place=name)
    table = _table(name)
    key = _key(table, columns)
    rows = max(column.rows for column in columns)
    lines = [
        f"# A draft, from {rows:,} row{'s' * (rows != 1)}: say what things mean; take out what need not hold tomorrow.",
        f"apiVersion: {NEWEST}.0",
        "kind: DataContract",
        f"id: {_text(table.replace('_', '-').strip('-') or 'table')}",
        f"name: {_text(name)}",
        "version: 0.1.0",
        "status: draft",
        "",
        "schema:",
        f"  - name: {_text(table)}",
        "    physicalType: table",
        *_dialect(dialect),
        "    properties:",
        *(line for column in columns for line in _property(column, is_key=column is key)),
    ]
    return ("\n".join(lines) + "\n").encode()


def _property(column: ColumnProfile, *, is_key: bool) -> Iterator[str]:
    """One entry of ``properties``."""
    yield f"      - name: {_text(column.name)}"
    yield from (f"        {line}" for line in _typed(column.type))
    if is_key:
        yield "        primaryKey: true"
    elif column.rows and not column.nulls:
        yield "        required: true"
    if not is_key and column.unique and _GLOBAL.search(_snake(column.name)) and column.rows >= SEEN_MIN:
        yield "        unique: true"
    options = [*_type_options(column.type), *_bounds(column)]
    if options:
        yield "        logicalTypeOptions:"
        yield from (f"          {line}" for line in options)
    members = _members(column)
    if members:
        yield "        enum:"
        yield from (f"          - value: {_text(member)}" for member in members)


def _typed(type_: ColumnType) -> Iterator[str]:
    """logicalType, and what is inside of arrays and objects."""
    match type_:
        case AnyType():
            return
        case DecimalType(precision, scale):
            yield "logicalType: number"
            yield f"physicalType: decimal({precision},{scale})"
        case ArrayType(items):
            yield "logicalType: array"
            if items is not None and not isinstance(items, AnyType):
                yield "items:"
                yield from (f"  {line}" for line in _nested(items))
        case MapType(key, value):
            yield "logicalType: map"
            yield "map:"
            for name, inner in (("key", key), ("value", value)):
                yield f"  {name}:"
                yield from (f"    {line}" for line in _nested(inner))
        case ObjectType(fields_):
            yield "logicalType: object"
            if fields_:
                yield "properties:"
            for name, inner in fields_:
                yield f"  - name: {_text(name)}"
                yield from (f"    {line}" for line in _nested(inner))
        case _:
            yield f"logicalType: {type(type_).__name__.removesuffix('Type').lower()}"


def _nested(type_: ColumnType) -> Iterator[str]:
    yield from _typed(type_)
    if options := list(_type_options(type_)):
        yield "logicalTypeOptions:"
        yield from (f"  {line}" for line in options)


def _type_options(type_: ColumnType) -> Iterator[str]:
    match type_:
        case DateType(format_) | TimeType(format_) | TimestampType(format=format_):
            if format_ is not None:
                yield f"format: {_text(format_)}"
        case _:
            return
    if isinstance(type_, TimestampType):
        if not type_.zoned:
            yield "timezone: false"
        elif type_.default_zone is None:
            yield "timezone: true"
        elif type_.default_zone != "UTC":
            yield f"defaultTimezone: {_text(type_.default_zone)}"


def _bounds(column: ColumnProfile) -> Iterator[str]:
    """Zero for what is counted or paid and never was negative. NaN is within no range."""
    number = isinstance(column.type, IntegerType | NumberType | DecimalType)
    least = column.minimum
    if not number or isinstance(least, str) or least is None or column.nans or column.rows < SEEN_MIN:
        return
    if least >= 0 and _COUNTED & set(_snake(column.name).split("_")):  # type: ignore[operator]  # a number, as its type
        yield "minimum: 0"


def _members(column: ColumnProfile) -> tuple[str, ...]:
    """The values of a text column that seem to be all there are."""
    if not isinstance(column.type, StringType) or column.distinct is None:
        return ()
    found = tuple(one for one in column.distinct if isinstance(one, str))
    seen = column.rows - column.nulls
    few = 2 <= len(found) <= DISTINCT_MAX and seen >= SEEN_MIN * len(found)
    return found if few and all(one.strip() and len(one) <= 40 for one in found) else ()


def _key(table: str, columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The one column that is the key by its values and by its name; ``id`` before ``orders_id`` before the rest."""
    singular = re.sub(r"(?<=[^aeiou])ies\Z", "y", table.lower())
    singular = re.sub(r"(?<!s)s\Z", "", singular)
    own = [f"{table.lower()}_", f"{singular}_"]
    ranked: list[tuple[int, int, ColumnProfile]] = []
    for at, column in enumerate(columns):
        name = _snake(column.name)
        plain = isinstance(column.type, IntegerType | StringType)
        if not (plain and column.unique and column.rows > 1 and not column.nulls and _KEY.search(name)):
            continue
        if name in {"id", "key", "uuid"}:
            ranked.append((0, at, column))
        elif any(name.startswith(prefix) for prefix in own):
            ranked.append((1, at, column))
        elif at == 0:
            ranked.append((2, at, column))
    return min(ranked, key=lambda one: one[:2])[2] if ranked else None


def _dialect(dialect: Dialect) -> Iterator[str]:
    """How the files are written, where that is not as everywhere."""
    base = Dialect()
    said = {one.name: getattr(dialect, one.name) for one in fields(dialect)}
    said = {name: value for name, value in said.items() if value != getattr(base, name)}
    if not said:
        return
    yield "    customProperties:"
    yield "      - property: csv"
    yield f"        vendor: {VENDOR}"
    yield "        value:"
    for name, value in said.items():
        match value:
            case bool():
                written = str(value).lower()
            case tuple():
                written = f"[{', '.join(_quoted(one) for one in value)}]"
            case _:
                written = _text(value)
        yield f"          {name}: {written}"


def _table(name: str) -> str:
    """A table's name: letters, digits and ``_``."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:100] or "table"
    return f"_{plain}" if plain[0].isdigit() else plain


def _snake(name: str) -> str:
    """``customerId`` and ``Customer ID`` are ``customer_id``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")


def _text(text: str) -> str:
    """A YAML scalar that is read as this text."""
    plain = re.fullmatch(r"[A-Za-z_](?:[A-Za-z0-9_ ./+()-]*[A-Za-z0-9_)])?", text)
    return text if plain and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    def escaped(letter: str) -> str:
        if letter in '"\\':
            return "\\" + letter
        return letter if letter.isprintable() else f"\\U{ord(letter):08x}"

    return '"' + "".join(map(escaped, text)) + '"'
