"""What went wrong, in words, as a document and as an exit code: the one place where every exception ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from typing import Any

from headgate.cli.answer import error_document
from headgate.cli.screen import Screen, harmless, painted, screen_of
from headgate.model.errors import Bug, ContractUnusable, HeadgateError, Unavailable, exit_code

INTERRUPTED = 130
DEBUG = "HEADGATE_DEBUG"
_SURROUNDINGS = {
    errno.ENOSPC: "make room on the disk, then run the command again",
    errno.EDQUOT: "make room within the quota, then run the command again",
    errno.EROFS: "choose a folder that can be written to",
    errno.EACCES: "look at the permissions (ls -l)",
    errno.EPERM: "look at the permissions (ls -l)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs: the system has no more open files",
    errno.EIO: "look at the disk: it reports an error of its own",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def named(error: BaseException) -> HeadgateError:
    """Any exception as one of ours. What nobody foresaw is a bug."""
    if isinstance(error, HeadgateError):
        return error
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        place = str(error.filename or "")
        return Unavailable(str(error.strerror), hint=_SURROUNDINGS[error.errno], place=place)
    if isinstance(error, MemoryError):
        return Unavailable(
            "there is not enough memory", hint="close other programs, or deliver in smaller files"
        )
    way = (
        "please report it with the lines above"
        if _debugging()
        else f"set {DEBUG}=1 to see where, and report it"
    )
    return Bug(f"{type(error).__name__}: {_first_line(error)}", hint=way, place=_where(error))


def document(error: BaseException) -> Mapping[str, Any]:
    _trace(error)
    if isinstance(error, KeyboardInterrupt):
        return {"error": {"kind": "interrupted", "message": "stopped", "hint": _AFTER, "place": ""}}
    return error_document(named(error))


def told(error: BaseException) -> int:
    """Say it on stderr; the exit code."""
    _trace(error)
    screen = screen_of(sys.stderr)
    if isinstance(error, KeyboardInterrupt):
        lines = ["stopped", f"{painted(screen, 'hint:', 'bold')} {_AFTER}"]
    else:
        found = named(error)
        lines = _lines(screen, found)
        for each in found.also if isinstance(found, ContractUnusable) else ():
            lines += _lines(screen, each)
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
    return code(error)


def _lines(screen: Screen, error: HeadgateError) -> list[str]:
    place = f"{harmless(error.place)}: " if error.place else ""
    message = "\n".join(harmless(line) for line in error.message.splitlines())
    return [
        f"{painted(screen, 'error:', 'bold red')} {place}{message}",
        f"{painted(screen, 'hint:', 'bold')} {harmless(error.hint)}",
    ]


def code(error: BaseException) -> int:
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else exit_code(named(error))


_AFTER = "whatever was begun is finished or undone by `headgate recover`"


def _debugging() -> bool:
    return os.environ.get(DEBUG, "") not in {"", "0"}


def _trace(error: BaseException) -> None:
    if _debugging():
        import traceback

        sys.stderr.write("".join(traceback.format_exception(error)))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no words"])[0][:300]


def _where(error: BaseException) -> str:
    """The innermost place in our own code: ``flow/load.py:57``."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.replace(os.sep, "/")
        if "/headgate/" in file:
            found = f"{file.rpartition('/headgate/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
