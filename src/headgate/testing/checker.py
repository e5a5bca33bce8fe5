"""What must hold of a project whatever happened to it: the promises, looked at from outside.

    checker.hold(project.ports)         # raises AssertionError, with every fault in words
    checker.recovered(project.ports)    # recovers, and holds that a second time finds nothing to do

It asks the store for what is recorded and the lake for what is there, and compares the two. It uses none of the
code that decided: not `admit`, not `publish`, not `revert`.

Verified: verdicts on every protected ref, and its rows checked anew; the ledger's sums against sources, data files
and quarantine files; no batch in effect twice, nothing published lost, nothing live that no batch brought; every
file of every published commit readable; what readers of an environment saw, against its releases; runs ended;
events gapless. Not verified: the rows themselves, which only the test knows that made them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import polars as pl
from polars.exceptions import PanicException

from headgate.catalog.commits import branch_behind, diff, stored_commit
from headgate.catalog.trees import EMPTY_ROOT, load_tree
from headgate.checks.again import check_whole
from headgate.edge.rows import rows_of
from headgate.flow.contracts import contracts_of
from headgate.flow.recover import Recovered, recover
from headgate.model.batch import BatchRow
from headgate.model.commit import Commit, Ref
from headgate.model.contract import Dialect
from headgate.model.names import CommitId, TableName, table_key
from headgate.model.tree import TableEntry, Tree
from headgate.ports import Ports, Store
from headgate.testing.history import Ancestry, whole_history

_ALL = 1_000_000_000


def hold(ports: Ports, *, at_rest: bool = True) -> None:
    """Raise AssertionError unless everything holds. ``at_rest``: nobody is at work, so no run may be open."""
    found = faults(ports, at_rest=at_rest)
    assert not found, "\n" + "\n".join(found)


def recovered(ports: Ports) -> Recovered:
    """`recover`, which leaves nothing to do for the next one."""
    first = recover(ports)
    second = recover(ports)
    assert second == Recovered((), ()), f"recover had more to do: {second}"
    return first


def faults(ports: Ports, *, at_rest: bool = True) -> tuple[str, ...]:
    """Everything that does not hold, in words."""
    ancestry = whole_history(ports.store)
    found = [
        *unjudged(ports),
        *failing(ports),
        *unbalanced(ports),
        *doubled_or_lost(ports, ancestry),
        *unreadable(ports),
        *untold(ports.store),
        *unreplayed(ports),
        *unreleased(ports.store),
    ]
    if at_rest:
        found += unended(ports.store)
    return tuple(found)


# -- promise 1: nothing is shown without a passing verdict on exactly that tree -----------------------------


def unjudged(ports: Ports) -> Iterator[str]:
    """Heads that protected refs have or had, without a passing verdict on their root."""
    store = ports.store
    for ref in _protected(store):
        head = stored_commit(store, CommitId(ref.head))
        tainted = store.taint(head.id)
        if tainted is not None:
            yield f"{ref.name} shows a tainted commit: {tainted}"
        for id in {head.id, *(m.new for m in store.reflog(ref.name, _ALL) if m.new is not None)}:
            commit = stored_commit(store, CommitId(id))
            rows = store.verdicts(root=commit.root, limit=_ALL)
            if commit.root != EMPTY_ROOT and not any(
                v.verdict.passed and v.verdict.root == commit.root for v in rows
            ):
                yield f"{ref.name} shows or showed {id[:12]}, which has no passing verdict on its tree"


def failing(ports: Ports) -> Iterator[str]:
    """Tables on protected refs whose rows do not pass their contract when they are checked anew.

    Tables that were ever loaded with ``--on-fail warn`` may hold such rows.
    """
    warned = {r.subject for r in ports.store.runs(limit=_ALL) if r.intent.get("on_fail") == "warn"}
    for root in {stored_commit(ports.store, CommitId(r.head)).root for r in _protected(ports.store)}:
        tree = load_tree(ports.store, root)
        allowed = frozenset(
            rule for v in ports.store.verdicts(root=root, limit=_ALL) for rule in v.verdict.allowed
        )
        for table, contract in contracts_of(ports, tree).items():
            verdict = check_whole(ports, tree, table, contract, allowed)
            for finding in verdict.blocking:
                if table not in warned:
                    yield f"{table} on a protected ref: {finding.rule} is {finding.status}: {finding.message}"


def _protected(store: Store) -> tuple[Ref, ...]:
    """Protected branches, and those behind a protected alias."""
    found = {r.name: r for r in store.refs() if r.protected and r.kind == "branch"}
    behind = [branch_behind(store, r.name) for r in store.refs() if r.protected and r.kind == "alias"]
    return (*found.values(), *(r for r in behind if r.name not in found))


# -- promise 4: rows in = good + quarantined + deduplicated + superseded ------------------------------------


def unbalanced(ports: Ports) -> Iterator[str]:
    """Ledger rows whose sum does not hold: in itself, against the source, the data and the quarantine."""
    quarantined = {q.run: q for q in ports.store.quarantined()}
    for row in ports.store.batches():
        counts, name = row.counts, f"batch {row.batch} ({row.outcome}, {row.run})"
        went = counts.rows_good + counts.rows_quarantined + counts.rows_deduplicated + counts.rows_superseded
        if counts.rows_in != went:
            yield f"{name}: the sum does not hold: {counts}"
        if (row.commit is None) != (row.outcome == "quarantined"):
            yield f"{name}: its commit is {row.commit}"
        if (row.outcome == "published") == bool(counts.rows_quarantined):
            yield f"{name}: {counts.rows_quarantined} rows in quarantine"
        delivered = _delivered(ports, row)
        if delivered is not None and delivered != counts.rows_in:
            yield f"{name}: {counts.rows_in} rows in, and the source has {delivered}"
        kept = quarantined.get(row.run)
        if (kept.rows if kept else 0) != counts.rows_quarantined:
            yield f"{name}: {kept.rows if kept else 0} rows kept in quarantine, not {counts.rows_quarantined}"
        if row.commit is not None:
            yield from _landed(ports, row, name)
    for kept in quarantined.values():
        rows = pl.read_parquet(kept.path)
        if rows.height != kept.rows:
            yield f"quarantine {kept.id}: {rows.height} rows in the file, {kept.rows} in the ledger"
        if rows["raw"].null_count() or not kept.contract_id or not kept.contract_version:
            yield f"quarantine {kept.id}: raw values or contract are missing"
    orphans = quarantined.keys() - {row.run for row in ports.store.batches()}
    yield from (f"quarantine of run {run} belongs to no batch" for run in sorted(orphans))


def _landed(ports: Ports, row: BatchRow, name: str) -> Iterator[str]:
    """The rows that a batch's commit changed, against what the ledger says of it."""
    assert row.commit is not None
    before, after = _around(ports.store, row.commit, row.table)
    rows_before = ports.lake.rows(before) if before else 0
    rows_after = ports.lake.rows(after) if after else 0
    good, gained = row.counts.rows_good, rows_after - rows_before
    fits = {
        "append": gained == good,
        "replace": rows_after == good,
        "merge": 0 <= good - gained <= min(good, rows_before),  # the difference gave way to new versions
    }
    if not fits[row.mode]:
        yield f"{name}: {good} good rows by {row.mode}, and the table went from {rows_before} to {rows_after}"


