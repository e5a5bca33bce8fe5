"""``--output FORMAT[=FILE]``: one verdict in the forms that other programs and other people read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.model.errors import NotThere, WrongUse

if TYPE_CHECKING:
    from headgate.cli.answer import Answer
    from headgate.cli.evidence import Evidence
    from headgate.cli.parsing import Args, Parser

FORMATS = ("json", "oors", "junit", "sarif", "github", "html")


@dataclass(frozen=True, slots=True)
class Output:
    """``file`` None: stdout, and nothing else there."""

    format: str
    file: str | None = None
    option: str = "--output"


def add_outputs(parser: Parser) -> None:
    parser.add_argument(
        "--output",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="write the verdict as json, oors, junit, sarif, github (annotations) or html; without FILE to stdout, "
        "and nothing else there; may be repeated",
    )
    add_unmasked(parser)


def add_unmasked(parser: Parser) -> None:
    parser.add_argument(
        "--unmasked", action="store_true", help="show values of columns that the contract has as confidential"
    )


def outputs(args: Args) -> tuple[Output, ...]:
    """What ``--output`` (and ``--html``) ask for. Raises WrongUse."""
    found = []
    for word in args.output:
        format, equals, file = word.partition("=")
        if format not in FORMATS:
            raise WrongUse(
                f"no output is called {format!r}", hint=f"there is {', '.join(FORMATS)}", place="--output"
            )
        if equals and not file:
            raise WrongUse(f"{word} names no file", hint=f"write --output {format}=FILE", place="--output")
        found.append(Output(format, file or None))
    if getattr(args, "html", None):
        found.append(Output("html", args.html, "--html"))
    alone = [o for o in found if o.file is None]
    if len(alone) > 1 or (alone and args.json):
        named = " and ".join([f"--output {o.format}" for o in alone] + (["--json"] if args.json else []))
        raise WrongUse(
            f"{named} both go to stdout",
            hint=f"give a file: --output {alone[0].format}=FILE",
            place="--output",
        )
    return tuple(found)


def distinct(wanted: Sequence[tuple[str, str | None]], read: Sequence[str]) -> None:
    """Refuse to write over what is read, two things into one file, or into no folder: before any work.

    ``wanted``: option and path of each file that is to be written.
    """
    seen = {os.path.realpath(path) for path in read}
    for option, path in wanted:
        if path is None:
            continue
        if not Path(path).absolute().parent.is_dir():
            raise NotThere(
                f"there is no folder {Path(path).parent}", hint="make it first", place=f"{option} {path}"
            )
        if os.path.realpath(path) in seen:
            raise WrongUse(
                f"{option} names a file that is read or written already",
                hint="choose another name",
                place=path,
            )
        seen.add(os.path.realpath(path))


def written(
    answer: Answer, wanted: Sequence[Output], evidence: Evidence | None, document: Mapping[str, Any]
) -> Answer:
    """The files written; and the same answer, or the one that prints what goes to stdout alone."""
    from dataclasses import replace

    from headgate.cli.screen import say

    texts = [(o, text_of(o.format, evidence, document)) for o in wanted]
    for output, text in texts:
        if output.file is not None:
            _write(output.file, text)
    for output, text in texts:
        if output.file is None:
            return replace(answer, show=_printing(text, say))
    return answer


def _printing(text: str, say: Callable[[str], None]) -> Callable[[object], None]:
    return lambda _: say(text.removesuffix("\n"))


def text_of(format: str, evidence: Evidence | None, document: Mapping[str, Any]) -> str:
    """The verdict in one format. ``document``: what ``--json`` says."""
    from headgate.cli.answer import as_json

    if format == "json":
        return as_json(document) + "\n"
    assert evidence is not None
    match format:
        case "oors":
            from headgate.cli import report_oors

            return as_json(report_oors.report(evidence)) + "\n"
        case "sarif":
            from importlib.metadata import version

            from headgate.cli import commands, report_sarif

            return as_json(report_sarif.report(evidence, version(commands.PROGRAM))) + "\n"
        case "junit":
            from headgate.cli import report_junit

            return report_junit.report(evidence)
        case "github":
            from headgate.cli import report_github

            return report_github.report(evidence)
        case _:
            from headgate.cli import report_html

            return report_html.report(evidence)


def _write(path: str, text: str) -> None:
    from headgate.edge import durable

    with durable.surroundings(path):
        durable.replace(str(Path(path).absolute()), text.encode())
