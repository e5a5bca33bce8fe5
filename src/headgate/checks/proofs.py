"""What a file's statistics prove: that no row of it can fail a rule. Never a guess: what is not exact proves nothing.

Bounds hold, but need not be attained (long text is cut); doubles have none, since NaN may be among them; a count of
nulls is exact. So a proof only ever says "none fails"; how many fail, and which, is for a scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DecimalType,
    NumberType,
    ObjectType,
    TableContract,
    TimestampType,
)
from headgate.model.rule import AllOf, Fits, InRange, Not, NotMissing, NotNull, Predicate, Scalar
from headgate.ports import DataFile

Stored = Mapping[str, ColumnType]  # the table's own columns


def none_fails(predicate: Predicate, file: DataFile, contract: TableContract, stored: Stored) -> bool:
    """True if no row of ``file`` can fail ``predicate``. A rule's ``where`` only ever leaves rows out."""
    if isinstance(predicate, AllOf):
        return all(none_fails(part, file, contract, stored) for part in predicate.parts)
    if isinstance(predicate, Not):
        return file.rows == 0
    if predicate.column not in stored or file.rows == 0:
        return file.rows == 0
    nulls = file.nulls.get(predicate.column)
    if isinstance(predicate, NotNull | NotMissing):
        return isinstance(predicate, NotNull) and nulls == 0
    declared = contract.column(predicate.column)
    if declared is None or not same_values(declared.type, stored[predicate.column]):
        return False
    if isinstance(predicate, Fits):
        return True
    bounds = file.bounds.get(predicate.column)
    if isinstance(predicate, InRange) and bounds is not None:
        return not isinstance(declared.type, NumberType) and _within(predicate, bounds)
    return False


def same_values(declared: ColumnType, stored: ColumnType) -> bool:
    """True if every value of a stored column is, as it is, one of the declared type. Formats are for text alone."""
    if isinstance(declared, AnyType | ArrayType | ObjectType):
        return False
    if isinstance(declared, DecimalType):
        return declared == stored
    if isinstance(declared, TimestampType):
        return isinstance(stored, TimestampType) and stored.zoned == declared.zoned
    return type(declared) is type(stored)


def _within(rule: InRange, bounds: tuple[Scalar, Scalar]) -> bool:
    low, high = bounds
    above = rule.minimum is None or _less(rule.minimum, low, equal=not rule.exclusive_minimum)
    return above and (rule.maximum is None or _less(high, rule.maximum, equal=not rule.exclusive_maximum))


def _less(one: Scalar, other: Scalar, *, equal: bool) -> bool:
    """Compared only where both mean the same kind of thing; else not known to be less."""
    if not any(
        _is(one, kind) and _is(other, kind) for kind in ((int, Decimal), (datetime,), (date,), (time,))
    ):
        return False
    try:
        return bool(one <= other if equal else one < other)  # type: ignore[operator]
    except TypeError:  # one has a zone, the other has none
        return False


def _is(value: Scalar, kinds: tuple[type, ...]) -> bool:
    """Exactly of such a kind: a boolean is no integer here, and a moment no date."""
    return type(value) in kinds
