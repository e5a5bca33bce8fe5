# ruff: noqa: DTZ001 - wall-clock times are data here
from __future__ import annotations

import contextlib
import datetime as dt
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rows_at_hand import ENGINE, bad_rows, check, contract, frame_of, text_rows
from headgate.edge import csv_text
from headgate.edge.profile import profiled, sniffed
from headgate.edge.rows import collected, named_lazy, rows_of
from headgate.edge.sink import write_file, write_files
from headgate.edge.source_files import FileSource, frame, quarantined
from headgate.model.change import QuarantineRow
from headgate.model.contract import AnyType, Dialect, IntegerType, NumberType, StringType
from headgate.model.errors import HeadgateError, NotThere, Unavailable, Unreadable, WrongUse
from headgate.model.names import BatchId, RefName, RunId, TableName
from headgate.model.rule import InRange
from headgate.ports import Frame

SOURCE = FileSource()


def read(path: Path, content: bytes, dialect: Dialect | None = None) -> pl.DataFrame:
    path.write_bytes(content)
    delivery = SOURCE.read(SOURCE.find([str(path)]), dialect or Dialect())
    found = rows_of(delivery.rows)
    return collected(named_lazy(delivery.rows), found)


@pytest.mark.parametrize(
    ("content", "dialect", "rows"),
    [
        (b'a,b\n1,\n,""\n', {}, [("1", None), (None, "")]),
        (b"a,b\r\n1,2\r\n", {}, [("1", "2")]),
        (b'a,b\n"x,""y""\n,z",1\n""",",2', {}, [('x,"y"\n,z', "1"), ('",', "2")]),
        (b"\xef\xbb\xbfa,b\n1,2\n", {}, [("1", "2")]),
        (b"a,b\n", {}, []),
        (b"a,b", {}, []),
        (b"a,b\n1,2\n\n", {}, [("1", "2")]),
        (b"a,b\r\n1,2\r\n,\r\n\r\n\r\n", {}, [("1", "2"), (None, None)]),
        (b"a,b\n\n", {}, []),
        (b'a,b\n"x\n","\n\n"\n\n\n', {}, [("x\n", "\n\n")]),
        pytest.param(b"a,b\n1,2" + b"\n" * 70_000, {}, [("1", "2")], id="many blank lines"),
        pytest.param(b"a,b\n1,2\n\r", {}, [("1", "2")], id="a blank line without its LF"),
        pytest.param(b"a,b\n1,2\n\n\r\n\r", {}, [("1", "2")], id="blank lines, the last without its LF"),
        (b"1,2\n\n", {"header": False}, [("1", "2")]),
        ("a,b\n1,2\n\n".encode("utf-16"), {"encoding": "utf-16"}, [("1", "2")]),
        (b"a\n1\n\n", {}, [("1",), (None,)]),
        (b"a\n1\n\n3\n", {}, [("1",), (None,), ("3",)]),
        (b'"a ""b""","c\nd"\n1,2\n', {}, [("1", "2")]),
        (b"a;b\n1;2,5\n", {"delimiter": ";"}, [("1", "2,5")]),
        (b"a\tb\n1\t2\n", {"delimiter": "\t"}, [("1", "2")]),
        (b"a,b\n'1,5',2\n", {"quote": "'"}, [("1,5", "2")]),
        (b'a,b\n"1,2\n', {"quote": ""}, [('"1', "2")]),
        (b"a,b\nNA,-\n", {"null": ("NA", "-")}, [(None, None)]),
        ("a,b\né,2\n".encode("latin-1"), {"encoding": "latin-1"}, [("é", "2")]),
        ("a,b\né,2\n".encode("utf-16"), {"encoding": "utf-16"}, [("é", "2")]),
        (b"1,2\n3,4\n", {"header": False}, [("1", "2"), ("3", "4")]),
        ("a,b\n\U0001f600,é\n".encode(), {}, [("\U0001f600", "é")]),
        (b"a,b\n1,", {}, [("1", None)]),
        (b'a,b\n"x\na,b\n",1\n', {}, [("x\na,b\n", "1")]),
        (b'a,b\r\n"x\r",y\rz\r\n', {}, [("x\r", "y\rz")]),
    ],
)
def test_csv_that_is_read(tmp_path: Path, content: bytes, dialect: dict[str, Any], rows: list[Any]) -> None:
    assert read(tmp_path / "a.csv", content, Dialect(**dialect)).rows() == rows


