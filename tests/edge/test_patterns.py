from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.edge.child import Child, ChildDied, ChildLate
from headgate.edge.patterns import PATTERN_LENGTH_MAX, check_syntax, matches, translate
from headgate.model.errors import ContractUnusable

LETTERS = "abzAZ019_- .,\n\r\t\v\0\u00a0\u00e9\u017f\u212a\u0660\u2028\ufeff\u4e2d\U0001f600"
SUBJECTS = (
    ["", "a", "ab", "abc", "aab", "b\n", "\na", "a\nb", "\r\n", "2024-01-31", "a.b", "a]b", "a\\b", "x" * 40]
    + list(LETTERS)
    + [f"a{letter}" for letter in LETTERS]
    + [f"{letter}b" for letter in LETTERS]
    + [f"1{letter}\n" for letter in LETTERS]
)

# -- a grammar of valid patterns, nearly all of them of the regular subset ----------------------------------

_literals = st.sampled_from(
    [
        "a",
        "b",
        "z",
        "A",
        "1",
        "0",
        "_",
        "-",
        " ",
        "\n",
        "\u00e9",
        "\u4e2d",
        "\U0001f600",
        ",",
        "=",
        "&",
        "~",
        "#",
        "'",
    ]
)
_escapes = st.sampled_from(
    [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\t", r"\n", r"\r", r"\v", r"\f", r"\0", r"\x61", r"\u0062",
     r"\u{1F600}", r"\ud83d\ude00", r"\cJ", r"\.", r"\\", r"\/", r"\[", r"\]", r"\{", r"\}", r"\(", r"\)", r"\|",
     r"\^", r"\$", r"\*", r"\+", r"\?"]
)  # fmt: skip
_members = st.one_of(
    st.sampled_from(
        ["a", "b", "1", "_", " ", ".", "$", "|", "(", "*", "&&", "~~", "[", "#", "\u00e9", "\U0001f600"]
    ),
    st.sampled_from(
        ["a-z", "0-9", "A-Z", "!-~", "\\0-\\x1f", "\u00e9-\u4e2d", r"\u{10000}-\u{10ffff}", r"\ud7ff-\ue000"]
    ),
    st.sampled_from([r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\-", r"\]", r"\^", r"\n"]),
)
_classes = st.builds(
    lambda sign, members, dash: f"[{sign}{''.join(members)}{dash}]",
    st.sampled_from(["", "^"]), st.lists(_members, max_size=4), st.sampled_from(["", "-"]),
)  # fmt: skip
_quantifiers = st.sampled_from(
    ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{0}", "{2,3}?"]
)


def _sequence(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantified = st.builds(str.__add__, atoms, _quantifiers)
    terms = st.one_of(quantified, quantified, quantified, st.sampled_from(["^", "$"]))
    return st.lists(terms, max_size=4).map("".join)


def patterns() -> st.SearchStrategy[str]:
    leaves = st.one_of(_literals, _escapes, _classes, st.just("."))

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        branches = st.lists(_sequence(inner), min_size=1, max_size=3).map("|".join)
        heads = st.sampled_from(["(", "(?:", "(?<n>"])
        return st.builds(lambda head, body: f"{head}{body})", heads, branches)

    atoms = st.recursive(leaves, lambda inner: st.one_of(leaves, grow(inner)), max_leaves=8)
    return st.lists(_sequence(atoms), min_size=1, max_size=2).map("|".join)


class Judge:
    """regress in a child that is started again when it never ends, as with ``(?:(?:a*)+)+$`` on "ab"."""

    def __init__(self) -> None:
        self.child = Child("headgate.edge.pattern_worker")

    def found(self, pattern: str, subjects: Sequence[str]) -> list[bool] | None:
        try:
            answer = self.child.ask(json.dumps([5, pattern, list(subjects)]).encode(), 5)
        except (ChildLate, ChildDied):
            self.child = Child("headgate.edge.pattern_worker")
            return None
        return [byte == 1 for byte in answer]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    with judge.child:
        pass


def by_polars(pattern: str, subjects: Sequence[str]) -> list[bool]:
    return pl.Series(subjects, dtype=pl.String).str.contains(pattern, literal=False, strict=True).to_list()


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def by_duckdb(connection: duckdb.DuckDBPyConnection, pattern: str, subjects: Sequence[str]) -> list[bool]:
    # As a literal, the way rules are rendered: DuckDB turns some constant patterns into LIKE.
    literal = pattern.replace("'", "''")
    query = f"SELECT list_transform(?::VARCHAR[], lambda s: regexp_matches(s, '{literal}'))"
    (found,) = connection.execute(query, [list(subjects)]).fetchone() or ([],)
    return list(found)


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
    ],
)
@given(patterns(), st.lists(st.text(LETTERS, max_size=8), max_size=8))
def test_a_translated_pattern_finds_the_same_in_polars_and_duckdb_as_the_standard_says(
    connection: duckdb.DuckDBPyConnection, judge: Judge, pattern: str, more: list[str]
) -> None:
    """Seen failing with ``.`` handed on as it is, without the underscore in ``\\w``, with unsorted class ranges."""
    if check_syntax(pattern) is not None:  # a group name twice
        return
    translated = translate(pattern)
    if translated is None:
        return
    subjects = SUBJECTS + more
    expected = judge.found(pattern, subjects)
    if expected is None:
        return
    assert by_polars(translated, subjects) == expected
    assert by_duckdb(connection, translated, subjects) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "", "^$", "a|b", "^a|b$", "a$b", "^(?:)$", "^(|a)+$", "(?:^a)*$", "^[^]$", r"^\d{4}-\d{2}-\d{2}$", r"^.$",
        r"^\s$",
        r"^\S+@\S+\.\S+$", r"^[\w.+-]+$", r"^[\s\S]*$", "^\U0001f600$", r"^\u{1f600}$", r"^\ud83d\ude00$",
        "^.{1,3}$", "^[^a]$",
        r"^[A-Z]{2}\d{2}[A-Z0-9]{1,30}$", "x{40}", "^(?<year>a)b", "a*?b", "(a*)*$", "[&&]", "[a~~b]",
        "^a", "ab", "b$", "^ab$", "a.b", r"a\.b", "%", "_", "a%", "[$]", r"[\b]", r"\cJ", "(?:a{0})b", "a{0}",
    ],
)  # fmt: skip
def test_ordinary_patterns_are_translated_and_agree(
    connection: duckdb.DuckDBPyConnection, judge: Judge, pattern: str
) -> None:
    assert check_syntax(pattern) is None
    translated = translate(pattern)
    assert translated is not None
    subjects = [
        *SUBJECTS,
        "%",
        "a%",
        "me@example.org",
        "DE89370400440532013000",
        "&",
        "~",
        "\b",
        "aaa",
        "abab",
    ]
    expected = judge.found(pattern, subjects)
    assert expected is not None
    assert by_polars(translated, subjects) == expected
    assert by_duckdb(connection, translated, subjects) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=a)b", r"(?!a)b", r"(?<=a)b", r"(?<!a)b", r"(a)\1", r"(?<n>a)\k<n>", r"\bword\b", r"\Ba", r"\p{L}",
        r"\P{Lu}",
        "a{1001}", "(?:a{100}){100}", "[]", r"\ud83d", r"[\ud800-\udfff]", "(?i:a)",
        "(?:" * 150 + "a" + ")" * 150,
        "(?:" + "." * 10 + "){1000}",
    ],
)  # fmt: skip
def test_what_the_engines_cannot_say_is_left_to_regress(pattern: str) -> None:
    assert check_syntax(pattern) is None
    assert translate(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "]", "{", "}", "*", "a**", "a{2,1}", r"\-", r"\_", r"\1", r"\k<n>", r"[a-\d]", "[b-a]",
     r"\u{110000}",
     r"\x1", "(?<n>a)(?<n>b)", "^*", r"\p{Nonsense}", "(?:" * 5000 + ")" * 5000,
     "a" * (PATTERN_LENGTH_MAX + 1),
     "(?P<n>a)", r"\A"],
)  # fmt: skip
def test_a_pattern_that_the_standard_does_not_know_is_told_so(pattern: str) -> None:
    message = check_syntax(pattern)
    assert message


