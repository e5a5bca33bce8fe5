"""Promises 1 to 6, each by somebody who tries to break it; and the same with its guard switched off.

An attempt is made twice: as things are, nothing comes of it; with the guard taken away, `headgate.testing.checker`
says what is wrong. So a promise whose guard is lost by mistake is noticed, and so is a checker that has gone blind.

Kills are in test_crashes, power cuts in test_durability, many at once in test_concurrency.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from flow.attempts import ATTEMPTS, before_landing, dying, move_main
from flow.stage import close, folder
from flow.stories import (
    LOG,
    ORDERS,
    ORDERS_2,
    a_quarantine,
    csv,
    load,
    orders,
    shown,
    two_branches,
    two_orders,
)
from headgate.catalog.commits import stored_commit
from headgate.edge import locks as file_locks
from headgate.edge.store.schema import metadata
from headgate.edge.store.sql import SqlStore
from headgate.flow import landing
from headgate.model.change import Refused, VerdictRow
from headgate.model.errors import Bug, HeadgateError
from headgate.model.names import RefName, RunId, table_name
from headgate.model.verdict import Verdict
from headgate.project import Project
from headgate.publishing import publish as publishing
from headgate.testing import checker
from headgate.testing.crash import Killed

__all__ = ["folder"]  # a fixture
Patch = pytest.MonkeyPatch


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    found = headgate.init(folder / "project")
    yield found
    close(found)


@pytest.fixture
def data(folder: Path) -> Path:
    (folder / "data").mkdir()
    return folder / "data"


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
