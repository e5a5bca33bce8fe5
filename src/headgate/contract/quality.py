"""``quality`` of properties and objects: metrics and SQL with their bounds, and what is only told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from headgate.contract.document import written_at
from headgate.contract.draft import Draft, Subject, counts_failing, refuse_idle
from headgate.contract.json_schema import Path, Value
from headgate.contract.operators import OPERATORS, bound, only_zero, warning
from headgate.contract.settings import Settings, settings
from headgate.contract.types import described, scalar
from headgate.model.contract import AnyType, ArrayType, MapType, ObjectType, StringType
from headgate.model.rule import (
    AllOf,
    Body,
    Bound,
    DuplicateRows,
    FailingRows,
    Matches,
    Measure,
    Measured,
    NotCompiled,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    RowCount,
    Scalar,
    SqlDialect,
    SqlResult,
    Told,
    Unique,
)

_OWN = re.compile(r"\{\s*(?:property|column)\s*\}")  # placeholders for the column of a rule
_METRICS = {"duplicateCount": "duplicateValues", "nullCheck": "nullValues"}  # of ODCS 3.0, as `rule`
_ARGUMENTS = {
    "nullValues": set[str](),
    "missingValues": {"missingValues"},
    "invalidValues": {"validValues", "pattern"},
    "duplicateValues": {"properties"},
    "rowCount": set[str](),
}
_DIALECTS: dict[str, SqlDialect] = {"duckdb": "duckdb", "spark": "spark"}
_KNOWN = {
    "id", "name", "description", "type", "metric", "rule", "arguments", "query", "engine", "implementation",
    "unit", "dimension", "method", "severity", "businessImpact", "schedule", "scheduler", "tags",
    "authoritativeDefinitions", "customProperties", *OPERATORS,
}  # fmt: skip


def drafts(subject: Subject, columns: Mapping[str, str], label: str) -> Iterator[Draft]:
    """One rule for each entry. ``columns``: property names (logical and physical) to columns; ``label``: the
    object's name, which its named rules start with.
    """
    entries = subject.part.get("quality")
    for at, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        path = subject.at("quality", at)
        own = settings(subject.document, path, entry.get("customProperties"), "rule")
        body = _body(subject, ("quality", at), entry, columns, own)
        body = subject.within.placed(body) if subject.within else body
        _agree(subject, ("quality", at), own, body)
        yield Draft(
            _name(subject, entry, label),
            body,
            path,
            description=str(entry.get("description") or ""),
            dimension=_text(entry.get("dimension")),
            severity=_text(entry.get("severity")),
            settings=own,
        )


def _agree(subject: Subject, steps: Path, own: Settings, body: Body) -> None:
    """Refuse settings that say nothing about such a rule."""
    refuse_idle(subject, steps, own, body)
    if not isinstance(body, Measured):
        return
    if own.on_fail == "quarantine_rows":
        subject.refuse(
            steps,
            "onFail quarantine_rows is for rules that single rows can fail",
            "use quarantine_batch or warn",
        )
    if own.segment_by is not None and isinstance(body.measure, SqlResult):
        subject.refuse(steps, "a query has no segments", "let it group and give one number for all groups")
    if own.waiver is not None and own.waiver.up_to is not None and not counts_failing(body):
        subject.refuse(
            steps,
            "upTo is a share of failing rows, and this rule counts none",
            "leave upTo out of its waiver",
        )


def _name(subject: Subject, entry: Mapping[str, Value], label: str) -> str:
    """By ``id``, else ``name``, else the metric or type."""
    given = _slug(str(entry.get("id") or entry.get("name") or ""))
    plain = str(entry.get("metric") or entry.get("rule") or entry.get("type") or "quality")
    if subject.is_property:
        return subject.prefix + (given or plain)
    return f"{label}.{given}" if given else plain


def _slug(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-")


def _body(
    subject: Subject, steps: Path, entry: Mapping[str, Value], columns: Mapping[str, str], own: Settings
) -> Body:
    kind = entry.get("type") or "library"
    if own.dialect is not None and kind != "sql":
        subject.refuse(steps, "dialect is for rules in SQL", "take it out")
    unknown = sorted(set(entry) - _KNOWN)
    if kind == "text":
        return Told(str(entry.get("description") or entry.get("name") or "a rule in words"))
    if kind == "custom":
        return NotCompiled(f"a rule of {entry.get('engine') or 'another engine'}, which is not run here")
    if unknown:
        return NotCompiled(f"{', '.join(unknown)} is not known here")
    if kind == "sql":
        return _sql(subject, steps, entry, own)
    metric = str(entry.get("metric") or entry.get("rule") or "")
    metric = _METRICS.get(metric, metric)
    if metric not in _ARGUMENTS:
        return NotCompiled(f"the metric {metric!r} is not known here" if metric else "it names no metric")
    return _metric(subject, steps, entry, metric, columns, own)


def _metric(
    subject: Subject,
    steps: Path,
    entry: Mapping[str, Value],
    metric: str,
    columns: Mapping[str, str],
    own: Settings,
) -> Body:
    limit = _bound(subject, steps, entry, own)
    if limit is None:
        return NotCompiled("it names no operator, like mustBe")
    given = entry.get("arguments")
    arguments = given if isinstance(given, dict) else {}
    if extra := sorted(set(arguments) - _ARGUMENTS[metric]):
        return NotCompiled(f"the argument {', '.join(extra)} is not known to {metric}")
    unit = entry.get("unit")
    if unit not in {None, "rows", "percent"}:
        return NotCompiled(f"the unit {unit!r} is not known to {metric}")
    if metric == "rowCount":
        return (
            NotCompiled("rows are not counted in percent")
            if limit.percent
            else _measured(subject, RowCount(), limit, own)
        )
    if metric == "duplicateValues":
        found = _duplicate_columns(subject, steps, arguments, columns)
        if isinstance(found, NotCompiled):
            return found
        measured = _measured(subject, DuplicateRows(found), limit, own)
        return Unique(found) if _of_rows(limit, own) else measured
    if not subject.is_property:
        return NotCompiled(f"{metric} belongs to a property")
    predicate = _predicate(subject, (*steps, "arguments"), subject.column, metric, arguments)
    if isinstance(predicate, NotCompiled):
        return predicate
    measured = _measured(subject, FailingRows(predicate), limit, own)
    return predicate if _of_rows(limit, own) else measured


def _of_rows(limit: Bound, own: Settings) -> bool:
    """True if single rows can fail such a rule; segments are always measured."""
    return only_zero(limit) and own.segment_by is None


def _predicate(
    subject: Subject, steps: Path, column: str, metric: str, arguments: Mapping[str, Value]
) -> Predicate | NotCompiled:
    if metric == "nullValues":
        return NotNull(column)
    if metric == "missingValues":
        return NotMissing(column, _missing(subject, (*steps, "missingValues"), arguments))
    parts: list[Predicate] = []
    if "validValues" in arguments:
        if isinstance(subject.type, AnyType | ArrayType | ObjectType | MapType):
            return NotCompiled("validValues need a column of a plain type; declare its logicalType")
        parts.append(OneOf(column, members(subject, (*steps, "validValues"), arguments["validValues"])))
    if "pattern" in arguments:
        if not isinstance(subject.type, StringType):
            return NotCompiled("a pattern needs a column of text")
        parts.append(Matches(column, pattern(subject, (*steps, "pattern"), arguments["pattern"])))
    if not parts:
        return NotCompiled("invalidValues needs validValues or a pattern among its arguments")
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def pattern(subject: Subject, steps: Path, value: Value) -> str:
    """An ECMA-262 pattern. Raises ContractUnusable for one that is none."""
    if not isinstance(value, str):
        subject.refuse(steps, f"{value!r} is no pattern", "put the pattern in quotes")
    wrong = subject.pattern_error(value)
    if wrong:
        shown = value if len(value) <= 80 else f"{value[:77]}..."
        subject.refuse(
            steps, f"{shown!r} is no ECMA-262 pattern: {wrong}", "correct it; no delimiters, no flags"
        )
    return value


def members(subject: Subject, steps: Path, values: Value, key: str | None = None) -> tuple[Scalar, ...]:
    """Members of an enumeration, as values of the column's type; null is left out, since it has no say."""
    if not isinstance(values, list):
        subject.refuse(steps, "is no list", "write a list: [a, b]")
    found: list[Scalar] = []
    for at, one in enumerate(values):
        here: Path = (*steps, at) if key is None else (*steps, at, key)
        value = one.get(key) if key is not None and isinstance(one, dict) else one
        if value is None:
            continue
        try:
            found.append(scalar(subject.type, value, _written(subject, here)))
        except ValueError as error:
            subject.refuse(here, str(error), f"members are of the column's type, {described(subject.type)}")
    return tuple(dict.fromkeys(found))


