"""What is SQLite's alone: opening, being locked out, being refused, keeping what was acknowledged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from headgate.edge.store import sql as store_sql
from headgate.edge.store.schema import SCHEMA_VERSION
from headgate.edge.store.sql import SqlStore, create, open_store
from headgate.edge.store.write import InTransaction
from headgate.model.change import Changes, Done, RefAbsent, RefChange, Unknown
from headgate.model.errors import NotThere, Unavailable, Unreadable, WrongUse, exit_code
from headgate.model.event import Event
from headgate.model.names import MAIN, BatchId, Key, RefName, TableName
from headgate.testing.clock import TickingClock
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing
from headgate.testing.store_writer import RUN, Writer, table

CLOCK = TickingClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder?#%" / "catalog.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    path.parent.mkdir()
    with closing(create(path, CLOCK)) as store:
        yield store


def test_a_catalog_is_created_once_and_opened_often(path: Path, store: SqlStore) -> None:
    commit = Writer(store, CLOCK)({"table/default.a": table(1)})
    store.close()
    for place in (path, str(path), f"sqlite:///{path}"):
        with closing(open_store(place, CLOCK)) as again:
            assert again.commit_of(commit.id) == commit
    with pytest.raises(WrongUse):
        create(path, CLOCK)


def test_a_creation_that_was_cut_off_is_completed(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(Unreadable):
        open_store(path, CLOCK)
    with closing(create(path, CLOCK)) as store:
        assert store.refs() == ()


def test_nothing_is_made_up_where_there_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="headgate init"):
        open_store(tmp_path / "catalog.db", CLOCK)
    with pytest.raises(Unavailable):
        create(tmp_path / "no folder" / "catalog.db", CLOCK)
    with pytest.raises(WrongUse, match="postgresql"):
        open_store("postgresql://host/db", CLOCK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"a,b\n1,2\n" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalog.db").write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        open_store(tmp_path / "catalog.db", CLOCK)
    assert exit_code(caught.value) == 3


def test_a_database_of_somebody_else_is_no_catalog(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(Unreadable):
        open_store(tmp_path / "catalog.db", CLOCK)
    with pytest.raises(WrongUse):
        create(tmp_path / "catalog.db", CLOCK)


def test_a_catalog_from_a_newer_version_says_upgrade(path: Path, store: SqlStore) -> None:
    store.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE headgate_schema SET version = ?", (SCHEMA_VERSION + 1,))
        other.commit()
    with pytest.raises(Unavailable, match="upgrade headgate") as caught:
        open_store(path, CLOCK)
    assert exit_code(caught.value) == 3


def test_a_catalog_that_stays_locked_is_unavailable_and_nothing_is_lost(
    path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_sql.BUSY_S == 30
    store.close()
    monkeypatch.setattr(store_sql, "BUSY_S", 0.2)
    with closing(open_store(path, CLOCK)) as impatient, closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        prepared, commit = Writer(impatient, CLOCK).prepare({"table/default.a": table(1)})
        with pytest.raises(Unavailable, match="locked") as caught:
            impatient.commit(prepared)
        assert exit_code(caught.value) == 3
        assert impatient.refs() == (), "reading goes on"
        holder.rollback()
        assert isinstance(impatient.commit(prepared), Done)
        assert impatient.commit_of(commit.id) == commit


def test_a_read_only_catalog_is_unavailable(path: Path, store: SqlStore) -> None:
    """By the database's own switch: tests may run as root, whom no file mode stops."""
    with store.engine.connect() as c:
        c.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(Unavailable, match="read-only"):
        store.commit(Changes(events=(Event("x", "y", CLOCK.now()),)))


def test_a_full_disk_is_unavailable_and_leaves_the_catalog_whole(path: Path, store: SqlStore) -> None:
    with store.engine.connect() as c:
        pages = c.exec_driver_sql("PRAGMA page_count").scalar_one()
        c.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")
    write = Writer(store, CLOCK)
    prepared, commit = write.prepare({"table/default.a": table(1)})
    with pytest.raises(Unavailable, match="disk"):
        store.commit(
            Changes(partials={"large": b"x" * 100_000}, nodes=prepared.nodes, commits=prepared.commits)
        )
    assert store.commit_of(commit.id) is None
    assert isinstance(store.commit(prepared), Done)