def test_the_largest_patterns_that_are_translated_compile_in_both_engines(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Seen failing (Polars: size limit exceeded) with _SIZE_MAX at ten million."""
    translated = [t for n in range(1, 12) if (t := translate("^" + ".{0,1000}" * n + "$")) is not None]
    assert translated
    for pattern in (translated[-1], translate("a|" * 4_999 + "b"), translate("(?:ab?){1000}" * 3)):
        assert pattern is not None
        assert by_polars(pattern, ["abc"]) == by_duckdb(connection, pattern, ["abc"])


def test_regress_decides_what_is_not_translated() -> None:
    password = r"^(?=.*\d)(?=.*[a-z]).{4,}$"
    assert matches(password, ["abc1", "abcd", "1234", "a1", "x9yz"], 10) == [True, False, False, False, True]
    assert matches(r"^\p{Lu}\p{Ll}+$", ["\u00c9t\u00e9", "ete", ""], 10) == [True, False, False]
    assert matches(r"\bb", [], 10) == []


def test_many_values_go_through_a_child_in_chunks_and_keep_their_order() -> None:
    values = [f"{n} {n if n % 3 else -n}" for n in range(120_000)]
    assert matches(r"^(\d+) \1$", values, 60) == [n % 3 != 0 or n == 0 for n in range(120_000)]


def test_a_pattern_that_never_ends_is_ended() -> None:
    """Seen failing with the timer of `Child.ask` off: only the limit on CPU time ended it, later."""
    began = time.monotonic()
    with pytest.raises(ContractUnusable, match="longer than 0.5 s") as caught:
        matches(r"^(?=(a+)+$)", ["a" * 40 + "b"], 0.5)
    assert time.monotonic() - began < 5
    assert caught.value.hint


def test_a_pattern_on_which_regress_fills_the_memory_is_ended(connection: duckdb.DuckDBPyConnection) -> None:
    """Seen taking all of the machine's memory with the limit in `pattern_worker` off. The engines do better."""
    with pytest.raises(ContractUnusable, match="broke the pattern engine"):
        matches("(?:(?:a*)+)+$", ["ab"], 60)
    translated = translate("(?:(?:a*)+)+$")
    assert translated is not None
    assert by_polars(translated, ["ab"]) == by_duckdb(connection, translated, ["ab"]) == [True]


def test_a_polynomial_pattern_on_a_long_value_is_not_searched_in_this_process() -> None:
    began = time.monotonic()
    with pytest.raises(ContractUnusable):
        matches(r"\b.*.*.*.*.*.*=\b", ["a" * 3_000], 0.5)
    assert time.monotonic() - began < 5


SCRIPT = r"""
from headgate.edge.child import Child, ChildDied, ChildLate
from headgate.edge.patterns import matches
print(matches(r"^(\d+)+ \1$", ["1 1", "1 2"], 30))
"""


def test_it_works_where_main_cannot_be_imported_again(tmp_path: Path) -> None:
    """``python -c``, a script without a guard fed on standard input, and a folder whose json.py is not Python's."""
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    for arguments, fed in (["-c", SCRIPT], None), (["-"], SCRIPT):
        done = subprocess.run(
            [sys.executable, "-P", *arguments], cwd=tmp_path, input=fed, env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout.strip()) == (0, "[True, False]"), done.stderr
