"""What is DuckDB's own: what it reads by itself, and what of it must not be believed."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

import headgate
from edge.rows_at_hand import contract, frame_of
from headgate.edge.source_files import FileSource
from headgate.edge.sql.engine import DuckEngine
from headgate.model.contract import Dialect, NumberType, StringType
from headgate.model.errors import Unreadable
from headgate.model.rule import InRange, Unique
from headgate.ports import Checked, Frame

ENGINE = DuckEngine()


def read(*paths: Path) -> Frame:
    source = FileSource(digests=False)
    return source.read(source.find([str(p) for p in paths]), Dialect()).rows


def check(rows: Frame, **rules: InRange | Unique) -> Checked:
    under = contract({"a": NumberType(), "b": StringType()}, {f"a.{n}": r for n, r in rules.items()})
    return ENGINE.check(rows, under, parents={}, existing={}, table_rules="all")


@pytest.mark.parametrize("group", [None, 2])
def test_nan_is_found_although_the_files_own_statistics_leave_it_out(
    tmp_path: Path, group: int | None
) -> None:
    """Seen failing with `_NO_PROOFS` empty: nothing was above 5, and no row was bad."""
    data = pl.DataFrame({"a": [1.0, 2.0, math.nan, None, 3.0], "b": ["x"] * 5})
    data.write_parquet(tmp_path / "a.parquet", row_group_size=group)
    rows = read(tmp_path / "a.parquet")
    checked = check(rows, maximum=InRange("a", None, 5), minimum=InRange("a", 0))
    assert [f.rows_failed for f in checked.verdict.findings if f.rule != "b.type"][:2] == [1, 1]
    under = contract({"a": NumberType(), "b": StringType()}, {"a.maximum": InRange("a", None, 5)})
    again = ENGINE.check(rows, under, parents={}, existing={}, table_rules="all")
    split = ENGINE.split(rows, under, again, warn=())
    assert frame_of(split.bad).get_column("row").to_list() == [3]
    assert frame_of(split.good).get_column("a").to_list() == [1.0, 2.0, None, 3.0]


def test_rows_keep_their_numbers_and_their_order_over_many_files(tmp_path: Path) -> None:
    for n in range(3):
        values = [float(i) for i in range(200_000)]
        values[n] = -1.0
        values[-1] = -1.0
        pl.DataFrame({"a": values, "b": [str(n)] * 200_000}).write_parquet(
            tmp_path / f"{n}.parquet", row_group_size=30_000
        )
    rows = read(*(tmp_path / f"{n}.parquet" for n in range(3)))
    under = contract(
        {"a": NumberType(), "b": StringType()}, {"a.minimum": InRange("a", 0), "ab": Unique(("a", "b"))}
    )
    checked = ENGINE.check(rows, under, parents={}, existing={}, table_rules="all")
    split = ENGINE.split(rows, under, checked, warn=())
    bad = frame_of(split.bad)
    assert [Path(p).stem for p in bad.get_column("location")] == ["0", "0", "1", "1", "2", "2"]
    assert bad.get_column("row").to_list() == [1, 200_000, 2, 200_000, 3, 200_000]
    assert bad.get_column("rules").to_list() == [["a.minimum", "ab"]] * 6
    good = frame_of(split.good)
    assert good.height == 600_000 - 6
    assert good.get_column("b").is_sorted()
    assert all(part.get_column("a").is_sorted() for part in good.partition_by("b"))


def test_columns_that_differ_in_case_alone_are_two(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1.0, -1.0], "b": ["x", "y"], "A": [5.0, 6.0]}).write_parquet(tmp_path / "a.parquet")
    under = contract(
        {"a": NumberType(), "b": StringType(), "A": NumberType()}, {"a.minimum": InRange("a", 0)}
    )
    checked = ENGINE.check(read(tmp_path / "a.parquet"), under, parents={}, existing={}, table_rules="all")
    assert checked.verdict.rows_bad == 1


@pytest.mark.parametrize(
    "name", ["file_index", "FILE_INDEX", "file_row_number", "n", "o", "s", "row", "object", "c1"]
)
def test_columns_called_as_the_database_calls_its_own_are_data(tmp_path: Path, name: str) -> None:
    """Seen failing with the files' own names beside the database's: file_index was taken for a text."""
    for n in range(2):
        pl.DataFrame({"b": ["x", "y"], name: [1.0, -1.0 - n]}).write_parquet(tmp_path / f"{n}.parquet")
    rows = read(tmp_path / "0.parquet", tmp_path / "1.parquet")
    under = contract({name: NumberType(), "b": StringType()}, {"minimum": InRange(name, 0)})
    checked = ENGINE.check(rows, under, parents={}, existing={}, table_rules="all")
    bad = frame_of(ENGINE.split(rows, under, checked, warn=()).bad)
    assert [Path(p).stem for p in bad.get_column("location")] == ["0", "1"]
    assert bad.get_column("row").to_list() == [2, 2]


def test_a_file_that_is_cut_off_is_unreadable_and_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,x\n2,y,z\n")
    with pytest.raises(Unreadable):
        check(read(file))
    whole = tmp_path / "a.parquet"
    pl.DataFrame({"a": [float(i) for i in range(9999)], "b": ["x"] * 9999}).write_parquet(whole)
    rows = read(whole)
    data = bytearray(whole.read_bytes())
    data[100:2000] = bytes(1900)
    whole.write_bytes(data)
    with pytest.raises(Unreadable):
        check(rows, minimum=InRange("a", 0))


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["y", "x"])], ids=["categorical", "enum"])
def test_good_rows_of_a_column_without_a_type_are_text_whoever_judges(dtype: pl.DataType) -> None:
    """Seen failing with DuckDB's good rows left as the categories that they came as."""
    rows = pl.DataFrame({"a": pl.Series(["x", "y", None], dtype=dtype)})
    document = (
        b"apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n"
        b"schema: [{name: a, properties: [{name: a, unique: true}]}]\n"
    )
    for engine in ("polars", "duckdb"):
        good = headgate.check(rows, document, engine=engine).good_rows
        assert good.schema == {"a": pl.String}
        assert good.get_column("a").to_list() == ["x", "y", None]
