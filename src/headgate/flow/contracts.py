"""The contracts of a tree, compiled. A document never changes, so each is compiled once a process, for each set of
values of its variables and of what it names elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from headgate.catalog.trees import read_document
from headgate.contract.compile import compile_contract
from headgate.contract.document import parse
from headgate.contract.draft import unread
from headgate.contract.variables import named
from headgate.flow.elsewhere import Named, may_refer, named_elsewhere
from headgate.model.contract import TableContract
from headgate.model.names import TableName, short
from headgate.model.tree import DocumentEntry, Tree
from headgate.ports import Ports


def compiled(ports: Ports, document: bytes, table: TableName, place: str, tree: Tree) -> TableContract:
    """The contract for ``table``, if it were that in ``tree``: what it says of other contracts is looked up there.

    Raises ContractUnusable.
    """
    values = named(document.decode("utf-8", "replace"), ports.variables)
    elsewhere = named_elsewhere(ports, tree, table, document)
    return _compiled(ports.pattern_error, document, table, place, values, elsewhere)


@lru_cache(maxsize=256)
def _compiled(
    pattern_error: Callable[[str], str | None],
    document: bytes,
    table: TableName,
    place: str,
    values: tuple[tuple[str, str], ...],
    elsewhere: Named,
) -> TableContract:
    found = dict(elsewhere)
    return compile_contract(
        parse(document, place, dict(values)),
        short(table),
        pattern_error=pattern_error,
        elsewhere=lambda reference: found.get(reference) or unread(reference),
    )


def contract_bytes(ports: Ports, entry: DocumentEntry) -> bytes:
    return read_document(ports.store, entry)


def contract_of(ports: Ports, tree: Tree, table: TableName) -> TableContract | None:
    """The contract that a table has in a tree; None: it is unguarded."""
    entry = tree.contract(table)
    if entry is None:
        return None
    return compiled(ports, contract_bytes(ports, entry), table, f"contract/{table}", tree)


def contracts_of(ports: Ports, tree: Tree) -> Mapping[TableName, TableContract]:
    """All contracts of tables that are in the tree."""
    found = {table: contract_of(ports, tree, table) for table in tree.tables()}
    return {table: contract for table, contract in found.items() if contract is not None}


def contracts_that_refer(ports: Ports, tree: Tree) -> Mapping[TableName, TableContract]:
    """Those of `contracts_of` that may name objects of other contracts; what is wrong with the rest is not met."""
    found: dict[TableName, TableContract] = {}
    for table in tree.tables():
        entry = tree.contract(table)
        if entry is not None and may_refer(data := contract_bytes(ports, entry)):
            found[table] = compiled(ports, data, table, f"contract/{table}", tree)
    return found
