"""Quarantine: raw values kept, replayed under a mended contract or as a mended file, and never loaded twice."""

from __future__ import annotations

import polars as pl
import pytest

import headgate
from flow.shop import (
    AMOUNT,
    ID,
    ITEM,
    ORDERS,
    Shop,
    column,
    contract,
    counts,
    failed,
    of_headgate,
    orders,
    table,
)
from headgate.model.change import QuarantineRow
from headgate.model.errors import NotThere, Unavailable, WrongUse

LENIENT = contract(table("orders", ID, ITEM, column("amount", "number")), version="2.0.0")
FROM_MINUS_TWO = contract(
    table("orders", ID, ITEM, column("amount", "number", logicalTypeOptions={"minimum": -2})), version="1.1.0"
)
HALF = {"on_fail": "quarantine_rows", "max_quarantined": "70%"}


def states(shop: Shop) -> list[str]:
    return [q.state for q in shop.project.quarantines()]


def held(shop: Shop) -> QuarantineRow:
    """The one quarantine that is open."""
    (row,) = shop.project.quarantines(open_only=True)
    return row


@pytest.fixture
def whole(shop: Shop) -> Shop:
    """A first delivery that is in quarantine as a whole."""
    shop.load(shop.orders("1,pen,-1", "2,ink,2", name="march.csv"))
    return shop


@pytest.fixture
def partial(shop: Shop) -> Shop:
    """A delivery of which one row was published and two are in quarantine."""
    shop.load(shop.orders("1,pen,-1", "2,ink,2", "3,cup,-3", name="march.csv"), **HALF)  # type: ignore[arg-type]
    return shop


# -- what is kept -------------------------------------------------------------------------------------------


def test_rows_are_kept_as_they_came_with_place_and_rules(shop: Shop) -> None:
    shop.load(shop.csv("id,item,amount", '007,"a ""b"" ",-1.50', "x,,", '1,"",1e3', name="in/march.csv"))
    kept = held(shop)
    assert (kept.rows, kept.contract_id, kept.contract_version, kept.state) == (3, "shop", "1.0.0", "open")
    assert shop.quarantined(kept.id) == [
        ("march.csv", 1, ["amount.minimum"], {"id": "007", "item": 'a "b" ', "amount": "-1.50"}),
        ("march.csv", 2, ["id.type"], {"id": "x", "item": None, "amount": None}),
        ("march.csv", 3, [], {"id": "1", "item": "", "amount": "1e3"}),
    ]


def test_the_target_is_untouched_and_the_next_batch_flows_past(whole: Shop) -> None:
    assert whole.project.tree("main").tables() == ()
    assert whole.load(whole.orders("5,jar,5"), contract=ORDERS).outcome == "published"
    assert whole.ids() == [5]


def test_a_batch_with_other_columns_is_kept_too(shop: Shop) -> None:
    shop.load(shop.csv("id,colour", "1,blue", "2,red"))
    assert [raw for *_, raw in shop.quarantined(held(shop).id)] == [
        {"id": "1", "colour": "blue"},
        {"id": "2", "colour": "red"},
    ]


@pytest.mark.parametrize("by", ["id", "batch", "run"])
def test_a_quarantine_can_be_named_in_several_ways(whole: Shop, by: str) -> None:
    kept = held(whole)
    assert whole.project.quarantined_rows(getattr(kept, by)).height == 2
    with pytest.raises(NotThere):
        whole.project.quarantined_rows("q1")


# -- replay -------------------------------------------------------------------------------------------------


def test_a_replay_under_a_mended_contract_publishes_the_raw_values(whole: Shop) -> None:
    first = held(whole)
    replayed = whole.project.replay(first.id, contract=LENIENT)
    assert (replayed.outcome, counts(replayed), replayed.batch) == ("published", (2, 2, 0, 0, 0), first.batch)
    assert whole.rows() == [(1, "pen", -1.0), (2, "ink", 2.0)]
    assert states(whole) == ["replayed"]


def test_a_replay_goes_by_the_contract_that_the_target_has_now(whole: Shop) -> None:
    whole.load(whole.orders("5,jar,5"), contract=LENIENT)
    assert whole.project.replay(held(whole).id).outcome == "published"
    assert whole.ids() == [1, 2, 5]


def test_what_was_replayed_is_delivered(whole: Shop) -> None:
    whole.project.replay(held(whole).id, contract=LENIENT)
    assert whole.load(whole.orders("1,pen,-1", "2,ink,2")).outcome == "duplicate"


