"""Runs: a plan performed step by step, each step idempotent, resumable after kill -9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headgate.model.batch import Counts, Object
from headgate.model.event import Json
from headgate.model.names import BatchId, CommitId, RefName, RunId, TableName
from headgate.model.verdict import Finding, Verdict

RunKind = Literal["load", "merge", "revert", "promote", "rollback", "replay"]
RunState = Literal["open", "done", "failed", "aborted"]


@dataclass(frozen=True, slots=True)
class Run:
    """``intent`` is what was asked, enough to plan again; ``outcome`` is set when the state leaves ``open``."""

    id: RunId
    kind: RunKind
    state: RunState
    subject: str  # a table, a ref, an environment
    target: RefName
    started: datetime
    branch: RefName | None = None
    batch: BatchId | None = None
    ended: datetime | None = None
    outcome: str | None = None
    intent: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step that was performed: its result commits in the same transaction as what it did."""

    run: RunId
    step: str
    input_hash: str
    result: Mapping[str, Json]


LoadOutcome = Literal["published", "published_partial", "duplicate", "quarantined", "conflict"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two changes of one key that do not merge, with the evidence: the rival and what both did."""

    key: str
    ours: str
    theirs: str
    rival: CommitId | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load. ``objects`` are those that were looked at; ``skipped`` were delivered before.

    ``why``: in words, why nothing of it was published.
    """

    run: RunId | None
    outcome: LoadOutcome
    table: TableName
    batch: BatchId
    branch: RefName | None
    commit: CommitId | None
    objects: tuple[Object, ...]
    skipped: tuple[Object, ...]
    counts: Counts
    findings: tuple[Finding, ...]
    conflicts: tuple[Conflict, ...] = ()
    unguarded: bool = False
    why: str = ""
    verdict: Verdict | None = None  # that the findings are from; None where nothing was judged
