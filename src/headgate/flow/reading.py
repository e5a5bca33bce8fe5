"""Reading a commit the way readers do: ref -> commit -> tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headgate.model.names import TableName
from headgate.model.tree import TableEntry, Tree
from headgate.ports import Frame, Ports


def tables_of(ports: Ports, tree: Tree) -> Mapping[str, Callable[[], Frame]]:
    """Every table of a tree, opened when it is asked for."""
    return {str(table): _opener(ports, tree, table) for table in tree.tables()}


def _opener(ports: Ports, tree: Tree, table: TableName) -> Callable[[], Frame]:
    entry = tree.table(table)
    assert entry is not None

    def opened(entry: TableEntry = entry) -> Frame:
        return ports.lake.at_rest(entry)

    return opened
