"""`headgate init`: a project in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli.answer import Answer
from headgate.cli.screen import Screen, say

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser


def init(parser: Parser) -> None:
    parser.tell(
        "Make a project in a folder: headgate.toml for you to edit, and .headgate/ with the catalog and the data. "
        "Asks nothing; a project that is there already stays as it is.",
        "headgate init shop",
    )
    parser.add_argument("path", metavar="PATH", nargs="?", default=None, help="the folder (made if need be)")
    parser.runs(_init)


def _init(args: Args) -> Answer:
    from headgate.project import initialise

    made = initialise(args.path or args.project or ".")

    def show(_: Screen) -> None:
        if not made.created:
            say(f"there is a project in {made.root} already; nothing was changed")
            return
        say(f"made a project in {made.root}")
        say("next, from inside it:")
        say("  headgate contract infer DATA.csv > contract.yaml")
        say("  headgate load TABLE DATA.csv --contract contract.yaml")

    return Answer({"root": str(made.root), "created": made.created}, show)
