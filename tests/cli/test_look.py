"""`status` and `show`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.terminal import CONTRACT, Ran, listed
from headgate.cli.fields import DOCUMENTS, SHAPES, SHOWN

Run = Callable[..., Ran]


def test_the_status_of_an_empty_project_says_how_to_begin(shop: Run) -> None:
    listed(shop("status", "--json").document, DOCUMENTS["status"])
    assert "headgate load TABLE" in shop("status").out


def test_the_status_says_what_waits_and_what_to_do(sold: Run) -> None:
    sold("load", "orders", "dirty.csv")
    sold("branch", "create", "feature")
    sold("tag", "create", "v1")
    found = sold("status", "--json").document
    listed(found, DOCUMENTS["status"])
    assert found["environments"][0]["waiting"] == ["orders"]
    assert [r["outcome"] for r in found["failed"]] == ["quarantined"]
    text = sold("status").out
    assert max(map(len, text.splitlines())) <= 80
    assert "headgate promote production" in text
    assert f"headgate quarantine show {found['quarantines'][0]['quarantine']}" in text
    assert "feature" in text and "v1" in text


def test_a_table_a_run_a_batch_and_a_commit_are_shown_by_name_alone(sold: Run) -> None:
    table = sold("show", "orders", "--json").document
    listed(table, SHOWN["table"])
    assert table["columns"][0] == {"column": "id", "type": "integer", "required": True}
    [batch] = sold("sql", "SELECT batch, run, commit FROM headgate.batches", "--json").document["rows"]
    for what, name in zip(("batch", "run", "commit"), batch, strict=True):
        shown = sold("show", name, "--json")
        assert shown.code == 0
        listed(shown.document, SHOWN[what])
        assert name in sold("show", name).out
    assert sold("show", "main", "--json").document["commit"] == batch[2]
    assert sold("show", batch[2][:10], "--json").document["commit"] == batch[2]
    assert "3 in = 3 good" in sold("show", batch[0]).out
    assert "0 -> 3 rows (+3)" in sold("show", "main").out


def test_what_is_not_there_has_close_names(sold: Run) -> None:
    done = sold("show", "ordres", "--json")
    assert (done.code, done.error["kind"]) == (3, "not_there")
    assert "orders" in done.error["hint"]


def test_a_passing_verdict_that_warns_says_so(sold: Run, tmp_path: Path) -> None:
    """Seen failing: ``passed: amount.minimum`` read as if that rule had been all there was."""
    (tmp_path / "warns.yaml").write_text(
        CONTRACT.replace("minimum: 0}}", "minimum: 1000}, customProperties: [%s]}")
        % "{vendor: headgate, property: onFail, value: warn}"
    )
    (tmp_path / "more.csv").write_text("id,customer,amount\n77,ann,1\n")
    assert sold("load", "orders", "more.csv", "--contract", "warns.yaml").code == 0
    assert "passed, warns: amount.minimum" in sold("status").out


def test_names_that_nobody_types_are_not_offered(sold: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("id,customer,amount\n78,ann,-1\n")
    assert sold("load", "orders", "bad.csv").code == 1
    done = sold("show", "zzzzz")
    assert "there is main, orders" in done.err
    assert "load/orders" not in done.err


def test_a_profile_of_a_table_is_made_of_its_files(sold: Run) -> None:
    assert sold("show", "orders", "--json").document["profile"] == []
    found = {f["column"]: f for f in sold("show", "orders", "--profile", "--json").document["profile"]}
    for each in found.values():
        listed(each, SHAPES["figures"])
    amount = found["amount"]
    assert (amount["least"], amount["greatest"]) == ("3", "10.5") and abs(
        float(amount["median"]) - 7.25
    ) < 0.08
    assert (found["customer"]["nulls"], found["customer"]["distinct"], found["customer"]["least"]) == (
        1,
        2,
        None,
    )
    assert amount["median"] in sold("show", "orders", "--profile").out
