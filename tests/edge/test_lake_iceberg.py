from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyiceberg.manifest import clear_manifest_cache
from pyiceberg.table import StaticTable

from headgate.edge import durable
from headgate.edge.iceberg import rows as iceberg_rows
from headgate.edge.iceberg.lake import IcebergLake
from headgate.model.contract import Column, DecimalType, IntegerType, NumberType, StringType, TimeType
from headgate.model.errors import Bug, Unavailable, Unreadable
from headgate.model.names import BatchId, RunId
from headgate.model.tree import TableEntry
from headgate.ports import Frame
from headgate.testing.lake_suite import COLUMNS, ORDERS, appended, collected, ids, orders
from headgate.testing.unsynced import Unsynced


def lake_at(folder: Path) -> IcebergLake:
    return IcebergLake(folder / "warehouse", folder / "quarantine")


@pytest.fixture
def lake(tmp_path: Path) -> IcebergLake:
    return lake_at(tmp_path)


def opened(entry: TableEntry) -> StaticTable:
    """The table as PyIceberg sees it, with nothing remembered."""
    clear_manifest_cache()
    return StaticTable.from_metadata(entry.pointer)


def assert_read_alike(lake: IcebergLake, entry: TableEntry) -> None:
    """PyIceberg finds the rows, statistics and totals that we find."""
    table = opened(entry)
    theirs = pl.from_arrow(table.scan().to_arrow())
    assert isinstance(theirs, pl.DataFrame)
    ours = collected(lake.scan(entry))
    assert_frame_equal(theirs, ours, check_row_order=False)
    fresh = IcebergLake(Path(lake._warehouse), Path(lake._quarantine))
    for seen in (lake, fresh):
        assert seen.rows(entry) == ours.height
        assert [(f, f.bounds, f.nulls) for f in seen.files(entry)] == [
            (f, f.bounds, f.nulls) for f in lake.files(entry)
        ]
    snapshot = table.current_snapshot()
    if snapshot is not None and snapshot.summary is not None:
        assert snapshot.summary["total-records"] == str(ours.height)
        assert snapshot.summary["total-data-files"] == str(len(lake.files(entry)))
    assert table.metadata.model_validate_json(table.metadata.model_dump_json()) == table.metadata


# -- other readers ------------------------------------------------------------------------------------------


def test_pyiceberg_reads_every_version_as_we_do(lake: IcebergLake) -> None:
    empty = lake.create(ORDERS, COLUMNS)
    first = lake.write(empty, orders(1, 2))
    one = lake.append(empty, first)
    two = appended(lake, one, orders(3))
    rewritten = lake.rewrite(two, lake.write(two, orders(9)), {first.files[0].path})
    emptied = lake.rewrite(two, lake.write(two, orders()), [f.path for f in lake.files(two)])
    wide = lake.evolve(
        two,
        (
            Column("id", IntegerType()),
            Column("amount", DecimalType(20, 2)),
            COLUMNS[2],
            Column("x", NumberType()),
        ),
    )
    assert isinstance(wide, TableEntry)
    rows = {"id": [None, 5], "amount": [Decimal("123456789012345.25")] * 2, "x": [float("nan"), 1.5]}
    wider = appended(lake, wide, Frame(pl.LazyFrame(rows, schema_overrides={"amount": pl.Decimal(20, 2)})))
    for entry in (empty, one, two, rewritten, emptied, wide, wider):
        assert_read_alike(lake, entry)


def test_pyiceberg_finds_columns_by_id_and_prunes_by_our_bounds(lake: IcebergLake) -> None:
    table = appended(lake, appended(lake, lake.create(ORDERS, COLUMNS), orders(1, 2)), orders(30, 40))
    found = opened(table)
    planned = list(found.scan(row_filter="id >= 30").plan_files())
    assert [task.file.file_path for task in planned] == [lake.files(table)[1].path]
    assert found.scan(row_filter="amount < 1.00 and note = 'n'").to_arrow()["id"].to_pylist() == [1, 2]
    assert "schema.name-mapping.default" not in found.metadata.properties


def test_times_of_day_are_kept_as_microseconds(lake: IcebergLake) -> None:
    rows = pl.LazyFrame({"t": ["00:00:00", "23:59:59.999999", None]}).select(
        pl.col("t").str.to_time("%H:%M:%S%.f")
    )
    assert_read_alike(lake, appended(lake, lake.create(ORDERS, [Column("t", TimeType())]), Frame(rows)))