LONG = b"1,2,3\n" * 2000


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a,b,c\n1,2,3\n1,2\n", 3, "2 fields where the header has 3"),
        (b"a,b,c\n1,2,3,4\n", 2, "4 fields where the header has 3"),
        (b"a,b,c\n1,2,3\n1,2,3,4\n1,2\n", 3, "4 fields"),
        (b"a,b,c\n" + LONG + b"1,2\n" + LONG, 2002, "2 fields"),
        (b"a,b\nx\n1,2,", 2, "1 field where the header has 2"),
        (b"a,b,c\n1,2,3\n\n1,2,3\n\n", 3, "1 field where"),
        (b"a,b,c\n1,2,3\n \n", 3, "1 field where"),
        (b"a,b,c\n1,2\n\n", 2, "2 fields where"),
        (b'a,b,c\n1,2,"3\n\n', 2, "never closed"),
        (b"a,b\n1,\0\n", 2, "NUL"),
        (b"a,b\n1,2\na,b\n3,4\n", 3, "header line is repeated"),
        (b"a,b\n1,2\na,b", 3, "header line is repeated"),
        (b"a,b,a\n1,2,3\n", 1, "twice"),
        (b"a,,c\n1,2,3\n", 1, "no name"),
        (b"a;b\n1;2\n", 1, "delimiter"),
        (b"a,b\ncaf\xe9,1\n", 2, "not utf-8"),
        (b"a,b\n" + b"x,1\n" * 5 + b"caf\xe9,1\n", 7, "not utf-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "UTF-16"),
        (b'a,b\n1,2\n"x,1\ny,2\n', 3, "never closed"),
        (b'a,b\n1,2\n"x"y,2\n', 3, "text follows a closing quote"),
        (b'a,b\nx"y",2\n', 2, "not quoted"),
        (b"a,b\r1,2\r3,4\r", 1, "CR alone"),
        (b"a,b\n1,2\nx\r,3\n", 3, "carriage return"),
        (b"a,b\n\r,3\n", 2, "carriage return"),
        (b'a,b\n1,2\n"x"\r,3\n', 3, "text follows a closing quote"),
        (b"", None, "0 bytes"),
        (b"<!DOCTYPE html>\n<html>", None, "HTML"),
        (b"\x1f\x8b\x08abc", None, "gzip"),
        (b"PK\x03\x04abc", None, "Excel"),
        (b"PAR1abc", None, "Parquet"),
    ],
)
def test_csv_that_is_refused_names_the_line(
    tmp_path: Path, content: bytes, line: int | None, words: str
) -> None:
    with pytest.raises(Unreadable, match=words) as raised:
        read(tmp_path / "a.csv", content)
    assert raised.value.place == f"{tmp_path / 'a.csv'}" + (f":{line}" if line else "")
    assert raised.value.hint


