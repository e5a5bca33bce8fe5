"""One error tree. Bad data is a returned verdict; only bad programs and bad surroundings raise.

    HeadgateError
    |- CheckFailed          exit 1   only where a caller asked for an exception: `Checked.raise_for_failure`
    |- WrongUse             exit 2   the call itself cannot be meant
    |  |- ContractUnusable           a contract that is not YAML, not ODCS, or contradicts itself
    |  `- BatchMismatch              the same --batch with other bytes
    |- NotThere             exit 3   a file, table, ref, run, batch ... that cannot be found
    |- Unreadable           exit 3   it is there, but cannot be read as what it should be
    |- Unavailable          exit 3   the surroundings refuse: locked, read-only, disk full, moved, newer
    |- OutcomeUnknown       exit 4   a write was sent and no answer came back
    `- Bug                  exit 4   ours; please report

Every leaf carries ``kind`` (stable, for programs), ``message`` (what), ``place`` (where) and ``hint``
(the way out). `EXIT_CODES` is the one table from class to exit code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HeadgateError(Exception):
    """Root of the tree. Never raised itself.

    Args:
        message: what happened, one sentence, no trailing period needed.
        hint: the way out, one sentence.
        place: where: a path, ``path:line``, a table, a ref, a key in a document. May be empty.
    """

    kind = "error"

    def __init__(self, message: str, *, hint: str, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message} ({self.hint})"


class CheckFailed(HeadgateError):
    """The data did not pass, and the caller asked to have that raised."""

    kind = "check_failed"


class WrongUse(HeadgateError):
    """The call cannot be meant: options that exclude each other, a name that is no name."""

    kind = "wrong_use"


class ContractUnusable(WrongUse):
    """No verdict can be formed with this contract.

    Args:
        at: the path within the document, where it is known.
        also: what else is wrong with it, where that was looked for.
    """

    kind = "contract_unusable"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        place: str = "",
        at: tuple[str | int, ...] = (),
        also: tuple[ContractUnusable, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, place=place)
        self.at = at
        self.also = also


class BatchMismatch(WrongUse):
    """A batch id was delivered before, with other bytes."""

    kind = "batch_mismatch"

    @classmethod
    def of(cls, batch: str, table: str) -> BatchMismatch:
        return cls(
            f"batch {batch!r} was delivered to {table} before, with other objects",
            hint="use another --batch, or --again to deliver it anew",
            place=table,
        )


class NotThere(HeadgateError):
    """Something named does not exist."""

    kind = "not_there"

    @classmethod
    def among(cls, noun: str, name: str, known: Iterable[str], hint: str = "") -> NotThere:
        """An unknown ``name`` of a ``noun``, with the closest known ones as the way out."""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]
        said = hint or (f"there is {', '.join(close)}" if close else f"there is no {noun} yet")
        return cls(f"no {noun} {name!r}", hint=said, place=name)


class Unreadable(HeadgateError):
    """It exists, but it cannot be read as what it was said to be."""

    kind = "unreadable"


class Unavailable(HeadgateError):
    """The surroundings refuse: locked, read-only, full, moved, or from a newer version."""

    kind = "unavailable"


class OutcomeUnknown(HeadgateError):
    """A write was sent and its outcome is not known: look it up, never retry blindly."""

    kind = "outcome_unknown"


class Bug(HeadgateError):
    """A state that our own code rules out."""

    kind = "bug"

    def __init__(
        self, message: str, *, hint: str = "please report it with this message", place: str = ""
    ) -> None:
        super().__init__(message, hint=hint, place=place)


EXIT_DONE = 0
EXIT_REFUSED = 1
EXIT_CODES: dict[type[HeadgateError], int] = {
    CheckFailed: 1,
    WrongUse: 2,
    ContractUnusable: 2,
    BatchMismatch: 2,
    NotThere: 3,
    Unreadable: 3,
    Unavailable: 3,
    OutcomeUnknown: 4,
    Bug: 4,
}


def exit_code(error: HeadgateError) -> int:
    """The documented exit code of an error."""
    return EXIT_CODES[type(error)]
