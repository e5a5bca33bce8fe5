"""Releases: smoke checks before readers see anything, colours, rollbacks, and what is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import headgate
from flow.shop import ID, ITEM, Shop, column, contract, failed, opened, orders, refers, statuses, table
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import RefName
from headgate.project import Project

TOML = """\
format = 1

[environments.production]
from = "main"
smoke = ["smoke/totals.sql"]
"""


def smoking(root: Path, query: str) -> Shop:
    """A project whose releases must hold a query, with one order on main."""
    (root / "smoke").mkdir()
    (root / "smoke" / "totals.sql").write_text(query)
    shop = opened(root)
    (root / "headgate.toml").write_text(TOML)
    shop.project = headgate.open(root)
    shop.load(shop.orders("1,pen,1"))
    return shop


def alias(project: Project) -> str | None:
    ref = project.ports.store.ref(RefName("production"))
    return ref.head if ref else None


# -- before the first -----------------------------------------------------------------------------------------


def test_there_is_nothing_to_see_before_the_first_promotion(shop: Shop) -> None:
    for look in (
        lambda: shop.project.sql("SELECT 1", "production"),
        lambda: shop.project.table("orders", "production"),
        lambda: shop.project.log("production"),
    ):
        with pytest.raises(NotThere) as error:
            look()
        assert "headgate promote production" in error.value.hint


def test_there_is_nothing_to_go_back_to_before_the_second(shop: Shop) -> None:
    assert shop.project.rollback().outcome == "refused"
    shop.load(shop.orders("1,pen,1"))
    shop.project.promote()
    refused = shop.project.rollback()
    assert (refused.outcome, refused.why) == ("refused", "nothing was promoted before it")
    assert shop.ids(ref="production") == [1]


def test_an_unknown_environment_is_named_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(NotThere) as error:
        shop.project.promote("staging")
    assert "production" in error.value.hint


# -- promotion ------------------------------------------------------------------------------------------------


def test_readers_see_what_was_promoted_until_the_next_promotion(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    promoted = shop.project.promote()
    assert (promoted.outcome, promoted.before, promoted.release) == ("promoted", None, 1)
    assert promoted.to == shop.project.resolve("main") == shop.project.resolve("production")
    shop.load(shop.orders("2,ink,2"))
    assert (shop.ids(), shop.ids(ref="production")) == ([1, 2], [1])
    assert [t for e in shop.project.status().environments for t in e.waiting] == ["default.orders"]
    shop.project.promote()
    assert shop.ids(ref="production") == [1, 2]
    assert [t for e in shop.project.status().environments for t in e.waiting] == []


def test_what_waits_for_promotion_is_shown_also_if_only_its_contract_changed_or_it_is_gone(
    shop: Shop,
) -> None:
    def waiting() -> list[str]:
        return [t for e in shop.project.status().environments for t in e.waiting]

    first = shop.load(shop.orders("1,pen,1"))
    assert waiting() == ["default.orders"]
    shop.project.promote()
    shop.load(shop.orders(), contract=orders(version="1.0.1"))
    assert waiting() == ["default.orders"]
    shop.project.revert("main")
    assert waiting() == []
    shop.project.revert(str(first.commit))
    assert (shop.count(), waiting()) == (0, ["default.orders"])


def test_colours_take_turns(shop: Shop) -> None:
    seen = []
    for i in range(3):
        shop.load(shop.orders(f"{i},pen,1"))
        shop.project.promote()
        seen.append(alias(shop.project))
    assert seen == ["production-blue", "production-green", "production-blue"]


def test_promoting_what_is_shown_changes_nothing(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.promote()
    again = shop.project.promote()
    assert (again.outcome, again.before, again.to, again.release) == ("unchanged", again.to, again.before, 1)


@pytest.mark.parametrize("kind", ["tag", "branch", "commit", "start of a commit"])
def test_a_tag_a_branch_or_a_commit_can_be_promoted(shop: Shop, kind: str) -> None:
    shop.load(shop.orders("1,pen,1"))
    head = shop.project.resolve("main")
    names = {"tag": "v1", "branch": "spring", "commit": head, "start of a commit": head[:9]}
    shop.project.tag("v1")
    shop.project.branch("spring")
    shop.load(shop.orders("2,ink,2"))
    assert shop.project.promote(source=names[kind]).to == head
    assert shop.ids(ref="production") == [1]


def test_what_is_not_there_cannot_be_promoted(shop: Shop) -> None:
    with pytest.raises(NotThere):
        shop.project.promote(source="v9")


def test_an_environment_takes_nothing_but_promotions(shop: Shop) -> None:
    """Seen failing while a target's alias stood for its branch: the row was before readers unpromoted."""
    shop.load(shop.orders("1,pen,1"))
    shop.project.promote()
    more = shop.orders("2,ink,2")
    for target in ("production", "production-blue"):
        for change in (
            lambda to: shop.project.load("orders", more, to=to),
            lambda to: shop.project.merge("main", to),
            lambda to: shop.project.revert("main", to),
        ):
            with pytest.raises(WrongUse, match="shows what was promoted"):
                change(target)
    assert shop.ids(ref="production") == [1]
    with pytest.raises(WrongUse):
        shop.project.branch("production-green")


