"""``${NAME}`` and ``${NAME:-default}`` in ``quality`` and ``servers``, from an environment that is handed in.

``${table}``, ``${object}``, ``${column}`` and ``${property}`` are the placeholders of SQL, and no variables. Of
servers only what is used here is looked at: a password that a check does not need, need not be there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import get_args

from headgate.contract.yaml_tree import MappingNode, Node, ScalarNode, SequenceNode, tag_of
from headgate.model.errors import ContractUnusable
from headgate.model.rule import Operator

_PLACEHOLDERS = frozenset({"table", "object", "column", "property"})
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OF_SERVERS = frozenset({"format", "delimiter", "encoding"})
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"})
_OPERATORS: frozenset[str] = frozenset(get_args(Operator))


def named(text: str, variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables that a contract's text names and that have a value: all that its meaning can depend on."""
    names = {found[1] for found in _VARIABLE.finditer(text)} - _PLACEHOLDERS
    return tuple((name, variables[name]) for name in sorted(names) if name in variables)


def digest(values: Mapping[str, str]) -> str:
    """Of what variables stood for; empty if there are none. The values themselves may be secret."""
    return hashlib.sha256(json.dumps(sorted(values.items())).encode()).hexdigest() if values else ""


def resolved(root: Node, variables: Mapping[str, str], place: str) -> tuple[Node, Mapping[str, str]]:
    """The same tree with values in place of variables, and what each of them stood for. ``root`` stays as it is.

    Raises ContractUnusable, at its line, for one that has neither a value nor a default.
    """
    if not isinstance(root, MappingNode):
        return root, {}
    walk = _Walk(variables, place)
    parts = []
    for key, value in root.entries:
        name = key.text if isinstance(key, ScalarNode) else None
        parts.append((key, walk.part(value, name) if name in {"schema", "servers"} else value))
    if not walk.used:
        return root, {}
    return replace(root, entries=parts), walk.used


class _Walk:
    """One walk over a contract; what aliases share is visited once for each way it is meant."""

    def __init__(self, variables: Mapping[str, str], place: str) -> None:
        self.variables = variables
        self.place = place
        self.used: dict[str, str] = {}
        self.seen: dict[tuple[int, str], Node] = {}

    def part(self, node: Node, where: str) -> Node:
        """``where``: ``schema`` and ``servers`` are looked through; what is in ``quality``, or under an operator
        there, is replaced.
        """
        if isinstance(node, ScalarNode):
            return self.scalar(node, where) if where in {"quality", "operator"} else node
        at = (id(node), where)
        if at not in self.seen:
            self.seen[at] = node  # what contains itself is refused later
            if isinstance(node, SequenceNode):
                items = [self.part(one, where) for one in node.items]
                if any(new is not old for new, old in zip(items, node.items, strict=True)):
                    self.seen[at] = replace(node, items=items)
            else:
                parts = [(key, self.part(value, _below(where, key))) for key, value in node.entries]
                if any(new is not old for (_, new), (_, old) in zip(parts, node.entries, strict=True)):
                    self.seen[at] = replace(node, entries=parts)
        return self.seen[at]

    def scalar(self, node: ScalarNode, where: str) -> Node:
        if "${" not in node.text:
            return node
        found = "".join(self.replaced(node.text, node))
        if found == node.text:
            return node
        tag = node.tag
        if node.plain or where == "operator":
            read = tag_of(found)
            tag = read if node.plain or read in _NUMBERS else tag
        return replace(node, tag=tag, text=found)

    def replaced(self, text: str, node: ScalarNode) -> Iterator[str]:
        end = 0
        for match in _VARIABLE.finditer(text):
            yield text[end : match.start()]
            end = match.end()
            yield match[0] if match[1] in _PLACEHOLDERS else self.value(match, node)
        yield text[end:]

    def value(self, match: re.Match[str], node: ScalarNode) -> str:
        name = match[1]
        value = self.variables.get(name) or match[2]
        if value is None:  # nothing is never what was meant: an empty value needs an empty default
            raise ContractUnusable(
                f"the variable {name} has no value, and no default",
                hint=f"set it in the environment, or write ${{{name}:-default}}",
                place=f"{self.place}:{node.line + 1}",
            )
        self.used[name] = value
        return value


def _below(where: str, key: Node) -> str:
    name = key.text if isinstance(key, ScalarNode) else ""
    if where == "schema":
        return "quality" if name == "quality" else "schema"
    if where == "servers":
        return "quality" if name in _OF_SERVERS else "none"
    return "operator" if where == "quality" and name in _OPERATORS else where
