"""What every lake must do. An adapter's test is a subclass that gives the `lake` fixture."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    Column,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
)
from headgate.model.errors import Bug
from headgate.model.names import BatchId, RunId, TableName
from headgate.model.tree import TableEntry
from headgate.ports import Frame, Lake

ORDERS = TableName("default.orders")
COLUMNS = (
    Column("id", IntegerType(), required=True),
    Column("amount", DecimalType(9, 2)),
    Column("note", StringType()),
)


def orders(*ids: int, note: str | None = "n") -> Frame:
    """Rows of the table `COLUMNS` describe, one for each id."""
    rows = pl.DataFrame(
        {"id": list(ids), "amount": [Decimal(i) / 4 for i in ids], "note": [note for _ in ids]},
        schema={"id": pl.Int64, "amount": pl.Decimal(9, 2), "note": pl.String},
    )
    return Frame(rows.lazy())


def collected(frame: Frame) -> pl.DataFrame:
    lazy = frame if isinstance(frame, pl.LazyFrame) else getattr(frame, "lazy", None)
    assert isinstance(lazy, pl.LazyFrame)
    return lazy.collect()


def ids(lake: Lake, entry: TableEntry, *paths: str) -> list[int]:
    """The column ``id`` of the rows, in the order they are read in."""
    return list(collected(lake.scan(entry, paths or None))["id"])


def appended(lake: Lake, entry: TableEntry, frame: Frame) -> TableEntry:
    return lake.append(entry, lake.write(entry, frame))


class LakeSuite:
    """Subclasses override the fixture `lake`."""

    @pytest.fixture
    def lake(self) -> Lake:
        raise AssertionError("a subclass gives the lake")

    @pytest.fixture
    def empty(self, lake: Lake) -> TableEntry:
        return lake.create(ORDERS, COLUMNS)

    def test_a_new_table_is_empty_and_has_its_columns(self, lake: Lake, empty: TableEntry) -> None:
        assert lake.files(empty) == ()
        assert lake.rows(empty) == 0
        assert [(c.name, c.type) for c in lake.columns(empty)] == [(c.name, c.type) for c in COLUMNS]
        assert_frame_equal(collected(lake.scan(empty)), collected(orders()))

    def test_two_tables_of_one_name_are_two_tables(self, lake: Lake, empty: TableEntry) -> None:
        other = lake.create(ORDERS, COLUMNS)
        assert other.uuid != empty.uuid
        assert not lake.compatible(empty, other)
        assert ids(lake, appended(lake, other, orders(1))) == [1]
        assert ids(lake, empty) == []

    def test_appended_rows_are_seen_through_the_new_entry_only(self, lake: Lake, empty: TableEntry) -> None:
        one = appended(lake, empty, orders(1, 2))
        two = appended(lake, one, orders(3))
        assert [ids(lake, entry) for entry in (empty, one, two)] == [[], [1, 2], [1, 2, 3]]
        assert [lake.rows(entry) for entry in (empty, one, two)] == [0, 2, 3]
        assert {entry.uuid for entry in (empty, one, two)} == {empty.uuid}
        assert len({entry.pointer for entry in (empty, one, two)}) == 3

    def test_two_appends_to_one_version_do_not_meet(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, empty, orders(1))
        left, right = appended(lake, base, orders(2)), appended(lake, base, orders(3))
        assert [ids(lake, entry) for entry in (base, left, right)] == [[1], [1, 2], [1, 3]]

    def test_no_rows_are_no_file_and_no_new_version(self, lake: Lake, empty: TableEntry) -> None:
        written = lake.write(empty, orders())
        assert written.files == ()
        assert written.rows == 0
        assert lake.append(empty, written) == empty
        assert lake.rewrite(empty, written, ()) == empty

    def test_files_tell_rows_bounds_and_nulls(self, lake: Lake, empty: TableEntry) -> None:
        written = lake.write(empty, orders(5, 3, 4, note=None))
        (file,) = lake.files(lake.append(empty, written))
        assert written.files == (file,)
        assert (written.rows, file.rows) == (3, 3)
        assert file.bounds == {"id": (3, 5), "amount": (Decimal("0.75"), Decimal("1.25"))}
        assert file.nulls == {"id": 0, "amount": 0, "note": 3}
        assert file.bytes > 0

    def test_floats_have_no_bounds_as_nan_may_be_among_them(self, lake: Lake) -> None:
        table = lake.create(ORDERS, [Column("x", NumberType()), Column("y", NumberType())])
        rows = pl.LazyFrame({"x": [float("nan"), 2.5, None], "y": [float("inf"), -0.0, 1.0]})
        (file,) = lake.write(table, Frame(rows)).files
        assert file.bounds == {}
        assert file.nulls == {"x": 1, "y": 0}

    def test_what_a_contract_leaves_open_is_kept_as_text(self, lake: Lake) -> None:
        columns = [Column("any", AnyType()), Column("array", ArrayType()), Column("object", ObjectType())]
        table = lake.create(ORDERS, columns)
        for rows in (
            {"any": [1, None], "array": [[1, None], None], "object": [{"a": 1}, None]},
            {"any": ["x", "y"], "array": [["p"], []], "object": ["{}", None]},
            {"any": [[1, 2], None], "array": [[[1], []], None], "object": [None, None]},
        ):
            table = appended(lake, table, Frame(pl.LazyFrame(rows)))
        assert collected(lake.scan(table)).rows() == [
            ("1", ["1", None], '{"a":1}'),
            (None, None, None),
            ("x", ["p"], "{}"),
            ("y", [], None),
            ("[1,2]", ["[1]", "[]"], None),
            (None, None, None),
        ]
        assert lake.evolve(table, columns) == table

    @pytest.mark.parametrize(
        "text", ["a" * 1000, "z\U0010ffff" * 60, "\U0010ffff" * 60, "\ud7ff".ljust(40, "\ud7ff")]
    )
    def test_bounds_of_long_text_hold(self, lake: Lake, text: str) -> None:
        table = lake.create(ORDERS, [Column("s", StringType())])
        (file,) = lake.write(table, Frame(pl.LazyFrame({"s": [text, text + "x"]}))).files
        if "s" in file.bounds:
            low, high = file.bounds["s"]
            assert isinstance(low, str)
            assert isinstance(high, str)
            assert low <= text < text + "x" <= high

    def test_values_come_back_as_they_went_in(self, lake: Lake) -> None:
        columns = [
            Column("whole", IntegerType()),
            Column("number", NumberType()),
            Column("money", DecimalType(38, 10)),
            Column("flag", BooleanType()),
            Column("day", DateType()),
            Column("at", TimestampType()),
            Column("wall", TimestampType(zoned=False)),
            Column("tags", ArrayType(StringType())),
        ]
        rows = pl.DataFrame(
            {
                "whole": [2**63 - 1, -(2**63), None],
                "number": [float("nan"), -0.0, None],
                "money": [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.0000000001"), None],
                "flag": [True, False, None],
                "day": [datetime(1, 1, 1).date(), datetime(9999, 12, 31).date(), None],  # noqa: DTZ001
                "at": [
                    datetime(1900, 1, 1, tzinfo=UTC),
                    datetime(2262, 1, 1, 1, 2, 3, 456789, tzinfo=UTC),
                    None,
                ],
                "wall": [datetime(1582, 10, 4), datetime(2024, 2, 29, 23, 59, 59, 999999), None],  # noqa: DTZ001
                "tags": [["a", None], [], None],
            },
            schema_overrides={"money": pl.Decimal(38, 10), "at": pl.Datetime("us", "UTC")},
        )
        table = appended(lake, lake.create(ORDERS, columns), Frame(rows.lazy()))
        assert_frame_equal(collected(lake.scan(table)), rows)

    def test_columns_are_matched_by_name_and_missing_ones_are_null(
        self, lake: Lake, empty: TableEntry
    ) -> None:
        table = appended(lake, empty, Frame(pl.LazyFrame({"note": ["x"], "id": [7]})))
        assert collected(lake.scan(table)).rows() == [(7, None, "x")]

    def test_rows_that_do_not_belong_are_refused(self, lake: Lake, empty: TableEntry) -> None:
        with pytest.raises(Bug, match="more"):
            lake.write(empty, Frame(pl.LazyFrame({"id": [1], "more": [1]})))

    def test_whether_a_null_may_stand_in_a_required_column_is_for_the_contract_to_say(
        self, lake: Lake, empty: TableEntry
    ) -> None:
        table = appended(lake, empty, Frame(pl.LazyFrame({"id": [1, None]})))
        assert ids(lake, table) == [1, None]
        assert lake.files(table)[0].nulls["id"] == 1
        assert lake.evolve(table, (Column("id", IntegerType()), *COLUMNS[1:])) == table

    def test_a_rewrite_adds_and_removes_at_once(self, lake: Lake, empty: TableEntry) -> None:
        first = lake.write(empty, orders(1))
        base = appended(lake, lake.append(empty, first), orders(2))
        table = lake.rewrite(base, lake.write(base, orders(10)), {first.files[0].path})
        assert ids(lake, table) == [2, 10]
        assert lake.rows(table) == 2
        assert ids(lake, base) == [1, 2]
        assert ids(lake, appended(lake, table, orders(11))) == [2, 10, 11]

    def test_a_rewrite_can_empty_a_table(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, appended(lake, empty, orders(1)), orders(2))
        table = lake.rewrite(base, lake.write(base, orders()), [f.path for f in lake.files(base)])
        assert (ids(lake, table), lake.rows(table), lake.files(table)) == ([], 0, ())
        assert ids(lake, appended(lake, table, orders(3))) == [3]

    def test_what_is_not_in_the_table_cannot_be_removed(self, lake: Lake, empty: TableEntry) -> None:
        written = lake.write(empty, orders(1))
        base = lake.append(empty, written)
        gone = lake.rewrite(base, lake.write(base, orders()), {written.files[0].path})
        for entry in (empty, gone):
            with pytest.raises(Bug, match="not in the table"):
                lake.rewrite(entry, lake.write(entry, orders(5)), {written.files[0].path})

    def test_files_of_another_branch_are_adopted_without_copying(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, empty, orders(1))
        ours, theirs = appended(lake, base, orders(2)), appended(lake, base, orders(3))
        new = {f.path for f in lake.files(theirs)} - {f.path for f in lake.files(base)}
        adopted = lake.adopt(ours, new, theirs)
        merged = lake.append(ours, adopted)
        assert {f.path for f in lake.files(merged)} >= new
        assert ids(lake, merged) == [1, 2, 3]
        assert ids(lake, theirs) == [1, 3]
        lake.discard(adopted)
        assert ids(lake, theirs) == [1, 3]

    def test_a_file_is_in_a_table_once(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, empty, orders(1))
        adopted = lake.adopt(base, {f.path for f in lake.files(base)}, base)
        with pytest.raises(Bug, match="already"):
            lake.append(base, adopted)

    def test_some_files_are_read_alone(self, lake: Lake, empty: TableEntry) -> None:
        table = appended(lake, appended(lake, empty, orders(1)), orders(2))
        for file in lake.files(table):
            assert [ids(lake, table, file.path)[0]] == [file.bounds["id"][0]]
        assert collected(lake.scan(table, ())).height == 0
        with pytest.raises(Bug):
            lake.scan(empty, [lake.files(table)[0].path])

    def test_what_was_discarded_is_gone(self, lake: Lake, empty: TableEntry) -> None:
        kept = appended(lake, empty, orders(1))
        lake.discard(lake.write(kept, orders(2)))
        assert ids(lake, kept) == [1]

    def test_the_same_columns_are_the_same_version(self, lake: Lake, empty: TableEntry) -> None:
        assert lake.evolve(empty, COLUMNS) == empty
        assert lake.evolve(empty, COLUMNS[::-1]) == empty

    def test_an_optional_column_can_be_added(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, empty, orders(1))
        table = lake.evolve(base, (*COLUMNS, Column("extra", NumberType())))
        assert isinstance(table, TableEntry)
        assert table.uuid == base.uuid
        assert not lake.compatible(base, table)
        (file,) = lake.files(table)
        assert file.nulls["extra"] == 1
        table = appended(lake, table, Frame(pl.LazyFrame({"id": [2], "extra": [0.5]})))
        assert collected(lake.scan(table))["extra"].to_list() == [None, 0.5]
        assert collected(lake.scan(base)).columns == ["id", "amount", "note"]

    def test_decimals_can_get_more_digits(self, lake: Lake, empty: TableEntry) -> None:
        base = appended(lake, empty, orders(1))
        table = lake.evolve(base, (COLUMNS[0], Column("amount", DecimalType(20, 2)), COLUMNS[2]))
        assert isinstance(table, TableEntry)
        wide = Decimal("123456789012345678.25")
        rows = pl.LazyFrame(
            {"id": [2], "amount": [wide]}, schema={"id": pl.Int64, "amount": pl.Decimal(20, 2)}
        )
        table = appended(lake, table, Frame(rows))
        read = collected(lake.scan(table))
        assert read["amount"].to_list() == [Decimal("0.25"), wide]
        assert read.schema["amount"] == pl.Decimal(20, 2)
        assert [f.bounds["amount"] for f in lake.files(table)] == [(Decimal("0.25"),) * 2, (wide,) * 2]

    @pytest.mark.parametrize(
        ("columns", "why"),
        [
            (COLUMNS[:2], "note is in the table and no longer in the contract"),
            ((*COLUMNS, Column("new", StringType(), required=True)), "new is new and required"),
            ((COLUMNS[0], COLUMNS[1], Column("note", IntegerType())), "note is string in the table"),
            ((COLUMNS[0], Column("amount", DecimalType(12, 3)), COLUMNS[2]), "decimals to more digits"),
            ((COLUMNS[0], Column("amount", DecimalType(8, 2)), COLUMNS[2]), "decimals to more digits"),
        ],
    )
    def test_other_changes_are_refused_in_words(
        self, lake: Lake, empty: TableEntry, columns: tuple[Column, ...], why: str
    ) -> None:
        said = lake.evolve(empty, columns)
        assert isinstance(said, str)
        assert why in said

    def test_bad_rows_are_written_beside_the_tables(self, lake: Lake) -> None:
        bad: dict[str, Any] = {
            "id": ["x", "2"],
            "object": ["a.csv", "a.csv"],
            "row": [1, 2],
            "rules": [["id.type"], []],
        }
        path = lake.quarantine(BatchId("b"), RunId("r1"), Frame(pl.LazyFrame(bad)))
        assert pl.read_parquet(path).to_dict(as_series=False) == bad
        again = lake.quarantine(BatchId("b"), RunId("r1"), Frame(pl.LazyFrame(bad).head(1)))
        assert again == path
        assert pl.read_parquet(path).height == 1
