"""Which colour is idle, what is shown, and what a rollback goes back to. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from headgate.model.commit import Ref, Release
from headgate.model.environment import Environment
from headgate.model.names import CommitId, RefName


def idle(environment: Environment, alias: Ref | None) -> RefName:
    """The colour that readers do not see; blue before the first promotion."""
    blue, green = environment.colours
    return green if alias is not None and alias.head == blue else blue


Find = Callable[[int | None], Release | None]  # a release by its number; None is the newest


def shown(find: Find) -> Release | None:
    """The promotion that readers see now."""
    last = find(None)
    return find(last.shows) if last else None


def before(find: Find) -> Release | None:
    """The promotion that readers saw before the one now shown was promoted; None if there is none.

    Each promotion remembers what it took the place of, so a release that was rolled back is not gone back to by
    the next rollback: it was left for a reason.
    """
    now = shown(find)
    return find(now.before) if now and now.before is not None else None


def promotion(
    environment: Environment, find: Find, commit: CommitId, branch: RefName, at: datetime
) -> Release:
    """The next release."""
    last, now = find(None), shown(find)
    id = last.id + 1 if last else 1
    return Release(id, environment.name, "promotion", commit, branch, now.id if now else None, id, at)


def rollback(last: Release, to: Release, branch: RefName, at: datetime) -> Release:
    """The record of going back to ``to``; ``last`` is the newest record."""
    return Release(last.id + 1, last.environment, "rollback", to.commit, branch, to.before, to.id, at)
