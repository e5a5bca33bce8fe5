"""A verdict in sentences for those whose business the data are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from headgate.checks.evidence import reason
from headgate.cli.evidence import Evidence
from headgate.cli.findings import counted
from headgate.model.profile import Slice
from headgate.model.rule import Age, Bound, Inside, Matches, Measured, Rule
from headgate.model.verdict import Finding

MOST = 0.8  # of the failing rows: where these are together, it is told
TOGETHER = 0.3  # of all rows


def answer(evidence: Evidence) -> tuple[str, str, str]:
    """Can I trust this data? ``yes``, ``no`` or ``care``; the word; and why, in one sentence."""
    verdict = evidence.verdict
    fails = [f for f in evidence.findings if f.status == "fail"]
    unknown = [f for f in evidence.findings if f.status in {"error", "not_executed"} and evidence.blocks(f)]
    if not verdict.passed:
        if fails:
            return "no", "No.", _broken(evidence, fails)
        return "no", "Nobody knows:", f"{counted(len(unknown), 'rule')} could not be checked."
    promises = sum(f.status == "pass" for f in evidence.findings)
    every = f"all {verdict.rows:,} rows keep" if verdict.rows > 1 else "its one row keeps"
    kept = f"{every} {_all_of(promises)} of the contract." if verdict.rows else "there are no rows in it."
    warned = sum(f.status == "warn" for f in evidence.findings)
    unseen = sum(f.status == "not_executed" for f in evidence.findings)
    if not verdict.rows:
        return "care", "There is nothing to trust:", kept
    if warned or unseen:
        said = [f"{counted(warned, 'rule')} only {'warns' if warned == 1 else 'warn'}"] if warned else []
        said += (
            [f"{counted(unseen, 'rule')} {'was' if unseen == 1 else 'were'} not checked"] if unseen else []
        )
        return "care", "Yes, with care:", f"no promise is broken, but {' and '.join(said)}."
    return "yes", "Yes:", kept


def _all_of(promises: int) -> str:
    return f"all {promises:,} promises" if promises > 1 else "the one promise" if promises else "the promises"


def _broken(evidence: Evidence, fails: Sequence[Finding]) -> str:
    verdict = evidence.verdict
    structure = [f for f in fails if f.rule.endswith((".present", ".undeclared"))]
    if structure:
        return f"{counted(len(structure), 'column')} of the data and of the contract are not the same."
    if not verdict.rows_bad:
        return f"Every row is fine by itself, but {counted(len(fails), 'rule')} about the whole is broken."
    bad, rows = verdict.rows_bad, verdict.rows
    share = f"{bad:,} of {rows:,} rows break" if rows > 1 else "its one row breaks"
    whole = sum(f.measured is not None or f.rows_failed is None for f in fails)
    too = (
        f" {counted(whole, 'rule')} about the whole {'is' if whole == 1 else 'are'} broken, too."
        if whole
        else ""
    )
    return f"{share} the contract ({percent(bad, rows)}).{too}"


def in_words(finding: Finding, rule: Rule | None) -> tuple[str, tuple[str, ...]]:
    """A title for what a finding says, and the sentences that there are to add."""
    description = rule.description if rule is not None else ""
    if finding.status in {"error", "not_executed"}:
        return f"{description.rstrip('.') or finding.rule} could not be checked", (
            _sentence(finding.message),
        )
    if rule is None and finding.rule.endswith(
        (".present", ".undeclared")
    ):  # structure: what, and the way out
        said, _, way = finding.message.partition("; ")
        return _sentence(said).removesuffix("."), (_sentence(way),) if way else ()
    said, note = _parted(reason(finding), rule)
    if rule is not None and (pattern := _pattern(rule.body)) and said.endswith(f" must match {pattern}"):
        said = f"{said.removesuffix(f' must match {pattern}')} is not of the form that it must have"
        description = f"{description} The form, as a pattern: {pattern}".strip()
    notes = (_sentence(note),) if note else ()
    if rule is None or not isinstance(rule.body, Measured) or finding.measured is None:
        return said or finding.rule, (*((description,) if description else ()), *notes)
    body = rule.body
    name = description.rstrip(".") or finding.rule
    if isinstance(body.measure, Age):
        return name, (_sentence(said), *notes)
    allowed = f"It {_allowed(body.bound)}."
    if finding.status == "warn" and body.warn is not None and not rule.waiver:
        notes = (f"Here is a warning, since it should {_allowed(body.warn).removeprefix('must ')}.",)
    if body.by:
        return name, (_sentence(said), allowed, *notes)
    return f"{name}: {_number(finding.measured)}", (allowed, *notes)


_NOTE = re.compile(r"; (waived until |its waiver expired on |more than the )")


def _parted(message: str, rule: Rule | None) -> tuple[str, str]:
    """What a finding says of the data; and of a waiver, if it does."""
    body = rule.body if rule is not None else None
    if isinstance(body, Measured) and f", {body.bound}" in message:
        said, _, note = message.partition(f", {body.bound}")
        return said, note.removeprefix("; ")
    if rule is not None and rule.waiver is not None and (found := _NOTE.search(message)):
        return message[: found.start()], message[found.start() + 2 :]
    return message, ""


def _pattern(body: object) -> str:
    """The regular expression that a rule asks for, if that is all it asks for."""
    inner = body.predicate if isinstance(body, Inside) else body
    return inner.pattern if isinstance(inner, Matches) else ""


def _sentence(text: str) -> str:
    """With a capital, and a full stop."""
    if not text:
        return text
    return f"{text[0].upper()}{text[1:]}" + ("" if text[-1] in ".!?" else ".")


def _allowed(bound: Bound) -> str:
    unit = " %" if bound.percent else ""
    first, last = (f"{_number(str(v))}{unit}" for v in (bound.values[0], bound.values[-1]))
    words = {
        "mustBe": f"be {first}",
        "mustNotBe": f"not be {first}",
        "mustBeGreaterThan": f"be more than {first}",
        "mustBeGreaterOrEqualTo": f"be at least {first}",
        "mustBeLessThan": f"be less than {first}",
        "mustBeLessOrEqualTo": f"be at most {first}",
        "mustBeBetween": f"be from {first} to {last}",
        "mustNotBeBetween": f"not be from {first} to {last}",
    }
    said = f"must {words[bound.operator]}"
    about = str(bound).partition(" (")[2]  # the tolerance
    return f"{said} ({about}" if about else said


def _number(text: str) -> str:
    """``27,004``, ``0.57 %``; what is no number, as it is."""
    number, share = text.removesuffix("%"), text.endswith("%")
    try:
        found = Decimal(number)
    except InvalidOperation:
        return text
    if not found.is_finite():
        return text
    if abs(found) >= Decimal("0.1"):
        found = round(found, 2).normalize()
    return f"{found:,f}{' %' if share else ''}"


def percent(part: int, whole: int) -> str:
    """``8.7 %``; never 0 % of something, nor 100 % of nearly everything."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "less than 0.1 %"
    if 99.9 < share < 100:
        return "over 99.9 %"
    return f"{share:.0f} %" if share in {0, 100} else f"{share:.1f} %"


