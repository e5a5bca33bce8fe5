"""Short ways to write commits and rows, for the suite of the Store and for tests of what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.catalog.commits import new_commit
from headgate.catalog.trees import EMPTY_ROOT, changed, update
from headgate.model.batch import BatchRow, Counts, Object
from headgate.model.change import (
    Changes,
    Done,
    QuarantineRow,
    RefAbsent,
    RefChange,
    RefIs,
    Refused,
    Unknown,
    VerdictRow,
)
from headgate.model.commit import Commit, Release
from headgate.model.names import (
    MAIN,
    BatchId,
    CommitId,
    Key,
    NodeId,
    RefName,
    RuleName,
    RunId,
    TableName,
)
from headgate.model.run import Run
from headgate.model.tree import Entry, TableEntry
from headgate.model.verdict import Finding, Sample, Verdict
from headgate.ports import Clock, Store
from headgate.testing.clock import TickingClock

ORDERS = TableName("default.orders")
RUN = RunId("r" + "0" * 26)


def table(number: int) -> TableEntry:
    """Some version of a table."""
    return TableEntry("uuid", f"/warehouse/orders/{number}.json")


def verdict_on(root: NodeId, *, passed: bool = True, about: TableName | None = None) -> VerdictRow:
    """A stored verdict on the tree with this root."""
    sample = Sample("a.csv", 7, (("id", "1"), ("day", None)), "amount", "-3")
    finding = Finding(RuleName("amount.minimum"), "pass" if passed else "fail", 0 if passed else 1, "1", "m")
    finding = replace(finding, samples=() if passed else (sample,), how="partial", dimension="validity")
    verdict = Verdict("orders", "1.0.0", 10, 0, 1, (finding,), root, frozenset({"a", "b"}))
    return VerdictRow(root, RUN, about, verdict, TickingClock().now())


@dataclass(frozen=True)
class Writer:
    """Writes commits with as few words as a test wants to say."""

    store: Store
    clock: Clock

    def __call__(
        self,
        changes: Mapping[str, Entry | None],
        *parents: Commit,
        reverts: CommitId | None = None,
        verdicts: Sequence[VerdictRow] = (),
        taint: str | None = None,
        passed: bool | None = None,
    ) -> Commit:
        """A stored commit: the first parent's tree with ``changes``. ``passed``: with a verdict on its tree."""
        prepared, commit = self.prepare(changes, *parents, reverts=reverts)
        if passed is not None:
            verdicts = (*verdicts, verdict_on(commit.root, passed=passed))
        taints = {} if taint is None else {commit.id: taint}
        answer = self.store.commit(replace(prepared, verdicts=tuple(verdicts), taints=taints))
        assert isinstance(answer, Done), answer
        return commit

    def prepare(
        self, changes: Mapping[str, Entry | None], *parents: Commit, reverts: CommitId | None = None
    ) -> tuple[Changes, Commit]:
        """The same, not written yet."""
        old = parents[0].root if parents else EMPTY_ROOT
        root, nodes = update(self.store, old, {Key(k): v for k, v in changes.items()})
        commit = new_commit(root, parents, author="a", message="m", at=self.clock.now(), reverts=reverts)
        known = _Known(nodes, self.store)
        return (
            Changes(nodes=nodes, commits=(commit,), deltas={commit.id: changed(known, old, root)}),
            commit,
        )

    def branch(self, name: str, commit: Commit, *, protected: bool = False) -> RefName:
        """A new branch."""
        change = RefChange(RefName(name), commit.id, protected=protected)
        answer = self.store.commit(Changes(refs=(change,)), (RefAbsent(RefName(name)),))
        assert isinstance(answer, Done), answer
        return RefName(name)

    def move(self, name: str, to: str | None, *, protected: bool = False) -> Done | Refused | Unknown:
        """Move (or delete) a ref from where it is."""
        ref = self.store.ref(RefName(name))
        assert ref is not None
        seen = RefIs(ref.name, ref.head, ref.gen)
        change = RefChange(ref.name, to, ref.kind, protected)
        return self.store.commit(Changes(refs=(change,)), (seen,))


@dataclass(frozen=True)
class _Known:
    nodes: Mapping[NodeId, bytes]
    store: Store

    def node(self, id: NodeId) -> bytes | None:
        return self.nodes.get(id) or self.store.node(id)


# -- rows ---------------------------------------------------------------------------------------------------

_AT = TickingClock().now()


def batch_row(id: str, *digests: str) -> BatchRow:
    return BatchRow(
        batch=BatchId(id),
        table=TableName("default.a"),
        mode="append",
        run=RUN,
        outcome="published_partial",
        commit=CommitId("3" * 64),
        counts=Counts(10, 4, 3, 2, 1),
        objects=tuple(Object(d, f"/in/{d}.csv", 1 << 40, "csv") for d in digests),
    )


def quarantine_row(id: str) -> QuarantineRow:
    return QuarantineRow(
        id, RUN, BatchId("b1"), ORDERS, MAIN, "/q/1.parquet", 3, "orders", "1.0.0", "open", _AT, None
    )


def run_row(state: str) -> Run:
    run = Run(
        id=RUN,
        kind="load",
        state="open",
        subject="default.orders",
        target=MAIN,
        started=_AT,
        branch=RefName("run/1"),
        batch=BatchId("b1"),
        intent={"data": ["a.csv"], "mode": "append"},
    )
    return run if state == "open" else replace(run, state="done", ended=_AT, outcome="published")


def release_row(id: int) -> Release:
    before = id - 1 if id > 1 else None
    return Release(
        id, "production", "promotion", CommitId("4" * 64), RefName("production-blue"), before, id, _AT
    )
