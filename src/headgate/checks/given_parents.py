"""Tables that are given to a check of another one, to be looked in for the parents that its references name.

Nothing is judged about them but that the values referred to are of their type: a parent is a row in which they fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from headgate.model.contract import AnyType, Column, Policy, TableContract
from headgate.model.errors import WrongUse
from headgate.model.names import TableName, short, table_name
from headgate.model.rule import NotCompiled, References, Rule
from headgate.model.verdict import Finding, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table that references name: what else it is called, and the rules that refer to it."""

    names: frozenset[str]
    bodies: tuple[References, ...]


def wanted(
    contract: TableContract, own: Collection[Rule], called: Mapping[TableName, Collection[str]]
) -> dict[TableName, Wanted]:
    """The tables that a contract's rules refer to, but for itself (``own``). ``called``: their other names."""
    found: dict[TableName, list[References]] = {}
    for rule in contract.rules:
        if isinstance(rule.body, References) and rule not in own:
            found.setdefault(rule.body.to_table, []).append(rule.body)
    return {t: Wanted(frozenset(called.get(t, ())), tuple(bodies)) for t, bodies in found.items()}


def meant(
    given: Mapping[str, T], among: Mapping[TableName, Wanted], contract: TableContract
) -> dict[TableName, T]:
    """What is given, by the table that is meant. Raises WrongUse for a table that no reference names."""
    found: dict[TableName, T] = {}
    for name, data in given.items():
        table = next((t for t in among if _is(t, name)), None)
        table = table or next((t for t, one in among.items() if name in one.names), None)
        if table is None:
            raise WrongUse(
                f"no reference leads to a table {name!r}", hint=_hint(name, among, contract), place=name
            )
        if table in found:
            raise WrongUse(
                f"{name} is {short(table)}, which is given already", hint="give it once", place=name
            )
        found[table] = data
    return found


def _is(table: TableName, name: str) -> bool:
    try:
        return table_name(name) == table
    except WrongUse:
        return False


def _hint(name: str, among: Mapping[TableName, Wanted], contract: TableContract) -> str:
    if name in {contract.object, contract.physical_name}:
        return f"{name} is what is checked: its own rows are its parents"
    if among:
        return f"they lead to {', '.join(short(t) for t in among)}"
    unread = (
        r.body.why for r in contract.rules if isinstance(r.body, NotCompiled) and "references" in r.name
    )
    return next(unread, "the contract has no relationships to other tables")


def needed(
    table: TableName,
    bodies: Sequence[References],
    child: TableContract,
    parent: TableContract | None,
    there: Collection[str],
) -> TableContract:
    """What is asked of a given table: the columns referred to that are ``there``, as its own contract (``parent``)
    declares them, or else as the columns that refer to them are.
    """
    found: dict[str, Column] = {}
    for body in bodies:
        for own, name in zip(body.columns, body.to_columns, strict=True):
            declared = parent.column(name) if parent is not None else None
            like = child.column(own)
            column = declared or Column(name, like.type if like is not None else AnyType())
            if name in found and found[name].type != column.type:
                column = Column(name, AnyType())
            found[name] = replace(column, required=False)
    return replace(
        parent or child,
        object=short(table),
        physical_name=short(table),
        columns=tuple(column for name, column in found.items() if name in there),
        rules=(),
        primary_key=(),
        policy=Policy(extra_columns="drop", missing_columns="null"),
        levels=(),
    )


def hinted(verdict: Verdict, contract: TableContract, missing: Collection[TableName]) -> Verdict:
    """With the way out, where a rule could not look for its parents."""
    tables = {
        r.name: r.body.to_table
        for r in contract.rules
        if isinstance(r.body, References) and r.body.to_table in missing
    }
    return replace(verdict, findings=tuple(_hinted(f, tables.get(f.rule)) for f in verdict.findings))


def _hinted(finding: Finding, table: TableName | None) -> Finding:
    if table is None or finding.status != "not_executed":
        return finding
    name = short(table)
    said = f"the table {name} is not there; say where it is, to have it looked in: --with {name}=DATA"
    return replace(finding, message=said)
