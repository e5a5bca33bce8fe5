"""Whole contracts and rows: every engine says what the slow evaluator says, which knows none of their parts."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check.engines import ENGINES, Asked
from check.pages import Case
from fuzz.reference import PATTERNS, Said, judged
from headgate.contract.compile import compile_contract
from headgate.contract.document import parse
from headgate.edge.cells import laid
from headgate.edge.patterns import check_syntax
from headgate.edge.rows import rows_of
from headgate.edge.source_files import FileSource
from headgate.edge.source_frames import frame
from headgate.model.contract import Dialect, TableContract
from headgate.ports import Delivery

HEAD = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "fuzz", "version": "1.0.0", "status": "active"}
NAMES = ["a", "select", 'b"b', "c;drop table rows"]
KINDS: dict[str, dict[str, Any]] = {
    "string": {"logicalType": "string"},
    "integer": {"logicalType": "integer"},
    "number": {"logicalType": "number"},
    "decimal": {"logicalType": "number", "physicalType": "decimal(9,2)"},
    "boolean": {"logicalType": "boolean"},
    "date": {"logicalType": "date"},
    "timestamp": {"logicalType": "timestamp"},
}
CELLS = {
    "string": ["", "a", "b", "ab", "aa", "abc", "7", "\u00e9", "a\nb", " b", "\U0001f600", "b\n", "\ufeff", "NA",
               "a,b", '"'],
    "integer": ["0", "1", "-1", "2", "3", "+3", "007", "10", "9223372036854775807", "-9223372036854775808",
                "9007199254740993", "9223372036854775808", "1.0", "x", "", "1e3", " 1"],
    "number": ["0", "-0.0", "0.1", "0.3", "0.30000000000000004", "1", "1.5", "-2", "1e3", "1e308", "9007199254740993",
               "1e309", "NaN", "x", "", "5e-324", ".5", "1."],
    "decimal": ["0", "0.1", "0.10", "-0.30", "1", "1.005", "9999999.99", "10000000", "-1.5", "1e1", "x", ".25"],
    "boolean": ["true", "false", "TRUE", "False", "tRUE", "1", "yes"],
    "date": ["2024-01-01", "2024-02-29", "2023-02-29", "2024-12-31", "0001-01-01", "9999-12-31", "2024-1-1", "x"],
    "timestamp": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00.000001Z",
                  "2024-02-30T00:00:00Z", "2024-06-30T23:59:60Z", "2024-06-30T12:00:00.5-05:30", "2024-06-30", "x"],
}  # fmt: skip
CONSTANTS: dict[str, list[Any]] = {
    "string": ["", "a", "b", "ab", "NA", "7", "\u00e9", "a\nb"],
    "integer": [0, 1, -1, 2, 3, 10, 2**63 - 1, -(2**63), 2**53],
    "number": [0, 0.1, 0.3, 1, 1.5, -2, 1000, 2**53],
    "decimal": [0, 0.1, -0.3, 1, 0.25, 9999999.99],
    "boolean": [True, False],
    "date": ["2024-01-01", "2024-02-29", "0001-01-01", "9999-12-31"],
    "timestamp": ["2024-01-01T00:00:00Z", "2024-06-30T12:00:00-05:30"],
}
BOUNDED = {"integer", "number", "decimal", "date", "timestamp"}
# Every run of the tests looks at a few; a search (`make fuzz`) at as many as there is time for.
EXAMPLES: dict[str, Any] = {} if os.environ.get("HYPOTHESIS_PROFILE") else {"max_examples": 40}
PATTERN = st.sampled_from(list(PATTERNS))


def constants(kind: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(CONSTANTS[kind])


@st.composite
def columns(draw: st.DrawFn, name: str, kind: str) -> dict[str, Any]:
    part: dict[str, Any] = {"name": name, **KINDS[kind]}
    part |= draw(
        st.fixed_dictionaries(
            {}, optional={"required": st.just(True), "unique": st.just(True), "primaryKey": st.just(True)}
        )
    )
    if draw(st.integers(0, 3)) == 0:
        members = draw(
            st.lists(constants(kind), min_size=1, max_size=3, unique_by=lambda v: (type(v) is bool, v))
        )
        part["enum"] = [{"value": one} for one in members]
    options: dict[str, Any] = {}
    if kind in BOUNDED:
        which = draw(st.sampled_from([None, "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"]))
        options |= {which: draw(constants(kind))} if which else {}
    if kind in {"integer", "number", "decimal"} and draw(st.booleans()):
        options["multipleOf"] = draw(
            st.sampled_from([1, 2, 3] if kind == "integer" else [0.1, 0.25, 1, 3, 0.01])
        )
    if kind == "string":
        options |= draw(st.fixed_dictionaries({}, optional={
            "minLength": st.integers(0, 2), "maxLength": st.integers(2, 4), "pattern": PATTERN,
        }))  # fmt: skip
    if options:
        part["logicalTypeOptions"] = options
    return part


@st.composite
def bounds(draw: st.DrawFn, *, percent: bool) -> dict[str, Any]:
    number = st.sampled_from([0, 25, 33.4, 50, 100, 0.5] if percent else [0, 1, 2, 3, 5, 0.5])
    name = draw(st.sampled_from(["mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
                                 "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween"]))  # fmt: skip
    if "Between" in name:
        return {name: sorted(draw(st.lists(number, min_size=2, max_size=2, unique=True)))}
    return {name: draw(number)}


@st.composite
def conditions(draw: st.DrawFn, kinds: dict[str, str]) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(kinds)))
    kind = kinds[name]
    tests: dict[str, st.SearchStrategy[Any]] = {
        "isNull": st.booleans(),
        "mustBe": constants(kind),
        "mustNotBe": constants(kind),
        "validValues": st.lists(constants(kind), min_size=1, max_size=2),
    }
    if kind in BOUNDED:
        tests |= dict.fromkeys(
            ("mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo"),
            constants(kind),
        )
    if kind == "string":
        tests["pattern"] = PATTERN
    test = draw(st.sampled_from(sorted(tests)))
    return {"property": name, test: draw(tests[test])}


@st.composite
def metrics(draw: st.DrawFn, number: int, column: str | None, kinds: dict[str, str]) -> dict[str, Any]:
    words = (
        ["nullValues", "missingValues", "invalidValues", "duplicateValues"]
        if column
        else ["rowCount", "duplicateValues"]
    )
    entry: dict[str, Any] = {"id": f"q{number}", "metric": draw(st.sampled_from(words))}
    kind = kinds[column] if column else "string"
    match entry["metric"]:
        case "missingValues":
            some = st.one_of(constants(kind), st.sampled_from([None, "NA", "x"]))
            entry["arguments"] = {"missingValues": draw(st.lists(some, max_size=3))}
        case "invalidValues":
            valid = {"validValues": draw(st.lists(constants(kind), min_size=1, max_size=3))}
            entry["arguments"] = (
                {"pattern": draw(PATTERN)} if kind == "string" and draw(st.booleans()) else valid
            )
        case "duplicateValues" if column is None:
            entry["arguments"] = {
                "properties": draw(
                    st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=2, unique=True)
                )
            }
        case _:
            pass
    percent = entry["metric"] != "rowCount" and draw(st.booleans())
    if percent:
        entry["unit"] = "percent"
    entry |= draw(bounds(percent=percent))
    own: dict[str, Any] = {}
    if draw(st.integers(0, 2)) == 0:
        where = draw(st.lists(conditions(kinds), min_size=1, max_size=2))
        own["where"] = where if len(where) > 1 or draw(st.booleans()) else where[0]
    if draw(st.integers(0, 4)) == 0:
        own["tolerance"] = draw(st.sampled_from([{"abs": 1}, {"rel": "50%"}, {"abs": 0.5, "rel": "10%"}]))
    if draw(st.integers(0, 3)) == 0:
        own["onFail"] = "warn"
    texts = [name for name, one in kinds.items() if one == "string"]
    if texts and draw(st.integers(0, 4)) == 0:
        own["segmentBy"] = [draw(st.sampled_from(texts))]
    if entry.get("mustBeLessOrEqualTo", 0) > 1:
        own["warn"] = {"mustBeLessOrEqualTo": 1}
    if own:
        entry["customProperties"] = [
            {"vendor": "headgate", "property": name, "value": value} for name, value in own.items()
        ]
    return entry


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    kinds = {name: draw(st.sampled_from(sorted(KINDS))) for name in NAMES[: draw(st.integers(1, len(NAMES)))]}
    properties = []
    number = 0
    for name, kind in kinds.items():
        part = draw(columns(name, kind))
        entries = []
        for _ in range(draw(st.integers(0, 2))):
            number += 1
            entries.append(draw(metrics(number, name, kinds)))
        properties.append(part | ({"quality": entries} if entries else {}))
    whole = [draw(metrics(number + at, None, kinds)) for at in range(1, draw(st.integers(1, 3)))]
    return {"name": "rows", "properties": properties} | ({"quality": whole} if whole else {})


@st.composite
def together(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, str | None]]]:
    table = draw(tables())
    cells = {}
    for part in table["properties"]:
        kind = "decimal" if "physicalType" in part else part["logicalType"]
        good = st.sampled_from(CELLS[kind])
        cells[part["name"]] = st.one_of(good, good, good, st.none())
    return table, draw(st.lists(st.fixed_dictionaries(cells), max_size=7))


def written(names: list[str], rows: list[dict[str, str | None]]) -> str:
    """As CSV has them: null is nothing, the empty text is in quotes."""
    quoted: list[list[str | None]] = [[*names], *([row[name] for name in names] for row in rows)]
    return "".join(
        ",".join("" if one is None else '"' + one.replace('"', '""') + '"' for one in line) + "\n"
        for line in quoted
    )


@settings(**EXAMPLES, suppress_health_check=tuple(HealthCheck))
@given(together())
def test_every_engine_says_what_the_contract_says(
    both: tuple[dict[str, Any], list[dict[str, str | None]]],
) -> None:
    """Seen failing with `exclusiveMinimum` read as `minimum`, with nulls counted as duplicates, and with the last
    condition of a ``where`` forgotten.
    """
    table, rows = both
    text = json.dumps(HEAD | {"schema": [table]})
    contract = compile_contract(parse(text.encode(), "fuzz.yaml"), pattern_error=check_syntax)
    wanted = judged(table, rows)
    assert {rule.name for rule in contract.rules} == wanted.keys()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        file.write_text(written([part["name"] for part in table["properties"]], rows))
        source = FileSource(digests=False)
        delivery = source.read(source.find([str(file)]), Dialect())
        forms = {"as text": delivery}
        if all(said.status == "pass" for name, said in wanted.items() if name.endswith(".type")):
            forms["as values"] = frame(_typed(delivery, contract))
        for form, rows_given in forms.items():
            for name, engine in ENGINES.items():
                if name == "spark":  # takes seconds for each: the cases are for it
                    continue
                _agree(
                    name, form, engine, Asked(cast("Case", None), contract, rows_given), wanted, text, rows
                )


def _typed(delivery: Delivery, contract: TableContract) -> pl.DataFrame:
    cells = laid(rows_of(delivery.rows), contract)
    return cells.lazy.select(pl.col(c.value).alias(c.column.name) for c in cells.cells if c.present).collect()


def _agree(
    name: str, form: str, engine: Any, asked: Asked, wanted: dict[str, Said], text: str, rows: Any
) -> None:
    answer = engine.judge(asked)
    spoken = {rule.name for rule in asked.contract.rules if engine.speaks_of(rule)}
    found = {
        finding.rule: Said(
            finding.status,
            answer.failing.get(finding.rule, ()) if finding.measured is None else (),
            finding.measured,
        )
        for finding in answer.findings
    }
    assert found.keys() == spoken, (name, form)
    for rule in spoken:
        ours, theirs = wanted[rule], found[rule]
        if ours.measured is None and not ours.rows and theirs.measured is not None:
            theirs = Said(theirs.status)  # segments: who is the worst, nobody compares
        assert theirs == ours, f"{name}, {form}: {rule} is {theirs}, and should be {ours}\n{text}\n{rows}"


def test_the_slow_evaluator_finds_what_is_planted() -> None:
    where = {"vendor": "headgate", "property": "where", "value": {"property": "a", "mustBe": 2}}
    few = {
        "id": "q",
        "metric": "nullValues",
        "unit": "percent",
        "mustBeLessThan": 30,
        "customProperties": [where],
    }
    whole = {"logicalType": "integer", "required": True, "unique": True}
    table = {
        "name": "rows",
        "properties": [
            {"name": "a", **whole, "logicalTypeOptions": {"exclusiveMinimum": 1}},
            {"name": "b", "logicalType": "string", "quality": [few]},
        ],
    }
    cells = [("2", None), ("2", "x"), (None, None), ("1", "y"), ("z", "")]
    rows: list[dict[str, str | None]] = [{"a": a, "b": b} for a, b in cells]
    wanted = {
        "a.type": Said("fail", (5,)),
        "a.required": Said("fail", (3,)),
        "a.unique": Said("fail", (1, 2)),
        "a.exclusiveMinimum": Said("fail", (4,)),
        "b.type": Said("pass"),
        "b.q": Said("fail", measured="50%"),
    }
    assert judged(table, rows) == wanted
    text = json.dumps(HEAD | {"schema": [table]})
    contract = compile_contract(parse(text.encode(), "fuzz.yaml"), pattern_error=check_syntax)
    asked = Asked(cast("Case", None), contract, frame(pl.DataFrame(rows)))
    _agree("polars", "", ENGINES["polars"], asked, wanted, text, rows)
    with pytest.raises(AssertionError, match=r"a\.unique is"):
        _agree("polars", "", ENGINES["polars"], asked, wanted | {"a.unique": Said("pass")}, text, rows)
