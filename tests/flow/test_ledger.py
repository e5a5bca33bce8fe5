"""The ledger in SQL, and events: gapless, in the order of what happened, enough to rebuild every ref."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flow.shop import ORDERS, Shop, column, contract, table
from headgate.model.event import Event
from headgate.model.names import RefName


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A bit of everything."""
    project = shop.project
    shop.load(shop.orders("1,pen,1", "1,pen,1"), contract=ORDERS)
    shop.load(shop.orders("1,pen,1", "1,pen,1"))
    shop.load(shop.orders("2,ink,-2"))
    shop.load(shop.orders("3,cup,3", "4,jar,-4"), on_fail="quarantine_rows", max_quarantined=0.5)
    project.promote()
    project.branch("spring")
    project.tag("v1")
    shop.load(shop.orders("5,mug,5"), to="spring")
    shop.load(shop.orders("6,cap,6"))
    merged = project.merge("spring")
    project.promote()
    project.rollback()
    assert merged.to is not None
    project.revert(merged.to)
    project.replay(shop.open_quarantines()[0])
    project.discard(shop.open_quarantines()[0])
    project.delete_branch("spring")
    return shop


def test_the_system_tables_agree_with_the_ledger(busy: Shop) -> None:
    store, ask = busy.project.ports.store, busy.ask
    assert ask("SELECT run, state, outcome FROM headgate.runs ORDER BY run") == sorted(
        (r.id, r.state, r.outcome) for r in store.runs()
    )
    assert ask("SELECT batch, outcome, rows_in, rows_good FROM headgate.batches") == [
        (b.batch, b.outcome, b.counts.rows_in, b.counts.rows_good) for b in store.batches()
    ]
    assert ask("SELECT ref, kind, head, protected FROM headgate.refs ORDER BY ref") == sorted(
        (r.name, r.kind, r.head, r.protected) for r in store.refs()
    )
    assert ask("SELECT commit FROM headgate.commits WHERE commit IN (SELECT head FROM headgate.refs)")
    assert ask("SELECT event, kind FROM headgate.events ORDER BY 1") == [
        (e.offset, e.kind) for e in store.events()
    ]
    held = {q.id: (q.state, q.rows) for q in store.quarantined()}
    found = ask("SELECT quarantine, state, count(*) FROM headgate.quarantine GROUP BY ALL")
    assert {id: (state, rows) for id, state, rows in found} == held
    assert ask("SELECT count(*) FROM headgate.reflog WHERE ref = 'main' AND new IS NOT NULL") == [
        (len(store.reflog(RefName("main"))),)
    ]
    assert [k for (k,) in ask("SELECT kind FROM headgate.releases ORDER BY release")] == [
        "promotion",
        "promotion",
        "rollback",
    ]


def test_rules_are_told_for_every_run_that_was_judged(busy: Shop) -> None:
    found = busy.ask(
        "SELECT rule, status, rows_failed FROM headgate.rules JOIN headgate.runs USING (run)"
        " WHERE outcome = 'quarantined' AND status = 'fail'"
    )
    assert found == [("amount.minimum", "fail", 1)] * 2


def test_a_user_s_table_may_be_called_like_a_system_table(shop: Shop) -> None:
    shop.load(shop.csv("n", "7"), "events", contract=contract(table("events", column("n", "integer"))))
    assert shop.ask("SELECT n FROM events") == [(7,)]
    assert shop.ask("SELECT count(*) > 1 FROM headgate.events") == [(True,)]


def moves_of(event: Event) -> list[tuple[str, str | None, str | None]]:
    """Ref, old and new head of what an event tells of."""
    refs: Any = event.data.get("refs", {})
    return [(name, old, new) for name, (old, new) in refs.items()]


def test_events_have_no_gaps_and_no_time_runs_back(busy: Shop) -> None:
    events = busy.project.events()
    assert [e.offset for e in events] == list(range(1, len(events) + 1))
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert busy.project.events(after=5, limit=3) == events[5:8]


def test_every_ref_can_be_rebuilt_from_the_events(busy: Shop) -> None:
    """Each change of a ref is told with its old and its new head, in the transaction that made it."""
    refs: dict[str, str] = {}
    for event in busy.project.events():
        for name, old, new in moves_of(event):
            assert refs.pop(name, None) == old, (event.offset, event.kind, name)
            if new is not None:
                refs[name] = new
    assert refs == {r.name: r.head for r in busy.project.ports.store.refs()}


def test_every_move_in_the_reflog_is_in_the_events(busy: Shop) -> None:
    told = [move for e in busy.project.events() for move in moves_of(e)]
    moves = busy.project.ports.store.reflog()
    assert sorted(told, key=repr) == sorted(((m.name, m.old, m.new) for m in moves), key=repr)


@pytest.mark.parametrize(
    "kind",
    [
        "project.created", "load.opened", "batch.staged", "batch.published", "batch.published_partial",
        "batch.quarantined", "release.staged", "release.promoted", "release.rolled_back", "branch.created",
        "branch.deleted", "tag.created", "ref.merged", "ref.reverted", "quarantine.discarded",
    ],
)  # fmt: skip
def test_what_happens_is_told(busy: Shop, kind: str) -> None:
    assert kind in {e.kind for e in busy.project.events()}


def test_a_publication_tells_its_counts_and_what_it_replaced(shop: Shop) -> None:
    before = shop.project.resolve("main")
    loaded = shop.load(shop.orders("1,pen,1", "1,pen,1"))
    (told,) = [e for e in shop.project.events() if e.kind == "batch.published"]
    assert (told.run, told.data["old"], told.data["new"]) == (loaded.run, before, loaded.commit)
    assert (told.data["rows_in"], told.data["rows_deduplicated"]) == (2, 1)
    ((data,),) = shop.ask("SELECT data FROM headgate.events WHERE kind = 'batch.published'")
    assert json.loads(data) == dict(told.data)


def test_a_failed_load_tells_why(shop: Shop) -> None:
    from headgate.model.errors import ContractUnusable

    shop.load(shop.orders("1,pen,1"))
    other = contract(table("orders", column("id", "string", primaryKey=True)), version="2.0.0")
    with pytest.raises(ContractUnusable):
        shop.project.load("orders", shop.csv("id", "x"), contract=other)
    (told,) = [e for e in shop.project.events() if e.kind == "load.failed"]
    assert "cannot take the columns" in str(told.data["message"])
    assert [r.name for r in shop.project.ports.store.refs()] == ["main"]
