"""A verdict as SARIF 2.1.0: what code scanning shows beside the lines of the contract.

A result stands at the line of its rule in the contract; the first rows that fail it are related locations, file and
row. Only what a person should look at is a result: passes are in the list of rules.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from headgate.checks.evidence import reason
from headgate.cli.evidence import Evidence, relative
from headgate.cli.findings import failures, how, sample_text
from headgate.model.verdict import Finding, Sample

Fields = dict[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULTS_MAX = 5_000  # code scanning shows as many, and refuses a run with more than 25,000
ROWS_MAX = 1_000  # of all results together: the first ones have several, the others one


def report(evidence: Evidence, version: str) -> Fields:
    """The document, as JSON values. ``version``: the program's."""
    names = list(dict.fromkeys(f.rule for f in evidence.findings))
    at = {name: i for i, name in enumerate(names)}
    first = {f.rule: f for f in reversed(evidence.findings)}
    shown = {f.rule for f in failures(evidence.findings, evidence.verdict.allowed)}
    loud = [f for f in evidence.findings if f.rule in shown]
    verdict = evidence.verdict
    run: Fields = {
        "tool": {
            "driver": {
                "name": "headgate",
                "version": version,
                "rules": [_rule(first[name], evidence) for name in names],
            }
        },
        "invocations": [{"executionSuccessful": True, "endTimeUtc": f"{evidence.at:%Y-%m-%dT%H:%M:%SZ}"}],
        "automationDetails": {"id": f"headgate/{quote(evidence.name)}/"},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(f, at[f.rule], evidence, rows=5 if i < ROWS_MAX // 5 else 1)
            for i, f in enumerate(loud[:RESULTS_MAX])
        ],
        "properties": {
            "outcome": evidence.outcome,
            "contract": verdict.contract_id,
            "contract_version": verdict.contract_version,
            "root": verdict.root,
            "rows": verdict.rows,
            "rows_bad": verdict.rows_bad,
            "files": verdict.files,
            "engine": verdict.engine or None,
            "how": how(verdict.findings),
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: Finding, evidence: Evidence) -> Fields:
    declared = evidence.rules.get(finding.rule)
    said = (declared.description if declared else "") or reason(finding) or finding.rule
    return {
        "id": finding.rule,
        "shortDescription": {"text": said},
        "defaultConfiguration": {"level": "error"},
        "properties": {"dimension": finding.dimension, "severity": finding.severity},
    }


def _result(finding: Finding, index: int, evidence: Evidence, *, rows: int) -> Fields:
    found: Fields = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "fail",
        "level": "error" if evidence.blocks(finding) else "warning",
        "message": {"text": finding.message or finding.rule},
        "locations": [_declared(finding, evidence)],
        "partialFingerprints": {"rule/v1": f"{evidence.name}/{finding.rule}"},
        "properties": {
            "status": finding.status,
            "rows_failed": finding.rows_failed,
            "measured": finding.measured,
            "how": finding.how,
        },
    }
    if finding.samples:
        found["relatedLocations"] = [_row(i, s) for i, s in enumerate(finding.samples[:rows])]
    return found


def _declared(finding: Finding, evidence: Evidence) -> Fields:
    name = {"name": finding.rule, "fullyQualifiedName": f"{evidence.name}.{finding.rule}", "kind": "rule"}
    if evidence.contract is None:
        return {"logicalLocations": [name]}
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(evidence.contract),
            "region": {"startLine": evidence.line(finding.place)},
        },
        "logicalLocations": [name],
    }


def _row(id: int, sample: Sample) -> Fields:
    """File and row. No line: a row of Parquet has none, and one of CSV may span several."""
    found: Fields = {
        "id": id,
        "message": {"text": sample_text(sample)},
        "logicalLocations": [{"name": f"row {sample.row}", "kind": "row"}],
        "properties": {"row": sample.row, "column": sample.column, "value": sample.value},
    }
    if sample.object:
        found["physicalLocation"] = {"artifactLocation": _artifact(sample.object)}
    return found


def _artifact(path: str) -> Fields:
    """A path as a URI; below the folder one is in, relative to it, as code scanning wants it."""
    found = relative(path)
    if found.startswith("/"):
        return {"uri": "file://" + quote(found, errors="surrogatepass")}
    return {"uri": quote(found, errors="surrogatepass"), "uriBaseId": "%SRCROOT%"}
