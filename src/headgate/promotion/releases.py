"""Which colour is idle, what is shown, and what a rollback goes back to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headgate.model.commit import Ref, Release
from headgate.model.environment import Environment
from headgate.model.names import CommitId, RefName


def idle(environment: Environment, alias: Ref | None) -> RefName:
    """The colour that readers do not see; blue before the first promotion."""
    blue, green = environment.colours
    return green if alias is not None and alias.head == blue else blue


def shown(releases: Sequence[Release]) -> Release | None:
    """The promotion that readers see now. ``releases`` oldest first."""
    if not releases:
        return None
    return next(r for r in releases if r.id == releases[-1].shows)


def before(releases: Sequence[Release]) -> Release | None:
    """The promotion that readers saw before the one now shown was promoted; None if there is none.

    Each promotion remembers what it took the place of, so a release that was rolled back is not gone back to by
    the next rollback: it was left for a reason.
    """
    now = shown(releases)
    return next((r for r in releases if now is not None and r.id == now.before), None)


def promotion(
    environment: Environment, releases: Sequence[Release], commit: CommitId, branch: RefName, at: datetime
) -> Release:
    """The next release."""
    id = releases[-1].id + 1 if releases else 1
    now = shown(releases)
    return Release(id, environment.name, "promotion", commit, branch, now.id if now else None, id, at)


def rollback(releases: Sequence[Release], to: Release, branch: RefName, at: datetime) -> Release:
    """The record of going back to ``to``."""
    last = releases[-1]
    return Release(last.id + 1, last.environment, "rollback", to.commit, branch, to.before, to.id, at)
