"""Bad input: one clear error or verdict each, an exit code of 1, 2 or 3, nothing lost and nothing published."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import CONTRACT, Ran

Run = Callable[..., Ran]
HEAD = b"id,customer,amount\n"

# file name, its bytes, exit code, and the error's kind (a verdict: the rule that fails), and what the place says
FILES = [
    pytest.param("zero.csv", b"", 3, "unreadable", "zero.csv", id="0 bytes"),
    pytest.param("short.csv", HEAD + b"8,eve,1\n9,fay\n", 3, "unreadable", "short.csv:3", id="a short row"),
    pytest.param("long.csv", HEAD + b"8,eve,1\n9,fay,2,3\n", 3, "unreadable", "long.csv:3", id="a long row"),
    pytest.param("nul.csv", HEAD + b"8,e\0ve,1\n", 3, "unreadable", "nul.csv:2", id="NUL bytes"),
    pytest.param(
        "twice.csv", b"id,amount,id,customer\n8,1,8,eve\n", 3, "unreadable", "twice.csv:1", id="a column twice"
    ),
    pytest.param("tabs.csv", b"id\tcustomer\tamount\n8\teve\t1\n", 3, "unreadable", "tabs.csv:1", id="delimiter"),
    pytest.param("latin.csv", HEAD + b"8,Ren\xe9e,1\n", 3, "unreadable", "latin.csv:2", id="encoding"),
    pytest.param("page.csv", b"<!doctype html><html>login</html>", 3, "unreadable", "page.csv", id="HTML"),
    pytest.param(
        "lines.jsonl",
        b'{"id": 8, "customer": "eve", "amount": 1}\n{"id": 9, "customer\n',
        3, "unreadable", "lines.jsonl:2", id="a broken JSON line",
    ),
    pytest.param("cut.parquet", b"PAR1\x15\x04\x15\x10 and no end", 3, "unreadable", "cut.parquet", id="Parquet"),
    pytest.param(
        "header.csv", HEAD + b"8,eve,1\n" + HEAD, 3, "unreadable", "header.csv:3", id="the header again"
    ),
    pytest.param("less.csv", b"id,amount\n8,1\n", 1, "customer.present", "", id="a column missing"),
    pytest.param("more.csv", b"id,customer,amount,x\n8,eve,1,2\n", 1, "x.undeclared", "", id="a column more"),
    pytest.param("cell.csv", HEAD + b"8,eve,one\n", 1, "amount.type", "", id="a cell that does not fit"),
]  # fmt: skip

CONTRACTS = [
    pytest.param(b"schema: [", "contract_unusable", id="not YAML"),
    pytest.param(b"hello: world\n", "contract_unusable", id="not ODCS"),
    pytest.param(
        CONTRACT.replace("minimum: 0", "minimum: 2, maximum: 1").encode(),
        "contract_unusable",
        id="contradiction",
    ),
    pytest.param(
        CONTRACT.replace("name: customer", "name: id").encode(), "contract_unusable", id="a name twice"
    ),
]


@pytest.mark.parametrize(("name", "content", "code", "what", "place"), FILES)
def test_a_bad_file_has_one_clear_answer_and_publishes_nothing(
    sold: Run, tmp_path: Path, name: str, content: bytes, code: int, what: str, place: str
) -> None:
    (tmp_path / name).write_bytes(content)
    before = sold("log", "--json").document
    for words in (("check", name, "--contract", "orders.yaml"), ("load", "orders", name)):
        done = sold(*words, "--json")
        assert done.code == code, done.out
        if code == 1:
            failed = [r["rule"] for r in done.document["rules"] if r["status"] == "fail"]
            assert what in failed
        else:
            assert done.error["kind"] == what
            assert done.error["place"].startswith(place)
        assert "Traceback" not in sold(*words).err
    assert sold("log", "--json").document == before
    assert sold("sql", "SELECT count(*) FROM orders", "--json").document["rows"] == [[3]]
    assert sold("status", "--json").document["open"] == []


def test_a_header_alone_is_no_rows(sold: Run, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_bytes(HEAD)
    assert sold("check", "none.csv", "--contract", "orders.yaml", "--json").document["rows"] == 0
    done = sold("load", "orders", "none.csv", "--json")
    assert (done.code, done.document["outcome"], done.document["rows_in"]) == (0, "published", 0)


@pytest.mark.parametrize(("content", "kind"), CONTRACTS)
def test_a_contract_that_cannot_be_used_is_exit_2(
    shop: Run, tmp_path: Path, content: bytes, kind: str
) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    for words in (
        ("contract", "lint", "bad.yaml"),
        ("check", "good.csv", "--contract", "bad.yaml"),
        ("load", "orders", "good.csv", "--contract", "bad.yaml"),
    ):
        done = shop(*words, "--json")
        assert (done.code, done.error["kind"]) == (2, kind)
    assert shop("status", "--json").document["tables"] == []


def test_a_project_that_was_moved_names_the_way_out(sold: Run, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("headgate.toml", ".headgate"):
        (tmp_path / name).rename(moved / name)
    done = sold("status", "--project", "moved", "--json")
    assert (done.code, done.error["kind"]) == (3, "unavailable")
    assert "move it back" in done.error["hint"]


def test_a_project_from_a_newer_version_is_not_touched(sold: Run, tmp_path: Path) -> None:
    toml = tmp_path / "headgate.toml"
    toml.write_text(toml.read_text().replace("format = 1", "format = 2"))
    done = sold("status", "--json")
    assert (done.code, done.error["kind"]) == (3, "unavailable")
    assert "newer version" in done.error["hint"]


@pytest.mark.parametrize("text", ["x = [", "nosuch = 1", "[environments]\nproduction = 1"])
def test_settings_that_say_nothing_usable_are_wrong_use(sold: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "headgate.toml").write_text(text)
    done = sold("status", "--json")
    assert (done.code, done.error["kind"]) == (2, "wrong_use")
    assert "headgate.toml" in done.error["place"]


def test_a_database_that_somebody_holds_is_unavailable(
    sold: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.csv").write_bytes(HEAD + b"8,eve,1\n")
    with sqlite3.connect(tmp_path / ".headgate" / "catalog.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("headgate.edge.store.sql.BUSY_S", 0.2)
        done = sold("load", "orders", "new.csv", "--json")
        other.execute("ROLLBACK")
    other.close()
    assert (done.code, done.error["kind"]) == (3, "unavailable")
    assert sold("load", "orders", "new.csv", "--json").document["outcome"] == "published"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_unavailable(sold: Run, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = sold("export", "orders", "locked/out.csv", "--json")
    assert (done.code, done.error["kind"]) == (3, "unavailable")
