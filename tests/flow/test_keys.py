"""Keys against what is published: over several files, of several columns, without a value, and besides the key."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from flow.shop import AMOUNT, ID, ITEM, Shop, column, contract, counts, failed, table
from headgate.model.tree import TableEntry
from headgate.ports import Frame, Lake

LINES = contract(
    table(
        "lines",
        column("order", "integer", primaryKey=True, primaryKeyPosition=2),
        column("line", "string", primaryKey=True, primaryKeyPosition=1),
        AMOUNT,
    )
)
PEOPLE = contract(table("people", ID, column("email", unique=True)))
RANGES = ["1,a,1", "50,b,1", "99,c,1"], ["100,d,1", "150,e,1", "199,f,1"], ["120,g,1", "130,h,1"]


def several_files(shop: Shop) -> None:
    """Three files, of which the last two overlap."""
    for rows in RANGES:
        shop.load(shop.orders(*rows))
    assert len(shop.paths()) == 3


@pytest.mark.parametrize("key", [1, 50, 99, 100, 120, 130, 150, 199])
def test_a_key_is_found_in_whichever_file_it_is(shop: Shop, key: int) -> None:
    several_files(shop)
    loaded = shop.load(shop.orders(f"{key},other,1", "1000,new,1"))
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"primaryKey": 1})


@pytest.mark.parametrize("key", [0, 51, 110, 140, 200])
def test_a_key_in_between_is_new(shop: Shop, key: int) -> None:
    several_files(shop)
    assert counts(shop.load(shop.orders(f"{key},new,1"))) == (1, 1, 0, 0, 0)


def test_files_out_of_a_key_s_range_are_not_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    several_files(shop)
    lake = type(shop.project.ports.lake)
    read: list[int] = []
    scan = lake.scan

    def counted(self: Lake, entry: TableEntry, paths: Collection[str] | None = None) -> Frame:
        read.append(len(paths or ()))
        return scan(self, entry, paths)

    monkeypatch.setattr(lake, "scan", counted)
    shop.load(shop.orders("125,new,1"))
    assert read == [2]  # of the three files the two that overlap
    read.clear()
    shop.load(shop.orders("500,new,1"))
    assert read == []


def test_identical_rows_are_found_over_several_files(shop: Shop) -> None:
    several_files(shop)
    loaded = shop.load(shop.orders("1,a,1", "130,h,1", "150,e,1", "151,new,1"))
    assert counts(loaded) == (4, 1, 0, 3, 0)


def test_merge_finds_its_keys_over_several_files(shop: Shop) -> None:
    several_files(shop)
    loaded = shop.load(shop.orders("1,A,1", "130,H,1", "150,E,1", "151,new,1"), mode="merge")
    assert counts(loaded) == (4, 4, 0, 0, 0)
    assert [(i, item) for i, item, _ in shop.rows() if item.isupper()] == [(1, "A"), (130, "H"), (150, "E")]
    assert len(shop.rows()) == 9


# -- keys of several columns --------------------------------------------------------------------------------


def test_a_key_of_several_columns_is_doubled_only_as_a_whole(shop: Shop) -> None:
    shop.load(shop.csv("order,line,amount", "1,a,1", "1,b,1", "2,a,1"), "lines", contract=LINES)
    assert counts(shop.load(shop.csv("order,line,amount", "2,b,1"), "lines")) == (1, 1, 0, 0, 0)
    assert counts(shop.load(shop.csv("order,line,amount", "1,b,1"), "lines")) == (1, 0, 0, 1, 0)
    loaded = shop.load(shop.csv("order,line,amount", "1,b,2", "3,c,1"), "lines")
    assert (loaded.outcome, failed(loaded)) == ("quarantined", {"primaryKey": 1})
    loaded = shop.load(shop.csv("order,line,amount", "1,b,2", "3,c,1"), "lines", mode="merge")
    assert counts(loaded) == (2, 2, 0, 0, 0)
    assert shop.rows("lines")[1] in {(1, "b", 2.0), (1, "a", 1.0)} and len(shop.rows("lines")) == 5


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_a_key_without_a_value_is_bad(shop: Shop, mode: str) -> None:
    shop.load(shop.csv("order,line,amount", "1,a,1"), "lines", contract=LINES)
    loaded = shop.load(
        shop.csv("order,line,amount", ",a,1", "1,,1", ",,1", ",,1", "2,b,1"),
        "lines",
        mode=mode,
        on_fail="quarantine_rows",
        max_quarantined="80%",
    )
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (5, 1, 4, 0, 0))
    assert failed(loaded) == {"primaryKey": 4}


# -- unique columns besides the key -------------------------------------------------------------------------


def test_a_unique_column_besides_the_key_is_held_against_what_is_published(shop: Shop) -> None:
    shop.load(shop.csv("id,email", "1,a@x", "2,b@x", "3,"), "people", contract=PEOPLE)
    loaded = shop.load(
        shop.csv("id,email", "4,a@x", "5,c@x", "6,c@x", "7,d@x"),
        "people",
        on_fail="quarantine_rows",
        max_quarantined="75%",
    )
    assert (counts(loaded), failed(loaded)) == ((4, 1, 3, 0, 0), {"email.unique": 3})
    assert shop.ids("people") == [1, 2, 3, 7]


def test_nulls_are_no_duplicates(shop: Shop) -> None:
    shop.load(shop.csv("id,email", "1,", "2,"), "people", contract=PEOPLE)
    assert counts(shop.load(shop.csv("id,email", "3,", "4,"), "people")) == (2, 2, 0, 0, 0)


def test_under_replace_keys_meet_nothing_that_was_there(shop: Shop) -> None:
    shop.load(shop.csv("id,email", "1,a@x", "2,b@x"), "people", contract=PEOPLE)
    loaded = shop.load(shop.csv("id,email", "1,b@x", "3,a@x"), "people", mode="replace")
    assert (loaded.outcome, shop.rows("people")) == ("published", [(1, "b@x"), (3, "a@x")])


@pytest.mark.parametrize(
    ("kind", "values", "other"),
    [
        ({"logicalType": "string"}, ("é", "x" * 80), "x" * 79),
        ({"logicalType": "number"}, ("1.5", "-0.0"), "0.25"),
        ({"logicalType": "number", "physicalType": "decimal(9,2)"}, ("1.50", "-7"), "7"),
        ({"logicalType": "date"}, ("2024-02-29", "1969-12-31"), "2024-03-01"),
        (
            {"logicalType": "timestamp"},
            ("2024-02-29T00:00:00Z", "1969-12-31T23:59:59Z"),
            "2024-03-01T00:00:00Z",
        ),
        ({"logicalType": "boolean"}, ("true",), "false"),
    ],
)
def test_keys_of_every_type_are_found(
    shop: Shop, kind: dict[str, str], values: tuple[str, ...], other: str
) -> None:
    document = contract(table("things", {"name": "key", "primaryKey": True, **kind}, ITEM))
    shop.load(shop.csv("key,item", *(f"{v},a" for v in values)), "things", contract=document)
    loaded = shop.load(shop.csv("key,item", *(f"{v},a" for v in values)), "things", again=True)
    assert counts(loaded) == (len(values), 0, 0, len(values), 0)
    loaded = shop.load(shop.csv("key,item", *(f"{v},b" for v in values)), "things")
    assert failed(loaded) == {"primaryKey": len(values)}
    assert counts(shop.load(shop.csv("key,item", f"{other},b"), "things")) == (1, 1, 0, 0, 0)
    merged = shop.load(shop.csv("key,item", *(f"{v},c" for v in values)), "things", mode="merge")
    assert counts(merged)[1] == len(values) and len(shop.rows("things")) == len(values) + 1


def test_a_key_that_does_not_fit_its_type_has_no_part_in_doubling(shop: Shop) -> None:
    loaded = shop.load(
        shop.orders("x,a,1", "x,b,1", "1,c,1"), on_fail="quarantine_rows", max_quarantined="70%"
    )
    assert (counts(loaded), failed(loaded)) == ((3, 1, 2, 0, 0), {"id.type": 2})
