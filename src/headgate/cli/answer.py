"""What a command says: a document for programs, the same in words for people, and an exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.cli.screen import Screen
from headgate.model.errors import ContractUnusable, HeadgateError

Document = Mapping[str, Any]
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """``document`` holds JSON values only (see `wire`); ``show`` prints it for people."""

    document: Document
    show: Callable[[Screen], None]
    code: int = 0


@dataclass(frozen=True, slots=True)
class Following:
    """Answers without end: under ``--json``, one line each."""

    answers: Iterator[Answer]


def as_json(document: Document, *, lines: bool = False) -> str:
    """One JSON document in ASCII, so that no terminal or pipe can garble it. NaN does not occur.

    Half a surrogate pair, as in the name of a file that is not UTF-8, is no character: strict readers refuse the whole
    document for it. It is written as U+FFFD.
    """
    text = json.dumps(document, allow_nan=False, indent=None if lines else 2)
    if "\\ud" not in text:
        return text
    whole = _HALVES.sub("\ufffd", json.dumps(document, ensure_ascii=False))
    return json.dumps(json.loads(whole), indent=None if lines else 2)


def error_document(error: HeadgateError) -> Document:
    also = error.also if isinstance(error, ContractUnusable) else ()
    return {"error": {**_error(error), **({"also": [_error(one) for one in also]} if also else {})}}


def _error(error: HeadgateError) -> Document:
    return {"kind": error.kind, "message": error.message, "hint": error.hint, "place": error.place}
