"""The pages of ``cases/``, read: every ``## heading`` is a case (README.md says how one is written)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

import yaml

FOLDER = Path(__file__).parent / "cases"
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: case\nversion: 1.0.0\nstatus: active\n"
Kind = Literal["csv", "jsonl", "typed"]

_BLOCK = re.compile(
    r"^```(?P<kind>\w+)(?: (?P<attribute>\w+)=(?P<value>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINE = re.compile(r"(?P<rule>.+?) (?P<status>pass|fail|warn|error|info|not_executed)(?: (?:rows .*|[^ ]+))?")
_SETTINGS = {"object", "not_on", "only_as_written"}


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as they stand on the page."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A contract, rows, and the verdict that every engine must give.

    ``expected``: lines ``rule status [rows 1 2 | measured]`` in the order of the verdict; a rule that has no line
    passes. ``parents``: the tables that references name; ``files``: contracts beside the contract, by their paths.
    ``only_as_written``: why rows in text, all of which fit, are not judged alike once they are typed; empty: they are.
    ``not_on``: engines that do not take part, and why.
    """

    page: str
    line: int
    heading: str
    contract: bytes
    rows: Block
    expected: tuple[str, ...]
    parents: Mapping[str, Block] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    object: str | None = None
    only_as_written: str = ""
    not_on: Mapping[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return f"{self.page}/{re.sub(r'[^a-z0-9]+', '-', self.heading.lower()).strip('-')}"

    @property
    def place(self) -> str:
        return f"tests/check/cases/{self.page}.md:{self.line}"

    def __str__(self) -> str:
        return self.slug


def said(line: str) -> tuple[str, str]:
    """Rule and status of a line of a verdict; a rule's name may have blanks in it."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f"{line!r} is no line of a verdict: rule, status, and perhaps more")
    return found["rule"], found["status"]


def every_case() -> tuple[Case, ...]:
    return tuple(case for page in sorted(FOLDER.glob("*.md")) for case in cases(page.stem, page.read_text()))


def cases(page: str, text: str) -> Iterator[Case]:
    """The cases of a page. Raises ValueError for what is no case, naming its place."""
    # A heading within a block is data.
    blocks = [found.span() for found in _BLOCK.finditer(text)]
    heads = [
        head
        for head in re.finditer(r"^## (.+)$", text, re.MULTILINE)
        if not any(a <= head.start() < b for a, b in blocks)
    ]
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)]
        line = text.count("\n", 0, head.start()) + 1
        try:
            yield _case(page, line, head[1].strip(), body)
        except ValueError as error:
            raise ValueError(f"tests/check/cases/{page}.md:{line}: {error}") from error


def _contract(text: str) -> str:
    """A list is the properties of one object, ``rows``."""
    if text.startswith("- "):
        text = "schema:\n  - name: rows\n    properties:\n" + textwrap.indent(text, "      ")
    return text if text.startswith("apiVersion:") else HEAD + text


def _case(page: str, line: int, heading: str, body: str) -> Case:
    found: dict[str, str] = {}
    rows: Block | None = None
    parents: dict[str, Block] = {}
    files: dict[str, str] = {}
    for block in _BLOCK.finditer(body):
        kind, text = block["kind"], block["text"]
        if kind in get_args(Kind):
            if block["attribute"] == "table":
                parents[block["value"]] = Block(cast("Kind", kind), text)
            elif rows is None:
                rows = Block(cast("Kind", kind), text)
            else:
                raise ValueError("it has rows twice")
        elif kind == "yaml" and block["attribute"] == "file":
            files[block["value"]] = _contract(text)
        elif kind in {"yaml", "settings", "verdict"} and kind not in found:
            found[kind] = text
        else:
            raise ValueError(f"it has a block {kind} that means nothing here, or twice")
    if not _BLOCK.sub("", body).strip():
        raise ValueError("it does not say what it shows")
    if rows is None or not found.keys() >= {"yaml", "verdict"}:
        raise ValueError("it needs a block yaml, one verdict, and rows (csv, jsonl or typed)")
    settings = yaml.safe_load(found.get("settings", "{}")) or {}
    if unknown := settings.keys() - _SETTINGS:
        raise ValueError(f"the setting {min(unknown)} is not known")
    contract = _contract(found["yaml"])
    expected = tuple(" ".join(said.split()) for said in found["verdict"].splitlines() if said.strip())
    for each in expected:
        said(each)
    return Case(page, line, heading, contract.encode(), rows, expected, parents, files, **settings)
