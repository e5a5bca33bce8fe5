"""`headgate promote`, `headgate rollback`: what readers of an environment see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import show_failures, tally
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, harmless, painted, say

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.flow.promote import PromoteResult


def promote(parser: Parser) -> None:
    parser.tell(
        "Put a commit on the environment's idle colour, check it there as readers read it, and switch. If the smoke "
        "checks refuse it, readers go on seeing what they saw; exit code 1.",
        "headgate promote production",
        "headgate promote production --from v1.2",
    )
    parser.add_argument(
        "environment", metavar="ENVIRONMENT", nargs="?", default="production", help="(production)"
    )
    parser.add_argument(
        "--from", dest="from_", metavar="REF", help="what to promote (else as headgate.toml says)"
    )
    parser.add_argument(
        "--allow-unexecuted",
        metavar="RULE",
        action="append",
        default=[],
        help="pass although this rule cannot be executed here; may be repeated",
    )
    parser.runs(_promote)


def _promote(args: Args) -> Answer:
    with busy("smoke checks", quiet=args.json):
        result = project_of(args).promote(
            args.environment, args.from_, allow_unexecuted=args.allow_unexecuted
        )

    def show(screen: Screen) -> None:
        show_failures(screen, result.findings, frozenset(args.allow_unexecuted))
        _show(screen, result)

    return Answer(wire.released(result), show, _code(result))


def rollback(parser: Parser) -> None:
    parser.tell(
        "Show readers the promotion before the one they see now; one pointer moves, no data does. With none before: "
        "refused, exit code 1.",
        "headgate rollback production",
    )
    parser.add_argument(
        "environment", metavar="ENVIRONMENT", nargs="?", default="production", help="(production)"
    )
    parser.runs(_rollback)


def _rollback(args: Args) -> Answer:
    project = project_of(args)
    clock = project.ports.clock
    start = clock.monotonic()
    result = project.rollback(args.environment)
    took_ms = 1000 * (clock.monotonic() - start)

    def show(screen: Screen) -> None:
        _show(screen, result, f" in {took_ms:.1f} ms" if result.outcome == "rolled_back" else "")

    return Answer(wire.released(result), show, _code(result))


def _show(screen: Screen, result: PromoteResult, took: str = "") -> None:
    outcome = painted(screen, result.outcome)
    was = result.before[:12] if result.before else "nothing"
    now = result.to[:12] if result.to else "nothing"
    if result.outcome in {"promoted", "rolled_back"}:
        say(f"{outcome}: {result.environment} shows {now}, was {was} (release {result.release}){took}")
        if result.findings:
            say(f"  smoke checks: {tally(result.findings)}")
    elif result.outcome == "unchanged":
        say(f"{outcome}: {result.environment} shows {now} already")
    else:
        say(f"{outcome}: {harmless(result.why)}; {result.environment} still shows {now}")


def _code(result: PromoteResult) -> int:
    return 1 if result.outcome == "refused" else 0
