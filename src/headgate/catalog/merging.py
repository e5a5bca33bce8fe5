"""Three-way merge of trees, key by key. What a change means inside one table is judged above (publishing, flow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.names import CommitId, Key
from headgate.model.run import Conflict
from headgate.model.tree import DocumentEntry, Entry, TableEntry, Tree


@dataclass(frozen=True, slots=True)
class BothChanged:
    """One key that both sides changed, and not to the same. None is absence."""

    key: Key
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


@dataclass(frozen=True, slots=True)
class Merged:
    """``changes``: what ours must take over from theirs. ``both_changed``: what cannot be decided by key."""

    changes: Mapping[Key, Entry | None]
    both_changed: tuple[BothChanged, ...]


def merge_trees(base: Tree, ours: Tree, theirs: Tree) -> Merged:
    """For each key (b, o, t; absence is a value, too):

    =====================  ===========================
    t = b                  ours stays
    o = b                  theirs is taken
    o = t                  both did the same: ours stays
    else                   both changed it
    =====================  ===========================
    """
    changes: dict[Key, Entry | None] = {}
    both: list[BothChanged] = []
    for key in sorted(base.entries.keys() | ours.entries.keys() | theirs.entries.keys()):
        b, o, t = base.get(key), ours.get(key), theirs.get(key)
        if t in (b, o):
            continue
        if o == b:
            changes[key] = t
        else:
            both.append(BothChanged(key, b, o, t))
    return Merged(changes, tuple(both))


def conflict(both: BothChanged, rival: CommitId | None) -> Conflict:
    """The evidence: what each side did to the key; ``rival`` is the commit that came first on the target."""
    return Conflict(both.key, _did(both.base, both.ours), _did(both.base, both.theirs), rival)


def _did(old: Entry | None, new: Entry | None) -> str:
    match old, new:
        case None, _:
            return "created it"
        case _, None:
            return "removed it"
        case TableEntry(uuid=was), TableEntry(uuid=now) if was != now:
            return "removed it and created another"
        case TableEntry(), TableEntry():
            return "changed its rows or columns"
        case DocumentEntry(), DocumentEntry():
            return "changed the document"
        case _:
            return "made it something else"
