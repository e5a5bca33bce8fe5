"""Checks of Parquet files that remember: the same verdict as one that does not, whatever happened to the files."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headgate
from headgate.edge import check_cache, known_files
from headgate.edge.iceberg import key_index
from headgate.model.verdict import Verdict


def contract(
    low: int = 0, pattern: str = "${P:-^[a-z]*$}", kind: str = "integer", amount: str = "number"
) -> bytes:
    """A contract with a rule of every sort that is kept."""
    return f"""
apiVersion: v3.2.0
kind: DataContract
id: things
version: 1.0.0
status: active
schema:
  - name: things
    properties:
      - {{name: id, logicalType: integer, primaryKey: true}}
      - name: name
        logicalType: string
        unique: true
        quality: [{{metric: invalidValues, arguments: {{pattern: "{pattern}"}}, mustBe: 0}}]
      - {{name: amount, logicalType: {amount}, logicalTypeOptions: {{minimum: {low}}}}}
      - {{name: parent, logicalType: {kind}, relationships: [{{to: things.id}}]}}
    quality:
      - {{metric: rowCount, mustBeGreaterThan: 1}}
      - {{metric: duplicateValues, arguments: {{properties: [amount]}}, mustBeLessThan: 60, unit: percent}}
""".encode()


Row = tuple[int | None, str | None, float | None, int | None]


@pytest.fixture(autouse=True)
def _remembering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory of one's own; the index holds little tables, too; and files are known at once."""
    monkeypatch.setenv("HEADGATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(key_index, "FILES_FEW", 2)
    monkeypatch.setattr(known_files, "_TICK_NS", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def put(path: Path, *rows: Row, **more: pl.DataType) -> Path:
    dtypes: dict[str, Any] = {"id": pl.Int64, "name": pl.String, "amount": pl.Float64, "parent": pl.Int64}
    pl.DataFrame(rows, schema=dtypes | more, orient="row").write_parquet(path)
    time.sleep(0.02)  # several ticks of the file system's clock
    return path


def plain(verdict: Verdict) -> Verdict:
    """Without how it is known."""
    return replace(verdict, findings=tuple(replace(f, how="scan") for f in verdict.findings))


def agree(data: Path, document: bytes, engine: str = "polars") -> Verdict:
    """The verdict that remembers, which is the cold one's, to the row and the value."""
    warm = headgate.check(data, document, engine=engine, remember=True).verdict
    assert plain(warm) == plain(headgate.check(data, document, engine=engine).verdict)
    return warm


def hows(verdict: Verdict) -> dict[str, str]:
    return {str(f.rule): f.how for f in verdict.findings}


def three(folder: Path) -> Path:
    put(folder / "a.parquet", (1, "a", 1.0, None), (2, "b", 2.0, 1))
    put(folder / "b.parquet", (3, "c", 1.5, 2))
    put(folder / "c.parquet", (4, "d", 0.0, 3))
    return folder


# -- what it spares -----------------------------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each scan opens."""
    calls: list[int] = []
    rows = known_files.KnownFiles._rows

    def counted(self: known_files.KnownFiles, names: Any) -> Any:
        calls.append(len(self.objects) if names is None else len(set(names)))
        return rows(self, names)

    monkeypatch.setattr(known_files.KnownFiles, "_rows", counted)
    return calls


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_unchanged_files_are_not_read_again(folder: Path, read: list[int], engine: str) -> None:
    agree(three(folder), contract(), engine)
    read.clear()
    found = headgate.check(folder, contract(), engine=engine, remember=True).verdict
    assert found.passed and found.rows == 4 and set(read) == {0}
    assert set(hows(found).values()) == {"partial", "statistics"}
    assert hows(found)["primaryKey"] == hows(found)["amount.minimum"] == "partial"


def test_of_more_files_the_new_ones_are_read(folder: Path, read: list[int]) -> None:
    document = (
        contract()
        .replace(b"relationships", b"tags: [], customProperties")
        .replace(b"[{to: things.id}]", b"[]")
    )
    for i in range(20):
        put(
            folder / f"{i}.parquet",
            *((100 * i + n, f"{chr(97 + i)}{chr(97 + n)}", i + n / 10, None) for n in range(9)),
        )
    agree(folder, document)
    put(folder / "new.parquet", (5000, "zz", 3.0, None))
    read.clear()
    found = headgate.check(folder, document, remember=True).verdict
    about_rows = [n for n in read if n]
    assert found.passed and hows(found)["primaryKey"] == hows(found)["name.unique"] == "lookup"
    # The new one: for its rows, and for each of two keys. All: for the share of doubled amounts alone.
    assert sorted(about_rows) == [1, 1, 1, 21]


def test_failing_rows_are_shown_anew_from_their_files_alone(folder: Path, read: list[int]) -> None:
    put(three(folder) / "d.parquet", (5, "e", -1.0, 1), (6, "f", -2.0, 1))
    agree(folder, contract())
    read.clear()
    found = headgate.check(folder, contract(), remember=True).verdict
    [amount] = [f for f in found.findings if f.rule == "amount.minimum"]
    assert (amount.rows_failed, [s.value for s in amount.samples]) == (2, ["-1.0", "-2.0"])
    assert [s.object for s in amount.samples] == [str(folder / "d.parquet")] * 2 and set(read) == {0, 1}


def test_rows_are_judged_when_somebody_asks_for_them(folder: Path) -> None:
    put(three(folder) / "d.parquet", (5, "e", -1.0, 1))
    agree(folder, contract())
    found = headgate.check(folder, contract(), remember=True)
    assert found.bad_rows.get_column("location").to_list() == [str(folder / "d.parquet")]
    assert found.good_rows.height == 4


# -- a file that changed under its old name -----------------------------------------------------------------


def test_a_file_that_was_written_anew_under_its_name_is_another_file(folder: Path) -> None:
    agree(three(folder), contract())
    put(folder / "b.parquet", (3, "c", -1.5, 2))
    assert not agree(folder, contract()).passed
    put(folder / "b.parquet", (3, "c", 1.5, 2))
    assert agree(folder, contract()).passed


def test_a_value_changed_in_place_is_noticed_though_size_time_and_footer_are_as_before(folder: Path) -> None:
    """The clock of the file system cannot be set back. Seen failing without ``st_ctime_ns``: the old verdict."""
    path = three(folder) / "a.parquet"
    pl.DataFrame({"id": [1, 2], "name": ["a", "b"], "amount": [1.0, 2.0], "parent": [None, 1]}).write_parquet(
        path, compression="uncompressed", statistics=False
    )
    os.utime(path, ns=(10**18, 10**18))
    assert agree(folder, contract()).passed
    time.sleep(0.05)
    content = path.read_bytes()
    assert content.count(bytes.fromhex("0000000000000040")) == 1  # 2.0
    before = known_files._footer(str(path))
    path.write_bytes(content.replace(bytes.fromhex("0000000000000040"), bytes.fromhex("00000000000000c0")))
    os.utime(path, ns=(10**18, 10**18))
    assert known_files._footer(str(path)) == before and path.stat().st_mtime_ns == 10**18
    assert not agree(folder, contract()).passed


def test_a_footer_that_changed_is_noticed_though_the_file_system_says_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing without the footer in the name of a file: what was known of the old content was told of the new."""
    state = known_files._State((1, 1), 1000, (1, 1))
    monkeypatch.setattr(known_files, "_state", lambda path: state)
    assert agree(three(folder), contract()).passed
    put(folder / "b.parquet", (3, "c", -1.5, 2))
    assert not agree(folder, contract()).passed


@pytest.mark.parametrize("ago_ns", [0, 50_000_000])
def test_of_a_file_that_changed_a_moment_ago_nothing_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ago_ns: int
) -> None:
    """It may change again within one tick of the clock, and nobody could tell. Seen failing without `settled`."""
    monkeypatch.undo()
    monkeypatch.setenv("HEADGATE_CACHE", str(folder.parent / "cache"))
    three(folder)
    changed = time.time_ns() - ago_ns + 1
    state = known_files._State((1, 1), 1000, (changed, changed))
    monkeypatch.setattr(known_files, "_state", lambda path: state)
    monkeypatch.setattr(known_files, "_footer", lambda path: "as before")
    headgate.check(folder, contract(), remember=True)
    put(folder / "b.parquet", (3, "c", -1.5, 2))
    assert not headgate.check(folder, contract(), remember=True).verdict.passed


def test_a_clock_that_tells_whole_seconds_is_given_longer() -> None:
    state = known_files._State((1, 1), 1, (7_000_000_000, 7_000_000_000))
    assert not state.settled(8_900_000_000) and state.settled(10_000_000_001)


def test_files_alike_are_as_many_as_they_are(folder: Path) -> None:
    """Seen failing with files known by their footers alone: one stood for both."""
    agree(three(folder), contract())
    (folder / "d.parquet").write_bytes((folder / "a.parquet").read_bytes())
    found = agree(folder, contract())
    assert found.rows == 6 and not found.passed


def test_parents_are_rows_that_fit_in_all_their_columns(folder: Path) -> None:
    """Seen failing with the declared columns left out of what parents are known by: row 3 had lost its parent."""
    put(folder / "a.parquet", (1, "a", 1.5, None), (2, "b", 2.0, None))
    put(folder / "b.parquet", (3, "c", 3.0, 1))
    assert agree(folder, contract()).passed
    found = agree(folder, contract(amount="integer"))
    assert [f.rule for f in found.blocking] == ["amount.type", "parent.references"]


# -- random histories ---------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, *range(1, 9)]),
        st.sampled_from([None, "a", "b", "c", "UP"]),
        st.sampled_from([None, 0.0, -0.0, 1.5, -1.0, float("nan")]),
        st.sampled_from([None, 1, 2, 3]),
    ),
    max_size=3,
)
NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, ROWS),
        st.tuples(st.just("put"), NAMES, ROWS),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("swap"), NAMES, NAMES),
        st.tuples(st.just("column"), NAMES, ROWS),
        st.tuples(
            st.just("contract"), st.sampled_from([(0,), (-5,), (0, "^[a-b]*$"), (0, "^[a-z]*$", "string")])
        ),
        st.tuples(st.just("variable"), st.sampled_from(["", "^[A-Z]*$", "^.$"])),
        st.tuples(st.just("engine"), st.sampled_from(["polars", "polars", "duckdb"])),
    ),
    min_size=2,
    max_size=6,
)


class History:
    """A folder that things happen to."""

    def __init__(self, root: Path) -> None:
        self.folder, self.document, self.engine = root, contract(), "polars"
        put(root / "0.parquet", (9, "z", 1.0, None))

    def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case "put", name, rows:
                put(self.folder / f"{name}.parquet", *rows)
            case "column", name, rows:
                put(self.folder / f"{name}.parquet", *((*row, 1) for row in rows), note=pl.Int64())
            case "delete", name:
                (self.folder / f"{name}.parquet").unlink(missing_ok=True)
            case "swap", one, other:
                paths = [self.folder / f"{name}.parquet" for name in (one, other)]
                if one != other and all(path.exists() for path in paths):
                    aside = paths[0].rename(self.folder / "aside")
                    paths[1].rename(paths[0])
                    aside.rename(paths[1])
            case "contract", arguments:
                self.document = contract(*arguments)
            case "variable", value:
                os.environ["P"] = value
            case "engine", name:
                self.engine = name


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happened_to_the_files_a_check_that_remembers_finds_what_a_cold_one_finds(
    steps: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing with files known by their paths alone, and with the stale entry planted below."""
    monkeypatch.setenv("P", "")
    with tempfile.TemporaryDirectory() as root:
        history = History(Path(root))
        agree(history.folder, history.document)
        for step in steps:
            history.step(step)
            agree(history.folder, history.document, history.engine)


def stored(folder: Path) -> list[tuple[str, bytes, bytes]]:
    with sqlite3.connect(folder.parent / "cache" / "partials.db") as db:
        return list(db.execute("SELECT key, sum, body FROM partial"))


def test_a_stale_entry_is_found_by_comparing(folder: Path) -> None:
    """What the comparison above is worth: one count that is not true any more, and it fails."""
    put(three(folder) / "d.parquet", (5, "e", -1.0, 1))
    agree(folder, contract())
    planted = 0
    with sqlite3.connect(folder.parent / "cache" / "partials.db") as db:
        for key, _, body in stored(folder):
            said = json.loads(body)
            if isinstance(said, list) and said[1:] and isinstance(said[1], int) and said[1]:
                said[1], said[2:3] = 0, [[]] * len(said[2:3])
                stale = json.dumps(said).encode()
                db.execute(
                    "UPDATE partial SET sum = ?, body = ? WHERE key = ?",
                    (check_cache._sum(key, stale), stale, key),
                )
                planted += 1
    db.close()
    assert planted
    with pytest.raises(AssertionError):
        agree(folder, contract())


# -- a cache is never an error ------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["emptied", "flipped", "cut", "text", "body", "folder"])
def test_what_is_damaged_is_not_believed_and_made_anew(folder: Path, harm: str) -> None:
    """Seen failing (body) without the sum over each entry: a count was taken from what was there."""
    put(three(folder) / "d.parquet", (5, "e", -1.0, 1))
    agree(folder, contract())
    file = folder.parent / "cache" / "partials.db"
    content = file.read_bytes()
    match harm:
        case "emptied":
            file.write_bytes(b"")
        case "flipped":
            file.write_bytes(bytes(b ^ 0x55 for b in content))
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "text":
            file.write_text("no database at all" * 500)
        case "body":
            assert content.count(b"[1, 1]") >= 1
            file.write_bytes(content.replace(b"[1, 1]", b"[1, 0]").replace(b"[5, 1, [", b"[5, 0, ["))
        case _:
            file.unlink()
            file.mkdir()
    assert not agree(folder, contract()).passed
    found = agree(folder, contract())
    assert harm == "folder" or hows(found)["name.invalidValues"] == "partial"


@pytest.fixture
def read_only(folder: Path) -> Iterator[Path]:
    place = folder.parent / "cache"
    place.mkdir(exist_ok=True)
    place.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield place
    place.chmod(stat.S_IRWXU)


def test_where_nothing_can_be_written_everything_is_read(folder: Path, read_only: Path) -> None:
    three(folder)
    for _ in range(2):
        assert agree(folder, contract()).passed
    if os.geteuid():  # nothing is read-only to root
        assert not list(read_only.iterdir())


@pytest.mark.parametrize("place", ["", "/proc/headgate", "{file}/below"])
def test_there_need_be_no_place_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    three(folder)
    monkeypatch.setenv("HEADGATE_CACHE", place.format(file=folder / "a.parquet"))
    for _ in range(2):
        assert agree(folder, contract()).passed


def test_a_full_disk_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says the same when its file may not grow. Seen failing with its errors let through."""
    three(folder)
    connect = sqlite3.connect

    def full(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **options)
        db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(sqlite3, "connect", full)
    for _ in range(2):
        assert agree(folder, contract()).passed


def test_processes_that_write_at_once_lose_nothing_but_time(folder: Path) -> None:
    three(folder)
    script = f"""
import headgate
for low in range(6):
    document = {contract()!r}.replace(b"minimum: 0", b"minimum: -%d" % low)
    assert headgate.check({str(folder)!r}, document, remember=True).verdict.passed
"""
    many = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [each.wait(120) for each in many] == [0, 0]
    with sqlite3.connect(folder.parent / "cache" / "partials.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    for low in range(6):
        document = contract().replace(b"minimum: 0", b"minimum: -%d" % low)
        assert set(hows(agree(folder, document)).values()) <= {"partial", "statistics"}


def test_a_writer_that_does_not_end_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(three(folder), contract())
    monkeypatch.setattr(check_cache, "_WAIT_S", 0.05)
    db = sqlite3.connect(folder.parent / "cache" / "partials.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    put(folder / "d.parquet", (5, "e", -1.0, 1))
    assert not agree(folder, contract()).passed
    db.close()


def test_it_stays_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_cache, "BYTES_MAX", 30_000)
    monkeypatch.setattr(check_cache, "KEYS_BYTES_MAX", 1_000)
    three(folder)
    for low in range(30):
        headgate.check(folder, contract(-low), remember=True)
    assert (folder.parent / "cache" / "partials.db").stat().st_size < 60_000
    assert hows(agree(folder, contract(-29)))["amount.minimum"] == "partial"


def test_it_is_for_nobody_elses_eyes(folder: Path) -> None:
    agree(three(folder), contract())
    assert stat.S_IMODE((folder.parent / "cache").stat().st_mode) == 0o700
