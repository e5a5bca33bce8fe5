"""What becomes of baselines where whole trees are merged or undone: always what is left on the merged tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.catalog.merging import BothChanged
from headgate.catalog.trees import document, read_document
from headgate.checks.baseline import agreed, baseline_of, kept, read, written
from headgate.checks.merged import still_known
from headgate.flow.contracts import contract_of
from headgate.model.baseline import Baseline
from headgate.model.names import Key, NodeId, TableName, baseline_key, table_of
from headgate.model.tree import Delta, DocumentEntry, Entry, Tree
from headgate.ports import Ports


def about_baseline(key: Key) -> bool:
    return key.startswith("baseline/")


def agreed_on(ports: Ports, both: BothChanged) -> Baseline:
    """A baseline that both sides of a merge changed."""
    base, ours, theirs = (_read(ports, entry) for entry in (both.base, both.ours, both.theirs))
    return agreed(base, ours, theirs)


def as_before(ports: Ports, changed: Iterable[Delta], before: Tree, now: Tree) -> dict[TableName, Baseline]:
    """Baselines as they were ``before`` a commit that changed them, as far as they hold under the contracts of ``now``.

    One that the commit recorded goes with the contract that it came with, however few rows were left in it.
    """
    found: dict[TableName, Baseline] = {}
    for delta in changed:
        table = table_of(delta.key)
        if table is None or not about_baseline(delta.key):
            continue
        own = contract_of(ports, now, table)
        was = _read(ports, delta.old)
        found[table] = kept(was, contract_of(ports, before, table), own) if own is not None else {}
    return found


def with_baselines(
    ports: Ports, tree: Tree, changes: Mapping[Key, Entry | None], said: Mapping[TableName, Baseline]
) -> tuple[dict[Key, Entry | None], dict[NodeId, bytes]]:
    """Changes of ``tree``, and with them what its baselines then are; ``said``: where they are others than it has.

    Measured on what the tables become: rows that either side mended are none to put up with.
    """
    after = tree.put(changes)
    known = {t: said[t] if t in said else baseline_of(ports.store, after, t) for t in after.tables()}
    own = {t: contract_of(ports, after, t) for t, baseline in known.items() if baseline}
    contracts = {t: contract for t, contract in own.items() if contract is not None}
    whole = {t for t in contracts if t in said or after.baseline(t) != tree.baseline(t)}
    left = still_known(ports, tree, after, contracts, known, whole)
    found: dict[Key, Entry | None] = dict(changes)
    nodes: dict[NodeId, bytes] = {}
    for table in {*contracts, *said}:
        baseline = left.get(table, {})
        entry, content = document(written(baseline)) if baseline else (None, {})
        nodes |= content
        if tree.baseline(table) != entry:
            found[baseline_key(table)] = entry
        else:
            found.pop(baseline_key(table), None)
    return found, nodes


def _read(ports: Ports, entry: Entry | None) -> Baseline:
    return read(read_document(ports.store, entry)) if isinstance(entry, DocumentEntry) else {}
