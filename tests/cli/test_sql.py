"""`sql` and `export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


def test_values_are_json_that_loses_nothing(sold: Run) -> None:
    query = """
        SELECT 1.50 AS d, 'nan'::DOUBLE AS n, '-inf'::DOUBLE AS i, DATE '2026-01-02' AS day,
            TIMESTAMP '2026-01-02 03:04:05.5' AS t, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS z, 'ab'::BLOB AS b,
            sum(id) AS whole, NULL AS nothing, [1, 2] AS l, {'x': 1.5} AS s, TRUE AS yes, INTERVAL 1 DAY AS span
        FROM orders
    """
    found = sold("sql", query, "--json").document
    listed(found, DOCUMENTS["sql"])
    assert found["rows"] == [[
        "1.50", "NaN", "-Infinity", "2026-01-02", "2026-01-02T03:04:05.500000", "2026-01-02T03:04:05+00:00", "YWI=",
        6, None, [1, 2], {"x": "1.5"}, True, "P1D",
    ]]  # fmt: skip


def test_a_pipe_gets_aligned_text(sold: Run) -> None:
    done = sold("sql", "SELECT id, customer FROM orders ORDER BY id")
    assert done.out == "id  customer\n 1  ann\n 2  bob\n 3  null\n"


def test_two_columns_of_one_name_both_come(sold: Run) -> None:
    assert sold("sql", "SELECT 1 AS a, 2 AS a", "--json").document == {
        "columns": ["a", "a"],
        "rows": [[1, 2]],
    }


def test_any_ref_can_be_asked(sold: Run) -> None:
    sold("tag", "create", "v1")
    sold("load", "orders", "dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "50%")
    count = ("sql", "SELECT count(*) FROM orders", "--json", "--ref")
    assert sold(*count, "v1").document["rows"] == [[3]]
    assert sold(*count, "main").document["rows"] == [[5]]


def test_refused_queries_and_unknown_names_are_errors(sold: Run) -> None:
    for query, code, kind in (
        ("DROP TABLE orders", 2, "wrong_use"),
        ("SELEC 1", 2, "wrong_use"),
        ("SELECT * FROM ordres", 3, "not_there"),
    ):
        done = sold("sql", query, "--json")
        assert (done.code, done.error["kind"]) == (code, kind)
    before = sold("sql", "SELECT 1", "--ref", "production", "--json")
    assert (before.code, before.error["kind"]) == (3, "not_there")
    assert "headgate promote production" in before.error["hint"]


def test_a_table_is_exported_whole(sold: Run, tmp_path: Path) -> None:
    done = sold("export", "orders", "out.csv", "--json")
    listed(done.document, DOCUMENTS["export"])
    assert (done.code, done.document["rows"], done.document["table"]) == (0, 3, "orders")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4
    assert sold("export", "orders", "out.xls", "--json").code == 2
    assert sold("export", "ordres", "out2.csv", "--json").code == 3


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("", "one SELECT"),
        ("SELECT emial FROM orders", "`headgate show TABLE` lists"),
        ("SELECT * FROM 'more.csv'", "`headgate load TABLE FILE` makes a table of one"),
        ("SELECT * FROM read_csv('more.csv')", "`headgate load TABLE FILE` makes a table of one"),
        ("SELECT * FROM ordrs", "there is orders"),
    ],
)
def test_a_query_that_does_not_run_says_the_way_out(sold: Run, query: str, hint: str) -> None:
    done = sold("sql", query)
    assert done.code in {2, 3}
    assert hint in done.err


def test_an_unknown_ref_names_those_that_people_have_made(sold: Run, tmp_path: Path) -> None:
    """Seen failing: branches of failed loads, which go before `main`, were all that was named."""
    for i in range(6):
        (tmp_path / f"{i}.csv").write_text(f"id,customer,amount\n{i + 100},ann,-1\n")
        assert sold("load", "orders", f"{i}.csv").code == 1
    assert "there is main" in sold("sql", "SELECT 1", "--ref", "nope").err
