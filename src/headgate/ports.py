"""What the core needs from the outside world: small Protocols, implemented in ``edge/``, faked in ``testing/``.

Everything here speaks in values of ``model/``. Rows themselves are a `Frame`: opaque below ``edge/``, so that no
rule or merge can come to depend on an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NewType, Protocol, runtime_checkable

from headgate.model.batch import BatchRow, Mode, Object
from headgate.model.change import Changes, Done, QuarantineRow, Refused, Requirement, Unknown, VerdictRow
from headgate.model.commit import Commit, Ref, RefMove, Release
from headgate.model.contract import Column, Dialect, TableContract
from headgate.model.event import Event
from headgate.model.names import BatchId, CommitId, Key, NodeId, RefName, RuleName, RunId, TableName
from headgate.model.rule import Rule, Scalar
from headgate.model.run import Run, StepRow
from headgate.model.sketch import Sketch
from headgate.model.tree import Delta, TableEntry
from headgate.model.verdict import Verdict

Frame = NewType("Frame", object)

# -- rows in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """Objects and their rows, lazily read, raw values kept. ``columns`` as found, in their order."""

    objects: tuple[Object, ...]
    rows: Frame
    columns: tuple[str, ...]


class Source(Protocol):
    """Where deliveries come from."""

    def find(self, data: Sequence[str], format: str | None = None) -> tuple[Object, ...]:
        """The objects that paths, folders and patterns name, hashed, in name order, each once.

        Raises NotThere (no such file, nothing matches) or Unreadable.
        """
        ...

    def read(self, objects: Sequence[Object], dialect: Dialect) -> Delivery:
        """Open the objects. Raises Unreadable, naming the line, for a file that does not parse."""
        ...


# -- rules over rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict on rows, and what pass 1 learnt (doubled keys, orphans), which `Judge.split` needs."""

    verdict: Verdict
    evidence: Frame


@dataclass(frozen=True, slots=True)
class Split:
    """``good``: typed rows, in the contract's columns. ``bad``: raw values with object, row and rules."""

    good: Frame
    bad: Frame
    rows_good: int
    rows_bad: int


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A delivery without the rows that need not be loaded; ``replaced`` are published rows that give way.

    ``replaced``: rows already published whose key a remaining delivered row takes over (mode merge).
    """

    rows: Frame
    deduplicated: int
    superseded: int


@dataclass(frozen=True, slots=True)
class Group:
    """One segment: its values as text (None is null), its rows, and those that count (RowCount: all of them)."""

    key: tuple[str | None, ...]
    rows: int
    failing: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a rule about the table found in some rows. Counts add up over files.

    ``rows``: those that it looks at. ``failing`` counts rows (RowCount: all of them); ``number`` is a SQL rule's;
    ``error`` says why there is none, ``not_executed`` why nobody has tried; ``groups`` are the segments of a rule that
    has some, in no order; ``moment`` is the newest or oldest value that an Age is taken from, in UTC, None if there is
    none.
    """

    rule: RuleName
    rows: int
    failing: int | None = None
    number: str | None = None
    error: str | None = None
    groups: tuple[Group, ...] = ()
    moment: datetime | None = None
    not_executed: str | None = None


TableRules = Literal["all", "table", "delivery", "none"]  # which rules about the table, by their scope


class Judge(Protocol):
    """Runs rules over rows: a rendering of the intermediate form."""

    @property
    def name(self) -> str:
        """For people: polars, spark ..."""
        ...

    def version(self) -> str:
        """Of renderer and engine: part of every Partial's key."""
        ...

    def check(
        self,
        rows: Frame,
        contract: TableContract,
        *,
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
        table_rules: TableRules,
        allowed: frozenset[str] = frozenset(),
        beside: int = 0,
    ) -> Checked:
        """Judge rows as they are. Every rule of the contract has a finding, in the contract's order.

        ``parents``: the tables that References rules name; the rule of one that is missing is not_executed.
        ``existing``: for a Unique rule, published rows its keys may not meet again. ``table_rules``: those of this
        scope are measured here; of the others it is only told where they are. ``beside``: how many rows stand beside
        these that are known to fail no rule of the contract; they count as rows.
        """
        ...

    def split(
        self,
        rows: Frame,
        contract: TableContract,
        checked: Checked,
        *,
        warn: Collection[RuleName],
        whole: bool = False,
    ) -> Split:
        """Good and bad rows, from what ``checked`` learnt. Rules in ``warn`` do not make a row bad, except
        that a value that does not fit its column's type always does. ``whole``: every row goes to ``bad``
        (a batch in quarantine is kept whole), those without a fault with an empty list of rules.
        """
        ...


@runtime_checkable
class Counter(Judge, Protocol):
    """What a check that remembers needs, too: numbers that add up over files, and keys to look up."""

    def measure(
        self,
        rows: Frame,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame] = MappingProxyType({}),
    ) -> tuple[Measurement, ...]:
        """What rules found in these rows; ``parents`` are those of References."""
        ...

    def keys(
        self, rows: Frame, contract: TableContract, columns: Sequence[str], names: Sequence[str]
    ) -> Frame | None:
        """The values of ``columns`` as the contract's types, lazily, called ``names``. None if one is not there."""
        ...

    def together(self, frames: Sequence[Frame]) -> Frame:
        """One after the other; all good rows of one contract, or keys of one."""
        ...


