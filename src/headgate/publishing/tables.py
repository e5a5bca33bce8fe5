"""One table that both sides changed: what a three-way merge of its files comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headgate.model.tree import TableEntry
from headgate.ports import Lake


@dataclass(frozen=True, slots=True)
class FileChange:
    """Which data files a change added and removed. Read from the two file lists themselves: metadata files are
    immutable and kept, so this holds whatever snapshots were expired from them.
    """

    added: frozenset[str]
    removed: frozenset[str]


def file_change(lake: Lake, old: TableEntry | None, new: TableEntry | None) -> FileChange:
    was = {f.path for f in lake.files(old)} if old else set[str]()
    now = {f.path for f in lake.files(new)} if new else set[str]()
    return FileChange(frozenset(now - was), frozenset(was - now))


@dataclass(frozen=True, slots=True)
class Unmergeable:
    """Why two changes of one table do not merge, in words for both sides."""

    ours: str
    theirs: str


def merge_table(
    lake: Lake, base: TableEntry | None, ours: TableEntry | None, theirs: TableEntry | None
) -> TableEntry | Unmergeable:
    """The table with both changes, where they go together.

    - the same files on both sides: ours stays;
    - both only appended: the source's files are appended again to ours, without copying;
    - else a conflict. Deliberately so also for a rewrite against an append of other rows: whether the rewrite
      would have touched the appended rows cannot be seen in the files (write skew), so a person decides.
    """
    if ours is None or theirs is None:
        return Unmergeable(_did(ours), _did(theirs))
    if ours.uuid != theirs.uuid or (base is not None and base.uuid != ours.uuid):
        return Unmergeable("created a table of this name", "created another table of this name")
    mine, other = file_change(lake, base, ours), file_change(lake, base, theirs)
    if mine == other and lake.compatible(ours, theirs):
        return ours
    if mine.removed or other.removed:
        return Unmergeable(_words(mine), _words(other))
    if not lake.compatible(ours, theirs):
        return Unmergeable("has these columns", "has other columns")
    if not other.added:
        return ours
    return lake.append(ours, lake.adopt(ours, other.added, theirs))


def undo_table(
    lake: Lake, before: TableEntry | None, change: TableEntry | None, now: TableEntry | None
) -> TableEntry | Unmergeable | Literal["untouched"] | None:
    """``now`` without what turned ``before`` into ``change``. None: the table goes.

    A rewrite can only be undone while nothing came after it; appended files can be taken out again as long as
    all of them are still there.
    """
    if now == change:
        return before
    if change is None or now is None:
        return Unmergeable(_did(now), _did(change))
    did = file_change(lake, before, change)
    if not did.added and not did.removed:
        return "untouched"
    later = file_change(lake, change, now)
    if did.removed or later.removed & did.added or now.uuid != change.uuid:
        return Unmergeable(_words(later), _words(did))
    return lake.rewrite(now, lake.adopt(now, (), change), did.added)


def _words(change: FileChange) -> str:
    if change.removed and change.added:
        return f"rewrote it: {len(change.removed)} files replaced by {len(change.added)}"
    if change.removed:
        return f"removed {len(change.removed)} of its files"
    return f"appended {len(change.added)} files" if change.added else "changed its columns"


def _did(entry: TableEntry | None) -> str:
    return "removed it" if entry is None else "changed it"
