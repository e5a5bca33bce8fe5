"""What events tell of refs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.model.change import Changes, RefIs, Requirement
from headgate.model.event import Json


def telling(changes: Changes, requires: Sequence[Requirement]) -> Changes:
    """The same changes, their first event telling how each ref moves: ``refs`` is {name: [old head, new head]}.

    Every transaction that moves refs goes through here, so that the refs of any moment can be rebuilt from events.
    """
    if not changes.refs or not changes.events:
        return changes
    was = {r.name: r.head for r in requires if isinstance(r, RefIs)}
    moves: dict[str, Json] = {c.name: [was.get(c.name), c.head] for c in changes.refs}
    first, *rest = changes.events
    return replace(changes, events=(replace(first, data={**first.data, "refs": moves}), *rest))
