"""What arrives: objects, and the batch they form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headgate.model.names import BatchId, CommitId, RunId, TableName

Mode = Literal["append", "merge", "replace"]
BatchOutcome = Literal["published", "published_partial", "quarantined"]


@dataclass(frozen=True, slots=True)
class Object:
    """One file or frame, known by the SHA-256 of its bytes. ``location`` is where it was read, for people."""

    digest: str
    location: str
    bytes: int
    format: str  # csv, parquet, jsonl, arrow, frame


@dataclass(frozen=True, slots=True)
class Batch:
    """Ordered objects, a table and a mode; or the caller's own id for them."""

    id: BatchId
    table: TableName
    mode: Mode
    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Promise 4: ``rows_in`` = good + quarantined + deduplicated + superseded."""

    rows_in: int = 0
    rows_good: int = 0
    rows_quarantined: int = 0
    rows_deduplicated: int = 0
    rows_superseded: int = 0

    @property
    def balanced(self) -> bool:
        return self.rows_in == (
            self.rows_good + self.rows_quarantined + self.rows_deduplicated + self.rows_superseded
        )


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in the ledger: what became of it, in which run, and the commit that made it visible (if any)."""

    batch: BatchId
    table: TableName
    mode: Mode
    run: RunId
    outcome: BatchOutcome
    commit: CommitId | None
    counts: Counts
    objects: tuple[Object, ...]
