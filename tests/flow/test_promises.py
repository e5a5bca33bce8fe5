"""Promises 1 to 6, each by somebody who tries to break it; and the same with its guard switched off.

An attempt is made twice: as things are, nothing comes of it; with the guard taken away, `headgate.testing.checker`
says what is wrong. So a promise whose guard is lost by mistake is noticed, and so is a checker that has gone blind.

Kills are in test_crashes, power cuts in test_durability, many at once in test_concurrency.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from flow.stage import close, folder
from flow.stories import (
    LOG,
    ORDERS,
    ORDERS_2,
    a_merge,
    a_quarantine,
    csv,
    family,
    load,
    orders,
    shown,
    two_branches,
    two_orders,
    two_words,
)
from headgate.catalog import admission, commits
from headgate.catalog.commits import new_commit, stored_commit
from headgate.catalog.trees import load_tree, update
from headgate.checks.merged import check_changed
from headgate.edge import locks as file_locks
from headgate.edge.store_schema import metadata
from headgate.edge.store_sql import SqlStore
from headgate.flow import landing, merge, planning, promote, runs
from headgate.flow.recover import Recovered
from headgate.intake.batches import Admitted, batch_id
from headgate.model.batch import Batch, Counts
from headgate.model.change import Changes, Done, RefChange, RefIs, Refused, VerdictRow
from headgate.model.errors import Bug, HeadgateError
from headgate.model.names import MAIN, Key, RefName, RunId, table_name
from headgate.model.tree import Entry
from headgate.model.verdict import Verdict
from headgate.project import Project
from headgate.publishing import publish as publishing
from headgate.testing import checker
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports

__all__ = ["folder"]  # a fixture
Patch = pytest.MonkeyPatch
Act = Callable[[Project, Path], None]


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    found = headgate.init(folder / "project")
    yield found
    close(found)


@pytest.fixture
def data(folder: Path) -> Path:
    (folder / "data").mkdir()
    return folder / "data"


# -- attempts -----------------------------------------------------------------------------------------------


def move_main(project: Project, commit: str, *verdicts: VerdictRow) -> Done | Refused | Any:
    ref = project.ports.store.ref(MAIN)
    assert ref is not None
    changes = Changes(refs=(RefChange(MAIN, commit),), verdicts=verdicts)
    return project.ports.store.commit(changes, (RefIs(MAIN, ref.head, ref.gen),))


def showing_what_was_rejected(project: Project, data: Path) -> None:
    """1. The branch of a rejected batch is pushed onto main by hand."""
    assert load(project, "orders", orders(data, "bad", (3, 30), (4, -4))) == "quarantined"
    [branch] = [r for r in project.ports.store.refs() if r.name.startswith("load/")]
    move_main(project, branch.head)


def showing_what_nobody_judged(project: Project, data: Path) -> None:
    """1. A commit with a tree of its own: one clean table left out, so that nothing in it is wrong but the verdict."""
    head = stored_commit(project.ports.store, project.resolve("main"))
    changes: dict[Key, Entry | None] = {Key("table/default.lines"): None, Key("contract/default.lines"): None}
    root, nodes = update(project.ports.store, head.root, changes)
    made = new_commit(root, [head], author="me", message="by hand", at=project.ports.clock.now())
    assert project.ports.store.commit(Changes(nodes=nodes, commits=(made,))) == Done()
    move_main(project, made.id)


def family_and_more(project: Project, data: Path) -> None:
    family(project, data)
    load(project, "orders", orders(data, "more", (3, 30)))


def family_promoted_twice(project: Project, data: Path) -> None:
    family(project, data)
    project.promote()
    load(project, "orders", orders(data, "more", (3, 30)))
    load(project, "lines", csv(data, "more-lines", "line,order_id", ("z", 3)))
    project.promote()


def merging_what_does_not_hold_together(project: Project, data: Path) -> None:
    """1. Two clean appends of one key, with different rows."""
    project.branch("dev")
    load(project, "orders", orders(data, "theirs", (3, 31)), to="dev")
    load(project, "orders", orders(data, "ours", (3, 30)))
    assert project.merge("dev").outcome in {"refused", "merged"}


def racing_for_a_key(project: Project, data: Path) -> None:
    """1. The same, by two loads at once."""

    def rival() -> None:
        load(headgate.open(project.root), "orders", orders(data, "rival", (3, 31)))

    load(before_landing(project, rival), "orders", orders(data, "mine", (3, 30)))


def orphaning(project: Project, data: Path) -> None:
    """1. Orders that lines refer to are replaced by others."""
    load(project, "orders", orders(data, "others", (7, 70)), mode="replace")


def delivering_twice(project: Project, data: Path) -> None:
    """2. The same rows under another name, into a table without a key."""
    load(project, "log", csv(data, "copy", "word", ("a",), ("b",)))


def coming_back_to_life(project: Project, data: Path) -> None:
    """2. A load dies with two objects staged; one of them is delivered alone; then the dead one is recovered."""
    one, two = csv(data, "one", "word", ("c",)), csv(data, "two", "word", ("d",))
    with contextlib.suppress(Killed):
        load(dying(project, commits=3), "log", one, two)
    assert load(project, "log", one) == "published"
    project.recover()
    assert load(project, "log", one, two) in {"published", "duplicate"}


def reverting(project: Project, data: Path) -> None:
    """3. A publish set of two tables is taken back."""
    merges = [c for c in project.log("main") if c.message.startswith("merge")]
    project.revert(merges[0].id)


def dying_in_the_switch(project: Project, data: Path) -> None:
    """3, 6. The process dies where data become visible."""
    number = 3
    while True:
        folder = data / str(number)
        folder.mkdir()
        path = orders(folder, "next", (number, 0))
        try:
            load(dying(project, commits=number), "orders", path)
        except Killed:
            number += 1
            project.recover()
        else:
            return


def losing_a_row(project: Project, data: Path) -> None:
    """4. The engine forgets one of the good rows."""
    real = project.ports.engine

    class Forgetful:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def split(self, *args: Any, **options: Any) -> Any:
            found = real.split(*args, **options)
            rows: Any = found.good
            return replace(found, good=rows.head(found.rows_good - 1), rows_good=found.rows_good - 1)

    engine: Any = Forgetful()
    forgetful = replace(project, ports=replace(project.ports, engine=engine))
    with contextlib.suppress(Bug):
        load(forgetful, "orders", orders(data, "next", (3, 30), (4, 40)))


def rolling_back(project: Project, data: Path) -> None:
    """5."""
    with contextlib.suppress(HeadgateError):
        project.rollback()


def before_landing(project: Project, action: Callable[[], None]) -> Project:
    """Somebody else acts when the load is about to land."""
    locks, done = project.ports.locks, list[str]()

    class Slow:
        @contextmanager
        def hold(self, name: str, wait_s: float) -> Iterator[bool]:
            if name.startswith("table-") and not done:
                done.append(name)
                action()
            with locks.hold(name, wait_s) as held:
                yield held

    return replace(project, ports=replace(project.ports, locks=Slow()))


def dying(project: Project, commits: int) -> Project:
    """It is killed before its ``commits``-th transaction."""
    countdown = Countdown(CrashPoint(commits, "before"), only=frozenset({"commit"}))
    return replace(project, ports=crashing_ports(project.ports, countdown))


# -- guards, off --------------------------------------------------------------------------------------------


def no_store_guard(patch: Patch) -> None:
    patch.setattr(admission, "_unfit", lambda *_: None)


def no_check_of_the_merged(patch: Patch) -> None:
    def waved_through(*args: Any) -> Verdict:
        return replace(check_changed(*args), findings=())

    patch.setattr(merge, "check_changed", waved_through)


def no_look_at_others_keys(patch: Patch) -> None:
    patch.setattr(landing, "_keys_meet", lambda *_: False)


def no_look_at_children(patch: Patch) -> None:
    patch.setattr(landing, "check_children", lambda *_: ())


def no_ledger(patch: Patch) -> None:
    def everything(_store: Any, table: Any, mode: Any, objects: Any, **_: Any) -> Admitted:
        return Admitted(Batch(batch_id(table, mode, objects), table, mode, objects))

    patch.setattr(planning, "admit", everything)


def no_second_look_at_the_ledger(patch: Patch) -> None:
    patch.setattr(landing, "_overtaken", lambda *_: False)


def revert_of_one_table(patch: Patch) -> None:
    real = commits.diff
    patch.setattr(merge, "diff", lambda *args: real(*args)[:1])


def switch_in_two_transactions(patch: Patch) -> None:
    real = publishing.publish

    def in_two(candidate: Any, verdict: Any, store: Any) -> Any:
        changes = candidate.changes
        data_only = replace(changes, batches=(), runs=(), refs=(), events=())
        done = real(replace(candidate, changes=data_only), verdict, store)
        store.commit(Changes(batches=changes.batches, runs=changes.runs, events=changes.events))
        return done

    patch.setattr(landing, "publish", in_two)


def no_sum(patch: Patch) -> None:
    patch.setattr(Counts, "balanced", property(lambda _: True))


def rollback_of_one_table(patch: Patch) -> None:
    """Readers are moved to a commit of its own: orders as they were, all the rest as it is."""

    def halfway(ports: Any, changes: Changes, requires: Any) -> Any:
        shown_now, [release] = requires[0], changes.releases
        now, to = (stored_commit(ports.store, id) for id in (shown_now.head, release.commit))
        key = Key("table/default.orders")
        root, nodes = update(ports.store, now.root, {key: load_tree(ports.store, to.root).get(key)})
        made = new_commit(root, [now], author="", message="half of it", at=ports.clock.now())
        passed = replace(ports.store.verdicts(root=now.root)[0], root=root)
        move = replace(changes.refs[0], head=made.id)
        passed = replace(passed, verdict=passed.verdict.on(root))
        changes = replace(changes, nodes=nodes, commits=(made,), refs=(move,), verdicts=(passed,))
        return runs.write(ports, changes, requires)

    patch.setattr(promote, "write", halfway)


def no_recovery(patch: Patch) -> None:
    patch.setattr("headgate.project.recover", lambda *_: Recovered((), ()))


@dataclass(frozen=True)
class Attempt:
    begin: Act
    act: Act
    off: tuple[Callable[[Patch], None], ...]
    fault: str


ATTEMPTS = {
    "1 showing what was rejected": Attempt(
        two_orders, showing_what_was_rejected, (no_store_guard,), "shows a tainted commit"
    ),
    "1 showing what nobody judged": Attempt(
        family_and_more, showing_what_nobody_judged, (no_store_guard,), "has no passing verdict on its tree"
    ),
    "1 merging what does not hold together": Attempt(
        two_orders,
        merging_what_does_not_hold_together,
        (no_check_of_the_merged,),
        "on a protected ref: primaryKey",
    ),
    "1 racing for a key": Attempt(
        two_orders, racing_for_a_key, (no_look_at_others_keys,), "on a protected ref: primaryKey"
    ),
    "1 orphaning": Attempt(family, orphaning, (no_look_at_children,), "on a protected ref: order_id"),
    "2 delivering twice": Attempt(two_words, delivering_twice, (no_ledger,), "is in effect 2 times"),
    "2 coming back to life": Attempt(
        two_words, coming_back_to_life, (no_second_look_at_the_ledger,), "is in effect 2 times"
    ),
    "3 reverting": Attempt(a_merge, reverting, (revert_of_one_table,), "is not in its history, and its rows"),
    "3 dying in the switch": Attempt(
        two_orders, dying_in_the_switch, (switch_in_two_transactions,), "came with no batch"
    ),
    "4 losing a row": Attempt(two_orders, losing_a_row, (no_sum,), "the sum does not hold"),
    "5 rolling back": Attempt(
        family_promoted_twice, rolling_back, (rollback_of_one_table,), "readers of production saw"
    ),
    "6 dying": Attempt(two_orders, dying_in_the_switch, (no_recovery,), "is still open"),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_promise_holds(name: str, project: Project, data: Path) -> None:
    attempt = ATTEMPTS[name]
    attempt.begin(project, data)
    attempt.act(project, data)
    checker.hold(project.ports)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_checker_notices(name: str, project: Project, data: Path, monkeypatch: Patch) -> None:
    attempt = ATTEMPTS[name]
    attempt.begin(project, data)
    for off in attempt.off:
        off(monkeypatch)
    attempt.act(project, data)
    with pytest.raises(AssertionError, match=attempt.fault):
        checker.hold(project.ports)


# -- 1 ------------------------------------------------------------------------------------------------------


def test_a_verdict_on_another_tree_publishes_nothing(
    project: Project, data: Path, monkeypatch: Patch
) -> None:
    """Three guards stand behind one another: `publish`, the store's filing of verdicts, the store's protection.

    Seen failing with all three off; with any one of them left, nothing is shown.
    """
    two_orders(project, data)
    before = shown(project)
    elsewhere = stored_commit(project.ports.store, project.resolve("main")).root
    real = landing._judged

    def astray(*args: Any) -> Any:
        judged = real(*args)
        return replace(judged, on_tree=judged.on_tree.on(elsewhere))

    monkeypatch.setattr(landing, "_judged", astray)
    assert load(project, "orders", orders(data, "next", (3, 30))) == "conflict"
    assert shown(project) == before
    monkeypatch.setattr(landing, "publish", _regardless_of_the_root)
    with pytest.raises(Bug, match="filed under the root of another tree"):
        load(project, "orders", orders(data, "next", (3, 30)))
    assert shown(project) == before


def _regardless_of_the_root(candidate: Any, verdict: Verdict, store: Any) -> Any:
    return publishing.publish(candidate, verdict.on(candidate.commit.root), store)


def test_a_protected_ref_cannot_be_moved_around_its_guard(project: Project, data: Path) -> None:
    """Failing, tainted, unjudged; and a verdict that is handed over with the move must be on that very tree."""
    two_orders(project, data)
    good = project.resolve("main")
    load(project, "orders", orders(data, "bad", (4, -4)))
    [branch] = [r for r in project.ports.store.refs() if r.name.startswith("load/")]
    rejected = stored_commit(project.ports.store, project.resolve(branch.name))
    passing = project.ports.store.verdicts(root=stored_commit(project.ports.store, good).root)[0]
    assert isinstance(move_main(project, rejected.id), Refused)
    forged = VerdictRow(
        rejected.root,
        RunId("r0"),
        table_name("orders"),
        passing.verdict.on(rejected.root),
        passing.at,
    )
    assert isinstance(move_main(project, rejected.id, forged), Refused)  # it stays tainted
    with pytest.raises(Bug):
        move_main(project, rejected.id, replace(forged, verdict=passing.verdict))
    assert project.resolve("main") == good
    checker.hold(project.ports)


def test_readers_of_production_never_see_what_was_not_promoted(project: Project, data: Path) -> None:
    """Whatever is loaded, merged, reverted or refused: production moves by promote and rollback alone."""
    two_branches(project, data)
    assert project.promote().outcome == "promoted"
    seen = {k: v for k, v in shown(project).items() if k.startswith("production")}
    acts: list[Callable[[], object]] = [
        lambda: load(project, "orders", orders(data, "more", (8, 80))),
        lambda: load(project, "orders", orders(data, "bad", (9, -9))),
        lambda: project.merge("dev"),
        lambda: project.revert("main"),
        lambda: load(project, "log", csv(data, "words", "word", ("a",))),
        lambda: project.tag("v1"),
        project.recover,
    ]
    for act in acts:
        act()
        assert {k: v for k, v in shown(project).items() if k.startswith("production")} == seen
        checker.hold(project.ports)


# -- 2 ------------------------------------------------------------------------------------------------------


def test_a_batch_is_in_effect_once_however_it_is_delivered(project: Project, data: Path) -> None:
    """Again, renamed, together with others, in another order, after death, after no answer."""
    one, two = csv(data, "one", "word", ("a",)), csv(data, "two", "word", ("b",))
    renamed = csv(data, "renamed", "word", ("a",))
    assert load(project, "log", one) == "published"
    for again in ((one,), (renamed,), (one, renamed)):
        assert load(project, "log", *again) == "duplicate"
    assert load(project, "log", two, one) == "published"
    assert load(project, "log", one, two) == load(project, "log", two, renamed) == "duplicate"
    assert shown(project)["main:log"] == [("a",), ("b",)]
    checker.hold(project.ports)


def test_a_living_run_is_not_recovered(project: Project, data: Path, monkeypatch: Patch) -> None:
    """Its lease is held. Seen failing with leases that everybody gets: the load is told that others ended it."""
    two_orders(project, data)
    found: list[Any] = []

    def rival() -> None:
        found.append(headgate.open(project.root).recover())

    assert load(before_landing(project, rival), "orders", orders(data, "b", (3, 30))) == "published"
    assert (found[0].finished, found[0].aborted) == ((), ())
    checker.hold(project.ports)
    monkeypatch.setattr(file_locks.FileLocks, "hold", _given_to_everybody)
    with pytest.raises(HeadgateError, match="by somebody else"):
        load(before_landing(project, rival), "orders", orders(data, "c", (4, 40)))


@contextmanager
def _given_to_everybody(_self: Any, _name: str, _wait_s: float) -> Iterator[bool]:
    yield True


# -- 4 ------------------------------------------------------------------------------------------------------


def test_quarantined_rows_are_kept_as_they_came(project: Project, data: Path) -> None:
    """Raw texts, object, row number, rules, contract and version; a rollback or a revert takes none of it away."""
    two_orders(project, data)
    path = orders(data, "bad", (3, "007"), (4, " -4"), ("five", 50), (6, 60), (7, 70), (8, 80))
    assert load(project, "orders", path, on_fail="quarantine_rows") == "published_partial"
    project.revert("main")
    [kept] = project.quarantines()
    assert (kept.contract_id, kept.contract_version, kept.rows) == ("orders", "1.0.0", 2)
    rows = pl.read_parquet(kept.path).sort("row")
    assert [json.loads(raw) for raw in rows["raw"]] == [
        {"id": "4", "amount": " -4"},
        {"id": "five", "amount": "50"},
    ]
    assert rows["row"].to_list() == [2, 3]
    assert [min(rules).split(".")[0] for rules in rows["rules"]] == ["amount", "id"]
    assert set(rows["location"]) == {path}
    checker.hold(project.ports)


def test_rows_taken_out_of_a_quarantine_file_are_missed(project: Project, data: Path) -> None:
    """The checker reads the file, not the ledger alone."""
    a_quarantine(project, data)
    [kept] = project.quarantines()
    pl.read_parquet(kept.path).head(1).write_parquet(kept.path)
    with pytest.raises(AssertionError, match="1 rows in the file, 2 in the ledger"):
        checker.hold(project.ports)


# -- 5 ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_rollback_of_a_hundred_tables_restores_the_exact_pointers_in_under_a_second(
    project: Project, data: Path
) -> None:
    """Schemas and contracts included: they are in the tree, too."""
    path = csv(data, "w", "word", ("a",))
    for n in range(99):
        assert project.load(f"log{n}", path, contract=LOG.encode()).outcome == "published"
    load(project, "orders", orders(data, "first", (1, 10)), contract=ORDERS.encode())
    assert project.promote().outcome == "promoted"
    before, columns = project.tree("production"), project.table("orders", "production").arrow().column_names
    load(
        project,
        "orders",
        csv(data, "noted", "id,amount,note", (2, 20, "n")),
        contract=ORDERS_2.encode(),
    )
    for n in range(0, 99, 10):
        project.load(f"log{n}", csv(data, "v", "word", ("b",)), mode="replace")
    assert project.promote().outcome == "promoted"
    assert project.table("orders", "production").arrow().column_names != columns
    began = time.monotonic()
    result = project.rollback()
    took = time.monotonic() - began
    assert (result.outcome, project.tree("production")) == ("rolled_back", before)
    assert project.table("orders", "production").arrow().column_names == columns
    assert took < 1


def test_rollbacks_go_back_one_promotion_each_and_never_to_a_rollback(project: Project, data: Path) -> None:
    """The trees are those of the promotions, to the pointer."""
    trees = []
    for n in range(3):
        load(project, "orders", orders(data, f"o{n}", (n, n)))
        assert project.promote().outcome == "promoted"
        trees.append(project.tree("production"))
    for expected in (trees[1], trees[0]):
        assert project.rollback().outcome == "rolled_back"
        assert project.tree("production") == expected
        checker.hold(project.ports)
    assert project.rollback().outcome == "refused"
    assert project.promote().outcome == "promoted"
    assert project.rollback().outcome == "rolled_back"
    assert project.tree("production") == trees[0]
    checker.hold(project.ports)


# -- 6 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["its tables", "its first commit"])
def test_an_init_that_was_killed_is_done_again(before: str, folder: Path, monkeypatch: Patch) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if before == "its tables":
            patch.setattr(metadata, "create_all", killed)
        else:
            patch.setattr(SqlStore, "commit", killed)
        with pytest.raises(Killed):
            headgate.init(folder / "project")
    project = headgate.init(folder / "project")
    assert project.ports.store.ref(RefName("main")) is not None
    checker.hold(project.ports)
    close(project)


def test_a_recovery_ends_every_dead_run_whatever_comes_of_the_others(project: Project, data: Path) -> None:
    """Of three dead loads one cannot land any more, since its key was taken meanwhile."""
    two_orders(project, data)
    for n, before in ((3, 3), (4, 2), (5, 3)):
        with pytest.raises(Killed):
            load(dying(project, before), "orders", orders(data, f"o{n}", (n, n)))
    load(project, "orders", orders(data, "taken", (3, 31)))
    found = checker.recovered(project.ports)
    assert (len(found.finished), len(found.aborted)) == (1, 2)
    assert shown(project)["main:orders"] == [(1, 10), (2, 20), (3, 31), (5, 5)]
    checker.hold(project.ports)
