"""What a contract says of rows, straight from its tree: slow, plain, with the standard library alone.

Written from docs/contracts.md, for tests alone. It knows nothing of the compiler, its rules, or any engine: a wrong
verdict of theirs, and a rule that was compiled wrongly, shows as a difference. A cell is text as CSV has it; None is
an empty one. Patterns are the few of `PATTERNS`, each with what it means in Python.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

Row = Mapping[str, str | None]
Part = Mapping[str, Any]

PATTERNS = {
    "^[a-c]+$": r"\A[a-c]+\Z",
    "b": "b",
    r"^\d+$": r"\A[0-9]+\Z",
    r"(a|b)\1": r"(a|b)\1",
    "^(?=a).{2}$": "\\A(?=a)[^\\n\\r\\u2028\\u2029]{2}\\Z",
    r"^\S*$": r"\A[^\s\ufeff]*\Z",
    "^.?$": "\\A[^\\n\\r\\u2028\\u2029]?\\Z",
    r"\bb": r"(?a:\b)b",
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True)
class Said:
    """A rule's outcome: the rows that fail it, or what was measured (None where nobody compares it)."""

    status: str
    rows: tuple[int, ...] = ()
    measured: str | None = None


class _Misfit(Exception):
    pass


def judged(table: Part, rows: Sequence[Row]) -> dict[str, Said]:
    """Every rule of ``table``, an object of a contract's schema, by name."""
    found: dict[str, Said] = {}
    for part in table["properties"]:
        for name, said in _column(table, part, rows):
            found[f"{part['name']}.{name}"] = said
    keys = [part for part in table["properties"] if part.get("primaryKey")]
    if keys:
        names = [part["name"] for part in keys]
        bad = set(_duplicates(keys, list(enumerate(rows, 1))))
        bad |= {at for at, row in enumerate(rows, 1) if any(row[name] is None for name in names)}
        found["primaryKey"] = _of_rows({}, bad)
    for entry in table.get("quality", ()):
        found[f"{table['name']}.{entry['id']}"] = _metric(table, None, entry, rows)
    return found


def _column(table: Part, part: Part, rows: Sequence[Row]) -> Iterator[tuple[str, Said]]:
    def failing(test: Any, *, nulls: bool = False) -> Said:
        """Of the rows whose value fits; those that are null pass unless they are asked for."""
        bad = set()
        for at, row in enumerate(rows, 1):
            value = _value(part, row)
            if value is not _Misfit and (nulls or value is not None) and not test(value):
                bad.add(at)
        return _of_rows({}, bad)

    yield "type", _of_rows({}, {at for at, row in enumerate(rows, 1) if _value(part, row) is _Misfit})
    if part.get("required"):
        yield "required", failing(lambda v: v is not None, nulls=True)
    if part.get("unique"):
        yield "unique", _of_rows({}, set(_duplicates([part], list(enumerate(rows, 1)))))
    if "enum" in part:
        members = [_constant(part, one["value"]) for one in part["enum"]]
        yield "enum", failing(lambda v: v in members)
    for name, told in part.get("logicalTypeOptions", {}).items():
        limit = told if "Length" in name else PATTERNS[told] if name == "pattern" else _constant(part, told)
        yield name, failing(partial(OPTIONS[name], limit))
    for entry in part.get("quality", ()):
        yield entry["id"], _metric(table, part, entry, rows)


def _metric(table: Part, part: Part | None, entry: Part, rows: Sequence[Row]) -> Said:
    own = {one["property"]: one["value"] for one in entry.get("customProperties", ())}
    seen = [(at, row) for at, row in enumerate(rows, 1) if _looked_at(table, own.get("where"), row)]
    arguments = entry.get("arguments", {})
    bad: set[int] = set()
    match entry["metric"]:
        case "rowCount":
            bad = {at for at, _ in seen}
        case "duplicateValues":
            names = [part["name"]] if part else arguments["properties"]
            keys = [one for one in table["properties"] if one["name"] in names]
            bad = set(_duplicates(keys, seen))
            if not _none_at_all(entry, own):
                # What is measured are the rows beyond the first of those that are alike, in each segment by itself.
                within = [one for one in table["properties"] if one["name"] in own.get("segmentBy", ())]
                firsts: dict[Any, int] = {}
                for at, row in seen:
                    firsts.setdefault(tuple(_value(one, row) for one in (*keys, *within)), at)
                bad -= set(firsts.values())
        case "nullValues":
            assert part is not None
            bad = {at for at, row in seen if row[part["name"]] is None}
        case "missingValues":
            assert part is not None
            bad = {at for at, row in seen if _missing(part, row, arguments["missingValues"])}
        case "invalidValues":
            assert part is not None
            bad = {at for at, row in seen if not _valid(part, row, arguments)}
    if entry["metric"] != "rowCount" and _none_at_all(entry, own):
        return _of_rows(own, bad)
    return _measured(table, entry, own, seen, bad)


