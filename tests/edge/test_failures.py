"""Good and bad rows are parted in full for every kind of rule about rows, and each bad row says why it is one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate

HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: case\nversion: 1.0.0\nstatus: active\n"
GOOD: dict[str, Any] = {
    "code": "abc", "amount": 1.5, "day": date(2026, 1, 1), "tags": ["x"], "box": {"w": 1}, "up": 100,
}  # fmt: skip
CONTRACT = (
    HEAD
    + """\
schema:
  - name: t
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: code
        logicalType: string
        required: true
        enum: [{value: abc}, {value: abcd}, {value: abcdefgh}, {value: ABC}]
        logicalTypeOptions: {minLength: 2, maxLength: 6, pattern: "^[a-z]*$"}
        quality:
          - {name: known, metric: missingValues, arguments: {missingValues: [NA]}, mustBe: 0}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100, multipleOf: 0.5}
        quality:
          - {name: valid, metric: invalidValues, arguments: {validValues: [1.5, 2, -1, 100, 1.25]}, mustBe: 0}
      - {name: day, logicalType: date, logicalTypeOptions: {minimum: "2020-01-01"}}
      - name: tags
        logicalType: array
        logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}
        items: {logicalType: string, logicalTypeOptions: {maxLength: 3}}
      - name: box
        logicalType: object
        properties:
          - {name: w, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - name: up
        logicalType: integer
        relationships: [{to: t.id}]
      - {name: part, logicalType: string, unique: true}
"""
).encode()
BROKEN: list[tuple[str, dict[str, Any]]] = [  # a rule that must fail, and the value that must fail it
    ("code.required", {"code": None}),
    ("code.enum", {"code": "xyz"}),
    ("code.minLength", {"code": "a"}),
    ("code.maxLength", {"code": "abcdefgh"}),
    ("code.pattern", {"code": "ABC"}),
    ("code.known", {"code": "NA"}),
    ("amount.minimum", {"amount": -1.0}),
    ("amount.exclusiveMaximum", {"amount": 100.0}),
    ("amount.multipleOf", {"amount": 1.25}),
    ("amount.minimum", {"amount": float("nan")}),
    ("amount.valid", {"amount": 3.0}),
    ("day.minimum", {"day": date(1999, 1, 1)}),
    ("tags.minItems", {"tags": []}),
    ("tags.maxItems", {"tags": ["a", "b", "c"]}),
    ("tags.uniqueItems", {"tags": ["a", "a"]}),
    ("tags.items.maxLength", {"tags": ["long"]}),
    ("box.w.required", {"box": {"w": None}}),
    ("box.w.minimum", {"box": {"w": -1}}),
    ("up.references", {"up": 999}),
    ("primaryKey", {"id": None}),
    ("primaryKey", {"id": 7}),
    ("primaryKey", {"id": 7}),
    ("part.unique", {"part": "same"}),
    ("part.unique", {"part": "same"}),
]


def rows() -> pl.DataFrame:
    """One broken row of each kind between good ones."""
    found = []
    for i, (_, broken) in enumerate([(None, {}), *BROKEN, (None, {})]):
        found.append({**GOOD, "id": 100 + i, "part": f"p{i}", **broken})
    schema: dict[str, Any] = {
        "id": pl.Int64, "code": pl.String, "amount": pl.Float64, "day": pl.Date, "tags": pl.List(pl.String),
        "box": pl.Struct({"w": pl.Int64}), "up": pl.Int64, "part": pl.String,
    }  # fmt: skip
    return pl.DataFrame(found, schema=schema)


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "engine", ["polars", "duckdb"]
)  # Spark writes no one file: tests/edge/test_engine_spark.py
def test_every_kind_of_rule_about_rows_parts_good_from_bad_and_says_why(engine: str, tmp_path: Path) -> None:
    """Seen failing with one rule kind left out of `masks`: its row is among the good ones."""
    checked = headgate.check(rows(), CONTRACT, engine=engine)
    kinds = {f.rule for f in checked.verdict.findings if f.rows_failed is not None}
    assert {f.rule for f in checked.verdict.findings if f.status == "not_executed"} == set()
    checked.write(str(tmp_path / "good.jsonl"), str(tmp_path / "bad.jsonl"))
    good, bad = written(tmp_path / "good.jsonl"), written(tmp_path / "bad.jsonl")
    assert len(good) == 2 and len(bad) == len(BROKEN)
    for (rule, values), row in zip(BROKEN, bad, strict=True):
        assert rule in kinds
        told = {f["rule"]: f for f in row["failures"]}
        assert list(told) == row["rules"] and rule in told
        [(column, _)] = values.items()
        assert told[rule]["column"] == column
        assert told[rule]["value"] == json.loads(row["raw"])[column]
        assert not told[rule]["reason"][:1].isdigit() and told[rule]["reason"]
        assert row["key"] == {"id": json.loads(row["raw"])["id"]}
    about = sum(f.rows_failed or 0 for f in checked.verdict.findings if f.status == "fail")
    assert about == sum(len(row["failures"]) for row in bad)


def test_bad_rows_of_text_have_what_does_not_fit_their_type(tmp_path: Path) -> None:
    contract = (HEAD + "schema:\n  - {name: t, properties: [{name: a b, logicalType: integer}]}\n").encode()
    (tmp_path / "x.csv").write_text('a b\n1\n"x""y"\n')
    headgate.check(tmp_path / "x.csv", contract).write(bad=str(tmp_path / "bad.jsonl"))
    [row] = written(tmp_path / "bad.jsonl")
    assert row["failures"] == [
        {"rule": "a b.type", "column": "a b", "value": 'x"y', "reason": "a b must be an integer"}
    ]
    assert "key" not in row


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_failures_are_in_files_of_every_format(suffix: str, tmp_path: Path) -> None:
    bad = tmp_path / f"bad.{suffix}"
    headgate.check(rows(), CONTRACT).write(bad=str(bad))
    if suffix == "csv":
        first = json.loads(pl.read_csv(bad).get_column("failures")[1])
    else:
        first = (
            (pl.read_parquet(bad) if suffix == "parquet" else pl.read_ndjson(bad))
            .get_column("failures")
            .to_list()[1]
        )
    assert {"rule": "code.enum", "column": "code", "value": "xyz"}.items() <= first[0].items()


def test_data_without_a_fault_have_an_empty_file_of_bad_rows(tmp_path: Path) -> None:
    headgate.check(rows().head(1), CONTRACT).write(bad=str(tmp_path / "bad.parquet"))
    found = pl.read_parquet(tmp_path / "bad.parquet")
    assert found.height == 0
    assert found.columns == ["object", "location", "row", "rules", "raw", "key", "failures"]
