"""Looking keys up without reading tables: where the lake's index knows which files hold them, or that none does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from headgate.checks.overlap import Ranges, overlapping
from headgate.checks.proofs import same_values
from headgate.model.contract import TableContract
from headgate.model.names import TableName
from headgate.model.rule import DuplicateRows, Measured, References, Rule, Unique
from headgate.model.tree import TableEntry, Tree
from headgate.model.verdict import Verdict
from headgate.ports import Frame, Ports, Remembering

_SMALLER = 4  # a table of four million rows is small for one million


def near(
    ports: Ports,
    entry: TableEntry,
    contract: TableContract,
    rows: Frame,
    ranges: Ranges,
    columns: Sequence[str],
) -> tuple[str, ...]:
    """Files of a table in which a key of ``rows`` may be: by their bounds first, and then by the index."""
    paths = overlapping(ports.lake.files(entry), ranges, columns)
    keys = ports.engine.keys(rows, contract, columns, columns) if paths else None
    return tuple(paths) if keys is None else ports.lake.near(entry, paths, columns, keys)


def parents_of(
    ports: Remembering,
    tree: Tree,
    contract: TableContract,
    rules: Iterable[Rule],
    rows: Frame,
    count: int = 0,
) -> dict[TableName, Frame]:
    """The tables that ``rules`` refer to: of each the keys that ``rows`` refer to and that are there, if the index
    knows; else all of it. One that is not in ``tree`` is left out. ``count``: how many rows there are, if that is
    known: many rows are sooner held against all of a small table.
    """
    wanted: dict[TableName, list[References]] = {}
    for rule in rules:
        if isinstance(rule.body, References):
            wanted.setdefault(rule.body.to_table, []).append(rule.body)
    found: dict[TableName, Frame] = {}
    for table, bodies in sorted(wanted.items()):
        entry = tree.table(table)
        if entry is not None:
            small = ports.lake.rows(entry) <= _SMALLER * count
            referred = None if small else _referred(ports, entry, contract, bodies, rows)
            found[table] = ports.lake.scan(entry) if referred is None else referred
    return found


def _referred(
    ports: Remembering, entry: TableEntry, contract: TableContract, bodies: Sequence[References], rows: Frame
) -> Frame | None:
    to_columns = bodies[0].to_columns
    if any(body.to_columns != to_columns for body in bodies):
        return None
    frames: list[Frame] = []
    for body in bodies:
        keys = ports.engine.keys(rows, contract, body.columns, to_columns)
        there = None if keys is None else ports.lake.found(entry, to_columns, keys)
        if there is None:
            return None
        frames.append(there)
    return ports.engine.together(frames)


def unique(ports: Remembering, entry: TableEntry, contract: TableContract, rule: Rule) -> bool:
    """True if the index knows that no key of a table is doubled. Of keys with a null in them it knows nothing."""
    columns = _doubled(rule)
    if columns is None or not _as_stored(ports, entry, contract, columns):
        return False
    return ports.lake.unique(entry, columns)


def note_unique(
    ports: Ports, was: TableEntry, now: TableEntry, contract: TableContract, verdict: Verdict
) -> None:
    """Leave for `unique` what a load has found: ``verdict`` is of the rows that came to ``was``, and are in ``now``.

    Only of rules that no row failed: what became of rows that fail is for others to know.
    """
    passed = {f.rule for f in verdict.findings if f.status == "pass" and not f.rows_failed}
    for rule in contract.rules:
        columns = rule.body.columns if isinstance(rule.body, Unique) and rule.where is None else None
        if columns is not None and rule.name in passed and _as_stored(ports, now, contract, columns):
            ports.lake.note_unique(was, now, columns)


def _doubled(rule: Rule) -> tuple[str, ...] | None:
    if rule.where is not None:
        return None
    if isinstance(rule.body, Unique):
        return rule.body.columns
    if isinstance(rule.body, Measured) and isinstance(rule.body.measure, DuplicateRows) and not rule.body.by:
        return rule.body.measure.columns
    return None


def _as_stored(
    ports: Remembering, entry: TableEntry, contract: TableContract, columns: Collection[str]
) -> bool:
    """True if keys compare as they are stored."""
    stored = {c.name: c.type for c in ports.lake.columns(entry)}
    declared = {c.name: c.type for c in contract.columns}
    return all(
        name in stored and name in declared and same_values(declared[name], stored[name]) for name in columns
    )
