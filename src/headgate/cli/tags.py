"""`headgate tag`: create, list, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, say, table

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser


def create(parser: Parser) -> None:
    parser.tell(
        "A name for a commit that never moves: for as long as it exists, it names that very state.",
        "headgate tag create v1",
        "headgate tag create audit-2026 production",
    )
    parser.add_argument("name", metavar="NAME", help="letters, digits, '.', '_', '-', and '/' between parts")
    parser.add_argument("ref", metavar="REF", nargs="?", default="main", help="what it names (main)")
    parser.runs(_create)


def _create(args: Args) -> Answer:
    made = project_of(args).tag(args.name, args.ref)
    return Answer(wire.tag(made), lambda _: say(f"tag {made.name} at {made.head[:12]}"))


def list_(parser: Parser) -> None:
    parser.tell("All tags, and the commit each names.", "headgate tag list")
    parser.runs(_list)


def _list(args: Args) -> Answer:
    found = [r for r in project_of(args).ports.store.refs() if r.kind == "tag"]

    def show(screen: Screen) -> None:
        if found:
            table(screen, ("tag", "commit"), [(r.name, r.head[:12]) for r in found])
        else:
            say("there are no tags")

    return Answer({"tags": [wire.tag(r) for r in found]}, show)


def delete(parser: Parser) -> None:
    parser.tell("Take a tag away. The commit stays.", "headgate tag delete v1")
    parser.add_argument("name", metavar="NAME", help="a tag")
    parser.runs(_delete)


def _delete(args: Args) -> Answer:
    gone = project_of(args).delete_tag(args.name)
    return Answer(wire.tag(gone), lambda _: say(f"deleted tag {gone.name}, which was at {gone.head[:12]}"))
