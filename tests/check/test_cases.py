"""Every case of ``cases/*.md`` on every engine of `engines.ENGINES`: one verdict, whoever gives it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from check.arrow_text import table
from check.engines import ENGINES, Answer, Asked, UnderTest
from check.pages import Block, Case, cases, every_case, said
from edge.spark_at_hand import together
from headgate.contract.compile import compile_contract
from headgate.contract.document import parse
from headgate.edge.beside import Beside
from headgate.edge.cells import laid
from headgate.edge.patterns import check_syntax
from headgate.edge.rows import rows_of
from headgate.edge.source_files import FileSource
from headgate.edge.source_frames import frame
from headgate.model.contract import Dialect, TableContract
from headgate.model.names import table_name
from headgate.model.verdict import Finding
from headgate.ports import Delivery

CASES = every_case()


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", [pytest.param(n, marks=together(n)) for n in ENGINES])
def test_every_engine_gives_the_verdict_of_the_page(name: str, case: Case, tmp_path: Path) -> None:
    engine = ENGINES[name]
    if why := case.not_on.get(name):
        pytest.skip(why)
    contract = _compiled(case, tmp_path)
    parents = {table_name(n): _delivered(block, contract, tmp_path / n) for n, block in case.parents.items()}
    delivery = _delivered(case.rows, contract, tmp_path / "rows")
    _agree(case, name, engine, Asked(case, contract, delivery, parents), f"as {case.rows.kind}")
    if engine.also_typed and case.rows.kind != "typed" and not case.only_as_written and _all_fit(case):
        typed = frame(_typed(delivery, contract))
        _agree(case, name, engine, Asked(case, contract, typed, parents), "as values of the contract's types")


def _compiled(case: Case, folder: Path) -> TableContract:
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    document = parse(case.contract, case.place)
    beside = Beside(str(folder / "rows.yaml"), document, {})
    return compile_contract(document, case.object, pattern_error=check_syntax, elsewhere=beside)


def _delivered(block: Block, contract: TableContract, path: Path) -> Delivery:
    if block.kind == "typed":
        return frame(table(block.text))
    file = path.with_suffix(f".{block.kind}")
    file.write_text(block.text)
    source = FileSource(digests=False)
    dialect = contract.dialect if path.name == "rows" else Dialect()
    return source.read(source.find([str(file)]), dialect)


def _all_fit(case: Case) -> bool:
    """Every column is there, and every value of its type: typed rows say the same."""
    return not any(
        rule.endswith((".type", ".present", ".undeclared")) and status != "pass"
        for rule, status in map(said, case.expected)
    )


def _typed(delivery: Delivery, contract: TableContract) -> pl.DataFrame:
    cells = laid(rows_of(delivery.rows), contract)
    return cells.lazy.select(pl.col(c.value).alias(c.column.name) for c in cells.cells if c.present).collect()


def _agree(case: Case, name: str, engine: UnderTest, asked: Asked, form: str) -> None:
    answer = engine.judge(asked)
    unable = {r.name for r in asked.contract.complete_rules if engine.unable(r)}
    assert {f.rule: f.status for f in answer.findings if f.rule in unable} == dict.fromkeys(
        unable, "not_executed"
    )
    silent = {r.name for r in asked.contract.complete_rules if not engine.speaks_of(r)} | unable
    expected = [line for line in case.expected if said(line)[0] not in silent]
    named = {said(line)[0] for line in expected}
    found = [
        _line(f, answer)
        for f in answer.findings
        if f.rule not in unable and (f.status != "pass" or f.rule in named)
    ]
    if found != expected:
        lines = difflib.unified_diff(expected, found, "the page says", f"{name} says", lineterm="", n=99)
        shown = "\n".join(lines)
        pytest.fail(f"{case.place}: {case.heading}\n{name}, {form}:\n{shown}\n", pytrace=False)
    _adds_up(answer, f"{case.place}: {name}, {form}")


def _line(finding: Finding, answer: Answer) -> str:
    rows = answer.failing.get(finding.rule, ())
    told = finding.measured or ("rows " + " ".join(map(str, rows)) if rows else "")
    return f"{finding.rule} {finding.status} {told}".rstrip()


def _adds_up(answer: Answer, where: str) -> None:
    """The numbers of a verdict say what its rows say."""
    for finding in answer.findings:
        if finding.rows_failed is not None and finding.measured is None:
            assert finding.rows_failed == len(answer.failing.get(finding.rule, ())), (where, finding)
    if answer.passed is not None:
        blocking = {"fail", "error", "not_executed"}
        assert answer.passed == (not any(f.status in blocking for f in answer.findings)), where
    structural = any(f.rule.endswith((".present", ".undeclared")) for f in answer.findings)
    if answer.rows_bad is not None and not structural:
        warned = {f.rule for f in answer.findings if f.status == "warn"}
        bad = {row for rule, rows in answer.failing.items() if rule not in warned for row in rows}
        assert answer.rows_bad == len(bad), where


def test_there_are_many_cases_each_with_a_name_of_its_own() -> None:
    assert len(CASES) >= 400
    assert len({case.slug for case in CASES}) == len(CASES)


@pytest.mark.parametrize("name", ENGINES)
def test_whom_a_case_is_not_for_stands_on_its_page(name: str) -> None:
    """No engine leaves a case out in silence, nor by a rule of its own alone."""
    engine = ENGINES[name]
    for case in CASES:
        contract = compile_contract(parse(case.contract, case.place), case.object, pattern_error=check_syntax)
        silent = not any(engine.speaks_of(rule) for rule in contract.rules)
        assert name in case.not_on or not (silent or engine.declines(case)), (case.place, case.heading)


def test_engines_that_pages_name_are_there() -> None:
    assert {name for case in CASES for name in case.not_on} <= ENGINES.keys()


def test_a_wrong_verdict_is_shown_as_a_difference(tmp_path: Path) -> None:
    """Seen failing: with the comparison switched off, this case goes through."""
    page = """## Wrong
