"""One text at a time: what is found is what the standard says, and nothing takes long."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
import regress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.test_patterns import LETTERS, SUBJECTS, patterns
from headgate.edge.patterns import check_syntax, translate
from headgate.edge.record.automaton import (
    Automaton,
    Choice,
    Edge,
    Letter,
    Piece,
    Repeat,
    Sequence,
    TooLarge,
    choices,
    parsed,
)
from headgate.edge.record.patterns import Undecided, finder, steps_regular

FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@FUZZ
@given(patterns(), st.lists(st.text(LETTERS, max_size=8), max_size=8))
def test_the_automaton_finds_what_polars_finds(pattern: str, more: list[str]) -> None:
    """Seen failing with the beginning of the text looked for everywhere, and without the last span of a class."""
    translated = translate(pattern) if check_syntax(pattern) is None else None
    if translated is None:
        return
    automaton = Automaton(parsed(translated))
    subjects = SUBJECTS + more
    found = pl.Series(subjects, dtype=pl.String).str.contains(translated).to_list()
    assert [automaton.search(s) for s in subjects] == found


def test_an_automaton_that_forgot_its_steps_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.edge.record.automaton._STEPS_MAX", 3)
    translated = translate("^(ab|cd)+[x-z]?$")
    assert translated is not None
    automaton = Automaton(parsed(translated))
    texts = ["", "ab", "abcd", "abcdx", "abcdxy", "ba", "ab" * 50, "cd" * 50 + "z", "cdé"]
    find = regress.Regex("^(ab|cd)+[x-z]?$", "u").find
    assert [automaton.search(t) for t in texts] == [find(t) is not None for t in texts]


# -- how long backtracking can take -------------------------------------------------------------------------

STEPS_ENOUGH = 200_000
QUANTIFIERS = ["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"]


def narrow() -> st.SearchStrategy[str]:
    """Patterns of so few letters that their parts meet."""

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        sequences = st.lists(st.builds(str.__add__, inner, st.sampled_from(QUANTIFIERS)), max_size=3).map(
            "".join
        )
        return st.lists(sequences, min_size=1, max_size=2).map(lambda branches: f"({'|'.join(branches)})")

    atoms = st.recursive(st.sampled_from(["a", "b", "[ab]", "c"]), grow, max_leaves=6)
    parts = st.lists(st.builds(str.__add__, atoms, st.sampled_from(QUANTIFIERS)), min_size=1, max_size=3)
    return st.builds(
        "{}{}{}".format, st.sampled_from(["", "^"]), parts.map("".join), st.sampled_from(["$", "c", ""])
    )


class Steps(Exception):
    """So many that it is shown."""


class Backtracker:
    """Searches as regress does, and counts: one way after the other, and back where a way ends."""

    def __init__(self, text: str) -> None:
        self.text, self.steps = text, 0

    def search(self, piece: Piece) -> None:
        for start in range(len(self.text) + 1):
            for _ in self.ways(piece, start):
                return

    def ways(self, piece: Piece, at: int) -> Iterator[int]:
        self.steps += 1
        if self.steps > STEPS_ENOUGH:
            raise Steps
        match piece:
            case Letter(spans):
                if at < len(self.text) and any(a <= ord(self.text[at]) <= b for a, b in spans):
                    yield at + 1
            case Edge(end):
                if at == (len(self.text) if end else 0):
                    yield at
            case Sequence(parts):
                yield from self.sequence(parts, at)
            case Choice(branches):
                for branch in branches:
                    yield from self.ways(branch, at)
            case Repeat(part, least, most):
                yield from self.repeat(part, least, most, at)

    def sequence(self, parts: tuple[Piece, ...], at: int) -> Iterator[int]:
        if not parts:
            yield at
            return
        for after in self.ways(parts[0], at):
            yield from self.sequence(parts[1:], after)

    def repeat(self, part: Piece, least: int, most: int | None, at: int) -> Iterator[int]:
        self.steps += 1
        if most is None or most > 0:
            for after in self.ways(part, at):
                if after > at or least > 0:
                    yield from self.repeat(part, max(0, least - 1), None if most is None else most - 1, after)
        if least == 0:
            yield at


@FUZZ
@given(narrow(), st.lists(st.text("ab", max_size=30), max_size=3))
def test_backtracking_takes_no_more_steps_than_was_claimed(pattern: str, texts: list[str]) -> None:
    """Seen failing with quantifiers that share characters with what follows not counted."""
    translated = translate(pattern) if check_syntax(pattern) is None else None
    tree = None if translated is None else parsed(translated)
    if tree is None or choices(tree) is None:
        return
    most = steps_regular(tree, pattern)
    for text in [*texts, "a" * 30, "ab" * 15, "a" * 30 + "!"]:
        counted = Backtracker(text)
        try:
            counted.search(tree)
        except Steps:
            assert most(len(text)) > STEPS_ENOUGH, (pattern, text)
            continue
        assert counted.steps <= 4 * most(len(text)), (pattern, text)  # 4: entries that regress folds into one


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        ("^[A-Z]{2}-[0-9]{4}$", (0, 1)),
        ("^[^@]+@[^@]+\\.[a-z]+$", (1, 1)),
        ("^(foo|bar|baz)$", (0, 3)),
        (".*.*x", (2, 1)),
        ("(a+)+$", None),
        ("(a|ab)*c", None),
        ("(?:a*)*b", None),
    ],
)
def test_what_backtracking_has_to_choose_is_read_off_the_pattern(
    pattern: str, known: tuple[int, int] | None
) -> None:
    translated = translate(pattern)
    assert translated is not None
    assert choices(parsed(translated)) == known


# -- bounded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(a+)+$", "a" * 1_000_000 + "!", False),
        ("(a|aa)+$", "a" * 100_000 + "!", False),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 100_000, False),
        (".*.*.*.*x", "a" * 100_000, False),
        ("(?:(?:a*)+)+$", "ab" * 50_000, True),
        ("a{0,1000}" * 2 + "b", "a" * 5_000, False),
        ("^\\S+@\\S+\\.\\S+$", "@" * 100_000, False),
    ],
)
def test_a_regular_pattern_takes_time_in_proportion_to_the_text(pattern: str, text: str, found: bool) -> None:
    """Each of the first three takes regress longer than the age of the universe. Measured here: 0.05 to 0.4 s each."""
    assert finder(pattern)(text) is found


def test_a_pattern_that_is_not_regular_is_given_up_after_a_second() -> None:
    """Measured: 1.0 s, and 0.1 s more for the next question, which starts a new child."""
    find = finder("(?=(a+)+$)b*")
    assert find("aaa")
    with pytest.raises(Undecided, match="took longer than 1 s"):
        find("a" * 40 + "!")
    assert find("aaa")


def test_an_automaton_with_too_many_places_is_not_made() -> None:
    with pytest.raises(TooLarge):
        Automaton(Repeat(Letter(((97, 97),)), 30_000, 30_000))


def test_a_text_that_is_too_much_work_for_the_automaton_goes_to_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headgate.edge.record.automaton._WORK_MAX", 50)
    find = finder("(a|ab)(c|bcd)(d*)(a+)+$")
    assert find("abcda")
    assert not find("abcdx")
