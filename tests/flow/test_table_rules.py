"""Rules about the table: every bound, on the merged table; what a file told is kept, and not measured twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from flow.shop import ID, ITEM, Shop, column, contract, counts, failed, of_headgate, statuses, table
from headgate.checks.partials import file_key, rule_key
from headgate.model.contract import Column, ColumnType, IntegerType, StringType, TableContract
from headgate.model.names import RuleName
from headgate.model.rule import Body, Bound, FailingRows, Measured, NotNull, Predicate, Rule
from headgate.project import open_project


def ruled(
    *of_object: Mapping[str, object], of_item: Sequence[Mapping[str, object]] = (), **more: object
) -> bytes:
    """The contract of ``orders`` with rules about the table, and about its column ``item``."""
    item = column("item", quality=list(of_item)) if of_item else ITEM
    return contract(table("orders", ID, item, quality=list(of_object)), **more)  # type: ignore[arg-type]


def rows(shop: Shop, *rows: str) -> str:
    return shop.csv("id,item", *rows)


def settle(shop: Shop, first: int, last: int, item: str = "pen") -> str:
    return rows(shop, *(f"{i},{item}" for i in range(first, last + 1)))


# -- bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        ({"mustBe": 3}, {3}),
        ({"mustNotBe": 3}, {1, 2, 4, 5}),
        ({"mustBeGreaterThan": 3}, {4, 5}),
        ({"mustBeGreaterOrEqualTo": 3}, {3, 4, 5}),
        ({"mustBeLessThan": 3}, {1, 2}),
        ({"mustBeLessOrEqualTo": 3}, {1, 2, 3}),
        ({"mustBeBetween": [2, 4]}, {2, 3, 4}),
        ({"mustNotBeBetween": [2, 4]}, {1, 5}),
    ],
)
def test_every_bound_is_held_against_the_merged_table(
    shop: Shop, bound: dict[str, object], holds: Collection[int]
) -> None:
    """Bounds on rowCount, as the table would be: nothing is published that breaks one, and the next is judged anew."""
    document = ruled({"metric": "rowCount", **bound})
    for n in range(1, 6):
        loaded = shop.load(settle(shop, 1, n), contract=document, mode="replace")
        assert (loaded.outcome == "published") == (n in holds), n


def test_rows_that_are_there_count_with_those_that_come(shop: Shop) -> None:
    document = ruled({"metric": "rowCount", "mustBeLessOrEqualTo": 3})
    shop.load(settle(shop, 1, 2), contract=document)
    loaded = shop.load(settle(shop, 3, 4))
    assert (loaded.outcome, statuses(loaded)["rowCount"], counts(loaded)) == (
        "quarantined",
        "fail",
        (2, 0, 2, 0, 0),
    )
    assert {str(f.rule): f.measured for f in loaded.findings}["rowCount"] == "4"
    assert shop.load(rows(shop, "1,pen", "2,pen", "3,pen")).outcome == "published"  # two are there already


@pytest.mark.parametrize(
    ("quality", "passes", "breaks"),
    [
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 1}, ["1,", "2,a", "3,b"], ["4,"]),
        ({"metric": "nullValues", "mustBeLessThan": 50, "unit": "percent"}, ["1,", "2,a", "3,b"], ["4,"]),
        (
            {"metric": "missingValues", "mustBeLessThan": 2, "arguments": {"missingValues": ["n/a"]}},
            ["1,n/a", "2,a"],
            ["3,"],
        ),
        (
            {"metric": "invalidValues", "mustBeLessThan": 2, "arguments": {"validValues": ["a", "b"]}},
            ["1,c", "2,a", "3,"],
            ["4,d"],
        ),
        (
            {
                "metric": "invalidValues",
                "mustBeLessOrEqualTo": 50,
                "unit": "percent",
                "arguments": {"pattern": "^a"},
            },
            ["1,b", "2,a"],
            ["3,c"],
        ),
        ({"metric": "duplicateValues", "mustBeLessOrEqualTo": 1}, ["1,a", "2,a", "3,b"], ["4,b"]),
        (
            {"metric": "duplicateValues", "mustBeLessThan": 50, "unit": "percent"},
            ["1,a", "2,a", "3,b"],
            ["4,a"],
        ),
    ],
)
def test_counts_and_shares_are_of_the_merged_table(
    shop: Shop, quality: dict[str, object], passes: list[str], breaks: list[str]
) -> None:
    rule = f"item.{quality['metric']}"
    loaded = shop.load(rows(shop, *passes), contract=ruled(of_item=[quality]))
    assert (loaded.outcome, statuses(loaded)[rule]) == ("published", "pass")
    loaded = shop.load(rows(shop, *breaks))
    assert (loaded.outcome, list(failed(loaded))) == ("quarantined", [rule])
    assert shop.load(rows(shop, "100,a", "101,b", "102,abc", "103,a"), mode="replace").outcome == "published"


def test_a_rule_in_sql_sees_the_merged_table(shop: Shop) -> None:
    document = ruled(
        {"id": "span", "type": "sql", "query": "SELECT max(id) - min(id) FROM {object}", "mustBeLessThan": 10}
    )
    assert shop.load(rows(shop, "1,a", "9,b"), contract=document).outcome == "published"
    loaded = shop.load(rows(shop, "11,c"))
    assert (loaded.outcome, list(failed(loaded))) == ("quarantined", ["orders.span"])


def test_a_rule_in_sql_that_does_not_run_is_an_error_and_stops_the_batch(shop: Shop) -> None:
    document = ruled({"id": "odd", "type": "sql", "query": "SELECT nothing FROM {object}", "mustBe": 0})
    loaded = shop.load(rows(shop, "1,a"), contract=document, on_fail="warn")
    assert (loaded.outcome, statuses(loaded)["orders.odd"]) == ("quarantined", "error")


def test_a_rule_about_the_table_may_warn(shop: Shop) -> None:
    warns = {"metric": "rowCount", "mustBeLessThan": 2, "customProperties": of_headgate(onFail="warn")}
    loaded = shop.load(settle(shop, 1, 3), contract=ruled(warns))
    assert (loaded.outcome, statuses(loaded)["rowCount"]) == ("published", "warn")
    assert shop.project.promote().outcome == "promoted"


def test_a_rule_about_the_table_never_takes_single_rows(shop: Shop) -> None:
    document = ruled({"metric": "rowCount", "mustBeLessThan": 2})
    loaded = shop.load(
        settle(shop, 1, 3), contract=document, on_fail="quarantine_rows", max_quarantined="100%"
    )
    assert (loaded.outcome, counts(loaded)) == ("quarantined", (3, 0, 3, 0, 0))


def test_good_rows_alone_are_measured_on_the_merged_table(shop: Shop) -> None:
    """Of three rows one goes to quarantine: the table has two. Then the whole batch does, with the same file."""
    document = contract(
        table(
            "orders",
            ID,
            column("item", required=True),
            quality=[{"metric": "rowCount", "mustBeLessOrEqualTo": 2}],
            customProperties=of_headgate(onFail="quarantine_rows", maxQuarantined="50%"),
        )
    )
    loaded = shop.load(rows(shop, "1,a", "2,", "3,c"), contract=document)
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (3, 2, 1, 0, 0))
    loaded = shop.load(rows(shop, "4,d", "5,"))
    assert (loaded.outcome, counts(loaded), failed(loaded)) == (
        "quarantined",
        (2, 0, 2, 0, 0),
        {"item.required": 1, "rowCount": None},
    )


def test_an_empty_table_has_no_shares(shop: Shop) -> None:
    none = {"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"}
    assert shop.load(rows(shop), contract=ruled(of_item=[none])).outcome == "published"


def test_metrics_that_allow_only_zero_are_about_rows(shop: Shop) -> None:
    document = ruled(
        of_item=[{"metric": "nullValues", "mustBeLessThan": 1}, {"metric": "duplicateValues", "mustBe": 0}]
    )
    loaded = shop.load(
        rows(shop, "1,", "2,a", "3,a", "4,b"),
        contract=document,
        on_fail="quarantine_rows",
        max_quarantined="75%",
    )
    assert (loaded.outcome, counts(loaded)) == ("published_partial", (4, 1, 3, 0, 0))
    assert failed(loaded) == {"item.nullValues": 1, "item.duplicateValues": 2}
    assert failed(shop.load(rows(shop, "5,b"))) == {"item.duplicateValues": 1}


# -- what is not run ----------------------------------------------------------------------------------------


def test_every_declared_rule_is_accounted_for_and_what_is_not_run_blocks_unless_allowed(shop: Shop) -> None:
    """Promise 8."""
    document = ruled(
        {"id": "words", "type": "text", "description": "must look nice"},
        {"id": "other", "type": "custom", "engine": "soda", "implementation": "..."},
    )
    loaded = shop.load(rows(shop, "1,a"), contract=document)
    assert loaded.outcome == "quarantined"
    told = statuses(loaded)
    assert (told["orders.words"], told["orders.other"]) == ("info", "not_executed")
    assert set(told) >= {"id.type", "item.type", "primaryKey"}
    allowed = shop.load(rows(shop, "1,a"), contract=document, allow_unexecuted=["orders.other"])
    assert (allowed.outcome, statuses(allowed)["orders.other"]) == ("published", "not_executed")
    assert shop.load(rows(shop, "2,a"), allow_unexecuted=["orders.others"]).outcome == "quarantined"


@pytest.mark.parametrize("scope", ["table", "delivery"])
def test_a_query_in_the_sql_of_spark_is_not_executed_by_a_load(shop: Shop, scope: str) -> None:
    """Seen failing, with the rule in error, where a measurement had no word for it."""
    query = {"id": "q", "type": "sql", "query": "SELECT count(*) FROM {object}", "mustBeGreaterThan": 0}
    document = ruled({**query, "customProperties": of_headgate(dialect="spark", scope=scope)})
    loaded = shop.load(rows(shop, "1,a"), contract=document)
    assert (loaded.outcome, statuses(loaded)["orders.q"]) == ("quarantined", "not_executed")
    for row in ("1,a", "2,a"):
        loaded = shop.load(rows(shop, row), contract=document, allow_unexecuted=["orders.q"])
        assert (loaded.outcome, statuses(loaded)["orders.q"]) == ("published", "not_executed")


# -- partials -----------------------------------------------------------------------------------------------


@pytest.fixture
def measured(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The rules of each call of the engine's `measure`."""
    calls: list[list[str]] = []
    engine = type(shop.project.ports.engine)
    measure = engine.measure

    def counted(self: Any, rows: Any, of: TableContract, rules: Sequence[Rule], *parents: Any) -> Any:
        calls.append([str(r.name) for r in rules])
        return measure(self, rows, of, rules, *parents)

    monkeypatch.setattr(engine, "measure", counted)
    return calls


