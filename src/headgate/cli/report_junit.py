"""A verdict as JUnit XML, in the strict form (Windy Road's schema, that of Ant): every CI system reads it.

One test suite for the schema object, one test case for each rule. What fails the verdict is a failure (rules that
could not be judged: an error); what was told only, or is allowed, is skipped; a warning passes, and is written in
the suite's output.
"""

from __future__ import annotations

from html import escape

from headgate.cli.evidence import Evidence
from headgate.cli.findings import how, sample_text
from headgate.cli.screen import harmless
from headgate.model.verdict import Finding


def report(evidence: Evidence) -> str:
    """The whole file, ASCII."""
    cases = [_case(f, evidence) for f in evidence.findings]
    kinds = [_kind(f, evidence) for f in evidence.findings]
    verdict = evidence.verdict
    properties = {
        "outcome": evidence.outcome,
        "contract": verdict.contract_id,
        "contract_version": verdict.contract_version,
        "contract_file": evidence.contract or "",
        "root": verdict.root or "",
        "rows": str(verdict.rows),
        "rows_bad": str(verdict.rows_bad),
        "files": str(verdict.files),
        "engine": verdict.engine,
        "how": ", ".join(f"{n} by {name}" for name, n in how(verdict.findings).items()),
        "data": ", ".join(evidence.data),
    }
    suite = {
        "name": evidence.name,
        "package": verdict.contract_id or "headgate",
        "id": "0",
        "timestamp": f"{evidence.at:%Y-%m-%dT%H:%M:%S}",
        "hostname": "localhost",
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{evidence.took_s:.3f}",
    }
    warnings = [f"warn {f.rule}: {f.message}" for f in evidence.findings if f.status == "warn"]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<testsuites>",
        f"<testsuite{_attributes(suite)}>",
        "<properties>",
        *(f"<property{_attributes({'name': n, 'value': v})}/>" for n, v in properties.items() if v),
        "</properties>",
        *cases,
        f"<system-out>{_text(chr(10).join(warnings))}</system-out>",
        "<system-err/>",
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _kind(finding: Finding, evidence: Evidence) -> str:
    if evidence.blocks(finding):
        return "failure" if finding.status == "fail" else "error"
    return "skipped" if finding.status in {"info", "not_executed"} else ""


def _case(finding: Finding, evidence: Evidence) -> str:
    # Rules share one pass over the data: what one of them takes is not known, and a time is required.
    name = {"name": finding.rule, "classname": evidence.name, "time": "0"}
    kind = _kind(finding, evidence)
    if not kind:
        return f"<testcase{_attributes(name)}/>"
    if kind == "skipped":
        inner = f"<skipped{_attributes({'message': finding.message})}/>"
    else:
        said = {"message": finding.message or finding.status, "type": finding.status}
        rows = [sample_text(sample) for sample in finding.samples]
        left = (finding.rows_failed or 0) - len(rows)
        rows += [f"... and {left:,} more"] if rows and left > 0 else []
        if evidence.contract:
            rows.append(f"declared at {evidence.contract}:{evidence.line(finding.place)}")
        inner = f"<{kind}{_attributes(said)}>{_text(chr(10).join(rows))}</{kind}>"
    return f"<testcase{_attributes(name)}>{inner}</testcase>"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _text(lines: str) -> str:
    return "\n".join(_escaped(line) for line in lines.split("\n"))


def _escaped(text: str) -> str:
    """Printable ASCII: XML cannot hold most control characters at all, escaped or not."""
    return escape(harmless(text)).encode("ascii", "xmlcharrefreplace").decode()