def test_a_replay_that_fails_leaves_the_rows_in_one_quarantine(whole: Shop) -> None:
    first = held(whole)
    again = whole.project.replay(first.id)
    assert (again.outcome, failed(again)) == ("quarantined", {"amount.minimum": 1})
    assert states(whole) == ["replayed", "open"]
    assert (held(whole).parent, held(whole).rows) == (first.id, 2)
    assert whole.quarantined(held(whole).id) == whole.quarantined(first.id)
    # The old name leads to where the rows are now.
    assert whole.project.replay(first.id, contract=LENIENT).outcome == "published"
    assert (states(whole), whole.ids()) == (["replayed", "replayed"], [1, 2])
    with pytest.raises(WrongUse, match="is replayed"):
        whole.project.replay(first.id)


def test_a_replay_in_part_leaves_the_rest_in_a_quarantine_of_its_own(partial: Shop) -> None:
    first = held(partial)
    replayed = partial.project.replay(first.id, contract=FROM_MINUS_TWO, on_fail="quarantine_rows")
    assert (replayed.outcome, failed(replayed)) == ("quarantined", {"amount.minimum": 1})  # 50 % are too many
    tolerant = contract(
        table(
            "orders",
            ID,
            ITEM,
            column("amount", "number", logicalTypeOptions={"minimum": -2}),
            customProperties=of_headgate(onFail="quarantine_rows", maxQuarantined="50%"),
        ),
        version="1.2.0",
    )
    replayed = partial.project.replay(first.id, contract=tolerant)
    assert (replayed.outcome, counts(replayed)) == ("published_partial", (2, 1, 1, 0, 0))
    assert partial.ids() == [1, 2]
    rest = held(partial)
    assert states(partial) == ["replayed", "replayed", "open"]
    assert (rest.rows, rest.run, rest.contract_version) == (1, replayed.run, "1.2.0")
    assert [(where, row) for where, row, *_ in partial.quarantined(rest.id)] == [("march.csv", 3)]
    assert partial.project.replay(rest.id, contract=LENIENT).outcome == "published"
    assert (partial.ids(), partial.open_quarantines()) == ([1, 2, 3], [])


def test_a_mended_file_takes_the_rows_stead(partial: Shop) -> None:
    first = held(partial)
    mended = partial.orders("1,pen,1", "3,cup,3")
    replayed = partial.project.replay(first.id, [mended])
    assert (replayed.outcome, counts(replayed)) == ("published", (2, 2, 0, 0, 0))
    assert partial.rows() == [(1, "pen", 1.0), (2, "ink", 2.0), (3, "cup", 3.0)]
    assert states(partial) == ["replayed"]
    assert partial.load(mended).outcome == "duplicate"


def test_a_mended_file_that_fails_leaves_the_first_rows_waiting(whole: Shop) -> None:
    first = held(whole)
    worse = whole.orders("1,pen,-9", "2,ink,2")
    assert whole.project.replay(first.id, [worse]).outcome == "quarantined"
    assert states(whole) == ["open", "open"]
    assert whole.project.quarantines()[1].parent == first.id
    assert whole.project.replay(first.id, [whole.orders("1,pen,1", "2,ink,2")]).outcome == "published"
    assert (states(whole), whole.ids()) == (["replayed", "replayed"], [1, 2])


def test_a_mended_file_that_is_there_already_ends_the_quarantine(whole: Shop) -> None:
    mended = whole.orders("1,pen,1", "2,ink,2")
    whole.load(mended)
    assert whole.project.replay(held(whole).id, [mended]).outcome == "duplicate"
    assert (states(whole), whole.ids()) == (["replayed"], [1, 2])


def test_a_named_batch_keeps_its_name(shop: Shop) -> None:
    delivery = shop.orders("1,pen,-1")
    shop.load(delivery, batch="monday")
    replayed = shop.project.replay("monday", contract=LENIENT)
    assert (replayed.outcome, replayed.batch) == ("published", "monday")
    assert shop.load(delivery, batch="monday").outcome == "duplicate"


@pytest.mark.parametrize(("mode", "left"), [("append", [1, 2, 7]), ("merge", [1, 2, 7]), ("replace", [1, 2])])
def test_a_whole_batch_is_replayed_as_it_was_to_be_loaded(shop: Shop, mode: str, left: list[int]) -> None:
    shop.load(shop.orders("7,old,7"))
    shop.load(shop.orders("1,pen,-1", "2,ink,2"), mode=mode)
    assert shop.project.replay(held(shop).id, contract=FROM_MINUS_TWO).outcome == "published"
    assert shop.ids() == left


def test_what_is_left_of_a_replacement_is_added_to_it(shop: Shop) -> None:
    shop.load(shop.orders("7,old,7"))
    shop.load(shop.orders("1,pen,-1", "2,ink,2"), mode="replace", **HALF)  # type: ignore[arg-type]
    assert shop.project.replay(held(shop).id, contract=FROM_MINUS_TWO).outcome == "published"
    assert shop.ids() == [1, 2]


