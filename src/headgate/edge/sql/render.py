"""Predicates about one row as SQL: the twin of `render_rules`.

`holds` gives an expression that is true, false or NULL (no say), or a plain bool where every row comes out alike.
It is flat wherever it can be: databases bound the depth of parentheses. Columns are those of `sql.cells`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_never

import polars as pl

from headgate.edge import folding, patterns
from headgate.edge.cells import Cell, Cells
from headgate.edge.folding import Meaningless
from headgate.edge.render_rules import cell_of
from headgate.edge.sql.dialect import Dialect
from headgate.model.contract import (
    ArrayType,
    DecimalType,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
)
from headgate.model.rule import (
    AllOf,
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

Good = str | bool
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH_MAX = 2**31  # no text is longer


@dataclass(frozen=True, slots=True)
class Rendering:
    """What rules are rendered for. ``failing``: for each predicate that Python was asked about, the relation whose
    column x holds the values that fail it.
    """

    dialect: Dialect
    cells: Cells
    failing: Mapping[Predicate, str]


def holds(predicate: Predicate, to: Rendering) -> Good:
    """Raises Meaningless for a rule that cannot speak of its column's type, ColumnAbsent."""
    d, cells = to.dialect, to.cells
    match predicate:
        case Fits(column):
            cell = cell_of(cells, column)
            return True if cell.total else f"({cell.value} IS NOT NULL OR {cell.raw} IS NULL)"
        case NotNull(column):
            return f"{cell_of(cells, column).raw} IS NOT NULL"
        case NotMissing(column, missing):
            return _not_missing(d, cell_of(cells, column), missing)
        case InRange(column):
            return _in_range(d, cell_of(cells, column), predicate)
        case LengthInRange(column, minimum, maximum):
            return _length(d, cell_of(cells, column, StringType, ArrayType), minimum, maximum)
        case Matches(column, pattern):
            return _matches(d, cell_of(cells, column, StringType), pattern, to.failing.get(predicate))
        case OneOf(column, members):
            cell = cell_of(cells, column)
            return _one_of(d, cell, folding.members(members, cell.kind))
        case MultipleOf(column, divisor):
            return _multiple_of(d, cell_of(cells, column), divisor, to.failing.get(predicate))
        case AllOf(parts):
            return all_of([holds(part, to) for part in parts])
        case Not(inner):
            good = holds(inner, to)
            return not good if isinstance(good, bool) else f"NOT ({good})"
        case UniqueItems() | FieldsInRange() | Inside():
            cell_of(cells, predicate.column)
            found = cells.nested.get(predicate, Meaningless("what is inside of a column is not looked at"))
            if isinstance(found, Exception):
                raise found
            return found
        case _:
            assert_never(predicate)


def both(one: Good, other: Good) -> Good:
    """True where both are."""
    if isinstance(one, bool) or isinstance(other, bool):
        return other if one is True else one if other is True else False
    return f"({one}) AND ({other})"


def fails(good: Good) -> str:
    """A condition that is true where ``good`` is false, and nowhere NULL."""
    if isinstance(good, bool):
        return "FALSE" if good else "TRUE"
    return f"({good}) IS FALSE"


def true(good: Good) -> str:
    """A condition that is true where ``good`` is, and nowhere NULL."""
    if isinstance(good, bool):
        return "TRUE" if good else "FALSE"
    return f"({good}) IS TRUE"


def _never(cell: Cell) -> str:
    """False for every value; NULL still has no say."""
    return f"CASE WHEN {cell.value} IS NOT NULL THEN FALSE END"


def _not_missing(d: Dialect, cell: Cell, missing: tuple[Any, ...]) -> Good:
    texts = [m for m in missing if isinstance(m, str)]
    typed = folding.members(missing, cell.kind)
    good = [f"{cell.raw} IS NOT NULL"]
    if texts and cell.text:
        good.append(f"{cell.raw} NOT IN ({', '.join(map(d.text, texts))})")
    if typed and not (cell.text and isinstance(cell.kind, StringType)):
        good.append(f"({_among(d, cell, typed)}) IS NOT TRUE")
    return " AND ".join(good)  # never NULL: of a NULL the first part is false


def _in_range(d: Dialect, cell: Cell, rule: InRange) -> Good:
    if not cell.present:
        return True
    within = folding.interval(rule, cell.kind)
    if within.empty:
        return _never(cell)
    e = _comparable(d, cell)
    parts: list[str] = []
    if within.lower is not None:
        parts.append(f"{e} {'>' if within.lower_open else '>='} {_bound(d, cell, within.lower)}")
    if within.upper is not None:
        parts.append(f"{e} {'<' if within.upper_open else '<='} {_bound(d, cell, within.upper)}")
    if isinstance(cell.kind, NumberType) and within.upper is None:
        # NaN is the greatest value of every engine, so that a minimum alone would let it pass.
        parts.append(f"NOT {d.nan(e)}")
    return " AND ".join(parts) or True


