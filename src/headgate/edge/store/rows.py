"""Values of the model as columns and JSON, and back. No SQL here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from headgate.catalog.trees import entry_json, entry_of
from headgate.model.batch import BatchRow
from headgate.model.event import Json
from headgate.model.record import recorded_verdict, verdict_record
from headgate.model.tree import Entry
from headgate.model.verdict import Verdict

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
    return text(verdict_record(verdict))


def text_verdict(body: str) -> Verdict:
    return recorded_verdict(json.loads(body))
