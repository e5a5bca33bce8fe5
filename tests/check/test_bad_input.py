"""Input that means harm, or was meant for something else: one clear error or verdict, in bounded time and memory.

Each runs in a process of its own (`hostile`), whose addresses are limited: what would take all there is dies there.
Seen failing with `NODES_MAX`, the timer of `Child.ask`, and `translate` for the first patterns out of the way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from check.hostile import NAMES, SECONDS

CPU_SECONDS_MAX = 90  # of the processor, both engines and their children together; most take three
MEGABYTES_MAX = 1500
_BOUNDS = (f"took longer than {SECONDS} s", "broke the pattern engine")
Answers = list[dict[str, Any]]


def answers(name: str, folder: Path) -> Answers:
    """What became of each piece of input, the same on every engine."""
    words = [sys.executable, "-m", "check.hostile", name, str(folder)]
    path = os.pathsep.join(
        [str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    )
    surroundings = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, env=surroundings)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["seconds"] < CPU_SECONDS_MAX
    assert found["megabytes"] < MEGABYTES_MAX
    for one in found["answers"]:
        for engine in ("polars", "duckdb"):  # whichever of its bounds it meets first: time, or memory
            for bound in _BOUNDS:
                one[engine]["message"] = one[engine].get("message", "").replace(bound, "met a bound")
        assert one["polars"] == one["duckdb"], one
    return [one["polars"] for one in found["answers"]]


def refused(found: dict[str, Any], kind: str, said: str) -> bool:
    return found.get("error") == kind and said in found["message"] and bool(found["hint"])


def test_aliases_that_grow_without_end(tmp_path: Path) -> None:
    for one in answers("aliases", tmp_path):
        assert refused(one, "ContractUnusable", "aliases included"), one


def test_contracts_of_megabytes(tmp_path: Path) -> None:
    too_long, too_many, long = answers("megabytes", tmp_path)
    assert refused(too_long, "ContractUnusable", "more than 8,000,000")
    assert refused(too_many, "ContractUnusable", "more than")
    assert long["passed"]


def test_nesting_without_end(tmp_path: Path) -> None:
    *deep, cells = answers("nesting", tmp_path)
    for one in deep:
        assert refused(one, "ContractUnusable", "nested too deeply"), one
    assert cells["failing"] == {"a.type": [1, 2]}


def test_patterns_that_would_backtrack_for_ever_do_not(tmp_path: Path) -> None:
    for one in answers("patterns", tmp_path):
        assert one["failing"] == {"a.pattern": [1, 2, 3]}


def test_patterns_that_cannot_but_backtrack_are_ended(tmp_path: Path) -> None:
    """Look-around and backreferences: no engine has a bound for them, so there is one on their time."""
    for one in answers("patterns_that_backtrack", tmp_path):
        ended = refused(one, "ContractUnusable", "met a bound")
        assert ended or one["failing"] == {"a.pattern": [1, 2, 3]}, one


def test_patterns_that_are_large(tmp_path: Path) -> None:
    repeats, nested, groups, words, brackets = answers("patterns_that_are_large", tmp_path)
    assert repeats["passed"]
    assert nested["passed"]
    assert words["failing"] == {"a.pattern": [1]}
    for one in (groups, brackets):
        assert refused(one, "ContractUnusable", "is no ECMA-262 pattern")
        assert len(one["message"]) < 1000


def test_queries_that_write_attach_or_read(tmp_path: Path) -> None:
    for one in answers("queries", tmp_path):
        assert one["findings"]["sql"] == "error", one
        assert one["told"]["sql"]
        assert not one["passed"]
    assert {file.name for file in tmp_path.iterdir()} == {"secret.csv"}


def test_queries_without_end(tmp_path: Path) -> None:
    for one in answers("queries_without_end", tmp_path):
        assert one["findings"] == {"a.type": "pass", "sql": "error"}
        assert f"longer than {SECONDS} s" in one["told"]["sql"] or "emory" in one["told"]["sql"]


def test_columns_named_like_sql(tmp_path: Path) -> None:
    frame, file, queried = answers("names_like_sql", tmp_path)
    rows = {"required": [3], "enum": [2], "pattern": [2]}
    failing = {f"{name}.{rule}": bad for name in NAMES if name.strip() for rule, bad in rows.items()}
    assert frame["failing"] == failing
    assert file == frame
    assert {name for name, status in queried["findings"].items() if name.endswith(".asked")} == {
        f"{name}.asked" for name in NAMES if name.strip() and "{" not in name
    }
    assert all(status == "pass" for name, status in queried["findings"].items() if name.endswith(".asked"))


def test_two_thousand_columns(tmp_path: Path) -> None:
    (found,) = answers("columns", tmp_path)
    assert len(found["findings"]) == 4000
    assert found["failing"] == {f"c{n}.required": [3] for n in range(100)}


@pytest.mark.slow
def test_five_thousand_rules(tmp_path: Path) -> None:
    (found,) = answers("rules", tmp_path)
    assert len(found["findings"]) == 5000
    assert found["failing"] == {
        f"c{n}.{rule}": rows for n in range(500) for rule, rows in (("required", [3]), ("multipleOf", [1, 2]))
    }


def test_rows_of_ten_megabytes(tmp_path: Path) -> None:
    csv, lines, parquet = answers("long_rows", tmp_path)
    assert csv["failing"] == {"a.maxLength": [2], "a.pattern": [2, 3]}
    assert csv == lines == parquet


def test_nothing_but_null_and_no_rows_at_all(tmp_path: Path) -> None:
    for number, one in enumerate(answers("nothing", tmp_path)):
        nulls = number in {0, 2, 4, 6}
        assert {name: status for name, status in one["findings"].items() if status != "pass"} == (
            {"b.few": "fail"} if nulls else {}
        )
        assert one["passed"] is not nulls


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    *data, declared = answers("names_twice", tmp_path)
    for one in data:
        assert one["error"] == "Unreadable"
        assert "'a'" in one["message"] or '"a"' in one["message"]
    assert refused(declared, "ContractUnusable", "'a' stands there twice")


def test_mixed_time_zones(tmp_path: Path) -> None:
    """Instants are compared, whatever their zone; text that names none is UTC's, unless the contract says otherwise."""
    text, typed, unzoned = answers("zones", tmp_path)
    assert text["failing"] == {"a.unique": [1, 2, 3, 4]}
    assert typed["passed"]
    assert unzoned["failing"] == {"a.maximum": [1]}