def _delivered(ports: Ports, row: BatchRow) -> int | None:
    """Rows in the sources, as far as these are still files with the same bytes."""
    for found in row.objects:
        path = Path(found.location)
        if found.format not in {"csv", "parquet", "jsonl"} or not path.is_file():
            return None
        if hashlib.sha256(path.read_bytes()).hexdigest() != found.digest:
            return None
    parts = rows_of(ports.source.read(row.objects, Dialect()).rows).parts
    return sum(cast("int", part.lazy.select(pl.len()).collect().item()) for part in parts)


# -- promises 2 and 3: at most once, never lost, all or nothing ---------------------------------------------


def doubled_or_lost(ports: Ports, ancestry: Ancestry) -> Iterator[str]:
    """Against the data files that live on each branch.

    A file lives once only and came with a batch; a batch that was appended lives with all of its files or with
    none; no object lives in two batches, unless ``--again`` or a replay said so; and what a branch has in its
    history, undone by no revert, lives there, unless a merge by key or a replacement may have rewritten it.
    """
    brought = {row.run: _brought(ports, row) for row in ports.store.batches() if row.commit is not None}
    runs = ports.store.runs(limit=_ALL)
    rewriting = {r.subject for r in runs if r.kind == "load" and r.intent.get("mode") != "append"}
    for ref in ports.store.refs():
        if ref.kind == "alias":
            continue
        tree = _tree(ports.store, ref.head)
        past = ancestry.past(CommitId(ref.head)) - ancestry.undone(CommitId(ref.head))
        for table in {*tree.tables(), *(row.table for row in ports.store.batches())}:
            entry = tree.table(table)
            live = Counter(f.path for f in ports.lake.files(entry)) if entry else Counter[str]()
            rows = [r for r in ports.store.batches(table) if r.commit is not None]
            where = f"{table} on {ref.name}"
            yield from (f"{where}: file {path} is there twice" for path, n in live.items() if n > 1)
            known = {path for row in rows for path in brought[row.run]}
            if ref.protected:
                yield from (f"{where}: file {path} came with no batch" for path in live.keys() - known)
            living = [r for r in rows if brought[r.run] & live.keys()]
            if table not in rewriting:
                for row in living:
                    if not brought[row.run] <= live.keys():
                        yield f"{where}: only a part of batch {row.batch} is there"
                for row in rows:
                    if row.commit in past and not brought[row.run] <= live.keys():
                        yield f"{where}: batch {row.batch} was published there and is lost"
                    if row.commit not in past and brought[row.run] & live.keys():
                        yield f"{where}: batch {row.batch} is not in its history, and its rows are there"
            yield from (f"{where}: {fault}" for fault in _twice(ports.store, living))


