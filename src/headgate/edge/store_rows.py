"""Values of the model as columns and JSON, and back. No SQL here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.catalog.trees import entry_json, entry_of
from headgate.model.batch import BatchRow
from headgate.model.event import Json
from headgate.model.names import NodeId, RuleName
from headgate.model.tree import Entry
from headgate.model.verdict import Finding, Sample, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970 of a time with a zone."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def text(value: Json | Mapping[str, Json]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def entry_text(entry: Entry | None) -> str | None:
    return None if entry is None else text(entry_json(entry))


def text_entry(value: str | None) -> Entry | None:
    return None if value is None else entry_of(json.loads(value))


def batch_columns(row: BatchRow) -> dict[str, object]:
    counts = row.counts
    return {
        "batch": row.batch,
        "table_name": row.table,
        "mode": row.mode,
        "run": row.run,
        "outcome": row.outcome,
        "commit": row.commit,
        "rows_in": counts.rows_in,
        "rows_good": counts.rows_good,
        "rows_quarantined": counts.rows_quarantined,
        "rows_deduplicated": counts.rows_deduplicated,
        "rows_superseded": counts.rows_superseded,
    }


def verdict_text(verdict: Verdict) -> str:
    findings: list[Json] = [
        {
            "rule": f.rule,
            "status": f.status,
            "rows_failed": f.rows_failed,
            "measured": f.measured,
            "message": f.message,
            "how": f.how,
            "samples": [
                [s.object, s.row, [list(pair) for pair in s.key], s.column, s.value] for s in f.samples
            ],
            "dimension": f.dimension,
        }
        for f in verdict.findings
    ]
    allowed: list[Json] = [*sorted(verdict.allowed)]
    return text(
        {
            "contract_id": verdict.contract_id,
            "contract_version": verdict.contract_version,
            "rows": verdict.rows,
            "rows_bad": verdict.rows_bad,
            "files": verdict.files,
            "findings": findings,
            "root": verdict.root,
            "allowed": allowed,
        }
    )


def text_verdict(body: str) -> Verdict:
    value: dict[str, Any] = json.loads(body)
    return Verdict(
        contract_id=value["contract_id"],
        contract_version=value["contract_version"],
        rows=value["rows"],
        rows_bad=value["rows_bad"],
        files=value["files"],
        findings=tuple(_finding(f) for f in value["findings"]),
        root=None if value["root"] is None else NodeId(value["root"]),
        allowed=frozenset(value["allowed"]),
    )


def _finding(value: dict[str, Any]) -> Finding:
    return Finding(
        rule=RuleName(value["rule"]),
        status=value["status"],
        rows_failed=value["rows_failed"],
        measured=value["measured"],
        message=value["message"],
        how=value["how"],
        samples=tuple(
            Sample(where, row, tuple((name, key) for name, key in keys), column, raw)
            for where, row, keys, column, raw in value["samples"]
        ),
        dimension=value["dimension"],
    )