def test_what_is_left_of_a_merge_is_merged_in_its_order(shop: Shop) -> None:
    """A newer version was published while the older one waited."""
    shop.load(shop.orders("1,first,-5", "2,ink,2"), mode="merge", order_by="amount", **HALF)  # type: ignore[arg-type]
    shop.load(shop.orders("1,newer,1"))
    replayed = shop.project.replay(held(shop).id, contract=LENIENT)
    assert (replayed.outcome, counts(replayed)) == ("published", (1, 0, 0, 0, 1))
    assert shop.rows()[0] == (1, "newer", 1.0)


def test_rows_of_a_frame_can_be_replayed(shop: Shop) -> None:
    shop.load(pl.DataFrame({"id": [1, 2], "item": ["pen", None], "amount": [-1.5, 2.5]}))
    assert shop.project.replay(held(shop).id, contract=LENIENT).outcome == "published"
    assert shop.rows() == [(1, "pen", -1.5), (2, None, 2.5)]


def test_several_objects_are_replayed_as_several(shop: Shop) -> None:
    a, b = shop.orders("1,pen,1", name="a.csv"), shop.orders("2,ink,-2", name="b.csv")
    shop.load([a, b])
    replayed = shop.project.replay(held(shop).id, contract=LENIENT)
    assert [o.location for o in replayed.objects] == [a, b]
    assert [shop.load(f).outcome for f in (a, b)] == ["duplicate", "duplicate"]


def test_an_unguarded_batch_is_replayed_unguarded(shop: Shop) -> None:
    shop.load(shop.csv("id", "1"), unguarded=True)
    shop.load(shop.csv("id", "x"), unguarded=True)
    assert shop.project.replay(held(shop).id).outcome == "quarantined"
    assert shop.project.replay(held(shop).id, [shop.csv("id", "2")]).outcome == "published"
    assert (shop.ids(), shop.open_quarantines()) == ([1, 2], [])


# -- never twice --------------------------------------------------------------------------------------------

NO_KEY = contract(table("orders", ITEM, AMOUNT))
NO_KEY_LENIENT = contract(table("orders", ITEM, column("amount", "number")), version="2.0.0")


def test_a_batch_that_came_again_and_was_published_is_not_in_quarantine_any_more(shop: Shop) -> None:
    """Seen failing without `_settles`: the replay doubled every row."""
    delivery = shop.csv("item,amount", "pen,-1", "ink,2")
    shop.load(delivery, contract=NO_KEY)
    shop.load(delivery, contract=NO_KEY)
    assert states(shop) == ["open", "open"]
    shop.load(delivery, contract=NO_KEY_LENIENT)
    assert (states(shop), shop.count()) == (["replayed", "replayed"], 2)


def test_objects_that_came_again_otherwise_are_not_replayed(shop: Shop) -> None:
    a, b = shop.csv("item,amount", "pen,1"), shop.csv("item,amount", "ink,-2")
    shop.load([a, b], contract=NO_KEY)
    kept = held(shop)
    shop.load(a, contract=NO_KEY)
    replayed = shop.project.replay(kept.id, contract=NO_KEY_LENIENT)
    assert (replayed.outcome, counts(replayed), shop.ids()) == ("published", (1, 1, 0, 0, 0), ["ink", "pen"])


def test_a_quarantine_all_of_whose_objects_came_again_is_over(shop: Shop) -> None:
    a, b = shop.csv("item,amount", "pen,1"), shop.csv("item,amount", "ink,-2")
    shop.load([a, b], contract=NO_KEY)
    kept = held(shop)
    for each in (b, a):
        shop.load(each, contract=NO_KEY_LENIENT)
    assert shop.project.replay(kept.id).outcome == "duplicate"
    assert (states(shop), shop.count()) == (["replayed"], 2)


def test_the_rest_of_a_batch_that_was_reverted_and_came_again_whole_is_not_loaded_twice(shop: Shop) -> None:
    delivery = shop.csv("item,amount", "pen,-1", "ink,2")
    first = shop.load(delivery, contract=NO_KEY, **HALF)  # type: ignore[arg-type]
    assert first.commit is not None
    shop.project.revert(first.commit)
    shop.load(delivery, contract=NO_KEY_LENIENT)
    assert (states(shop), shop.count()) == (["replayed"], 2)


def test_the_rest_of_a_batch_waits_although_the_batch_was_forced_again(shop: Shop) -> None:
    delivery = shop.csv("item,amount", "pen,-1", "ink,2")
    shop.load(delivery, contract=NO_KEY, **HALF)  # type: ignore[arg-type]
    shop.load(delivery, again=True, **HALF)  # type: ignore[arg-type]
    assert states(shop) == ["open", "open"]
    for id in shop.open_quarantines():
        assert shop.project.replay(id, contract=NO_KEY_LENIENT).outcome == "published"
    assert shop.ids() == ["ink", "ink", "pen", "pen"]