NULLS = {"metric": "nullValues", "mustBeLessThan": 3}
INVALID = {"metric": "invalidValues", "mustBeLessThan": 3, "arguments": {"validValues": ["a"]}}


def test_a_load_measures_its_own_file_and_no_other(shop: Shop, measured: list[list[str]]) -> None:
    shop.load(
        rows(shop, "1,a", "2,"),
        contract=ruled({"metric": "rowCount", "mustBeGreaterThan": 0}, of_item=[INVALID]),
    )
    for i in range(3, 6):
        shop.load(rows(shop, f"{i},a"))
    assert measured == [["item.invalidValues"]] * 4


def test_what_statistics_prove_is_not_measured(shop: Shop, measured: list[list[str]]) -> None:
    shop.load(rows(shop, "1,", "2,a"), contract=ruled(of_item=[NULLS]))
    loaded = [shop.load(rows(shop, f"{i},a")) for i in range(3, 6)]
    assert measured == [["item.nullValues"]]  # of the first file, which has a null
    found = {str(f.rule): (f.measured, f.how) for f in loaded[-1].findings}
    assert found["item.nullValues"] == ("1", "partial")


def test_what_one_file_told_counts_again_at_every_load(shop: Shop, measured: list[list[str]]) -> None:
    shop.load(rows(shop, "1,", "2,"), contract=ruled(of_item=[NULLS]))
    assert shop.load(rows(shop, "3,a")).outcome == "published"
    loaded = shop.load(rows(shop, "4,"))
    assert (loaded.outcome, {str(f.rule): f.measured for f in loaded.findings}["item.nullValues"]) == (
        "quarantined",
        "3",
    )
    assert len(measured) == 2


