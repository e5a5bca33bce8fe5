"""Iceberg snapshots: reading them through a memory, and producing new ones from PyIceberg's parts.

PyIceberg's own Transaction copies the metadata some twenty times in one append, grows with the table, and wants a
catalog. What remains here is what the format asks for: a manifest of what changed, a list of manifests, a snapshot
in new metadata. Old manifests are merged in tiers, so that an append costs the same at the thousandth.

A manifest written here is named by the snapshot it was written for, and by that snapshot's descendants: never by
another branch's. PyIceberg remembers manifests by path alone, for the whole process, and would give one branch the
sequence numbers of the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil, new_table_metadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.snapshots import (
    Operation,
    Snapshot,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddSchemaUpdate,
    AddSnapshotUpdate,
    RemoveSnapshotsUpdate,
    SetCurrentSchemaUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
    update_table_metadata,
)

from headgate.edge import durable
from headgate.edge.iceberg.local_io import LocalIO, path_of
from headgate.edge.memo import Memo
from headgate.model.errors import Unavailable

SNAPSHOTS_KEPT = 10
MANIFESTS_IN_TIER = 16
_TIER_BITS = MANIFESTS_IN_TIER.bit_length() - 1
_CODEC: Literal["deflate"] = "deflate"
PROPERTIES = {
    # Nobody but a collector that knows every branch may delete: what one branch dropped another may show.
    "gc.enabled": "false",
    "write.metadata.delete-after-commit.enabled": "false",
    "write.metadata.previous-versions-max": "10",
    # PyIceberg retries by default, so that a second append of the same batch would succeed.
    "commit.retry.num-retries": "0",
    "write.parquet.compression-codec": "zstd",
}


@dataclass(frozen=True, slots=True)
class Memory:
    """Immutable files that were read or written: metadata, manifest lists and live entries, by path.

    Entries go by sequence number, too: a manifest inherits it from the list that names it.
    """

    io: LocalIO = field(default_factory=LocalIO)
    metadata: Memo[str, TableMetadata] = field(default_factory=lambda: Memo(256))
    lists: Memo[str, tuple[ManifestFile, ...]] = field(default_factory=lambda: Memo(256))
    entries: Memo[tuple[str, int], tuple[ManifestEntry, ...]] = field(default_factory=lambda: Memo(4096))


@dataclass(frozen=True, slots=True)
class Produced:
    """New metadata at ``pointer``; every file that was written for it, itself included, none of them synced."""

    pointer: str
    paths: tuple[str, ...]


# -- reading ------------------------------------------------------------------------------------------------


def metadata_at(memory: Memory, pointer: str) -> TableMetadata:
    """Raises OSError."""

    def read() -> TableMetadata:
        with open(path_of(pointer), "rb") as stream:
            return TableMetadataUtil.parse_raw(stream.read().decode())

    return memory.metadata.get(pointer, read)


def manifests(memory: Memory, metadata: TableMetadata) -> tuple[ManifestFile, ...]:
    """The current snapshot's, newest first. Raises Unavailable for delete files, which only others write."""
    snapshot = metadata.current_snapshot()
    if snapshot is None:
        return ()
    path = snapshot.manifest_list
    found = memory.lists.get(path, lambda: tuple(read_manifest_list(memory.io.new_input(path))))
    if any(manifest.content != ManifestContent.DATA for manifest in found):
        raise Unavailable(
            "the table has delete files, which another engine wrote",
            hint="rewrite the table with that engine (compaction), then try again",
            place=metadata.location,
        )
    return found


def live(memory: Memory, manifest: ManifestFile) -> tuple[ManifestEntry, ...]:
    """The entries of a committed manifest that are not deleted."""
    key = manifest.manifest_path, manifest.sequence_number
    return memory.entries.get(key, lambda: tuple(manifest.fetch_manifest_entry(memory.io)))


# -- producing ----------------------------------------------------------------------------------------------


def create(memory: Memory, schema: Schema, location: str) -> Produced:
    """Metadata of an empty table with a new uuid. The folders are there."""
    metadata = new_table_metadata(
        schema, UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, location, dict(PROPERTIES)
    )
    return _put_metadata(memory, metadata, ())


