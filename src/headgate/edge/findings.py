"""From counts to findings: what each rule found, in words."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.edge.cells import Absent, Cells
from headgate.edge.judging import Judged
from headgate.edge.rows import Rows
from headgate.model.contract import (
    AnyType,
    ArrayType,
    ColumnType,
    DecimalType,
    ObjectType,
    Policy,
)
from headgate.model.names import RuleName
from headgate.model.rule import (
    AllOf,
    Fits,
    InRange,
    LengthInRange,
    Matches,
    Measured,
    MultipleOf,
    NotCompiled,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    References,
    Rule,
    Told,
    Unique,
)
from headgate.model.verdict import Finding, Sample, Status

_MEMBERS_SHOWN = 8


def structure(cells: Cells, rows: Rows, policy: Policy) -> list[Finding]:
    """Columns that are absent and may not be, and columns that nobody declared."""
    found: list[Finding] = []
    if policy.missing_columns == "fail":
        found += [
            Finding(
                RuleName(f"{absent.column}.present"),
                "fail",
                message=f"the column {absent.column} is absent{_in(absent, rows)}; "
                "`missingColumns: null` in the contract would take it for null",
            )
            for absent in cells.missing
        ]
    if policy.extra_columns == "fail":
        found += [
            Finding(
                RuleName(f"{extra.column}.undeclared"),
                "fail",
                message=f"the contract declares no column {extra.column}{_in(extra, rows)}; "
                "`extraColumns: drop` in the contract would leave it out",
            )
            for extra in cells.undeclared
        ]
    return found


def finding(rule: Rule, judged: Judged, policy: Policy, samples: Sequence[Sample] = ()) -> Finding:
    """The finding of a rule about rows, or of one that nothing runs."""
    name, body = rule.name, rule.body
    if isinstance(body, Told):
        return Finding(name, "info", message=body.what, how="none", dimension=rule.dimension)
    if isinstance(body, NotCompiled):
        return Finding(name, "not_executed", message=body.why, how="none", dimension=rule.dimension)
    if name in judged.errors:
        return Finding(name, "error", message=judged.errors[name], how="none", dimension=rule.dimension)
    if name in judged.absent:
        return Finding(
            name, "not_executed", message=judged.absent[name], how="none", dimension=rule.dimension
        )
    failed = judged.failing.get(name, 0)
    # A value that does not fit its type cannot be loaded, whatever the contract would put up with.
    warns = (rule.on_fail or policy.on_fail) == "warn" and not isinstance(body, Fits)
    status: Status = "pass" if not failed else "warn" if warns else "fail"
    said = wanted(body, judged.cells)
    message = said if not failed else f"{failed:,} of {judged.count:,} rows: {said}"
    return Finding(
        name, status, rows_failed=failed, message=message, samples=tuple(samples), dimension=rule.dimension
    )


def unmeasured(rule: Rule) -> Finding:
    """A rule about the table that this check was not asked to measure."""
    where = "each delivery" if rule.scope == "delivery" else "the merged table"
    return Finding(rule.name, "info", message=f"measured on {where}", how="none", dimension=rule.dimension)


def wanted(body: Predicate | Unique | References | Measured, cells: Cells) -> str:
    """What a rule asks for, in words, bounds included."""
    match body:
        case Fits(column):
            cell = cells.of(column)
            return f"{column} must be {_kind(cell.column.type) if cell else 'of its type'}"
        case NotNull(column):
            return f"{column} must not be null"
        case NotMissing(column, missing):
            return f"{column} must be neither null nor one of {_listed([str(m) for m in missing])}"
        case InRange():
            return f"{body.column} must be {_range(body)}"
        case LengthInRange(column, minimum, maximum):
            least = "" if minimum is None else f"at least {minimum}"
            most = "" if maximum is None else f"at most {maximum}"
            return f"{column} must be {' and '.join(p for p in (least, most) if p)} characters long"
        case Matches(column, pattern):
            return f"{column} must match {pattern}"
        case OneOf(column, members):
            return f"{column} must be one of {_listed([str(m) for m in members])}"
        case MultipleOf(column, divisor):
            return f"{column} must be a multiple of {divisor}"
        case AllOf(parts):
            return " and ".join(wanted(part, cells) for part in parts)
        case Unique(columns, required):
            return f"{', '.join(columns)} must be unique" + (" and not null" if required else "")
        case References(column, table, to):
            return f"{column} must occur in {to} of {table.removeprefix('default.')}"
        case Measured():
            return str(body.bound)


def _range(rule: InRange) -> str:
    parts = []
    if rule.minimum is not None:
        parts.append(f"{'above' if rule.exclusive_minimum else 'at least'} {rule.minimum}")
    if rule.maximum is not None:
        parts.append(f"{'below' if rule.exclusive_maximum else 'at most'} {rule.maximum}")
    return " and ".join(parts)


def _kind(kind: ColumnType) -> str:
    name = type(kind).__name__.removesuffix("Type").lower()
    if isinstance(kind, DecimalType):
        return f"a decimal with {kind.precision} digits, {kind.scale} behind the point"
    if isinstance(kind, AnyType):
        return "anything"
    form = getattr(kind, "format", None)
    article = "an" if isinstance(kind, ArrayType | ObjectType) or name == "integer" else "a"
    return f"{article} {name}" + (f" written {form}" if form else "")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MEMBERS_SHOWN])
    return shown + (f" and {len(names) - _MEMBERS_SHOWN} more" if len(names) > _MEMBERS_SHOWN else "")


def _in(absent: Absent, rows: Rows) -> str:
    if len(set(absent.objects)) >= len(rows.objects):
        return ""
    first = rows.where(absent.objects[0])
    others = len(set(absent.objects)) - 1
    return f" in {first}" + (f" and {others} more" if others else "")
