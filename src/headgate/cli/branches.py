"""`headgate branch`: create, list, delete, prune."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, say, table
from headgate.model.errors import WrongUse

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser

_AGE = re.compile(r"\A(\d{1,6})\s*([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def create(parser: Parser) -> None:
    parser.tell(
        "A new branch: a name for a commit that moves with what is loaded onto it. Copies nothing.",
        "headgate branch create feature",
        "headgate branch create fix --from production",
    )
    parser.add_argument("name", metavar="NAME", help="letters, digits, '.', '_', '-', and '/' between parts")
    parser.add_argument("--from", dest="from_", metavar="REF", default="main", help="where it starts (main)")
    parser.runs(_create)


def _create(args: Args) -> Answer:
    made = project_of(args).branch(args.name, args.from_)
    return Answer(wire.branch(made), lambda _: say(f"branch {made.name} at {made.head[:12]}"))


def list_(parser: Parser) -> None:
    parser.tell("All branches, and the commit each is at.", "headgate branch list")
    parser.runs(_list)


def _list(args: Args) -> Answer:
    found = [r for r in project_of(args).ports.store.refs() if r.kind == "branch"]

    def show(screen: Screen) -> None:
        rows = [(r.name, r.head[:12], "protected" if r.protected else "") for r in found]
        table(screen, ("branch", "commit", ""), rows)

    return Answer({"branches": [wire.branch(r) for r in found]}, show)


def delete(parser: Parser) -> None:
    parser.tell(
        "Take a branch away. Its commits stay; main, protected branches and those of open runs are refused.",
        "headgate branch delete feature",
    )
    parser.add_argument("name", metavar="NAME", help="a branch")
    parser.runs(_delete)


def _delete(args: Args) -> Answer:
    gone = project_of(args).delete_branch(args.name)
    return Answer(
        wire.branch(gone), lambda _: say(f"deleted branch {gone.name}, which was at {gone.head[:12]}")
    )


def prune(parser: Parser) -> None:
    parser.tell(
        "Delete branches that have not moved for longer than AGE, such as those of loads that failed.",
        "headgate branch prune --older 30d",
    )
    parser.add_argument("--older", metavar="AGE", required=True, help="such as 30d, 12h, 90m")
    parser.runs(_prune)


def _prune(args: Args) -> Answer:
    gone = project_of(args).prune_branches(age(args.older))

    def show(_: Screen) -> None:
        for name in gone:
            say(f"deleted branch {name}")
        if not gone:
            say("no branch is that old")

    return Answer({"pruned": list(gone)}, show)


def age(text: str) -> timedelta:
    """``30d``, ``12h``. Raises WrongUse."""
    found = _AGE.match(text.strip())
    if not found:
        raise WrongUse(
            f"{text!r} is not an age", hint="write a number and s, m, h, d or w: 30d", place="--older"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
