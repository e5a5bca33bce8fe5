"""Reading the catalog's database: one function per question, each over an open connection.

Statements are built once, at import, so that SQLAlchemy compiles each of them once. They are plain SQL that
PostgreSQL takes, too: no JSON functions, no row ids, recursion by UNION. History is in `store.history`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, func, literal_column, select

from headgate.edge.store import schema as t
from headgate.edge.store.rows import moment, text_verdict
from headgate.model.batch import BatchRow, Counts, Object
from headgate.model.change import QuarantineRow, VerdictRow
from headgate.model.commit import Ref, RefMove, Release
from headgate.model.event import Event
from headgate.model.names import BatchId, CommitId, NodeId, RefName, RunId, TableName, is_commit_id
from headgate.model.run import Run, StepRow

T = TypeVar("T")

CHUNK = 500  # values in one IN (...): SQLite takes 32,766, and a handful of statements is as fast

# Where a partial index is to be used, its condition stands as a literal: a parameter would hide it.

# -- nodes and refs -----------------------------------------------------------------------------------------

_NODE = select(t.node.c.content).where(t.node.c.id == bindparam("id"))
_REF = select(t.ref).where(t.ref.c.name == bindparam("name"))
_REFS = select(t.ref).order_by(t.ref.c.name)
_ALIASES = select(t.ref).where(t.ref.c.kind == literal_column("'alias'"), t.ref.c.head == bindparam("head"))
_LAST_GEN = select(func.max(t.reflog.c.gen)).where(t.reflog.c.name == bindparam("name"))
_REFLOG = select(t.reflog).order_by(t.reflog.c.n.desc()).limit(bindparam("limit"))
_REFLOG_OF = _REFLOG.where(t.reflog.c.name == bindparam("name"))


def node(c: Connection, id: NodeId) -> bytes | None:
    if not is_commit_id(id):
        return None
    found: bytes | None = c.execute(_NODE, {"id": id}).scalar()
    return found


def ref(c: Connection, name: RefName) -> Ref | None:
    row = c.execute(_REF, {"name": name}).first()
    return None if row is None else _ref(row)


def refs(c: Connection) -> tuple[Ref, ...]:
    return tuple(map(_ref, c.execute(_REFS)))


def aliases_of(c: Connection, branch: RefName) -> tuple[Ref, ...]:
    return tuple(map(_ref, c.execute(_ALIASES, {"head": branch})))


def last_gen(c: Connection, name: RefName) -> int:
    found: int | None = c.execute(_LAST_GEN, {"name": name}).scalar()
    return found or 0


def reflog(c: Connection, name: RefName | None, limit: int) -> tuple[RefMove, ...]:
    rows = (
        c.execute(_REFLOG, {"limit": limit})
        if name is None
        else c.execute(_REFLOG_OF, {"limit": limit, "name": name})
    )
    return tuple(RefMove(RefName(r.name), r.old, r.new, moment(r.at), r.reason) for r in rows)


def _ref(row: Row[Any]) -> Ref:
    return Ref(RefName(row.name), row.kind, row.head, row.gen, row.protected)


# -- releases -----------------------------------------------------------------------------------------------

_RELEASES = (
    select(t.release).where(t.release.c.environment == bindparam("environment")).order_by(t.release.c.id)
)
_RELEASE = select(t.release).where(
    t.release.c.environment == bindparam("environment"), t.release.c.id == bindparam("id")
)
_LAST_RELEASE = select(func.max(t.release.c.id)).where(t.release.c.environment == bindparam("environment"))


def releases(c: Connection, environment: str) -> tuple[Release, ...]:
    return tuple(_release(r) for r in c.execute(_RELEASES, {"environment": environment}))


def release(c: Connection, environment: str, id: int | None) -> Release | None:
    wanted = c.execute(_LAST_RELEASE, {"environment": environment}).scalar() if id is None else id
    row = c.execute(_RELEASE, {"environment": environment, "id": wanted}).first()
    return None if row is None else _release(row)


def _release(r: Any) -> Release:
    return Release(
        id=r.id,
        environment=r.environment,
        kind=r.kind,
        commit=CommitId(r.commit),
        branch=RefName(r.branch),
        before=r.before,
        shows=r.shows,
        at=moment(r.at),
    )


def last_release(c: Connection, environment: str) -> int | None:
    found: int | None = c.execute(_LAST_RELEASE, {"environment": environment}).scalar()
    return found


# -- the ledger ---------------------------------------------------------------------------------------------

_WITH_DIGESTS = select(t.batch_object.c.batch).where(
    t.batch_object.c.digest.in_(bindparam("digests", expanding=True))
)
_OBJECTS = (
    select(t.batch_object)
    .where(t.batch_object.c.batch.in_(bindparam("batches", expanding=True)))
    .order_by(t.batch_object.c.batch, t.batch_object.c.position)
)


def batches(
    c: Connection, table: TableName | None, digests: Collection[str], batch: BatchId | None
) -> tuple[BatchRow, ...]:
    question: Select[Any] = select(t.batch).order_by(t.batch.c.n)
    if table is not None:
        question = question.where(t.batch.c.table_name == table)
    if batch is not None:
        question = question.where(t.batch.c.batch == batch)
    if not digests:
        rows = list(c.execute(question))
    else:
        wanted: set[int] = set()
        for part in _parts(digests):
            wanted.update(c.execute(_WITH_DIGESTS, {"digests": part}).scalars())
        among = question.where(t.batch.c.n.in_(bindparam("wanted", expanding=True)))
        rows = [r for part in _parts(sorted(wanted)) for r in c.execute(among, {"wanted": part})]
    objects: dict[int, list[Object]] = {}
    for part in _parts([r.n for r in rows]):
        for o in c.execute(_OBJECTS, {"batches": part}):
            objects.setdefault(o.batch, []).append(Object(o.digest, o.location, o.bytes, o.format))
    return tuple(_batch(r, tuple(objects.get(r.n, ()))) for r in rows)


def _batch(r: Row[Any], objects: tuple[Object, ...]) -> BatchRow:
    return BatchRow(
        batch=BatchId(r.batch),
        table=TableName(r.table_name),
        mode=r.mode,
        run=RunId(r.run),
        outcome=r.outcome,
        commit=None if r.commit is None else CommitId(r.commit),
        counts=Counts(r.rows_in, r.rows_good, r.rows_quarantined, r.rows_deduplicated, r.rows_superseded),
        objects=objects,
    )


def quarantined(c: Connection, batch: BatchId | None, *, open_only: bool) -> tuple[QuarantineRow, ...]:
    question: Select[Any] = select(t.quarantine).order_by(t.quarantine.c.n)
    if batch is not None:
        question = question.where(t.quarantine.c.batch == batch)
    if open_only:
        question = question.where(t.quarantine.c.state == "open")
    return tuple(
        QuarantineRow(
            id=r.id,
            run=RunId(r.run),
            batch=BatchId(r.batch),
            table=TableName(r.table_name),
            target=RefName(r.target),
            path=r.path,
            rows=r.rows,
            contract_id=r.contract_id,
            contract_version=r.contract_version,
            state=r.state,
            at=moment(r.at),
            parent=r.parent,
        )
        for r in c.execute(question)
    )


# -- runs ---------------------------------------------------------------------------------------------------

_RUN = select(t.run).where(t.run.c.id == bindparam("id"))
_RUNS = select(t.run).order_by(t.run.c.started.desc(), t.run.c.id.desc()).limit(bindparam("limit"))
_RUNS_OPEN = _RUNS.where(t.run.c.state == literal_column("'open'"))
_RUNS_IN = _RUNS.where(t.run.c.state == bindparam("state"))
_STEPS = select(t.step).where(t.step.c.run == bindparam("run")).order_by(t.step.c.n)


def run(c: Connection, id: RunId) -> Run | None:
    row = c.execute(_RUN, {"id": id}).first()
    return None if row is None else _run(row)


def runs(c: Connection, state: str | None, limit: int) -> tuple[Run, ...]:
    if state is None:
        return tuple(map(_run, c.execute(_RUNS, {"limit": limit})))
    if state == "open":
        return tuple(map(_run, c.execute(_RUNS_OPEN, {"limit": limit})))
    return tuple(map(_run, c.execute(_RUNS_IN, {"limit": limit, "state": state})))


def steps(c: Connection, run: RunId) -> tuple[StepRow, ...]:
    rows = c.execute(_STEPS, {"run": run})
    return tuple(StepRow(RunId(r.run), r.step, r.input_hash, json.loads(r.result)) for r in rows)


def _run(r: Row[Any]) -> Run:
    return Run(
        id=RunId(r.id),
        kind=r.kind,
        state=r.state,
        subject=r.subject,
        target=RefName(r.target),
        started=moment(r.started),
        branch=None if r.branch is None else RefName(r.branch),
        batch=None if r.batch is None else BatchId(r.batch),
        ended=None if r.ended is None else moment(r.ended),
        outcome=r.outcome,
        intent=json.loads(r.intent),
    )


# -- verdicts, partials, events -----------------------------------------------------------------------------

_VERDICTS = select(t.verdict).order_by(t.verdict.c.n.desc()).limit(bindparam("limit"))
_VERDICTS_ON = _VERDICTS.where(t.verdict.c.root == bindparam("root"))
_PASSED = (
    select(t.verdict.c.table_name, t.verdict.c.passed)
    .where(t.verdict.c.root == bindparam("root"), t.verdict.c.passed.is_not(None))
    .order_by(t.verdict.c.n)
)
_PARTIALS = select(t.partial).where(t.partial.c.key.in_(bindparam("keys", expanding=True)))
_EVENTS = (
    select(t.event)
    .where(t.event.c.offset > bindparam("after"))
    .order_by(t.event.c.offset)
    .limit(bindparam("limit"))
)
_LAST_OFFSET = select(func.max(t.event.c.offset))


def verdicts(c: Connection, root: NodeId | None, limit: int) -> tuple[VerdictRow, ...]:
    rows = (
        c.execute(_VERDICTS, {"limit": limit})
        if root is None
        else c.execute(_VERDICTS_ON, {"limit": limit, "root": root})
    )
    return tuple(
        VerdictRow(
            root=NodeId(r.root),
            run=RunId(r.run),
            table=None if r.table_name is None else TableName(r.table_name),
            verdict=text_verdict(r.body),
            at=moment(r.at),
        )
        for r in rows
    )


def passed(c: Connection, root: NodeId) -> Mapping[TableName | None, bool]:
    """The newest verdict on the tree with this root, by table."""
    return {r.table_name: r.passed for r in c.execute(_PASSED, {"root": root})}


def partials(c: Connection, keys: Collection[str]) -> Mapping[str, bytes]:
    return {r.key: r.body for part in _parts(keys) for r in c.execute(_PARTIALS, {"keys": part})}


def events(c: Connection, after: int, limit: int) -> tuple[Event, ...]:
    return tuple(
        Event(
            kind=r.kind,
            subject=r.subject,
            at=moment(r.at),
            run=None if r.run is None else RunId(r.run),
            data=json.loads(r.data),
            offset=r.offset,
        )
        for r in c.execute(_EVENTS, {"after": after, "limit": limit})
    )


def last_offset(c: Connection) -> int:
    found: int | None = c.execute(_LAST_OFFSET).scalar()
    return found or 0


def _parts(values: Iterable[T]) -> Iterator[list[T]]:
    for _, part in groupby(enumerate(values), key=lambda pair: pair[0] // CHUNK):
        yield [value for _, value in part]