def _measured(table: Part, entry: Part, own: Part, seen: Sequence[tuple[int, Row]], bad: set[int]) -> Said:
    groups: dict[Any, list[int]] = {}
    for at, row in seen:
        key = tuple(row[name] for name in own.get("segmentBy", ()))
        groups.setdefault(key, []).append(at)
    percent = entry.get("unit") == "percent"
    numbers = []
    for ats in groups.values() or [[]]:
        count = len(bad.intersection(ats))
        numbers.append(Fraction(100 * count, len(ats)) if percent and ats else Fraction(count))
    told = None if "segmentBy" in own else _shown(numbers[0], percent=percent)
    if not all(_holds(entry, own.get("tolerance", {}), number) for number in numbers):
        return Said("warn" if own.get("onFail") == "warn" else "fail", measured=told)
    if "warn" in own and not all(_holds(own["warn"], {}, number) for number in numbers):
        return Said("warn", measured=told)
    return Said("pass", measured=told)


def _of_rows(own: Part, bad: set[int]) -> Said:
    return Said("pass" if not bad else "warn" if own.get("onFail") == "warn" else "fail", tuple(sorted(bad)))


OPTIONS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda b, v: v >= b,
    "maximum": lambda b, v: v <= b,
    "exclusiveMinimum": lambda b, v: v > b,
    "exclusiveMaximum": lambda b, v: v < b,
    "minLength": lambda b, v: len(v) >= b,
    "maxLength": lambda b, v: len(v) <= b,
    "multipleOf": lambda b, v: (v / b).denominator == 1,
    "pattern": lambda b, v: re.search(b, v) is not None,
}
OPERATORS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "mustBe": lambda n, a, b: a <= n <= b,
    "mustNotBe": lambda n, a, b: not a <= n <= b,
    "mustBeBetween": lambda n, a, b: a <= n <= b,
    "mustNotBeBetween": lambda n, a, b: not a <= n <= b,
    "mustBeGreaterThan": lambda n, a, b: n > a,
    "mustBeGreaterOrEqualTo": lambda n, a, b: n >= a,
    "mustBeLessThan": lambda n, a, b: n < b,
    "mustBeLessOrEqualTo": lambda n, a, b: n <= b,
}


def _operands(entry: Part) -> tuple[str, Fraction, Fraction]:
    (name,) = [name for name in OPERATORS if name in entry]
    ends = entry[name] if isinstance(entry[name], list) else [entry[name]]
    return name, Fraction(str(ends[0])), Fraction(str(ends[-1]))


def _holds(entry: Part, tolerance: Part, number: Fraction) -> bool:
    name, first, last = _operands(entry)
    share = Fraction(str(tolerance.get("rel", "0%")).removesuffix("%")) / 100
    slack = Fraction(str(tolerance.get("abs", 0)))
    return bool(
        OPERATORS[name](number, first - max(slack, share * abs(first)), last + max(slack, share * abs(last)))
    )


def _none_at_all(entry: Part, own: Part) -> bool:
    """The bound allows 0, and nothing that a count (or a share) can be beside it: single rows fail such a rule."""
    if "segmentBy" in own or "tolerance" in own:
        return False
    # A share can be as small as it likes; a count is 1 at least.
    more = Fraction(1, 10**9) if entry.get("unit") == "percent" else Fraction(1)
    return _holds(entry, {}, Fraction(0)) and not any(
        _holds(entry, {}, more * n) for n in (1, 2, 10**3, 10**8, 10**11)
    )


def _shown(number: Fraction, *, percent: bool) -> str:
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    if Fraction(exact) != number or -exact.as_tuple().exponent > 6:  # type: ignore[operator]
        exact = round(exact, 6)
    return f"{exact.normalize():f}" + ("%" if percent else "")


# -- values -------------------------------------------------------------------------------------------------


