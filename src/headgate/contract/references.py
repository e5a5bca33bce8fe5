"""``relationships``: foreign keys, of one column or several, to another table.

A reference names an object of the same contract (``customers.id``, ``schema/customers/properties/id``), a table that
the contract does not describe (``customers.id``), or an object of another contract
(``customers.odcs.yaml#/schema/customers/properties/id``), which somebody else must find (`Elsewhere`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.contract.draft import Draft, Subject, Target, refuse_idle
from headgate.contract.json_schema import Path, Value
from headgate.contract.settings import settings
from headgate.contract.types import logical_type, parts
from headgate.model.errors import WrongUse
from headgate.model.names import TableName, table_name
from headgate.model.rule import Body, NotCompiled, References


@dataclass(frozen=True, slots=True)
class Lacking:
    """There is no such object or property: ``what``, and what there is."""

    what: str
    there: str


def of_property(subject: Subject) -> Iterator[Draft]:
    """The references a property declares for its own column."""
    for at, entry in enumerate(parts(subject.part, "relationships")):
        yield _draft(subject, at, entry, (subject.column,), nested=_nested(subject.part))


def of_object(subject: Subject) -> Iterator[Draft]:
    """The references an object declares, from one or several of its properties each."""
    own = {str(subject.part.get("name")), str(subject.part.get("physicalName"))}
    for at, entry in enumerate(parts(subject.part, "relationships")):
        path: Path = ("relationships", at)
        sources, targets = _listed_in(entry.get("from")), _listed_in(entry.get("to"))
        if len(sources) != len(targets):
            subject.refuse(
                path, "from and to do not have the same number of properties", "name as many of each"
            )
        found = [_resolve(subject, (*path, "from"), one) for one in sources]
        columns: list[str] = []
        for said, one in zip(sources, found, strict=True):
            if isinstance(one, NotCompiled):
                yield _finished(subject, at, entry, "references", one)
                break
            if one.table not in own:
                name = subject.part.get("name")
                subject.refuse((*path, "from"), f"{said} is not a property of {name}", "move it there")
            columns.append(one.column)
        else:
            nested = any(isinstance(one, Target) and one.nested for one in found)
            yield _draft(subject, at, entry, tuple(columns), nested=nested)


def _draft(
    subject: Subject, at: int, entry: Mapping[str, Value], columns: tuple[str, ...], *, nested: bool
) -> Draft:
    body: Body
    if entry.get("type") not in {None, "foreignKey"}:
        body = NotCompiled(f"a relationship of type {entry.get('type')} is not looked up")
    elif nested:
        body = NotCompiled("values of this type are not compared with one another")
    else:
        body = _body(subject, at, columns, _listed_in(entry.get("to")))
    return _finished(subject, at, entry, f"{'+'.join(columns)}.references", body)


def _finished(subject: Subject, at: int, entry: Mapping[str, Value], name: str, body: Body) -> Draft:
    path = subject.at("relationships", at)
    own = settings(subject.document, path, entry.get("customProperties"), "rule")
    if own.dialect is not None:
        subject.refuse(("relationships", at), "dialect is for rules in SQL", "take it out")
    away = any("#" in one for one in _listed_in(entry.get("to")))
    # Whether another contract is there to be read changes nothing about what this one may say.
    refuse_idle(subject, ("relationships", at), own, _AWAY if away else body)
    return Draft(name, body, path, settings=own)


_AWAY = References((), TableName(""), ())


def _body(subject: Subject, at: int, columns: tuple[str, ...], to: Sequence[str]) -> Body:
    steps: Path = ("relationships", at, "to")
    if len(to) != len(columns):
        return NotCompiled("a key of several columns belongs to the object, with from and to")
    found: list[Target] = []
    for one in to:
        target = _resolve(subject, steps, one)
        if isinstance(target, NotCompiled):
            return target
        if target.nested:
            return NotCompiled("values of this type are not compared with one another")
        found.append(target)
    tables = {target.table for target in found}
    if len(tables) > 1:
        subject.refuse(steps, f"a key is in one table, and not in {' and '.join(sorted(tables))}", "name one")
    if len(set(columns)) < len(columns):
        subject.refuse(("relationships", at), "a property stands twice in one key", "name each once")
    try:
        table = table_name(found[0].table)
    except WrongUse as error:
        return NotCompiled(error.message)
    return References(columns, table, tuple(target.column for target in found))


def _listed_in(value: Value) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [one for one in given if isinstance(one, str)]


def _nested(part: Mapping[str, Value]) -> bool:
    return logical_type(part) in {"array", "object", "map", "vector"}


def _resolve(subject: Subject, steps: Path, reference: str) -> Target | NotCompiled:
    if "#" in reference:
        return subject.elsewhere(reference)
    objects = parts(subject.document.tree, "schema")
    if "/" in reference:
        target = by_id(objects, reference)
        if isinstance(target, Lacking):
            subject.refuse(steps, target.what, target.there)
        return target
    first, *rest = reference.split(".")
    known = _find(objects, ("name", "physicalName", "id"), first)
    if known is None:
        if len(rest) == 1:
            return Target(first, rest[0])
        if len(rest) == 2:
            return Target(f"{first}.{rest[0]}", rest[1])
    elif len(rest) == 1:
        column = _find(parts(known, "properties"), ("name", "physicalName"), rest[0])
        if column is None:
            subject.refuse(steps, f"{first} has no property {rest[0]!r}", _listed(known))
        return Target(table_of(known), _physical(column), _nested(column))
    return NotCompiled(f"{reference} is inside of a column, where nothing is looked up")


def by_id(objects: list[dict[str, Value]], reference: str) -> Target | NotCompiled | Lacking:
    """What ``schema/<id>/properties/<id>`` names among schema objects; names stand in for ids."""
    names = reference.strip("/").split("/")
    if len(names) < 4 or names[0] != "schema" or names[2] != "properties":
        return NotCompiled(f"{'/'.join(names)} names no property of a schema object")
    known = _find(objects, ("id", "name"), names[1])
    if known is None:
        ids = ", ".join(str(one.get("id") or one.get("name")) for one in objects)
        return Lacking(f"there is no schema object with the id {names[1]!r}", f"there is {ids}")
    if len(names) > 4:
        return NotCompiled(f"{'/'.join(names)} is inside of a column, where nothing is looked up")
    column = _find(parts(known, "properties"), ("id", "name"), names[3])
    if column is None:
        return Lacking(f"{names[1]} has no property with the id {names[3]!r}", _listed(known))
    return Target(table_of(known), _physical(column), _nested(column))


def object_of(objects: list[dict[str, Value]], reference: str) -> str:
    """The name of the schema object that a reference of `by_id` is about."""
    known = _find(objects, ("id", "name"), reference.strip("/").split("/")[1])
    return str(known.get("name")) if known else ""


def _find(among: list[dict[str, Value]], keys: tuple[str, ...], wanted: str) -> dict[str, Value] | None:
    return next((one for key in keys for one in among if one.get(key) == wanted), None)


def _listed(known: Mapping[str, Value]) -> str:
    return f"it has {', '.join(str(one.get('name')) for one in parts(known, 'properties'))}"


def _physical(part: Mapping[str, Value]) -> str:
    return str(part.get("physicalName") or part.get("name"))


def table_of(known: Mapping[str, Value]) -> str:
    """The table behind a schema object: its physicalName if that can be a table's name, else its name."""
    physical = _physical(known)
    try:
        table_name(physical)
    except WrongUse:
        return str(known.get("name"))
    return physical
