"""The composition root: reads headgate.toml and the environment, picks adapters, and is the Python API.

project = headgate.open("shop")
project.load("orders", ["orders.csv"], contract="orders.odcs.yaml")
project.table("orders", ref="production").scan()
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from headgate.catalog import commits, refs
from headgate.catalog.telling import telling
from headgate.catalog.trees import EMPTY_ROOT, load_tree
from headgate.checks.again import check_again, check_whole
from headgate.checks.baseline import baseline_of, in_tree
from headgate.checks.sketches import sketched
from headgate.edge import config
from headgate.edge.clock import SystemClock
from headgate.edge.documents import read_document
from headgate.edge.engine_polars import PolarsEngine
from headgate.edge.iceberg.lake import IcebergLake
from headgate.edge.locks import FileLocks
from headgate.edge.patterns import check_syntax
from headgate.edge.source_files import FileSource
from headgate.edge.store import sql as store_sql
from headgate.edge.user_sql.queries import DuckQueries
from headgate.edge.user_sql.system_tables import system_tables
from headgate.flow import load as loading
from headgate.flow import quarantine as quarantining
from headgate.flow.contracts import compiled, contract_bytes, contract_of, contracts_of
from headgate.flow.merge import MergeResult, merge, revert
from headgate.flow.plan import LoadIntent, explain, mode_named, on_fail_named, share_named
from headgate.flow.planning import Planned, planned
from headgate.flow.preparing import seen
from headgate.flow.promote import PromoteResult, promote, roll_back
from headgate.flow.reading import tables_of
from headgate.flow.recover import Recovered, recover
from headgate.flow.runs import target_ref
from headgate.flow.service_levels import levels_of
from headgate.flow.status import Status, status
from headgate.model.baseline import Baseline
from headgate.model.change import Changes, Done, QuarantineRow, RefAbsent, RefChange
from headgate.model.commit import Commit, Ref
from headgate.model.contract import TableContract
from headgate.model.environment import Environment
from headgate.model.errors import NotThere, Unreadable
from headgate.model.event import Event
from headgate.model.names import MAIN, BatchId, CommitId, NodeId, RefName, TableName, short, table_name
from headgate.model.run import Loaded
from headgate.model.sketch import Figures
from headgate.model.tree import Delta, TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Delivery, Ports, Selected

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyarrow as pa

Tell = Callable[[str], None]
Data = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | object


def _quiet(_: str) -> None:
    return None


class LoadOptions(TypedDict, total=False):
    """How to load. ``contract``: a path, or its bytes; left out, the target's own is taken.

    ``mode``: append, merge (by primary key) or replace. ``to``: the target branch. ``order_by``: under merge, the
    column that decides between versions. ``batch``: your own id for what is delivered; ``again`` loads it even if
    it was delivered before. ``on_fail``: quarantine_batch, quarantine_rows (up to ``max_quarantined``, "5%" or
    0.05) or warn. ``unguarded``: load without any contract. ``allow_unexecuted``: names of rules that nothing here
    can execute. ``format``: of files whose names do not say it. ``baseline``: with ``contract``, rows that are there
    may fail it; how many is recorded, and may not grow.
    """

    contract: str | os.PathLike[str] | bytes | None
    mode: str
    to: str
    order_by: str | None
    batch: str | None
    again: bool
    on_fail: str | None
    max_quarantined: str | float | None
    unguarded: bool
    allow_unexecuted: Sequence[str]
    format: str | None
    baseline: bool


@dataclass(frozen=True, slots=True)
class Initialised:
    root: Path
    created: bool  # False: there was a project already, and nothing was changed


def init(path: str | os.PathLike[str] = ".") -> Project:
    """Make a project in a folder, if there is none, and open it. Raises what `initialise` and `open` raise."""
    return open_project(initialise(path).root)


def initialise(path: str | os.PathLike[str] = ".") -> Initialised:
    """Make a project in a folder (created if need be). One that is there already stays as it is.

    Raises Unavailable for a folder that cannot be written to.
    """
    root = Path(path).resolve()
    settings = config.write(root)
    clock = SystemClock()
    store = _catalog(settings, clock)
    first = commits.new_commit(
        EMPTY_ROOT, [], author=_author(os.environ), message="an empty project", at=clock.now()
    )
    told = Event("project.created", str(root), clock.now(), data={"commit": first.id})
    changes = Changes(
        commits=(first,), refs=(RefChange(MAIN, first.id, protected=True, reason="init"),), events=(told,)
    )
    done = store.commit(telling(changes, ()), (RefAbsent(MAIN),))
    store.close()
    return Initialised(root, created=isinstance(done, Done))


def _catalog(settings: config.Config, clock: SystemClock) -> store_sql.SqlStore:
    """The catalog, which may have its main branch or not: an `init` that was killed half-way is done again."""
    try:
        return store_sql.open_store(settings.catalog, clock)
    except (NotThere, Unreadable):  # none, or an empty file; `create` refuses what is another database
        return store_sql.create(settings.catalog, clock)


def open_project(
    path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
) -> Project:
    """The project in a folder or above it; None is ``HEADGATE_PROJECT``, else the working folder.

    Raises NotThere (no project), Unavailable (moved, newer, locked, read-only).
    """
    start = Path(path if path is not None else environ.get("HEADGATE_PROJECT", "."))
    settings = config.read(config.find(start))
    clock = SystemClock()
    ports = Ports(
        source=FileSource(),
        engine=PolarsEngine(clock=clock),
        queries=DuckQueries(),
        lake=IcebergLake(settings.folder / "warehouse", settings.folder / "quarantine"),
        store=store_sql.open_store(settings.catalog, clock),
        locks=FileLocks(settings.folder / "locks"),
        clock=clock,
        pattern_error=check_syntax,
        author=_author(environ),
        variables=dict(environ),
    )
    return Project(settings.root, ports, settings.environments)


def _author(environ: Mapping[str, str]) -> str:
    return next((environ[k] for k in ("HEADGATE_AUTHOR", "USER", "LOGNAME") if environ.get(k)), "unknown")


@dataclass(frozen=True, slots=True)
class Table:
    """A table as of one commit: later loads do not change what it shows."""

    name: TableName
    commit: CommitId
    contract: TableContract | None  # None: unguarded
    entry: TableEntry
    _ports: Ports

    def scan(self) -> pl.LazyFrame:
        """Its rows, lazily, in Polars."""
        return cast("pl.LazyFrame", self._ports.lake.scan(self.entry))

    def arrow(self) -> pa.Table:
        """Its rows in Arrow, all in memory."""
        return self.scan().collect(engine="streaming").to_arrow()

    def duckdb(self) -> duckdb.DuckDBPyRelation:
        """Its rows as a DuckDB relation, on a connection of its own."""
        import duckdb

        return duckdb.connect().from_arrow(self.arrow())

    def rows(self) -> int:
        return self._ports.lake.rows(self.entry)

    @property
    def baseline(self) -> Baseline:
        """Of each rule that rows failed before it was: how many are put up with."""
        tree = load_tree(self._ports.store, commits.stored_commit(self._ports.store, self.commit).root)
        return baseline_of(self._ports.store, tree, self.name)


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """What a check of a published table found, and by which contract."""

    verdict: Verdict
    contract: TableContract


@dataclass(frozen=True, slots=True)
class Project:
    """A project: everything that the command line does, in Python."""

    root: Path
    ports: Ports
    environments: Mapping[str, Environment]

    # -- data in

    def load(self, table: str, data: Data, *, tell: Tell = _quiet, **options: Unpack[LoadOptions]) -> Loaded:
        """Load files (paths, folders, patterns) or a frame (Polars, Arrow, pandas) into a table.

        ``tell`` hears what is being done. Returns what became of it; a batch that its contract stops is
        ``outcome="quarantined"``, no exception.

        Raises NotThere, Unreadable, ContractUnusable, WrongUse, BatchMismatch, Unavailable, OutcomeUnknown.
        """
        intent = self.intent(table, **options)
        return loading.load(self.ports, intent, _data(data), recover=self._recover_batch, tell=tell)

    def intent(self, table: str, **options: Unpack[LoadOptions]) -> LoadIntent:
        """What `load` is asked to do, its names and numbers checked."""
        contract, on_fail = options.get("contract"), options.get("on_fail")
        limit, batch = options.get("max_quarantined"), options.get("batch")
        return LoadIntent(
            table=table_name(table),
            target=RefName(options.get("to", MAIN)),
            mode=mode_named(options.get("mode", "append")),
            contract=contract if isinstance(contract, bytes | None) else read_document(os.fspath(contract)),
            batch=BatchId(batch) if batch is not None else None,
            again=options.get("again", False),
            on_fail=on_fail_named(on_fail) if on_fail is not None else None,
            max_quarantined=share_named(str(limit)) if limit is not None else None,
            order_by=options.get("order_by"),
            unguarded=options.get("unguarded", False),
            allowed=frozenset(options.get("allow_unexecuted", ())),
            format=options.get("format"),
            baseline=options.get("baseline", False),
        )

    def plan(self, intent: LoadIntent, data: Data) -> tuple[Planned, tuple[str, ...]]:
        """What `load` would do, in words; nothing is written."""
        base = seen(self.ports, target_ref(self.ports, intent.target))
        found = planned(self.ports, intent, _data(data), base)
        return found, tuple(explain(step) for step in found.steps)

    def _recover_batch(self, batch: BatchId) -> bool:
        done = recover(self.ports, batch)
        return bool(done.finished or done.aborted)

    def recover(self) -> Recovered:
        """Finish or abort what killed processes left."""
        return recover(self.ports)

    # -- branches

    def branch(self, name: str, from_: str = "main") -> Ref:
        """A new branch; zero-copy."""
        return refs.create_branch(
            self.ports.store, self.ports.clock, name, self.resolve(from_), reserved=self._reserved()
        )

    def _reserved(self) -> frozenset[str]:
        """Names of environments and their colours."""
        return frozenset(n for e in self.environments.values() for n in (e.name, *e.colours))

    def delete_branch(self, name: str) -> Ref:
        return refs.delete_branch(self.ports.store, self.ports.clock, name)

    def prune_branches(self, older: timedelta) -> tuple[RefName, ...]:
        """Delete branches whose head is older, but for protected ones."""
        return refs.prune_branches(self.ports.store, self.ports.clock, older)

    def tag(self, name: str, at: str = "main") -> Ref:
        """A name for a commit that never moves."""
        return refs.create_tag(
            self.ports.store, self.ports.clock, name, self.resolve(at), reserved=self._reserved()
        )

    def delete_tag(self, name: str) -> Ref:
        return refs.delete_tag(self.ports.store, self.ports.clock, name)

    def merge(
        self, source: str, target: str = "main", *, allow_unexecuted: Sequence[str] = ()
    ) -> MergeResult:
        return merge(self.ports, source, target, allowed=frozenset(allow_unexecuted))

    def revert(
        self, commit: str, target: str = "main", *, allow_unexecuted: Sequence[str] = ()
    ) -> MergeResult:
        """Undo the whole publish set of a commit, or of the run or batch that published it."""
        return revert(self.ports, self._published(commit), target, allowed=frozenset(allow_unexecuted))

    def _published(self, text: str) -> str:
        rows = [r for r in self.ports.store.batches() if text in {r.batch, r.run} and r.commit is not None]
        return str(rows[-1].commit) if rows else text

    # -- releases

    def promote(
        self,
        environment: str = "production",
        source: str | None = None,
        *,
        allow_unexecuted: Sequence[str] = (),
    ) -> PromoteResult:
        return promote(self.ports, self.environment(environment), source, allowed=frozenset(allow_unexecuted))

    def rollback(self, environment: str = "production") -> PromoteResult:
        return roll_back(self.ports, self.environment(environment))

    def environment(self, name: str) -> Environment:
        if name not in self.environments:
            raise NotThere.among("environment", name, self.environments)
        return self.environments[name]

    # -- looking

    def resolve(self, ref: str) -> CommitId:
        """The commit that a branch, tag, environment or commit id names now. Raises NotThere."""
        if ref in self.environments and self.ports.store.ref(RefName(ref)) is None:
            raise NotThere(
                f"nothing was promoted to {ref} yet", hint=f"run `headgate promote {ref}` first", place=ref
            )
        return commits.resolve(self.ports.store, ref)

    def tree(self, ref: str = "main") -> Tree:
        return load_tree(self.ports.store, commits.stored_commit(self.ports.store, self.resolve(ref)).root)

    def table(self, name: str, ref: str = "main") -> Table:
        """A table as of a ref, resolved now. Raises NotThere."""
        commit = self.resolve(ref)
        tree = self.tree(commit)
        wanted = table_name(name)
        entry = tree.table(wanted)
        if entry is None:
            raise NotThere.among(f"table on {ref}", short(wanted), map(short, tree.tables()))
        return Table(wanted, commit, contract_of(self.ports, tree, wanted), entry, self.ports)

    def contract_bytes(self, name: str, ref: str = "main") -> bytes:
        """The contract of a table as of a ref, byte for byte as it came. Raises NotThere, also for a table without."""
        entry = self.tree(self.table(name, ref).commit).contract(table_name(name))
        if entry is None:
            raise NotThere(
                f"{name} is unguarded: it has no contract", hint="load with --contract once", place=name
            )
        return contract_bytes(self.ports, entry)

    def check(
        self,
        name: str,
        ref: str = "main",
        *,
        contract: str | os.PathLike[str] | bytes | None = None,
        allow_unexecuted: Sequence[str] = (),
        remember: bool = True,
    ) -> CheckedTable:
        """Judge a published table again, by its own contract or another one; a verdict that does not pass is returned.

        ``remember``: read only what no earlier check has seen, and keep what this one sees; the verdict is the same.

        Raises NotThere, ContractUnusable.
        """
        table = self.table(name, ref)
        own, tree = table.contract, self.tree(table.commit)
        if contract is not None:
            given = contract if isinstance(contract, bytes) else read_document(os.fspath(contract))
            own = compiled(self.ports, given, table.name, "contract", tree)
        if own is None:
            raise NotThere(
                f"{short(table.name)} is unguarded: there is no contract to check it by",
                hint="name one with --contract",
                place=name,
            )
        allowed = frozenset(allow_unexecuted)
        judge = check_again if remember else check_whole
        verdict = judge(self.ports, tree, table.name, own, allowed)
        if own == table.contract:  # a baseline is about the table's own
            verdict = in_tree(self.ports.store, tree, table.name, verdict)
        root = commits.stored_commit(self.ports.store, table.commit).root
        return CheckedTable(verdict.on(root), own)

    def contracts_at(self, root: NodeId) -> Mapping[TableName, TableContract]:
        """The contracts of a tree by its root: those that a verdict on it was about."""
        return contracts_of(self.ports, load_tree(self.ports.store, root))

    def profile(self, name: str, ref: str = "main") -> tuple[Figures, ...]:
        """About the values of each column of a table, at the cost of what is new in it; distinct values and medians
        are estimates. Columns that the contract masks show no values. Raises NotThere.
        """
        from headgate.edge.sketching import figures

        table = self.table(name, ref)
        types = {c.name: c.type for c in self.ports.lake.columns(table.entry)}
        masked = {c.name for c in (table.contract.columns if table.contract else ()) if c.masked}
        found = sketched(self.ports, table.entry, types)
        return tuple(figures(c, types[c], found[c], masked=c in masked) for c in types)

    def sql(self, query: str, ref: str = "main") -> Selected:
        """One SELECT over the tables of a ref and the system tables in schema ``headgate``."""
        tree = self.tree(ref)
        tables = {**tables_of(self.ports, tree), **system_tables(self.ports.store, self._levels, tree)}
        return self.ports.queries.select(query, tables)

    def _levels(self) -> Mapping[TableName, tuple[Finding, ...]]:
        return levels_of(self.ports, self.tree(), self.resolve(MAIN))

    def status(self) -> Status:
        return status(self.ports, self.environments.values(), MAIN)

    def log(self, ref: str = "main", limit: int = 20) -> tuple[Commit, ...]:
        return commits.log(self.ports.store, self.resolve(ref), limit)

    def diff(self, one: str, other: str) -> tuple[Delta, ...]:
        return commits.diff(self.ports.store, self.resolve(one), self.resolve(other))

    def events(self, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        return self.ports.store.events(after, limit)

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Events as they are written; never ends by itself."""
        from headgate.events.following import follow

        return follow(self.ports.store, self.ports.clock, after)

    def export(self, name: str, file: str | os.PathLike[str], ref: str = "main") -> int:
        """A table as one CSV, Parquet or JSON lines file, by its suffix; the number of rows."""
        from headgate.edge.sink import write_file

        table = self.table(name, ref)
        write_file(self.ports.lake.scan(table.entry), os.fspath(file))
        return table.rows()

    # -- quarantine

    def quarantines(self, *, open_only: bool = False) -> tuple[QuarantineRow, ...]:
        return self.ports.store.quarantined(open_only=open_only)

    def quarantined_rows(self, id: str) -> pl.DataFrame:
        """Object, row number, raw values and rules of each row in a quarantine. Raises NotThere."""
        import polars as pl

        return pl.read_parquet(quarantining.found(self.ports, id).path)

    def replay(
        self,
        id: str,
        with_: Sequence[str] | None = None,
        *,
        contract: str | os.PathLike[str] | bytes | None = None,
        on_fail: str | None = None,
        tell: Tell = _quiet,
    ) -> Loaded:
        """Load quarantined rows again, or mended files in their stead; under ``contract``, if that is mended."""
        from headgate.edge.source_frames import quarantined

        told = quarantining.Told(
            with_,
            contract if isinstance(contract, bytes | None) else read_document(os.fspath(contract)),
            on_fail_named(on_fail) if on_fail is not None else None,
        )
        return quarantining.replay(self.ports, id, quarantined, told, recover=self._recover_batch, tell=tell)

    def discard(self, id: str, reason: str = "") -> QuarantineRow:
        return quarantining.discard(self.ports, id, reason)


def _data(data: Data) -> Sequence[str] | Delivery:
    """Paths as text, or a frame as a delivery."""
    if isinstance(data, str | os.PathLike):
        return [os.fspath(cast("str", data))]
    if isinstance(data, Sequence) and all(isinstance(d, str | os.PathLike) for d in data):
        return [os.fspath(d) for d in data]
    from headgate.edge.source_frames import frame

    return frame(data)
