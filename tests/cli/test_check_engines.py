from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import CONTRACT, Ran

Run = Callable[..., Ran]


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "bad.csv").write_text("id,customer,amount\n4,ann,-1\n5,bob,x\n6,cid,2.00\n")
    return run


def test_another_engine_answers_to_the_letter_alike_but_for_its_name(files: Run, tmp_path: Path) -> None:
    ran = {}
    for engine in ("polars", "duckdb"):
        outputs = ["--good", f"good-{engine}.csv", "--bad", f"bad-{engine}.jsonl"]
        ran[engine] = files(
            "check", "bad.csv", "--contract", "c.yaml", "--json", "--engine", engine, *outputs
        )
    assert ran["duckdb"].out.replace('"engine": "duckdb"', '"engine": "polars"') == ran["polars"].out
    assert ran["duckdb"].document["engine"] == "duckdb"
    assert (ran["duckdb"].code, ran["polars"].code) == (1, 1)
    for name in ("good-{}.csv", "bad-{}.jsonl"):
        polars, duckdb = ((tmp_path / name.format(e)).read_text() for e in ("polars", "duckdb"))
        assert duckdb == polars


def test_an_engine_that_does_not_exist_is_told_with_those_that_do(files: Run) -> None:
    done = files("check", "bad.csv", "--contract", "c.yaml", "--engine", "abacus")
    assert done.code == 2
    assert "there is no engine 'abacus'" in done.err
    assert "polars or duckdb" in done.err


def test_who_checks_with_polars_waits_for_no_other_engine(tmp_path: Path) -> None:
    """Seen failing with the engines imported at the top of `checking`."""
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "a.csv").write_text("id,customer,amount\n1,ann,1\n")
    code = (
        "import sys, headgate; headgate.check('a.csv', 'c.yaml');"
        "print({'duckdb', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
