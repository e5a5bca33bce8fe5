from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headgate.catalog.commits import new_commit
from headgate.catalog.trees import EMPTY_ROOT, document, update
from headgate.model.change import Changes, RefAbsent, RefChange, RunOpen, Unknown, VerdictRow
from headgate.model.commit import Commit, Ref
from headgate.model.errors import OutcomeUnknown
from headgate.model.event import Event
from headgate.model.names import MAIN, NodeId, RuleName, RunId, TableName, contract_key
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Store
from headgate.publishing.publish import Candidate, Lost, Published, Withheld, publish
from headgate.testing.clock import TickingClock
from headgate.testing.memory_store import MemoryStore

AT = datetime(2024, 5, 1, tzinfo=UTC)
PASSES = Verdict("c", "1", 1, 0, 1, (Finding(RuleName("r"), "pass"),))
FAILS = replace(
    PASSES, findings=(Finding(RuleName("r"), "pass"), Finding(RuleName("q"), "fail", message="no good"))
)


def begun() -> tuple[Store, Commit, Ref]:
    """A store whose main is protected, at an empty commit."""
    store = MemoryStore(TickingClock())
    first = new_commit(EMPTY_ROOT, [], author="t", message="empty", at=AT)
    store.commit(
        Changes(commits=(first,), refs=(RefChange(MAIN, first.id, protected=True),)), (RefAbsent(MAIN),)
    )
    ref = store.ref(MAIN)
    assert ref is not None
    return store, first, ref


def candidate(first: Commit, ref: Ref) -> Candidate:
    """A commit that adds a contract."""
    entry, nodes = document(b"version: 1")
    root, more = update(
        MemoryStore(TickingClock()), first.root, {contract_key(TableName("default.orders")): entry}
    )
    commit = new_commit(root, [first], author="t", message="contract", at=AT)
    told = Event("batch.published", "orders", AT)
    verdict = VerdictRow(root, RunId("r1"), None, PASSES.on(root), AT)
    changes = Changes(nodes={**nodes, **more}, commits=(commit,), verdicts=(verdict,), events=(told,))
    return Candidate(commit, ref, changes)


def test_a_passing_verdict_on_exactly_the_tree_moves_the_ref() -> None:
    store, first, ref = begun()
    made = candidate(first, ref)
    assert publish(made, PASSES.on(made.commit.root), store) == Published(made.commit)
    moved = store.ref(MAIN)
    assert moved is not None and (moved.head, moved.gen) == (made.commit.id, ref.gen + 1)
    (told,) = store.events()
    assert told.data["refs"] == {MAIN: [first.id, made.commit.id]}


@pytest.mark.parametrize(
    ("verdict", "why"),
    [(PASSES, "not about"), (PASSES.on(NodeId("0" * 64)), "not about"), (FAILS, "not about")],
)
def test_a_verdict_on_anything_else_publishes_nothing(verdict: Verdict, why: str) -> None:
    store, first, ref = begun()
    withheld = publish(candidate(first, ref), verdict, store)
    assert isinstance(withheld, Withheld) and why in withheld.why
    assert store.ref(MAIN) == ref and store.events() == ()


def test_a_verdict_that_does_not_pass_publishes_nothing_and_is_told() -> None:
    store, first, ref = begun()
    made = candidate(first, ref)
    withheld = publish(made, FAILS.on(made.commit.root), store)
    assert withheld == Withheld("q: no good", (FAILS.findings[1],))
    assert store.ref(MAIN) == ref


def test_what_was_not_executed_blocks_unless_it_is_allowed() -> None:
    store, first, ref = begun()
    made = candidate(first, ref)
    unexecuted = replace(PASSES, findings=(Finding(RuleName("x"), "not_executed"),)).on(made.commit.root)
    assert isinstance(publish(made, unexecuted, store), Withheld)
    assert isinstance(publish(made, replace(unexecuted, allowed=frozenset({"x"})), store), Published)


def test_whoever_comes_second_has_lost_and_wrote_nothing() -> None:
    store, first, ref = begun()
    made = candidate(first, ref)
    publish(made, PASSES.on(made.commit.root), store)
    after = store.ref(MAIN)
    lost = publish(made, PASSES.on(made.commit.root), store)
    assert isinstance(lost, Lost) and store.ref(MAIN) == after


def test_a_run_that_was_ended_by_others_has_lost() -> None:
    store, first, ref = begun()
    made = replace(candidate(first, ref), requires=(RunOpen(RunId("r1")),))
    assert publish(made, PASSES.on(made.commit.root), store) == Lost(RunOpen(RunId("r1")))


def test_the_store_s_own_guard_has_the_last_word() -> None:
    """No verdict is written along, so the store does not let the protected ref move."""
    store, first, ref = begun()
    made = candidate(first, ref)
    unproven = replace(made, changes=replace(made.changes, verdicts=()))
    withheld = publish(unproven, PASSES.on(made.commit.root), store)
    assert isinstance(withheld, Withheld) and "protected" in withheld.why


def test_an_answer_that_was_lost_is_neither_yes_nor_no(monkeypatch: pytest.MonkeyPatch) -> None:
    store, first, ref = begun()
    made = candidate(first, ref)
    monkeypatch.setattr(store, "commit", lambda *_: Unknown("the line went dead"))
    with pytest.raises(OutcomeUnknown) as error:
        publish(made, PASSES.on(made.commit.root), store)
    assert "recover" in error.value.hint
