"""Words to arguments: argparse, with our errors, our help, and one parser built instead of thirty."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from headgate.cli import commands
from headgate.cli.commands import PROGRAM, Command
from headgate.model.errors import WrongUse

WIDTH = 80
Args = argparse.Namespace


class HelpWanted(Exception):
    """Somebody asked for help: ``text`` is all there is to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Words(NamedTuple):
    """A command line without what every command takes."""

    rest: list[str]
    json: bool
    project: str | None


def wants_json(argv: Sequence[str]) -> bool:
    """Known before anything can go wrong, since errors are JSON then, too."""
    return "--json" in (argv[: argv.index("--")] if "--" in argv else argv)


def everywhere(argv: Sequence[str]) -> Words:
    """Take ``--json`` and ``--project PATH`` out, wherever they stand (before a ``--``)."""
    rest: list[str] = []
    project: str | None = None
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--project":
            project = next(words, None)
            if project is None:
                raise WrongUse("--project wants a folder", hint="write --project PATH", place=PROGRAM)
        elif word.startswith("--project="):
            project = word.removeprefix("--project=")
        elif word != "--json":
            rest.append(word)
    return Words(rest, wants_json(argv), project)


def parse(argv: Sequence[str]) -> Args:
    """The arguments of the command that ``argv`` names; ``run`` is what it does with them.

    Raises WrongUse, and HelpWanted.
    """
    words = everywhere(argv)
    rest = words.rest
    if not rest:
        raise WrongUse("no command", hint=f"see `{PROGRAM} --help`", place=PROGRAM)
    if rest[0] in {"-h", "--help"}:
        raise HelpWanted(commands.overview())
    command, left = _found(rest)
    args = parser_of(command).parse(left)
    args.json, args.project = words.json, words.project
    return args


def _found(rest: list[str]) -> tuple[Command, list[str]]:
    known = {c.words: c for c in commands.all_commands()}
    first = rest[0]
    if first in known:
        return known[first], rest[1:]
    if first not in commands.NOUNS:
        nouns = [*dict.fromkeys(words.partition(" ")[0] for words in known)]
        if first.startswith("-"):
            raise WrongUse(f"no option {first}", hint=f"see `{PROGRAM} --help`", place=PROGRAM)
        raise unknown("command", first, nouns, PROGRAM)
    program = f"{PROGRAM} {first}"
    if len(rest) == 1:
        verbs = ", ".join(commands.verbs(first))
        raise WrongUse(f"missing: one of {verbs}", hint=f"see `{program} --help`", place=program)
    if rest[1] in {"-h", "--help"}:
        raise HelpWanted(commands.noun_help(first))
    pair = f"{first} {rest[1]}"
    if pair not in known:
        raise unknown(f"{first} command", rest[1], commands.verbs(first), program)
    return known[pair], rest[2:]


