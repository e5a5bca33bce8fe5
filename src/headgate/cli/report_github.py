"""A verdict as workflow commands of GitHub Actions: annotations at the lines of the contract.

GitHub shows ten errors and ten warnings of a step, and drops the rest in silence: what is more is counted in the
closing notice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from headgate.cli.evidence import Evidence, relative
from headgate.cli.findings import counted, failures, looked_at, sample_text, tally
from headgate.cli.screen import harmless
from headgate.model.verdict import Finding

ANNOTATIONS_MAX = 10  # of each kind, in one step
SAMPLES_SHOWN = 3


def report(evidence: Evidence) -> str:
    """Lines for the step's output, ASCII."""
    return "".join(f"{line}\n" for line in _lines(evidence))


def _lines(evidence: Evidence) -> Iterator[str]:
    loud = failures(evidence.findings, evidence.verdict.allowed)
    left = 0
    for kind, blocking in (("error", True), ("warning", False)):
        found = [f for f in loud if evidence.blocks(f) is blocking]
        left += max(0, len(found) - ANNOTATIONS_MAX)
        for finding in found[:ANNOTATIONS_MAX]:
            yield _annotation(kind, finding, evidence)
    verdict = evidence.verdict
    more = f"; {counted(left, 'rule')} more than GitHub shows, see the other outputs" if left else ""
    contract = f"{verdict.contract_id} {verdict.contract_version}".strip()
    said = (
        f"{evidence.outcome}: {counted(verdict.rows, 'row')}, {verdict.rows_bad:,} bad; "
        f"{tally(verdict.findings)} ({contract}); looked at {looked_at(verdict)}{more}"
    )
    yield f"::notice title={_property(f'headgate: {evidence.name}')}::{_data(said)}"


def _annotation(kind: str, finding: Finding, evidence: Evidence) -> str:
    lines = [finding.message or finding.status.replace("_", " ")]
    lines += [sample_text(sample) for sample in finding.samples[:SAMPLES_SHOWN]]
    where = {"title": f"{evidence.name}: {finding.rule}"}
    if evidence.contract:
        file = relative(evidence.contract, os.environ.get("GITHUB_WORKSPACE"))
        where = {"file": file, "line": str(evidence.line(finding.place)), **where}
    told = ",".join(f"{name}={_property(value)}" for name, value in where.items())
    return f"::{kind} {told}::" + "%0A".join(_data(line) for line in lines)


def _data(text: str) -> str:
    """A command's message. Line ends are escapes of `harmless` by now: nothing in data can begin a command."""
    return harmless(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