def change_schema(memory: Memory, pointer: str, schema: Schema) -> Produced:
    """The same snapshots under another current schema."""
    base = metadata_at(memory, pointer)
    number = max(known.schema_id for known in base.schemas) + 1
    numbered = schema.model_copy(update={"schema_id": number})
    updates = (AddSchemaUpdate(schema=numbered), SetCurrentSchemaUpdate.model_validate({"schema-id": number}))
    return _put_metadata(memory, update_table_metadata(base, updates, metadata_location=pointer), ())


def produce(
    memory: Memory, pointer: str, added: Sequence[DataFile], removed: Collection[str] = frozenset()
) -> Produced:
    """A new snapshot on top of the one at ``pointer``: files added, and live files (by path) removed."""
    base = metadata_at(memory, pointer)
    parent = base.current_snapshot()
    draft = _Draft(memory, base, base.new_snapshot_id(), base.next_sequence_number())
    before = [m for m in manifests(memory, base) if m.has_added_files() or m.has_existing_files()]
    kept, gone = draft.without(before, removed) if removed else (before, [])
    ours = [draft.manifest([draft.entry(ManifestEntryStatus.ADDED, each) for each in added])] if added else []
    committed = {manifest.manifest_path for manifest in before}
    listed = ours + draft.merged(kept, committed)
    path = f"{base.location}/metadata/snap-{draft.snapshot_id}-0-{uuid.uuid4()}.avro"
    with write_manifest_list(
        2,
        memory.io.new_output(path),
        draft.snapshot_id,
        parent.snapshot_id if parent else None,
        draft.sequence_number,
        _CODEC,
    ) as writer:
        writer.add_manifests(listed)
    memory.lists.put(path, tuple(listed))
    snapshot = Snapshot.model_validate(
        {
            "snapshot-id": draft.snapshot_id,
            "parent-snapshot-id": parent.snapshot_id if parent else None,
            "manifest-list": path,
            "sequence-number": draft.sequence_number,
            "summary": _summary(base, parent, added, gone),
            "schema-id": base.current_schema_id,
        }
    )
    # A clock that was set back would make the table's history run backwards, which other readers refuse.
    snapshot = snapshot.model_copy(update={"timestamp_ms": max(snapshot.timestamp_ms, base.last_updated_ms)})
    metadata = update_table_metadata(base, _updates(base, snapshot), metadata_location=pointer)
    return _put_metadata(memory, metadata, (*draft.paths, path))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A snapshot in the making: its numbers, and the manifests written for it."""

    memory: Memory
    base: TableMetadata
    snapshot_id: int
    sequence_number: int
    paths: list[str] = field(default_factory=list)

    def entry(
        self, status: ManifestEntryStatus, data_file: DataFile, like: ManifestEntry | None = None
    ) -> ManifestEntry:
        """An entry for this snapshot. ``like``: the committed entry of the same file, whose numbers it keeps."""
        number = like.sequence_number if like else self.sequence_number
        file_number = like.file_sequence_number if like else self.sequence_number
        kept = like is not None and status is ManifestEntryStatus.EXISTING
        return ManifestEntry.from_args(
            status=status,
            snapshot_id=like.snapshot_id if like and kept else self.snapshot_id,
            sequence_number=number,
            file_sequence_number=file_number,
            data_file=data_file,
        )

    def manifest(self, entries: Sequence[ManifestEntry], spec_id: int | None = None) -> ManifestFile:
        base = self.base
        spec = base.specs()[base.default_spec_id if spec_id is None else spec_id]
        path = f"{base.location}/metadata/{uuid.uuid4()}-m0.avro"
        output = self.memory.io.new_output(path)
        with write_manifest(2, spec, base.schema(), output, self.snapshot_id, _CODEC) as writer:
            for each in entries:
                writer.add_entry(each)
        self.paths.append(path)
        made = writer.to_manifest_file()
        made.sequence_number = self.sequence_number
        if made.min_sequence_number < 0:
            made.min_sequence_number = self.sequence_number
        alive = tuple(each for each in entries if each.status is not ManifestEntryStatus.DELETED)
        self.memory.entries.put((path, self.sequence_number), alive)
        return made

    def without(
        self, before: Sequence[ManifestFile], removed: Collection[str]
    ) -> tuple[list[ManifestFile], list[DataFile]]:
        """The manifests with ``removed`` marked deleted; those it did not touch as they were. And the files."""
        kept: list[ManifestFile] = []
        gone: list[DataFile] = []
        for manifest in before:
            entries = live(self.memory, manifest)
            leaving = [each for each in entries if each.data_file.file_path in removed]
            if not leaving:
                kept.append(manifest)
                continue
            gone += [each.data_file for each in leaving]
            marked = [
                self.entry(
                    ManifestEntryStatus.DELETED
                    if each.data_file.file_path in removed
                    else ManifestEntryStatus.EXISTING,
                    each.data_file,
                    each,
                )
                for each in entries
            ]
            kept.append(self.manifest(marked, manifest.partition_spec_id))
        return kept, gone

    def merged(self, kept: Sequence[ManifestFile], committed: Collection[str]) -> list[ManifestFile]:
        """As soon as a tier is full its manifests become one of the next. Never those of this very commit."""
        result = list(kept)
        tier = 0
        while True:
            full = [
                m
                for m in result
                if m.manifest_path in committed
                and m.partition_spec_id == self.base.default_spec_id
                and _tier(m) == tier
            ]
            if len(full) < MANIFESTS_IN_TIER:
                return result
            entries = [
                self.entry(ManifestEntryStatus.EXISTING, each.data_file, each)
                for m in full
                for each in live(self.memory, m)
            ]
            one = self.manifest(entries, full[0].partition_spec_id)
            leaving = {m.manifest_path for m in full}
            result = [m for m in result if m.manifest_path not in leaving]
            result.append(one)
            tier += 1


def _tier(manifest: ManifestFile) -> int:
    files = (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
    return max(files.bit_length() - 1, 0) // _TIER_BITS


def _summary(
    base: TableMetadata, parent: Snapshot | None, added: Iterable[DataFile], gone: Sequence[DataFile]
) -> Summary:
    collector = SnapshotSummaryCollector()
    operation = Operation.DELETE if gone else Operation.APPEND
    for each in added:
        collector.add_file(each, base.schema(), base.spec())
        operation = Operation.OVERWRITE if gone else Operation.APPEND
    for each in gone:
        collector.remove_file(each, base.schema(), base.spec())
    before = parent.summary.additional_properties if parent and parent.summary else None
    return update_snapshot_summaries(Summary(operation, **collector.build()), before)


def _updates(base: TableMetadata, snapshot: Snapshot) -> tuple[TableUpdate, ...]:
    """The snapshot becomes the current one; the oldest go, except those that another engine's tags name."""
    updates: list[TableUpdate] = [
        AddSnapshotUpdate(snapshot=snapshot),
        SetSnapshotRefUpdate.model_validate(
            {"snapshot-id": snapshot.snapshot_id, "ref-name": MAIN_BRANCH, "type": SnapshotRefType.BRANCH}
        ),
    ]
    named = {ref.snapshot_id for name, ref in base.refs.items() if name != MAIN_BRANCH}
    oldest = [each.snapshot_id for each in base.snapshots[: max(len(base.snapshots) + 1 - SNAPSHOTS_KEPT, 0)]]
    if expired := [each for each in oldest if each not in named]:
        updates.append(RemoveSnapshotsUpdate.model_validate({"snapshot-ids": expired}))
    return tuple(updates)


def _put_metadata(memory: Memory, metadata: TableMetadata, paths: Sequence[str]) -> Produced:
    pointer = (
        f"{metadata.location}/metadata/{metadata.next_sequence_number() - 1:05d}-{uuid.uuid4()}.metadata.json"
    )
    durable.write_new(path_of(pointer), metadata.model_dump_json(exclude_none=True).encode())
    memory.metadata.put(pointer, metadata)
    return Produced(pointer, (*paths, pointer))
