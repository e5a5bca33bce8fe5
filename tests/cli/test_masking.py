"""Values of confidential columns: shown nowhere, kept where a replay needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal import Ran
from headgate.cli.outputs import FORMATS
from headgate.model.masking import CHARACTERS_MAX, cut, mask, shown_raw

Run = Callable[..., Ran]
SECRETS = ("ann@example.org", "7171-key")
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: string, primaryKey: true, classification: restricted}
      - {name: email, logicalType: string, classification: PII, logicalTypeOptions: {maxLength: 9}}
      - {name: age, logicalType: integer}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", "[masked, empty]"),
        ("x", "[masked, 1 character]"),
        ("ann@example.org", "[masked, 15 characters]"),
        ("-12", "[masked, a whole number of 3 characters]"),
        ("1.5", "[masked, a number]"),
        ("2026-01-02", "[masked, a date]"),
        ("2026-01-02T03:04:05Z", "[masked, a timestamp]"),
        ("False", "[masked, true or false]"),
        ("x" * 5000, "[masked, 5,000 characters]"),
        (cut("x" * 5000), "[masked, 5,000 characters]"),
    ],
)
def test_a_mask_tells_kind_and_length(text: str | None, expected: str | None) -> None:
    assert mask(text) == expected


@given(st.text(min_size=6))
def test_a_mask_holds_nothing_of_the_value(text: str) -> None:
    assert text not in str(mask(text)) or text in "[masked, a whole number of characters]"


@given(st.text(max_size=3 * CHARACTERS_MAX))
def test_a_cut_text_is_bounded_and_cut_once(text: str) -> None:
    assert len(cut(text)) <= CHARACTERS_MAX + 40
    assert cut(cut(text)) == cut(text)


def test_columns_that_nobody_declared_are_masked_with_the_confidential_ones() -> None:
    raw = '{"id":"1","e-mail":"a@b.c","age":null}'
    shown = json.loads(shown_raw(raw, {"email"}, {"id", "email", "age"}))
    assert shown == {"id": "1", "e-mail": "[masked, 5 characters]", "age": None}
    assert shown_raw(raw, (), ()) == raw


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "people.yaml").write_text(CONTRACT)
    (tmp_path / "people.csv").write_text("id,email,age\n7171-key,ann@example.org,x\n2,b,3\n")
    return run


def told(done: Ran) -> str:
    assert "masked" in done.out
    return done.out + done.err


@pytest.mark.parametrize("how", [(), ("--json",), *(("--output", f) for f in FORMATS if f != "oors")])
def test_no_output_of_a_check_shows_a_confidential_value(files: Run, how: tuple[str, ...]) -> None:
    """Seen failing, each, with `mask` returning its text as it is."""
    said = told(files("check", "people.csv", "--contract", "people.yaml", *how))
    assert not [s for s in SECRETS if s in said]
    seen = files("check", "people.csv", "--contract", "people.yaml", *how, "--unmasked").out
    assert [s for s in SECRETS if s in seen] == list(SECRETS)


def test_nothing_in_a_confidential_column_is_called_null_and_not_masked(files: Run, tmp_path: Path) -> None:
    """Seen to say ``None``, which is Python's word for it."""
    (tmp_path / "people.csv").write_text("id,email,age\n7171-key,a,1\n,b,3\n")
    seen = files("check", "people.csv", "--contract", "people.yaml").out
    assert "id: null" in seen
    assert "None" not in seen


def test_oors_has_no_values_at_all(files: Run) -> None:
    said = files("check", "people.csv", "--contract", "people.yaml", "--output", "oors", "--unmasked").out
    assert not [s for s in SECRETS if s in said]


def test_quarantine_keeps_what_it_does_not_show(files: Run) -> None:
    files("init")
    load = files("load", "people", "people.csv", "--contract", "people.yaml")
    assert not [s for s in SECRETS if s in told(load)]
    for words in ((), ("--json",)):
        shown = files(
            "quarantine",
            "show",
            files("quarantine", "list", "--json").document["quarantines"][0]["quarantine"],
            *words,
        )
        assert not [s for s in SECRETS if s in told(shown)]
    run = files("sql", "SELECT run FROM headgate.runs", "--json").document["rows"][0][0]
    for what in (
        ("show", run),
        ("show", run, "--json"),
        ("show", run, "--output", "html"),
        ("events", "--json"),
    ):
        said = files(*what).out
        assert not [s for s in SECRETS if s in said]
    open_ = files("quarantine", "show", run, "--unmasked").out
    assert all(s in open_ for s in SECRETS)
    raw = files("sql", "SELECT raw FROM headgate.quarantine", "--json").out
    assert all(s in raw for s in SECRETS)
    again = files("quarantine", "replay", run)
    assert not [s for s in SECRETS if s in told(again)]


def test_files_of_rows_are_data_and_are_not_masked(files: Run, tmp_path: Path) -> None:
    files("check", "people.csv", "--contract", "people.yaml", "--bad", "bad.jsonl")
    assert all(s in (tmp_path / "bad.jsonl").read_text() for s in SECRETS)


def test_a_long_value_is_cut_and_its_length_said(files: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(f"id,email,age\n1,a,{'9' * 5000}x\n")
    done = files("check", "people.csv", "--contract", "people.yaml", "--json").document
    [row] = done["failing_rows"]
    assert row["value"] == "9" * 200 + "... [5,001 characters]"
    assert (row["rule"], row["reason"], row["key"]) == (
        "age.type",
        "age must be an integer",
        {"id": "[masked, a whole number of 1 character]"},
    )


QUALITY = """\
    quality:
      - name: each
        metric: rowCount
        mustBeGreaterThan: 1
        customProperties: [{vendor: headgate, property: segmentBy, value: [email]}]
      - {name: cast, type: sql, query: "SELECT sum(CAST(email AS INTEGER)) FROM {object}", mustBe: 1}
      - {name: parsed, type: sql, query: "SELECT count(strptime(email, '%Y')) FROM {object}", mustBe: 1}
      - {name: typo, type: sql, query: "SELECT sum(emial) FROM {object}", mustBe: 1}
"""


@pytest.mark.parametrize("format", [*FORMATS, "terminal"])
def test_neither_segments_nor_failing_queries_tell_confidential_values(
    run: Run, tmp_path: Path, format: str
) -> None:
    """Seen failing: both stood in messages, which nothing masked."""
    (tmp_path / "c.yaml").write_text(CONTRACT + QUALITY)
    (tmp_path / "p.csv").write_text(f"id,email,age\n1,{SECRETS[0]},3\n2,{SECRETS[1]},4\n")
    words = [] if format == "terminal" else ["--output", format]
    done = run("check", "p.csv", "--contract", "c.yaml", *words)
    assert done.code == 1
    assert not [s for s in SECRETS if s in done.out]
    if format in {"json", "terminal"}:
        said = " ".join(done.out.split())
        assert "rows by email: [masked, " in said
        assert "Conversion Error; its words may hold values of confidential columns" in said
        assert "emial" in said  # what is wrong with the query itself is told
