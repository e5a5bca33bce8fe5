"""Reports as those read them who are not ours: each with everything in it that a verdict can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import junitparser
import pytest
from pydantic import ValidationError
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from cli.everything import CONTRACT, ROWS, SECRETS
from cli.terminal import Ran
from cli.test_outputs import EVERY, EVIL, commands, evidence, failing
from headgate.cli import report_junit, report_sarif
from headgate.cli.answer import as_json
from headgate.cli.outputs import FORMATS

Run = Callable[..., Ran]


@pytest.fixture
def files(run: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "orders.jsonl").write_text(ROWS)
    return run


def output(files: Run, format: str, *words: str) -> str:
    done = files("check", "orders.jsonl", "--contract", "c.yaml", "--output", format, *words)
    assert (done.code, done.err) == (1, "")
    return done.out


STATUSES = {
    "id.type": "pass",
    "email.pattern": "fail",
    "country.enum": "fail",
    "amount.minimum": "fail",
    "amount.nullValues": "warn",
    "shipped.required": "warn",
    "lines.items.price.minimum": "fail",
    "lines.items.card.maxLength": "fail",
    "primaryKey": "fail",
    "orders.of_each": "fail",
    "orders.told": "info",
    "orders.lineage": "not_executed",
    "sla.endOfSupport": "warn",
}


def test_the_verdict_has_one_of_everything(files: Run) -> None:
    found = {r["rule"]: r["status"] for r in json.loads(output(files, "json"))["rules"]}
    assert {name: found[name] for name in STATUSES} == STATUSES


def test_sarif_is_what_its_schema_asks_for(files: Run) -> None:
    document = json.loads(output(files, "sarif"))
    Sarif.model_validate(document)
    [run] = document["runs"]
    levels = {r["ruleId"]: r["level"] for r in run["results"]}
    assert levels["amount.minimum"] == levels["orders.lineage"] == "error"
    assert (
        levels["shipped.required"] == levels["amount.nullValues"] == levels["sla.endOfSupport"] == "warning"
    )
    assert "id.type" not in levels and "orders.told" not in levels
    with pytest.raises(ValidationError):  # the schema is a closed one
        Sarif.model_validate(document | {"verdict": "failed"})


@pytest.mark.parametrize("text", EVIL, ids=[ascii(t[:12]) for t in EVIL])
def test_whatever_stands_in_data_sarif_and_junit_are_read(text: str) -> None:
    hostile = evidence(failing(text), failing(text, "warn"), *EVERY)
    Sarif.model_validate_json(as_json(report_sarif.report(hostile, "1")))
    [suite] = junitparser.JUnitXml.fromstring(report_junit.report(hostile).encode())
    assert suite.tests == len(list(suite)) == 2 + len(EVERY)


def test_junit_is_read_as_it_was_meant(files: Run) -> None:
    [suite] = junitparser.JUnitXml.fromstring(output(files, "junit").encode())
    found = {case.name: [type(r).__name__ for r in case.result] for case in suite}
    kinds = {"pass": [], "warn": [], "fail": ["Failure"], "info": ["Skipped"], "not_executed": ["Error"]}
    assert {name: found[name] for name in STATUSES} == {n: kinds[s] for n, s in STATUSES.items()}
    counted = [kind for each in found.values() for kind in each]
    assert (suite.failures, suite.errors, suite.skipped, suite.tests) == (
        counted.count("Failure"),
        counted.count("Error"),
        counted.count("Skipped"),
        len(found),
    )
    told = [child.text or "" for child in suite._elem.iter("system-out")]
    assert "warn shipped.required: " in told[0]


def test_oors_has_what_the_draft_asks_for_of_each_result(files: Run) -> None:
    document = json.loads(output(files, "oors"))
    found = {r["name"]: r for r in document["results"]}
    assert "orders.told" not in found  # it was not observed
    assert {found[n]["status"] for n, s in STATUSES.items() if s == "warn"} == {"warn"}
    assert found["orders.lineage"]["status"] == "error"
    each = found["orders.of_each"]
    assert (each["type"], each["severity"], each["dimension"]) == ("metric", "high", "coverage")
    assert each["measure"] == {
        "metric": "rowCount",
        "value": 1,
        "threshold": {"mustBeGreaterThan": 2},
        "unit": "rows",
    }
    inside = found["lines.items.price.minimum"]
    assert inside["target"] == {"resourceType": "column", "resourceIdentifier": "orders.lines"}
    assert inside["measure"]["value"] == 1


# -- what every output says, and what none does ---------------------------------------------------------------


@pytest.mark.parametrize("format", [*FORMATS, "terminal"])
def test_what_is_confidential_is_in_no_output(files: Run, format: str) -> None:
    """Seen failing in each of them with `mask` returning its text as it is."""
    words = [] if format == "terminal" else ["--output", format]
    said = files("check", "orders.jsonl", "--contract", "c.yaml", *words).out
    assert not [s for s in SECRETS if s in said]
    if format != "oors":  # which has no values at all
        assert "masked" in said


def test_the_file_of_bad_rows_has_what_was_delivered(files: Run, tmp_path: Path) -> None:
    files("check", "orders.jsonl", "--contract", "c.yaml", "--bad", "bad.jsonl")
    said = (tmp_path / "bad.jsonl").read_text()
    assert all(s in said for s in SECRETS)


def _properties(format: str, said: str) -> dict[str, Any]:
    """What an output says of the verdict as a whole."""
    match format:
        case "json":
            found = json.loads(said)
            return {**found, "how": {r["how"]: 1 for r in found["rules"] if r["how"] != "none"}}
        case "oors":
            found = json.loads(said)
            own = {p["property"]: p["value"] for p in found["customProperties"]}
            return own | {
                "contract": found["contract"]["contractID"],
                "contract_version": found["contract"]["version"],
            }
        case "sarif":
            properties: dict[str, Any] = json.loads(said)["runs"][0]["properties"]
            return properties
        case _:
            [suite] = junitparser.JUnitXml.fromstring(said.encode())
            return {p.get("name"): p.get("value") for p in suite._elem.iter("property")}


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("format", ["json", "oors", "sarif", "junit"])
def test_every_output_names_contract_rows_files_engine_and_how(files: Run, format: str, engine: str) -> None:
    found = _properties(format, output(files, format, "--engine", engine))
    assert (found["contract"], found["contract_version"], found["engine"]) == ("shop", "2.1.0", engine)
    assert (int(found["rows"]), int(found["files"])) == (5, 1)
    assert "scan" in found["how"]


def test_annotations_the_page_and_the_terminal_say_the_same_in_words(files: Run) -> None:
    notice = commands(output(files, "github"))[-1][2]
    assert "5 rows" in notice and "(shop 2.1.0); looked at 1 file with polars: " in notice
    page = output(files, "html")
    for said in ("shop 2.1.0", "by reading the rows", "polars"):
        assert said in page
    assert "(shop 2.1.0)" in files("check", "orders.jsonl", "--contract", "c.yaml").out


def test_a_table_that_is_checked_again_is_told_with_its_tree_and_what_was_remembered(
    files: Run, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT.partition("      - {name: told")[0])
    (tmp_path / "orders.jsonl").write_text(ROWS.splitlines()[0])
    files("init")
    words = ("load", "orders", "orders.jsonl", "--contract", "c.yaml", "--unguarded")
    assert files(*words).code == 1  # too few of the country: the same contract without that rule
    (tmp_path / "c.yaml").write_text(CONTRACT.partition("    quality:\n      - name: of_each")[0])
    assert files(*words).code == 0
    files("check", "orders", "--ref", "main")
    done = files("check", "orders", "--ref", "main")
    root = files("check", "orders", "--ref", "main", "--json").document["root"]
    assert f"  looked at 1 file of tree {root[:12]} with polars: " in done.out
    assert " by partial" in done.out
    for format in ("json", "oors", "sarif", "junit"):
        said = files("check", "orders", "--ref", "main", "--output", format).out
        assert _properties(format, said)["root"] == root
        assert "partial" in _properties(format, said)["how"]
    assert root[:12] in files("check", "orders", "--ref", "main", "--output", "github").out
    assert root in files("check", "orders", "--ref", "main", "--output", "html").out


def test_the_terminal_says_how_severe_a_failure_is_if_the_contract_does(files: Run) -> None:
    said = files("check", "orders.jsonl", "--contract", "c.yaml").out
    assert "fail  orders.of_each  severity high\n" in said
    assert (
        "warn  amount.nullValues  1 row  severity low\n" in said
        or "warn  amount.nullValues  severity low\n" in said
    )
    assert "fail  amount.minimum\n" in said
