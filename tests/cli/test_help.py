from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.terminal import Ran
from headgate.cli import commands, fields, reference
from headgate.cli.parsing import help_of, parser_of

COMMANDS = commands.all_commands()


def test_the_overview_goes_the_way_of_the_data(run: Callable[..., Ran]) -> None:
    done = run("--help")
    assert (done.code, done.err) == (0, "")
    assert done.out == snapshot("""\
usage: headgate COMMAND ... [--json] [--project PATH]

Data as code: every load lands on its own branch, is checked against its
contract, and only then becomes visible.

start:
  init        make a project in a folder
  contract    what data must hold to: infer, lint, show
  check       check files against a contract, with no project

load:
  load        load files: on a branch of their own, checked, published
  quarantine  rows that a contract stopped: list, show, replay, discard
  recover     finish or undo what a killed process left

look:
  status      where things stand
  show        one table, run, batch or commit
  sql         ask any branch, tag, commit or environment
  log         the commits of a branch
  diff        how two commits differ
  events      what happened, in order
  export      a table as one file

branches:
  branch      names that move with what is loaded: create, list, delete, prune
  tag         names that never move: create, list, delete
  merge       bring one branch's changes onto another
  revert      undo a whole publish

release:
  promote     show a commit to readers, once its smoke checks pass
  rollback    show readers the release before

more:
  demo        watch all of this happen to real data, in twenty seconds
  completion  completion of these words for your shell

everywhere:
  --json          one JSON document on stdout, the result or {error: ...}
  --project PATH  the project's folder (else found upwards from here)
  --version       print the version

`headgate COMMAND --help` tells more, with examples. Exit codes: 0 done, 1 the
data said no, 2 wrong use, 3 cannot read or reach, 4 outcome unknown or a bug.

the first three minutes:
  headgate contract infer orders.csv > orders.odcs.yaml
  headgate check orders.csv --contract orders.odcs.yaml
""")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.words)
def test_every_command_tells_what_it_does_with_examples(
    command: commands.Command, run: Callable[..., Ran]
) -> None:
    done = run(*command.words.split(), "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: headgate {command.words}")
    assert "\nexamples:\n  headgate " in done.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.words)
def test_no_help_is_wider_than_a_terminal(command: commands.Command) -> None:
    text = help_of(parser_of(command)) + commands.overview()
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("noun", commands.NOUNS)
def test_groups_list_their_commands(noun: str, run: Callable[..., Ran]) -> None:
    done = run(noun, "--help")
    assert done.code == 0
    assert all(verb in done.out for verb in commands.verbs(noun))


def test_examples_are_commands_that_parse() -> None:
    import shlex

    from headgate.cli.parsing import parse

    for command in COMMANDS:
        for example in parser_of(command).examples:
            words = shlex.split(example.partition(" > ")[0])
            assert words[0] == "headgate"
            parse(words[1:])


def test_help_under_json_is_a_document(run: Callable[..., Ran]) -> None:
    assert list(run("load", "--help", "--json").document) == ["help"]


def test_the_version_is_said_as_text_and_as_json(run: Callable[..., Ran]) -> None:
    said = run("--version").out
    assert said.startswith("headgate ")
    assert run("--json", "--version").document == {"version": said.removeprefix("headgate ").strip()}


def test_the_reference_page_is_what_the_program_says() -> None:
    """Made anew by: python -m headgate.cli.reference > docs/reference/cli.md."""
    place = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
    assert place.read_text(encoding="utf-8") == reference.page()


def test_every_command_has_its_fields_listed() -> None:
    assert set(fields.DOCUMENTS) == {c.words for c in COMMANDS}


def test_help_imports_nothing_heavy() -> None:
    """Seen failing with `import rich` at the top of screen.py."""
    code = (
        "import sys\n"
        "from headgate.cli.main import main\n"
        "main(['load', '--help'])\n"
        "heavy = {'rich', 'polars', 'duckdb', 'pyarrow', 'pyiceberg', 'sqlalchemy', 'jsonschema', 'shtab'}\n"
        "sys.exit(f'{heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
