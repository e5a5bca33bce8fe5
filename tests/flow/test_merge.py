"""Merging branches: fast-forward, per key, files appended again without copying, and what does not go together."""

from __future__ import annotations

import pytest

import headgate
from flow.shop import ID, ITEM, Shop, column, contract, failed, of_headgate, orders, table
from headgate.model.errors import NotThere, WrongUse
from headgate.project import Project

STOCK = contract(table("stock", ID, ITEM))


@pytest.fixture
def spring(shop: Shop) -> Shop:
    """One order on main, and the branch spring, made from it."""
    shop.load(shop.orders("1,pen,1"))
    shop.project.branch("spring")
    return shop


def test_a_branch_that_is_ahead_is_taken_as_it_is(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), to="spring")
    ahead = spring.project.resolve("spring")
    merged = spring.project.merge("spring")
    assert (merged.outcome, merged.to, spring.project.resolve("main")) == ("merged", ahead, ahead)
    assert spring.ids() == [1, 2]


def test_what_is_there_already_changes_nothing(spring: Shop) -> None:
    head = spring.project.resolve("main")
    assert spring.project.merge("spring").outcome == "unchanged"
    spring.load(spring.orders("2,ink,2"))
    assert spring.project.merge("spring").outcome == "unchanged"
    assert spring.project.merge("main", "spring").outcome == "merged"
    assert spring.project.resolve("spring") == spring.project.resolve("main") != head


def test_each_table_goes_its_own_way(spring: Shop) -> None:
    spring.load(spring.csv("id,item", "1,paper"), "stock", contract=STOCK, to="spring")
    spring.load(spring.orders("2,ink,2"))
    merged = spring.project.merge("spring")
    assert merged.outcome == "merged" and merged.to is not None
    (commit,) = spring.project.log(limit=1)
    assert commit.parents == (merged.before, spring.project.resolve("spring"))
    assert [d.key for d in spring.project.diff(commit.parents[0], commit.id)] == [
        "contract/default.stock",
        "table/default.stock",
    ]
    assert (spring.ids(), spring.ids("stock")) == ([1, 2], [1])


def test_rows_that_both_sides_appended_are_all_there_and_no_file_is_written(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), to="spring")
    spring.load(spring.orders("3,cup,3"), to="spring")
    spring.load(spring.orders("4,jar,4"))
    theirs, ours, files = spring.paths(ref="spring"), spring.paths(), spring.parquet_files()
    assert spring.project.merge("spring").outcome == "merged"
    assert spring.ids() == [1, 2, 3, 4]
    assert spring.paths() == theirs | ours
    assert spring.parquet_files() == files


def test_a_branch_can_be_merged_again_and_again(spring: Shop) -> None:
    for i in (2, 4, 6):
        spring.load(spring.orders(f"{i},ink,1"), to="spring")
        spring.load(spring.orders(f"{i + 1},cup,1"))
        assert spring.project.merge("spring").outcome == "merged"
    assert spring.ids() == [1, 2, 3, 4, 5, 6, 7]


def test_branches_that_take_from_one_another_stay_mergeable(spring: Shop) -> None:
    for i in (2, 4):
        spring.load(spring.orders(f"{i},ink,1"), to="spring")
        spring.load(spring.orders(f"{i + 1},cup,1"))
        assert spring.project.merge("main", "spring").outcome == "merged"
        assert spring.project.merge("spring", "main").outcome == "merged"
    assert spring.ids() == spring.ids(ref="spring") == [1, 2, 3, 4, 5]


def test_a_tag_and_a_commit_can_be_merged_and_a_tag_is_no_target(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), to="spring")
    spring.project.tag("v1", "spring")
    spring.load(spring.orders("3,ink,2"), to="spring")
    assert spring.project.merge("v1").outcome == "merged"
    assert spring.ids() == [1, 2]
    assert spring.project.merge(spring.project.resolve("spring")[:12]).outcome == "merged"
    with pytest.raises(WrongUse):
        spring.project.merge("main", "v1")
    with pytest.raises(NotThere):
        spring.project.merge("winter")


# -- what the merged result must hold -----------------------------------------------------------------------


def test_two_clean_appends_may_not_share_a_key(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), to="spring")
    spring.load(spring.orders("2,cup,2"))
    head = spring.project.resolve("main")
    refused = spring.project.merge("spring")
    assert (refused.outcome, failed(refused)) == ("refused", {"orders:primaryKey": 2})
    assert (spring.project.resolve("main"), spring.rows()[1:]) == (head, [(2, "cup", 2.0)])


def test_the_merged_table_must_hold_its_rules(shop: Shop) -> None:
    document = orders(quality=[{"metric": "rowCount", "mustBeLessOrEqualTo": 2}])
    shop.load(shop.orders("1,pen,1"), contract=document)
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,2"), to="spring")
    shop.load(shop.orders("3,cup,3"))
    assert failed(shop.project.merge("spring")) == {"orders:rowCount": None}


