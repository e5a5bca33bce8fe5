"""The entry point: from words to an exit code.

0 done; 1 the data said no; 2 wrong use, or an unusable contract; 3 cannot read, reach or open; 4 outcome unknown,
or a bug; 130 stopped by the keyboard.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.cli import commands

CANNOT_WRITE = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Never raises; what goes wrong is said on stderr, or as JSON on stdout."""
    words = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(
                errors="backslashreplace"
            )  # a name that the terminal cannot write is no reason to fail
    try:
        if words in (["--help"], ["-h"]):
            return _out(commands.overview(), 0)
        return _run(words)
    except (
        OSError
    ) as error:  # stdout itself: a closed pipe is met in `_out`, so this is a full disk or the like
        _deaf()
        sys.stderr.write(f"error: stdout: {error.strerror}\nhint: write to somewhere else\n")
        return CANNOT_WRITE


def _run(words: list[str]) -> int:
    from headgate.cli import faults
    from headgate.cli.parsing import HelpWanted, parse, wants_json

    json = wants_json(words)
    try:
        if [w for w in words if w != "--json"] == ["--version"]:
            return _version(json=json)
        args = parse(words)
        answer = args.run(args)
        return _given(answer, json=json)
    except HelpWanted as wanted:
        return _document({"help": wanted.text}, 0) if json else _out(wanted.text, 0)
    except _Unwritable as error:
        raise error.cause from error
    except BaseException as error:  # noqa: BLE001 - Polars' panics are no Exceptions; here is where all ends
        if not words:
            sys.stderr.write(f"{commands.overview()}\n")
        if json:
            return _document(faults.document(error), faults.code(error), lines="--follow" in words)
        return faults.told(error)


class _Unwritable(Exception):
    """stdout took no more."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _given(answer: object, *, json: bool) -> int:
    """Give an answer out. Its exit code stands, also when nobody reads on: what was done is done."""
    from headgate.cli.answer import Answer, Following

    if isinstance(answer, Following):
        for each in answer.answers:
            if not _shown(each, json=json, lines=True):
                break
        return 0
    assert isinstance(answer, Answer)
    _shown(answer, json=json, lines=False)
    return answer.code


def _shown(answer: Any, *, json: bool, lines: bool) -> bool:  # noqa: ANN401 - an Answer, imported late
    """False once nobody reads any more. Raises _Unwritable."""
    from headgate.cli.answer import as_json
    from headgate.cli.screen import screen_of

    try:
        if json:
            print(as_json(answer.document, lines=lines))
        else:
            answer.show(screen_of(sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        _deaf()
        return False
    except OSError as error:
        raise _Unwritable(error) from error
    return True


def _version(*, json: bool) -> int:
    from importlib.metadata import version

    found = version(commands.PROGRAM)
    return _document({"version": found}, 0) if json else _out(f"{commands.PROGRAM} {found}\n", 0)


def _document(document: Mapping[str, Any], code: int, *, lines: bool = False) -> int:
    from headgate.cli.answer import as_json

    return _out(f"{as_json(document, lines=lines)}\n", code)


def _out(text: str, code: int) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _deaf()
    return code


def _deaf() -> None:
    """Nobody reads stdout any more: say nothing, now or when Python flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