def test_adopted_files_have_a_manifest_of_their_own(lake: IcebergLake) -> None:
    """Seen failing with the other branch's manifest listed again: PyIceberg remembers manifests by path, and
    would give the rows of one branch the sequence number of the other."""
    base = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    ours = appended(lake, appended(lake, base, orders(2)), orders(3))
    theirs = appended(lake, base, orders(4))
    new = {f.path for f in lake.files(theirs)} - {f.path for f in lake.files(base)}
    merged = lake.append(ours, lake.adopt(ours, new, theirs))
    paths = [set(opened(e).inspect.manifests()["path"].to_pylist()) for e in (base, theirs, merged)]
    assert paths[1] & paths[2] == paths[0]
    one_process = [StaticTable.from_metadata(e.pointer).inspect.entries() for e in (theirs, merged)]
    numbers = [
        dict(
            zip(
                (d["file_path"] for d in t["data_file"].to_pylist()),
                t["sequence_number"].to_pylist(),
                strict=True,
            )
        )
        for t in one_process
    ]
    (path,) = new
    assert [each[path] for each in numbers] == [2, 4]
    assert_read_alike(lake, merged)


def test_seventy_appends_keep_history_and_manifests_short(lake: IcebergLake) -> None:
    """Seen failing without expiry (71 snapshots) and without tiers (70 manifests)."""
    table = lake.create(ORDERS, COLUMNS)
    for number in range(70):
        table = appended(lake, table, orders(number))
    assert ids(lake, table) == list(range(70))
    found = opened(table)
    assert len(found.metadata.snapshots) == 10
    assert len(found.metadata.metadata_log) <= 10
    assert found.inspect.manifests().num_rows <= 70 // 16 + 16
    assert_read_alike(lake, table)
    half = [f.path for f in lake.files(table)][::2]
    table = appended(lake, lake.rewrite(table, lake.write(table, orders(100)), half), orders(101))
    assert ids(lake, table) == [*range(1, 70, 2), 100, 101]
    assert_read_alike(lake, table)


def test_the_thousand_files_of_a_table_are_listed_at_once(lake: IcebergLake) -> None:
    written = lake.write(table := lake.create(ORDERS, COLUMNS), orders(1))
    entries = written.handle.entries * 1000  # type: ignore[attr-defined]
    many = type(written.handle)(written.handle.table, entries, own=True)  # type: ignore[attr-defined, call-arg]
    table = lake.append(table, type(written)(written.files * 1000, many))
    assert len(lake.files(table)) == 1000
    assert lake.files(table) is lake.files(table)


def test_nothing_deletes_what_another_branch_may_show(lake: IcebergLake) -> None:
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    properties = opened(table).metadata.properties
    assert properties["gc.enabled"] == "false"
    assert properties["write.metadata.delete-after-commit.enabled"] == "false"
    assert properties["commit.retry.num-retries"] == "0"


def test_delete_files_of_another_engine_are_refused(lake: IcebergLake) -> None:
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    snapshot = opened(table).current_snapshot()
    assert snapshot is not None
    (manifest,) = lake._memory.lists.get(snapshot.manifest_list, tuple)
    manifest._data[3] = 1  # deletes
    for ask in (lake.files, lake.rows, lake.scan):
        with pytest.raises(Unavailable, match="delete files"):
            ask(table)


def test_column_names_may_look_like_patterns(lake: IcebergLake) -> None:
    columns = [Column("^a$", IntegerType()), Column("*", StringType()), Column("a.b", StringType())]
    rows = pl.DataFrame({"a.b": ["y"], "*": ["x"], "^a$": [1]})
    table = appended(lake, lake.create(ORDERS, columns), Frame(rows.lazy()))
    assert collected(lake.scan(table)).to_dicts() == rows.to_dicts()
    assert_read_alike(lake, table)


def test_large_rows_are_split_into_files(lake: IcebergLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iceberg_rows, "BYTES_PER_FILE", 1_000_000)
    frame = Frame(pl.LazyFrame({"id": range(500_000)}))
    written = lake.write(table := lake.create(ORDERS, COLUMNS), frame)
    assert len(written.files) > 1
    assert written.rows == 500_000
    table = lake.append(table, written)
    assert ids(lake, table) == list(range(500_000))
    assert_read_alike(lake, table)


# -- power cuts ---------------------------------------------------------------------------------------------


def some_history(lake: IcebergLake) -> tuple[list[TableEntry], str]:
    empty = lake.create(ORDERS, COLUMNS)
    first = lake.write(empty, orders(1, 2))
    one = lake.append(empty, first)
    two = appended(lake, one, orders(3))
    three = lake.rewrite(two, lake.write(two, orders(4)), {first.files[0].path})
    wide = lake.evolve(two, (*COLUMNS, Column("x", NumberType())))
    assert isinstance(wide, TableEntry)
    adopted = lake.append(three, lake.adopt(three, [first.files[0].path], one))
    bad = lake.quarantine(BatchId("b"), RunId("r"), orders(1))
    entries = [empty, one, two, three, wide, adopted]
    for number in range(20):
        entries.append(appended(lake, entries[-1], orders(number)))
    return entries, bad


def test_whatever_was_returned_survives_a_power_cut(tmp_path: Path) -> None:
    """Seen failing with `off=True`, that is without any sync (the next test), and without the folders' syncs."""
    with Unsynced(tmp_path) as disk:
        lake = lake_at(tmp_path)
        entries, bad = some_history(lake)
        seen = [ids(lake, entry) for entry in entries]
        disk.cut_power()
        again = lake_at(tmp_path)
        assert [ids(again, entry) for entry in entries] == seen
        assert_read_alike(again, entries[-1])
        assert pl.read_parquet(bad).height == 1


