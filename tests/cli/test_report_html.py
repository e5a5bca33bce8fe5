"""The page: safe whatever stands in the data, bounded, readable without scripts, and true."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.terminal import CONTRACT, Ran
from headgate.cli.evidence import Evidence
from headgate.cli.report_html import report
from headgate.cli.report_style import STYLE
from headgate.cli.report_words import percent, whereabouts
from headgate.model.names import RuleName
from headgate.model.profile import Bar, Distribution, Part, Profile, Slice
from headgate.model.verdict import Finding, Sample, Verdict

Run = Callable[..., Ran]
AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
EVIL = '<script>alert(1)</script>\' onload="x" ]]> \x1b[2J\u202e'
VOID = {"meta", "link", "br", "img", "input", "hr", "rect", "line", "wbr"}
BYTES_MAX = 1_000_000


def page(*findings: Finding, rows: int = 1000, rows_bad: int = 2, profile: Profile | None = None) -> str:
    verdict = Verdict("shop", "1.0.0", rows, rows_bad, 1, findings, allowed=frozenset({"allowed"}))
    return report(Evidence(verdict, "orders", ["orders.csv"], AT, "v1", profile=profile))


def failing(text: str, rows: int = 2) -> Finding:
    sample = Sample(text, 17, ((text, text), ("id", None)), text, text)
    null = Sample("orders.csv", 18, (), "amount", None)
    return Finding(
        RuleName(text), "fail", rows, None, text, samples=(sample, null), dimension=text, severity=text
    )


def profile(text: str, slices: tuple[Slice, ...] = (Slice(1, 1000, 2),)) -> Profile:
    bars = (Bar(text, 900, 0), Bar("", 0, 2))
    return Profile(
        1000,
        slices,
        ((text, 3), ("id", 0)),
        (
            Distribution(text, "values", bars, ((text, 7),), about=True),
            Distribution("amount", "numbers", (Bar("0 to 1", 9, 0), Bar("1 and more", 0, 2))),
        ),
        (Part(text, 1, 900, 1), Part("b.csv", 901, 100, 1)),
    )


class Reader(HTMLParser):
    """Tags, attributes and text of a page; every tag must be closed in order, and no id is there twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.within: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\xa0", " ")


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    found = read(page(failing("amount.minimum"), profile=profile("amount")))
    assert not set(found.tags) & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not {a for a in found.attributes if a in {"src", "href", "style"} or a.startswith("on")}
    assert "url(" not in STYLE and "@import" not in STYLE


def test_what_comes_from_data_and_contract_stays_text() -> None:
    """Seen failing with `_text` returning its text as it is."""
    found = read(page(failing(EVIL), profile=profile(EVIL)))
    assert "script" not in found.tags and "onload" not in found.attributes
    assert found.text.count("<script>alert(1)</script>") >= 12
    assert "\x1b" not in found.text and "\u202e" not in found.text


def test_it_answers_the_question_first() -> None:
    shown = read(page(failing("amount.minimum"))).text
    answer = "Can I trust this data?No. 2 of 1,000 rows break the contract (0.2 %)."
    assert answer in shown
    assert shown.index(answer) < shown.index("What is wrong")
    for part in ("99.8 %", "1,000", "shop 1.0.0", "2026-11-21 12:30 UTC", "nothing"):
        assert part in shown


@pytest.mark.parametrize(
    ("findings", "rows", "bad", "said"),
    [
        (
            (Finding(RuleName("a"), "pass", 0),),
            1000,
            0,
            "Yes: all 1,000 rows keep the one promise of the contract.",
        ),
        ((Finding(RuleName("a"), "pass", 0),), 0, 0, "There is nothing to trust: there are no rows in it."),
        (
            (Finding(RuleName("a"), "warn", 3),),
            9,
            0,
            "Yes, with care: no promise is broken, but 1 rule only warns.",
        ),
        ((Finding(RuleName("allowed"), "not_executed"),), 9, 0, "but 1 rule was not checked."),
        ((Finding(RuleName("a"), "not_executed"),), 9, 0, "Nobody knows: 1 rule could not be checked."),
        (
            (Finding(RuleName("a"), "fail", None, "3"),),
            9,
            0,
            "No. Every row is fine by itself, but 1 rule about",
        ),
        ((Finding(RuleName("a.present"), "fail"),), 9, 9, "No. 1 column of the data and of the contract"),
        ((Finding(RuleName("a"), "fail", 1),), 1, 1, "No. its one row breaks the contract (100 %)."),
    ],
)
def test_each_verdict_has_its_sentence(findings: tuple[Finding, ...], rows: int, bad: int, said: str) -> None:
    assert said in read(page(*findings, rows=rows, rows_bad=bad)).text