def _missing(subject: Subject, steps: Path, arguments: Mapping[str, Value]) -> tuple[Scalar, ...]:
    """As values of the column's type where they are; any other is a text that stands for nothing, like N/A."""
    values = arguments.get("missingValues")
    found: list[Scalar] = []
    for at, one in enumerate(values if isinstance(values, list) else []):
        if one is None:
            continue
        written = _written(subject, (*steps, at)) or str(one)
        try:
            found.append(scalar(subject.type, one, written))
        except ValueError:
            found.append(written)
    return tuple(dict.fromkeys(found))


def _duplicate_columns(
    subject: Subject, steps: Path, arguments: Mapping[str, Value], columns: Mapping[str, str]
) -> tuple[str, ...] | NotCompiled:
    names = arguments.get("properties")
    if subject.is_property:
        if names is not None:
            return NotCompiled("several properties belong to a rule of the object, not of one property")
        if isinstance(subject.type, ArrayType | ObjectType | MapType):
            return NotCompiled("values of this type are not compared with one another")
        return (subject.column,)
    if not isinstance(names, list) or not names:
        return NotCompiled("duplicateValues of an object needs properties among its arguments")
    for at, name in enumerate(names):
        if str(name) not in columns:
            subject.refuse(
                (*steps, "arguments", "properties", at),
                f"there is no property {name!r}",
                f"name properties of this object: {', '.join(list(columns)[:10])}",
            )
    return tuple(dict.fromkeys(columns[str(name)] for name in names))