def test_rows_of_main_must_hold_a_contract_that_comes_from_a_branch(spring: Shop) -> None:
    dearer = contract(
        table("orders", ID, ITEM, column("amount", "number", logicalTypeOptions={"minimum": 1})),
        version="2.0.0",
    )
    spring.load(spring.orders("2,ink,2"), contract=dearer, to="spring")
    spring.load(spring.orders("3,cup,0"))
    assert failed(spring.project.merge("spring")) == {"orders:amount.minimum": 1}


def test_what_only_warns_is_merged(spring: Shop) -> None:
    lenient = orders(version="2.0.0", customProperties=of_headgate(onFail="warn"))
    spring.load(spring.orders("2,ink,-2"), contract=lenient, to="spring")
    spring.load(spring.orders("3,cup,3"))
    merged = spring.project.merge("spring")
    assert (merged.outcome, spring.ids()) == ("merged", [1, 2, 3])


def test_what_is_not_executed_must_be_allowed_by_name(shop: Shop) -> None:
    document = orders(quality=[{"id": "x", "type": "custom", "engine": "soda", "implementation": "."}])
    allowed = ["orders.x"]
    shop.load(shop.orders("1,pen,1"), contract=document, allow_unexecuted=allowed)
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,2"), to="spring", allow_unexecuted=allowed)
    shop.load(shop.orders("3,cup,3"), allow_unexecuted=allowed)
    assert failed(shop.project.merge("spring")) == {"orders:orders.x": None}
    assert shop.project.merge("spring", allow_unexecuted=allowed).outcome == "merged"


# -- conflicts ----------------------------------------------------------------------------------------------


def rewritten(shop: Shop, to: str) -> None:
    shop.load(shop.orders(f"1,pen,{8 if to == 'main' else 9}"), mode="merge", to=to)


def appended(shop: Shop, to: str) -> None:
    shop.load(shop.orders(f"{2 if to == 'main' else 3},ink,2"), to=to)


def recontracted(shop: Shop, to: str) -> None:
    shop.load(
        shop.orders(f"{4 if to == 'main' else 5},cup,1"), contract=orders(version=f"2.{len(to)}"), to=to
    )


def widened(shop: Shop, to: str) -> None:
    name = f"of_{to}"
    header = f"id,item,amount,{name}"
    document = orders(column(name), version=f"3.{len(to)}")
    shop.load(shop.csv(header, f"{6 if to == 'main' else 7},jar,1,x"), contract=document, to=to)


@pytest.mark.parametrize(
    ("on_main", "on_spring", "evidence"),
    [
        (
            appended,
            rewritten,
            {"table/default.orders": ("appended 1 files", "rewrote it: 1 files replaced by 1")},
        ),
        (
            rewritten,
            appended,
            {"table/default.orders": ("rewrote it: 1 files replaced by 1", "appended 1 files")},
        ),
        (rewritten, rewritten, {"table/default.orders": ("rewrote it", "rewrote it")}),
        (
            recontracted,
            recontracted,
            {"contract/default.orders": ("changed the document", "changed the document")},
        ),
        (
            widened,
            widened,
            {
                "contract/default.orders": ("changed the document", "changed the document"),
                "table/default.orders": ("has these columns", "has other columns"),
            },
        ),
    ],
)
def test_changes_that_do_not_merge_are_a_conflict_with_the_evidence(
    spring: Shop, on_main: object, on_spring: object, evidence: dict[str, tuple[str, str]]
) -> None:
    on_main(spring, "main")  # type: ignore[operator]
    on_spring(spring, "spring")  # type: ignore[operator]
    head = spring.project.resolve("main")
    conflict = spring.project.merge("spring")
    assert (conflict.outcome, conflict.to, spring.project.resolve("main")) == ("conflict", None, head)
    assert {c.key for c in conflict.conflicts} == evidence.keys()
    for found in conflict.conflicts:
        ours, theirs = evidence[found.key]
        assert found.ours.startswith(ours) and found.theirs.startswith(theirs)
        assert found.rival == head


def test_what_was_delivered_to_both_sides_does_not_come_twice(shop: Shop) -> None:
    """There is no key that would tell."""
    items = contract(table("orders", ITEM))
    shop.load(shop.csv("item", "pen"), contract=items)
    shop.project.branch("spring")
    both = shop.csv("item", "ink")
    for to in ("main", "spring"):
        shop.load(both, to=to)
    (found,) = shop.project.merge("spring").conflicts
    assert "which is the same" in found.theirs
    assert shop.ids() == ["ink", "pen"]


def test_one_named_batch_on_both_sides_does_not_come_twice(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), batch="monday")
    spring.load(spring.orders("3,cup,3"), batch="monday", to="spring")
    (found,) = spring.project.merge("spring").conflicts
    assert found.ours == "took in batch monday"


