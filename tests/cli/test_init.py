from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS


def test_init_makes_a_project_and_says_what_comes_next(run: Callable[..., Ran], tmp_path: Path) -> None:
    done = run("init", "shop")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "shop" / "headgate.toml").exists()
    assert "headgate load TABLE" in done.out


def test_init_twice_changes_nothing(run: Callable[..., Ran]) -> None:
    first, second = run("init", "--json"), run("init", "--json")
    listed(first.document, DOCUMENTS["init"])
    assert (first.document["created"], second.document["created"]) == (True, False)
    assert (first.code, second.code) == (0, 0)


def test_a_project_is_found_from_below_and_by_option(run: Callable[..., Ran], tmp_path: Path) -> None:
    run("init", "shop")
    assert run("status", "--project", "shop", "--json").document["root"] == str(tmp_path / "shop")
    assert run("--project=shop", "log").code == 0


def test_a_folder_that_takes_no_project_is_an_error(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("init", "file", "--json")
    assert (done.code, done.error["kind"]) == (3, "unavailable")


def test_commands_outside_a_project_say_how_to_begin(run: Callable[..., Ran]) -> None:
    done = run("status")
    assert (done.code, done.out) == (3, "")
    assert "hint: run `headgate init` first" in done.err
