"""`headgate merge`, `headgate revert`: whole changes, checked and published like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import show_failures
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, harmless, painted, say
from headgate.cli.telling import short

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.flow.merge import MergeResult


def merge(parser: Parser) -> None:
    parser.tell(
        "Bring the changes of SOURCE onto TARGET: by moving its pointer, or three-way per table. Tables that both "
        "sides appended to are merged; what does not go together is a conflict (exit code 1), told with its rival. "
        "The merged result is checked before it is published.",
        "headgate merge feature",
        "headgate merge feature staging",
    )
    parser.add_argument("source", metavar="SOURCE", help="a branch, tag or commit")
    parser.add_argument("target", metavar="TARGET", nargs="?", default="main", help="a branch (main)")
    _allow(parser)
    parser.runs(_merge)


def revert(parser: Parser) -> None:
    parser.tell(
        "Undo everything that one publish changed, on top of what came later. What it delivered may then come again.",
        "headgate revert 3f2a9c1d",
        "headgate revert r01JD... --on staging",
    )
    parser.add_argument("what", metavar="WHAT", help="the commit, or the batch or run that published it")
    parser.add_argument("--on", metavar="BRANCH", default="main", help="the branch (main)")
    _allow(parser)
    parser.runs(_revert)


def _allow(parser: Parser) -> None:
    parser.add_argument(
        "--allow-unexecuted",
        metavar="RULE",
        action="append",
        default=[],
        help="publish although this rule cannot be executed here; may be repeated",
    )


def _merge(args: Args) -> Answer:
    with busy(f"merging {args.source}", quiet=args.json):
        result = project_of(args).merge(args.source, args.target, allow_unexecuted=args.allow_unexecuted)
    return _answer(result, frozenset(args.allow_unexecuted))


def _revert(args: Args) -> Answer:
    with busy(f"reverting {args.what}", quiet=args.json):
        result = project_of(args).revert(args.what, args.on, allow_unexecuted=args.allow_unexecuted)
    return _answer(result, frozenset(args.allow_unexecuted))


def _answer(result: MergeResult, allowed: frozenset[str]) -> Answer:
    def show(screen: Screen) -> None:
        show_failures(screen, result.findings, allowed)
        outcome = painted(screen, result.outcome)
        if result.to is not None:
            say(f"{outcome}: {harmless(short(result.source))}; {result.target} is at {result.to[:12]}")
            return
        why = f": {harmless(result.why)}" if result.why else ""
        say(f"{outcome}{why}; {result.target} stays at {result.before[:12]}")
        for each in result.conflicts:
            rival = f", last by commit {each.rival[:12]}" if each.rival else ""
            say(
                f"  {each.key}: {result.target} {each.ours}{rival}; {harmless(short(result.source))} {each.theirs}"
            )

    return Answer(wire.moved(result), show, 1 if result.outcome in {"refused", "conflict"} else 0)
