"""Verdicts and objects as JSON for the database's records, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from headgate.model.batch import Object
from headgate.model.event import Json
from headgate.model.masking import cut
from headgate.model.names import NodeId, RuleName
from headgate.model.verdict import Finding, Sample, Verdict


def verdict_record(verdict: Verdict) -> dict[str, Json]:
    findings: list[Json] = [
        {
            "rule": f.rule,
            "status": f.status,
            "rows_failed": f.rows_failed,
            "measured": f.measured,
            "message": f.message,
            "how": f.how,
            "samples": [
                [
                    s.object,
                    s.row,
                    [[n, _cut(v)] for n, v in s.key],
                    s.column,
                    _cut(s.value),
                    [*sorted(s.masked)],
                    s.inside,
                ]
                for s in f.samples
            ],
            "dimension": f.dimension,
            "severity": f.severity,
            "place": f.place,
        }
        for f in verdict.findings
    ]
    allowed: list[Json] = [*sorted(verdict.allowed)]
    return {
        "contract_id": verdict.contract_id,
        "contract_version": verdict.contract_version,
        "rows": verdict.rows,
        "rows_bad": verdict.rows_bad,
        "files": verdict.files,
        "findings": findings,
        "root": verdict.root,
        "allowed": allowed,
        "masked": [*verdict.masked],
        "declared": [*verdict.declared],
        "engine": verdict.engine,
    }


def recorded_verdict(value: Mapping[str, Any]) -> Verdict:
    return Verdict(
        contract_id=value["contract_id"],
        contract_version=value["contract_version"],
        rows=value["rows"],
        rows_bad=value["rows_bad"],
        files=value["files"],
        findings=tuple(_finding(f) for f in value["findings"]),
        root=None if value["root"] is None else NodeId(value["root"]),
        allowed=frozenset(value["allowed"]),
        masked=tuple(value.get("masked", ())),  # records of before there were masks have none
        declared=tuple(value.get("declared", ())),
        engine=value.get("engine", ""),
    )


def _finding(value: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=RuleName(value["rule"]),
        status=value["status"],
        rows_failed=value["rows_failed"],
        measured=value["measured"],
        message=value["message"],
        how=value["how"],
        samples=tuple(_sample(*parts) for parts in value["samples"]),
        dimension=value["dimension"],
        severity=value.get("severity"),
        place=value.get("place", ""),
    )


def _sample(
    where: str,
    row: int,
    keys: Sequence[tuple[str, str | None]],
    column: str,
    value: str | None,
    masked: Collection[str] = (),
    inside: str = "",
) -> Sample:
    """``masked`` and ``inside`` are lacking in records of before there were any."""
    return Sample(
        where, row, tuple((name, key) for name, key in keys), column, value, frozenset(masked), inside
    )


def _cut(value: str | None) -> str | None:
    """A cell may have megabytes, and a verdict is kept for ever."""
    return value if value is None else cut(value)


def object_record(found: Object) -> dict[str, Json]:
    return {"digest": found.digest, "location": found.location, "bytes": found.bytes, "format": found.format}


def recorded_object(value: Mapping[str, Any]) -> Object:
    return Object(value["digest"], value["location"], value["bytes"], value["format"])
