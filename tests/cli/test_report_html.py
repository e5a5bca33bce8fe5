from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from headgate.cli.evidence import Evidence
from headgate.cli.report_html import report
from headgate.model.names import RuleName
from headgate.model.verdict import Finding, Sample, Verdict

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\x1b[2J\u202e"
VOID = {"meta", "link", "br", "img", "input", "hr"}
OPTIONAL = {"th", "td", "tr", "li"}


def page(*findings: Finding, rows_bad: int = 2) -> str:
    verdict = Verdict("shop", "1.0.0", 1000, rows_bad, 1, findings)
    return report(Evidence(verdict, "orders", ["orders.csv"], AT, "v1"))


def failing(text: str) -> Finding:
    sample = Sample(text, 17, ((text, text), ("id", None)), text, text)
    null = Sample("orders.csv", 18, (), "amount", None)
    return Finding(RuleName(text), "fail", 2, None, text, samples=(sample, null))


class Reader(HTMLParser):
    """Tags, attributes and text of a page; every tag must be closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in OPTIONAL:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = read(page(failing("amount.minimum")))
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    assert not found.attributes & {"src", "href", "onclick", "onload"}
    text = page()
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_what_comes_from_data_stays_text() -> None:
    """Seen failing with `_text` returning its text as it is."""
    found = read(page(failing(EVIL)))
    assert "script" not in found.tags
    places = 7  # rule, message, object, key and its value, column, value
    assert found.text.count("<script>alert(1)</script>") == places
    assert "\x1b" not in found.text and "\u202e" not in found.text


def test_failures_stand_first_with_counts_and_samples() -> None:
    text = page(
        Finding(RuleName("id.unique"), "pass", 0, None, "id must be unique"),
        failing("amount.minimum"),
        Finding(RuleName("sla"), "info", message="delivered daily"),
    )
    assert text.index("amount.minimum") < text.index("id.unique")
    shown = read(text).text
    for part in ("1,000", "998", "orders: failed", "2 rows", "shop 1.0.0", "2026-11-21 12:30 UTC", "null"):
        assert part in shown


def test_a_clean_verdict_says_passed() -> None:
    text = page(Finding(RuleName("id.unique"), "pass", 0), rows_bad=0)
    assert "What to look at" not in text
    assert "✓ passed" in text