def test_every_plot_has_words_and_figures() -> None:
    text = page(failing("amount.minimum"), profile=profile("amount"))
    plots = re.findall(r"<svg[^>]*role=img[^>]*><title>([^<]+)</title>", text)
    assert len(plots) == text.count("<svg")
    assert text.count("<summary>The figures</summary>") == 3
    assert text.count("<th ") == len(re.findall(r"<th scope=(?:col|row)\b", text))


def test_light_dark_phone_and_paper_are_thought_of() -> None:
    for word in ("prefers-color-scheme: dark", "@media print", "max-width: 36rem"):
        assert word in STYLE
    assert "width=device-width" in page()


def _luminance(colour: str) -> float:
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_have_the_contrast_that_wcag_asks_for(theme: int) -> None:
    block = re.findall(r":root \{([^}]*)\}", STYLE)[theme]
    colours = dict(re.findall(r"--([a-z-]+):\s*#([0-9a-f]+)", block))
    for back in ("paper", "card"):
        for front, least in (
            ("ink", 7.0),
            ("soft", 4.5),
            ("bad", 4.5),
            ("warn", 4.5),
            ("yes", 4.5),
            ("no", 4.5),
        ):
            one, two = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
            assert (one + 0.05) / (two + 0.05) >= least, (front, back)
    for fill in ("good-fill", "bad-fill"):  # shapes beside the paper
        one, two = sorted((_luminance(colours[fill]), _luminance(colours["paper"])), reverse=True)
        assert (one + 0.05) / (two + 0.05) >= 2


def test_five_thousand_failing_rules_are_a_page_of_bounded_size() -> None:
    sample = Sample("o" * 4000, 17, (("k" * 4000, "1" * 4000),), "c" * 4000, "x" * 4000)
    many = [
        Finding(
            RuleName(f"{'n' * 4000}{i}"),
            "fail",
            7,
            None,
            "m" * 4000,
            samples=(sample,) * 5,
            dimension=f"d{i}",
        )
        for i in range(5_000)
    ]
    text = page(*many, profile=profile("amount" * 4000))
    assert len(text.encode()) < BYTES_MAX
    assert "and 4,775 more" in read(text).text


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (
            {95: 10, 96: 10, 99: 5},
            "All 25 failing rows are between row 951 and row 1,000 (the end of the data)",
        ),
        ({0: 10, 1: 9}, "All 19 failing rows are between row 1 and row 20 (the beginning of the data)"),
        ({40: 10, 41: 10, 90: 1}, "95.2 % of the 21 failing rows are between row 401 and row 420: look"),
        (dict.fromkeys(range(0, 100, 9), 1), "Failing rows occur all over the data, from row 1 on."),
        ({}, "No row fails."),
    ],
)
def test_where_failing_rows_are_is_said_in_a_sentence(bad: dict[int, int], said: str) -> None:
    slices = [Slice(10 * at + 1, 10, bad.get(at, 0)) for at in range(100)]
    assert whereabouts(slices, 1000).startswith(said)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (1, 9999, "less than 0.1 %"),
        (9999, 10000, "over 99.9 %"),
        (9, 9, "100 %"),
        (1, 8, "12.5 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


def test_a_real_check_draws_where_what_and_how_many(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    rows = [f"{i},c{i % 3},{i % 50}.5" for i in range(900)] + [f"{i},c{i % 3},-{i}" for i in range(900, 1000)]
    (tmp_path / "o.csv").write_text("id,customer,amount\n" + "\n".join(rows) + "\n1000,c1,n/a\n")
    assert run("check", "o.csv", "--contract", "c.yaml", "--html", "r.html").code == 1
    shown = read((tmp_path / "r.html").read_text()).text
    assert "No. 101 of 1,001 rows break the contract (10.1 %)." in shown
    assert "All 101 failing rows are between row 892 and row 1,001 (the end of the data)" in shown
    assert "texts that are not of the column's type: n/a (1)" in shown
    assert "None: every one of the 3 columns is filled in every row." in shown


def test_a_file_without_rows_has_a_page(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "o.csv").write_text("id,customer,amount\n")
    assert run("check", "o.csv", "--contract", "c.yaml", "--output", "html=r.html").code == 0
    assert "There is nothing to trust" in read((tmp_path / "r.html").read_text()).text
