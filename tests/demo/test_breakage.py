"""With the contracts of the demo: the real month passes, and each breakage fails exactly the rules it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.contract.compile import compile_contract
from headgate.contract.document import parse
from headgate.demo import breakage, deliveries
from headgate.edge.engine_polars import PolarsEngine
from headgate.edge.patterns import check_syntax
from headgate.edge.source_files import FileSource
from headgate.model.contract import Dialect
from headgate.model.errors import Unreadable
from headgate.model.names import TableName, table_name
from headgate.model.verdict import Verdict
from headgate.ports import Frame

Judge = Callable[[str, str], Verdict]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    engine, source = PolarsEngine(), FileSource()
    parents: dict[TableName, Frame] = {}

    def judged(table: str, text: str) -> Verdict:
        path = tmp_path / f"{table}.csv"
        path.write_text(text, encoding="utf-8", newline="")
        contract = compile_contract(
            parse(deliveries.contract(table).encode(), f"{table}.yaml"), pattern_error=check_syntax
        )
        rows = source.read(source.find([str(path)]), Dialect()).rows
        checked = engine.check(rows, contract, parents=parents, existing={}, table_rules="all")
        if table in deliveries.REFERENCE:
            parents[table_name(table)] = engine.split(rows, contract, checked, warn=()).good
        return checked.verdict

    for table in deliveries.REFERENCE:
        assert judged(table, deliveries.table(table)).passed
    return judged


def failed(verdict: Verdict) -> dict[str, int | None]:
    return {f.rule: f.rows_failed for f in verdict.findings if f.status == "fail"}


def test_the_weather_passes(judge: Judge) -> None:
    assert failed(judge("weather", deliveries.table("weather"))) == {}


@pytest.mark.parametrize("day", deliveries.DAYS[::5])
def test_a_real_day_passes_every_rule(judge: Judge, day: int) -> None:
    verdict = judge("flights", deliveries.flights(day))
    assert verdict.passed
    assert {f.status for f in verdict.findings} == {"pass"}


@pytest.mark.parametrize(
    ("broken", "rules"),
    [
        (
            breakage.distance_in_kilometres,
            {"distance.maximum": 2, "flights.no_faster_than_720_mph": None},
        ),
        (breakage.air_time_in_hours, {"air_time.type": 853}),
        (breakage.unknown_carrier, {"carrier.references": 12}),
        (breakage.truncated_between_lines, {"flights.a_day_is_complete": None}),
        (breakage.column_renamed, {"tailnum.present": None, "tail_number.undeclared": None}),
        (breakage.exported_again, {}),
        (breakage.without_origin, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_breakage_fails_the_rules_it_names_and_no_other(
    judge: Judge, broken: Callable[[str], str], rules: dict[str, int | None]
) -> None:
    verdict = judge("flights", broken(deliveries.flights(16)))
    assert failed(verdict) == rules
    assert verdict.passed == (not rules)
    assert all(rule in (breakage.__doc__ or "") for rule in rules)


def test_a_truncated_file_is_an_error_that_names_its_line(judge: Judge) -> None:
    with pytest.raises(Unreadable) as caught:
        judge("flights", breakage.truncated(deliveries.flights(16)))
    assert caught.value.place.endswith("flights.csv:540")