def _twice(store: Store, rows: Sequence[BatchRow]) -> Iterator[str]:
    forced = {r.id for r in store.runs(limit=_ALL) if r.intent.get("again") or r.intent.get("parent")}
    objects = Counter(o.digest for row in rows if row.run not in forced for o in set(row.objects))
    yield from (f"object {digest[:12]} is in effect {n} times" for digest, n in objects.items() if n > 1)


def _brought(ports: Ports, row: BatchRow) -> frozenset[str]:
    """Data files that a batch's commit added to its table."""
    assert row.commit is not None
    before, after = _around(ports.store, row.commit, row.table)
    was = {f.path for f in ports.lake.files(before)} if before else set()
    return frozenset(f.path for f in ports.lake.files(after) if f.path not in was) if after else frozenset()


def _around(store: Store, id: CommitId, table: TableName) -> tuple[TableEntry | None, TableEntry | None]:
    """A table before a commit (on its first parent) and as of it."""
    commit = stored_commit(store, id)
    before = _tree(store, commit.parents[0]).table(table) if commit.parents else None
    return before, load_tree(store, commit.root).table(table)


def _tree(store: Store, commit: str) -> Tree:
    return load_tree(store, stored_commit(store, CommitId(commit)).root)


# -- durability: what was acknowledged can be read ----------------------------------------------------------


def unreadable(ports: Ports) -> Iterator[str]:
    """Tables of refs, published batches and releases that cannot be read, or have other rows than they say."""
    store = ports.store
    commits = {r.head for r in store.refs() if r.kind != "alias"}
    commits |= {row.commit for row in store.batches() if row.commit is not None}
    commits |= {
        r.commit for alias in store.refs() if alias.kind == "alias" for r in store.releases(alias.name)
    }
    entries: dict[TableEntry, TableName] = {}
    for commit in commits:
        tree = _tree(store, commit)
        entries |= {entry: t for t in tree.tables() if (entry := tree.table(t)) is not None}
    read: set[str] = set()
    for entry, table in entries.items():
        try:
            files = ports.lake.files(entry)
            if sum(f.rows for f in files) != ports.lake.rows(entry):
                yield f"{table} at {entry.pointer}: its files have other rows than its manifests say"
            for file in files:
                if file.path not in read:
                    read.add(file.path)
                    rows = cast("pl.LazyFrame", ports.lake.scan(entry, [file.path])).collect().height
                    if rows != file.rows:
                        yield f"{file.path}: {rows} rows, not {file.rows}"
        except (Exception, PanicException) as error:  # noqa: BLE001 - whatever it is, it is not readable
            yield f"{table} at {entry.pointer} cannot be read: {type(error).__name__}: {error}"


# -- quarantine ---------------------------------------------------------------------------------------------