def test_a_new_rule_measures_every_file_once_and_the_old_one_none_again(
    shop: Shop, measured: list[list[str]]
) -> None:
    shop.load(rows(shop, "1,a"), contract=ruled(of_item=[NULLS]))
    shop.load(rows(shop, "2,"))
    measured.clear()
    shop.load(rows(shop, "3,a"), contract=ruled(of_item=[NULLS, INVALID], version="2.0.0"))
    assert measured == [["item.invalidValues"]] * 2  # both files at once, then the new one
    measured.clear()
    shop.load(rows(shop, "4,"))
    assert measured == [["item.nullValues", "item.invalidValues"]]


def test_another_bound_needs_no_new_measurement(shop: Shop, measured: list[list[str]]) -> None:
    shop.load(rows(shop, "1,"), contract=ruled(of_item=[NULLS]))
    measured.clear()
    stricter = {**NULLS, "mustBeLessThan": 2}
    assert shop.load(rows(shop), contract=ruled(of_item=[stricter], version="2.0.0")).outcome == "published"
    assert measured == []


def test_rules_in_sql_are_measured_on_the_whole_table_every_time(
    shop: Shop, measured: list[list[str]]
) -> None:
    sql = {"id": "n", "type": "sql", "query": "SELECT count(*) FROM {object}", "mustBeGreaterThan": 0}
    for i in range(3):
        shop.load(rows(shop, f"{i},a"), contract=ruled(sql))
    assert measured == [["orders.n"]] * 3


