"""A real project beside its model: each operation is done to both, and then both must show the same.

One seed decides everything that happens: what is delivered, how, and where the process dies or loses an answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import headgate
from flow.stage import close, opened
from flow.stories import LINES, LOG, ORDERS, _Rival, csv, shown
from headgate.model.errors import OutcomeUnknown
from headgate.model.run import Loaded
from headgate.project import Project
from headgate.testing import checker
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports, losing_reply
from simulation.model import Branch, Entry, File, Judgement, Mode, Move, Row, Tables, merged, reverted

CONTRACTS = {"orders": ORDERS, "lines": LINES, "log": LOG}
HEADERS = {"orders": "id,amount", "lines": "line,order_id", "log": "word"}
Trouble = Literal["none", "death", "silence, done", "silence, not done"]


@dataclass
class Promotion:
    rows: Tables
    commit: str
    before: Promotion | None


@dataclass
class World:
    folder: Path
    chance: random.Random
    said: list[str] = field(default_factory=list)
    main: Branch = field(default_factory=Branch)
    dev: Branch | None = None
    forked: int = 0  # entries that dev and main share
    shown: Promotion | None = None
    files: list[File] = field(default_factory=list)
    kept: dict[str, tuple[tuple[File, ...], Mode]] = field(
        default_factory=dict
    )  # whole batches in quarantine

    def __post_init__(self) -> None:
        self.project = headgate.init(self.folder / "project")
        self.data = self.folder / "data"
        self.data.mkdir()
        self.calm = True
        self.load(self.file("orders", *[(n, n) for n in range(1, 6)]))
        self.load(self.file("lines", ("l0", 1)))
        self.load(self.file("log", ("w0",)))
        self.calm = False

    # -- one step

    def step(self) -> None:
        """Something happens, maybe with trouble; then everything is compared."""
        weights: dict[Callable[[], None], int] = {
            self.some_load: 10,
            self.some_promotion: 2,
            self.some_rollback: 2,
            self.some_revert: 3,
            self.some_branch: 2,
            self.some_quarantine: 3,
        }
        act = self.chance.choices(list(weights), list(weights.values()))[0]
        act()
        self.compare()

    def compare(self) -> None:
        checker.hold(self.project.ports)
        wanted = {"main": self.main.tables(), "production": self.shown.rows if self.shown else {}}
        if self.dev is not None:
            wanted["dev"] = self.dev.tables()
        right = {f"{ref}:{t}": +rows for ref, tables in wanted.items() for t, rows in tables.items() if +rows}
        found = {key: Counter(rows) for key, rows in shown(self.project).items() if rows}
        assert found == right

    def trouble(self) -> Trouble:
        return self.chance.choices(["none", "death", "silence, done", "silence, not done"], [12, 4, 1, 1])[0]  # type: ignore[return-value]

    def attempt(self, act: Callable[[Project], Any]) -> Any:
        """Do it, perhaps in trouble. None if nobody heard what came of it: then it is recovered."""
        trouble, project = "none" if self.calm else self.trouble(), self.project
        if trouble == "none":
            return act(project)
        call = self.chance.randint(1, 16)
        if trouble == "death":
            ports = crashing_ports(project.ports, Countdown(CrashPoint(call, "before")))
        else:
            call = self.chance.randint(1, 4)
            store, _ = losing_reply(project.ports.store, call, written=trouble == "silence, done")
            ports = replace(project.ports, store=store)
        try:
            return act(replace(project, ports=ports))
        except (Killed, OutcomeUnknown) as error:
            self.said[-1] += f"  -- {trouble} at call {call}: {type(error).__name__}"
        close(self.project)
        self.project = opened(self.project.root)
        done = checker.recovered(self.project.ports)
        self.said[-1] += f", finished {len(done.finished)}, aborted {len(done.aborted)}"
        return None

    # -- deliveries

    def file(self, table: str, *rows: Row) -> File:
        name = f"{table}-{len(self.files)}"
        csv(self.data, name, HEADERS[table], *rows)
        self.files.append(File(table, name, rows))
        return self.files[-1]

    def new_file(self, table: str) -> File:
        chance, count = self.chance, self.chance.randint(1, 4)
        orders = [row[0] for row in self.main.tables()["orders"]] or [1]
        rows: list[Row] = []
        for _ in range(count):
            if table == "orders":
                amount = chance.randint(-1, 3) if chance.random() < 0.4 else chance.randint(0, 3)
                rows.append((chance.randint(1, 14), amount))
            elif table == "lines":
                parent = chance.choice(orders) if chance.random() < 0.85 else chance.randint(1, 20)
                rows.append((f"l{chance.randint(1, 30)}", parent))
            else:
                rows.append(("" if chance.random() < 0.1 else f"w{chance.randint(1, 9)}",))
        return self.file(table, *rows)

    def some_files(self) -> list[File]:
        """New ones, old ones, one of each, or an old one under a new name."""
        table = self.chance.choice(["orders", "orders", "lines", "log"])
        old = [f for f in self.files if f.table == table]
        kind = self.chance.choice(["new", "new", "new", "old", "both", "renamed"]) if old else "new"
        if kind == "new":
            return [self.new_file(table)]
        again = self.chance.choice(old)
        if kind == "old":
            return [again]
        return [again, self.new_file(table)] if kind == "both" else [self.file(table, *again.rows)]

    def some_load(self) -> None:
        files = self.some_files()
        ref = "dev" if self.dev is not None and self.chance.random() < 0.4 else "main"
        modes: list[Mode] = ["append", "append", "append", "replace"]
        modes += ["merge", "merge"] if files[0].table == "orders" else []
        mode: Mode = self.chance.choice(modes) if ref == "main" else "append"
        rows_may_go = self.chance.random() < 0.5
        rival = (
            [self.new_file(self.chance.choice(["orders", "log"]))] if self.chance.random() < 0.15 else None
        )
        again = self.chance.random() < 0.05
        self.load(*files, ref=ref, mode=mode, rows_may_go=rows_may_go, again=again, rival=rival)

    def load(
        self,
        *files: File,
        ref: str = "main",
        mode: Mode = "append",
        rows_may_go: bool = False,
        again: bool = False,
        rival: Sequence[File] | None = None,
    ) -> None:
        self.said.append(
            f"load {[(f.name, f.rows) for f in files]} {ref=} {mode=} {rows_may_go=} {again=} {rival=}"
        )
        branch = self.main if ref == "main" else self.dev
        assert branch is not None
        runs: set[object] = {row.run for row in self.project.ports.store.batches()}

        def first() -> None:
            assert rival is not None
            other = opened(self.project.root)
            loaded = self._load(other, rival, "main", "append", rows_may_go=True, again=False)
            close(other)
            runs.add(loaded.run)
            self._take(self.main, self.main.judge(rival, "append", rows_may_go=True), "append", loaded)

        def act(project: Project) -> Loaded:
            if rival is not None:
                locks = _Rival(project.ports.locks, first)
                project = replace(project, ports=replace(project.ports, locks=locks))
            return self._load(project, files, ref, mode, rows_may_go=rows_may_go, again=again)

        loaded = self.attempt(act)
        right = branch.judge(files, mode, rows_may_go=rows_may_go, again=again)
        self._came_of_it(branch, right, mode, loaded, runs)
        for row in self.project.quarantines():
            if row.run not in runs and row.parent is None and right.outcome == "quarantined":
                self.kept.setdefault(row.id, (right.files, mode))

    def _came_of_it(
        self, branch: Branch, right: Judgement, mode: Mode, loaded: Loaded | None, runs: set[object]
    ) -> None:
        """``runs``: whose ledger rows were there before. If nobody heard, the ledger knows."""
        if loaded is not None:
            self._take(branch, right, mode, loaded)
            return
        mine = [r for r in self.project.ports.store.batches() if r.run not in runs]
        assert len(mine) <= 1
        if mine:  # it had been done, or recovery did it
            counts = mine[0].counts
            assert (mine[0].outcome, counts.rows_in, counts.rows_good) == (right.outcome, *right.counts[:2])
            self._published(branch, right, mode, mine[0].commit)

    def _load(
        self, project: Project, files: Sequence[File], ref: str, mode: Mode, *, rows_may_go: bool, again: bool
    ) -> Loaded:
        table = files[0].table
        return project.load(
            table,
            [str(self.data / f"{f.name}.csv") for f in files],
            contract=CONTRACTS[table].encode(),
            mode=mode,
            to=ref,
            on_fail="quarantine_rows" if rows_may_go else "quarantine_batch",
            again=again,
        )

    def _take(self, branch: Branch, right: Judgement, mode: Mode, loaded: Loaded) -> None:
        counts = loaded.counts
        found = counts.rows_in, counts.rows_good, counts.rows_quarantined, counts.rows_deduplicated
        assert (loaded.outcome, found) == (right.outcome, right.counts)
        self._published(branch, right, mode, loaded.commit)

    def _published(self, branch: Branch, right: Judgement, mode: Mode, commit: str | None) -> None:
        if right.outcome not in {"published", "published_partial"}:
            return
        assert commit is not None
        table = next(iter(right.objects))[0]
        branch.entries.append(
            Entry(commit, {table: right.good}, {table: right.replaced}, mode, right.objects)
        )

    # -- releases

    def some_promotion(self) -> None:
        self.said.append("promote")
        head = self.project.resolve("main")
        result = self.attempt(lambda project: project.promote())
        same = self.shown is not None and self.shown.commit == head
        if result is not None:
            assert result.outcome == ("unchanged" if same else "promoted")
        if not same and self.project.ports.store.ref(cast("Any", "production")) is not None:
            last = self.project.ports.store.releases(cast("Any", "production"))[-1]
            if result is not None or (last.kind, last.commit) == ("promotion", head):
                self.shown = Promotion(self.main.tables(), head, self.shown)

    def some_rollback(self) -> None:
        self.said.append("rollback")
        before = len(self._releases())
        result = self.attempt(lambda project: project.rollback())
        to = self.shown.before if self.shown else None
        if result is not None:
            assert result.outcome == ("rolled_back" if to else "refused")
        if len(self._releases()) > before:
            assert to is not None
            self.shown = to

    def _releases(self) -> Sequence[object]:
        return self.project.ports.store.releases(cast("Any", "production"))

    # -- branches and reverts

    def some_branch(self) -> None:
        """Fork dev, or merge it back and take it away."""
        if self.dev is None:
            self.said.append("branch dev")
            self.project.branch("dev")
            self.dev, self.forked = self.main.fork(), len(self.main.entries)
            return
        self.said.append("merge dev")
        right = merged(self.main, self.dev, self.forked)
        forward = len(self.main.entries) == self.forked
        other = self.dev.entries[self.forked :]
        commit = self._move(right, lambda project: project.merge("dev"))
        if commit is not None and forward:
            for entry in other:
                self.main.entries.append(entry)
        elif commit is not None:
            self.main.entries.append(
                Entry(commit, right.added, right.removed, subs=list(Branch(other).loads()))
            )
        if commit is not None or self.chance.random() < 0.5:
            self.said.append("delete dev")
            self.project.delete_branch("dev")
            self.dev = None

    def some_revert(self) -> None:
        fit = [e for e in self.main.entries[3:] if e.commit not in self.main.undone]
        if not fit:
            return
        entry = self.chance.choice(fit[-4:])
        self.said.append(f"revert {entry}")
        right = reverted(self.main, entry)
        commit = self._move(right, lambda project: project.revert(entry.commit))
        if commit is not None:
            self.main.entries.append(Entry(commit, right.added, right.removed, reverts=entry.commit))

    def _move(self, right: Move, act: Callable[[Project], Any]) -> str | None:
        """Where main is now, if it moved."""
        before = self.project.resolve("main")
        result = self.attempt(act)
        after = self.project.resolve("main")
        if result is not None:
            self.said[-1] += f"  -- {result.outcome}"
            assert result.outcome in right.outcomes, (result, right)
            assert (after != before) == (result.outcome in {"merged", "reverted"})
        assert after == before or {"merged", "reverted"} & right.outcomes
        return after if after != before else None

    # -- quarantine

    def some_quarantine(self) -> None:
        """Give one up, or load its rows once more."""
        waiting = [q.id for q in self.project.quarantines(open_only=True) if q.target == "main"]
        if not waiting:
            return
        chosen = self.chance.choice(waiting)
        files, mode = self.kept.get(chosen, ((), "append"))
        # Not tried here: rows that were delivered again meanwhile, and what is left of a batch.
        if not files or {f.object for f in files} & self.main.delivered(files[0].table):
            self.said.append(f"discard {chosen}")
            self.project.discard(chosen)
            return
        rows_may_go = self.chance.random() < 0.7
        self.said.append(f"replay {chosen} {files} {mode=} {rows_may_go=}")
        runs: set[object] = {row.run for row in self.project.ports.store.batches()}
        on_fail = "quarantine_rows" if rows_may_go else "quarantine_batch"
        loaded = self.attempt(lambda project: project.replay(chosen, on_fail=on_fail))
        right = self.main.judge(files, mode, rows_may_go=rows_may_go, again=True)
        self._came_of_it(self.main, right, mode, loaded, runs)
