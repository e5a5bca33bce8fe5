"""A verdict as one HTML file: no scripts, nothing from elsewhere, light or dark as the reader's system is.

Everything that comes from data or contract goes through `_text`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from headgate.cli.evidence import Evidence
from headgate.cli.findings import counted, tally
from headgate.model.verdict import Finding, Sample, Verdict

_MARKS = {"pass": "✓", "fail": "✗", "error": "✗", "warn": "!", "not_executed": "?", "info": "i"}
_ORDER = ("error", "fail", "not_executed", "warn", "pass", "info")

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --paper: #fff; --card: #f6f7f9;
  --line: #dfe2e6; --good: #18794e; --bad: #c62a2f; --warn: #915b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #b0b4ba; --paper: #111113;
  --card: #1b1c1f; --line: #363a3f; --good: #4cc38a; --bad: #ff8589; --warn: #ffca16; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.verdict { border-left: .4rem solid var(--good); background: var(--card); padding: 1rem 1.25rem; border-radius: .4rem; }
.verdict.failed { border-color: var(--bad); }
.numbers { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .75rem 0 0; padding: 0; list-style: none; }
.numbers b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: .5rem; margin-top: .75rem; border-radius: .25rem; overflow: hidden;
  background: var(--good); }
.bar i { background: var(--bad); min-width: 3px; }
details, .rule { border-top: 1px solid var(--line); padding: .6rem 0; }
summary { cursor: pointer; }
.name { font-weight: 600; }
.status { display: inline-block; min-width: 7.5rem; font-weight: 600; }
.pass { color: var(--good); } .fail, .error { color: var(--bad); } .warn, .not_executed { color: var(--warn); }
.info { color: var(--soft); }
.scroll { overflow-x: auto; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line);
  min-width: 4rem; }
th { color: var(--soft); font-weight: 500; }
td.value, td.key { font-family: ui-monospace, monospace; white-space: pre-wrap; }
td.row { font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) { .status { min-width: 0; margin-right: .5rem; } }
"""


def report(evidence: Evidence) -> str:
    """The page."""
    verdict, name, data, at = evidence.verdict, evidence.name, evidence.data, evidence.at
    outcome = "passed" if verdict.passed else "failed"
    findings = sorted(verdict.findings, key=lambda f: _ORDER.index(f.status))
    loud = [f for f in findings if f.status not in {"pass", "info"}]
    calm = [f for f in findings if f.status in {"pass", "info"}]
    parts = [
        _head(f"{name}: {outcome}"),
        f"<header><h1>{_text(name)}</h1>",
        f"<p class=soft>{_text(', '.join(data))}</p></header>",
        _summary(verdict, outcome),
    ]
    if loud:
        parts += ["<h2>What to look at</h2>", *(_finding(f, verdict) for f in loud)]
    if calm:
        parts += ["<h2>What holds</h2>", *(_finding(f, verdict) for f in calm)]
    contract = f"{verdict.contract_id} {verdict.contract_version}".strip()
    parts.append(
        f"<footer><h2>About</h2><p class=soft>Contract {_text(contract)}; checked by Headgate on "
        f"<time datetime='{at.isoformat()}'>{at:%Y-%m-%d %H:%M} UTC</time>.</p></footer></body></html>"
    )
    return "\n".join(parts)


def _head(title: str) -> str:
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
    )


def _summary(verdict: Verdict, outcome: str) -> str:
    good, bad = verdict.rows - verdict.rows_bad, verdict.rows_bad
    share = 100 * bad / verdict.rows if verdict.rows else 0.0
    bar = f"<div class=bar aria-hidden=true><i style='flex:0 0 {share:.3f}%'></i></div>" if bad else ""
    mark = "✓" if outcome == "passed" else "✗"
    kind = "pass" if outcome == "passed" else "fail"
    return (
        f"<section class='verdict {outcome}'><p class='name {kind}'>{mark} {outcome}</p>"
        f"<ul class=numbers><li><b>{verdict.rows:,}</b>rows</li><li><b>{good:,}</b>good</li>"
        f"<li><b>{bad:,}</b>bad</li><li><b>{len(verdict.findings):,}</b>rules</li></ul>{bar}"
        f"<p class=soft>{_text(tally(verdict.findings))}</p></section>"
    )


def _finding(finding: Finding, verdict: Verdict) -> str:
    allowed = " (allowed)" if finding.status == "not_executed" and finding.rule in verdict.allowed else ""
    status = f"{_MARKS[finding.status]} {finding.status.replace('_', ' ')}{allowed}"
    rows = f" <span class=soft>{counted(finding.rows_failed, 'row')}</span>" if finding.rows_failed else ""
    line = f"<span class='status {finding.status}'>{status}</span> <span class=name>{_text(finding.rule)}</span>{rows}"
    more = f"<p>{_text(finding.message)}</p>" if finding.message else ""
    if finding.samples:
        more += _samples(finding.samples)
    if not more:
        return f"<div class=rule>{line}</div>"
    opened = " open" if finding.status in {"fail", "error"} else ""
    return f"<details{opened}><summary>{line}</summary>{more}</details>"


def _samples(samples: Sequence[Sample]) -> str:
    rows = "".join(
        f"<tr><td>{_text(s.object)}</td><td class=row>{s.row:,}</td>"
        f"<td class=key>{_text(', '.join(f'{k}={_raw(v)}' for k, v in s.key))}</td>"
        f"<td>{_text(s.column)}</td><td class=value>{_value(s.value)}</td></tr>"
        for s in samples
    )
    return (
        "<div class=scroll><table><thead><tr><th>object<th>row<th>key<th>column<th>value</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _value(value: str | None) -> str:
    return "<em class=soft>null</em>" if value is None else _text(value)


def _raw(value: str | None) -> str:
    return "null" if value is None else value


def _text(text: str) -> str:
    """Escaped, and without the control characters that HTML may not hold, nor those that turn text around."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in escape(text)
    )
