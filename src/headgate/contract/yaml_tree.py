"""YAML text to plain values and their lines. Numbers stay exact: whole ones are int, all others Decimal.

Not followed: tags of one's own, keys that are no scalars, and anything that only exists to grow (`NODES_MAX`
counts what aliases stand for, not what is written).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yaml import CBaseLoader, nodes
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from headgate.contract.json_schema import Path, Value, text_of
from headgate.model.errors import ContractUnusable

BYTES_MAX = 8_000_000
NODES_MAX = 500_000
DEPTH_MAX = 60
DIGITS_MAX = 400  # of a number as written, and of its exponent's reach

_TAG = "tag:yaml.org,2002:"
_TEXT, _SEQUENCE, _MAPPING = _TAG + "str", _TAG + "seq", _TAG + "map"
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True, eq=False)
class ScalarNode:
    """``text`` as it was written, but for quotes; ``line`` from 0. ``plain``: without quotes, and no block."""

    tag: str
    text: str
    line: int
    plain: bool


@dataclass(frozen=True, slots=True, eq=False)
class SequenceNode:
    """A list. Aliases of it are the same node."""

    tag: str
    items: list[Node]
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode:
    """Names and values, also those that stand there twice."""

    tag: str
    entries: list[tuple[Node, Node]]
    line: int


# Not the library's: theirs hold two marks each, and are a third of the time of reading a contract of 5,000 rules.
Node = ScalarNode | SequenceNode | MappingNode


class _Composer(CBaseLoader):
    """libyaml's events (ten times as fast as a parser in Python) as nodes, with the core schema of YAML 1.2: ``no``
    is text.

    Its own composer is not used: nesting of some ten thousand levels overruns the stack of the process.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.anchors: dict[str, Node] = {}
        self.tags: dict[str, str] = {}

    def document(self) -> Node | None:
        self.get_event()  # of the stream
        if self.check_event(StreamEndEvent):
            return None
        self.get_event()  # of the document
        root = self.node(self.get_event(), 0)
        self.get_event()
        if not self.check_event(StreamEndEvent):
            raise _misread("another document follows", self.peek_event())
        return root

    def node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - typed loosely by the library
        """The node that begins with ``event`` (of `yaml.events`), which was taken already."""
        if depth > DEPTH_MAX:
            raise _misread("this is nested too deeply", event)
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise _misread(f"undefined alias {event.anchor!r}", event)
            return self.anchors[event.anchor]
        line = event.start_mark.line
        node: Node
        if isinstance(event, ScalarEvent):
            node = ScalarNode(self.tag(event), event.value, line, not event.style)
        elif isinstance(event, SequenceStartEvent):
            node = SequenceNode(self.tag(event), [], line)
        else:
            node = MappingNode(self.tag(event), [], line)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if isinstance(node, SequenceNode):
            while not isinstance(item := self.get_event(), SequenceEndEvent):
                node.items.append(self.node(item, depth + 1))
        elif isinstance(node, MappingNode):
            while not isinstance(key := self.get_event(), MappingEndEvent):
                node.entries.append((self.node(key, depth + 1), self.node(self.get_event(), depth + 1)))
        return node

    def tag(self, event: Any) -> str:  # noqa: ANN401
        """The tag that is written, or what such text means."""
        if event.tag is not None and event.tag != "!":
            return str(event.tag)
        if not isinstance(event, ScalarEvent):
            return _SEQUENCE if isinstance(event, SequenceStartEvent) else _MAPPING
        if not event.implicit[0]:
            return _TEXT
        if event.value not in self.tags:
            self.tags[event.value] = self.resolve(nodes.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        return self.tags[event.value]


def _misread(problem: str, event: Any) -> MarkedYAMLError:  # noqa: ANN401
    return MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


for _kind, _form, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9][0-9_]*|0o[0-7_]+|0x[0-9a-fA-F_]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Composer.add_implicit_resolver(_TAG + _kind, re.compile(rf"\A(?:{_form})\Z"), list(_first))