def _value(part: Part, row: Row) -> Any:
    """None, a value of the column's type, or `_Misfit`."""
    text = row[part["name"]]
    try:
        return None if text is None else _read(part, text)
    except (_Misfit, ValueError, OverflowError):
        return _Misfit


def _read(part: Part, text: str) -> Any:
    kind, physical = part["logicalType"], part.get("physicalType", "")
    if kind == "string":
        return text
    if kind == "boolean":
        if text not in {"true", "True", "TRUE", "false", "False", "FALSE"}:
            raise _Misfit
        return text.lower() == "true"
    if kind == "date":
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise _Misfit
        return date.fromisoformat(text)
    if kind == "timestamp":
        if not _STAMP.fullmatch(text):
            raise _Misfit
        whole, fraction, zone = re.fullmatch(r"([^.Z+]+?)(?:\.([0-9]+))?(Z|[+-][0-9:]{5})", text).groups()  # type: ignore[union-attr]
        if zone != "Z" and (int(zone[1:3]) > 23 or int(zone[4:]) > 59):
            raise _Misfit
        zone = zone.replace("Z", "+00:00")
        at = datetime.fromisoformat(f"{whole}.{(fraction or '').ljust(6, '0')}{zone}")
        return at.astimezone(timezone.utc)  # noqa: UP017
    if not _NUMBER.fullmatch(text):
        raise _Misfit
    if kind == "integer":
        if not re.fullmatch("[+-]?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
            raise _Misfit
        return Fraction(int(text))
    if physical.startswith("decimal"):
        digits, places = map(int, re.findall("[0-9]+", physical))
        exact = Fraction(text) * 10**places
        if "e" in text.lower() or exact.denominator != 1 or abs(exact) >= 10**digits:
            raise _Misfit
        return Fraction(text)
    if not math.isfinite(float(text)):
        raise _Misfit
    return Fraction(repr(float(text)))  # its shortest decimal form


def _constant(part: Part, value: Any) -> Any:
    """A value in the contract: a bound, a member."""
    if isinstance(value, bool) or part["logicalType"] == "string":
        return value
    if part["logicalType"] in {"integer", "number"}:
        return Fraction(str(value))
    return _read(part, value)


def _duplicates(parts: Sequence[Part], rows: Sequence[tuple[int, Row]]) -> list[int]:
    """Those whose key, whole and fitting, another one has, too."""
    keys = {at: tuple(_value(part, row) for part in parts) for at, row in rows}
    whole = {at: key for at, key in keys.items() if None not in key and _Misfit not in key}
    count = Counter(whole.values())
    return [at for at, key in whole.items() if count[key] > 1]


def _missing(part: Part, row: Row, words: Sequence[Any]) -> bool:
    """Null, one of the values, or a text that stands for nothing."""
    text = row[part["name"]]
    if text is None:
        return True
    value = _value(part, row)
    for word in words:
        if word is None:
            continue
        try:
            meant = _constant(part, word)
        except (_Misfit, ValueError):
            meant = None
        if meant is None and text == str(word):
            return True
        if meant is not None and value is not _Misfit and value == meant:
            return True
    return False


def _valid(part: Part, row: Row, arguments: Part) -> bool:
    value = _value(part, row)
    if value is None or value is _Misfit:
        return True
    if "validValues" in arguments and value not in [_constant(part, one) for one in arguments["validValues"]]:
        return False
    return "pattern" not in arguments or re.search(PATTERNS[arguments["pattern"]], value) is not None


def _looked_at(table: Part, where: Any, row: Row) -> bool:
    """Every condition is true; of a value that is null or does not fit, only ``isNull`` can be."""
    for one in where if isinstance(where, list) else [where] if where else []:
        (part,) = [part for part in table["properties"] if part["name"] == one["property"]]
        value = _value(part, row)
        for test, told in one.items():
            if test == "property":
                continue
            if test == "isNull":
                if (row[part["name"]] is None) is not told:
                    return False
            elif value is None or value is _Misfit or not _is(part, test, value, told):
                return False
    return True


def _is(part: Part, test: str, value: Any, told: Any) -> bool:
    if test == "pattern":
        return re.search(PATTERNS[told], value) is not None
    if test == "validValues":
        return value in [_constant(part, one) for one in told]
    ends = [_constant(part, one) for one in (told if isinstance(told, list) else [told])]
    return bool(OPERATORS[test](value, ends[0], ends[-1]))
