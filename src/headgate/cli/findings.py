"""Rules that failed, for people: the rule, how many rows, and the first of them as they came."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from headgate.cli.screen import Screen, harmless, painted, say
from headgate.model.masking import shown
from headgate.model.verdict import Finding, Sample, Verdict

SAMPLES_SHOWN = 3
VALUE_SHOWN = 60
RULES_SHOWN = 20


def failures(findings: Sequence[Finding], allowed: frozenset[str] = frozenset()) -> list[Finding]:
    """What a person should look at, worst first: everything but passes, told texts and what was allowed."""
    order = {"error": 0, "fail": 1, "not_executed": 2, "warn": 3}
    absent = {
        f.rule.removesuffix(".present")
        for f in findings
        if f.rule.endswith(".present") and f.status == "fail"
    }
    # That a column is absent is said once, and not again for each of its rules.
    silent = {f"the column {column} is absent" for column in absent}
    shown = [
        f
        for f in findings
        if f.status in order
        and not _allowed(f, allowed)
        and not (f.status == "not_executed" and f.message in silent)
    ]
    return sorted(shown, key=lambda f: order[f.status])


def _allowed(finding: Finding, allowed: frozenset[str]) -> bool:
    return finding.status == "not_executed" and finding.rule in allowed


def show_failures(
    screen: Screen,
    findings: Sequence[Finding],
    allowed: frozenset[str] = frozenset(),
    limit: int = RULES_SHOWN,
    *,
    unmasked: bool = False,
) -> None:
    """Each rule that failed, with its first rows: masked, unless ``unmasked``."""
    loud = failures(findings, allowed)
    for finding in loud[:limit]:
        _show(screen, finding, unmasked=unmasked)
    if len(loud) > limit:
        say(f"... and {len(loud) - limit} more rules; --json lists all")


def _show(screen: Screen, finding: Finding, *, unmasked: bool) -> None:
    said = finding.message[:1].isdigit()  # the message counts them itself
    rows = f"  {counted(finding.rows_failed, 'row')}" if finding.rows_failed and not said else ""
    name = painted(screen, harmless(finding.rule), "bold")
    severity = f"  severity {harmless(finding.severity)}" if finding.severity else ""
    say(f"{painted(screen, finding.status)}  {name}{rows}{severity}")
    if finding.message:
        for line in textwrap.wrap(harmless(finding.message), max(40, screen.width - 7)):
            say(f"      {line}")
    for sample in finding.samples[:SAMPLES_SHOWN]:
        say(f"      {sample_text(shown(sample, unmasked=unmasked))}")
    left = (finding.rows_failed or 0) - min(SAMPLES_SHOWN, len(finding.samples))
    if finding.samples and left > 0:
        say(f"      ... and {left:,} more")


def sample_text(sample: Sample) -> str:
    """``row 3 of a.csv  id="7"  amount: "x"``; the sample as people are shown it."""

    def told(column: str, value: str | None, limit: int = VALUE_SHOWN) -> str:
        # A mask stands without quotes: it is not what was in the data.
        return value if value is not None and column in sample.masked else _value(value, limit)

    key = ", ".join(f"{harmless(name)}={told(name, value, 30)}" for name, value in sample.key)
    # A key that is the failing column itself would be said twice.
    key = "" if [name for name, _ in sample.key] == [sample.column] else key
    what = f"{harmless(sample.path)}: {told(sample.column, sample.value)}" if sample.column else ""
    where = f"row {sample.row} of {harmless(_short(sample.object))}" if sample.object else f"row {sample.row}"
    return "  ".join(part for part in (where, key, what) if part)


def _value(value: str | None, limit: int = VALUE_SHOWN) -> str:
    if value is None:
        return "null"
    text = harmless(value)
    return f'"{text[: limit - 3]}..."' if len(text) > limit else f'"{text}"'


def _short(location: str) -> str:
    return location.rpartition("/")[2] or location


def tally(findings: Sequence[Finding]) -> str:
    """``14 rules passed, 1 failed, 1 not executed``."""
    words = {
        "pass": "passed", "fail": "failed", "error": "in error", "warn": "with warnings",
        "not_executed": "not executed", "info": "for information",
    }  # fmt: skip
    found = Counter[str](f.status for f in findings)
    parts = [f"{found[status]} {word}" for status, word in words.items() if found[status]]
    if not parts:
        return "no rules"
    first, _, rest = parts[0].partition(" ")
    noun = "rule" if first == "1" else "rules"
    return ", ".join([f"{first} {noun} {rest}", *parts[1:]])


def how(findings: Sequence[Finding]) -> dict[str, int]:
    """How many rules were judged by each kind of look at the data: `Finding.how`, ``none`` left out."""
    found = Counter[str](f.how for f in findings)
    return {name: found[name] for name in ("scan", "lookup", "statistics", "partial") if found[name]}


def looked_at(verdict: Verdict) -> str:
    """``3 files of tree 3f2a9c1d0b7e with polars: 5 rules by scan, 2 by statistics``."""
    tree = f" of tree {verdict.root[:12]}" if verdict.root else ""
    engine = f" with {verdict.engine}" if verdict.engine else ""
    rules = [f"{n:,} by {name}" for name, n in how(verdict.findings).items()]
    if rules:
        first, _, rest = rules[0].partition(" ")
        rules[0] = f"{first} {'rule' if first == '1' else 'rules'} {rest}"
    told = f": {', '.join(rules)}" if rules else ""
    return f"{counted(verdict.files, 'file')}{tree}{engine}{told}"


def counted(number: int | None, noun: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{number or 0:,} {noun}{'' if number == 1 else 's'}"