class Engine(Counter, Protocol):
    """What a load needs, too: rows are collapsed, and columns measured."""

    def columns(self, delivery: Delivery) -> tuple[Column, ...]:
        """Columns with types that every value fits: what an unguarded table is made of."""
        ...

    def collapse(
        self, rows: Frame, contract: TableContract, existing: Frame | None, mode: Mode, order_by: str | None
    ) -> Collapsed:
        """Drop what a table with a primary key need not load.

        Identical rows, within the rows or among ``existing``, collapse to one (or none). Under ``merge`` with
        ``order_by`` the greatest of each key stays; rows equal in ``order_by`` that differ stay all (nobody
        knows which is right), and so do differing rows without an ``order_by``.
        """
        ...

    def ranges(
        self, rows: Frame, contract: TableContract, columns: Collection[str]
    ) -> Mapping[str, tuple[Scalar, Scalar] | None]:
        """Least and greatest value of each column, as its contract type; None without any value."""
        ...

    def sketch(self, rows: Frame, columns: Sequence[str]) -> Mapping[str, Sketch]:
        """Sketches of columns of published rows."""
        ...

    def without(self, rows: Frame, contract: TableContract, keys_of: Frame) -> Frame:
        """Published rows whose primary key does not occur in ``keys_of`` (good rows of a `Split`)."""
        ...


# -- queries ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selected:
    """A query's result: Python values, None for NULL, times with their zone."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


class Queries(Protocol):
    """People's SQL, where it cannot write, read files or reach the network."""

    def select(self, sql: str, tables: Mapping[str, Callable[[], Frame]]) -> Selected:
        """One SELECT over ``tables`` (``schema.name``; `default` may be left out), each opened only if named.

        Raises WrongUse: the query is refused, or it does not run; the message is the database's own.
        """
        ...


# -- tables -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table. ``bounds``: column -> (lower, upper), which hold, but may not be attained."""

    path: str
    rows: int
    bytes: int
    bounds: Mapping[str, tuple[Scalar, Scalar]] = field(default_factory=dict, compare=False)
    nulls: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Written:
    """Data files that are on disk and durable, and on no branch yet. ``handle`` is the lake's own."""

    files: tuple[DataFile, ...]
    handle: object = field(compare=False)

    @property
    def rows(self) -> int:
        return sum(f.rows for f in self.files)


class Tables(Protocol):
    """Tables as checks see them: files that never change, by names that no other file is ever given."""

    def columns(self, entry: TableEntry) -> tuple[Column, ...]: ...
    def files(self, entry: TableEntry) -> tuple[DataFile, ...]: ...
    def rows(self, entry: TableEntry) -> int: ...

    def scan(self, entry: TableEntry, paths: Collection[str] | None = None) -> Frame:
        """The rows of a table, or of some of its files, lazily."""
        ...

    def found(self, entry: TableEntry, columns: Sequence[str], keys: Frame) -> Frame | None:
        """Those of ``keys`` that the table has, each once; None if only reading it can say."""
        ...

    def unique(self, entry: TableEntry, columns: Sequence[str]) -> bool:
        """True if it is known that no two rows agree on all ``columns`` (nulls agree with nothing)."""
        ...


class Lake(Tables, Protocol):
    """Immutable tables behind pointers. Whatever a method returns is durable (file and folder synced)."""

    def create(self, table: TableName, columns: Sequence[Column]) -> TableEntry:
        """An empty table with a new uuid."""
        ...

    def evolve(self, entry: TableEntry, columns: Sequence[Column]) -> TableEntry | str:
        """The table with these columns: optional ones added, types promoted as Iceberg allows; the same entry
        if nothing changes; else the reason why not, in words.
        """
        ...

    def write(self, entry: TableEntry, rows: Frame) -> Written:
        """Rows as Parquet files of the table."""
        ...

    def append(self, entry: TableEntry, written: Written) -> TableEntry:
        """A new snapshot with these files added."""
        ...

    def rewrite(self, entry: TableEntry, written: Written, removed: Collection[str]) -> TableEntry:
        """A new snapshot with files added and ``removed`` (paths, all of them live) gone."""
        ...

    def adopt(self, entry: TableEntry, paths: Collection[str], of: TableEntry) -> Written:
        """Live files of another version of the same table, to be appended again without copying (zero-copy)."""
        ...

    def near(
        self, entry: TableEntry, paths: Collection[str], columns: Sequence[str], keys: Frame
    ) -> tuple[str, ...]:
        """Those of some live files in which one of ``keys`` (in ``columns``) may be: where it is not known, all."""
        ...

    def note_unique(self, was: TableEntry, now: TableEntry, columns: Sequence[str]) -> None:
        """To be told by whoever wrote ``now`` and held its rows against ``was``: if it is known of ``was`` that no
        two rows agree on all ``columns``, so it is of ``now`` from here on.
        """
        ...

    def at_rest(self, entry: TableEntry) -> Frame:
        """A table as `Queries` take it: its files where they lie, unread."""
        ...

    def compatible(self, one: TableEntry, other: TableEntry) -> bool:
        """True if field ids and schemas are the same, so that files of one may be appended to the other."""
        ...

    def quarantine(self, batch: BatchId, run: RunId, bad: Frame) -> str:
        """Write bad rows as one Parquet file beside the warehouse; its path."""
        ...

    def discard(self, written: Written) -> None:
        """Delete files that never came to be on a branch."""
        ...


