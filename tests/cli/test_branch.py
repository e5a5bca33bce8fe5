from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cli.terminal import Ran, listed
from headgate.cli.branches import age
from headgate.cli.fields import DOCUMENTS
from headgate.model.errors import WrongUse

Run = Callable[..., Ran]


def test_a_branch_comes_is_listed_and_goes(sold: Run) -> None:
    for command in ("create", "delete"):
        done = sold("branch", command, "feature", "--json")
        assert done.code == 0
        listed(done.document, DOCUMENTS[f"branch {command}"])
    found = sold("branch", "list", "--json").document
    listed(found, DOCUMENTS["branch list"])
    assert [b["branch"] for b in found["branches"]] == ["main"]
    assert "main" in sold("branch", "list").out


def test_a_branch_is_loaded_onto_without_main_seeing_it(sold: Run) -> None:
    sold("branch", "create", "feature")
    assert sold("load", "orders", "dirty.csv", "--to", "feature", "--on-fail", "warn").code in {0, 1}
    assert sold("sql", "SELECT count(*) FROM orders", "--json").document["rows"] == [[3]]


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("delete", "main"), 2, "wrong_use"),
        (("delete", "nosuch"), 3, "not_there"),
        (("create", "main"), 2, "wrong_use"),
        (("create", "a b"), 2, "wrong_use"),
        (("create", "production"), 2, "wrong_use"),
        (("create", "x", "--from", "nosuch"), 3, "not_there"),
        (("prune", "--older", "soon"), 2, "wrong_use"),
        (("prune",), 2, "wrong_use"),
    ],
)
def test_branches_that_cannot_be_are_errors(sold: Run, words: tuple[str, ...], code: int, kind: str) -> None:
    done = sold("branch", *words, "--json")
    assert (done.code, done.error["kind"]) == (code, kind)


def test_old_branches_are_pruned_by_age(sold: Run) -> None:
    sold("branch", "create", "feature")
    young = sold("branch", "prune", "--older", "1d", "--json")
    listed(young.document, DOCUMENTS["branch prune"])
    assert young.document == {"pruned": []}
    assert sold("branch", "prune", "--older", "0s", "--json").document == {"pruned": ["feature"]}


def test_ages_are_written_with_a_unit() -> None:
    assert age("30d") == timedelta(days=30)
    assert age(" 12h") == timedelta(hours=12)
    for text in ("30", "d", "-1d", "1y", ""):
        with pytest.raises(WrongUse):
            age(text)
