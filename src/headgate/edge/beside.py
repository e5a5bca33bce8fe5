"""Contracts beside a contract, for its references into them: files in its own folder, or below that.

Such a file is read as the contract itself is, and never more than it: what is wrong with it, or with the way to it, is
why the reference is not executed. What it refers to in its turn is not followed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contract.compile import select
from headgate.contract.document import Document, parse
from headgate.contract.draft import Target
from headgate.contract.references import Lacking, by_id, object_of, table_of
from headgate.contract.types import parts
from headgate.edge.documents import read_document
from headgate.model.errors import HeadgateError, WrongUse
from headgate.model.names import TableName, table_name
from headgate.model.rule import NotCompiled

FILES_MAX = 32
BYTES_MAX = 16_000_000  # of all files together


@dataclass(frozen=True, slots=True)
class Described:
    """The schema object that describes a table: its document, and its name there."""

    document: Document
    object: str


@dataclass(slots=True)
class Beside:
    """An `Elsewhere`: what references into other contracts name. ``place``: the contract's own file, which is
    ``own``; None if it came as bytes. ``checked``: what the table that is checked is called. ``described``: the tables
    that were named, as it finds them.
    """

    place: str | None
    own: Document
    environ: Mapping[str, str]
    checked: frozenset[TableName] = frozenset()
    described: dict[TableName, Described] = field(default_factory=dict)
    _read: dict[Path, Document | str] = field(default_factory=dict)
    _bytes: int = 0

    def __call__(self, reference: str) -> Target | NotCompiled:
        name, _, names = reference.partition("#")
        document = self._document(name)
        if isinstance(document, str):
            return NotCompiled(f"{reference}: {document}")
        objects = parts(document.tree, "schema")
        target = by_id(objects, names)
        if isinstance(target, Lacking):
            return NotCompiled(f"{reference}: {target.what} in {name}; {target.there}")
        if isinstance(target, Target):
            try:
                table = table_name(target.table)
            except WrongUse as error:
                return NotCompiled(f"{reference}: {error.message}")
            here = Described(document, object_of(objects, names))
            if table in self.checked and document.digest != self.own.digest:
                return NotCompiled(
                    f"{reference}: the table that is checked is called {target.table}, too; a physicalName in one of "
                    "the contracts tells them apart"
                )
            known = self.described.setdefault(table, here)
            if (known.document.digest, known.object) != (document.digest, here.object):
                return NotCompiled(
                    f"{reference}: another contract, {known.document.place}, describes the table {target.table}, too"
                )
        return target

    def _document(self, name: str) -> Document | str:
        """The contract in a file; else why it is not there."""
        if "://" in name:
            return "other contracts are read from files, never from the network"
        if name.startswith("/"):
            return "its path starts at the root; write one that starts at this contract's own folder"
        if self.place is None:
            return "this contract was given without a file, so no other is beside it"
        own = Path(os.path.realpath(self.place))
        path = Path(os.path.realpath(own.parent / name))
        if path == own:
            return self.own
        if not path.is_relative_to(own.parent):
            return "it is outside of this contract's folder, and files there are not read"
        if path not in self._read:
            self._read[path] = self._parsed(path, str(Path(self.place).parent / name))
        return self._read[path]

    def _parsed(self, path: Path, place: str) -> Document | str:
        try:
            if not path.is_file():
                return f"there is no file {place}"
            self._bytes += path.stat().st_size
        except OSError as error:
            return f"the file {place} cannot be opened: {error.strerror}"
        if len(self._read) >= FILES_MAX or self._bytes > BYTES_MAX:
            return f"of other contracts no more than {FILES_MAX} files and {BYTES_MAX:,} bytes are read"
        try:
            return parse(read_document(str(path)), place, self.environ)
        except HeadgateError as error:
            return f"{error.place or place} cannot be used: {error.message}"


def object_names(document: Document, wanted: str | None) -> frozenset[TableName]:
    """What the table of one schema object (`select`) is called, where nobody else gives it a name.

    Raises ContractUnusable, WrongUse.
    """
    part = parts(document.tree, "schema")[select(document, wanted)]
    found = set()
    for name in (str(part.get("name")), table_of(part)):
        with contextlib.suppress(WrongUse):
            found.add(table_name(name))
    return frozenset(found)


def named_in(beside: Beside) -> Mapping[TableName, Described]:
    """The tables that are described: by other contracts, as far as references led there, and by the contract's own
    objects.
    """
    found: dict[TableName, Described] = {}
    for part in parts(beside.own.tree, "schema"):
        with contextlib.suppress(WrongUse):
            found[table_name(table_of(part))] = Described(beside.own, str(part.get("name")))
    return found | beside.described