def test_a_query_in_its_own_environment_sees_a_release_as_a_whole(shop: Shop) -> None:
    """Two tables of one publish set: readers who resolved once see both old or both new."""
    shop.load(shop.csv("id", "1"), "customers")
    shop.load(shop.csv("id,customer", "1,1"), "purchases")
    shop.project.promote()
    table = shop.project.table("purchases", "production")
    shop.load(shop.csv("id", "2"), "customers")
    shop.load(shop.csv("id,customer", "2,2"), "purchases")
    shop.project.promote()
    assert table.rows() == table.arrow().num_rows == 1
    assert shop.ids("purchases", "production") == [1, 2]


# -- smoke ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT count(*) = 1 FROM orders", "pass"),
        ("SELECT count(*) = 7 FROM orders", "fail"),
        ("SELECT * FROM orders WHERE amount < 0", "pass"),
        ("SELECT * FROM orders WHERE amount > 0", "fail"),
        ("SELECT count(*) FROM orders", "fail"),
        ("SELECT NULL::BOOLEAN", "fail"),
        ("SELECT * FROM nothing", "error"),
        ("DELETE FROM orders", "error"),
        ("SELECT", "error"),
    ],
)
def test_a_smoke_query_says_true_or_finds_no_rows(tmp_path: Path, query: str, told: str) -> None:
    shop = smoking(tmp_path, query)
    result = shop.project.promote()
    assert statuses(result)["smoke:totals"] == told
    assert result.outcome == ("promoted" if told == "pass" else "refused")
    assert (alias(shop.project) is None) == (told != "pass")


def test_a_smoke_query_shows_the_first_row_it_finds(tmp_path: Path) -> None:
    result = smoking(tmp_path, "SELECT id, item FROM orders").project.promote()
    assert result.why.startswith("smoke:totals: ") and result.why.endswith("id=1, item=pen")


def test_a_refused_release_changes_nothing_for_readers_and_may_come_again(tmp_path: Path) -> None:
    shop = smoking(tmp_path, "SELECT * FROM orders WHERE item = 'broken'")
    first = shop.project.promote()
    shop.load(shop.orders("2,broken,2"))
    refused = shop.project.promote()
    assert (refused.outcome, refused.before, refused.to) == ("refused", first.to, first.to)
    assert (alias(shop.project), shop.ids(ref="production")) == ("production-blue", [1])
    assert shop.project.resolve("production-green") == shop.project.resolve("main")
    # The same commit again, once the query is mended.
    (tmp_path / "smoke" / "totals.sql").write_text("SELECT count(*) > 0 FROM orders")
    shop.project = headgate.open(tmp_path)
    promoted = shop.project.promote()
    assert (promoted.outcome, promoted.release, alias(shop.project)) == ("promoted", 2, "production-green")
    assert shop.ids(ref="production") == [1, 2]


