"""A tree: an immutable map from keys to tables and documents. Data and configuration move as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headgate.model.names import Key, TableName, baseline_key, contract_key, table_key


@dataclass(frozen=True, slots=True)
class TableEntry:
    """An Iceberg table as of one metadata file. ``pointer`` is never reused, so it names the content."""

    uuid: str
    pointer: str


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document, byte for byte: ``digest`` is the SHA-256 of its bytes, which are a node of their own."""

    digest: str


Entry = TableEntry | DocumentEntry


@dataclass(frozen=True, slots=True)
class Tree(Mapping[Key, Entry]):
    """All keys of one commit. Small (thousands of keys), so it is held whole."""

    entries: Mapping[Key, Entry]

    def __getitem__(self, key: Key) -> Entry:
        return self.entries[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def table(self, table: TableName) -> TableEntry | None:
        entry = self.entries.get(table_key(table))
        return entry if isinstance(entry, TableEntry) else None

    def contract(self, table: TableName) -> DocumentEntry | None:
        entry = self.entries.get(contract_key(table))
        return entry if isinstance(entry, DocumentEntry) else None

    def baseline(self, table: TableName) -> DocumentEntry | None:
        entry = self.entries.get(baseline_key(table))
        return entry if isinstance(entry, DocumentEntry) else None

    def tables(self) -> tuple[TableName, ...]:
        return tuple(
            TableName(k.removeprefix("table/")) for k in sorted(self.entries) if k.startswith("table/")
        )

    def put(self, changes: Mapping[Key, Entry | None]) -> Tree:
        """A tree with ``changes`` applied; None removes a key."""
        merged = {**self.entries, **changes}
        return Tree({key: entry for key, entry in merged.items() if entry is not None})


EMPTY_TREE = Tree({})


@dataclass(frozen=True, slots=True)
class Delta:
    """How one key differs between two trees; None is absence."""

    key: Key
    old: Entry | None
    new: Entry | None


def deltas(old: Tree, new: Tree) -> tuple[Delta, ...]:
    """Every key that differs, in key order."""
    keys = sorted(old.entries.keys() | new.entries.keys())
    return tuple(Delta(k, old.get(k), new.get(k)) for k in keys if old.get(k) != new.get(k))
