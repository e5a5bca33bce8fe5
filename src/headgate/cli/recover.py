"""`headgate recover`: finish or undo what a killed process left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli.answer import Answer
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, say

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser


def recover(parser: Parser) -> None:
    parser.tell(
        "Bring every run whose process died to its end: finished if all of it was on disk, else undone, as if it had "
        "never begun. Runs that are under way are left alone. Safe at any time.",
        "headgate recover",
    )
    parser.runs(_recover)


def _recover(args: Args) -> Answer:
    with busy("recovering", quiet=args.json):
        done = project_of(args).recover()

    def show(_: Screen) -> None:
        for what, runs in (("finished", done.finished), ("undone", done.aborted)):
            for run in runs:
                say(f"{what} {run}")
        if not done.finished and not done.aborted:
            say("nothing to recover")

    return Answer({"finished": list(done.finished), "aborted": list(done.aborted)}, show)
