"""`headgate demo`: the story, line by line as it comes true."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.cli.answer import Answer, Following
from headgate.cli.commands import PROGRAM
from headgate.cli.screen import Screen, busy, painted, say

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.demo.story import Line

FOLDER = "headgate-demo"


def demo(parser: Parser) -> None:
    parser.tell(
        "Watch a week and a half of real flights land, fail, be published, promoted and rolled back; twenty seconds, "
        "no network. Leaves the project for you to explore.",
        "headgate demo",
    )
    parser.add_argument("path", metavar="PATH", nargs="?", default=FOLDER, help=f"where ({FOLDER})")
    parser.runs(_demo)


def _demo(args: Args) -> Answer | Following:
    from headgate.demo.story import tell

    lines = tell(args.path, _program(args.path))
    if not args.json:
        return Following(_told(lines))
    with busy("telling the story", quiet=True):
        told = [_fields(line) for line in lines]
    return Answer({"root": args.path, "lines": told}, lambda _: None)


def _program(folder: str) -> str:
    """How the reader starts headgate from inside of the folder, for the commands that the story ends with."""
    called = sys.argv[0]
    if shutil.which(PROGRAM) or called.rpartition(os.sep)[2] != PROGRAM:
        return PROGRAM
    return shlex.quote(min(os.path.relpath(called, folder), str(Path(called).absolute()), key=len))


def _told(lines: Iterator[Line]) -> Iterator[Answer]:
    for line in lines:

        def show(screen: Screen, line: Line = line) -> None:
            _show(screen, line)

        yield Answer({}, show)


def _show(screen: Screen, line: Line) -> None:
    text = str(line)
    if line.kind == "part":
        say()
    if line.kind in {"title", "part"}:
        say(painted(screen, text, "bold"))
    elif line.mark:
        say(text.replace(line.mark, painted(screen, line.mark), 1))
    else:
        say(text)


def _fields(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "mark": line.mark,
        "text": line.text,
        "asks": [{"sql": ask.sql, "ref": ask.ref, "answer": ask.answer} for ask in line.asks],
    }
