"""What readers must see, by plain dictionaries, counters and lists: no files, snapshots, commits or SQL.

A branch is a list of entries, each of them a publish set: rows that it added to and took from tables, and the
objects that were delivered with it. What is undone stays in the list, marked. Everything else is counted anew
from that list, each time it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Row = tuple[Any, ...]
Rows = Counter[Row]
Mode = Literal["append", "merge", "replace"]
Tables = dict[str, Rows]

KEYED = {"orders"}  # the first column is the key
MAX_SHARE = 0.5  # of rows that may go to quarantine: the contracts say so


@dataclass(frozen=True)
class File:
    """Rows under a name. Two with the same rows are the same object."""

    table: str
    name: str
    rows: tuple[Row, ...]

    @property
    def object(self) -> tuple[str, tuple[Row, ...]]:
        return self.table, self.rows


Object = tuple[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Entry:
    """One publish set. ``mode`` of a load; None for merges and reverts. ``subs``: what a merge brought."""

    commit: str
    added: Tables
    removed: Tables
    mode: Mode | None = None
    objects: frozenset[Object] = frozenset()
    subs: list[Entry] = field(default_factory=list)
    reverts: str | None = None

    def touches(self, table: str) -> bool:
        return bool(self.added.get(table) or self.removed.get(table))

    def rewrites(self, table: str) -> bool:
        """It may have replaced data files, whatever became of the rows."""
        if self.subs:
            return any(s.rewrites(table) for s in self.subs)
        return bool(self.removed.get(table)) or (self.mode != "append" and self.touches(table))


@dataclass
class Judgement:
    """What a load must come to. ``files``: those that were not there already."""

    outcome: Literal["published", "published_partial", "quarantined", "duplicate"]
    good: Rows = field(default_factory=Rows)
    replaced: Rows = field(default_factory=Rows)
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)  # in, good, quarantined, deduplicated
    objects: frozenset[Object] = frozenset()
    files: tuple[File, ...] = ()


@dataclass
class Branch:
    entries: list[Entry] = field(default_factory=list)

    def fork(self) -> Branch:
        return Branch([*self.entries])

    @property
    def undone(self) -> set[str]:
        """Commits of entries that a revert took back; a revert that was itself reverted takes nothing back."""
        found: set[str] = set()
        for entry in reversed(self.entries):
            if entry.reverts is not None and entry.commit not in found:
                found.add(entry.reverts)
        return found

    def tables(self) -> Tables:
        """The rows as they add up over all entries (a revert is an entry, too)."""
        found: Tables = {}
        for entry in self.entries:
            for table in {*entry.added, *entry.removed}:
                rows = found.setdefault(table, Rows())
                rows -= entry.removed.get(table, Rows())
                rows += entry.added.get(table, Rows())
        return found

    def loads(self) -> Iterator[Entry]:
        """Loads in effect, those that a merge brought included, oldest first."""
        undone = self.undone
        for entry in self.entries:
            if entry.commit not in undone:
                yield from entry.subs
                if entry.mode is not None:
                    yield entry

    def delivered(self, table: str) -> set[Object]:
        """Objects in effect: a replacement takes those before it out."""
        found: set[Object] = set()
        for load in self.loads():
            mine = {o for o in load.objects if o[0] == table}
            found = mine if load.mode == "replace" and mine else found | mine
        return found

    def last_is(self, table: str, objects: frozenset[Object]) -> bool:
        """True if the last load of the table is a replacement by exactly these."""
        mine = [e for e in self.loads() if any(o[0] == table for o in e.objects)]
        return bool(mine) and mine[-1].mode == "replace" and mine[-1].objects == objects

    def judge(
        self, files: Sequence[File], mode: Mode, *, rows_may_go: bool, again: bool = False
    ) -> Judgement:
        """What loading them comes to, as things are."""
        table = files[0].table
        objects = frozenset(f.object for f in files)
        if not again:
            if mode == "replace" and self.last_is(table, objects):
                return Judgement("duplicate")
            if mode != "replace":
                known = self.delivered(table)
                files = [f for f in files if f.object not in known]
                if not files:
                    return Judgement("duplicate")
        rows = [row for f in files for row in f.rows]
        new = frozenset(f.object for f in files)
        now = self.tables()
        held = now.get(table, Rows()) if mode != "replace" else Rows()
        kept, deduplicated = list(rows), 0
        if table in KEYED:
            kept = list(dict.fromkeys(row for row in rows if not held[row]))
            deduplicated = len(rows) - len(kept)
        bad = [row for row in kept if self._bad(table, row, kept, held, mode, now)]
        good = Rows(row for row in kept if row not in bad)
        whole = Judgement("quarantined", counts=(len(rows), 0, len(rows), 0), objects=new, files=tuple(files))
        if bad and (not rows_may_go or len(bad) > MAX_SHARE * len(rows)):
            return whole
        replaced = Rows()
        if mode == "replace":
            replaced = now.get(table, Rows())
        elif mode == "merge":
            keys = {row[0] for row in good}
            replaced = Rows({row: n for row, n in held.items() if row[0] in keys})
        after = {**now, table: now.get(table, Rows()) - replaced + good}
        if orphans(after):
            return whole  # no delivered row is to blame
        counts = len(rows), sum(good.values()), len(bad), deduplicated
        return Judgement(
            "published_partial" if bad else "published", good, replaced, counts, new, tuple(files)
        )

    def _bad(self, table: str, row: Row, rows: Sequence[Row], held: Rows, mode: Mode, now: Tables) -> bool:
        if table == "log":
            return bool(row[0] == "")
        if table == "lines":
            return not any(row[1] == order[0] for order in now.get("orders", Rows()))
        differing = any(other != row and other[0] == row[0] for other in rows)
        meets = mode == "append" and any(other[0] == row[0] for other in held)
        negative: bool = row[1] < 0
        return negative or differing or meets


def orphans(tables: Mapping[str, Rows]) -> set[int]:
    """Orders that lines refer to and that are not there."""
    return {row[1] for row in tables.get("lines", Rows())} - {row[0] for row in tables.get("orders", Rows())}


def doubled(tables: Mapping[str, Rows]) -> bool:
    keys = Counter(row[0] for row in tables.get("orders", Rows()).elements())
    return any(n > 1 for n in keys.values())


# -- merge and revert ---------------------------------------------------------------------------------------


@dataclass
class Move:
    """What a merge or a revert may come to; ``entry`` is what it publishes, if it does."""

    outcomes: set[str]
    added: Tables = field(default_factory=dict)
    removed: Tables = field(default_factory=dict)


def merged(ours: Branch, theirs: Branch, shared: int) -> Move:
    """``theirs`` into ``ours``, which share their first entries."""
    mine, other = ours.entries[shared:], theirs.entries[shared:]
    if not other:
        return Move({"unchanged"})
    added, removed = _total(other)
    if not mine:
        return Move({"merged"}, added, removed)
    both = [t for t in tables_of(other) if any(e.touches(t) for e in mine)]
    here, there = list(ours.loads()), list(theirs.loads())  # in effect on one side alone:
    one = {o for e in here if e not in there for o in e.objects}
    two = {o for e in there if e not in here for o in e.objects}
    after = _after(ours.tables(), added, removed)
    if any(o[0] in both for o in one & two):
        right = "conflict"
    else:
        right = "refused" if orphans(after) or doubled(after) else "merged"
    rewriting = [e for e in (*mine, *other) if any(e.rewrites(t) for t in both)]
    if not rewriting:
        return Move({right}, added, removed)
    # After a revert the files may be as they were; a merge by key may have met none of them.
    surely = any(e.removed.get(t) for e in rewriting for t in both) and not any(e.reverts for e in mine)
    return Move({"conflict"} if surely else {"conflict", right}, added, removed)


def reverted(branch: Branch, entry: Entry) -> Move:
    """``entry`` taken out again, under what came later."""
    later = branch.entries[branch.entries.index(entry) + 1 :]
    tables = tables_of([entry])
    if not tables:
        return Move({"unchanged"})
    after = _after(branch.tables(), entry.removed, entry.added)
    rewritten = [t for t in tables if any(e.rewrites(t) for e in later)]
    covered = [t for t in tables if entry.rewrites(t) and any(e.touches(t) for e in later)]
    if (
        rewritten or covered
    ):  # a rewrite may have spared the files in question: then it goes, and must be right
        return Move({"conflict", "refused", "reverted"}, entry.removed, entry.added)
    if orphans(after) or doubled(after):
        return Move({"refused"})
    return Move({"reverted"}, entry.removed, entry.added)


def tables_of(entries: Sequence[Entry]) -> list[str]:
    return sorted({t for e in entries for t in {*e.added, *e.removed} if e.touches(t)})


def _total(entries: Sequence[Entry]) -> tuple[Tables, Tables]:
    """What several entries come to together."""
    added: Tables = {}
    removed: Tables = {}
    for table in tables_of(entries):
        net = Rows()
        for entry in entries:
            net.update(entry.added.get(table, Rows()))
            net.subtract(entry.removed.get(table, Rows()))
        added[table], removed[table] = +net, -net
    return added, removed


def _after(tables: Tables, added: Tables, removed: Tables) -> Tables:
    found = {t: Rows(rows) for t, rows in tables.items()}
    for table in {*added, *removed}:
        found[table] = found.get(table, Rows()) - removed.get(table, Rows()) + added.get(table, Rows())
    return found
