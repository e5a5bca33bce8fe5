"""Parents that are given to a check: described by the same contract, by another file, or by nobody."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import headgate
from check.test_remembered_files import plain
from edge.spark_at_hand import sparks, together
from headgate.edge import beside, check_cache, known_files
from headgate.model.errors import ContractUnusable, NotThere, WrongUse
from headgate.model.verdict import Verdict

HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: shop\nversion: 1.0.0\nstatus: active\n"
ENGINES = [pytest.param(name, marks=together(name)) for name in ("polars", "duckdb", "spark")]


def orders(to: str, *more: str, kind: str = "integer") -> str:
    return f"""{HEAD}schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer}}
      - {{name: customer, logicalType: {kind}, relationships: [{{to: "{to}"}}]}}
""" + "".join(more)


def customers(**extra: str) -> str:
    more = "".join(f", {name}: {value}" for name, value in extra.items())
    return (
        "  - name: customers\n    physicalName: customers_v2\n    properties:\n"
        f"      - {{name: id, physicalName: cid, logicalType: integer{more}}}\n"
        "      - {name: name, logicalType: string, required: true}\n"
    )


FILE = f"{HEAD}schema:\n{customers()}"
TO_FILE = "customers.yaml#/schema/customers/properties/id"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id,customer\n1,1\n2,2\n3,\n4,9\n")
    (tmp_path / "customers.csv").write_text("cid,name\n01,ann\n2,\nx,cid\n")
    (tmp_path / "customers.yaml").write_text(FILE)


def written(text: str, name: str = "orders.yaml") -> str:
    Path(name).write_text(text)
    return name


def found(verdict: Verdict) -> tuple[str, int | None, str]:
    [one] = [f for f in verdict.findings if f.rule == "customer.references"]
    return one.status, one.rows_failed, one.message


def says(to: str, tables: dict[str, object] | None = None) -> str:
    """Why a reference was not executed."""
    verdict = headgate.check("orders.csv", written(orders(to)), tables=tables).verdict
    status, rows, message = found(verdict)
    assert (status, rows, verdict.passed) == ("not_executed", None, False)
    return message


# -- who describes them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "names"),
    [
        (orders("customers.id", customers()), ["customers", "customers_v2", "default.customers_v2"]),
        (orders(TO_FILE), ["customers", "customers_v2"]),
        (orders("customers_v2.cid"), ["customers_v2"]),
    ],
)
def test_parents_are_looked_for_in_the_table_that_was_given(engine: str, text: str, names: list[str]) -> None:
    """Numbers as the contract has them; a row that fails other rules is a parent, one whose key does not fit is not."""
    if engine == "spark":
        assert sparks().local
    for name in names:
        checked = headgate.check(
            "orders.csv", written(text), engine=engine, object="orders", tables={name: "customers.csv"}
        )
        assert found(checked.verdict)[:2] == ("fail", 1)
        assert [json.loads(raw)["id"] for raw in checked.bad_rows.get_column("raw")] == ["4"]


@pytest.mark.parametrize("engine", [pytest.param("spark", marks=together("spark"))])
def test_frames_and_tables_of_spark_are_parents_where_they_are(engine: str) -> None:
    local = sparks().local
    rows = local.createDataFrame([(1, 1), (2, 9)], "id int, customer int")
    parents = local.createDataFrame([(1, "ann"), (2, "bob")], "cid long, name string")
    parents.createOrReplaceTempView("people")
    for given in (parents, "table:people", pl.DataFrame({"cid": [1, 2]}), "customers.csv"):
        checked = headgate.check(rows, written(orders(TO_FILE)), engine=engine, tables={"customers": given})
        assert found(checked.verdict)[:2] == ("fail", 1)


def test_a_table_has_files_of_every_kind_and_frames(tmp_path: Path) -> None:
    pl.DataFrame({"cid": [1], "name": ["ann"]}).write_parquet("a.parquet")
    Path("b.jsonl").write_text('{"cid": 9, "name": "bob"}\n')
    Path("c.csv").write_text("name,cid\ncid,2\n")
    (tmp_path / "folder").mkdir()
    for name in ("a.parquet", "b.jsonl", "c.csv"):
        Path(name).rename(tmp_path / "folder" / name)
    contract = written(orders(TO_FILE))
    for given in ("folder", "folder/*", ["folder/a.parquet", "folder/[bc]*"]):
        assert headgate.check("orders.csv", contract, tables={"customers": given}).verdict.passed
    for frame in (pl.DataFrame({"cid": [1, 2, 9]}), pl.DataFrame({"cid": ["1", "2", "9"]}).to_arrow()):
        assert headgate.check("orders.csv", contract, tables={"customers": frame}).verdict.passed


def test_texts_of_a_table_that_nobody_describes_are_read_as_what_refers_to_them() -> None:
    """Seen failing with such columns left as they are: the engine made no dates of them."""
    Path("orders.csv").write_text("id,customer\n1,01.02.2024\n2,02.02.2024\n")
    Path("days.csv").write_text("day\n01.02.2024\nnever\n")
    kind = "date, logicalTypeOptions: {format: dd.MM.yyyy}"
    for engine in ("polars", "duckdb"):
        contract = written(orders("days.day", kind=kind))
        checked = headgate.check("orders.csv", contract, engine=engine, tables={"days": "days.csv"})
        assert found(checked.verdict)[:2] == ("fail", 1)


def test_a_table_without_the_column_is_not_looked_in() -> None:
    Path("customers.csv").write_text("id,name\n1,ann\n")
    assert says(TO_FILE, {"customers": "customers.csv"}) == "the table customers_v2 has no column cid"


def test_own_rows_and_given_ones_are_parents_side_by_side() -> None:
    text = orders(TO_FILE).replace(
        "logicalType: integer}", "logicalType: integer, relationships: [{to: orders.id}]}", 1
    )
    checked = headgate.check("orders.csv", written(text), tables={"customers": "customers.csv"})
    assert {f.rule: f.status for f in checked.verdict.findings if "references" in f.rule} == {
        "id.references": "pass",
        "customer.references": "fail",
    }


# -- what cannot be meant -----------------------------------------------------------------------------------


def test_a_table_of_a_namespace_finds_parents_in_its_own_rows() -> None:
    """Seen failing: not_executed, with the advice to give the table that is checked."""
    own = orders("orders.id").replace("name: orders", "name: orders\n    physicalName: sales.orders")
    assert found(headgate.check("orders.csv", written(own)).verdict)[:2] == ("fail", 1)


def test_a_table_that_is_missing_is_said_with_the_way_to_give_it() -> None:
    assert "--with customers_v2=DATA" in says(TO_FILE)
    assert "--with elsewhere.codes=DATA" in says("elsewhere.codes.code")


def test_a_table_that_no_reference_names_is_an_error() -> None:
    text = written(orders(TO_FILE))
    with pytest.raises(WrongUse) as caught:
        headgate.check("orders.csv", text, tables={"customer": "customers.csv"})
    assert (caught.value.message, caught.value.hint) == (
        "no reference leads to a table 'customer'",
        "they lead to customers_v2",
    )
    with pytest.raises(WrongUse, match="its own rows are its parents"):
        headgate.check("orders.csv", text, tables={"orders": "orders.csv"})
    with pytest.raises(WrongUse, match="given already"):
        headgate.check(
            "orders.csv", text, tables={"customers": "customers.csv", "customers_v2": "customers.csv"}
        )
    with pytest.raises(NotThere, match=r"no file 'nope\.csv'"):
        headgate.check("orders.csv", text, tables={"customers": "nope.csv"})
    with pytest.raises(WrongUse, match="there is no file nowhere"):
        headgate.check(
            "orders.csv",
            written(orders("nowhere.yaml#/schema/a/properties/b")),
            tables={"a": "customers.csv"},
        )


# -- other files --------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_used_is_why_a_reference_is_not_executed(tmp_path: Path) -> None:
    """Each in its own words. Seen failing, with the bad file read all the same: without the look at where a path leads
    (outside, the link), without that at the kind of file (the pipe: the check waited for ever), and without the bounds.
    """
    os.mkfifo("pipe.yaml")
    Path("large.yaml").write_text(FILE + "#" * 10_000_000)
    Path("list.yaml").write_text("- 1\n")
    Path("other.yaml").write_text(FILE.replace("DataContract", "DataProduct"))
    Path("torn.yaml").write_text("a: [")
    Path("invalid.yaml").write_text(FILE.replace("logicalType: integer", "logicalType: number of things"))
    (tmp_path / "inside").mkdir()
    outside = tmp_path / "customers.yaml"
    (tmp_path / "inside/link.yaml").symlink_to(outside)
    expected = {
        "nowhere.yaml": "there is no file",
        "pipe.yaml": "there is no file",
        "large.yaml": "more than 8,000,000",
        "list.yaml": "list.yaml:1 cannot be used: this is not an ODCS contract",
        "other.yaml": "this is a DataProduct",
        "torn.yaml": "torn.yaml:2 cannot be used",
        "invalid.yaml": "cannot be used",
        f"{tmp_path}/customers.yaml": "starts at the root",
        "https://example.com/customers.yaml": "never from the network",
    }
    for name, said in expected.items():
        assert said in says(f"{name}#/schema/customers/properties/id"), name
    os.chdir("inside")
    Path("orders.csv").write_text("id,customer\n1,1\n")
    for name in ("../customers.yaml", "link.yaml", "a/../../customers.yaml"):
        assert "outside of this contract's folder" in says(f"{name}#/schema/customers/properties/id"), name
    assert "given without a file" in found(headgate.check("orders.csv", orders(TO_FILE).encode()).verdict)[2]


def test_a_name_that_no_file_can_have_is_why_a_reference_is_not_executed() -> None:
    """Seen failing: an OSError."""
    assert "cannot be opened: File name too long" in says(f"{'x' * 300}.yaml#/schema/x/properties/id")


def test_contracts_that_refer_to_one_another_are_read_once_each(tmp_path: Path) -> None:
    """What another contract refers to is not followed, so that a ring of files has no end to look for."""
    back = customers(relationships="[{to: 'orders.yaml#/schema/orders/properties/id'}]")
    Path("customers.yaml").write_text(f"{HEAD}schema:\n{back}")
    assert "--with customers_v2" in says(TO_FILE)
    checked = headgate.check("orders.csv", "orders.yaml", tables={"customers": "customers.csv"})
    assert found(checked.verdict)[:2] == ("fail", 1)
    back = orders("customers.yaml#/schema/orders/properties/id").replace("orders.yaml", "customers.yaml")
    itself = headgate.check("orders.csv", written(back, "customers.yaml"))
    assert found(itself.verdict)[:2] == ("fail", 1)  # 9 is no order


def test_another_contract_s_table_is_not_the_one_that_is_checked_though_it_is_called_the_same() -> None:
    """Seen failing: the parents were looked for among the rows at hand."""
    Path("old.yaml").write_text(FILE.replace("customers_v2", "orders").replace("customers", "orders"))
    said = says("old.yaml#/schema/orders/properties/id")
    assert "the table that is checked is called orders, too" in said
    Path("old.yaml").write_text(FILE.replace("customers_v2", "old.orders").replace("customers", "orders"))
    assert "--with old.orders=DATA" in says("old.yaml#/schema/orders/properties/id")


def test_a_table_of_another_contract_may_be_called_as_one_beside_the_one_that_is_checked() -> None:
    """Seen failing: of the two that have the contract's own objects, only the table that is checked is at hand."""
    text = orders(TO_FILE, customers().replace("customers_v2", "other")).replace(
        "name: customers", "name: customers_v2"
    )
    checked = headgate.check(
        "orders.csv", written(text), object="orders", tables={"customers": "customers.csv"}
    )
    assert found(checked.verdict)[:2] == ("fail", 1)


