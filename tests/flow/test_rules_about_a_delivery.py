"""Rules with ``scope: delivery`` are about what came: not about the table, and not about what is left to load."""

from __future__ import annotations

from pathlib import Path

import pytest

import headgate
from headgate.project import Project

CONTRACT = b"""\
apiVersion: v3.2.0
kind: DataContract
id: sales
version: 1.0.0
status: active
schema:
  - name: sales
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
    quality:
      - name: three_came
        metric: rowCount
        mustBe: 3
        customProperties:
          - {property: scope, value: delivery, vendor: headgate}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return headgate.init(tmp_path)


def csv(folder: Path, name: str, *ids: int) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in ("id", *ids)))
    return path


def test_a_table_of_many_deliveries_is_promoted(project: Project, tmp_path: Path) -> None:
    project.load("sales", csv(tmp_path, "a.csv", 1, 2, 3), contract=CONTRACT)
    project.load("sales", csv(tmp_path, "b.csv", 4, 5, 6))
    promoted = project.promote()
    assert promoted.outcome == "promoted"
    found: dict[str, str] = {f.rule: f.status for f in promoted.findings}
    assert found["sales:sales.three_came"] == "info"


def test_rows_that_were_there_already_count_as_having_come(project: Project, tmp_path: Path) -> None:
    project.load("sales", csv(tmp_path, "a.csv", 1, 2, 3), contract=CONTRACT)
    again = project.load("sales", csv(tmp_path, "again.csv", 3, 2, 4))
    assert (again.outcome, again.counts.rows_good, again.counts.rows_deduplicated) == ("published", 1, 2)
    short = project.load("sales", csv(tmp_path, "short.csv", 3, 5))
    assert (short.outcome, short.counts.rows_quarantined) == ("quarantined", 2)