def test_a_mended_release_takes_the_place_of_a_refused_one(tmp_path: Path) -> None:
    shop = smoking(tmp_path, "SELECT * FROM orders WHERE item = 'broken'")
    shop.project.promote()
    shop.load(shop.orders("2,broken,2"))
    shop.project.promote()
    shop.load(shop.orders("2,mended,2"), mode="merge")
    promoted = shop.project.promote()
    assert (promoted.outcome, alias(shop.project)) == ("promoted", "production-green")
    assert [item for _, item, _ in shop.rows(ref="production")] == ["pen", "mended"]
    shop.project.rollback()
    assert shop.ids(ref="production") == [1]


def test_every_published_contract_is_checked_cold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the data, whatever partials and verdicts are stored."""
    document = orders(quality=[{"metric": "rowCount", "mustBeGreaterThan": 0}])
    shop.load(shop.orders("1,pen,1"), contract=document)
    shop.load(shop.csv("id,item", "1,paper"), "stock", contract=contract(table("stock", ID, ITEM)))
    store = type(shop.project.ports.store)
    monkeypatch.setattr(store, "partials", lambda *_: pytest.fail("a smoke check reads no partials"))
    promoted = shop.project.promote()
    assert promoted.outcome == "promoted"
    assert set(statuses(promoted)) >= {"orders:rowCount", "orders:amount.minimum", "stock:primaryKey"}


def test_references_are_checked_cold_too(shop: Shop) -> None:
    staff = contract(table("staff", ID, column("boss", "integer", relationships=refers("staff.id"))))
    shop.load(shop.csv("id,boss", "1,", "2,1"), "staff", contract=staff)
    assert statuses(shop.project.promote())["staff:boss.references"] == "pass"


def test_a_file_that_is_gone_stops_a_release(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.promote()
    shop.load(shop.orders("2,ink,2"))
    (fresh,) = shop.paths() - shop.paths(ref="production")
    Path(fresh.removeprefix("file://")).unlink()
    from headgate.model.errors import HeadgateError

    with pytest.raises(HeadgateError):
        headgate.open(shop.root).promote()
    assert shop.ids(ref="production") == [1]
    assert next(r.state for r in shop.project.ports.store.runs() if r.kind == "promote") == "failed"


# -- rollback -------------------------------------------------------------------------------------------------


def test_each_rollback_goes_to_the_promotion_before_the_one_now_shown(shop: Shop) -> None:
    commits = []
    for i in range(1, 4):
        shop.load(shop.orders(f"{i},pen,1"))
        commits.append(shop.project.promote().to)
    assert [shop.project.rollback().to for _ in range(2)] == [commits[1], commits[0]]
    assert shop.project.rollback().outcome == "refused"
    assert shop.ids(ref="production") == [1]


def test_a_rollback_is_never_gone_back_to_and_does_not_flip_colours(shop: Shop) -> None:
    for i in (1, 2):
        shop.load(shop.orders(f"{i},pen,1"))
        shop.project.promote()
    shown = alias(shop.project)
    rolled = shop.project.rollback()
    assert (rolled.outcome, alias(shop.project), shop.ids(ref="production")) == ("rolled_back", shown, [1])
    shop.load(shop.orders("3,pen,1"))
    shop.project.promote()
    assert shop.ids(ref="production") == [1, 2, 3]
    shop.project.rollback()
    assert shop.ids(ref="production") == [1]  # not the release that was rolled back
    assert shop.project.rollback().outcome == "refused"
    kinds = shop.ask("SELECT kind, shows FROM headgate.releases ORDER BY release")
    assert kinds == [("promotion", 1), ("promotion", 2), ("rollback", 1), ("promotion", 4), ("rollback", 1)]


def test_what_was_rolled_back_can_be_promoted_again(shop: Shop) -> None:
    for i in (1, 2):
        shop.load(shop.orders(f"{i},pen,1"))
        shop.project.promote()
    shop.project.rollback()
    assert shop.project.promote().outcome == "promoted"
    assert shop.ids(ref="production") == [1, 2]


def test_a_rollback_takes_the_schema_along(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    shop.project.promote()
    before = dict(shop.project.tree("production"))
    wider = orders(column("note"), version="2.0.0")
    shop.load(shop.csv("id,item,amount,note", "2,ink,2,blue"), contract=wider)
    shop.project.promote()
    assert shop.project.sql("SELECT * FROM orders", "production").columns == ("id", "item", "amount", "note")
    shop.project.rollback()
    assert dict(shop.project.tree("production")) == before
    assert shop.project.sql("SELECT * FROM orders", "production").columns == ("id", "item", "amount")
    found = shop.project.table("orders", "production").contract
    assert found is not None and found.version == "1.0.0"


def test_a_hundred_tables_go_back_within_a_second_to_exactly_where_they_were(shop: Shop) -> None:
    """Promise 5. The pointers of 100 tables and their contracts; the data are two tables', to be quick."""
    from headgate.catalog import commits
    from headgate.catalog.trees import update
    from headgate.model.change import Changes, RefChange, RefIs, VerdictRow
    from headgate.model.names import RunId, TableName, contract_key, table_key
    from headgate.model.verdict import Verdict

    def everywhere() -> None:
        """The table `orders`, as it is now, under a hundred names."""
        store, ref = shop.project.ports.store, shop.project.ports.store.ref(RefName("main"))
        assert ref is not None
        tree, head = shop.project.tree("main"), commits.commit_at(store, "main")
        orders = TableName("default.orders")
        names = [TableName(f"default.t{i:03}") for i in range(100)]
        changes = {table_key(n): tree.table(orders) for n in names}
        changes |= {contract_key(n): tree.contract(orders) for n in names}  # type: ignore[misc]
        root, nodes = update(store, head.root, changes)
        at = shop.project.ports.clock.now()
        commit = commits.new_commit(root, [head], author="t", message="a hundred tables", at=at)
        verdict = VerdictRow(root, RunId("r"), None, Verdict("", "", 0, 0, 0, (), root=root), at)
        move = RefChange(ref.name, commit.id)
        written = Changes(nodes=nodes, commits=(commit,), refs=(move,), verdicts=(verdict,))
        store.commit(written, (RefIs(ref.name, ref.head, ref.gen),))

    shop.load(shop.orders("1,pen,1"))
    everywhere()
    shop.project.promote()
    before = dict(shop.project.tree("production"))
    shop.load(shop.csv("id,item,amount,note", "2,ink,2,x"), contract=orders(column("note"), version="2.0.0"))
    everywhere()
    shop.project.promote()
    after = dict(shop.project.tree("production"))
    assert len(before) == 202 and all(before[key] != after[key] for key in before)
    begun = time.perf_counter()
    rolled = shop.project.rollback()
    took = time.perf_counter() - begun
    assert rolled.outcome == "rolled_back" and took < 1
    assert dict(shop.project.tree("production")) == before
    assert shop.ask("SELECT * FROM t099", "production") == [(1, "pen", 1.0)]


