"""References into other contracts, in a commit: the table whose own contract holds the object that is named.

A commit knows contracts by their tables, and not by the files that they came from: the object's id (else its name)
decides, and where several tables have such an object nobody chooses between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from headgate.catalog.trees import read_document
from headgate.contract.compile import select
from headgate.contract.document import parse
from headgate.contract.draft import Target
from headgate.contract.json_schema import Value
from headgate.contract.references import Lacking, by_id
from headgate.contract.types import inside, parts
from headgate.contract.variables import named
from headgate.model.errors import WrongUse
from headgate.model.names import TableName, short
from headgate.model.rule import NotCompiled
from headgate.model.tree import Tree
from headgate.ports import Ports

Named = tuple[tuple[str, Target | NotCompiled], ...]
Values = tuple[tuple[str, str], ...]


def named_elsewhere(ports: Ports, tree: Tree, table: TableName, document: bytes) -> Named:
    """What each reference of ``table``'s contract into another one names in ``tree``, where that is its contract."""
    if not may_refer(document):
        return ()
    wanted = _references(document, _values(ports, document))
    if not wanted:
        return ()
    held: dict[TableName, Mapping[str, Value]] = {}
    for other in dict.fromkeys((*tree.tables(), table)):
        entry = tree.contract(other)
        data = (
            document if other == table else read_document(ports.store, entry) if entry is not None else None
        )
        part = _object(data, short(other), _values(ports, data)) if data is not None else None
        if part is not None:
            held[other] = part
    return tuple((reference, _found(reference, held)) for reference in wanted)


def may_refer(document: bytes) -> bool:
    """False for contracts that name no object of another one: nearly all of them, known without parsing."""
    return b"relationships" in document and b"ml#" in document


def _values(ports: Ports, document: bytes) -> Values:
    return named(document.decode("utf-8", "replace"), ports.variables)


def _found(reference: str, held: Mapping[TableName, Mapping[str, Value]]) -> Target | NotCompiled:
    name, _, rest = reference.partition("#")
    if "://" in name:
        return NotCompiled(f"{reference}: other contracts are never read from the network")
    steps = rest.strip("/").split("/")
    wanted = steps[1] if len(steps) > 1 else ""
    tables = [t for t, part in held.items() if part.get("id") == wanted]
    tables = tables or [t for t, part in held.items() if part.get("name") == wanted]
    if not tables:
        return NotCompiled(f"{reference}: no table of the commit has a contract with the object {wanted!r}")
    if len(tables) > 1:
        listed = " and ".join(sorted(short(t) for t in tables))
        return NotCompiled(
            f"{reference}: {listed} have contracts with the object {wanted!r}: which is meant?"
        )
    found = by_id([dict(held[tables[0]])], rest)
    match found:
        case Lacking(what, there):
            return NotCompiled(f"{reference}: {what} in the contract of {short(tables[0])}; {there}")
        case Target():
            return replace(found, table=str(tables[0]))
    return found


@lru_cache(maxsize=256)
def _references(document: bytes, values: Values) -> tuple[str, ...]:
    """The references into other contracts. Raises ContractUnusable."""
    tree = parse(document, "contract", dict(values)).tree
    return tuple(dict.fromkeys(one for part in parts(tree, "schema") for one in _away(part)))


def _away(part: Mapping[str, Value]) -> Iterator[str]:
    for entry in parts(part, "relationships"):
        for said in (entry.get("from"), entry.get("to")):
            for one in said if isinstance(said, list) else [said]:
                if isinstance(one, str) and "#" in one:
                    yield one
    for _, within in inside(part):
        yield from _away(within)


@lru_cache(maxsize=256)
def _object(document: bytes, table: str, values: Values) -> Mapping[str, Value] | None:
    """The schema object of a table's own contract; None for a contract that cannot be used."""
    try:
        found = parse(document, "contract", dict(values))
        return parts(found.tree, "schema")[select(found, table)]
    except WrongUse:
        return None
