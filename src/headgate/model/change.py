"""What one transaction writes, what it assumes, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headgate.model.batch import BatchRow
from headgate.model.commit import Commit, RefKind, Release
from headgate.model.event import Event
from headgate.model.names import BatchId, CommitId, NodeId, RefName, RunId, TableName
from headgate.model.run import Run, StepRow
from headgate.model.tree import Delta
from headgate.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RefChange:
    """Create (no such ref yet), move, or delete (``head`` None) a ref."""

    name: RefName
    head: str | None
    kind: RefKind = "branch"
    protected: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One batch's rows in quarantine. ``state``: open, replayed, discarded."""

    id: str
    run: RunId
    batch: BatchId
    table: TableName
    target: RefName
    path: str
    rows: int
    contract_id: str
    contract_version: str
    state: Literal["open", "replayed", "discarded"]
    at: datetime
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict on a tree, kept: what the protection of refs and `status` go by."""

    root: NodeId
    run: RunId
    table: TableName | None
    verdict: Verdict
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything one transaction writes. All of it or none."""

    nodes: Mapping[NodeId, bytes] = field(default_factory=dict)
    commits: tuple[Commit, ...] = ()
    deltas: Mapping[CommitId, tuple[Delta, ...]] = field(default_factory=dict)
    refs: tuple[RefChange, ...] = ()
    batches: tuple[BatchRow, ...] = ()
    quarantine: tuple[QuarantineRow, ...] = ()
    runs: tuple[Run, ...] = ()
    steps: tuple[StepRow, ...] = ()
    verdicts: tuple[VerdictRow, ...] = ()
    taints: Mapping[CommitId, str] = field(default_factory=dict)
    clearances: Mapping[CommitId, str] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    partials: Mapping[str, bytes] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class RefIs:
    """The ref is exactly where it was seen: head and generation."""

    name: RefName
    head: str
    gen: int


@dataclass(frozen=True, slots=True)
class RefAbsent:
    name: RefName


@dataclass(frozen=True, slots=True)
class RunOpen:
    """The run is still open: nobody else recovered or ended it meanwhile."""

    run: RunId


@dataclass(frozen=True, slots=True)
class LastRelease:
    """The newest release of the environment is still this one (None: there is none)."""

    environment: str
    id: int | None


Requirement = RefIs | RefAbsent | RunOpen | LastRelease


@dataclass(frozen=True, slots=True)
class Done:
    """Written, durable. ``events`` carry their offsets."""

    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was written. ``requirement`` is the one that does not hold; None: a protected ref's guard."""

    why: str
    requirement: Requirement | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost: look the run up."""

    why: str