def test_long_and_short_rows_that_add_up_are_still_found_by_a_check(tmp_path: Path) -> None:
    """Guard: a check reads all columns, so that Polars notices a long row. Without it this passes as two rows."""
    content = b"a,b,c\n" + LONG + b"1,2,3,4\n1,2\n" + LONG
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    delivery = SOURCE.read(SOURCE.find([str(path)]), Dialect())  # counting cannot see it: the sum is right
    with pytest.raises(Unreadable, match="4 fields"):
        check(delivery.rows, contract({"a": IntegerType()}))


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ({"delimiter": "||"}, "one ASCII character"),
        ({"delimiter": ""}, "one ASCII character"),
        ({"quote": ","}, "both"),
        ({"encoding": "klingon"}, "no encoding"),
    ],
)
def test_dialects_that_cannot_be_meant(tmp_path: Path, dialect: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        read(tmp_path / "a.csv", b"a,b\n1,2\n", Dialect(**dialect))


fields = st.one_of(
    st.sampled_from(["", "x", '""', '"a,b"', '"a\nb"', '"a""b"', '"', 'x"', '"a"b', "é", "\0"]),
    st.text("ab,", max_size=3),
)


@given(
    st.lists(st.lists(fields, min_size=1, max_size=4), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_counting_in_blocks_refuses_what_the_records_refuse(
    tmp_path_factory: pytest.TempPathFactory, records: list[list[str]], end: str, closed: bool
) -> None:
    """The fast way may only let through what the slow one does, but for long rows that make up for short ones."""
    import io

    form = csv_text.form_of(Dialect())
    text = end.join([",".join(r) for r in [["h1", "h2"], *records]]) + (end if closed else "")
    content = text.encode()
    fault = csv_text.first_fault(io.BytesIO(content), form, 2)
    try:
        csv_text.validate(io.BytesIO(content), form, 2, "f")
    except Unreadable:
        assert fault is not None
    else:
        assert fault is None or "fields where" in fault.message or "field where" in fault.message


cells = st.none() | st.text(st.sampled_from('ab,"\n\r ;\u00e9\U0001f600'), max_size=5)


@given(
    st.lists(st.lists(cells, min_size=3, max_size=3), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_whatever_rfc_4180_can_say_is_read_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str | None]], end: str, closed: bool
) -> None:
    def written(cell: str | None) -> str:
        if cell is None:
            return ""
        quoted = not cell or any(c in cell for c in ',"\n\r')
        return '"' + cell.replace('"', '""') + '"' if quoted else cell

    header: list[str | None] = ["x", "y", "z"]
    lines = [",".join(written(cell) for cell in row) for row in [header, *rows]]
    content = end.join(lines) + (end if closed else "")
    found = read(tmp_path_factory.mktemp("csv") / "a.csv", content.encode())
    assert [list(row) for row in found.rows()] == rows


# -- other formats ------------------------------------------------------------------------------------------


def test_json_lines(tmp_path: Path) -> None:
    content = b'{"a": 1, "b": "x"}\n{"b": null, "a": 2}\n{}\n'
    assert read(tmp_path / "a.jsonl", content).rows() == [(1, "x"), (2, None), (None, None)]
    assert read(tmp_path / "a.jsonl", b'{"a": "\\ud83d\\ude00"}\n').rows() == [("\U0001f600",)]
    nested = read(tmp_path / "n.jsonl", b'{"a": 1}\n{"a": [1], "b": 2}\n')
    assert nested.height == 2
    mixed = read(tmp_path / "m.jsonl", b'{"a": 1}\n{"a": true}\n{"a": {"x": 1}}\n')
    assert mixed.rows() == [("1",), ("true",), ('{"x": 1}',)]
    marked = b'\xef\xbb\xbf{"a": 1}\n{"a": [1]}\n{"a": "\\ud83d\\ude00"}\n'
    assert read(tmp_path / "m.jsonl", marked).rows() == [("1",), ("[1]",), ("\U0001f600",)]
    (tmp_path / "[b].ndjson").write_bytes(b'{"a": 1}\n')
    delivery = SOURCE.read(SOURCE.find([str(tmp_path / "[b].ndjson")]), Dialect())
    assert named_lazy(delivery.rows).collect().rows() == [(1,)]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b'{"a": 1}\n{"a": \n', 2, "not JSON"),
        (b'{"a": 1}\n\n{"a": 2} x\n', 3, "not JSON"),
        (b'{"a": 1}\n[1]\n', 2, "not a JSON object"),
        (b"{}\n9", 2, "not a JSON object"),
        (b"{}\n\x0b\n", 2, "not JSON"),
        (b"{}\nnull\n", 2, "not a JSON object"),
        (b'{"a": "x"}\n{"a": "\\ud83d"}\n', 2, "half of a surrogate pair"),
        (b'{"a": 1}\n{"a": NaN}\n', 2, "NaN is no value of JSON"),
        (b'{"a": 1}\n{"a": Infinity}\n', 2, "Infinity is no value of JSON"),
        (b'{"a": 1}\n{"a": [{"b": -1e400}]}\n', 2, "-1e400 is beyond all numbers of 64 bits"),
        pytest.param(
            b'{"a": 1}\n{"a": ' + b"9" * 5000 + b"}\n",
            2,
            "a number of 5000 characters is beyond",
            id="digits",
        ),
        (b'\xef\xbb\xbf{"a": 1}\n{"a": \n', 2, "not JSON"),
        (b'{"a": 1}\n\xef\xbb\xbf{"a": 1}\n', 2, "not JSON"),
        (b"", None, "0 bytes"),
    ],
)
def test_json_lines_that_are_refused(tmp_path: Path, content: bytes, line: int | None, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as raised:
        read(tmp_path / "a.jsonl", content)
    assert raised.value.place == f"{tmp_path / 'a.jsonl'}" + (f":{line}" if line else "")


def test_parquet_and_arrow(tmp_path: Path) -> None:
    data = pl.DataFrame({"row": [1, 2], "c0": ["x", None]})
    data.write_parquet(tmp_path / "a.parquet")
    data.write_ipc(tmp_path / "a.arrow")
    for name in ("a.parquet", "a.arrow"):
        delivery = SOURCE.read(SOURCE.find([str(tmp_path / name)]), Dialect())
        assert delivery.columns == ("row", "c0")
        assert named_lazy(delivery.rows).collect().equals(data)


def test_damaged_parquet_is_one_clear_error_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(5000), "b": [str(i) for i in range(5000)]}).write_parquet(
        path, row_group_size=1000
    )
    whole = path.read_bytes()
    rules = contract({"a": IntegerType(), "b": StringType()})
    for at in range(4, len(whole), max(1, len(whole) // 60)):
        for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            path.write_bytes(content)
            # A flipped byte may still be a value; whatever is raised is Unreadable, never a panic or a bug of ours.
            with contextlib.suppress(Unreadable):
                delivery = SOURCE.read(SOURCE.find([str(path)]), Dialect())
                check(delivery.rows, rules)


# -- finding ------------------------------------------------------------------------------------------------


def test_finding_paths_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("b.csv", "a.CSV", "sub/c.parquet", ".hidden.csv", "_tmp/d.csv", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    found = SOURCE.find([str(tmp_path), str(tmp_path / "b.csv")])
    assert [os.path.relpath(o.location, tmp_path) for o in found] == ["a.CSV", "b.csv", "sub/c.parquet"]
    assert [o.format for o in found] == ["csv", "csv", "parquet"]
    assert {len(o.digest) for o in found} == {64}
    assert found[0].digest == found[1].digest, "known by bytes, not by names"
    assert [o.bytes for o in found] == [4, 4, 4]
    assert len(SOURCE.find([str(tmp_path / "*.csv")])) == 1
    assert SOURCE.find([str(tmp_path / "note.txt")], "csv")[0].format == "csv"


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "flights.csv").write_text("a\n")
    for text in ("empty", "*.parquet", "nope/x.csv"):
        with pytest.raises(NotThere):
            SOURCE.find([str(tmp_path / text)])
    with pytest.raises(NotThere) as raised:
        SOURCE.find([str(tmp_path / "flight.csv")])
    assert "flights.csv" in raised.value.hint
    (tmp_path / "x.dat").write_bytes(b"PAR1")
    with pytest.raises(Unreadable, match="looks like Parquet"):
        SOURCE.find([str(tmp_path / "x.dat")])
    with pytest.raises(WrongUse):
        SOURCE.find([str(tmp_path)], "xlsx")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(Unavailable):
        SOURCE.find([str(tmp_path / "a.csv")])


# -- frames -------------------------------------------------------------------------------------------------


def test_frames_of_all_kinds_are_the_same_delivery() -> None:
    import pandas as pd

    data = pl.DataFrame({"a": [1.5, None], "b": ["x", None]})
    arrow = data.to_arrow()
    pandas = pd.DataFrame({"a": [1.5, float("nan")], "b": ["x", None]})
    for obj in (data, data.lazy(), arrow, pandas):
        delivery = frame(obj)
        assert delivery.columns == ("a", "b")
        assert named_lazy(delivery.rows).collect().rows() == data.rows(), type(obj)
        assert len(delivery.objects[0].digest) == 64
    assert frame(data).objects[0].digest == frame(data.lazy()).objects[0].digest
    assert frame(data).objects[0].digest != frame(data.reverse()).objects[0].digest
    assert frame(data).objects[0].digest != frame(data.rename({"a": "z"})).objects[0].digest
    with pytest.raises(WrongUse):
        frame([1, 2])


def test_pandas_dates_fit_date_columns() -> None:
    import pandas as pd

    pandas = pd.DataFrame({"d": pd.to_datetime(["2024-01-01 00:00", "2024-01-02 01:00"])})
    from headgate.model.contract import DateType

    assert bad_rows(frame(pandas).rows, contract({"d": DateType()})) == {2: ["d.type"]}


def test_rows_come_back_from_quarantine_as_they_were(tmp_path: Path) -> None:
    rows = text_rows({"a": ["1", "-2", "x"], "z": ["", None, 'q"']}, "in.csv")
    rules = contract({"a": IntegerType()}, {"a.minimum": InRange("a", 0)})
    split = ENGINE.split(rows, rules, check(rows, rules), warn=())
    path = tmp_path / "q.parquet"
    frame_of(split.bad).write_parquet(path)
    row = QuarantineRow(
        "q1", RunId("r1"), BatchId("b1"), TableName("default.t"), RefName("main"), str(path), 2, "c", "1", "open",
        dt.datetime.now(dt.UTC),
    )  # fmt: skip
    again = quarantined(row)
    assert again.columns == ("a", "z")
    assert named_lazy(again.rows).collect().rows() == [("-2", None), ("x", 'q"')]
    assert [(o.digest, o.location) for o in again.objects] == [("d" * 64, "in.csv")]
    samples = [s for f in check(again.rows, rules).verdict.findings for s in f.samples]
    assert {s.row for s in samples} == {2, 3}


# -- files for people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl"])
def test_what_is_written_reads_back(tmp_path: Path, suffix: str) -> None:
    data = pl.DataFrame(
        {"a": [1, None], "b": ["", None], "t": [dt.datetime(2024, 1, 1, 1, 2, 3)] * 2, "l": [["x"], None]}
    )
    path = tmp_path / f"out.{suffix}"
    write_file(Frame(data.lazy()), str(path))
    delivery = SOURCE.read(SOURCE.find([str(path)]), Dialect())
    found = named_lazy(delivery.rows).collect()
    assert found.height == 2
    assert found.get_column("b").to_list() == ["", None]
    if suffix == "csv":
        assert path.read_text() == 'a,b,t,l\n1,"",2024-01-01T01:02:03,"[""x""]"\n,,2024-01-01T01:02:03,\n'
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"out.{suffix}"], "no drafts are left"


def test_files_are_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    old = tmp_path / "out.csv"
    old.write_text("old")
    source = tmp_path / "in.csv"
    source.write_bytes(b"a,b\n1,2\n")
    delivery = SOURCE.read(SOURCE.find([str(source)]), Dialect())
    source.write_bytes(b'a,b\n1,"2\n')  # it changes underneath
    with pytest.raises(Unreadable):
        write_files(
            [(delivery.rows, str(old)), (Frame(pl.LazyFrame({"a": [1]})), str(tmp_path / "other.csv"))]
        )
    assert old.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    with pytest.raises(WrongUse):
        write_file(delivery.rows, str(tmp_path / "x.xlsx"))
    with pytest.raises(HeadgateError):
        write_file(Frame(pl.LazyFrame({"a": [1]})), str(tmp_path / "no/such/folder.csv"))


# -- profiles -----------------------------------------------------------------------------------------------


def test_profiles() -> None:
    rows = text_rows(
        {
            "i": ["1", "2", "2", None],
            "n": ["0.5", "1", "-2", "3"],
            "e": [None] * 4,
            "s": ["b", "a", "b", None],
        }
    )
    i, n, e, s = profiled(rows)
    assert (i.name, i.type, i.rows, i.nulls, i.unique, i.minimum, i.maximum) == (
        "i",
        IntegerType(),
        4,
        1,
        False,
        1,
        2,
    )
    assert (n.type, n.unique, n.minimum, n.maximum) == (NumberType(), True, Decimal("-2.0"), Decimal("3.0"))
    assert (e.type, e.nulls, e.distinct, e.unique) == (AnyType(), 4, None, False)
    assert (s.distinct, s.type) == (("a", "b"), StringType())


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        (b"a,b\n1,2\n", Dialect()),
        (b"a;b\n1;2,5\n3;4,5\n", Dialect(delimiter=";")),
        (b"a|b|c\n1|2,3|x\n", Dialect(delimiter="|")),
        (b"1,2\n3,4\n", Dialect(header=False)),
        ("a,b\né,2\n".encode("cp1252"), Dialect(encoding="cp1252")),
        ("a,b\né,2\n".encode("utf-16"), Dialect(encoding="utf-16")),
        (b'a,b\n"x;y;z",2\n', Dialect()),
    ],
)
def test_sniffing(tmp_path: Path, content: bytes, dialect: Dialect) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert sniffed(tmp_path / "a.csv") == dialect


def test_two_columns_of_one_name_are_refused_in_files_and_frames(tmp_path: Path) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    path = tmp_path / "twice.parquet"
    pq.write_table(table, path)
    with pytest.raises(Unreadable, match="two columns have the same name"):
        SOURCE.read(SOURCE.find([str(path)]), Dialect())
    with pytest.raises(Unreadable, match="two columns have the same name"):
        frame(table)
