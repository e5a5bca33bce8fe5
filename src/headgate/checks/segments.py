"""Rules that each segment must keep: which ones do not, and the worst of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from headgate.model.masking import mask
from headgate.model.rule import Bound
from headgate.ports import Group

SEGMENTS_MAX = 100_000  # more are an error: a verdict holds a line on them, and memory an entry for each
SHOWN = 3


def worst_first(groups: Sequence[Group], bound: Bound) -> list[tuple[Group, Decimal]]:
    """Groups with their numbers, those first that are furthest beyond the bound. Groups alike go by their values."""
    numbered = [(group, number(group.rows, group.failing, bound)) for group in groups]

    def rank(one: tuple[Group, Decimal]) -> tuple[Decimal, list[tuple[bool, str]]]:
        return -_beyond(bound, one[1]), [(value is None, value or "") for value in one[0].key]

    return sorted(numbered, key=rank)


def number(rows: int, failing: int, bound: Bound) -> Decimal:
    """A count in the unit of the bound; a share of no rows is 0."""
    if not bound.percent:
        return Decimal(failing)
    return Decimal(100 * failing) / rows if rows else Decimal(0)


def named(group: Group, masked: Sequence[bool] = ()) -> str:
    """``DE``, ``DE/2026`` or ``null``. ``masked``: of which columns people are not shown the values."""
    hidden = (*masked, *([False] * (len(group.key) - len(masked))))
    shown = (mask(value) if hide else value for value, hide in zip(group.key, hidden, strict=True))
    return "/".join("null" if value is None else value for value in shown)


def _beyond(bound: Bound, measured: Decimal) -> Decimal:
    """How far it is beyond the bound's value; below 0: how far it is from there."""
    first, last = bound.values[0], bound.values[-1]
    match bound.operator:
        case "mustBe" | "mustBeBetween":
            return max(first - measured, measured - last)
        case "mustNotBe" | "mustNotBeBetween":
            return min(measured - first, last - measured)
        case "mustBeGreaterThan" | "mustBeGreaterOrEqualTo":
            return first - measured
        case "mustBeLessThan" | "mustBeLessOrEqualTo":
            return measured - last
