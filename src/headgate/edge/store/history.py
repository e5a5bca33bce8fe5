"""Questions about the commit graph. ``n`` grows from parents to children, so every walk knows where to stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, bindparam, delete, exists, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from headgate.edge.store import schema as t
from headgate.edge.store.rows import moment, text_entry
from headgate.model.commit import Commit
from headgate.model.names import CommitId, Key, NodeId, RunId, is_commit_id
from headgate.model.tree import Delta

_parent = t.commit.alias("parent")
_with_parents = (
    t.commit.outerjoin(t.commit_parent, t.commit_parent.c.commit == t.commit.c.n)
    .outerjoin(_parent, _parent.c.n == t.commit_parent.c.parent)
)  # fmt: skip
_commit_rows = select(t.commit, _parent.c.id.label("parent_id")).select_from(_with_parents)


def _past(start: Select[Any], more: Any) -> Any:
    """The commits of ``start`` and their ancestry, as far as ``more`` (about a parent's ``n``) lets on."""
    walk = start.cte("walk", recursive=True)
    return walk.union(
        select(t.commit_parent.c.parent).where(t.commit_parent.c.commit == walk.c.n, more)
    )  # fmt: skip


# -- commits ------------------------------------------------------------------------------------------------

_NUMBER = select(t.commit.c.n).where(t.commit.c.id == bindparam("id"))
_COMMIT = _commit_rows.where(t.commit.c.id == bindparam("id")).order_by(t.commit_parent.c.position)
_LIKE = (
    select(t.commit.c.id)
    .where(t.commit.c.id.between(bindparam("low", type_=t.Hash), bindparam("high", type_=t.Hash)))
    .order_by(t.commit.c.id)
    .limit(10)
)


def number(c: Connection, id: CommitId) -> int | None:
    if not is_commit_id(id):
        return None
    found: int | None = c.execute(_NUMBER, {"id": id}).scalar()
    return found


def commit_of(c: Connection, id: CommitId) -> Commit | None:
    if not is_commit_id(id):
        return None
    return next(iter(_commits(c.execute(_COMMIT, {"id": id}))), None)


def commits_like(c: Connection, prefix: str) -> tuple[CommitId, ...]:
    low, high = prefix.ljust(64, "0"), prefix.ljust(64, "f")
    if not is_commit_id(low):
        return ()
    return tuple(CommitId(id) for id in c.execute(_LIKE, {"low": low, "high": high}).scalars())


def _commits(rows: Iterable[Row[Any]]) -> Iterable[Commit]:
    """Rows of one commit follow one another, one for each parent in order."""
    for _, group in groupby(rows, key=lambda r: r.n):
        each = list(group)
        first = each[0]
        yield Commit(
            id=CommitId(first.id),
            root=NodeId(first.root),
            parents=tuple(CommitId(r.parent_id) for r in each if r.parent_id is not None),
            generation=first.generation,
            author=first.author,
            message=first.message,
            at=moment(first.at),
            run=None if first.run is None else RunId(first.run),
            reverts=None if first.reverts is None else CommitId(first.reverts),
        )


# -- ancestry -----------------------------------------------------------------------------------------------

_start = select(bindparam("head", type_=Integer).label("n"))
_back_to = _past(_start, t.commit_parent.c.parent >= bindparam("floor"))
_IS_ANCESTOR = select(exists().where(_back_to.c.n == bindparam("floor")))
_WHICH = select(_back_to.c.n).where(_back_to.c.n.in_(bindparam("wanted", expanding=True)))


def is_ancestor(c: Connection, ancestor: CommitId, of: CommitId) -> bool:
    floor, head = number(c, ancestor), number(c, of)
    if floor is None or head is None:
        return False
    return floor == head or (floor < head and bool(_which(c, head, [floor])))


def _which(c: Connection, head: int, wanted: Sequence[int]) -> set[int]:
    """Those of ``wanted`` (not empty) that lie in the ancestry of ``head``, itself included."""
    if len(wanted) == 1:
        question = {"head": head, "floor": wanted[0]}
        return set(wanted) if c.execute(_IS_ANCESTOR, question).scalar() else set()
    found = c.execute(_WHICH, {"head": head, "floor": min(wanted), "wanted": list(wanted)})
    return set(found.scalars())


def _newest(limit: Any) -> Select[Any]:
    # Of every generation down to the first there is a commit in the ancestry, so that the newest ``limit`` ones
    # are all less than ``limit`` generations away: the walk never goes further back.
    inner = t.commit.alias("inner_commit")
    near = select(inner.c.generation - limit).where(inner.c.n == bindparam("head")).scalar_subquery()
    walk = _start.cte("walk", recursive=True)
    walk = walk.union(
        select(t.commit_parent.c.parent)
        .join(inner, inner.c.n == t.commit_parent.c.parent)
        .where(t.commit_parent.c.commit == walk.c.n, inner.c.generation > near)
    )
    newest = (
        select(t.commit.c.n)
        .join(walk, walk.c.n == t.commit.c.n)
        .order_by(t.commit.c.generation.desc(), t.commit.c.n.desc())
        .limit(limit)
    )
    return _commit_rows.where(t.commit.c.n.in_(newest)).order_by(
        t.commit.c.generation.desc(), t.commit.c.n.desc(), t.commit_parent.c.position
    )


_NEWEST = _newest(bindparam("limit", type_=Integer))


def ancestors(c: Connection, of: CommitId, limit: int) -> tuple[Commit, ...]:
    head = number(c, of)
    return () if head is None else tuple(_commits(c.execute(_NEWEST, {"head": head, "limit": limit})))


# -- what changed, and what was undone ----------------------------------------------------------------------

_DELTAS = (
    select(t.delta)
    .join(t.commit, t.commit.c.n == t.delta.c.commit)
    .where(t.commit.c.id == bindparam("id"))
    .order_by(t.delta.c.key)
)
_TOUCHING = (
    select(t.delta.c.commit)
    .where(t.delta.c.key == bindparam("key"), t.delta.c.commit <= bindparam("head"))
    .order_by(t.delta.c.commit.desc())
)
_ID = select(t.commit.c.id).where(t.commit.c.n == bindparam("n"))
_REVERTING = (
    select(t.commit.c.n, t.commit.c.id, t.commit.c.reverts)
    .where(t.commit.c.reverts.is_not(None), t.commit.c.n <= bindparam("head"))
    .order_by(t.commit.c.n.desc())
)


def deltas(c: Connection, commit: CommitId) -> tuple[Delta, ...]:
    if not is_commit_id(commit):
        return ()
    rows = c.execute(_DELTAS, {"id": commit})
    return tuple(Delta(Key(r.key), text_entry(r.old), text_entry(r.new)) for r in rows)


def last_touching(c: Connection, key: Key, head: CommitId) -> CommitId | None:
    at = number(c, head)
    if at is None:
        return None
    candidates = c.execute(_TOUCHING, {"key": key, "head": at}).scalars()
    # The newest one is it nearly always; the others are branches that never came to be merged.
    size = 1
    while some := candidates.fetchmany(size):
        found = _which(c, at, some)
        if found:
            candidates.close()
            return CommitId(c.execute(_ID, {"n": max(found)}).scalar_one())
        size = 64
    return None


def reverted(c: Connection, head: CommitId) -> frozenset[CommitId]:
    at = number(c, head)
    rows = [] if at is None else c.execute(_REVERTING, {"head": at}).all()
    if not rows or at is None:
        return frozenset()
    undone: set[str] = set()
    reached = _which(c, at, [r.n for r in rows])
    for row in rows:  # newest first: a revert that was itself reverted undoes nothing
        if row.n in reached and row.id not in undone:
            undone.add(row.reverts)
    return frozenset(CommitId(id) for id in undone)


# -- taint --------------------------------------------------------------------------------------------------

_WHY = (
    select(t.taint.c.why)
    .join(t.taint_reach, t.taint_reach.c.tainted == t.taint.c.commit)
    .join(t.commit, t.commit.c.n == t.taint_reach.c.commit)
    .where(t.commit.c.id == bindparam("id"), t.taint.c.cleared.is_(False))
    .order_by(t.taint.c.n.desc())
    .limit(1)
)
_down = select(bindparam("tainted", type_=Integer).label("n")).cte("future", recursive=True)
_future = _down.union(
    select(t.commit_parent.c.commit).where(t.commit_parent.c.parent == _down.c.n)
)  # fmt: skip
_SPREAD = (
    insert(t.taint_reach)
    .from_select(
        ["commit", "tainted"],
        # SQLite takes ON CONFLICT after SELECT only if a WHERE stands between them.
        select(_future.c.n, bindparam("by", type_=Integer)).where(literal_column("true")),
    )
    .on_conflict_do_nothing()
)  # fmt: skip
_END = delete(t.taint_reach).where(t.taint_reach.c.tainted == bindparam("by"))
_INHERIT = (
    insert(t.taint_reach)
    .from_select(
        ["commit", "tainted"],
        select(bindparam("child", type_=Integer), t.taint_reach.c.tainted)
        .where(t.taint_reach.c.commit.in_(bindparam("parents", expanding=True)))
        .distinct(),
    )
)  # fmt: skip


def taint(c: Connection, commit: CommitId) -> str | None:
    if not is_commit_id(commit):
        return None
    found: str | None = c.execute(_WHY, {"id": commit}).scalar()
    return found


def spread_taint(c: Connection, tainted: int) -> None:
    """A commit is tainted: so is everything that descends from it."""
    c.execute(_SPREAD, {"tainted": tainted, "by": tainted})


def end_taint(c: Connection, tainted: int) -> None:
    c.execute(_END, {"by": tainted})


def inherit_taint(c: Connection, child: int, parents: Sequence[int]) -> None:
    c.execute(_INHERIT, {"child": child, "parents": list(parents)})