Says what it shows.
```yaml
schema: [{name: rows, properties: [{name: a, logicalType: integer, required: true}]}]
```
```csv
a
1
""
```
```verdict
a.required fail rows 2
```
"""
    (case,) = cases("planted", page)
    with pytest.raises(pytest.fail.Exception) as caught:
        test_every_engine_gives_the_verdict_of_the_page("polars", case, tmp_path)
    said = str(caught.value)
    assert "tests/check/cases/planted.md:1: Wrong" in said
    assert "-a.required fail rows 2" in said
    assert "+a.type fail rows 2" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "does not say what it shows"),
        ("It.\n```yaml\n```\n", "needs a block"),
        ("It.\n```yaml\n```\n```verdict\n```\n```csv\n```\n```csv\n```\n", "rows twice"),
        ("It.\n```yaml\n```\n```csv\n```\n```verdict\na.type rows 1\n```\n", "no line of a verdict"),
        ("It.\n```sql\n```\n", "means nothing here"),
        ("It.\n```yaml\n```\n```verdict\n```\n```csv\n```\n```settings\nx: 1\n```\n", "setting x"),
    ],
)
def test_a_page_that_is_no_case_is_refused(body: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        list(cases("page", f"# Page\n\n## One\n{body}"))
    assert str(caught.value).startswith("tests/check/cases/page.md:3: ")


def _typed_rows(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table(text).to_pylist()
    return found


def test_typed_blocks_say_what_json_cannot() -> None:
    rows = _typed_rows(
        'i: uint64\nf: float32\n"d:": decimal128(38,2)\nl: list<struct<a: int8, b: map<string, bool>>>\n'
        '[18446744073709551615, "NaN", "-1.50", [{"a": 1, "b": {"k": true}}, null]]\n[null, -0.0, null, []]\n'
    )
    assert rows[0]["i"] == 2**64 - 1
    assert rows[0]["f"] != rows[0]["f"]
    assert str(rows[0]["d:"]) == "-1.50"
    assert rows[0]["l"] == [{"a": 1, "b": [("k", True)]}, None]
    assert str(rows[1]["f"]) == "-0.0"
    assert rows[1]["l"] == []


def test_a_typed_block_changes_no_value() -> None:
    with pytest.raises(ValueError, match="finer than ms"):
        table('t: timestamp[ms]\n["2024-01-01T00:00:00.0001"]\n')
    with pytest.raises(ValueError, match="names one"):
        table('t: timestamp[ms, UTC]\n["2024-01-01T00:00:00"]\n')
    found = table('t: timestamp[ns, Europe/Berlin]\n["1970-01-01T01:00:00.000000001+01:00"]\n')
    assert found.column("t").cast("int64").to_pylist() == [1]
