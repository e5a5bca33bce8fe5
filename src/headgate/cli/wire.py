"""Nouns as JSON: separate twins of the model's values, so that renaming one there changes no script's input.

Field names are the glossary's. Tables are written as people write them (`orders` for `default.orders`); times are
ISO 8601 with their zone; counts are numbers. docs/reference/cli.md lists every field.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from headgate.checks.evidence import reason
from headgate.model.masking import shown
from headgate.model.names import TableName, short

if TYPE_CHECKING:
    from headgate.flow.merge import MergeResult
    from headgate.flow.promote import PromoteResult
    from headgate.model.baseline import Baseline
    from headgate.model.batch import BatchRow, Counts, Object
    from headgate.model.change import QuarantineRow
    from headgate.model.commit import Commit, Ref
    from headgate.model.event import Event
    from headgate.model.run import Conflict, Loaded, Run
    from headgate.model.sketch import Figures
    from headgate.model.verdict import Finding, Sample, Verdict

Fields = dict[str, Any]
FAILING_ROWS_MAX = 1_000


def figures(found: Figures) -> dict[str, Any]:
    """What a column holds."""
    return {
        "column": found.column,
        "nulls": found.nulls,
        "distinct": found.distinct,
        "least": found.least,
        "median": found.median,
        "greatest": found.greatest,
        "bars": [list(bar) for bar in found.bars],
    }


def baseline(found: Baseline) -> list[Fields]:
    return [{"rule": r, "rows_failed": known.rows_failed, "rows": known.rows} for r, known in found.items()]


def rules(findings: Sequence[Finding], *, unmasked: bool = False) -> list[Fields]:
    """Each rule's outcome; ``samples`` are the first rows that fail it, masked unless ``unmasked``."""
    return [
        {
            "rule": f.rule,
            "status": f.status,
            "rows_failed": f.rows_failed,
            "measured": f.measured,
            "message": f.message,
            "how": f.how,
            "dimension": f.dimension,
            "severity": f.severity,
            "place": f.place,
            "samples": [_sample(shown(s, unmasked=unmasked)) for s in f.samples],
        }
        for f in findings
    ]


def _sample(found: Sample) -> Fields:
    return {
        "object": found.object,
        "row": found.row,
        "key": dict(found.key),
        "column": found.column,
        "path": found.path,
        "value": found.value,
    }


def failing_rows(findings: Sequence[Finding], *, unmasked: bool = False) -> list[Fields]:
    """One for each row and rule that it fails: the first of each rule, and not more than `FAILING_ROWS_MAX`."""
    found = (
        {**_sample(shown(s, unmasked=unmasked)), "rule": f.rule, "reason": reason(f)}
        for f in findings
        for s in f.samples
    )
    return list(islice(found, FAILING_ROWS_MAX))


def verdict(found: Verdict) -> Fields:
    """What was judged. ``contract``: null where it was several tables; ``root``: null for what is in no tree."""
    return {
        "outcome": "passed" if found.passed else "failed",
        "contract": found.contract_id or None,
        "contract_version": found.contract_version or None,
        "root": found.root,
        "rows": found.rows,
        "rows_bad": found.rows_bad,
        "files": found.files,
        "engine": found.engine or None,
    }


def objects(found: Sequence[Object]) -> list[Fields]:
    return [{"digest": o.digest, "location": o.location, "bytes": o.bytes, "format": o.format} for o in found]


def counts(counted: Counts) -> Fields:
    return {
        "rows_in": counted.rows_in,
        "rows_good": counted.rows_good,
        "rows_quarantined": counted.rows_quarantined,
        "rows_deduplicated": counted.rows_deduplicated,
        "rows_superseded": counted.rows_superseded,
    }


def conflicts(found: Sequence[Conflict]) -> list[Fields]:
    return [{"key": c.key, "ours": c.ours, "theirs": c.theirs, "rival": c.rival} for c in found]


def loaded(result: Loaded, *, unmasked: bool = False) -> Fields:
    return {
        "run": result.run,
        "outcome": result.outcome,
        "table": short(result.table),
        "batch": result.batch,
        "branch": result.branch,
        "commit": result.commit,
        "objects": objects(result.objects),
        **counts(result.counts),
        "verdict": verdict(result.verdict) if result.verdict is not None else None,
        "rules": rules(result.findings, unmasked=unmasked),
        "skipped": objects(result.skipped),
        "conflicts": conflicts(result.conflicts),
        "unguarded": result.unguarded,
    }


