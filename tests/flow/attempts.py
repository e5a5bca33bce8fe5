"""Attempts to break a promise, and the guard that stands in the way of each, to be switched off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import headgate
from flow.stories import (
    a_merge,
    csv,
    family,
    load,
    orders,
    two_orders,
    two_words,
)
from headgate.catalog import admission, commits
from headgate.catalog.commits import new_commit, stored_commit
from headgate.catalog.trees import load_tree, update
from headgate.checks.merged import check_changed
from headgate.flow import landing, merge, planning, promote, runs
from headgate.flow.recover import Recovered
from headgate.intake.batches import Admitted, batch_id
from headgate.model.batch import Batch, Counts
from headgate.model.change import Changes, Done, RefChange, RefIs, Refused, VerdictRow
from headgate.model.errors import Bug, HeadgateError
from headgate.model.names import MAIN, Key
from headgate.model.tree import Entry
from headgate.model.verdict import Verdict
from headgate.project import Project
from headgate.publishing import publish as publishing
from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports

Patch = pytest.MonkeyPatch
Act = Callable[[Project, Path], None]

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