def unknown(noun: str, name: str, known: Iterable[str], program: str) -> WrongUse:
    """An unknown word, with the closest known ones."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    said = f"did you mean {' or '.join(close)}? " if close else ""
    return WrongUse(f"no {noun} {name!r}", hint=f"{said}see `{program} --help`", place=program)


def parser_of(command: Command) -> Parser:
    """The parser of one command, with what every command takes (for its help; `everywhere` reads them)."""
    parser = Parser(prog=f"{PROGRAM} {command.words}", description=command.summary)
    commands.configure(command)(parser)
    shared(parser)
    return parser


def shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    parser.add_argument(
        "--project", metavar="PATH", help="the project's folder (else found upwards from here)"
    )


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving; says what is wrong in our words; prints nothing."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - argparse's own settings
        settings.setdefault("add_help", False)
        super().__init__(allow_abbrev=False, **settings)
        self.examples: tuple[str, ...] = ()
        self.add_argument("-h", "--help", action=_Help, nargs=0, help="this text")

    def tell(self, text: str, *examples: str) -> None:
        """What the command does, in a paragraph, and how it is called."""
        self.description = text
        self.examples = examples

    def runs(self, run: Callable[[Args], object]) -> None:
        self.set_defaults(run=run)

    def parse(self, argv: list[str]) -> Args:
        """Options may stand between arguments."""
        options = [s for a in self._actions for s in a.option_strings]
        before = argv[: argv.index("--")] if "--" in argv else argv
        for word in before:
            if word.startswith("--") and " " not in word and word.partition("=")[0] not in options:
                raise unknown("option", word.partition("=")[0], options, self.prog)
        if any(word in {"-h", "--help"} for word in before):
            raise HelpWanted(help_of(self))
        args, extra = self.parse_known_intermixed_args(argv)
        if extra:
            self.error(f"too many arguments: {' '.join(extra)}")
        return args

    def error(self, message: str) -> NoReturn:
        raise WrongUse(_said(message), hint=f"see `{self.prog} --help`", place=self.prog)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            known = [str(c) for c in action.choices]
            close = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
            said = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(known)}"
            raise WrongUse(f"{value!r} is not known", hint=said, place=name)


def _said(message: str) -> str:
    missing = message.removeprefix("the following arguments are required: ")
    return f"missing: {missing}" if missing != message else message


class _Help(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's own signature, and the next two
        values: Any,  # noqa: ANN401, ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        raise HelpWanted(help_of(parser))


# -- help ---------------------------------------------------------------------------------------------------


def help_of(parser: argparse.ArgumentParser) -> str:
    """A command's help: the same on every Python, and no wider than 80 columns."""
    arguments = [a for a in parser._actions if not a.option_strings]  # noqa: SLF001 - no public way to list them
    options = [a for a in parser._actions if a.option_strings]  # noqa: SLF001
    own = [a for a in options if a.dest not in {"help", "json", "project"}]
    rest = [a for a in options if a.dest in {"json", "project", "help"}]
    lines = [*_usage(parser.prog, arguments, own), "", *_wrapped(parser.description or "")]
    for title, actions in (("arguments", arguments), ("options", own), ("everywhere", rest)):
        if actions:
            lines += ["", f"{title}:", *_listed(actions)]
    examples = getattr(parser, "examples", ())
    if examples:
        lines += ["", "examples:", *(f"  {line}" for example in examples for line in example.splitlines())]
    return "\n".join([*lines, ""])


def _usage(program: str, arguments: list[argparse.Action], options: list[argparse.Action]) -> list[str]:
    words = [_placed(a) for a in arguments]
    words += [_spelled(a) for a in options if a.required]
    if any(not a.required for a in options):
        words.append("[options]")
    start = f"usage: {program} "
    return _wrapped(" ".join(words), start, " " * len(start)) if words else [start.rstrip()]


def _placed(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"+": f"{name}...", "?": f"[{name}]", "*": f"[{name}...]"}.get(str(action.nargs), name)


def _spelled(action: argparse.Action) -> str:
    """``--mode append|merge``, ``-n N``: an option as it is written."""
    name = ", ".join(action.option_strings) if action.option_strings else _placed(action)
    if action.nargs == 0 or not action.option_strings:
        return name
    choices = action.choices
    value = str(action.metavar or ("|".join(str(c) for c in choices) if choices else action.dest.upper()))
    return f"{name} {value}"


def _listed(actions: list[argparse.Action]) -> list[str]:
    column = 20
    lines: list[str] = []
    for action in actions:
        name = f"  {_spelled(action)}"
        text = (action.help or "").replace("%%", "%")
        if len(name) >= column + 1:
            lines += [name, *_wrapped(text, " " * (column + 2))]
        else:
            lines += _wrapped(text, f"{name:<{column + 2}}", " " * (column + 2))
    return lines


def _wrapped(text: str, first: str = "", after: str | None = None) -> list[str]:
    indent = first if after is None else after
    found: list[str] = []
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            found.append("")
        found += textwrap.wrap(
            " ".join(paragraph.split()),
            WIDTH - 1,
            initial_indent=indent if number else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return found