def test_no_more_files_are_read_than_a_contract_may_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing without the bounds: the third file was read."""
    monkeypatch.setattr(beside, "FILES_MAX", 2)
    for i in range(3):
        Path(f"c{i}.yaml").write_text(FILE.replace("customers", f"c{i}"))
    to = ", ".join(f'{{to: "c{i}.yaml#/schema/c{i}/properties/id"}}' for i in range(3))
    text = orders(TO_FILE).replace(f'{{to: "{TO_FILE}"}}', to)
    findings = headgate.check("orders.csv", written(text)).verdict.findings
    said = [f.message for f in findings if f.status == "not_executed"]
    assert ["--with" in each for each in said] == [True, True, False]
    assert "no more than 2 files" in said[2]


def test_two_contracts_that_describe_one_table_are_not_chosen_between(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/customers.yaml").write_text(FILE.replace("logicalType: integer", "logicalType: string"))
    text = orders(TO_FILE).replace("]}", f', {{to: "b/{TO_FILE}"}}]}}')
    said = [
        f.message
        for f in headgate.check("orders.csv", written(text)).verdict.findings
        if f.status == "not_executed"
    ]
    assert "--with" in said[0] and "customers.yaml, describes the table customers_v2, too" in said[1]


def test_a_contract_that_describes_parents_and_contradicts_itself_is_named(tmp_path: Path) -> None:
    """Its own rules are no business of this check, but what it says of its columns is."""
    Path("customers.yaml").write_text(FILE.replace("physicalName: cid", "physicalName: name"))
    with pytest.raises(ContractUnusable) as caught:
        headgate.check("orders.csv", written(orders(TO_FILE)), tables={"customers": "customers.csv"})
    assert caught.value.place.startswith("customers.yaml:")


def test_lint_reads_what_a_check_reads(tmp_path: Path) -> None:
    """Seen failing without the files beside the contract: every such reference was said to fail every verdict."""

    def said(to: str) -> list[str]:
        return [a.message for a in headgate.lint(written(orders(to))) if "not executed" in a.message]

    assert said(TO_FILE) == []
    [advice] = said("nowhere.yaml#/schema/customers/properties/id")
    assert "there is no file nowhere.yaml" in advice


# -- what is remembered -------------------------------------------------------------------------------------


@pytest.fixture
def remembering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADGATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(known_files, "_TICK_NS", 0)
    pl.DataFrame({"id": [1, 2], "customer": [1, 2]}).write_parquet("orders.parquet")
    return tmp_path / "cache" / "partials.db"


def agree(given: object, engine: str = "polars") -> Verdict:
    """The verdict that remembers, which is the cold one's."""
    time.sleep(0.02)  # several ticks of the file system's clock
    contract = written(orders(TO_FILE))
    tables = {"customers": given}
    warm = headgate.check("orders.parquet", contract, engine=engine, tables=tables, remember=True).verdict
    assert plain(warm) == plain(
        headgate.check("orders.parquet", contract, engine=engine, tables=tables).verdict
    )
    return warm


