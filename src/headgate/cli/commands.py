"""Every command there is, in the way of the data: its words, what it is for, and where it is.

The table is all that the overview needs, so `headgate --help` imports no command. ``function`` of a module takes a
`Parser`, adds the arguments, and sets what runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from headgate.cli.parsing import Parser

PROGRAM = "headgate"


class Command(NamedTuple):
    words: str  # "load", "branch create"
    summary: str
    module: str
    function: str


class Group(NamedTuple):
    title: str
    commands: tuple[Command, ...]


GROUPS = (
    Group(
        "start",
        (
            Command("init", "make a project in a folder", "start", "init"),
            Command("contract infer", "write a contract that data pass", "contract", "infer"),
            Command("contract lint", "what a contract could say better", "contract", "lint"),
            Command("contract show", "the contract of a table, as it was brought in", "contract", "show"),
            Command("check", "check files against a contract, with no project", "check", "check"),
        ),
    ),
    Group(
        "load",
        (
            Command("load", "load files: on a branch of their own, checked, published", "load", "load"),
            Command("quarantine list", "batches whose rows wait", "quarantine", "list_"),
            Command("quarantine show", "the rows, raw, with the rules they fail", "quarantine", "show"),
            Command("quarantine replay", "load them again, or mended files instead", "quarantine", "replay"),
            Command("quarantine discard", "give them up", "quarantine", "discard"),
            Command("recover", "finish or undo what a killed process left", "recover", "recover"),
        ),
    ),
    Group(
        "look",
        (
            Command("status", "where things stand", "status", "status"),
            Command("show", "one table, run, batch or commit", "show", "show"),
            Command("sql", "ask any branch, tag, commit or environment", "sql", "sql"),
            Command("log", "the commits of a branch", "history", "log"),
            Command("diff", "how two commits differ", "history", "diff"),
            Command("events", "what happened, in order", "history", "events"),
            Command("export", "a table as one file", "sql", "export"),
        ),
    ),
    Group(
        "branches",
        (
            Command("branch create", "a new branch, without copying", "branches", "create"),
            Command("branch list", "all branches", "branches", "list_"),
            Command("branch delete", "take a branch away", "branches", "delete"),
            Command("branch prune", "delete branches that have not moved for long", "branches", "prune"),
            Command("tag create", "a name for a commit that never moves", "tags", "create"),
            Command("tag list", "all tags", "tags", "list_"),
            Command("tag delete", "take a tag away", "tags", "delete"),
            Command("merge", "bring one branch's changes onto another", "merging", "merge"),
            Command("revert", "undo a whole publish", "merging", "revert"),
        ),
    ),
    Group(
        "release",
        (
            Command("promote", "show a commit to readers, once its smoke checks pass", "releases", "promote"),
            Command("rollback", "show readers the release before", "releases", "rollback"),
        ),
    ),
    Group(
        "more",
        (
            Command("demo", "watch all of this happen to real data, in twenty seconds", "demo", "demo"),
            Command("completion", "completion of these words for your shell", "completion", "completion"),
        ),
    ),
)

NOUNS = {
    "contract": "what data must hold to",
    "quarantine": "rows that a contract stopped",
    "branch": "names that move with what is loaded",
    "tag": "names that never move",
}


def all_commands() -> tuple[Command, ...]:
    return tuple(command for group in GROUPS for command in group.commands)


def configure(command: Command) -> Callable[[Parser], None]:
    """What adds the command's arguments to a parser; imports its module, and nothing that it runs on."""
    module = import_module(f"headgate.cli.{command.module}")
    return cast("Callable[[Parser], None]", getattr(module, command.function))


def overview() -> str:
    """The help of the whole program."""
    lines = [
        "usage: headgate COMMAND ... [--json] [--project PATH]",
        "",
        "Data as code: every load lands on its own branch, is checked against its",
        "contract, and only then becomes visible.",
    ]
    for group in GROUPS:
        lines += ["", f"{group.title}:"]
        told: set[str] = set()
        for command in group.commands:
            noun, _, _ = command.words.partition(" ")
            if noun in told:
                continue
            told.add(noun)
            lines.append(f"  {noun:<11} {NOUNS.get(noun) or command.summary}{_verbs(noun)}")
    lines += [
        "",
        "everywhere:",
        "  --json          one JSON document on stdout, the result or {error: ...}",
        "  --project PATH  the project's folder (else found upwards from here)",
        "  --version       print the version",
        "",
        "`headgate COMMAND --help` tells more, with examples. Exit codes: 0 done, 1 the",
        "data said no, 2 wrong use, 3 cannot read or reach, 4 outcome unknown or a bug.",
        "",
        "the first three minutes:",
        "  headgate contract infer orders.csv > orders.odcs.yaml",
        "  headgate check orders.csv --contract orders.odcs.yaml",
        "",
    ]
    return "\n".join(lines)


def noun_help(noun: str) -> str:
    """The help of a group such as ``branch``."""
    lines = [f"usage: {PROGRAM} {noun} COMMAND ...", "", f"{NOUNS[noun].capitalize()}.", ""]
    lines += [f"  {c.words.partition(' ')[2]:<9} {c.summary}" for c in _of(noun)]
    return "\n".join([*lines, "", f"`{PROGRAM} {noun} COMMAND --help` tells more, with examples.", ""])


def verbs(noun: str) -> tuple[str, ...]:
    return tuple(c.words.partition(" ")[2] for c in _of(noun))


def _of(noun: str) -> tuple[Command, ...]:
    return tuple(c for c in all_commands() if c.words.startswith(f"{noun} "))


def _verbs(noun: str) -> str:
    return f": {', '.join(verbs(noun))}" if noun in NOUNS else ""
