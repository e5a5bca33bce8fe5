"""The demo's data is what its README says, and each breakage breaks what it says: counted with bare Polars."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from headgate.contract.document import parse
from headgate.demo import breakage, deliveries


def as_text(csv: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(csv), infer_schema=False)


def typed(csv: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(csv), infer_schema_length=None)


def number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64)


def too_fast(day: pl.DataFrame) -> int:
    return day.filter(number("distance") > 12 * number("air_time")).height


@pytest.fixture(scope="module")
def month() -> pl.DataFrame:
    return pl.concat([typed(deliveries.flights(day)) for day in deliveries.DAYS])


@pytest.fixture(scope="module")
def sixteenth() -> str:
    return deliveries.flights(16)


def test_the_month_is_whole_and_its_key_is_a_key(month: pl.DataFrame) -> None:
    sizes = month.group_by("day").len().get_column("len")
    assert (month.height, sizes.min(), sizes.max(), sizes.len()) == (27004, 674, 943, 31)
    assert month.select("time_hour", "carrier", "flight").is_duplicated().sum() == 0


@pytest.mark.parametrize(
    ("table", "rows", "key"),
    [
        ("airlines", 16, ["carrier"]),
        ("airports", 1458, ["faa"]),
        ("planes", 3322, ["tailnum"]),
        ("weather", 2226, ["time_hour", "origin"]),
    ],
)
def test_reference_tables_are_whole_and_keyed(table: str, rows: int, key: list[str]) -> None:
    frame = typed(deliveries.table(table))
    assert frame.height == rows
    assert frame.select(key).is_duplicated().sum() == 0


@pytest.mark.parametrize("table", deliveries.TABLES)
def test_contracts_are_valid_and_declare_the_columns_that_come(table: str) -> None:
    tree: Any = parse(deliveries.contract(table).encode(), f"{table}.yaml").tree
    (declared,) = tree["schema"]
    text = deliveries.flights(1) if table == "flights" else deliveries.table(table)
    assert [p["name"] for p in declared["properties"]] == text.split("\n", 1)[0].split(",")


def test_what_flights_refer_to_is_there(month: pl.DataFrame) -> None:
    airlines, airports = typed(deliveries.table("airlines")), typed(deliveries.table("airports"))
    assert month.join(airlines, on="carrier", how="anti").height == 0
    assert month.join(airports, left_on="origin", right_on="faa", how="anti").height == 0
    # destinations are not declared: airports of Puerto Rico and the Virgin Islands are missing
    missing = month.join(airports, left_on="dest", right_on="faa", how="anti")
    assert sorted(missing["dest"].unique()) == ["BQN", "PSE", "SJU", "STT"]


def test_all_of_it_takes_less_than_two_megabytes() -> None:
    folder = Path(deliveries.__file__).parent
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.suffix != ".pyc" and f.is_file()) < 2_000_000


def test_unpacked_files_are_the_texts_byte_for_byte(tmp_path: Path) -> None:
    deliveries.unpack(tmp_path)
    assert (tmp_path / "inbox/flights-2013-01-16.csv").read_bytes() == deliveries.flights(16).encode()
    assert len(list((tmp_path / "inbox").iterdir())) == 35
    assert {f.stem for f in (tmp_path / "contracts").iterdir()} == set(deliveries.TABLES)
    assert [f.name for f in (tmp_path / "smoke").iterdir()] == ["every_airport_every_day.sql"]


def test_kilometres_exceed_the_longest_flight_and_the_speed_of_sound(sixteenth: str) -> None:
    broken = as_text(breakage.distance_in_kilometres(sixteenth))
    assert broken.filter(number("distance") > 5000).height == 2
    assert (too_fast(as_text(sixteenth)), too_fast(broken)) == (0, 23)


def test_hours_in_the_air_are_no_integers(sixteenth: str) -> None:
    broken = as_text(breakage.air_time_in_hours(sixteenth))["air_time"].drop_nulls()
    assert (broken.len(), broken.str.contains(r"^\d+$").sum()) == (853, 0)


def test_an_unknown_carrier_flies_twelve_flights(sixteenth: str) -> None:
    broken = as_text(breakage.unknown_carrier(sixteenth))
    airlines = as_text(deliveries.table("airlines"))
    assert broken.join(airlines, on="carrier", how="anti")["carrier"].to_list() == ["G7"] * 12


@pytest.mark.parametrize("day", deliveries.DAYS)
def test_a_truncated_file_stops_inside_its_last_line(day: int) -> None:
    broken = breakage.truncated(deliveries.flights(day))
    *whole, last = broken.splitlines()
    assert {line.count(",") for line in whole} == {18}
    assert 0 < last.count(",") < 18
    assert not broken.endswith("\n")


@pytest.mark.parametrize("day", deliveries.DAYS)
def test_a_file_truncated_between_lines_is_too_short_for_a_day(day: int) -> None:
    text = deliveries.flights(day)
    broken = breakage.truncated_between_lines(text)
    assert text.startswith(broken)
    assert broken.endswith("\n")
    assert as_text(broken).height < 600 <= as_text(text).height <= 1100


def test_a_renamed_column_changes_the_header_alone(sixteenth: str) -> None:
    broken = breakage.column_renamed(sixteenth)
    assert broken.replace("tail_number", "tailnum", 1) == sixteenth
    assert "tail_number" in broken.split("\n", 1)[0]


def test_a_second_export_has_other_bytes_and_the_same_rows(sixteenth: str) -> None:
    again = breakage.exported_again(sixteenth)
    assert again != sixteenth
    assert as_text(again).reverse().equals(as_text(sixteenth))


def test_without_one_airport_a_weekday_is_still_long_enough_and_only_the_smoke_query_sees(
    sixteenth: str, month: pl.DataFrame
) -> None:
    rest = typed(breakage.without_origin(sixteenth))
    assert rest.height == 623
    (query,) = deliveries.smoke().values()
    with duckdb.connect() as connection:
        connection.register("flights", month.to_arrow())
        assert connection.execute(query).fetchall() == []
        released = pl.concat([month.filter(pl.col("day") != 16), rest])
        connection.register("flights", released.to_arrow())
        assert connection.execute(query).fetchall() == [(date(2013, 1, 16), "LGA", 0)]
