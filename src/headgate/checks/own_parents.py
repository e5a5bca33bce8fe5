"""A table that refers to itself: rows that come together are each other's parents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from headgate.model.contract import TableContract
from headgate.model.names import TableName
from headgate.model.rule import References, Rule
from headgate.ports import Frame, Judge


def own_references(contract: TableContract, names: Collection[str]) -> tuple[Rule, ...]:
    """The rules that refer to the table itself, whatever of ``names`` they call it."""
    return tuple(r for r in contract.rules if isinstance(r.body, References) and r.body.to_table in names)


def fitting(
    engine: Judge,
    rows: Frame,
    contract: TableContract,
    own: Collection[Rule],
    parents: Mapping[TableName, Frame],
) -> Frame:
    """The rows as typed parents: all of them whose values fit, whatever other rules they fail."""
    less = replace(contract, rules=tuple(r for r in contract.rules if r not in own))
    checked = engine.check(rows, less, parents=parents, existing={}, table_rules="none")
    about_rows = frozenset(r.name for r in less.rules if r.about_rows)
    return engine.split(rows, less, checked, warn=about_rows).good
