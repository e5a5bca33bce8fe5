"""Schema ``headgate``: what happened and where things stand, as tables for SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from headgate.checks.baseline import baseline_of
from headgate.model.names import TableName, short
from headgate.model.tree import Tree
from headgate.model.verdict import Finding
from headgate.ports import Frame, Store

_AT = pl.Datetime("us", "UTC")
_ALL = 1_000_000_000
Schema = dict[str, Any]

EVENTS: Schema = {
    "event": pl.Int64,
    "kind": pl.String,
    "subject": pl.String,
    "time": _AT,
    "run": pl.String,
    "data": pl.String,
}
COMMITS: Schema = {
    "commit": pl.String, "parents": pl.List(pl.String), "generation": pl.Int64, "author": pl.String,
    "message": pl.String, "time": _AT, "run": pl.String, "reverts": pl.String,
}  # fmt: skip
REFS: Schema = {
    "ref": pl.String,
    "kind": pl.String,
    "head": pl.String,
    "generation": pl.Int64,
    "protected": pl.Boolean,
}
REFLOG: Schema = {"ref": pl.String, "old": pl.String, "new": pl.String, "time": _AT, "reason": pl.String}
RELEASES: Schema = {
    "environment": pl.String, "release": pl.Int64, "kind": pl.String, "commit": pl.String, "branch": pl.String,
    "shows": pl.Int64, "time": _AT,
}  # fmt: skip
BATCHES: Schema = {
    "batch": pl.String, "table": pl.String, "mode": pl.String, "run": pl.String, "outcome": pl.String,
    "commit": pl.String, "rows_in": pl.Int64, "rows_good": pl.Int64, "rows_quarantined": pl.Int64,
    "rows_deduplicated": pl.Int64, "rows_superseded": pl.Int64, "objects": pl.List(pl.String),
}  # fmt: skip
RUNS: Schema = {
    "run": pl.String, "kind": pl.String, "state": pl.String, "subject": pl.String, "target": pl.String,
    "branch": pl.String, "batch": pl.String, "started": _AT, "ended": _AT, "outcome": pl.String,
}  # fmt: skip
RULES: Schema = {
    "run": pl.String, "table": pl.String, "root": pl.String, "rule": pl.String, "status": pl.String,
    "rows_failed": pl.Int64, "measured": pl.String, "message": pl.String, "time": _AT,
}  # fmt: skip
SERVICE_LEVELS: Schema = {
    "table": pl.String, "rule": pl.String, "status": pl.String, "measured": pl.String, "message": pl.String,
}  # fmt: skip
BASELINES: Schema = {"table": pl.String, "rule": pl.String, "rows_failed": pl.Int64, "rows": pl.Int64}
QUARANTINE: Schema = {
    "quarantine": pl.String, "run": pl.String, "batch": pl.String, "table": pl.String, "state": pl.String,
    "contract": pl.String, "contract_version": pl.String, "time": _AT, "object": pl.String,
    "location": pl.String, "row": pl.Int64, "rules": pl.List(pl.String), "raw": pl.String,
}  # fmt: skip


def system_tables(
    store: Store, levels: Callable[[], Mapping[TableName, Sequence[Finding]]], tree: Tree
) -> Mapping[str, Callable[[], Frame]]:
    """Every system table, built from the database when it is asked for. ``levels``: what is found now; ``tree``: whose
    baselines are told.
    """
    return {
        "headgate.events": lambda: _frame(EVENTS, _events(store)),
        "headgate.commits": lambda: _frame(COMMITS, _commits(store)),
        "headgate.refs": lambda: _frame(
            REFS, ((r.name, r.kind, r.head, r.gen, r.protected) for r in store.refs())
        ),
        "headgate.reflog": lambda: _frame(
            REFLOG, ((m.name, m.old, m.new, m.at, m.reason) for m in store.reflog(limit=_ALL))
        ),
        "headgate.releases": lambda: _frame(RELEASES, _releases(store)),
        "headgate.batches": lambda: _frame(BATCHES, _batches(store)),
        "headgate.runs": lambda: _frame(RUNS, _runs(store)),
        "headgate.rules": lambda: _frame(RULES, _rules(store)),
        "headgate.service_levels": lambda: _frame(
            SERVICE_LEVELS,
            (
                (short(table), f.rule, f.status, f.measured, f.message)
                for table, found in levels().items()
                for f in found
            ),
        ),
        "headgate.baselines": lambda: _frame(BASELINES, _baselines(store, tree)),
        "headgate.quarantine": lambda: _quarantine(store),
    }


def _frame(schema: Schema, rows: Iterable[tuple[object, ...]]) -> Frame:
    return Frame(pl.DataFrame(list(rows), schema=schema, orient="row").lazy())


def _events(store: Store) -> Iterable[tuple[object, ...]]:
    for e in store.events(0, _ALL):
        yield e.offset, e.kind, e.subject, e.at, e.run, json.dumps(dict(e.data))


def _commits(store: Store) -> Iterable[tuple[object, ...]]:
    seen: set[str] = set()
    for ref in store.refs():
        if ref.kind == "alias":
            continue
        for c in store.ancestors(ref.head, _ALL):  # type: ignore[arg-type]
            if c.id not in seen:
                seen.add(c.id)
                yield c.id, list(c.parents), c.generation, c.author, c.message, c.at, c.run, c.reverts


def _releases(store: Store) -> Iterable[tuple[object, ...]]:
    for alias in (r for r in store.refs() if r.kind == "alias"):
        for r in store.releases(alias.name):
            yield r.environment, r.id, r.kind, r.commit, r.branch, r.shows, r.at


def _batches(store: Store) -> Iterable[tuple[object, ...]]:
    for b in store.batches():
        c = b.counts
        counts = c.rows_in, c.rows_good, c.rows_quarantined, c.rows_deduplicated, c.rows_superseded
        yield b.batch, b.table, b.mode, b.run, b.outcome, b.commit, *counts, [o.location for o in b.objects]


def _runs(store: Store) -> Iterable[tuple[object, ...]]:
    for r in store.runs(limit=_ALL):
        yield r.id, r.kind, r.state, r.subject, r.target, r.branch, r.batch, r.started, r.ended, r.outcome


def _rules(store: Store) -> Iterable[tuple[object, ...]]:
    for v in store.verdicts(limit=_ALL):
        for f in v.verdict.findings:
            yield v.run, v.table, v.root, f.rule, f.status, f.rows_failed, f.measured, f.message, v.at


def _baselines(store: Store, tree: Tree) -> Iterable[tuple[object, ...]]:
    for table in tree.tables():
        for rule, known in baseline_of(store, tree, table).items():
            yield short(table), rule, known.rows_failed, known.rows


def _quarantine(store: Store) -> Frame:
    """One line per row in quarantine, from the files themselves."""
    parts = [
        pl.scan_parquet(q.path, glob=False).select(
            pl.lit(q.id).alias("quarantine"),
            pl.lit(q.run).alias("run"),
            pl.lit(q.batch).alias("batch"),
            pl.lit(q.table).alias("table"),
            pl.lit(q.state).alias("state"),
            pl.lit(q.contract_id).alias("contract"),
            pl.lit(q.contract_version).alias("contract_version"),
            pl.lit(q.at).cast(_AT).alias("time"),
            *(pl.col(name).cast(QUARANTINE[name]) for name in ("object", "location", "row", "rules", "raw")),
        )
        for q in store.quarantined()
    ]
    return Frame(pl.concat(parts) if parts else pl.LazyFrame(schema=QUARANTINE))
