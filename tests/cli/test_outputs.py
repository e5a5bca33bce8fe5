"""``--output``: each format read back by a real parser, with data that try to break out of it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import CONTRACT, Ran
from headgate.cli import report_github, report_junit, report_oors, report_sarif
from headgate.cli.answer import as_json
from headgate.cli.evidence import Evidence
from headgate.cli.outputs import FORMATS, text_of
from headgate.model.names import RuleName
from headgate.model.verdict import Finding, Sample, Verdict

Run = Callable[..., Ran]

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
EVIL = [
    "</script><script>alert(1)</script>",
    "]]>",
    "<![CDATA[",
    "\x00\x07\x1b[2J\x7f\x9b",
    "\u202eright to left\u2066",
    "one\ntwo\r\nthree\u2028four",
    "::error::injected",
    "%0A::error::injected",
    "quote \" apostrophe ' & < >",
    "\ufffe\uffff\ud800",
    "",
    "x" * 1_000_000,
]


def evidence(*findings: Finding, rows: int = 1000, contract: str | None = "orders.yaml") -> Evidence:
    verdict = Verdict("shop", "1.0.0", rows, 2 if rows else 0, 1, findings, allowed=frozenset({"allowed"}))
    return Evidence(verdict, "orders", ["orders.csv"], AT, "v1", contract=contract)


def failing(text: str, status: Any = "fail") -> Finding:
    sample = Sample(text, 17, ((text, text), ("id", None)), text, text)
    return Finding(RuleName(text or "nameless"), status, 2, None, text, samples=(sample,), place="schema[0]")


EVERY = [
    Finding(RuleName("a.type"), "pass", 0, None, "a must be a number"),
    Finding(RuleName("a.min"), "fail", 2, None, "2 of 1,000 rows: a must be at least 0"),
    Finding(RuleName("a.max"), "warn", 1, None, "1 of 1,000 rows: a must be at most 9"),
    Finding(RuleName("q"), "error", None, None, "the query does not run"),
    Finding(RuleName("allowed"), "not_executed", None, None, "a rule of acme"),
    Finding(RuleName("blocked"), "not_executed", None, None, "a rule of acme"),
    Finding(RuleName("told"), "info", None, None, "counted on the evening before"),
    Finding(RuleName("rowCount"), "fail", None, "3", "3 rows, mustBeGreaterThan 5"),
]


# -- JUnit --------------------------------------------------------------------------------------------------

SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}


def junit(text: str) -> ET.Element:
    """One test suite, held to what Windy Road's JUnit schema (that of Ant) asks for."""
    root = ET.fromstring(text)
    assert (root.tag, root.attrib) == ("testsuites", {})
    [suite] = root
    assert suite.tag == "testsuite" and set(suite.attrib) == SUITE
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    tags = [child.tag for child in suite]
    cases = suite.findall("testcase")
    assert tags == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
    for each in suite.find("properties") or ():
        assert each.tag == "property" and set(each.attrib) == {"name", "value"}
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert len(case) <= 1
        for child in case:
            assert child.tag in {"failure", "error", "skipped"}
            assert set(child.attrib) == ({"message"} if child.tag == "skipped" else {"message", "type"})
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{tag}"))
    assert int(suite.attrib["tests"]) == len(cases)
    return suite


def test_junit_has_a_case_for_each_rule() -> None:
    suite = junit(report_junit.report(evidence(*EVERY)))
    found = {c.attrib["name"]: [child.tag for child in c] for c in suite.findall("testcase")}
    assert found == {
        "a.type": [], "a.min": ["failure"], "a.max": [], "q": ["error"], "allowed": ["skipped"],
        "blocked": ["error"], "told": ["skipped"], "rowCount": ["failure"],
    }  # fmt: skip
    assert "a.max" in (suite.findtext("system-out") or "")
    said = {p.attrib["name"]: p.attrib["value"] for p in suite.findall("properties/property")}
    assert (said["contract"], said["contract_version"], said["rows"]) == ("shop", "1.0.0", "1000")