def test_a_quarantine_is_replayed_by_one_at_a_time(whole: Shop) -> None:
    other = headgate.open(whole.root)
    refused: list[str] = []

    def meanwhile(_: str) -> None:
        if not refused:
            with pytest.raises(Unavailable) as error:
                other.replay(held(whole).id, contract=LENIENT)
            refused.append(error.value.kind)

    assert whole.project.replay(held(whole).id, contract=LENIENT, tell=meanwhile).outcome == "published"
    assert (refused, whole.ids()) == (["unavailable"], [1, 2])


class Killed(BaseException):
    """Nothing that a program would catch."""


def killed_before_landing(shop: Shop, monkeypatch: pytest.MonkeyPatch, id: str) -> None:
    """A replay of which nothing but what it staged is left."""
    from headgate.flow import load as flow

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(flow, "land", die)
        with pytest.raises(Killed):
            shop.project.replay(id, contract=LENIENT)


def test_a_killed_replay_is_finished_by_recover(whole: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_before_landing(whole, monkeypatch, held(whole).id)
    assert states(whole) == ["open"]
    assert len(whole.project.recover().finished) == 1
    assert (states(whole), whole.ids()) == (["replayed"], [1, 2])


def test_a_killed_replay_whose_rows_came_in_otherwise_is_given_up(
    partial: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing without `_replayed_since`: recovery published the rows beside the mended ones."""
    first = held(partial)
    killed_before_landing(partial, monkeypatch, first.id)
    partial.project.replay(first.id, [partial.orders("11,pen,1", "13,cup,3")])
    done = partial.project.recover()
    assert (len(done.finished), len(done.aborted)) == (0, 1)
    assert (states(partial), partial.ids()) == (["replayed"], [2, 11, 13])


# -- giving up ----------------------------------------------------------------------------------------------


def test_discarded_rows_are_kept_and_not_replayed(whole: Shop) -> None:
    kept = held(whole)
    gone = whole.project.discard(kept.id, "test data")
    assert (gone.state, states(whole)) == ("discarded", ["discarded"])
    assert whole.project.quarantined_rows(kept.id).height == 2
    for again in (whole.project.replay, whole.project.discard):
        with pytest.raises(WrongUse, match="is discarded"):
            again(kept.id)
    (told,) = [e for e in whole.project.events() if e.kind == "quarantine.discarded"]
    assert (told.data["quarantine"], told.data["reason"], told.data["rows"]) == (kept.id, "test data", 2)


def test_giving_rows_up_gives_up_the_attempts_to_mend_them(whole: Shop) -> None:
    kept = held(whole)
    whole.project.replay(kept.id, [whole.orders("1,pen,-9")])
    whole.project.discard(kept.id)
    assert states(whole) == ["discarded", "discarded"]


def test_giving_up_an_attempt_leaves_the_first_rows(whole: Shop) -> None:
    kept = held(whole)
    whole.project.replay(kept.id, [whole.orders("1,pen,-9")])
    whole.project.discard(whole.project.quarantines()[1].id)
    assert states(whole) == ["open", "discarded"]


def test_a_quarantine_may_be_discarded_and_the_batch_delivered_again(whole: Shop) -> None:
    whole.project.discard(held(whole).id)
    assert whole.load(whole.orders("1,pen,-1", "2,ink,2"), contract=LENIENT).outcome == "published"
    assert states(whole) == ["discarded"]


def test_promise_4_holds_over_everything_that_was_delivered(shop: Shop) -> None:
    """Asked by SQL: what came is good, in quarantine, or collapsed; and the good rows are the table."""
    shop.load(shop.orders("1,a,1", "1,a,1", "2,b,-2", "3,c,3"), contract=orders(), **HALF)  # type: ignore[arg-type]
    shop.load(shop.orders("3,c,3", "4,d,4", "x,e,5"), **HALF)  # type: ignore[arg-type]
    shop.load(shop.orders("9,z,-9"))
    ((rows_in, good, bad, same, older),) = shop.ask(
        "SELECT sum(rows_in), sum(rows_good), sum(rows_quarantined), sum(rows_deduplicated), sum(rows_superseded)"
        " FROM headgate.batches"
    )
    assert (rows_in, good, bad, same, older) == (8, 3, 3, 2, 0)
    assert shop.ask("SELECT count(*) FROM orders") == [(good,)]
    assert shop.ask("SELECT count(*) FROM headgate.quarantine") == [(bad,)]