def unreplayed(ports: Ports) -> Iterator[str]:
    """A quarantine is ``replayed`` if exactly one event says so: that its rows are published, or kept elsewhere."""
    replayed: Counter[object] = Counter()
    parents = {r.id: r.intent.get("parent") for r in ports.store.runs(limit=_ALL)}
    published = {parents[row.run] for row in ports.store.batches() if row.commit is not None}
    for event in ports.store.events(0, _ALL):
        replayed.update(cast("list[str]", event.data.get("replayed", [])))
        if event.kind == "quarantine.replayed":
            replayed[event.data["quarantine"]] += 1
    for row in ports.store.quarantined():
        if replayed[row.id] != (row.state == "replayed"):
            yield f"quarantine {row.id} is {row.state}, and was replayed {replayed[row.id]} times"
        if row.state == "open" and row.id in published:
            yield f"quarantine {row.id} was replayed and published, and is still open"


# -- releases: readers of an environment see what was promoted, and nothing else ----------------------------


def unreleased(store: Store) -> Iterator[str]:
    """What readers of each environment saw, one after the other, against its releases."""
    for alias in (r for r in store.refs() if r.kind == "alias"):
        heads: dict[str, str | None] = {}
        seen: list[str] = []
        for move in reversed(store.reflog(limit=_ALL)):  # oldest first
            heads[move.name] = move.new
            colour = heads.get(alias.name)
            if move.name in {alias.name, colour} and colour is not None:
                shown = heads.get(colour)
                if shown is not None and seen[-1:] != [shown]:
                    seen.append(shown)
        releases = store.releases(alias.name)
        promised = [r.commit for i, r in enumerate(releases) if i == 0 or releases[i - 1].commit != r.commit]
        if seen != promised:
            yield f"readers of {alias.name} saw {_brief(seen)}, and released were {_brief(promised)}"
        if [r.id for r in releases] != list(range(1, len(releases) + 1)):
            yield f"releases of {alias.name} have gaps"
        by_id = {r.id: r for r in releases}
        for release in releases:
            if release.kind == "rollback" and by_id[release.shows].commit != release.commit:
                yield f"release {release.id} of {alias.name} says it shows {release.shows}, and does not"


def _brief(commits: Sequence[str]) -> str:
    return "[" + ", ".join(c[:12] for c in commits) + "]"


# -- runs and events ----------------------------------------------------------------------------------------


def unended(store: Store) -> Iterator[str]:
    """Open runs, and branches of runs that left nothing for people to look at."""
    branches = {r.name for r in store.refs()}
    for run in store.runs(limit=_ALL):
        if run.state == "open":
            yield f"run {run.id} ({run.kind} {run.subject}) is still open"
        if run.branch in branches and run.state in {"done", "aborted"}:
            yield f"run {run.id} is {run.state}, and its branch is still there"


def untold(store: Store) -> Iterator[str]:
    """Events without gaps, one for each ledger row and release; deltas that tell what a commit changed."""
    events = store.events(0, _ALL)
    if [e.offset for e in events] != list(range(1, len(events) + 1)):
        yield "events have gaps"
    told = Counter((e.kind, e.run) for e in events if e.kind.startswith("batch."))
    for row in store.batches():
        if told[f"batch.{row.outcome}", row.run] != 1:
            yield f"batch {row.batch} was told {told[f'batch.{row.outcome}', row.run]} times"
        if row.commit is not None:
            commit = stored_commit(store, row.commit)
            if not _deltas_true(store, commit):
                yield f"the deltas of {row.commit[:12]} are not what it changed"
            if table_key(row.table) not in {d.key for d in store.deltas(commit.id)} and row.counts.rows_good:
                yield f"batch {row.batch} is published by a commit that leaves {row.table} as it was"
    aliases = [r.name for r in store.refs() if r.kind == "alias"]
    released = Counter(e.subject for e in events if e.kind.startswith("release.") and "release" in e.data)
    for alias in aliases:
        if released[alias] != len(store.releases(alias)):
            yield f"{alias}: {len(store.releases(alias))} releases, {released[alias]} events"


def _deltas_true(store: Store, commit: Commit) -> bool:
    return not commit.parents or tuple(store.deltas(commit.id)) == diff(store, commit.parents[0], commit.id)
