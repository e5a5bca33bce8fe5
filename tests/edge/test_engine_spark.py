"""Checks on Spark: its own frames in process and by Connect, files, sessions of every setting, both sides written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from edge.spark_at_hand import sparks
from headgate.edge.spark import samples as spark_samples
from headgate.model.errors import NotThere, Unreadable, WrongUse

pytestmark = pytest.mark.xdist_group("spark")

CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true, unique: true}
      - {name: country, logicalType: string, quality: [{metric: invalidValues, mustBe: 0,
         arguments: {validValues: [AT, CH]}}]}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0.1}}
      - {name: price, logicalType: number, physicalType: "decimal(9,2)",
         logicalTypeOptions: {maximum: 10, multipleOf: 0.05}}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {minimum: "2024-03-10T07:30:00Z"}}
      - {name: clock, logicalType: timestamp, physicalType: timestamp_ntz,
         logicalTypeOptions: {minimum: "2024-03-10T02:30:00"}}
      - {name: day, logicalType: date, logicalTypeOptions: {maximum: "2024-12-31"}}
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: "^(?:[a-z]{2}-)*[0-9]$"}}
      - {name: word, logicalType: string, logicalTypeOptions: {pattern: "^(?!no)", maxLength: 3}}
"""


@pytest.fixture(autouse=True)
def _spark() -> None:
    """Before a check starts one of its own."""
    sparks()


def _rows() -> pl.DataFrame:
    """Row 1 is good. Row 2 fails every rule but the key's; 3 and 4 share a key; 5 is null but for its key."""
    dst = datetime(2024, 3, 10, 2, 30)  # noqa: DTZ001 - a wall-clock time, which New York skips
    return pl.DataFrame(
        {
            "id": [1, 2, 3, 3, 5],
            "country": ["AT", "IT", "CH", "CH", None],
            "amount": [0.1, float("nan"), float("inf"), 1.5, None],
            "price": [Decimal("9.95"), Decimal("9.99"), Decimal("0.00"), Decimal("-1.05"), None],
            "at": [
                datetime(2024, 3, 10, 7, 30, tzinfo=UTC),
                datetime(2024, 3, 10, 7, 29, 59, 999999, tzinfo=UTC),
                *[datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)] * 2,
                None,
            ],
            "clock": [dst, dst.replace(minute=29), dst, dst, None],
            "day": [date(1, 1, 1), date(2025, 1, 1), date(2024, 12, 31), date(2024, 2, 29), None],
            "code": ["ab-cd-1", "ab-1\n", "7", "7", None],
            "word": ["\U0001f600bc", "nope", "", "n", None],
        },
        schema_overrides={"price": pl.Decimal(9, 2)},
    )


FAILED = {
    "id.unique": 2,
    "id.primary_key": 2,
    "country.invalidValues": 1,
    "amount.minimum": 1,
    "price.multipleOf": 1,
    "at.minimum": 1,
    "clock.minimum": 1,
    "day.maximum": 1,
    "code.pattern": 1,
    "word.maxLength": 1,
    "word.pattern": 1,
}


def _failed(checked: headgate.Checked) -> dict[str, int | None]:
    return {str(f.rule): f.rows_failed for f in checked.verdict.findings if f.status != "pass"}


def _frame(session: Any) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    table = _rows().to_arrow(compat_level=pl.CompatLevel.oldest())
    return session.createDataFrame(table, from_arrow_schema(table.schema, prefer_timestamp_ntz=True))


@pytest.mark.parametrize("kind", ["local", "connect"])
def test_a_frame_of_sparks_is_judged_as_polars_judges_it(kind: str) -> None:
    ours = headgate.check(_rows(), CONTRACT)
    theirs = headgate.check(_frame(getattr(sparks(), kind)), CONTRACT)
    assert _failed(theirs) == _failed(ours)
    assert [(f.rule, f.status, f.message) for f in theirs.verdict.findings] == [
        (f.rule, f.status, f.message) for f in ours.verdict.findings
    ]
    assert (theirs.verdict.rows, theirs.verdict.rows_bad) == (5, 3)
    bad = theirs.bad_rows["rules"].to_list()
    assert sorted(map(sorted, bad)) == sorted(map(sorted, ours.bad_rows["rules"].to_list()))
    good = theirs.good_rows.sort("id")
    assert good.equals(ours.good_rows.sort("id"))


@contextmanager
def _set(session: Any, settings: dict[str, str]) -> Iterator[None]:
    before = {key: session.conf.get(key) for key in settings}
    try:
        for key, value in settings.items():
            session.conf.set(key, value)
        yield
        assert {key: session.conf.get(key) for key in settings} == settings
    finally:
        for key, value in before.items():
            session.conf.set(key, value)


