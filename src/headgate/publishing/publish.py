"""`publish`: the one way for data to become visible on a ref."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headgate.catalog.telling import telling
from headgate.model.change import Changes, Done, RefChange, RefIs, Refused, Requirement, Unknown
from headgate.model.commit import Commit, Ref
from headgate.model.errors import OutcomeUnknown
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Store


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that is to become the head of ``target``, where ``target`` is the ref as it was seen.

    ``changes`` is everything that is written with the switch: nodes, commit, batch rows, run, events.
    """

    commit: Commit
    target: Ref
    changes: Changes
    requires: tuple[Requirement, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    commit: Commit


@dataclass(frozen=True, slots=True)
class Withheld:
    """The verdict does not pass, or the store's guard says no. Nothing was written."""

    why: str
    because: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """Somebody else moved the target, or ended the run, first: merge and check again. Nothing was written."""

    requirement: Requirement


def publish(candidate: Candidate, verdict: Verdict, store: Store) -> Published | Withheld | Lost:
    """Move the target to the candidate, if ``verdict`` passes and is about exactly its tree.

    Raises OutcomeUnknown if the database did not answer.
    """
    if verdict.root != candidate.commit.root:
        return Withheld(f"the verdict is about tree {verdict.root}, not about {candidate.commit.root}")
    if not verdict.passed:
        first = verdict.blocking[0]
        return Withheld(f"{first.rule}: {first.message}", verdict.blocking)
    move = RefChange(candidate.target.name, candidate.commit.id, reason=candidate.reason)
    seen = RefIs(candidate.target.name, candidate.target.head, candidate.target.gen)
    changes = replace(candidate.changes, refs=(move, *candidate.changes.refs))
    requires = (seen, *candidate.requires)
    match store.commit(telling(changes, requires), requires):
        case Done():
            return Published(candidate.commit)
        case Refused(why, None):
            return Withheld(why)
        case Refused(_, requirement):
            assert requirement is not None
            return Lost(requirement)
        case Unknown(why):
            raise OutcomeUnknown(
                f"the database did not say whether {candidate.target.name} moved: {why}",
                hint="run `headgate recover`, which looks it up",
                place=candidate.target.name,
            )
