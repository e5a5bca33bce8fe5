"""`headgate log`, `headgate diff`, `headgate events`: what changed, and what happened."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headgate.cli import wire
from headgate.cli.answer import Answer, Following
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, harmless, painted, say, table
from headgate.cli.telling import sentence, short
from headgate.model.errors import WrongUse
from headgate.model.tree import Entry, TableEntry

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.event import Event
    from headgate.model.tree import Delta
    from headgate.project import Project


def log(parser: Parser) -> None:
    parser.tell(
        "The commits of a branch, tag, environment or commit, newest first.",
        "headgate log",
        "headgate log production -n 5",
    )
    parser.add_argument("ref", metavar="REF", nargs="?", default="main", help="where to start (main)")
    parser.add_argument("-n", metavar="N", type=int, default=20, help="how many (20)")
    parser.runs(_log)


def _log(args: Args) -> Answer:
    if args.n < 1:
        raise WrongUse("-n wants a number from 1", hint="leave it out for 20", place="-n")
    found = project_of(args).log(args.ref, args.n)

    def show(screen: Screen) -> None:
        rows = [(c.id[:12], f"{c.at:%Y-%m-%d %H:%M}", c.author, c.message) for c in found]
        table(screen, ("commit", "at (UTC)", "author", "message"), rows)

    return Answer({"ref": args.ref, "commits": [wire.commit(c) for c in found]}, show)


def diff(parser: Parser) -> None:
    parser.tell(
        "How A becomes B: the tables and contracts that differ between two branches, tags, environments or commits.",
        "headgate diff production main",
    )
    parser.add_argument("a", metavar="A", help="branch, tag, environment or commit")
    parser.add_argument("b", metavar="B", help="branch, tag, environment or commit")
    parser.runs(_diff)


def _diff(args: Args) -> Answer:
    project = project_of(args)
    one, other = project.resolve(args.a), project.resolve(args.b)
    changes = changes_of(project, project.diff(one, other))

    def show(screen: Screen) -> None:
        show_changes(screen, changes)
        if not changes:
            say(f"no difference: {harmless(args.a)} and {harmless(args.b)} hold the same")

    return Answer({"from": one, "to": other, "changes": changes}, show)


def changes_of(project: Project, deltas: tuple[Delta, ...]) -> list[dict[str, Any]]:
    """``key``, ``change`` (added, removed, changed) and both sides; a table's side counts its rows."""
    return [
        {
            "key": d.key,
            "change": "added" if d.old is None else "removed" if d.new is None else "changed",
            "old": _side(project, d.old),
            "new": _side(project, d.new),
        }
        for d in deltas
    ]


def _side(project: Project, entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    if isinstance(entry, TableEntry):
        return {"rows": project.ports.lake.rows(entry), "pointer": entry.pointer}
    return {"digest": entry.digest}


def show_changes(screen: Screen, changes: list[dict[str, Any]]) -> None:
    for each in changes:
        old, new = each["old"] or {}, each["new"] or {}
        rows = ""
        if "rows" in old or "rows" in new:
            before, after = old.get("rows", 0), new.get("rows", 0)
            rows = f"  {before:,} -> {after:,} rows ({after - before:+,})"
        say(f"{painted(screen, each['change'], 'bold')}  {harmless(each['key'])}{rows}")


def events(parser: Parser) -> None:
    parser.tell(
        "What happened, oldest first: every change of the project is told in the same transaction that makes it. "
        "--follow goes on as it happens, until you stop it; under --json, one line each.",
        "headgate events --limit 10",
        "headgate events --follow --json",
    )
    parser.add_argument(
        "--after", metavar="N", type=int, default=0, help="only events with a greater number (0)"
    )
    parser.add_argument("--limit", metavar="N", type=int, default=1000, help="at most so many (1000)")
    parser.add_argument("--follow", action="store_true", help="go on as things happen")
    parser.runs(_events)


def _events(args: Args) -> Answer | Following:
    if args.limit < 1 or args.after < 0:
        raise WrongUse("--after counts from 0 and --limit from 1", hint="leave them out", place="events")
    project = project_of(args)
    if args.follow:
        return Following(_told(project.follow(args.after)))
    found = project.events(args.after, args.limit)

    def show(screen: Screen) -> None:
        for each in found:
            _show_event(screen, each)

    return Answer({"events": [wire.event(e) for e in found]}, show)


def _told(events: Iterator[Event]) -> Iterator[Answer]:
    for each in events:

        def show(screen: Screen, event: Event = each) -> None:
            _show_event(screen, event)

        yield Answer(wire.event(each), show)


def _show_event(screen: Screen, event: Event) -> None:
    told = f"{event.offset:>5}  {event.at:%Y-%m-%d %H:%M:%S}  {harmless(short(wire.subject(event.subject)))}"
    said = harmless(sentence(event))
    if not screen.terminal or len(told) + len(said) + 2 <= screen.width:
        say(f"{told}  {said}")
        return
    say(told)  # below one another: a sentence that is broken in the middle of a table cannot be read
    for line in textwrap.wrap(said, max(40, screen.width - 7)):
        say(f"       {line}")
