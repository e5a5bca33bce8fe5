"""A verdict in the Open Observability Results Standard (OORS, Bitol RFC 18, v0.1.0): what was observed, no data.

The draft's statuses are pass and fail; warn and error are ours, from its discussion. What was told only (`info`)
was not observed and is left out; a rule that was not executed is an error, or a warning where it is allowed. What was
looked at, and how, stands in customProperties, as in the sister standards: the draft has no place for it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from headgate.cli.evidence import Evidence
from headgate.cli.findings import how
from headgate.model.rule import (
    Age,
    DuplicateRows,
    FailingRows,
    Measured,
    NotMissing,
    NotNull,
    References,
    RowCount,
    SqlResult,
    Unique,
)
from headgate.model.verdict import Finding

Fields = dict[str, Any]


def report(evidence: Evidence) -> Fields:
    """The document, as JSON values."""
    verdict = evidence.verdict
    results = [_result(f, evidence) for f in evidence.findings if f.status != "info"]
    return {
        "apiVersion": "v0.1.0",
        "kind": "ObservabilityResults",
        "id": evidence.id,
        "observedAt": evidence.at.isoformat(),
        "source": {"process": "headgate check", "runID": evidence.id, "vendor": "headgate"},
        # The standard asks for one result at least; of a contract without rules there is the verdict itself.
        "results": results or [_whole(evidence)],
        "contract": {
            "contractID": verdict.contract_id,
            "standard": "ODCS",
            "version": verdict.contract_version,
        },
        "customProperties": [
            {"vendor": "headgate", "property": name, "value": value}
            for name, value in {
                "root": verdict.root,
                "rows": verdict.rows,
                "rowsBad": verdict.rows_bad,
                "files": verdict.files,
                "engine": verdict.engine,
                "how": how(verdict.findings),
            }.items()
            if value is not None and value != ""
        ],
    }


def _whole(evidence: Evidence) -> Fields:
    return {
        "id": evidence.name,
        "type": "check",
        "name": f"{evidence.name} against its contract",
        "status": "pass" if evidence.verdict.passed else "fail",
        "target": {"resourceType": "table", "resourceIdentifier": evidence.name},
        "message": "the contract declares no rule",
    }


def _result(finding: Finding, evidence: Evidence) -> Fields:
    status: str = finding.status
    if status == "not_executed":
        status = "error" if evidence.blocks(finding) else "warn"
    about = {
        "id": f"{evidence.name}.{finding.rule}",
        "type": "metric" if finding.measured is not None else "check",
        "name": finding.rule,
        "status": status,
        "severity": finding.severity,
        "dimension": finding.dimension,
        "target": _target(evidence, finding),
        "measure": _measure(finding, evidence),
        "message": finding.message,
    }
    return {name: value for name, value in about.items() if value is not None}


def _target(evidence: Evidence, finding: Finding) -> Fields:
    names = [f"{evidence.name}.{column}" for column in evidence.columns(finding)]
    if not names:
        return {"resourceType": "table", "resourceIdentifier": evidence.name}
    return {"resourceType": "column", "resourceIdentifier": names[0] if len(names) == 1 else names}


def _measure(finding: Finding, evidence: Evidence) -> Fields | None:
    rule = evidence.rules.get(finding.rule)
    body = rule.body if rule else None
    if isinstance(body, Measured):
        if finding.measured is None:
            return None
        bound = body.bound
        values = [_number(v) for v in bound.values]
        return {
            "metric": _metric(body.measure),
            "value": _number(finding.measured),
            "threshold": {bound.operator: values[0] if len(values) == 1 else values},
            "unit": "percent" if bound.percent else "seconds" if isinstance(body.measure, Age) else "rows",
        }
    if finding.rows_failed is None:
        return None
    metric = _metric(body) if body is not None else "invalidValues"
    return {"metric": metric, "value": finding.rows_failed, "threshold": {"mustBe": 0}, "unit": "rows"}


def _metric(body: object) -> str:
    """ODCS's own names, where it has one."""
    match body:
        case RowCount():
            return "rowCount"
        case NotNull() | FailingRows(NotNull()):
            return "nullValues"
        case NotMissing() | FailingRows(NotMissing()):
            return "missingValues"
        case Unique() | DuplicateRows():
            return "duplicateValues"
        case References():
            return "invalidReferences"
        case SqlResult():
            return "sql"
        case Age():
            return "age"
        case _:
            return "invalidValues"


def _number(value: Decimal | str) -> int | float | str:
    """A number of JSON's; what is none (a segment's list, NaN) stays text."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return str(value)
    if not number.is_finite():
        return str(value)
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)