def how(verdict: Verdict) -> str:
    return next(f.how for f in verdict.findings if f.rule == "customer.references")


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_verdict_is_remembered_until_the_parents_are_others(
    remembering: Path, suffix: str, engine: str
) -> None:
    """Seen failing with the parents' files left out of what is known: a parent that had gone was still there."""

    def put(*ids: int) -> str:
        frame = pl.DataFrame({"cid": ids, "name": ["a"] * len(ids)})
        frame.write_csv("c.csv") if suffix == "csv" else frame.write_parquet("c.parquet")
        return f"c.{suffix}"

    assert (agree(put(1, 2), engine).passed, how(agree("c." + suffix, engine))) == (True, "partial")
    assert not agree(put(1, 3), engine).passed
    assert how(agree(put(2, 1), engine)) == "scan"
    Path("customers.yaml").write_text(FILE.replace("logicalType: integer", "logicalType: boolean"))
    assert not agree("c." + suffix, engine).passed  # no number is one
    assert remembering.exists()


def test_of_a_folder_of_parents_that_grew_nothing_is_looked_for_again(
    remembering: Path, tmp_path: Path
) -> None:
    (tmp_path / "parents").mkdir()
    pl.DataFrame({"cid": [1, 2]}).write_parquet("parents/a.parquet")
    assert agree("parents").passed
    pl.DataFrame({"cid": [3]}).write_parquet("parents/b.parquet")
    grown = agree("parents")
    assert (grown.passed, how(grown)) == (True, "partial")
    Path("parents/a.parquet").unlink()
    assert not agree("parents").passed
    assert remembering.exists()