# -- SARIF --------------------------------------------------------------------------------------------------


def sarif(document: dict[str, Any]) -> dict[str, Any]:
    """The one run, held to the fields that SARIF 2.1.0 requires and to what code scanning takes."""
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "headgate" and driver["version"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert result["kind"] == "fail" and result["level"] in {"warning", "error"}
        assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            assert place.get("physicalLocation") or place.get("logicalLocations")
            if "physicalLocation" in place:
                uri = place["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"[A-Za-z0-9._~%/:-]+", uri)
            assert place.get("physicalLocation", {}).get("region", {"startLine": 1})["startLine"] >= 1
        numbers = [place["id"] for place in result.get("relatedLocations", ())]
        assert numbers == sorted(set(numbers))
    found: dict[str, Any] = run
    return found


def test_sarif_has_a_result_for_what_a_person_should_look_at() -> None:
    run = sarif(report_sarif.report(evidence(*EVERY), "1"))
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("a.min", "error"), ("a.max", "warning"), ("q", "error"), ("blocked", "error"), ("rowCount", "error"),
    ]  # fmt: skip
    assert len(run["tool"]["driver"]["rules"]) == len(EVERY)
    assert run["properties"]["contract_version"] == "1.0.0"


# -- GitHub -------------------------------------------------------------------------------------------------


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them: name, properties and message, unescaped."""
    found = []
    for line in text.splitlines():
        parsed = re.fullmatch(r"::([a-z]+) (.*?)::(.*)", line)
        assert parsed, line
        told = dict(part.split("=", 1) for part in parsed[2].split(","))
        for name, value in told.items():
            for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                value = value.replace(code, sign)  # noqa: PLW2901
            told[name] = value
        message = parsed[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        found.append((parsed[1], told, message))
    return found


def test_github_shows_errors_and_warnings_at_lines_of_the_contract() -> None:
    found = commands(report_github.report(evidence(*EVERY)))
    assert [(kind, told["title"]) for kind, told, _ in found] == [
        ("error", "orders: q"), ("error", "orders: a.min"), ("error", "orders: rowCount"),
        ("error", "orders: blocked"), ("warning", "orders: a.max"), ("notice", "headgate: orders"),
    ]  # fmt: skip
    assert found[0][1] == {"file": "orders.yaml", "line": "1", "title": "orders: q"}
    assert "failed: 1,000 rows, 2 bad" in found[-1][2]


def test_github_gets_ten_of_a_kind_and_is_told_how_many_there_are() -> None:
    """Seen failing with ANNOTATIONS_MAX = 100."""
    many = [failing(f"c{i}.min") for i in range(30)] + [failing(f"d{i}.min", "warn") for i in range(12)]
    found = commands(report_github.report(evidence(*many)))
    assert [kind for kind, _, _ in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert "22 rules more than GitHub shows" in found[-1][2]


def test_a_percent_sign_and_a_colon_reach_github_whole() -> None:
    [(_, told, message), _] = commands(report_github.report(evidence(failing("a:b,c 100%25"))))
    assert told["title"] == "orders: a:b,c 100%25"
    assert message.startswith("a:b,c 100%25\n")


# -- OORS ---------------------------------------------------------------------------------------------------


def oors(document: dict[str, Any]) -> list[dict[str, Any]]:
    assert (document["apiVersion"], document["kind"]) == ("v0.1.0", "ObservabilityResults")
    assert datetime.fromisoformat(document["observedAt"]).tzinfo is not None
    assert set(document["source"]) == {"process", "runID", "vendor"}
    assert set(document["contract"]) == {"contractID", "standard", "version"}
    assert document["results"]
    for result in document["results"]:
        assert {"id", "type", "name", "status", "target", "message"} <= set(result)
        assert result["type"] in {"check", "metric"}
        assert result["status"] in {"pass", "fail", "warn", "error"}
        assert set(result["target"]) == {"resourceType", "resourceIdentifier"}
        assert set(result.get("measure", {})) <= {"metric", "value", "threshold", "unit"}
    found: list[dict[str, Any]] = document["results"]
    return found


def test_oors_has_what_was_observed_and_no_data() -> None:
    document = report_oors.report(evidence(*EVERY, failing("secret")))
    found = {r["name"]: r["status"] for r in oors(document)}
    assert found == {
        "a.type": "pass", "a.min": "fail", "a.max": "warn", "q": "error", "allowed": "warn", "blocked": "error",
        "rowCount": "fail", "secret": "fail",
    }  # fmt: skip
    assert "sample" not in json.dumps(document)


def test_oors_of_a_contract_without_rules_has_one_result() -> None:
    assert [r["status"] for r in oors(report_oors.report(evidence(rows=0)))] == ["pass"]


# -- all of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", EVIL, ids=[ascii(t[:12]) for t in EVIL])
def test_whatever_stands_in_data_and_contract_stays_text(text: str) -> None:
    """Seen failing, one format each, with `_escaped`, `_data` or `quote` returning its text as it is."""
    hostile = evidence(failing(text), failing(text, "warn"))
    suite = junit(report_junit.report(hostile))
    assert len(suite.findall("testcase")) == 2
    sarif(json.loads(as_json(report_sarif.report(hostile, "1"))))
    assert [k for k, _, _ in commands(report_github.report(hostile))] == ["error", "warning", "notice"]
    oors(json.loads(as_json(report_oors.report(hostile))))


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "json"])
def test_five_thousand_failing_rules_make_a_report_of_bounded_size(format: str) -> None:
    sample = Sample("orders.csv", 17, (("id", "1"),), "amount", "x" * 200)
    many = [
        Finding(
            RuleName(f"c{i}.minimum"),
            "fail",
            7,
            None,
            f"7 of 9 rows: c{i} must be at least 0",
            samples=(sample,) * 5,
        )
        for i in range(5_000)
    ]
    text = text_of(format, evidence(*many, rows=9), {})
    assert len(text.encode()) < {"github": 100_000, "html": 1_000_000}.get(format, 25_000_000)


# -- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "good.csv").write_text("id,customer,amount\n1,ann,10.50\n")
    (tmp_path / "empty.csv").write_text("id,customer,amount\n")
    (tmp_path / "bad.csv").write_text("id,customer,amount\n4,ann,-1\n4,bob,x\n6,cid,2.00\n")
    return run


READERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "oors": lambda text: oors(json.loads(text)),
    "junit": junit,
    "sarif": lambda text: sarif(json.loads(text)),
    "github": commands,
    "html": lambda text: text.index("<!doctype html>"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("data", "code"), [("good.csv", 0), ("bad.csv", 1), ("empty.csv", 0)])
def test_an_output_without_a_file_is_all_there_is_on_stdout(
    files: Run, format: str, data: str, code: int
) -> None:
    done = files("check", data, "--contract", "c.yaml", "--output", format)
    assert (done.code, done.err) == (code, "")
    READERS[format](done.out)


def test_several_outputs_go_to_files_beside_the_words_for_people(files: Run, tmp_path: Path) -> None:
    words = [w for f in FORMATS for w in ("--output", f"{f}=out.{f}")]
    done = files("check", "bad.csv", "--contract", "c.yaml", *words, "--html", "more.html")
    assert done.code == 1
    assert "failed: 3 rows" in done.out and "junit: out.junit" in done.out and "report: more.html" in done.out
    for format in FORMATS:
        READERS[format]((tmp_path / f"out.{format}").read_text())


def test_a_result_stands_at_the_line_of_its_rule_and_at_its_row(files: Run) -> None:
    run = sarif(files("check", "bad.csv", "--contract", "c.yaml", "--output", "sarif").document)
    found = next(r for r in run["results"] if r["ruleId"] == "amount.minimum")
    place = found["locations"][0]["physicalLocation"]
    line = place["region"]["startLine"]
    assert place["artifactLocation"]["uri"] == "c.yaml"
    assert "name: amount" in CONTRACT.splitlines()[line - 1]
    [row] = found["relatedLocations"]
    assert row["physicalLocation"]["artifactLocation"]["uri"] == "bad.csv"
    assert row["properties"] == {"row": 1, "column": "amount", "value": "-1"}


def test_oors_measures_with_the_names_and_operators_of_the_contract(files: Run, tmp_path: Path) -> None:
    quality = "    quality:\n      - {metric: rowCount, mustBeBetween: [5, 9], severity: high, dimension: coverage}\n"
    (tmp_path / "c.yaml").write_text(CONTRACT + quality)
    found = {
        r["name"]: r
        for r in oors(files("check", "bad.csv", "--contract", "c.yaml", "--output", "oors").document)
    }
    assert found["rowCount"]["measure"] == {
        "metric": "rowCount", "value": 3, "threshold": {"mustBeBetween": [5, 9]}, "unit": "rows",
    }  # fmt: skip
    assert (found["rowCount"]["severity"], found["rowCount"]["dimension"]) == ("high", "coverage")
    assert found["primaryKey"]["measure"]["metric"] == "duplicateValues"
    assert found["amount.required"]["target"] == {
        "resourceType": "column",
        "resourceIdentifier": "orders.amount",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("--output", "xml"),
        ("--output", "junit="),
        ("--output", "junit", "--output", "sarif"),
        ("--output", "junit", "--json"),
        ("--output", "junit=good.csv"),
        ("--output", "junit=a.xml", "--output", "sarif=a.xml"),
    ],
)
def test_outputs_that_cannot_be_meant_are_refused(files: Run, words: tuple[str, ...]) -> None:
    done = files("check", "good.csv", "--contract", "c.yaml", *words)
    assert done.code == 2
    assert "hint" in done.out + done.err


def test_a_load_and_a_run_have_the_same_outputs(shop: Run, tmp_path: Path) -> None:
    words = [w for f in FORMATS for w in ("--output", f"{f}=load.{f}")]
    done = shop("load", "orders", "dirty.csv", "--contract", "orders.yaml", *words)
    assert done.code == 1
    for format in FORMATS:
        READERS[format]((tmp_path / f"load.{format}").read_text())
    shown = json.loads((tmp_path / "load.json").read_text())
    again = junit(shop("show", shown["run"], "--output", "junit").out)
    assert int(again.attrib["failures"]) == 2
    assert shop("show", shown["batch"], "--output", "junit").code == 2
    assert shop("load", "orders", "good.csv", "--output", "junit", "--dry-run").code == 2


def test_what_was_delivered_before_is_a_suite_without_failures(sold: Run) -> None:
    suite = junit(sold("load", "orders", "good.csv", "--output", "junit").out)
    assert [suite.attrib[n] for n in ("tests", "failures", "errors", "skipped")] == ["1", "0", "0", "1"]


def test_a_verdict_names_contract_root_rows_and_files(sold: Run) -> None:
    load = sold(
        "load", "orders", "dirty.csv", "--on-fail", "quarantine_rows", "--max-quarantined", "60%", "--json"
    ).document
    found = load["verdict"]
    assert (found["outcome"], found["contract"], found["contract_version"]) == ("failed", "orders", "1.0.0")
    assert (found["root"], found["rows"], found["rows_bad"], found["files"]) == (None, 4, 2, 1)
    for what in ("orders", load["run"]):
        kept = sold("show", what, "--json").document["verdict"]
        assert (kept["outcome"], kept["rows"]) == ("passed", 5)
        assert f"tree {kept['root'][:12]}" in sold("show", what).out
