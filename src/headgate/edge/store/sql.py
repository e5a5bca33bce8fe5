"""The Store on one SQL database: catalog, ledger, event log and run state.

SQLite in WAL mode, ``synchronous=FULL`` (what `commit` acknowledged survives a power cut), transactions begun by
``BEGIN IMMEDIATE`` (a plain BEGIN that reads first fails under concurrent writers, whatever the time-out).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import QueuePool

from headgate.edge.store import history as store_history
from headgate.edge.store import read as store_read
from headgate.edge.store import write as store_write
from headgate.edge.store.rows import micros
from headgate.edge.store.schema import SCHEMA_VERSION, headgate_schema, metadata
from headgate.model.batch import BatchRow
from headgate.model.change import Changes, Done, QuarantineRow, Refused, Requirement, Unknown, VerdictRow
from headgate.model.commit import Commit, Ref, RefMove, Release
from headgate.model.errors import Bug, HeadgateError, NotThere, Unavailable, Unreadable, WrongUse
from headgate.model.event import Event
from headgate.model.names import BatchId, CommitId, Key, NodeId, RefName, RunId, TableName
from headgate.model.run import Run, StepRow
from headgate.model.tree import Delta
from headgate.ports import Clock

BUSY_S = 30.0
_COMMITS_KEPT = 20_000
_NODE_BYTES_KEPT = 32 << 20
_VERSION = select(headgate_schema.c.version)


def create(path_or_url: str | Path, clock: Clock) -> SqlStore:
    """A new, empty catalog. A file left by a `create` that was killed is completed.

    Raises WrongUse if there is a catalog already, Unavailable if the folder does not take one.
    """
    place = _place(path_or_url)
    store = SqlStore(_engine(place, mode="rwc"), clock, place)
    with _explained(place), store.engine.connect() as c:
        c.exec_driver_sql("PRAGMA journal_mode=WAL")
        c.exec_driver_sql("BEGIN IMMEDIATE")
        if c.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").first():
            c.rollback()
            raise WrongUse("there is a database already", hint="open the project that is there", place=place)
        metadata.create_all(c)
        c.execute(insert(headgate_schema), {"version": SCHEMA_VERSION})
        c.commit()
    return store


def open_store(path_or_url: str | Path, clock: Clock) -> SqlStore:
    """The catalog that is there.

    Raises NotThere without a file, Unreadable if it is no catalog, Unavailable if it is locked for over
    `BUSY_S` seconds, read-only, or written by a newer version.
    """
    place = _place(path_or_url)
    if not Path(place).exists():
        raise NotThere("there is no catalog", hint="run `headgate init` first", place=place)
    store = SqlStore(_engine(place, mode="rw"), clock, place)
    with _explained(place), store.engine.connect() as c:
        version = c.execute(_VERSION).scalar()
    if version is None:
        raise Unreadable("the catalog has no schema version", hint="restore it from a backup", place=place)
    if version > SCHEMA_VERSION:
        raise Unavailable(
            f"the catalog has schema {version}, and this headgate knows {SCHEMA_VERSION}",
            hint="upgrade headgate: a newer version has written here",
            place=place,
        )
    return store


class SqlStore:
    """The Store over one engine. Safe to share between threads; open a new one after a fork."""

    def __init__(self, engine: Engine, clock: Clock, place: str) -> None:
        self.engine = engine
        self._clock = clock
        self._place = place
        # Commits and nodes are immutable, so what was once read holds.
        self._commits: dict[CommitId, Commit] = {}
        self._nodes: dict[NodeId, bytes] = {}
        self._node_bytes = 0

    def close(self) -> None:
        """Close all connections; the last one out folds the write-ahead log into the database."""
        self.engine.dispose()

    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused | Unknown:
        at = micros(self._clock.now())
        with _explained(self._place), self.engine.connect() as c:
            c.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                answer = store_write.write(c, changes, requires, at)
            except BaseException:
                c.rollback()
                raise
            if isinstance(answer, Refused):
                c.rollback()
                return answer
            try:
                c.commit()
            except DBAPIError as error:
                # Nobody can say what an I/O error during COMMIT left behind; any other refusal wrote nothing.
                if _code(error).startswith("SQLITE_IOERR"):
                    c.invalidate()
                    return Unknown(str(error.orig))
                c.rollback()
                raise
            return answer

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _explained(self._place), self.engine.connect() as c:
            yield c

    # -- the catalog

    def node(self, id: NodeId) -> bytes | None:
        known = self._nodes.get(id)
        if known is None:
            with self._reading() as c:
                known = store_read.node(c, id)
            if known is not None:
                self._keep(id, known)
        return known

    def _keep(self, id: NodeId, content: bytes) -> None:
        if self._node_bytes + len(content) > _NODE_BYTES_KEPT:
            self._nodes, self._node_bytes = {}, 0
        self._nodes[id] = content
        self._node_bytes += len(content)

    def commit_of(self, id: CommitId) -> Commit | None:
        known = self._commits.get(id)
        if known is None:
            with self._reading() as c:
                known = store_history.commit_of(c, id)
            if known is not None:
                if len(self._commits) >= _COMMITS_KEPT:
                    self._commits.clear()
                self._commits[id] = known
        return known

    def commits_like(self, prefix: str) -> tuple[CommitId, ...]:
        with self._reading() as c:
            return store_history.commits_like(c, prefix)

    def deltas(self, commit: CommitId) -> tuple[Delta, ...]:
        with self._reading() as c:
            return store_history.deltas(c, commit)

    def last_touching(self, key: Key, head: CommitId) -> CommitId | None:
        with self._reading() as c:
            return store_history.last_touching(c, key, head)

    def is_ancestor(self, ancestor: CommitId, of: CommitId) -> bool:
        with self._reading() as c:
            return store_history.is_ancestor(c, ancestor, of)

    def ancestors(self, of: CommitId, limit: int) -> tuple[Commit, ...]:
        with self._reading() as c:
            return store_history.ancestors(c, of, limit)

    def reverted(self, head: CommitId) -> frozenset[CommitId]:
        with self._reading() as c:
            return store_history.reverted(c, head)

    def taint(self, commit: CommitId) -> str | None:
        with self._reading() as c:
            return store_history.taint(c, commit)

    def ref(self, name: RefName) -> Ref | None:
        with self._reading() as c:
            return store_read.ref(c, name)

    def refs(self) -> tuple[Ref, ...]:
        with self._reading() as c:
            return store_read.refs(c)

    def reflog(self, name: RefName | None = None, limit: int = 1000) -> tuple[RefMove, ...]:
        with self._reading() as c:
            return store_read.reflog(c, name, limit)

    # -- the ledger

    def batches(
        self, table: TableName | None = None, *, digests: Collection[str] = (), batch: BatchId | None = None
    ) -> tuple[BatchRow, ...]:
        with self._reading() as c:
            return store_read.batches(c, table, digests, batch)

    def quarantined(
        self, *, batch: BatchId | None = None, open_only: bool = False
    ) -> tuple[QuarantineRow, ...]:
        with self._reading() as c:
            return store_read.quarantined(c, batch, open_only=open_only)

    def releases(self, environment: str) -> tuple[Release, ...]:
        with self._reading() as c:
            return store_read.releases(c, environment)

    def release(self, environment: str, id: int | None = None) -> Release | None:
        with self._reading() as c:
            return store_read.release(c, environment, id)

    # -- runs, verdicts, events

    def run(self, id: RunId) -> Run | None:
        with self._reading() as c:
            return store_read.run(c, id)

    def runs(self, *, state: str | None = None, limit: int = 1000) -> tuple[Run, ...]:
        with self._reading() as c:
            return store_read.runs(c, state, limit)

    def steps(self, run: RunId) -> tuple[StepRow, ...]:
        with self._reading() as c:
            return store_read.steps(c, run)

    def verdicts(self, *, root: NodeId | None = None, limit: int = 100) -> tuple[VerdictRow, ...]:
        with self._reading() as c:
            return store_read.verdicts(c, root, limit)

    def partials(self, keys: Collection[str]) -> Mapping[str, bytes]:
        with self._reading() as c:
            return store_read.partials(c, keys)

    def events(self, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        with self._reading() as c:
            return store_read.events(c, after, limit)


# -- the engine ---------------------------------------------------------------------------------------------


def _place(path_or_url: str | Path) -> str:
    text = str(path_or_url)
    if "://" not in text:
        return text
    if text.startswith("sqlite:///"):
        return text.removeprefix("sqlite:///")
    raise WrongUse(
        f"{text.partition(':')[0]} is no database that this version keeps a catalog in",
        hint="use a path, or sqlite:///path",
        place=text,
    )


def _engine(place: str, mode: str) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(place)}?mode={mode}",  # never rwc after create: an absent catalog is not an empty one
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,  # we say BEGIN ourselves; a read is its own transaction
            check_same_thread=False,  # the pool lends a connection to one thread at a time
        )

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1, pool_reset_on_return=None
    )

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")

    return engine


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """The database's errors in our words."""
    try:
        yield
    except IntegrityError as error:
        raise Bug(f"the database refused a row: {error.orig}", place=place) from error
    except DBAPIError as error:
        raise _explain(error, place) from error


def _code(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", ""))


def _explain(error: DBAPIError, place: str) -> HeadgateError:
    code, said = _code(error), str(error.orig)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable(
            f"another process has kept the catalog locked for {BUSY_S:.0f} s",
            hint="wait for it to end, or end it, and run this again",
            place=place,
        )
    if code.startswith("SQLITE_READONLY"):
        return Unavailable("the catalog is read-only", hint="allow writing to it and its folder", place=place)
    if code.startswith("SQLITE_CANTOPEN"):
        return Unavailable(
            "the catalog cannot be opened", hint="allow reading and writing it and its folder", place=place
        )
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return Unavailable(
            f"the disk did not take it: {said}", hint="make room on the disk, and run this again", place=place
        )
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return Unreadable(f"this is no catalog: {said}", hint="restore the file from a backup", place=place)
    if "no such table" in said:
        return Unreadable(
            f"this is no catalog: {said}", hint="point to a project, or run `headgate init`", place=place
        )
    return Bug(f"the database did not take a statement: {said}", place=place)