# -- several environments, tainted commits --------------------------------------------------------------------


def test_environments_are_promoted_each_on_its_own(tmp_path: Path) -> None:
    both = TOML.replace('smoke = ["smoke/totals.sql"]\n', "") + '\n[environments.staging]\nfrom = "main"\n'
    shop = opened(tmp_path)
    (tmp_path / "headgate.toml").write_text(both.replace('from = "main"', 'from = "staging"', 1))
    shop.project = headgate.open(tmp_path)
    shop.load(shop.orders("1,pen,1"))
    with pytest.raises(NotThere):
        shop.project.promote()
    shop.project.promote("staging")
    shop.load(shop.orders("2,ink,2"))
    assert shop.project.promote().outcome == "promoted"  # from staging
    assert (shop.ids(ref="production"), shop.ids(ref="staging")) == ([1], [1])
    shop.project.promote("staging")
    assert (shop.ids(ref="production"), shop.ids(ref="staging")) == ([1], [1, 2])


def test_a_tainted_commit_is_not_promoted(shop: Shop) -> None:
    shop.load(shop.orders("1,pen,1"))
    bad = shop.load(shop.orders("2,ink,-2"))
    assert bad.branch is not None
    refused = shop.project.promote(source=bad.branch)
    assert (refused.outcome, "tainted" in refused.why, alias(shop.project)) == ("refused", True, None)
    assert not failed(refused)
