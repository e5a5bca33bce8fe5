"""`headgate check --with TABLE=DATA`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import Ran

Run = Callable[..., Ran]
CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer}
      - {name: customer, logicalType: integer, relationships: [{to: customers.id}]}
"""


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "orders.csv").write_text("id,customer\n1,1\n2,2\n")
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.csv").write_text("id\n2\n")
    return run


def test_a_table_is_given_once_or_several_times(files: Run) -> None:
    done = files("check", "orders.csv", "--contract", "c.yaml", "--with", "customers=a.csv", "--json")
    assert (done.code, done.document["rows_bad"]) == (1, 1)
    two = ("--with", "customers=a.csv", "--with", "customers=b.csv")
    assert files("check", "orders.csv", "--contract", "c.yaml", *two).code == 0
    assert files("check", "orders.csv", "--contract", "c.yaml", "--with=customers=[ab].csv").code == 0


def test_a_table_that_is_missing_is_said_with_the_option(files: Run) -> None:
    done = files("check", "orders.csv", "--contract", "c.yaml", "--json")
    [rule] = [r for r in done.document["rules"] if r["status"] == "not_executed"]
    assert (done.code, rule["message"]) == (
        1,
        "the table customers is not there; say where it is, to have it looked in: --with customers=DATA",
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--with", "customers"], 2, "write TABLE=DATA"),
        (["--with", "=a.csv"], 2, "write TABLE=DATA"),
        (["--with", "customers="], 2, "write TABLE=DATA"),
        (["--with", "custom=a.csv"], 2, "they lead to customers"),
        (["--with", "orders=a.csv"], 2, "its own rows are its parents"),
        (["--with", "customers=nope.csv"], 3, "no file 'nope.csv'"),
        (["--with", "customers=a.csv", "--bad", "a.csv"], 2, "a.csv"),
    ],
)
def test_wrong_use_is_one_clear_error(files: Run, words: list[str], code: int, said: str) -> None:
    done = files("check", "orders.csv", "--contract", "c.yaml", *words)
    assert done.code == code
    assert said in done.err


def test_a_published_table_has_the_tables_of_its_commit(files: Run) -> None:
    done = files("check", "orders", "--ref", "main", "--with", "customers=a.csv")
    assert done.code == 2
    assert "--with is for files, not for a table" in done.err
