"""Everything that makes a contract unusable, not the first thing alone: for `contract lint`.

Compiling stops at what it refuses. What was refused is taken out of a copy of the document, and the rest is compiled
again, until nothing is refused. Lines are those of the document as it was written.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headgate.contract.compile import compile_contract
from headgate.contract.document import Document, invalid, read, refuse
from headgate.contract.draft import PatternError
from headgate.contract.json_schema import Path
from headgate.contract.types import parts
from headgate.model.errors import ContractUnusable

FAULTS_MAX = 50  # of one table

_OPTIONAL = {"enum", "primaryKey", "primaryKeyPosition", "required", "unique"}
# What can stand in a list in the stead of an entry that was refused, so that the others keep their numbers.
_HARMLESS: Mapping[str, Mapping[str, Any]] = {
    "quality": {"type": "text"},
    "relationships": {},
    "customProperties": {"property": "-", "value": None},
    "enum": {"value": None},
    "slaProperties": {"property": "-"},
}


def examined(
    data: bytes, place: str, environment: Mapping[str, str] | None = None, *, pattern_error: PatternError
) -> Document:
    """`parse`, and every table compiled. Raises ContractUnusable, `also` with what else is wrong, by line."""
    document = read(data, place, environment)
    tree = copy.deepcopy(dict(document.tree))
    found = [_problem(document, one.path, one.message, one.hint) for one in invalid(document)]
    for one in found:
        _without(tree, one.at, 1, ())
    if not invalid(replace(document, tree=tree)):
        found += _of_tables(document, tree, pattern_error)
    found.sort(key=lambda one: _line(one.place))
    if found:
        first = found[0]
        raise ContractUnusable(
            first.message, hint=first.hint, place=first.place, at=first.at, also=tuple(found[1:])
        )
    return document


def _problem(document: Document, path: Path, message: str, hint: str) -> ContractUnusable:
    try:
        refuse(document, path, message, hint)
    except ContractUnusable as error:
        return error


def _of_tables(
    document: Document, tree: dict[str, Any], pattern_error: PatternError
) -> list[ContractUnusable]:
    found: dict[tuple[str, str], ContractUnusable] = {}
    for at, part in enumerate(parts(tree, "schema")):
        tried: dict[Path, int] = {}
        for _ in range(FAULTS_MAX):
            try:
                compile_contract(replace(document, tree=tree), str(part["name"]), pattern_error=pattern_error)
            except ContractUnusable as error:
                found.setdefault((error.place, error.message), error)
                tried[error.at] = tried.get(error.at, 0) + 1
                if not _without(tree, error.at, tried[error.at], ("schema", at)):
                    break
            else:
                break
    return list(found.values())


def _line(place: str) -> int:
    line = place.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


def _without(tree: object, path: Path, times: int, table: Path) -> bool:
    """Take out what stands at ``path``: what it says first, then the entry of a list that it is in.

    False if nothing more can be taken out without taking out the table.
    """
    if not path or path == table:
        return False
    parent = _at(tree, path[:-1])
    # No other key: what is left must still be what the schema takes.
    left_out = "logicalTypeOptions" in path[-2:-1] or path[-1] in _OPTIONAL
    if times == 1 and left_out and isinstance(parent, dict) and path[-1] in parent:
        del parent[path[-1]]
        return True
    for end in range(len(path), 1, -1):
        name, entry = path[end - 2], path[end - 1]
        if not isinstance(entry, int) or not isinstance(name, str):
            continue
        entries = _at(tree, path[: end - 1])
        if not isinstance(entries, list) or entry >= len(entries):
            continue
        old = entries[entry]
        if name == "properties":
            stub = {"name": _name(old, entry, times)}
        elif name in _HARMLESS:
            stub = dict(_HARMLESS[name])
        else:
            continue
        if old != stub:
            entries[entry] = stub
            return True
    return False


def _name(old: object, entry: int, times: int) -> str:
    """As it was called, since others may speak of it; after that, as nobody is called."""
    if isinstance(old, dict) and times == 1 and (known := old.get("physicalName") or old.get("name")):
        return str(known)
    return f"\0{entry}"


def _at(tree: object, path: Path) -> object:
    for step in path:
        if isinstance(tree, dict) and step in tree:
            tree = tree[step]
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree
