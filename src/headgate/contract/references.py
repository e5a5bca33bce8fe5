"""``relationships``: single-column foreign keys to a table of the same commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headgate.contract.draft import Draft, Subject
from headgate.contract.json_schema import Path, Value
from headgate.contract.settings import settings
from headgate.contract.types import parts
from headgate.model.errors import WrongUse
from headgate.model.names import TableName, table_name
from headgate.model.rule import Body, NotCompiled, References


@dataclass(frozen=True, slots=True)
class _Target:
    table: str
    column: str


def of_property(subject: Subject) -> Iterator[Draft]:
    """The references a property declares for its own column."""
    for at, entry in enumerate(parts(subject.part, "relationships")):
        yield _draft(subject, at, entry, subject.column, _single(entry.get("to")))


def of_object(subject: Subject) -> Iterator[Draft]:
    """The references an object declares, from one of its properties each."""
    for at, entry in enumerate(parts(subject.part, "relationships")):
        path = ("relationships", at)
        source, target = entry.get("from"), entry.get("to")
        if isinstance(source, list) and isinstance(target, list) and len(source) != len(target):
            subject.refuse(
                path, "from and to do not have the same number of properties", "name as many of each"
            )
        from_, to = _single(source), _single(target)
        if from_ is None or to is None:
            why = "keys of several columns are not looked up"
            yield _finished(subject, at, entry, "references", NotCompiled(why))
            continue
        found = _resolve(subject, (*path, "from"), from_)
        if isinstance(found, NotCompiled):
            yield _finished(subject, at, entry, "references", found)
            continue
        own = {str(subject.part.get("name")), str(subject.part.get("physicalName"))}
        if found.table not in own:
            subject.refuse(
                (*path, "from"), f"{from_} is not a property of {subject.part.get('name')}", "move it there"
            )
        yield _draft(subject, at, entry, found.column, to)


def _draft(subject: Subject, at: int, entry: Mapping[str, Value], column: str, to: str | None) -> Draft:
    return _finished(subject, at, entry, f"{column}.references", _body(subject, at, column, to))


def _finished(subject: Subject, at: int, entry: Mapping[str, Value], name: str, body: Body) -> Draft:
    path = subject.at("relationships", at)
    own = settings(subject.document, path, entry.get("customProperties"), "rule")
    return Draft(name, body, path, settings=own)


def _body(subject: Subject, at: int, column: str, to: str | None) -> Body:
    if to is None:
        return NotCompiled("keys of several columns are not looked up")
    found = _resolve(subject, ("relationships", at, "to"), to)
    if isinstance(found, NotCompiled):
        return found
    try:
        table: TableName = table_name(found.table)
    except WrongUse as error:
        return NotCompiled(error.message)
    return References((column,), table, (found.column,))


def _single(value: Value) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def _resolve(subject: Subject, steps: Path, reference: str) -> _Target | NotCompiled:
    if "#" in reference:
        return NotCompiled(f"{reference} is in another contract, which is not read")
    if "/" in reference:
        return _by_id(subject, steps, reference.strip("/").split("/"))
    first, *rest = reference.split(".")
    known = _find(parts(subject.document.tree, "schema"), ("name", "physicalName", "id"), first)
    if known is None:
        if len(rest) == 1:
            return _Target(first, rest[0])
        if len(rest) == 2:
            return _Target(f"{first}.{rest[0]}", rest[1])
    elif len(rest) == 1:
        column = _find(parts(known, "properties"), ("name", "physicalName"), rest[0])
        if column is None:
            subject.refuse(steps, f"{first} has no property {rest[0]!r}", _listed(known))
        return _Target(_table_of(known), _physical(column))
    return NotCompiled(f"{reference} is inside of a column, where nothing is looked up")


def _by_id(subject: Subject, steps: Path, names: list[str]) -> _Target | NotCompiled:
    if len(names) < 4 or names[0] != "schema" or names[2] != "properties":
        return NotCompiled(f"{'/'.join(names)} names no property of a schema object")
    known = _find(parts(subject.document.tree, "schema"), ("id", "name"), names[1])
    if known is None:
        ids = ", ".join(
            str(one.get("id") or one.get("name")) for one in parts(subject.document.tree, "schema")
        )
        subject.refuse(steps, f"there is no schema object with the id {names[1]!r}", f"there is {ids}")
    if len(names) > 4:
        return NotCompiled(f"{'/'.join(names)} is inside of a column, where nothing is looked up")
    column = _find(parts(known, "properties"), ("id", "name"), names[3])
    if column is None:
        subject.refuse(steps, f"{names[1]} has no property with the id {names[3]!r}", _listed(known))
    return _Target(_table_of(known), _physical(column))


def _find(among: list[dict[str, Value]], keys: tuple[str, ...], wanted: str) -> dict[str, Value] | None:
    return next((one for key in keys for one in among if one.get(key) == wanted), None)


def _listed(known: Mapping[str, Value]) -> str:
    return f"it has {', '.join(str(one.get('name')) for one in parts(known, 'properties'))}"


def _physical(part: Mapping[str, Value]) -> str:
    return str(part.get("physicalName") or part.get("name"))


def _table_of(known: Mapping[str, Value]) -> str:
    """The table behind a schema object: its physicalName if that can be a table's name, else its name."""
    physical = _physical(known)
    try:
        table_name(physical)
    except WrongUse:
        return str(known.get("name"))
    return physical
