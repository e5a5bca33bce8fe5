"""`headgate completion`: a script for the shell, made from the parsers themselves."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from headgate.cli import commands
from headgate.cli.answer import Answer
from headgate.cli.parsing import shared

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser

SHELLS = ("bash", "zsh", "fish")
FILES = {"data", "contract", "good", "bad", "html", "with_", "file", "path", "project"}


def completion(parser: Parser) -> None:
    parser.tell(
        "Print the script that completes headgate's commands and options in your shell.",
        "headgate completion bash > ~/.local/share/bash-completion/completions/headgate",
        'headgate completion zsh > "${fpath[1]}/_headgate"',
        "headgate completion fish > ~/.config/fish/completions/headgate.fish",
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    parser.runs(_completion)


def _completion(args: Args) -> Answer:
    import shtab

    script: str = shtab.complete(whole(shtab.FILE), args.shell)
    return Answer({"shell": args.shell, "script": script}, lambda _: _write(script))


def _write(script: str) -> None:
    sys.stdout.write(script if script.endswith("\n") else f"{script}\n")


def whole(files: object) -> argparse.ArgumentParser:
    """All commands in one tree of parsers, which only completion has a use for.

    ``files`` is how shtab is told that an argument names files.
    """
    from headgate.cli.parsing import Parser

    top = Parser(prog=commands.PROGRAM, description="data as code")
    shared(top)
    top.add_argument("--version", action="store_true", help="print the version")
    tree = top.add_subparsers(parser_class=Parser)
    nouns: dict[str, argparse._SubParsersAction[Parser]] = {}
    for command in commands.all_commands():
        noun, _, verb = command.words.partition(" ")
        where = tree
        if verb:
            if noun not in nouns:
                under = tree.add_parser(noun, help=commands.NOUNS[noun], description=commands.NOUNS[noun])
                nouns[noun] = under.add_subparsers(parser_class=Parser)
            where = nouns[noun]
        parser = where.add_parser(verb or noun, help=command.summary)
        commands.configure(command)(parser)
        shared(parser)
        for action in parser._actions:  # noqa: SLF001 - no public way to list them
            if action.dest in FILES:
                action.complete = files  # type: ignore[attr-defined]
    return top
