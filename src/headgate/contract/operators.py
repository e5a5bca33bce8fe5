"""The standard's operators: a bound as it is declared, what it allows, and whether that is within another's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import get_args

from headgate.contract.document import Document, refuse
from headgate.contract.json_schema import Path, Value
from headgate.contract.settings import Tolerance, Written
from headgate.model.rule import Bound, Operator

OPERATORS: tuple[Operator, ...] = get_args(Operator)
_LEAST, _MOST = Decimal("-Infinity"), Decimal("Infinity")


def bound(
    document: Document,
    path: Path,
    entry: Mapping[str, Value],
    *,
    percent: bool,
    tolerance: Tolerance | None = None,
) -> Bound | None:
    """The one operator in ``entry``, which stands at ``path``; None: there is none. Raises ContractUnusable."""
    given = [name for name in OPERATORS if name in entry]
    if not given:
        return None
    if len(given) > 1:
        refuse(document, path, f"has {' and '.join(given)}", "make it one rule for each")
    operator = given[0]
    value, here = entry[operator], (*path, operator)
    values = value if isinstance(value, list) else [value]
    numbers = tuple(_operand(document, here, one) for one in values)
    if len(numbers) != (2 if "Between" in operator else 1):
        refuse(document, here, f"{value!r} is no bound", "between takes two numbers, the others one")
    if numbers[0] > numbers[-1]:
        refuse(document, here, f"{numbers[0]} is greater than {numbers[1]}", "put the smaller one first")
    slack = tolerance or Tolerance()
    return Bound(operator, numbers, percent=percent, slack=slack.absolute, slack_share=slack.relative)


def _operand(document: Document, path: Path, value: Value) -> Decimal:
    if not isinstance(value, int | Decimal):
        refuse(document, path, f"{value!r} is no number", "a bound is a number, or true or false for a query")
    return Decimal(value)  # true is 1


def warning(document: Document, warn: Written, main: Bound, *, counts: bool) -> Bound:
    """The setting ``warn``: a bound within ``main``. ``counts``: what is measured is never below 0.

    Raises ContractUnusable for one that is none, or that could not warn of anything.
    """
    value, path = warn
    if not isinstance(value, dict) or set(value) - set(OPERATORS):
        refuse(document, path, f"warn cannot be {value!r}", "write it like {mustBeLessThan: 5}")
    found = bound(document, path, value, percent=main.percent)
    if found is None:
        refuse(document, path, "warn names no operator", "write it like {mustBeLessThan: 5}")
    if counts and only_zero(main):
        refuse(document, path, f"{main} leaves nothing to warn of", "set onFail: warn, or allow some rows")
    if not _within(_allowed(found, counts=counts), _allowed(main, counts=counts)):
        refuse(
            document,
            path,
            f"{found} warns of nothing that {main} lets through",
            "what warns must be narrower than what fails",
        )
    return found


def only_zero(bound: Bound) -> bool:
    """True if no single failing row is allowed, whatever the number of rows; and none at all is."""
    if bound.slack or bound.slack_share:
        return False
    first, last = bound.values[0], bound.values[-1]
    whole = not bound.percent  # counts of rows have nothing between 0 and 1, shares have
    match bound.operator:
        case "mustBe":
            return first == 0
        case "mustBeLessOrEqualTo":
            return first == 0 or (whole and 0 < first < 1)
        case "mustBeLessThan":
            return whole and 0 < first <= 1
        case "mustBeBetween":
            return first <= 0 and (last == 0 or (whole and 0 < last < 1))
        case _:
            return False


# Numbers from one end to the other; an end is (value, 1 if it is excluded).
_Span = tuple[tuple[Decimal, int], tuple[Decimal, int]]


def _allowed(bound: Bound, *, counts: bool) -> list[_Span]:
    """What a bound allows, tolerance included."""
    first, last = bound.values[0], bound.values[-1]
    low = first - max(bound.slack, bound.slack_share * abs(first))
    high = last + max(bound.slack, bound.slack_share * abs(last))
    least, most = (_LEAST, 0), (_MOST, 0)
    spans: list[_Span]
    match bound.operator:
        case "mustBe" | "mustBeBetween":
            spans = [((low, 0), (high, 0))]
        case "mustNotBe" | "mustNotBeBetween":
            spans = [(least, (low, 1)), ((high, 1), most)]
        case "mustBeGreaterThan":
            spans = [((low, 1), most)]
        case "mustBeGreaterOrEqualTo":
            spans = [((low, 0), most)]
        case "mustBeLessThan":
            spans = [(least, (high, 1))]
        case "mustBeLessOrEqualTo":
            spans = [(least, (high, 0))]
    if not counts:
        return spans
    floor = [(max(low, (Decimal(0), 0)), high) for low, high in spans]
    return [
        (low, high) for low, high in floor if low[0] < high[0] or (low[0] == high[0] and not low[1] + high[1])
    ]


def _within(inner: list[_Span], outer: list[_Span]) -> bool:
    """Between two spans of ``outer`` something is excluded: what hangs together is within one of them."""
    return all(
        any(
            low >= wider_low
            and (high[0] < wider_high[0] or (high[0] == wider_high[0] and high[1] >= wider_high[1]))
            for wider_low, wider_high in outer
        )
        for low, high in inner
    )
