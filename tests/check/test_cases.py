"""The cases in ``cases/*.md``: a contract, rows, and the verdict that every engine must give.

A case is a page: its first ``yaml`` block is the contract's ``schema``, its ``csv`` block the rows as delivered,
its ``verdict`` block a line for each rule that does not simply pass: rule, status, failing rows (by number) or
what was measured. Cases whose values all fit their types are run a second time from typed Parquet.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from headgate.checking import Checked

CASES = sorted((Path(__file__).parent / "cases").glob("*.md"))
HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: case\nversion: 1.0.0\nstatus: active\n"


def _block(text: str, kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the case has no {kind} block"
    return found[1]


def _verdict(checked: Checked) -> list[str]:
    bad = checked.bad_rows
    lines = []
    for finding in checked.verdict.findings:
        if finding.status == "pass":
            continue
        rows = [str(r) for r, rules in bad.select("row", "rules").iter_rows() if finding.rule in rules]
        told = finding.measured or ("rows " + " ".join(rows) if rows else "")
        lines.append(f"{finding.rule} {finding.status} {told}".rstrip())
    return lines


@pytest.mark.parametrize("page", CASES, ids=lambda p: p.stem)
def test_every_engine_gives_the_verdict_of_the_page(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    contract = (HEAD + _block(text, "yaml")).encode()
    wanted = _block(text, "verdict").splitlines()
    data = tmp_path / "rows.csv"
    data.write_text(_block(text, "csv"))
    checked = headgate.check(data, contract)
    assert _verdict(checked) == wanted
    assert checked.verdict.passed == (not any(line.split()[1] in {"fail", "error"} for line in wanted))
    if any(".type fail" in line or ".present" in line or ".undeclared" in line for line in wanted):
        return
    # Every value fits: typed data must be judged alike.
    typed = tmp_path / "rows.parquet"
    _typed(checked).write_parquet(typed)
    assert _verdict(headgate.check(typed, contract)) == wanted


def _typed(checked: Checked) -> pl.DataFrame:
    """All rows, good and bad, as values of the contract's types."""
    judged: Any = checked._judged.evidence
    cells = judged.cells
    return pl.DataFrame(
        cells.lazy.select(pl.col(c.value).alias(c.column.name) for c in cells.cells).collect()
    )


def test_there_are_cases() -> None:
    assert len(CASES) >= 8
