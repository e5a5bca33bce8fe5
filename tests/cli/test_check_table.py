"""`check --ref`: a published table, judged again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


def test_a_published_table_is_judged_by_its_own_contract(sold: Run) -> None:
    first = sold("check", "orders", "--ref", "main", "--json")
    listed(first.document, DOCUMENTS["check"])
    assert (first.code, first.document["outcome"], first.document["rows"]) == (0, "passed", 3)
    assert first.document["root"]
    again = sold("check", "orders", "--ref", "main", "--json").document
    assert {r["how"] for r in again["rules"]} <= {"partial", "statistics"}
    cold = sold("check", "orders", "--ref", "main", "--no-cache", "--json").document
    assert {r["how"] for r in cold["rules"]} == {"scan"}

    def said(document: dict[str, object]) -> object:
        rules = document["rules"]
        assert isinstance(rules, list)
        return {**document, "rules": [{**r, "how": ""} for r in rules]}

    assert said(again) == said(cold) == said(first.document)


def test_a_stricter_contract_is_tried_on_a_published_table(sold: Run, tmp_path: Path) -> None:
    stricter = (tmp_path / "orders.yaml").read_text().replace("minimum: 0", "minimum: 5")
    (tmp_path / "strict.yaml").write_text(stricter)
    done = sold("check", "orders", "--ref", "main", "--contract", "strict.yaml")
    assert done.code == 1 and "amount.minimum" in done.out and "1 of 3 rows" in done.out


def test_what_is_for_files_is_refused_for_a_table(sold: Run) -> None:
    for words in (["--good", "x.csv"], ["--format", "csv"], ["--engine", "duckdb"], ["--object", "orders"]):
        done = sold("check", "orders", "--ref", "main", *words, "--json")
        assert (done.code, done.error["kind"]) == (2, "wrong_use"), words
    assert sold("check", "orders", "items", "--ref", "main").code == 2
    assert sold("check", "good.csv").code == 2


def test_an_unguarded_table_needs_a_contract_to_be_checked(shop: Run) -> None:
    assert shop("load", "loose", "good.csv", "--unguarded").code == 0
    done = shop("check", "loose", "--ref", "main", "--json")
    assert (done.code, done.error["kind"]) == (3, "not_there") and "--contract" in done.error["hint"]