def moved(result: MergeResult) -> Fields:
    """A merge or a revert. ``from`` and ``to``: the target's head before and after."""
    return {
        "run": result.run,
        "outcome": result.outcome,
        "source": result.source,
        "target": result.target,
        "from": result.before,
        "to": result.to if result.to is not None else result.before,
        "conflicts": conflicts(result.conflicts),
        "verdict": verdict(result.verdict) if result.verdict is not None else None,
        "rules": rules(result.findings),
        "why": result.why,
    }


def released(result: PromoteResult) -> Fields:
    return {
        "environment": result.environment,
        "outcome": result.outcome,
        "from": result.before,
        "to": result.to,
        "release": result.release,
        "verdict": verdict(result.verdict) if result.verdict is not None else None,
        "rules": rules(result.findings),
        "why": result.why,
    }


def ref(found: Ref) -> Fields:
    """``head``: a commit; of an alias, the branch behind it."""
    return {"ref": found.name, "kind": found.kind, "head": found.head, "protected": found.protected}


def branch(found: Ref) -> Fields:
    return {"branch": found.name, "commit": found.head, "protected": found.protected}


def tag(found: Ref) -> Fields:
    return {"tag": found.name, "commit": found.head}


def commit(found: Commit) -> Fields:
    return {
        "commit": found.id,
        "parents": list(found.parents),
        "author": found.author,
        "message": found.message,
        "at": moment(found.at),
        "run": found.run,
        "reverts": found.reverts,
    }


def run(found: Run) -> Fields:
    return {
        "run": found.id,
        "kind": found.kind,
        "state": found.state,
        "outcome": found.outcome,
        "subject": subject(found.subject),
        "target": found.target,
        "branch": found.branch,
        "batch": found.batch,
        "started": moment(found.started),
        "ended": moment(found.ended),
    }


def batch(found: BatchRow) -> Fields:
    return {
        "batch": found.batch,
        "table": short(found.table),
        "mode": found.mode,
        "run": found.run,
        "outcome": found.outcome,
        "commit": found.commit,
        **counts(found.counts),
        "objects": objects(found.objects),
    }


def quarantine(found: QuarantineRow) -> Fields:
    """``quarantined`` rows of one batch. ``parent``: the quarantine whose replay these come from."""
    return {
        "quarantine": found.id,
        "state": found.state,
        "table": short(found.table),
        "target": found.target,
        "batch": found.batch,
        "run": found.run,
        "rows_quarantined": found.rows,
        "contract": found.contract_id,
        "contract_version": found.contract_version,
        "at": moment(found.at),
        "parent": found.parent,
    }


def event(found: Event) -> Fields:
    return {
        "event": found.offset,
        "kind": found.kind,
        "subject": subject(found.subject),
        "at": moment(found.at),
        "run": found.run,
        "data": dict(found.data),
    }


def subject(text: str) -> str:
    """Of a run or an event: a table as people write it; else as it is."""
    return short(TableName(text))


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


# -- values of queries --------------------------------------------------------------------------------------


def value(found: object) -> Any:  # noqa: ANN401 - JSON
    """One value of a result. Decimals and what is no number of JSON's (NaN, infinities) are strings, times
    ISO 8601, bytes base64; whatever has no form in JSON is its own text.
    """
    match found:
        case None | bool() | int() | str():
            return found
        case float():
            return found if math.isfinite(found) else _no_number(found)
        case Decimal():
            return format(found, "f") if found.is_finite() else str(found)
        case datetime() | date() | time():
            return found.isoformat()
        case timedelta():
            return duration(found)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(found)).decode()
        case Mapping():
            return {str(k): value(v) for k, v in found.items()}
        case tuple() if hasattr(found, "nanoseconds"):  # Arrow's interval, which is neither days nor seconds
            return _interval(*found)
        case list() | tuple() | set() | frozenset():
            return [value(v) for v in found]
        case _:
            return str(found)


def _no_number(found: float) -> str:
    if math.isnan(found):
        return "NaN"
    return "Infinity" if found > 0 else "-Infinity"


def _interval(months: int, days: int, nanoseconds: int) -> str:
    seconds = Decimal(nanoseconds) / 1_000_000_000
    dates = "".join(f"{n}{unit}" for n, unit in ((months, "M"), (days, "D")) if n)
    times = f"T{seconds.normalize():f}S" if seconds or not dates else ""
    return f"P{dates}{times}"


def duration(found: timedelta) -> str:
    """ISO 8601: ``P1DT2.5S``."""
    sign = "-" if found < timedelta(0) else ""
    found = abs(found)
    seconds = Decimal(found.seconds) + Decimal(found.microseconds) / 1_000_000
    days = f"{found.days}D" if found.days else ""
    rest = f"T{seconds.normalize():f}S" if seconds or not found.days else ""
    return f"{sign}P{days}{rest}"