BODY = Measured(FailingRows(NotNull("n")), Bound("mustBe", ()))
INTEGER = IntegerType()
N = Column("n", INTEGER)


def key(
    path: str = "a",
    body: Body = BODY,
    columns: tuple[Column, ...] = (N,),
    stored: ColumnType = INTEGER,
    engine: str = "e1",
    where: Predicate | None = None,
) -> str:
    document = TableContract("c", "1", "t", "t", columns, (), "")
    rule = Rule(RuleName("r"), body, where=where)
    return file_key(path, rule_key(rule, document, {"n": stored, "m": IntegerType()}, engine))


@pytest.mark.parametrize(
    "other",
    [
        key("b"),
        key(body=Measured(FailingRows(NotNull("m")), BODY.bound)),
        key(columns=(Column("n", StringType()),)),
        key(columns=(Column("m", IntegerType()),)),
        key(stored=StringType()),
        key(engine="e2"),
        key(where=NotNull("m")),
        key(body=Measured(BODY.measure, BODY.bound, by=("m",))),
    ],
    ids=["file", "predicate", "type", "name", "stored type", "engine", "where", "segments"],
)
def test_a_partial_s_key_is_everything_it_depends_on(other: str) -> None:
    assert other != key()


def test_a_partial_s_key_is_nothing_else() -> None:
    document = TableContract("c", "1", "t", "t", (N,), (), "")
    other = TableContract("d", "2", "u", "u", (N, Column("m", StringType())), (), "x", ("n",))
    bound = Measured(BODY.measure, Bound("mustNotBe", (), percent=True))
    stored = {"n": IntegerType()}
    keys = {
        rule_key(Rule(RuleName("r"), BODY), document, stored, "e1"),
        rule_key(Rule(RuleName("r"), BODY), other, {**stored, "m": StringType()}, "e1"),
        rule_key(Rule(RuleName("q"), BODY, "there", on_fail="warn"), document, stored, "e1"),
        rule_key(Rule(RuleName("r"), bound), document, stored, "e1"),
    }
    assert len(keys) == 1


def test_variables_are_those_of_the_project_s_environment(shop: Shop) -> None:
    """What the document says stays; what it means is up to whoever opens the project."""
    document = ruled({"metric": "rowCount", "mustBeLessOrEqualTo": "${MOST:-1}"})
    assert shop.load(settle(shop, 1, 2), contract=document).outcome == "quarantined"
    for most, outcome in (("2", "published"), ("1", "quarantined")):
        project = open_project(shop.root, {"MOST": most, "USER": "ann"})
        loaded = project.load("orders", settle(shop, 1, 2), contract=document, mode="replace", again=True)
        assert loaded.outcome == outcome