def tag_of(text: str) -> str:
    """The tag that a plain scalar of this text has."""
    tag: str = _Composer("").resolve(nodes.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag


def compose(text: str, place: str) -> Node:
    """The node tree of one YAML document. Raises ContractUnusable, naming the line."""
    try:
        root: Node | None = _Composer(text).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _refused(f"this is not YAML: {error.problem or error.context}", place, line) from None
    except YAMLError as error:
        said = str(error).splitlines()[0]
        raise _refused(f"this is not YAML: {said}", place, _line_at(text, error)) from None
    if root is None:
        raise _refused("the contract is empty", place, 1)
    return root


def construct(root: Node, place: str) -> Value:
    """Plain values of a node tree. Raises ContractUnusable: a key twice, a tag of one's own, too much of it."""
    return _Builder(place).value(root, ())


def line_of(root: Node, path: Path) -> int:
    """The line (from 1) of what stands at ``path``, or of its nearest parent there is.

    Of an entry in a map it is the key's line.
    """
    node, line = root, root.line
    for step in path:
        key, found = _child(node, step)
        if found is None:
            break
        node, line = found, (key or found).line
    return line + 1


def written_at(root: Node, path: Path) -> str | None:
    """The text of the scalar at ``path`` as it was written (``007``, ``1.0``); None if there is no scalar."""
    node: Node = root
    for step in path:
        found = _child(node, step)[1]
        if found is None:
            return None
        node = found
    return node.text if isinstance(node, ScalarNode) else None


def _child(node: Node, step: str | int) -> tuple[Node | None, Node | None]:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
        return None, node.items[step]
    if isinstance(node, MappingNode):
        for key, value in node.entries:
            if isinstance(key, ScalarNode) and key.text == step:
                return key, value
    return None, None


class _Builder:
    """One walk over a node tree: it counts, and knows what it is inside of."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.count = 0
        self.inside: set[int] = set()

    def value(self, node: Node, path: Path) -> Value:
        self.count += 1
        if self.count > NODES_MAX:
            raise self.refused(f"the contract holds more than {NODES_MAX:,} values, aliases included", node)
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.inside:
            raise self.refused("an alias contains itself", node)
        if len(path) > DEPTH_MAX:
            raise self.refused("this is nested too deeply", node)
        self.inside.add(id(node))
        try:
            if isinstance(node, SequenceNode) and node.tag == _SEQUENCE:
                return [self.value(one, (*path, at)) for at, one in enumerate(node.items)]
            if isinstance(node, MappingNode) and node.tag == _MAPPING:
                return self.mapping(node, path)
        finally:
            self.inside.discard(id(node))
        raise self.refused(
            f"{text_of(path) or 'the contract'} has the tag {node.tag}, which no contract needs", node
        )

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Value]:
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key, value in node.entries:
            if not isinstance(key, ScalarNode):
                raise self.refused("a key must be plain text", key)
            if key.tag == _TAG + "merge":
                for one in value.items if isinstance(value, SequenceNode) else [value]:
                    part = self.value(one, path)
                    if not isinstance(part, dict):
                        raise self.refused("<< takes a map, or a list of maps", value)
                    merged = {**part, **merged}
                continue
            name = key.text
            if name in own:
                where = f" in {text_of(path)}" if path else ""
                raise self.refused(f"{name!r} stands there twice{where}", key, "keep one of them")
            own[name] = self.value(value, (*path, name))
        return {**merged, **own} if merged else own

    def scalar(self, node: ScalarNode, path: Path) -> Value:
        text = node.text
        match node.tag.removeprefix(_TAG):
            case "str" | "timestamp":
                return text
            case "null":
                return None
            case "bool" if text.lower() in {"true", "yes", "on", "y"}:
                return True
            case "bool" if text.lower() in {"false", "no", "off", "n"}:
                return False
            case "int" | "float" as kind:
                return self.number(text, kind, node, path)
            case _:
                pass
        raise self.refused(f"{text_of(path)} has the tag {node.tag}, which no contract needs", node)

    def number(self, text: str, kind: str, node: ScalarNode, path: Path) -> int | Decimal:
        plain = text.replace("_", "")
        if len(plain) > DIGITS_MAX:
            raise self.refused(f"{text_of(path)} is a number of more than {DIGITS_MAX} digits", node)
        if kind == "int" and plain[:2].lower() in {"0x", "0o"}:
            return int(plain, 0)
        if _INTEGER.fullmatch(plain):
            return int(plain)
        if _DECIMAL.fullmatch(plain):
            number = Decimal(plain)
            if abs(number.adjusted()) <= DIGITS_MAX:
                return number
        raise self.refused(f"{text_of(path)}: {text} is no number to reckon with", node, "put text in quotes")

    def refused(self, message: str, node: Node, hint: str = "") -> ContractUnusable:
        return _refused(message, self.place, node.line + 1, hint)


def _refused(message: str, place: str, line: int, hint: str = "") -> ContractUnusable:
    return ContractUnusable(message, hint=hint or "correct the YAML at this line", place=f"{place}:{line}")


def _line_at(text: str, error: YAMLError) -> int:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
