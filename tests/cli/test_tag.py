from __future__ import annotations

from collections.abc import Callable

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS

Run = Callable[..., Ran]


def test_a_tag_stays_where_it_is_until_it_is_deleted(sold: Run) -> None:
    made = sold("tag", "create", "v1", "--json")
    listed(made.document, DOCUMENTS["tag create"])
    sold("load", "orders", "dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "50%")
    found = sold("tag", "list", "--json").document
    listed(found, DOCUMENTS["tag list"])
    assert found["tags"] == [made.document]
    assert "v1" in sold("tag", "list").out
    gone = sold("tag", "delete", "v1", "--json")
    listed(gone.document, DOCUMENTS["tag delete"])
    assert sold("tag", "list").out == "there are no tags\n"


def test_a_tag_is_no_branch(sold: Run) -> None:
    sold("tag", "create", "v1")
    assert sold("branch", "delete", "v1", "--json").error["kind"] == "wrong_use"
    assert sold("tag", "create", "v1", "--json").error["kind"] == "wrong_use"
    assert sold("tag", "delete", "main", "--json").error["kind"] == "wrong_use"
