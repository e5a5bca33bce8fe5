"""The lake: Apache Iceberg tables in local folders, read and written without an Iceberg catalog.

A table is a folder of files that never change; which of its metadata files is meant is said by the pointer in the
entry. Nothing is ever deleted here but files that no pointer ever named.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
from pyiceberg.manifest import DataFile as IcebergFile
from pyiceberg.manifest import ManifestFile
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata

from headgate.edge import durable
from headgate.edge.iceberg import files as iceberg_files
from headgate.edge.iceberg import rows as iceberg_rows
from headgate.edge.iceberg import schema as iceberg_schema
from headgate.edge.iceberg import snapshot as iceberg_snapshot
from headgate.edge.iceberg.key_index import Key, KeyIndex, Part
from headgate.edge.iceberg.local_io import path_of
from headgate.edge.memo import Memo
from headgate.edge.user_sql.engine import ParquetFiles
from headgate.model.contract import Column
from headgate.model.errors import Bug, Unavailable
from headgate.model.names import BatchId, RunId, TableName
from headgate.model.tree import TableEntry
from headgate.ports import DataFile, Frame, Written


@dataclass(frozen=True, slots=True)
class _Staged:
    """What `Written.handle` holds. ``own``: the files were written for it, so that `discard` may delete them."""

    table: str
    entries: tuple[IcebergFile, ...]
    own: bool


class IcebergLake:
    """Tables under ``warehouse``, bad rows under ``quarantine``, an index of keys beside them. Folders are made when
    they are needed.

    Threads may share one. Metadata, manifests and statistics are remembered by the names of their files.
    """

    def __init__(self, warehouse: Path, quarantine: Path) -> None:
        self._warehouse = os.path.realpath(warehouse)
        self._quarantine = os.path.realpath(quarantine)
        self._keys = KeyIndex(f"{os.path.dirname(self._warehouse)}/keys")
        self._memory = iceberg_snapshot.Memory()
        self._by_manifest: Memo[tuple[str, int, int], tuple[tuple[int, DataFile], ...]] = Memo(4096)
        self._by_pointer: Memo[str, tuple[DataFile, ...]] = Memo(64)

    # -- tables ---------------------------------------------------------------------------------------------

    def create(self, table: TableName, columns: Sequence[Column]) -> TableEntry:
        namespace, _, name = table.partition(".")
        # Two first loads of one table may run at once: each makes a table of its own, and one of them is published.
        location = f"{self._warehouse}/{namespace}/{name}-{uuid.uuid4().hex[:12]}"
        with durable.surroundings(location):
            for folder in ("data", "metadata"):
                durable.make_folder(f"{location}/{folder}")
            return self._durable(
                iceberg_snapshot.create(self._memory, iceberg_schema.schema_of(columns), location)
            )

    def columns(self, entry: TableEntry) -> tuple[Column, ...]:
        """Names and types, as Iceberg has them: formats, zones and what is required are the contract's."""
        return iceberg_schema.columns_of(self._metadata(entry).schema())

    def evolve(self, entry: TableEntry, columns: Sequence[Column]) -> TableEntry | str:
        metadata = self._metadata(entry)
        schema = iceberg_schema.evolved(metadata.schema(), columns, metadata.last_column_id)
        if isinstance(schema, str):
            return schema
        if schema is metadata.schema() or schema == metadata.schema():
            return entry
        with durable.surroundings(metadata.location):
            return self._durable(iceberg_snapshot.change_schema(self._memory, entry.pointer, schema))

    def compatible(self, one: TableEntry, other: TableEntry) -> bool:
        if one.uuid != other.uuid:
            return False
        return one.pointer == other.pointer or self._metadata(one).schema() == self._metadata(other).schema()

    # -- files in -------------------------------------------------------------------------------------------

    def write(self, entry: TableEntry, rows: Frame) -> Written:
        """``rows``: a LazyFrame whose columns are the table's, by name; those that are missing are null.

        Raises Bug for a column the table does not have.
        """
        metadata = self._metadata(entry)
        schema = metadata.schema()
        if metadata.spec().fields:
            raise Unavailable(
                "the table is partitioned, which another engine did",
                hint="load into a new table",
                place=metadata.location,
            )
        folder = f"{path_of(metadata.location)}/data"
        lazy = iceberg_rows.in_columns_of(schema, _lazy(rows))
        paths: list[str] = []
        with durable.surroundings(folder):
            try:
                iceberg_rows.sink(lazy, schema, folder, paths)
                found = [iceberg_files.described(path, schema, metadata.default_spec_id) for path in paths]
                kept = tuple(each for each in found if each.record_count)
                durable.remove(each.file_path for each in found if not each.record_count)
                durable.sync(durable.with_folders(each.file_path for each in kept))
            except BaseException:
                durable.remove(paths)
                raise
        return Written(iceberg_files.as_model(kept, schema), _Staged(entry.uuid, kept, own=True))

    def adopt(self, entry: TableEntry, paths: Collection[str], of: TableEntry) -> Written:
        """Raises Bug for a path that is not live in ``of``, or if the tables are not `compatible`."""
        if not self.compatible(entry, of):
            raise Bug("files of a table cannot be adopted under another schema", place=of.pointer)
        metadata = self._metadata(of)
        wanted = set(paths)
        found = tuple(
            each.data_file
            for manifest in iceberg_snapshot.manifests(self._memory, metadata)
            for each in iceberg_snapshot.live(self._memory, manifest)
            if each.data_file.file_path in wanted
        )
        if missing := wanted - {each.file_path for each in found}:
            raise Bug(f"a file to be adopted is not in the table: {min(missing)}", place=of.pointer)
        return Written(
            iceberg_files.as_model(found, metadata.schema()), _Staged(entry.uuid, found, own=False)
        )

    def append(self, entry: TableEntry, written: Written) -> TableEntry:
        """The same entry if there are no files. Raises Bug if an adopted file is in the table already."""
        return self.rewrite(entry, written, frozenset())

    def rewrite(self, entry: TableEntry, written: Written, removed: Collection[str]) -> TableEntry:
        """Raises Bug if a path in ``removed`` is not live: callers look at `files` of the same entry first."""
        staged = _staged(written)
        if staged.table != entry.uuid:
            raise Bug("files were written for another table", place=entry.pointer)
        if not staged.entries and not removed:
            return entry
        if removed or not staged.own:
            live = {each.path for each in self.files(entry)}
            if missing := set(removed) - live:
                raise Bug(f"a file to be removed is not in the table: {min(missing)}", place=entry.pointer)
            if twice := (live - set(removed)) & {each.file_path for each in staged.entries}:
                raise Bug(f"a file to be added is in the table already: {min(twice)}", place=entry.pointer)
        metadata = self._metadata(entry)
        with durable.surroundings(metadata.location):
            return self._durable(
                iceberg_snapshot.produce(self._memory, entry.pointer, staged.entries, frozenset(removed))
            )

    def discard(self, written: Written) -> None:
        """Adopted files stay: they belong to the version they were adopted from."""
        staged = _staged(written)
        if staged.own:
            durable.remove(path_of(each.file_path) for each in staged.entries)

    # -- rows out -------------------------------------------------------------------------------------------

    def files(self, entry: TableEntry) -> tuple[DataFile, ...]:
        """Oldest first. Floats have no bounds, since NaN may be among them; long text is cut, and its bounds hold."""
        return self._by_pointer.get(entry.pointer, lambda: self._files(self._metadata(entry)))

    def rows(self, entry: TableEntry) -> int:
        found = iceberg_snapshot.manifests(self._memory, self._metadata(entry))
        return sum((each.added_rows_count or 0) + (each.existing_rows_count or 0) for each in found)

    def scan(self, entry: TableEntry, paths: Collection[str] | None = None) -> Frame:
        """A LazyFrame in the table's columns and order. Raises Bug for a path that is not live."""
        metadata = self._metadata(entry)
        live = [each.path for each in self.files(entry)]
        if paths is not None:
            if missing := set(paths) - set(live):
                raise Bug(f"a file to be read is not in the table: {min(missing)}", place=entry.pointer)
            wanted = set(paths)
            live = [path for path in live if path in wanted]
        return Frame(iceberg_rows.scan([path_of(path) for path in live], metadata.schema(), metadata.schemas))

    def at_rest(self, entry: TableEntry) -> Frame:
        """The files, with a schema that gives every column its name, type and place."""
        metadata = self._metadata(entry)
        if iceberg_rows.types_changed(metadata.schema(), metadata.schemas):
            return self.scan(entry)  # files of several types are brought to one by a scan
        paths = tuple(path_of(each.path) for each in self.files(entry))
        return Frame(ParquetFiles(paths, iceberg_schema.arrow_schema(metadata.schema())))

    # -- keys -----------------------------------------------------------------------------------------------

    def near(
        self, entry: TableEntry, paths: Collection[str], columns: Sequence[str], keys: Frame
    ) -> tuple[str, ...]:
        key, parts = self._key(entry, columns, frozenset(paths))
        lazy = _lazy(keys)
        schema = lazy.collect_schema()
        if key is None or [schema[name] for name in columns] != list(key.dtypes):
            return tuple(part.path for part in parts)
        return self._keys.near(key, parts, lazy)

    def found(self, entry: TableEntry, columns: Sequence[str], keys: Frame) -> Frame | None:
        key, parts = self._key(entry, columns)
        lazy = _lazy(keys)
        schema = lazy.collect_schema()
        if key is None or [schema[name] for name in columns] != list(key.dtypes):
            return None
        there = self._keys.found(key, parts, lazy)
        return None if there is None else Frame(there.lazy())

    def unique(self, entry: TableEntry, columns: Sequence[str]) -> bool:
        key, parts = self._key(entry, columns)
        return key is not None and self._keys.unique(key, parts)

    def note_unique(self, was: TableEntry, now: TableEntry, columns: Sequence[str]) -> None:
        key = self._key_of(now, columns)
        if key is not None and key == self._key_of(was, columns):
            self._keys.note_unique(key, [f.path for f in self.files(was)], [f.path for f in self.files(now)])

    def _key(
        self, entry: TableEntry, columns: Sequence[str], paths: Collection[str] | None = None
    ) -> tuple[Key | None, list[Part]]:
        """The key, and those of the table's files that are asked about."""
        metadata = self._metadata(entry)
        schema, schemas = metadata.schema(), metadata.schemas
        files = [f for f in self.files(entry) if paths is None or f.path in paths]
        parts = [
            Part(f.path, f.rows, partial(iceberg_rows.scan, [path_of(f.path)], schema, schemas))
            for f in files
        ]
        return self._key_of(entry, columns), parts

    def _key_of(self, entry: TableEntry, columns: Sequence[str]) -> Key | None:
        """The key as the index knows it; None if the table has no such columns."""
        dtypes = iceberg_schema.polars_schema(self._metadata(entry).schema())
        if not all(name in dtypes for name in columns):
            return None
        return Key(entry.uuid, tuple(columns), tuple(dtypes[name] for name in columns))

    def quarantine(self, batch: BatchId, run: RunId, bad: Frame) -> str:
        """``bad``: a LazyFrame. A run that is taken up again writes the same file again."""
        path = f"{self._quarantine}/{run}.parquet"
        draft = durable.aside(path)
        with durable.surroundings(path):
            durable.make_folder(self._quarantine)
            try:
                iceberg_rows.sink_one(_lazy(bad), draft, {"headgate.batch": batch})
                durable.put(draft, path)
            except BaseException:
                durable.remove((draft,))
                raise
        return path

    # -- within ---------------------------------------------------------------------------------------------

    def _metadata(self, entry: TableEntry) -> TableMetadata:
        def read() -> TableMetadata:
            self._require_here(entry.pointer)
            with durable.surroundings(entry.pointer):
                return iceberg_snapshot.metadata_at(self._memory, entry.pointer)

        return self._memory.metadata.get(entry.pointer, read)

    def _require_here(self, pointer: str) -> None:
        """Iceberg metadata hold absolute paths: a moved project finds nothing, a copied one would find the
        original's files and write among them.
        """
        path = path_of(pointer)
        home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(path))))
        if not os.path.realpath(path).startswith(self._warehouse + os.sep):
            raise Unavailable(
                f"the project was moved or copied: its tables are at {home}, it is at {self._warehouse}",
                hint=f"move it back, or link the old place to the new: ln -s {self._warehouse} {home}",
                place=path,
            )
        if not os.path.exists(path):
            raise Unavailable(
                "a file of the table is gone", hint="restore the project's folder from a backup", place=path
            )

    def _files(self, metadata: TableMetadata) -> tuple[DataFile, ...]:
        numbered: list[tuple[int, DataFile]] = []
        for manifest in iceberg_snapshot.manifests(self._memory, metadata):
            numbered += self._decoded(manifest, metadata.schema())
        numbered.sort(key=lambda each: each[0])
        return tuple(each for _, each in numbered)

    def _decoded(self, manifest: ManifestFile, schema: Schema) -> tuple[tuple[int, DataFile], ...]:
        """The live files of one manifest, with their sequence numbers."""

        def decode() -> tuple[tuple[int, DataFile], ...]:
            entries = iceberg_snapshot.live(self._memory, manifest)
            files = iceberg_files.as_model([each.data_file for each in entries], schema)
            return tuple((each.sequence_number or 0, file) for each, file in zip(entries, files, strict=True))

        key = (manifest.manifest_path, manifest.sequence_number, schema.schema_id)
        return self._by_manifest.get(key, decode)

    def _durable(self, produced: iceberg_snapshot.Produced) -> TableEntry:
        durable.sync(durable.with_folders(path_of(path) for path in produced.paths))
        metadata = iceberg_snapshot.metadata_at(self._memory, produced.pointer)
        return TableEntry(str(metadata.table_uuid), produced.pointer)


# -- frames -------------------------------------------------------------------------------------------------


def _lazy(rows: Frame) -> pl.LazyFrame:
    if isinstance(rows, pl.LazyFrame):
        return rows
    raise Bug(f"rows to be written are a {type(rows).__name__}")


def _staged(written: Written) -> _Staged:
    if isinstance(written.handle, _Staged):
        return written.handle
    raise Bug("files were not written by this lake")
