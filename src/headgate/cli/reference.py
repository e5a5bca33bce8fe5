"""docs/reference/cli.md, from the parsers and `fields`.

python -m headgate.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from headgate.cli import commands, fields
from headgate.cli.commands import Command
from headgate.cli.parsing import help_of, parser_of

_START = """\
# The command line

Made by `python -m headgate.cli.reference`; a test holds it to the program.

Exit codes: 0 done (a duplicate is done, and so is what was unchanged); 1 the data said no: a verdict failed, a
conflict, a promotion refused; 2 wrong use, or an unusable contract; 3 something cannot be read, reached or opened;
4 the outcome is unknown, or there is a bug; 130 stopped from the keyboard.

`--json` and `--project` may stand anywhere. Under `--json` stdout is exactly one JSON document (with
`events --follow`: one a line); messages and progress go to stderr. Tables are written as people write them, `orders`
for `default.orders`; times are ISO 8601 with their zone.

Environment: `HEADGATE_PROJECT` (the project's folder), `HEADGATE_AUTHOR` (of commits), `HEADGATE_DEBUG=1` (where an
error came from), `HEADGATE_CACHE` (where checks of Parquet files remember; empty: nowhere), `NO_COLOR`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_START, f"```text\n{commands.overview()}```\n"]
    for group in commands.GROUPS:
        parts.append(f"## {group.title.capitalize()}\n")
        for command in group.commands:
            parts += _command(command)
    parts.append("## Shapes\n\nWhat the documents above are made of.\n")
    for name, shape in fields.SHAPES.items():
        parts += [f"### {name}\n", "\n".join(_listed(shape)) + "\n"]
    parts += [
        '## Errors\n\nWhere no result could be formed, the document is `{"error": {...}}`.\n',
        "\n".join(_listed(fields.ERROR)) + "\n",
    ]
    return "\n".join(parts)


def _command(command: Command) -> Iterator[str]:
    yield f"### {commands.PROGRAM} {command.words}\n"
    yield f"```text\n{help_of(parser_of(command))}```\n"
    if command.words == "show":
        for what, document in fields.SHOWN.items():
            yield f"JSON of a {what}:\n"
            yield "\n".join(_listed(document)) + "\n"
        return
    yield "JSON:\n"
    yield "\n".join(_listed(fields.DOCUMENTS[command.words])) + "\n"
    if command.words == "load":
        yield "With `--dry-run` what is not known yet is null, and there are:\n"
        yield "\n".join(_listed(fields.DRY_RUN)) + "\n"


def _listed(document: fields.Fields) -> Iterator[str]:
    for name, meaning in document.items():
        many, _, rest = meaning.partition("] ")
        one, _, alone = meaning.partition(") ")
        if many.startswith("["):
            yield f"- `{name}`: list of {_link(many[1:])}: {rest}"
        elif one.startswith("("):
            yield f"- `{name}`: {_link(one[1:])}: {alone}"
        else:
            yield f"- `{name}`: {meaning}"


def _link(shape: str) -> str:
    return f"[{shape}](#{shape.replace(' ', '-')})"


if __name__ == "__main__":
    sys.stdout.write(page())
