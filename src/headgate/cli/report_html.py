"""A verdict as one HTML file for those whose business the data are: no scripts, nothing from elsewhere.

Everything that comes from data or contract goes through `_text`, which escapes it. The page is bounded, however many
rules and rows there are: what it leaves out it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from headgate.cli import report_plots as plots
from headgate.cli.evidence import Evidence
from headgate.cli.findings import counted, failures, how, tally
from headgate.cli.report_style import STYLE
from headgate.cli.report_words import answer, in_words, percent, whereabouts
from headgate.model.profile import Distribution, Profile
from headgate.model.verdict import Finding, Sample

CARDS_MAX = 25
NAMES_MAX = 200
RULES_PLOTTED = 20
FEW_RULES = 8  # shown although no row fails them
NULLS_PLOTTED = 20
PARTS_SHOWN = 20
KEY_COLUMNS_SHOWN = 5
CHARACTERS_MAX = 300  # of one text in the page: samples are cut before, names and messages here
_STATUS = {
    "pass": "holds", "fail": "broken", "error": "cannot be checked", "warn": "warning", "not_executed": "not checked",
    "info": "for information",
}  # fmt: skip


_HOW = {
    "scan": "by reading the rows",
    "lookup": "by looking up keys",
    "statistics": "from the statistics of the files",
    "partial": "from earlier checks of the same files",
}


def report(evidence: Evidence) -> str:
    """The page."""
    title = f"{evidence.name}: {evidence.outcome}"
    body = "\n".join(
        part
        for part in (
            _head(title),
            _heading(evidence),
            _answer(evidence),
            *_wrong(evidence),
            _where(evidence),
            _rules(evidence),
            _kinds(evidence),
            _values(evidence),
            _nulls(evidence),
            _holds(evidence),
            _about(evidence),
        )
        if part
    )
    return f"{body}\n</body></html>\n"


def _head(title: str) -> str:
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>"
    )


def _heading(evidence: Evidence) -> str:
    named = [f"<bdi>{_text(each)}</bdi>" for each in evidence.data[:3]]
    more = f" and {len(evidence.data) - 3:,} more" if len(evidence.data) > 3 else ""
    return (
        f"<header><b><bdi>{_text(evidence.name)}</bdi></b> <span class=soft>checked on "
        f"<time datetime='{evidence.at.isoformat()}'>{evidence.at:%Y-%m-%d %H:%M} UTC</time></span>"
        f"<p class='soft small'>{', '.join(named)}{more}</p></header>"
    )


def _answer(evidence: Evidence) -> str:
    verdict = evidence.verdict
    kind, word, why = answer(evidence)
    good, bad = verdict.rows - verdict.rows_bad, verdict.rows_bad
    about = [f for f in evidence.findings if f.status != "info"]
    kept = sum(f.status == "pass" for f in about)
    numbers = (
        (percent(good, verdict.rows) if verdict.rows else "none", "good rows"),
        (f"{verdict.rows:,}", "rows looked at"),
        (f"{bad:,}", "failing rows"),
        (f"{kept:,} of {len(about):,}", "promises kept"),
    )
    items = "".join(f"<li><b>{number}</b>{said}</li>" for number, said in numbers)
    bar = ""
    if verdict.rows:
        bar = f"<div class=share>{plots.split_bar(good, bad, f'{good:,} good rows, {bad:,} failing rows')}</div>"
    return (
        f"<main><section class='answer {kind}' aria-label='The answer'>"
        f"<span class=question>Can I trust this data?</span>"
        f"<h1><span class=word>{word}</span> {_said(why)}</h1>{bar}<ul class=numbers>{items}</ul></section>"
    )


# -- what is wrong ------------------------------------------------------------------------------------------


def _wrong(evidence: Evidence) -> Iterator[str]:
    order = {"fail": 0, "error": 1, "not_executed": 2, "warn": 3}
    loud = failures(evidence.findings, evidence.verdict.allowed)
    loud = sorted(loud, key=lambda f: (order[f.status], -(f.rows_failed or 0)))
    if not loud:
        return
    head, lead = (
        "What is wrong",
        "Each promise that is not kept, the worst first, with the first rows that break it.",
    )
    if evidence.verdict.passed:
        head, lead = "What to look at", "No promise is broken. Of these somebody wants to be warned."
    yield f"<section><h2>{head}</h2><p class=lead>{lead}</p>"
    yield from (_card(f, evidence) for f in loud[:CARDS_MAX])
    if len(loud) > CARDS_MAX:
        rest = loud[CARDS_MAX : CARDS_MAX + NAMES_MAX]
        left = len(loud) - CARDS_MAX - len(rest)
        names = "".join(f"<li><code>{_text(f.rule)}</code> {_text(f.message)}</li>" for f in rest)
        more = f"<p class=soft>and {left:,} more</p>" if left else ""
        summary = f"<summary>{len(loud) - CARDS_MAX:,} more rules</summary>"
        yield f"<details>{summary}<ul class=small>{names}</ul>{more}</details>"
    yield "</section>"


def _card(finding: Finding, evidence: Evidence) -> str:
    allowed = finding.status == "not_executed" and not evidence.blocks(finding)
    tags = [f"<span class={finding.status}>{_STATUS[finding.status]}{' (allowed)' if allowed else ''}</span>"]
    if finding.rows_failed:
        share = percent(finding.rows_failed, evidence.verdict.rows)
        tags.append(f"<span>{counted(finding.rows_failed, 'row')}, {share}</span>")
    for name, value in (("severity", finding.severity), ("about", finding.dimension)):
        if value:
            tags.append(f"<span>{name} {_text(value)}</span>")
    title, told = in_words(finding, evidence.rules.get(finding.rule))
    told = (*told, *_meanings(finding, evidence))
    place = ""
    if evidence.contract and finding.place:
        place = f", line {evidence.line(finding.place):,} of <bdi>{_text(evidence.contract)}</bdi>"
    examples = _samples(finding.samples) if finding.samples else ""
    return (
        f"<article class=card><h3>{_said(title)}</h3><div class=tags>{''.join(tags)}</div>"
        f"{''.join(f'<p>{_said(each)}</p>' for each in told)}{examples}"
        f"<p class='soft small'>rule <code>{_text(finding.rule)}</code>{place}</p></article>"
    )


def _meanings(finding: Finding, evidence: Evidence) -> Iterator[str]:
    """What the contract says of the columns that a rule is about."""
    for name in evidence.columns(finding)[:KEY_COLUMNS_SHOWN]:
        if meaning := evidence.meanings.get(name):
            yield f"{name}: {meaning}"


def _samples(samples: Sequence[Sample]) -> str:
    keys = list(dict.fromkeys(name for s in samples for name, _ in s.key))[:KEY_COLUMNS_SHOWN]
    column = samples[0].column
    keys = [name for name in keys if name != column]
    files = len({s.object for s in samples}) > 1
    head = "<th scope=col>file</th><th scope=col>row</th>" if files else "<th scope=col>row</th>"
    # The failing column stands first: on a phone the key may be out of sight.
    head += f"<th scope=col class=it><bdi>{_text(samples[0].path)}</bdi></th>" if column else ""
    head += "".join(f"<th scope=col><bdi>{_text(name)}</bdi></th>" for name in keys)
    rows = ""
    for s in samples:
        own = dict(s.key)
        cells = f"<td><bdi>{_text(s.object.rpartition('/')[2])}</bdi></td>" if files else ""
        cells += (
            f"<td>{s.row:,}</td>{_cell(s.value, 'value it', masked=column in s.masked) if column else ''}"
        )
        rows += f"<tr>{cells}{''.join(_cell(own.get(n), masked=n in s.masked) for n in keys)}</tr>"
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _cell(value: str | None, kind: str = "value", *, masked: bool = False) -> str:
    inner = "<em class=soft>nothing</em>" if value is None else f"<bdi>{_text(value)}</bdi>"
    inner = f"<em class=soft>{inner}</em>" if masked and value is not None else inner
    return f"<td class='{kind}'>{inner}</td>"


# -- plots --------------------------------------------------------------------------------------------------

_KEY = "<ul class=key><li><i></i>good rows</li><li><i class=bad></i>failing rows</li></ul>"


def _where(evidence: Evidence) -> str:
    profile = evidence.profile
    if profile is None or not profile.rows or not any(s.bad for s in profile.slices):
        return ""
    worst = max((s for s in profile.slices if s.rows), key=lambda s: s.bad / s.rows)
    plot = plots.positions(profile.slices, "Share of failing rows from the first row to the last")
    rows = "".join(
        f"<tr><th scope=row>{s.first:,}</th><td class=n>{s.rows:,}</td><td class=n>{s.bad:,}</td></tr>"
        for s in profile.slices
        if s.bad
    )
    return (
        "<section><h2>Where in the data</h2>"
        f"<p class=lead>{_said(whereabouts(profile.slices, profile.rows))}</p>"
        f"<div class='card rows'><p class='small soft'>failing share of each stretch of rows; the highest bar is "
        f"{percent(worst.bad, worst.rows)}</p>{plot}"
        f"<div class=axis><span>row 1</span><span>row {profile.rows:,}</span></div>"
        f"{_parts(profile)}{plots.table(('from row', 'rows', 'failing'), rows, 1)}</div></section>"
    )


def _parts(profile: Profile) -> str:
    """Files with failing rows, where there are several files."""
    if len(profile.parts) < 2:
        return ""
    worst = sorted((p for p in profile.parts if p.bad), key=lambda p: -p.bad)
    rows = [
        (f"<bdi>{_text(p.location.rpartition('/')[2])}</bdi>", p.bad, p.rows) for p in worst[:PARTS_SHOWN]
    ]
    more = len(worst) - len(rows)
    left = f"<p class='soft small'>and {counted(more, 'file')} more</p>" if more else ""
    of = f"{len(worst):,} of {len(profile.parts):,} files have failing rows"
    return f"<p class=small>{of}</p>{plots.share_rows(rows, 'b')}{left}"


def _rules(evidence: Evidence) -> str:
    rows = evidence.verdict.rows
    single = [f for f in evidence.findings if f.rows_failed is not None and f.measured is None]
    if not single or not rows:
        return ""
    worst = sorted(single, key=lambda f: -(f.rows_failed or 0))
    failing = sum(bool(f.rows_failed) for f in worst)
    shown = worst[: min(max(failing, FEW_RULES), RULES_PLOTTED)]
    items = ""
    for f in shown:
        bad = min(f.rows_failed or 0, rows)
        bar = plots.split_bar(rows - bad, bad, f"{rows - bad:,} rows pass, {bad:,} fail")
        said = f"{bad:,} fail" if bad else "all pass"
        items += f"<li><span><code>{_name(f.rule)}</code></span>{bar}<b>{said}</b></li>"
    left = len(worst) - len(shown)
    words = "with failing rows, too" if failing > len(shown) else "without a failing row"
    more = f"<p class='soft small'>and {counted(left, 'rule')} {words}</p>" if left > 0 else ""
    have = "has" if failing == 1 else "have"
    lead = f"{failing:,} of {counted(len(worst), 'rule')} about single rows {have} failing rows."
    return (
        f"<section><h2>Rule by rule</h2><p class=lead>{lead}</p><div class=card>{_KEY}"
        f"<ul class=bars>{items}</ul>{more}</div></section>"
    )


def _kinds(evidence: Evidence) -> str:
    """Promises by dimension and severity, if the contract says any."""
    tables = []
    for title in ("dimension", "severity"):
        found = [(getattr(f, title) or "not said", f) for f in evidence.findings if f.status != "info"]
        names = Counter(name for name, _ in found)
        if not found or set(names) == {"not said"}:
            continue
        rows = ""
        for name in sorted(names, key=lambda n: (n == "not said", n))[:NAMES_MAX]:
            mine = [f for n, f in found if n == name]
            kept = sum(f.status == "pass" for f in mine)
            warned = sum(f.status == "warn" for f in mine)
            broken = sum(f.status == "fail" for f in mine)
            counts = (kept, warned, broken, len(mine) - kept - warned - broken)
            cells = "".join(f"<td class=n>{n:,}</td>" for n in counts)
            rows += f"<tr><th scope=row>{_text(name)}</th>{cells}</tr>"
        heads = "".join(f"<th scope=col class=n>{h}</th>" for h in ("kept", "warned", "broken", "not run"))
        tables.append(
            f"<div class=card><div class=scroll><table><thead><tr><th scope=col>{title}</th>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div></div>"
        )
    if not tables:
        return ""
    return f"<section><h2>By kind of promise</h2><div class=grid>{''.join(tables)}</div></section>"


def _values(evidence: Evidence) -> str:
    profile = evidence.profile
    if profile is None:
        return ""
    cards = [_distribution(found) for found in profile.distributions]
    hidden = sorted({
        c
        for f in evidence.findings
        if f.rows_failed
        for c in evidence.columns(f)
        if c in evidence.verdict.masked
    })  # fmt: skip
    if hidden:
        names = ", ".join(f"<code>{_text(c)}</code>" for c in hidden[:NAMES_MAX])
        cards.append(
            f"<div class=card><p class=soft>Not shown, since they are confidential: {names}</p></div>"
        )
    if not cards:
        return ""
    lead = "Values of each column with failing rows. Blue and orange have scales of their own."
    lead = f"<p class=lead>{lead}</p>{_KEY}" if profile.distributions else ""
    return f"<section><h2>Good rows beside failing ones</h2>{lead}<div class=grid>{''.join(cards)}</div></section>"


def _distribution(found: Distribution) -> str:
    notes = []
    if found.unfit:
        listed = ", ".join(f"<bdi class=value>{_text(text)}</bdi> ({n:,})" for text, n in found.unfit)
        notes.append(f"<p class=small>Most frequent texts that are not of the column's type: {listed}</p>")
    if found.about:
        notes.append(
            "<p class='small soft'>There are very many values: counts of single ones may be too low.</p>"
        )
    shape = " (how many characters it has)" if found.shape == "lengths" else ""
    plot = plots.distribution(found, _text) if found.bars else ""
    return f"<article class=card><h3><code>{_text(found.column)}</code>{shape}</h3>{plot}{''.join(notes)}</article>"


def _nulls(evidence: Evidence) -> str:
    profile = evidence.profile
    if profile is None or not profile.rows or not profile.nulls:
        return ""
    lacking = sorted((each for each in profile.nulls if each[1]), key=lambda each: -each[1])
    if not lacking:
        lead = f"None: every one of the {len(profile.nulls):,} columns is filled in every row."
        return f"<section><h2>Missing values</h2><p class=lead>{lead}</p></section>"
    rows = [(f"<code>{_text(name)}</code>", count, profile.rows) for name, count in lacking[:NULLS_PLOTTED]]
    left = len(lacking) - len(rows)
    more = f"<p class='soft small'>and {counted(left, 'column')} more</p>" if left else ""
    have = "has" if len(lacking) == 1 else "have"
    lead = f"{len(lacking):,} of {len(profile.nulls):,} columns {have} rows without a value."
    return (
        f"<section><h2>Missing values</h2><p class=lead>{lead} That is a fault only where the contract says so.</p>"
        f"<div class=card>{plots.share_rows(rows, 'g')}{more}</div></section>"
    )


# -- the rest -----------------------------------------------------------------------------------------------


def _holds(evidence: Evidence) -> str:
    calm = [f for f in evidence.findings if f.status in {"pass", "info"}]
    calm += [f for f in evidence.findings if f.status == "not_executed" and not evidence.blocks(f)]
    if not calm:
        return ""
    rows = "".join(
        f"<tr><th scope=row><code>{_text(f.rule)}</code></th><td>{_STATUS[f.status]}</td>"
        f"<td>{_text(f.message)}</td><td>{_text(f.how)}</td></tr>"
        for f in calm[:NAMES_MAX]
    )
    left = len(calm) - NAMES_MAX
    more = f"<p class='soft small'>and {counted(left, 'rule')} more</p>" if left > 0 else ""
    return (
        f"<section><h2>What holds</h2><details><summary>{counted(len(calm), 'rule')}</summary><div class=scroll><table>"
        "<thead><tr><th scope=col>rule</th><th scope=col></th><th scope=col>what it asks for</th>"
        f"<th scope=col>looked at</th></tr></thead><tbody>{rows}</tbody></table></div>{more}</details></section>"
    )


def _about(evidence: Evidence) -> str:
    verdict = evidence.verdict
    looks = [f"{counted(n, 'rule')} {_HOW[name]}" for name, n in how(evidence.findings).items()]
    told = {
        "Contract": f"{verdict.contract_id} {verdict.contract_version}".strip(),
        "Contract file": evidence.contract or "",
        "Tree": verdict.root or "",
        "Rows": f"{verdict.rows:,}",
        "Files": f"{verdict.files:,}",
        "Rules": tally(verdict.findings),
        "How": ", ".join(looks),
        "Engine": verdict.engine,
        "Verdict": evidence.id,
    }
    rows = "".join(
        f"<tr><th scope=row>{n}</th><td><bdi>{_text(v)}</bdi></td></tr>" for n, v in told.items() if v
    )
    return f"</main><footer><h2>About this report</h2><table>{rows}</table></footer>"


def _said(words: str) -> str:
    """Words of our own around those of data: a number and its percent sign stay on one line."""
    return _text(words).replace(" %", "&nbsp;%")


def _name(rule: str) -> str:
    """A rule's name, which on a phone is broken at its dots."""
    return _text(rule).replace(".", ".<wbr>")


def _text(text: str) -> str:
    """Escaped, and without the control characters that HTML may not hold, nor those that turn text around."""
    if len(text) > CHARACTERS_MAX:
        text = f"{text[:CHARACTERS_MAX]}... [{len(text):,} characters]"
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in escape(text)
    )