def _sql(subject: Subject, steps: Path, entry: Mapping[str, Value], own: Settings) -> Body:
    dialect = _DIALECTS.get((own.dialect or "duckdb").casefold())
    if dialect is None:
        return NotCompiled(f"SQL of {own.dialect} is not run here")
    limit = _bound(subject, steps, entry, own)
    if limit is None:
        return NotCompiled("it names no operator, like mustBe")
    query = str(entry.get("query") or "")
    if not query.strip():
        subject.refuse((*steps, "query"), "the query is empty", "write a SELECT of one number")
    if subject.within and _OWN.search(query):
        return NotCompiled(
            "a query cannot name what is inside of a column: name the column itself, and go on from it"
        )
    return _measured(subject, SqlResult(query, subject.column or None, dialect), limit, own)


def _bound(subject: Subject, steps: Path, entry: Mapping[str, Value], own: Settings) -> Bound | None:
    percent = entry.get("unit") == "percent" and entry.get("type") != "sql"
    return bound(subject.document, (*subject.path, *steps), entry, percent=percent, tolerance=own.tolerance)


def _measured(subject: Subject, measure: Measure, bound: Bound, own: Settings) -> Measured:
    """A rule about the table, with the bound that only warns, if it has one."""
    if own.warn is None:
        return Measured(measure, bound)
    counts = not isinstance(measure, SqlResult)
    return Measured(measure, bound, warn=warning(subject.document, own.warn, bound, counts=counts))


def _written(subject: Subject, steps: Path) -> str | None:
    return written_at(subject.document, (*subject.path, *steps))


def _text(value: Value) -> str | None:
    return str(value) if value is not None else None