def _comparable(d: Dialect, cell: Cell) -> str:
    """A value as what `_bound` is compared with: nanoseconds as integers, since a bound may be beyond their range."""
    return d.nanoseconds(cell.value) if _nanoseconds(cell.dtype) else cell.value


def _bound(d: Dialect, cell: Cell, bound: Any) -> str:
    if _nanoseconds(cell.dtype):
        since = (bound if bound.tzinfo else bound.replace(tzinfo=UTC)) - _EPOCH
        return str(((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000)
    if isinstance(cell.dtype, pl.Float32):
        return f"CAST({d.literal(bound)} AS {d.type_of(cell.dtype)})"
    return d.literal(bound)


def _nanoseconds(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"


def _among(d: Dialect, cell: Cell, members: Sequence[Any]) -> str:
    return f"{_comparable(d, cell)} IN ({', '.join(_bound(d, cell, m) for m in members)})"


def _length(d: Dialect, cell: Cell, minimum: int | None, maximum: int | None) -> Good:
    if not cell.present:
        return True
    length = d.items(cell.value) if isinstance(cell.kind, ArrayType) else f"length({cell.value})"
    parts: list[str] = []
    if minimum is not None and minimum > 0:
        parts.append(f"{length} >= {min(minimum, _LENGTH_MAX)}")
    if maximum is not None:
        if maximum < 0:
            return _never(cell)
        parts.append(f"{length} <= {min(maximum, _LENGTH_MAX)}")
    return " AND ".join(parts) or True


def _matches(d: Dialect, cell: Cell, pattern: str, failing: str | None) -> Good:
    if not cell.present:
        return True
    if failing is not None:
        return d.not_among(cell.value, failing)
    translated = patterns.translate(pattern)
    return d.matches(cell.value, translated) if translated is not None else True


def _one_of(d: Dialect, cell: Cell, members: list[Any]) -> Good:
    if not cell.present:
        return True
    if isinstance(cell.kind, ArrayType | ObjectType | MapType):
        raise Meaningless(f"the rule lists single values, and {cell.column.name} holds nested ones")
    return _among(d, cell, members) if members else _never(cell)


def _multiple_of(d: Dialect, cell: Cell, divisor: Decimal, failing: str | None) -> Good:
    if not cell.present:
        return True
    e, kind = cell.value, cell.kind
    match kind:
        case IntegerType():
            whole = folding.divisor_integer(divisor)
            if whole == 1:
                return True
            return f"{e} = 0" if whole is None else f"{e} % {whole} = 0"
        case DecimalType(precision, scale):
            step = folding.divisor_scaled(divisor, scale)
            if step >= 10**precision:
                return f"{e} = 0"
            # Of the column's own type: anything else would be compared as doubles.
            return f"{e} % CAST('{Decimal(f'{step}E-{scale}'):f}' AS DECIMAL({precision}, {scale})) = 0"
        case NumberType():
            return _multiple_of_double(d, cell, divisor, failing)
        case _:
            raise Meaningless(f"the rule speaks of numbers, and {cell.column.name} holds none")


def _multiple_of_double(d: Dialect, cell: Cell, divisor: Decimal, failing: str | None) -> str:
    """With divisor = p/s: the double next to q/s is the value itself, and p divides q; see `render_rules`."""
    e = cell.value
    decided = d.not_among(e, failing) if failing else "TRUE"
    beyond = folding.exact_below(divisor)
    if beyond == 0.0:
        return f"{d.finite(e)} AND {decided}"
    s = folding.power_of_ten(divisor)

    large, scale, p = (_bound(d, cell, x) for x in (beyond, float(s), float(abs(Fraction(divisor)) * s)))
    q = f"round({e} * {scale})"
    if isinstance(cell.dtype, pl.Float32):
        q = f"CAST({q} AS {d.type_of(cell.dtype)})"
    return (
        f"CASE WHEN NOT {d.finite(e)} THEN FALSE WHEN abs({e}) >= {large} THEN {decided} "
        f"ELSE {q} / {scale} = {e} AND {q} % {p} = 0 END"
    )


def all_of(parts: Sequence[Good]) -> Good:
    """All parts hold; a NULL part has no say."""
    if any(part is False for part in parts):
        return False
    rest = [part for part in parts if not isinstance(part, bool)]
    if len(rest) < 2:
        return rest[0] if rest else True
    return " AND ".join(f"COALESCE({part}, TRUE)" for part in rest)
