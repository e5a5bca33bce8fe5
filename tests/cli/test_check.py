from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import CONTRACT, Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "good.csv").write_text("id,customer,amount\n1,ann,10.50\n2,bob,3.00\n")
    (tmp_path / "bad.csv").write_text("id,customer,amount\n4,ann,-1\n5,b\x1b[2Job,x\n6,cid,2.00\n")
    return run


def test_data_that_pass_are_done(files: Run) -> None:
    done = files("check", "good.csv", "--contract", "c.yaml", "--json")
    assert (done.code, done.err) == (0, "")
    listed(done.document, DOCUMENTS["check"])
    assert {k: v for k, v in done.document.items() if k != "rules"} == {
        "outcome": "passed", "contract": "orders", "contract_version": "1.0.0", "object": "orders", "root": None,
        "files": 1, "engine": "polars", "rows": 2, "rows_good": 2, "rows_bad": 0, "failing_rows": [],
    }  # fmt: skip


def test_a_failing_check_shows_rule_key_value_and_row(files: Run) -> None:
    done = files("check", "bad.csv", "--contract", "c.yaml")
    assert (done.code, done.err) == (1, "")
    assert "fail  amount.minimum" in done.out
    assert 'row 1 of bad.csv  id="4"  amount: "-1"' in done.out
    assert 'row 2 of bad.csv  id="5"  amount: "x"' in done.out
    assert "failed: 3 rows = 1 good + 2 bad" in done.out


def test_a_failing_check_is_a_result_and_no_error(files: Run) -> None:
    done = files("check", "bad.csv", "--contract", "c.yaml", "--json")
    assert done.code == 1
    listed(done.document, DOCUMENTS["check"])
    rule = next(r for r in done.document["rules"] if r["rule"] == "amount.minimum")
    assert (rule["status"], rule["rows_failed"]) == ("fail", 1)
    assert rule["samples"][0]["key"] == {"id": "4"}


def test_good_and_bad_rows_are_written_apart(files: Run, tmp_path: Path) -> None:
    files("check", "bad.csv", "--contract", "c.yaml", "--good", "g.csv", "--bad", "b.jsonl")
    assert (tmp_path / "g.csv").read_text().splitlines()[1:] == ["6,cid,2.0"]
    assert len((tmp_path / "b.jsonl").read_text().splitlines()) == 2


def test_an_escape_sequence_in_the_data_does_not_reach_the_terminal(files: Run, tmp_path: Path) -> None:
    """Seen failing with `harmless` returning its text as it is."""
    (tmp_path / "evil.csv").write_text("id,customer,amount\n1,a,\x1b[2Jx\n")
    done = files("check", "evil.csv", "--contract", "c.yaml")
    assert "\x1b" not in done.out
    assert "\\x1b[2Jx" in done.out


def test_a_report_is_written_as_one_page(files: Run, tmp_path: Path) -> None:
    done = files("check", "bad.csv", "--contract", "c.yaml", "--html", "r.html")
    assert done.code == 1
    assert "report: r.html" in done.out
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_the_dialect_is_taken_from_the_options(files: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes("1;'B\xe9a';2.5\n".encode("latin-1"))
    options = ("--format", "csv", "--delimiter", ";", "--quote", "'", "--encoding", "latin-1", "--no-header")
    done = files("check", "odd.txt", "--contract", "c.yaml", *options, "--json")
    assert (done.code, done.document["outcome"], done.document["rows"]) == (0, "passed", 1)


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("nosuch.csv", "--contract", "c.yaml"), 3, "not_there"),
        (("good.csv", "--contract", "nosuch.yaml"), 3, "not_there"),
        (("good.csv", "--contract", "good.csv"), 2, "contract_unusable"),
        (("good.csv",), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--object", "ordres"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--delimiter", "ab"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--format", "cvs"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--good", "good.csv"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--good", "x.csv", "--bad", "x.csv"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--bad", "x.xls"), 2, "wrong_use"),
        (("good.csv", "--contract", "c.yaml", "--html", "nosuch/r.html"), 3, "not_there"),
    ],
)
def test_what_keeps_a_verdict_from_being_formed_is_an_error(
    files: Run, words: tuple[str, ...], code: int, kind: str
) -> None:
    done = files("check", *words, "--json")
    assert (done.code, done.error["kind"]) == (code, kind)
    assert done.error["place"]


def test_a_check_imports_nothing_of_a_project(files: Run) -> None:
    """Seen failing with `from headgate.project import Project` outside TYPE_CHECKING in check.py."""
    code = (
        "import sys\n"
        "from headgate.cli.main import main\n"
        "main(['check', 'good.csv', '--contract', 'c.yaml'])\n"
        "heavy = {'sqlalchemy', 'pyiceberg', 'duckdb', 'pyarrow', 'rich', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