@pytest.mark.parametrize(
    "settings",
    [
        {"spark.sql.session.timeZone": "Asia/Kathmandu", "spark.sql.ansi.enabled": "false"},
        {"spark.sql.parser.escapedStringLiterals": "true", "spark.sql.caseSensitive": "true"},
        {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"},
        {"spark.sql.timestampType": "TIMESTAMP_NTZ", "spark.sql.legacy.sizeOfNull": "true"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_no_setting_of_a_session_changes_a_verdict_and_none_is_changed(settings: dict[str, str]) -> None:
    """Seen failing with string literals in quotes instead of bytes (escapedStringLiterals)."""
    session = sparks().local
    expected = _failed(headgate.check(_rows(), CONTRACT))
    with _set(session, settings):
        assert _failed(headgate.check(_frame(session), CONTRACT)) == expected


def test_files_are_read_by_spark_with_their_places_and_row_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "in box+1% [a]{b}"
    folder.mkdir()
    _rows().head(3).write_parquet(folder / "a.parquet")
    _rows().tail(2).write_parquet(folder / "b.parquet")
    ours = headgate.check(folder, CONTRACT)
    theirs = headgate.check(folder, CONTRACT, engine="spark")
    assert [(f.rule, f.samples) for f in theirs.verdict.findings] == [
        (f.rule, f.samples) for f in ours.verdict.findings
    ]
    columns = ["location", "row", "rules"]
    assert theirs.bad_rows.select(columns).sort("location", "row").equals(ours.bad_rows.select(columns))


@pytest.mark.parametrize("few", [0, 1000])
def test_samples_are_the_same_whether_rows_are_fetched_or_ranked_by_spark(
    few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_samples, "FEW", few)
    pl.concat([_rows()] * 4).write_parquet(tmp_path / "rows.parquet")
    ours = headgate.check(tmp_path, CONTRACT)
    theirs = headgate.check(tmp_path, CONTRACT, engine="spark")
    assert [(f.rule, f.rows_failed, f.samples) for f in theirs.verdict.findings] == [
        (f.rule, f.rows_failed, f.samples) for f in ours.verdict.findings
    ]
    assert theirs.verdict.rows_bad == ours.verdict.rows_bad


def test_text_goes_through_our_own_reader(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('id,country\n1,AT\n" 2",CH\n3,""\n3,\n')
    contract = CONTRACT.split(b"      - {name: amount")[0]
    ours = headgate.check(file, contract)
    theirs = headgate.check(file, contract, engine="spark")
    assert _failed(theirs) == _failed(ours) != {}
    assert theirs.bad_rows.sort("row").drop("object").equals(ours.bad_rows.drop("object"))


def _failures(bad: pl.DataFrame) -> list[tuple[Any, Any]]:
    """In no order, and without instants, which each engine writes in its own way."""
    rows = bad.select("key", "failures").to_dicts()
    shown = [
        (row["key"], sorted((f for f in row["failures"] if f["column"] != "at"), key=lambda f: f["rule"]))
        for row in rows
    ]
    return sorted(shown, key=str)


def test_both_sides_are_written_by_spark_and_nothing_is_written_over(tmp_path: Path) -> None:
    checked = headgate.check(_frame(sparks().local), CONTRACT)
    good, bad = tmp_path / "good", tmp_path / "bad.parquet"
    checked.write(str(good), str(bad))
    assert pl.read_parquet(good / "*.parquet").sort("id").equals(checked.good_rows.sort("id"))
    headgate.check(_rows(), CONTRACT).write(bad=str(tmp_path / "polars.parquet"))
    told = ["rules", "raw", "key", "failures"]
    expected = pl.read_parquet(tmp_path / "polars.parquet").select(told)
    found = pl.read_parquet(bad / "*.parquet").select(told)
    assert _failures(found) == _failures(expected)
    with pytest.raises(WrongUse, match="exists"):
        checked.write(str(good))
    with pytest.raises(WrongUse, match="one file"):
        checked.write(str(tmp_path / "good.csv"))


def test_both_sides_become_tables() -> None:
    session = sparks().local
    checked = headgate.check(_frame(session), CONTRACT)
    try:
        checked.write("table:good_orders", "table:bad_orders")
        assert session.table("good_orders").count() == 2
        again = headgate.check("table:good_orders", CONTRACT, engine="spark")
        assert (again.verdict.passed, again.verdict.rows) == (True, 2)
        with pytest.raises(NotThere):
            headgate.check("table:bad.orders", CONTRACT, engine="spark")
        with pytest.raises(WrongUse):
            checked.write("table:good_orders")
    finally:
        session.sql("drop table if exists good_orders")
        session.sql("drop table if exists bad_orders")


def test_a_damaged_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    _rows().write_parquet(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:8] + b"\xff" * 200 + whole[208:])
    with pytest.raises(Unreadable):
        headgate.check(file, CONTRACT, engine="spark").bad_rows  # noqa: B018


def test_the_age_of_a_column_is_not_measured_and_says_so() -> None:
    """Never a pass, and no crash."""
    aged = CONTRACT + b"slaProperties: [{property: latency, value: 9, unit: y, element: orders.at}]\n"
    verdict = headgate.check(_rows(), aged, engine="spark").verdict
    assert [f.status for f in verdict.findings if f.rule == "sla.latency"] == ["not_executed"]
