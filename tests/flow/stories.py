"""Pieces of work that tests kill: what is there before, what is done, and what readers see before and after.

A story never depends on how it is killed. Rows are tuples in the columns' order, sorted; what is shown is said in
full, so that no code of the project is needed to know what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import headgate
from headgate.model.errors import NotThere
from headgate.model.names import short
from headgate.ports import Locks
from headgate.project import Project

Row = tuple[Any, ...]
Shown = Mapping[str, Sequence[Row]]  # "main:orders" -> rows

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: {table}
version: 1.0.0
status: active
schema:
  - name: {table}
    customProperties: [{{vendor: headgate, property: maxQuarantined, value: 50%}}]
    properties:
"""
ORDERS = (
    HEAD.format(table="orders")
    + """\
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
)
ORDERS_2 = ORDERS.replace("1.0.0", "2.0.0") + "      - {name: note, logicalType: string}\n"
LINES = (
    HEAD.format(table="lines")
    + """\
      - {name: line, logicalType: string, required: true}
      - name: order_id
        logicalType: integer
        relationships: [{type: foreignKey, to: orders.id}]
"""
)
LOG = HEAD.format(table="log") + "      - {name: word, logicalType: string, required: true}\n"


def csv(folder: Path, name: str, header: str, *rows: Row) -> str:
    """A file of rows; where it is."""
    path = folder / f"{name}.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def orders(folder: Path, name: str, *rows: Row) -> str:
    return csv(folder, name, "id,amount", *rows)


def load(project: Project, table: str, *data: str, **options: Any) -> str:
    contract = {"orders": ORDERS, "lines": LINES, "log": LOG}[table].encode()
    return project.load(table, list(data), **{"contract": contract, **options}).outcome


def shown(project: Project) -> dict[str, list[Row]]:
    """What readers of main, dev and production see."""
    found: dict[str, list[Row]] = {}
    for ref in ("main", "dev", "production"):
        try:
            commit = project.resolve(ref)
        except NotThere:
            continue
        for table in project.tree(commit).tables():
            rows = project.table(table, commit).scan().collect().rows()
            found[f"{ref}:{short(table)}"] = sorted(rows, key=repr)
    return found


@dataclass(frozen=True)
class Story:
    """``during``: what others do once the work has staged and is about to land. ``between``: what may also be
    shown after a kill, with what others did and without the work.

    ``again``: doing it once more after it was done changes nothing; else it is only done again if it was not done.
    """

    begin: Callable[[Project, Path], None]
    act: Callable[[Project, Path], object]
    before: Shown
    after: Shown
    during: Callable[[Project, Path], None] | None = None
    between: tuple[Shown, ...] = ()
    again: bool = True
    quarantines: int = 0  # open ones, when it is done once

    def play(self, project: Project, folder: Path) -> object:
        """Do it, on the ports that the project has; others get ports of their own."""
        if self.during is None:
            return self.act(project, folder)
        rival = headgate.open(project.root)
        locks = _Rival(project.ports.locks, lambda: cast("Any", self.during)(rival, folder))
        return self.act(replace(project, ports=replace(project.ports, locks=locks)), folder)

    def settle(self, project: Project, folder: Path) -> None:
        """Once more, after a kill: others have done theirs by then, too."""
        if self.during is not None:
            self.during(project, folder)
        if self.again or not self.done(project):
            self.act(project, folder)

    def done(self, project: Project) -> bool:
        waiting = len(project.quarantines(open_only=True))
        return shown(project) == self.after and waiting == self.quarantines


@dataclass
class _Rival:
    """Locks that let somebody else go first: once, when the work takes a table's lock to land."""

    locks: Locks
    action: Callable[[], None]
    done: list[bool] = field(default_factory=list)

    @contextmanager
    def hold(self, name: str, wait_s: float) -> Iterator[bool]:
        if name.startswith("table-") and not self.done:
            self.done.append(True)
            self.action()
        with self.locks.hold(name, wait_s) as held:
            yield held


# -- what is there before -----------------------------------------------------------------------------------


def nothing(project: Project, folder: Path) -> None:
    pass


def two_orders(project: Project, folder: Path) -> None:
    load(project, "orders", orders(folder, "first", (1, 10), (2, 20)))


def two_words(project: Project, folder: Path) -> None:
    load(project, "log", csv(folder, "words", "word", ("a",), ("b",)))


def family(project: Project, folder: Path) -> None:
    """Orders, and lines that refer to them."""
    two_orders(project, folder)
    load(project, "lines", csv(folder, "lines", "line,order_id", ("x", 1), ("y", 2)))


def a_branch(project: Project, folder: Path) -> None:
    """Both tables changed on a branch."""
    family(project, folder)
    project.branch("dev")
    load(project, "orders", orders(folder, "dev", (5, 50)), to="dev")
    load(project, "lines", csv(folder, "dev-lines", "line,order_id", ("z", 5)), to="dev")


def two_branches(project: Project, folder: Path) -> None:
    """Both tables changed on a branch, and on main."""
    a_branch(project, folder)
    load(project, "orders", orders(folder, "second", (3, 30)))
    load(project, "lines", csv(folder, "more-lines", "line,order_id", ("w", 3)))


def a_merge(project: Project, folder: Path) -> None:
    two_branches(project, folder)
    assert project.merge("dev").outcome == "merged"


def promoted(project: Project, folder: Path) -> None:
    """Two orders in production, a third one on main."""
    two_orders(project, folder)
    assert project.promote().outcome == "promoted"
    load(project, "orders", orders(folder, "second", (3, 30)))


def promoted_twice(project: Project, folder: Path) -> None:
    promoted(project, folder)
    assert project.promote().outcome == "promoted"


def a_quarantine(project: Project, folder: Path) -> None:
    two_orders(project, folder)
    assert load(project, "orders", orders(folder, "dirty", (3, 30), (4, -4))) == "quarantined"


def a_death(project: Project, folder: Path) -> None:
    """A load that was killed before its last write."""
    from headgate.testing.crash import Countdown, CrashPoint, Killed, crashing_ports

    two_orders(project, folder)
    data = orders(folder, "second", (3, 30), (4, -4))
    dying = crashing_ports(project.ports, Countdown(CrashPoint(3, "before"), only=frozenset({"commit"})))
    try:
        load(replace(project, ports=dying), "orders", data, on_fail="quarantine_rows")
    except Killed:
        return
    raise AssertionError("it did not die")


# -- what is done -------------------------------------------------------------------------------------------


def _loading(
    table: str, name: str, header: str, *rows: Row, **options: Any
) -> Callable[[Project, Path], str]:
    return lambda project, folder: load(project, table, csv(folder, name, header, *rows), **options)


def _others(
    table: str, name: str, header: str, *rows: Row, **options: Any
) -> Callable[[Project, Path], None]:
    act = _loading(table, name, header, *rows, **options)

    def others(project: Project, folder: Path) -> None:
        act(project, folder)

    return others


def _overlapping(project: Project, folder: Path) -> str:
    first = csv(folder, "words", "word", ("a",), ("b",))
    return load(project, "log", first, csv(folder, "more-words", "word", ("b",), ("c",)))


def _adopting(project: Project, folder: Path) -> str:
    data = csv(folder, "second", "id,amount,note", (3, 30, "new"))
    return load(project, "orders", data, contract=ORDERS_2.encode())


def _reverting(project: Project, folder: Path) -> str:
    merges = [c for c in project.log("main") if c.message == "merge dev"]
    return project.revert(merges[0].id).outcome


def _replaying(project: Project, folder: Path) -> str | None:
    waiting = project.quarantines(open_only=True)
    mended = orders(folder, "mended", (3, 30), (4, 40))
    return project.replay(waiting[0].id, [mended]).outcome if waiting else None


def _replaying_rows(project: Project, folder: Path) -> str | None:
    """The same rows, but this time without the bad ones."""
    waiting = [q for q in project.quarantines(open_only=True) if q.parent is None]
    return project.replay(waiting[0].id, on_fail="quarantine_rows").outcome if waiting else None


def _refused(project: Project, folder: Path) -> str:
    """A promotion that its smoke checks stop."""
    smoke = project.root / "few.sql"
    smoke.write_text("SELECT count(*) < 3 FROM orders")
    settings = project.root / "headgate.toml"
    settings.write_text(settings.read_text().replace("# smoke =", "smoke = ['few.sql'] #"))
    anew = headgate.open(project.root)
    return replace(project, environments=anew.environments).promote().outcome


O12: list[Row] = [(1, 10), (2, 20)]
O123: list[Row] = [*O12, (3, 30)]
AB: list[Row] = [("a",), ("b",)]
FAMILY: Shown = {"main:orders": O12, "main:lines": [("x", 1), ("y", 2)]}
DEV: Shown = {"dev:orders": [*O12, (5, 50)], "dev:lines": [("x", 1), ("y", 2), ("z", 5)]}
MORE: Shown = {"main:orders": O123, "main:lines": [("w", 3), ("x", 1), ("y", 2)], **DEV}
MERGED: Shown = {
    "main:orders": [*O123, (5, 50)],
    "main:lines": [("w", 3), ("x", 1), ("y", 2), ("z", 5)],
    **DEV,
}
ON_MAIN: Shown = {"main:orders": O12}
THREE: Shown = {"main:orders": O123}
LENIENT = {"on_fail": "quarantine_rows"}
ID = "id,amount"

STORIES: Mapping[str, Story] = {
    "the first append": Story(
        nothing, _loading("orders", "a", ID, (1, 10), (2, 20)), before={}, after=ON_MAIN
    ),
    "a second append": Story(
        two_orders, _loading("orders", "b", ID, (3, 30)), before=ON_MAIN, after=THREE
    ),
    "an append with bad rows": Story(
        two_orders,
        _loading("orders", "b", ID, (3, 30), (4, -4), **LENIENT),
        before=ON_MAIN,
        after=THREE,
        quarantines=1,
    ),
    "a bad batch": Story(
        two_orders,
        _loading("orders", "b", ID, (3, 30), (4, -4)),
        before=ON_MAIN,
        after=ON_MAIN,
        again=False,
        quarantines=1,
    ),
    "an append without a key": Story(
        two_words, _loading("log", "w", "word", ("a",), ("c",)),
        before={"main:log": AB}, after={"main:log": [("a",), ("a",), ("b",), ("c",)]},
    ),
    "an overlapping delivery": Story(
        two_words, _overlapping,
        before={"main:log": AB}, after={"main:log": [("a",), ("b",), ("b",), ("c",)]},
    ),
    "a merge by key": Story(
        two_orders, _loading("orders", "b", ID, (2, 21), (3, 30), mode="merge"),
        before=ON_MAIN, after={"main:orders": [(1, 10), (2, 21), (3, 30)]},
    ),
    "a replacement": Story(
        two_orders, _loading("orders", "b", ID, (3, 30), mode="replace"),
        before=ON_MAIN, after={"main:orders": [(3, 30)]},
    ),
    "a new contract": Story(
        two_orders, _adopting, before=ON_MAIN,
        after={"main:orders": [(1, 10, None), (2, 20, None), (3, 30, "new")]},
    ),
    "a lost race": Story(
        two_orders, _loading("orders", "b", ID, (3, 30)),
        during=_others("orders", "c", ID, (4, 40)),
        before=ON_MAIN, between=({"main:orders": [*O12, (4, 40)]},), after={"main:orders": [*O123, (4, 40)]},
    ),
    "a lost race for the first load": Story(
        nothing, _loading("orders", "b", ID, (3, 30)),
        during=_others("orders", "c", ID, (4, 40)),
        before={}, between=({"main:orders": [(4, 40)]},), after={"main:orders": [(3, 30), (4, 40)]},
    ),
    "a lost race for a key": Story(
        two_orders, _loading("orders", "b", ID, (3, 30), (4, 40)),
        during=_others("orders", "c", ID, (4, 40)),
        before=ON_MAIN, between=({"main:orders": [*O12, (4, 40)]},), after={"main:orders": [*O123, (4, 40)]},
    ),
    "a lost race of two merges by key": Story(
        two_orders, _loading("orders", "b", ID, (2, 21), (3, 30), mode="merge"),
        during=_others("orders", "c", ID, (1, 11), mode="merge"),
        before=ON_MAIN, between=({"main:orders": [(1, 11), (2, 20)]},),
        after={"main:orders": [(1, 11), (2, 21), (3, 30)]},
    ),
    "a lost race against a new contract": Story(
        two_orders, _loading("orders", "b", ID, (3, 30), contract=None),
        during=_others("orders", "c", "id,amount,note", (4, 40, "n"), contract=ORDERS_2.encode()),
        before=ON_MAIN, between=({"main:orders": [(1, 10, None), (2, 20, None), (4, 40, "n")]},),
        after={"main:orders": [(1, 10, None), (2, 20, None), (4, 40, "n")]},  # a column is missing by then
        again=False, quarantines=1,
    ),
    "a lost race of one batch": Story(
        two_words, _loading("log", "w", "word", ("c",)),
        during=_others("log", "same", "word", ("c",)),
        before={"main:log": AB}, between=(), after={"main:log": [*AB, ("c",)]},
    ),
    "a merge": Story(
        two_branches, lambda project, _: project.merge("dev").outcome, before=MORE, after=MERGED
    ),
    "a fast-forward": Story(
        a_branch,
        lambda project, _: project.merge("dev").outcome,
        before={**FAMILY, **DEV},
        after={"main:orders": DEV["dev:orders"], "main:lines": DEV["dev:lines"], **DEV},
    ),
    "a revert": Story(a_merge, _reverting, before=MERGED, after=MORE),
    "the first promotion": Story(
        two_orders, lambda project, _: project.promote().outcome,
        before=ON_MAIN, after={**ON_MAIN, "production:orders": O12},
    ),
    "a promotion": Story(
        promoted, lambda project, _: project.promote().outcome,
        before={**THREE, "production:orders": O12}, after={**THREE, "production:orders": O123},
    ),
    "a refused promotion": Story(
        promoted, _refused,
        before={**THREE, "production:orders": O12}, after={**THREE, "production:orders": O12},
    ),
    "a rollback": Story(
        promoted_twice, lambda project, _: project.rollback().outcome,
        before={**THREE, "production:orders": O123}, after={**THREE, "production:orders": O12}, again=False,
    ),
    "a replay of mended rows": Story(
        a_quarantine, _replaying, before=ON_MAIN, after={"main:orders": [*O123, (4, 40)]}
    ),
    "a replay of the good rows": Story(
        a_quarantine, _replaying_rows, before=ON_MAIN, after=THREE, quarantines=1,
    ),
    "a recovery": Story(
        a_death, lambda project, _: project.recover(), before=ON_MAIN, after=THREE, quarantines=1
    ),
}  # fmt: skip
