"""What people are shown of values: those of confidential columns as a mask, long ones cut. Stored rows stay raw.

A mask keeps what helps to mend a value and says nothing of it: what kind of thing it is, and how long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import replace

from headgate.model.verdict import Sample

CHARACTERS_MAX = 200

_SAID = re.compile(r"\.\.\. \[([0-9,]+) characters\]\Z")
_FORMS = (
    (re.compile(r"[+-]?[0-9]+"), "a whole number of {}"),
    (
        re.compile(r"[+-]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][+-]?[0-9]+)?|[+-]?[0-9]+[eE][+-]?[0-9]+"),
        "a number",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a date"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:Z|[+-][0-9:]+)?"), "a timestamp"),
    (re.compile(r"true|false", re.IGNORECASE), "true or false"),
)


def cut(text: str) -> str:
    """At most `CHARACTERS_MAX` characters, and how long it is; a text that was cut before stays as it is."""
    if len(text) <= CHARACTERS_MAX or (_SAID.search(text) and len(text) <= CHARACTERS_MAX + 40):
        return text
    return f"{text[:CHARACTERS_MAX]}... [{len(text):,} characters]"


def mask(text: str | None) -> str | None:
    """``[masked, 12 characters]``, ``[masked, a date]``; null stays null, which is no secret and often the fault."""
    if text is None:
        return None
    if not text:
        return "[masked, empty]"
    if (said := _SAID.search(text)) is not None:
        return f"[masked, {said[1]} characters]"
    form = next((form for pattern, form in _FORMS if pattern.fullmatch(text)), "{}")
    characters = "1 character" if len(text) == 1 else f"{len(text):,} characters"
    return f"[masked, {form.format(characters)}]"


def shown(sample: Sample, *, unmasked: bool = False) -> Sample:
    """A sample as people are shown it."""

    def value(column: str, text: str | None) -> str | None:
        text = text if unmasked or column not in sample.masked else mask(text)
        return text if text is None else cut(text)

    return replace(
        sample,
        key=tuple((name, value(name, text)) for name, text in sample.key),
        value=value(sample.column, sample.value),
        masked=frozenset() if unmasked else sample.masked,
    )


def shown_raw(raw: str, masked: Collection[str], declared: Collection[str]) -> str:
    """A row in quarantine (a JSON object of texts) as people are shown it.

    Where a contract masks anything, columns that it does not declare are masked, too: one of them may be a
    confidential one under a wrong name.
    """
    if not masked:
        return raw
    row = json.loads(raw)
    told = {
        name: mask(text) if name in masked or name not in declared else text for name, text in row.items()
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