def test_without_syncs_a_power_cut_takes_the_tables(tmp_path: Path) -> None:
    with Unsynced(tmp_path, off=True) as disk:
        entries, _ = some_history(lake_at(tmp_path))
        disk.cut_power()
        with pytest.raises(Unavailable):
            ids(lake_at(tmp_path), entries[-1])


def test_a_kept_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "file")
    durable.replace(path, b"old")

    def refuse(_: Any) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(durable, "sync", refuse)
    with pytest.raises(OSError, match="no"):
        durable.replace(path, b"new")
    assert Path(path).read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_sync_that_fails_is_not_overheard(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(20)]
    for file in files:
        file.touch()
    durable.sync(map(str, files))
    files[13].unlink()
    with pytest.raises(FileNotFoundError, match="13"):
        durable.sync(map(str, files))


# -- surroundings that refuse -------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_left_over(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.create(ORDERS, COLUMNS)
    folder = Path(table.pointer).parents[1] / "data"
    token = uuid.UUID(int=7)
    monkeypatch.setattr(uuid, "uuid4", lambda: token)
    (folder / f"{token.hex}-00000.parquet").symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="the disk is full") as caught:
        lake.write(table, orders(*range(1000)))
    assert "free some space" in caught.value.hint
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "full"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be"),
        (errno.EIO, "says"),
    ],
)
def test_what_the_system_refuses_is_unavailable(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    staged = lake.write(table, orders(2))

    def refuse(_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable, "sync", refuse)
    asked: list[Callable[[], object]] = [
        lambda: lake.create(ORDERS, COLUMNS),
        lambda: lake.write(table, orders(3)),
        lambda: lake.append(table, staged),
        lambda: lake.rewrite(table, staged, [lake.files(table)[0].path]),
        lambda: lake.evolve(table, (*COLUMNS, Column("x", StringType()))),
        lambda: lake.quarantine(BatchId("b"), RunId("r"), orders(1)),
    ]
    for ask in asked:
        with pytest.raises(Unavailable, match=says) as caught:
            ask()
        assert caught.value.hint
    data = Path(table.pointer).parents[1] / "data"
    assert len(list(data.iterdir())) == 2
    assert not list(Path(lake._quarantine).iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir(mode=0o500)
    with pytest.raises(Unavailable, match="cannot be written"):
        lake_at(tmp_path).create(ORDERS, COLUMNS)


def test_a_delivery_that_turns_out_damaged_is_no_fault_of_the_disk(lake: IcebergLake, tmp_path: Path) -> None:
    table = lake.create(ORDERS, COLUMNS)
    delivered = tmp_path / "d.parquet"
    pl.DataFrame({"id": range(100_000)}).write_parquet(delivered)
    frame = Frame(pl.scan_parquet(delivered, schema={"id": pl.Int64}))
    content = delivered.read_bytes()
    delivered.write_bytes(content[:200] + bytes(len(content) - 1200) + content[-1000:])
    with pytest.raises(Unreadable):
        lake.write(table, frame)
    assert list((Path(table.pointer).parents[1] / "data").iterdir()) == []


def test_a_moved_project_is_told_with_the_way_out(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    lake = lake_at(old)
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    old.rename(new)
    moved = lake_at(new)
    with pytest.raises(Unavailable, match="moved or copied") as caught:
        moved.scan(table)
    assert str(old / "warehouse") in caught.value.message
    command = caught.value.hint.partition("new: ")[2]
    old.mkdir()
    subprocess.run(command, shell=True, check=True)
    assert ids(moved, appended(moved, table, orders(2))) == [1, 2]


def test_a_copied_project_does_not_write_into_the_original(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "original")
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    with pytest.raises(Unavailable, match="moved or copied"):
        lake_at(tmp_path / "copy").write(table, orders(2))


def test_a_lost_metadata_file_is_told(lake: IcebergLake, tmp_path: Path) -> None:
    table = appended(lake, lake.create(ORDERS, COLUMNS), orders(1))
    Path(table.pointer).unlink()
    with pytest.raises(Unavailable, match="gone"):
        lake_at(tmp_path).rows(table)


def test_files_of_one_table_are_not_appended_to_another(lake: IcebergLake) -> None:
    one, other = lake.create(ORDERS, COLUMNS), lake.create(ORDERS, COLUMNS)
    with pytest.raises(Bug, match="another table"):
        lake.append(other, lake.write(one, orders(1)))


# -- the start ----------------------------------------------------------------------------------------------


def test_the_lake_starts_without_the_slow_parts() -> None:
    """`pyiceberg.io.pyarrow` alone takes longer to import than all the rest of the lake."""
    slow = ["pyarrow.dataset", "pandas", "pyiceberg.io.pyarrow", "pyiceberg.catalog", "sqlalchemy", "duckdb"]
    code = f"import sys, headgate.edge.iceberg.lake; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