def test_tables_of_one_name_made_on_both_sides_are_two(spring: Shop) -> None:
    for to, row in (("main", "1,paper"), ("spring", "2,glue")):
        spring.load(spring.csv("id,item", row), "stock", contract=STOCK, to=to)
    (found,) = spring.project.merge("spring").conflicts
    assert (found.key, found.ours) == ("table/default.stock", "created a table of this name")


def test_the_same_change_on_both_sides_is_none(spring: Shop) -> None:
    """Both adopted one contract; the rows differ."""
    for to, row in (("main", "2,ink,2"), ("spring", "3,cup,3")):
        spring.load(spring.orders(row), contract=orders(version="2.0.0"), to=to)
    assert spring.project.merge("spring").outcome == "merged"
    assert spring.ids() == [1, 2, 3]


# -- tainted ------------------------------------------------------------------------------------------------


def test_a_failed_run_s_branch_and_forks_of_it_do_not_reach_main(shop: Shop) -> None:
    document = orders(quality=[{"metric": "rowCount", "mustBeLessOrEqualTo": 1}])
    shop.load(shop.orders("1,pen,1"), contract=document)
    run = shop.load(shop.orders("2,ink,2"))
    assert run.outcome == "quarantined" and run.branch is not None
    assert shop.ids(ref=run.branch) == [1, 2]
    shop.project.branch("fork", run.branch)
    shop.project.branch("clean")
    mended = orders(version="2.0.0")
    assert shop.load(shop.orders("3,cup,3"), contract=mended, to="fork").outcome == "published"
    assert shop.project.merge("fork", "clean").outcome == "merged"
    for source in ("fork", "clean"):
        refused = shop.project.merge(source)
        assert (refused.outcome, "tainted" in refused.why) == ("refused", True)
        assert shop.project.promote(source=source).outcome == "refused"
    assert shop.ids() == [1]


# -- at the same time ---------------------------------------------------------------------------------------


def test_a_merge_that_was_overtaken_merges_with_what_came(
    spring: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headgate.checks import merged
    from headgate.flow import merge as flow

    spring.load(spring.orders("2,ink,2"), to="spring")
    spring.load(spring.orders("3,cup,3"))
    check = merged.check_changed
    rivals = [spring.orders("4,jar,4"), spring.orders("5,mug,5")]

    def late(*args: object) -> object:
        if rivals:
            headgate.open(spring.root).load("orders", rivals.pop())
        return check(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "check_changed", late)
    assert spring.project.merge("spring").outcome == "merged"
    assert spring.ids() == [1, 2, 3, 4, 5]


def test_a_merge_checks_children_again_when_parents_changed_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing while verdicts on tables with references were remembered from the first attempt."""
    from headgate.checks import merged
    from headgate.flow import merge as flow

    shop.load(shop.csv("id", "1", "2"), "customers")
    shop.load(shop.csv("id,customer", "1,1"), "purchases")
    shop.project.branch("spring")
    shop.load(shop.csv("id,customer", "2,2"), "purchases", to="spring")
    shop.load(shop.orders("1,pen,1"))
    check = merged.check_changed
    rivals = [lambda: other(shop).load("customers", shop.csv("id", "1"), mode="replace")]

    def late(*args: object) -> object:
        verdict = check(*args)  # type: ignore[arg-type]
        if rivals:
            rivals.pop()()
        return verdict

    monkeypatch.setattr(flow, "check_changed", late)
    refused = shop.project.merge("spring")
    assert (refused.outcome, failed(refused)) == ("refused", {"purchases:customer.references": 1})


def test_what_a_branch_let_in_does_not_pass_under_a_later_load_of_it(spring: Shop) -> None:
    """Seen merged where a load's verdict was taken for one on all of its tree: it is about what the load brought."""
    spring.load(spring.orders("2,ink,-2"), to="spring", on_fail="warn")
    alone = spring.project.merge("spring")
    spring.load(spring.csv("id", "1"), "customers", to="spring")
    after = spring.project.merge("spring")
    for found in (alone, after):
        assert (found.outcome, failed(found)) == ("refused", {"orders:amount.minimum": 1})
    assert spring.ids() == [1]


def test_what_was_allowed_for_a_load_is_not_allowed_for_the_next_merge(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.branch("spring")
    name = "customer.references"
    shop.load(shop.csv("id,customer", "1,7"), "purchases", to="spring", allow_unexecuted=[name])
    shop.load(shop.orders("2,ink,1"), to="spring")
    assert failed(shop.project.merge("spring")) == {f"purchases:{name}": None}
    assert shop.project.merge("spring", allow_unexecuted=[name]).outcome == "merged"


def other(shop: Shop) -> Project:
    return headgate.open(shop.root)


def test_the_ledger_tells_of_merges(spring: Shop) -> None:
    spring.load(spring.orders("2,ink,2"), to="spring")
    spring.project.merge("spring")
    ((kind, outcome),) = spring.ask("SELECT kind, outcome FROM headgate.runs WHERE kind = 'merge'")
    assert (kind, outcome) == ("merge", "merged")