def whereabouts(slices: Sequence[Slice], rows: int) -> str:
    """Where in the data the failing rows are, in one sentence."""
    total = sum(s.bad for s in slices)
    if not total:
        return "No row fails."
    for wanted in (total, MOST * total):
        low, high = _densest(slices, wanted)
        last = slices[high].first - 1 if high < len(slices) else rows
        if last - slices[low].first < TOGETHER * rows and len(slices) >= 10:
            break
    else:
        return f"Failing rows occur all over the data, from row {_first(slices):,} on."
    inside = sum(s.bad for s in slices[low:high])
    share = "All" if inside == total else f"{percent(inside, total)} of the"
    where = f"between row {slices[low].first:,} and row {last:,}"
    at = " (the end of the data)" if last == rows else " (the beginning of the data)" if not low else ""
    return f"{share} {total:,} failing rows are {where}{at}: look at what was different there."


def _first(slices: Sequence[Slice]) -> int:
    return next(s.first for s in slices if s.bad)


def _densest(slices: Sequence[Slice], wanted: float) -> tuple[int, int]:
    """The shortest run of slices that holds ``wanted`` failing rows; it grows over neighbours that have any."""
    best = (0, len(slices))
    low = inside = 0
    for high, each in enumerate(slices, 1):
        inside += each.bad
        while inside - slices[low].bad >= wanted:
            inside -= slices[low].bad
            low += 1
        if inside >= wanted and high - low < best[1] - best[0]:
            best = (low, high)
    low, high = best
    while low and slices[low - 1].bad:
        low -= 1
    while high < len(slices) and slices[high].bad:
        high += 1
    return low, high