# -- the catalog's database ---------------------------------------------------------------------------------


class Memory(Protocol):
    """What checks remember. ``commit`` is asked to keep partials, and nothing else; it may well not."""

    def partials(self, keys: Collection[str]) -> Mapping[str, bytes]: ...
    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused | Unknown: ...


class Store(Memory, Protocol):
    """Catalog, ledger, event log and run state in one database. `commit` is the one way to write.

    It refuses, whatever the caller says, to move a protected ref to a commit whose root has no passing verdict
    (stored, or among the changes), or that is tainted and not cleared, itself or by ancestry.
    """

    def node(self, id: NodeId) -> bytes | None: ...
    def commit_of(self, id: CommitId) -> Commit | None: ...
    def commits_like(self, prefix: str) -> tuple[CommitId, ...]:
        """Ids that start with ``prefix`` (at most 10)."""
        ...

    def deltas(self, commit: CommitId) -> tuple[Delta, ...]: ...
    def last_touching(self, key: Key, head: CommitId) -> CommitId | None:
        """The newest commit in the ancestry of ``head`` (itself included) that changed ``key``."""
        ...

    def is_ancestor(self, ancestor: CommitId, of: CommitId) -> bool:
        """True also for a commit and itself."""
        ...

    def ancestors(self, of: CommitId, limit: int) -> tuple[Commit, ...]:
        """Newest first by generation, itself included."""
        ...

    def reverted(self, head: CommitId) -> frozenset[CommitId]:
        """Commits whose publish set a commit in the ancestry of ``head`` undid (and no later one redid)."""
        ...

    def taint(self, commit: CommitId) -> str | None:
        """Why this commit, or one in its ancestry, may not reach a protected ref; None if it may."""
        ...

    def ref(self, name: RefName) -> Ref | None: ...
    def refs(self) -> tuple[Ref, ...]: ...
    def reflog(self, name: RefName | None = None, limit: int = 1000) -> tuple[RefMove, ...]: ...

    def batches(
        self, table: TableName | None = None, *, digests: Collection[str] = (), batch: BatchId | None = None
    ) -> tuple[BatchRow, ...]:
        """Ledger rows, oldest first: of a table; those that hold any of the digests; those of a batch id."""
        ...

    def quarantined(
        self, *, batch: BatchId | None = None, open_only: bool = False
    ) -> tuple[QuarantineRow, ...]: ...
    def run(self, id: RunId) -> Run | None: ...
    def runs(self, *, state: str | None = None, limit: int = 1000) -> tuple[Run, ...]:
        """Newest first."""
        ...

    def steps(self, run: RunId) -> tuple[StepRow, ...]: ...
    def verdicts(self, *, root: NodeId | None = None, limit: int = 100) -> tuple[VerdictRow, ...]:
        """Newest first."""
        ...

    def releases(self, environment: str) -> tuple[Release, ...]:
        """Oldest first."""
        ...

    def release(self, environment: str, id: int | None = None) -> Release | None:
        """One release; None is the newest."""
        ...

    def events(self, after: int = 0, limit: int = 1000) -> tuple[Event, ...]: ...


# -- locks and time -----------------------------------------------------------------------------------------


class Locks(Protocol):
    """Named locks that the death of their holder frees."""

    def hold(self, name: str, wait_s: float) -> AbstractContextManager[bool]:
        """Enter with True once the lock is held, with False if it was not to be had within ``wait_s``."""
        ...


class Clock(Protocol):
    """Time and chance, so that neither is anywhere else."""

    def now(self) -> datetime:
        """UTC, microseconds."""
        ...

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
    def token(self) -> str:
        """26 characters, unique, that sort by time."""
        ...


class Remembering(Protocol):
    """What a check of a table needs of the outside world: `Ports`, or files of one's own and a memory of them."""

    @property
    def lake(self) -> Tables: ...
    @property
    def store(self) -> Memory: ...
    @property
    def engine(self) -> Counter: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All of the outside world that a flow may touch.

    ``pattern_error``: what is wrong with a regular expression, or None. ``variables``: what those of contracts
    stand for.
    """

    source: Source
    engine: Engine
    queries: Queries
    lake: Lake
    store: Store
    locks: Locks
    clock: Clock
    pattern_error: Callable[[str], str | None]
    author: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
