"""How the story is printed; the story itself is tested in tests/demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS
from headgate.demo.story import Ask, Line
from headgate.model.errors import WrongUse

LINES = (
    Line("title", "Real flights"),
    Line("part", "Days arrive."),
    Line("did", "1 January: 842 flights", "published", (Ask("SELECT count(*) FROM flights", "main", 842),)),
    Line("why", "because"),
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(path: str, program: str) -> Iterator[Line]:
        yield from LINES

    monkeypatch.setattr("headgate.demo.story.tell", tell)


def test_each_line_is_printed_as_it_comes(run: Callable[..., Ran], told: None) -> None:
    done = run("demo")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Real flights",
        "",
        "Days arrive.",
        "  published         1 January: 842 flights",
        "      because",
    ]


def test_the_numbers_come_with_their_queries(run: Callable[..., Ran], told: None) -> None:
    done = run("demo", "there", "--json")
    listed(done.document, DOCUMENTS["demo"])
    assert done.document["lines"][2]["asks"][0]["answer"] == 842


def test_a_story_that_breaks_off_is_an_error(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(path: str, program: str) -> Iterator[Line]:
        yield LINES[0]
        raise WrongUse("the folder is not empty", hint="name another", place=path)

    monkeypatch.setattr("headgate.demo.story.tell", tell)
    done = run("demo")
    assert (done.code, done.out) == (2, "Real flights\n")
    assert "error: headgate-demo: the folder is not empty" in done.err
