"""The second half of `store_suite`: requirements, the ledger, runs, verdicts and partials."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest

from headgate.catalog.commits import stored_commit
from headgate.catalog.trees import store_tree
from headgate.model.change import Changes, Done, LastRelease, Refused, RunOpen
from headgate.model.errors import Bug
from headgate.model.names import (
    BatchId,
    NodeId,
    RunId,
    TableName,
)
from headgate.model.run import StepRow
from headgate.model.tree import EMPTY_TREE
from headgate.ports import Clock, Store
from headgate.testing.clock import TickingClock
from headgate.testing.store_writer import (
    ORDERS,
    RUN,
    Writer,
    batch_row,
    quarantine_row,
    release_row,
    run_row,
    table,
    verdict_on,
)


@runtime_checkable
class _Closing(Protocol):
    def close(self) -> None: ...


class LedgerSuite(ABC):
    """Every method starts with an empty store."""

    @abstractmethod
    def make(self, folder: Path, clock: Clock) -> Store:
        """An empty store."""

    @pytest.fixture
    def clock(self) -> TickingClock:
        return TickingClock()

    @pytest.fixture
    def store(self, tmp_path: Path, clock: TickingClock) -> Iterator[Store]:
        store = self.make(tmp_path, clock)
        yield store
        if isinstance(store, _Closing):
            store.close()

    @pytest.fixture
    def write(self, store: Store, clock: TickingClock) -> Writer:
        return Writer(store, clock)

    # -- requirements

    def test_a_run_that_must_be_open_is(self, store: Store) -> None:
        assert store.commit(Changes(), (RunOpen(RUN),)) == Refused(f"run {RUN} is not open", RunOpen(RUN))
        store.commit(Changes(runs=(run_row("open"),)))
        assert isinstance(store.commit(Changes(runs=(run_row("done"),)), (RunOpen(RUN),)), Done)
        assert isinstance(store.commit(Changes(), (RunOpen(RUN),)), Refused)

    def test_a_release_follows_the_one_that_was_seen(self, store: Store) -> None:
        nothing, first = LastRelease("production", None), LastRelease("production", 1)
        assert isinstance(store.commit(Changes(releases=(release_row(1),)), (nothing,)), Done)
        assert isinstance(store.commit(Changes(releases=(release_row(2),)), (nothing,)), Refused)
        assert isinstance(store.commit(Changes(releases=(release_row(2),)), (first,)), Done)
        assert store.releases("production") == (release_row(1), release_row(2))
        assert store.releases("staging") == ()
        assert store.release("production") == store.release("production", 2) == release_row(2)
        assert store.release("production", 1) == release_row(1)
        assert store.release("production", 3) is store.release("staging") is None
        with pytest.raises(Bug):
            store.commit(Changes(releases=(release_row(2),)))

    # -- ledger, runs, verdicts, partials

    def test_the_ledger_is_asked_by_table_digest_and_batch(self, store: Store) -> None:
        one, two, three = (
            batch_row("b1", "x", "y"),
            batch_row("b2", "y"),
            replace(batch_row("b1"), table=ORDERS),
        )
        for row in (one, two, three):
            store.commit(Changes(batches=(row,)))
        assert store.batches() == (one, two, three)
        assert store.batches(TableName("default.a")) == (one, two)
        assert store.batches(digests=["x", "z"]) == (one,)
        assert store.batches(TableName("default.a"), digests=["y"]) == (one, two)
        assert store.batches(digests=["nothing"]) == ()
        assert store.batches(batch=BatchId("b1")) == (one, three)
        with pytest.raises(Bug):
            store.commit(Changes(batches=(one,)))

    def test_a_batch_of_thousands_of_objects_comes_back_whole(self, store: Store) -> None:
        large = batch_row("b1", *(f"d{i}" for i in range(2_000)))
        store.commit(Changes(batches=(large, batch_row("b2", "d5"))))
        found = store.batches(digests=[f"d{i}" for i in range(2_000)])
        assert found == (large, batch_row("b2", "d5"))

    def test_a_quarantined_batch_changes_its_state(self, store: Store) -> None:
        store.commit(Changes(quarantine=(quarantine_row("q1"), quarantine_row("q2"))))
        replayed = replace(quarantine_row("q1"), state="replayed", rows=1)
        store.commit(Changes(quarantine=(replayed,)))
        assert store.quarantined() == (replayed, quarantine_row("q2"))
        assert store.quarantined(open_only=True) == (quarantine_row("q2"),)
        assert store.quarantined(batch=BatchId("elsewhere")) == ()

    def test_runs_and_steps_are_kept_by_their_ids(self, store: Store) -> None:
        first, last = run_row("open"), replace(run_row("open"), id=RunId("r" + "1" * 26))
        store.commit(Changes(runs=(first, last)))
        store.commit(Changes(runs=(run_row("done"),)))
        assert store.runs() == (last, run_row("done"))
        assert store.runs(state="open") == (last,)
        assert store.runs(state="done") == (run_row("done"),)
        assert store.runs(limit=1) == (last,)
        steps = (StepRow(RUN, "b", "h1", {"rows": [1]}), StepRow(RUN, "a", "h1", {"pointer": None}))
        store.commit(Changes(steps=steps))
        again = replace(steps[0], result={"rows": [2]})
        store.commit(Changes(steps=(again, replace(again, input_hash="h2"))))
        assert store.steps(RUN) == (again, steps[1], replace(again, input_hash="h2"))
        assert store.steps(last.id) == ()

    def test_verdicts_come_back_as_they_were_given(self, store: Store) -> None:
        root, _ = store_tree(EMPTY_TREE)
        rows = [verdict_on(root, passed=False, about=ORDERS), verdict_on(NodeId("2" * 64))]
        for row in rows:
            store.commit(Changes(verdicts=(row,)))
        assert store.verdicts() == tuple(reversed(rows))
        assert store.verdicts(root=root) == (rows[0],)
        assert store.verdicts(limit=1) == (rows[1],)

    def test_the_first_partial_of_a_key_stays(self, store: Store) -> None:
        store.commit(Changes(partials={"a": b"1", "b": b"2"}))
        store.commit(Changes(partials={"a": b"3"}))
        assert store.partials(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
        many = {f"k{i}": b"x" for i in range(1_500)}
        store.commit(Changes(partials=many))
        assert store.partials(list(many)) == many

    def test_writing_a_commit_again_changes_nothing(self, store: Store, write: Writer) -> None:
        prepared, commit = write.prepare({"table/default.a": table(1)})
        for _ in range(2):
            assert isinstance(store.commit(prepared), Done)
        assert stored_commit(store, commit.id) == commit
        assert store.ancestors(commit.id, 10) == (commit,)