def test_parents_that_change_while_they_are_looked_at_leave_nothing_behind(
    remembering: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing with text files known by their bytes alone: these came back, and with them the verdict on others."""
    before, meanwhile = "cid,name\n1,a\n3,b\n", "cid,name\n1,a\n2,b\n"
    identified = known_files.identified

    def overtaken(*asked: Any) -> object:
        found = identified(*asked)
        Path("c.csv").write_text(meanwhile)
        return found

    Path("c.csv").write_text(before)
    written(orders(TO_FILE))
    time.sleep(0.02)
    with monkeypatch.context() as patch:
        patch.setattr(known_files, "identified", overtaken)
        options: Any = {"tables": {"customers": "c.csv"}, "remember": True}
        assert headgate.check("orders.parquet", "orders.yaml", **options).verdict.passed
    Path("c.csv").write_text(before)
    assert not agree("c.csv").passed
    assert remembering.exists()


def test_of_frames_nothing_is_remembered(remembering: Path) -> None:
    assert agree(pl.DataFrame({"cid": [1, 2]})).passed
    assert not agree(pl.DataFrame({"cid": [1, 3]})).passed
    assert not remembering.exists()


def test_a_stale_entry_is_found_by_comparing(remembering: Path) -> None:
    """What the comparison is worth: one count that is not true any more, and it fails."""
    pl.DataFrame({"cid": [1]}).write_parquet("c.parquet")
    assert not agree("c.parquet").passed
    with sqlite3.connect(remembering) as db:
        for key, body in list(db.execute("SELECT key, body FROM partial")):
            said = json.loads(body)
            if isinstance(said, list) and said[1:] == [1, *said[2:]]:
                said[1], said[2:3] = 0, [[]] * len(said[2:3])
                stale = json.dumps(said).encode()
                db.execute(
                    "UPDATE partial SET sum = ?, body = ? WHERE key = ?",
                    (check_cache._sum(key, stale), stale, key),
                )
    db.close()
    with pytest.raises(AssertionError):
        agree("c.parquet")


def test_a_memory_of_parents_costs_no_reading_of_them(
    remembering: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pl.DataFrame({"cid": [1, 2]}).write_parquet("c.parquet")
    agree("c.parquet")

    def refuse(*_: object) -> object:
        raise AssertionError("parents were read")

    monkeypatch.setattr("headgate.checking.fitting", refuse)
    verdict = headgate.check(
        "orders.parquet", "orders.yaml", tables={"customers": "c.parquet"}, remember=True
    ).verdict
    assert replace(verdict, findings=()).passed and how(verdict) == "partial"