def test_an_io_error_while_committing_is_an_unknown_outcome(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise OperationalError("COMMIT", {}, error)

    with monkeypatch.context() as m:
        m.setattr(Connection, "commit", broken)
        assert isinstance(store.commit(Changes(events=(Event("x", "y", CLOCK.now()),))), Unknown)
    assert isinstance(store.commit(Changes(events=(Event("x", "y", CLOCK.now()),))), Done)


def test_every_connection_syncs_fully_and_shares_one_write_ahead_log(store: SqlStore) -> None:
    with store.engine.connect() as one, store.engine.connect() as two:
        for c in (one, two):
            assert c.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert c.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert c.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_threads_share_a_store(store: SqlStore) -> None:
    commit = Writer(store, CLOCK)({})

    def work(thread: int) -> None:
        for i in range(20):
            name = RefName(f"b{thread}/{i}")
            change = RefChange(name, commit.id)
            event = Event("branch.created", name, CLOCK.now())
            assert isinstance(
                store.commit(Changes(refs=(change,), events=(event,)), (RefAbsent(name),)), Done
            )
            assert store.ref(name) is not None

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(store.refs()) == 120
    assert [e.offset for e in store.events()] == list(range(1, 121))


@pytest.mark.parametrize("when", ["before", "after"])
def test_death_around_a_commit_leaves_all_of_it_or_nothing(path: Path, store: SqlStore, when: str) -> None:
    prepared, commit = Writer(store, CLOCK).prepare({"table/default.a": table(1)})
    dying = crashing(store, Countdown(CrashPoint(1, "before" if when == "before" else "after")))
    refs = (RefChange(MAIN, commit.id),)
    with pytest.raises(Killed):
        dying.commit(Changes(prepared.nodes, prepared.commits, prepared.deltas, refs))
    store.close()
    with closing(open_store(path, CLOCK)) as again:
        assert (again.ref(MAIN) is None) == (again.commit_of(commit.id) is None) == (when == "before")


def test_no_question_of_a_load_reads_a_table_from_end_to_end(store: SqlStore) -> None:
    write = Writer(store, CLOCK)
    first = write({"table/default.a": table(1)}, passed=True)
    second = write({"table/default.a": None}, first, reverts=first.id)
    write.branch("dev", second)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, text: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((text, values))

    event.listen(store.engine, "before_cursor_execute", note)
    with store.engine.connect() as c:
        view = InTransaction(c)
        for name in (MAIN, RefName("dev")):
            assert view.aliases_of(name) == ()
            view.last_gen(name)
            view.ref(name)
        view.passed(first.root)
        view.last_release("production")
    store.taint(second.id)
    store.reverted(second.id)
    store.last_touching(Key("table/default.a"), second.id)
    store.is_ancestor(first.id, second.id)
    store.deltas(second.id)
    store.commits_like(second.id[:9])
    store.runs(state="open")
    store.steps(RUN)
    store.reflog(RefName("dev"), limit=1)
    store.batches(TableName("default.a"), digests=["x"])
    store.batches(batch=BatchId("b"))
    store.release("production")
    store.quarantined(batch=BatchId("b"))
    store.partials(["a", "b"])
    store.events(after=5)
    event.remove(store.engine, "before_cursor_execute", note)
    assert len(asked) > 20
    with store.engine.connect() as c:
        for text, values in asked:
            plan = [row[3] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
            tables = [line for line in plan if line.startswith("SCAN") and "INDEX" not in line]
            # what a walk has found so far is read from end to end: it is the walk's own queue
            whole = [line for line in tables if "walk" not in line and "CONSTANT" not in line]
            assert whole == [], f"{text}\n{plan}"


def test_a_check_does_not_load_the_database() -> None:
    """Opening a project is where SQLAlchemy (a fifth of a second) comes in, and nowhere before."""
    code = (
        "import sys, headgate.catalog.refs, headgate.edge.clock, headgate.edge.locks;"
        "print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
