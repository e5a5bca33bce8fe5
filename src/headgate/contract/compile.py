"""One schema object of a document -> `TableContract`: columns, rules, dialect, policy.

Nothing declared is left out: what no engine runs becomes a rule that says so. What contradicts itself is
`ContractUnusable`, at its line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from headgate.contract import columns as column_rules
from headgate.contract import filters, quality, references, service_levels, temporal
from headgate.contract.classification import is_confidential
from headgate.contract.document import Document, refuse
from headgate.contract.draft import Draft, Elsewhere, PatternError, Subject, rules, unread
from headgate.contract.json_schema import Path, Value
from headgate.contract.service_levels import Level
from headgate.contract.settings import Settings, encoding, refuse_misplaced, settings
from headgate.contract.types import column_type, has_map, inside, parts
from headgate.model.contract import (
    ArrayType,
    Column,
    ColumnType,
    Dialect,
    MapType,
    ObjectType,
    Policy,
    TableContract,
    TimestampType,
)
from headgate.model.errors import WrongUse
from headgate.model.rule import Fits, NotCompiled, Rule, Told, Unique
from headgate.model.service_level import ServiceLevel


def select(document: Document, wanted: str | None = None) -> int:
    """Which schema object is meant: the only one there is, else the one that ``wanted`` names.

    ``wanted`` is a name or physicalName; ``default.orders`` also means ``orders``. Raises ContractUnusable if
    there is no schema object, WrongUse if there are several and none, or no one, is named.
    """
    objects = parts(document.tree, "schema")
    if not objects:
        refuse(document, ("schema",), "the contract describes no table", "add schema: with one object")
    if len(objects) == 1:
        return 0
    names = [str(one.get("name")) for one in objects]
    for name in (wanted, (wanted or "").removeprefix("default.")):
        for key in ("name", "physicalName"):
            found = [at for at, one in enumerate(objects) if name and one.get(key) == name]
            if len(found) > 1:
                refuse(document, ("schema", found[1]), f"two objects are called {name}", "rename one of them")
            if found:
                return found[0]
    close = difflib.get_close_matches(wanted or "", names, n=3) or names
    raise WrongUse(
        f"the contract describes {len(names)} tables, and none is called {wanted!r}"
        if wanted
        else f"the contract describes {len(names)} tables: which one is meant?",
        hint=f"name one of them: {', '.join(close)}",
        place=document.place,
    )


def compile_contract(
    document: Document,
    wanted: str | None = None,
    *,
    pattern_error: PatternError,
    elsewhere: Elsewhere = unread,
) -> TableContract:
    """The contract for one table (see `select`).

    Args:
        document: a valid document.
        wanted: name or physicalName of the schema object; not needed if there is only one.
        pattern_error: what is wrong with an ECMA-262 pattern, or None.
        elsewhere: what a reference into another contract names.

    Raises:
        ContractUnusable: it contradicts itself, or declares what cannot be.
        WrongUse: none of several schema objects is meant.
    """
    at = select(document, wanted)
    refuse_misplaced(document)
    path: Path = ("schema", at)
    part = parts(document.tree, "schema")[at]
    whole = Subject(document, path, part, pattern_error, elsewhere=elsewhere)
    subjects = _subjects(whole)
    own = _table_settings(whole)
    names = _names(subjects)
    keys = _primary_key(subjects)
    drafts = [draft for subject in subjects for draft in _column_drafts(subject, names)]
    drafts += _table_drafts(whole, names, keys)
    promised = list(service_levels.drafts(whole, _by_name(subjects)))
    drafts += [draft for draft, _ in promised]
    made = _rules(drafts, whole, subjects, own)
    return TableContract(
        id=str(document.tree["id"]),
        version=str(document.tree["version"]),
        object=str(part["name"]),
        physical_name=str(part.get("physicalName") or part["name"]),
        columns=tuple(_column(subject, own) for subject in subjects if subject.column),
        rules=made,
        document=document.digest,
        primary_key=tuple(subject.column for subject in keys),
        dialect=replace(
            own.csv or _served(document),
            maps=tuple(subject.column for subject in subjects if subject.column and has_map(subject.type)),
        ),
        policy=_policy(whole, own, names),
        format=own.format,
        levels=_levels(promised, made),
        variables=document.variables,
    )


def _subjects(whole: Subject) -> tuple[Subject, ...]:
    """One for each property; measures have no column."""
    properties = parts(whole.part, "properties")
    if not properties:
        whole.refuse(
            (), f"{whole.part.get('name')} declares no properties", "declare its columns, or infer them"
        )
    found: list[Subject] = []
    taken: set[str] = set()
    for at, part in enumerate(properties):
        here = whole.at("properties", at)
        if part.get("semanticType") == "measure":
            found.append(replace(whole, path=here, part=part))
            continue
        try:
            type_ = column_type(part)
        except ValueError as error:
            refuse(whole.document, here, str(error), "correct its type")
        name = str(part.get("physicalName") or part.get("name"))
        if not name.strip():
            refuse(whole.document, here, "a property has no name", "name it as its column is called")
        if name in taken:
            refuse(whole.document, here, f"the column {name!r} stands there twice", "keep one, or rename it")
        taken.add(name)
        found.append(replace(whole, path=here, part=part, column=name, type=type_))
    if all(not one.column for one in found):
        whole.refuse(
            ("properties",), "every property is a measure: there are no columns", "declare the columns"
        )
    return tuple(found)


def _column(subject: Subject, table: Settings) -> Column:
    part = subject.part
    return Column(
        name=subject.column,
        type=_without_format(subject.type),
        required=part.get("required") is True or part.get("primaryKey") is True,
        label=str(part.get("name")),
        classification=str(part["classification"]) if part.get("classification") is not None else None,
        description=str(part.get("description") or ""),
        masked=_masked(subject.document, subject.path, part, outer=table.mask),
    )


def _masked(document: Document, path: Path, part: Mapping[str, Value], *, outer: bool | None) -> bool:
    """True if a property, or anything inside of it, is not shown: the nearest ``mask``, else the classification."""
    own = settings(document, path, part.get("customProperties"), "property").mask
    said = outer if own is None else own
    if is_confidential(part.get("classification")) if said is None else said:
        return True
    return any(_masked(document, (*path, *steps), one, outer=said) for steps, one in inside(part))


def _without_format(type_: ColumnType) -> ColumnType:
    """An offset in the format of a timestamp without a zone is not read (`columns` says so)."""
    match type_:
        case TimestampType(zoned=False, format=str() as format_) if temporal.has_zone(format_):
            return replace(type_, format=None)
        case ArrayType(items) if items is not None:
            return ArrayType(_without_format(items))
        case ObjectType(fields):
            return ObjectType(tuple((name, _without_format(inner)) for name, inner in fields))
        case MapType(key, value):
            return MapType(_without_format(key), _without_format(value))
        case _:
            return type_


def _names(subjects: tuple[Subject, ...]) -> Mapping[str, str]:
    """Property names and physical names to columns. Physical names go first: they are what the data has."""
    found = {subject.column: subject.column for subject in subjects if subject.column}
    for subject in subjects:
        if subject.column:
            found.setdefault(str(subject.part.get("name")), subject.column)
    return found


def _by_name(subjects: tuple[Subject, ...]) -> Mapping[str, Subject]:
    by_column = {subject.column: subject for subject in subjects if subject.column}
    return {name: by_column[column] for name, column in _names(subjects).items()}


def _primary_key(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """Columns of the primary key, by primaryKeyPosition; those without one as they stand."""
    keys = [subject for subject in subjects if subject.part.get("primaryKey") is True]
    placed: dict[int, Subject] = {}
    for subject in keys:
        if not subject.column:
            subject.refuse(
                ("primaryKey",), "a measure has no column that could be a key", "take it out of the key"
            )
        at = subject.part.get("primaryKeyPosition")
        if not isinstance(at, int | Decimal) or at < 1:
            continue
        if int(at) in placed:
            other = placed[int(at)].column
            subject.refuse(
                ("primaryKeyPosition",), f"{other} has the position {at}, too", "number them 1, 2, ..."
            )
        placed[int(at)] = subject
    ordered = [placed[at] for at in sorted(placed)]
    return (*ordered, *(subject for subject in keys if subject not in ordered))


def _column_drafts(subject: Subject, names: Mapping[str, str]) -> Iterator[Draft]:
    if not subject.column:
        yield from _measure(subject)
        return
    yield from column_rules.drafts(subject)
    yield from quality.drafts(subject, names, "")
    yield from references.of_property(subject)


def _measure(subject: Subject) -> Iterator[Draft]:
    """A measure is computed by its readers: what it declares is kept in sight, and not executed."""
    name = str(subject.part.get("name"))
    yield Draft(name, Told("a measure: it has no column"), subject.path)
    try:
        as_column = replace(subject, column=name, type=column_type(subject.part))
    except ValueError as error:
        subject.refuse((), str(error), "correct its type")
    declared = [
        *column_rules.drafts(as_column),
        *quality.drafts(as_column, {}, ""),
        *references.of_property(as_column),
    ]
    for draft in declared:
        if not isinstance(draft.body, Fits | Told):
            yield replace(draft, body=NotCompiled("a measure has no column to check"))


def _table_drafts(whole: Subject, names: Mapping[str, str], keys: tuple[Subject, ...]) -> Iterator[Draft]:
    if keys:
        nested = [key.column for key in keys if isinstance(key.type, ArrayType | ObjectType | MapType)]
        body = Unique(tuple(key.column for key in keys), required=True)
        why = NotCompiled(f"values of {', '.join(nested)} are not compared with one another")
        yield Draft("primaryKey", why if nested else body, keys[0].at("primaryKey"))
    label = str(whole.part.get("name"))
    yield from quality.drafts(whole, names, label)
    yield from references.of_object(whole)


def _levels(found: list[tuple[Draft, Level | None]], rules: tuple[Rule, ...]) -> tuple[ServiceLevel, ...]:
    """Service levels with the final names of their rules, which stand last and in the same order."""
    told = zip(found, rules[len(rules) - len(found) :], strict=True)
    return tuple(
        ServiceLevel(rule.name, level.kind, level.limit, level.moment, level.blocks)
        for (_, level), rule in told
        if level is not None
    )


def _rules(
    drafts: list[Draft], whole: Subject, subjects: tuple[Subject, ...], own: Settings
) -> tuple[Rule, ...]:
    """Rules inherit what their property says, and of what the table says ``scope``, ``where`` and ``waiver`` (its
    policy has the rest).
    """
    table = Settings(scope=own.scope, where=own.where, waiver=own.waiver)
    by_path: dict[Path, Settings] = {}
    for subject in subjects:
        _settle(subject.document, subject.path, subject.part, table, by_path)
    columns = _by_name(subjects)
    return rules(
        drafts,
        lambda path: _nearest(path, by_path, table),
        lambda where: filters.compiled(whole, columns, where),
        lambda by: filters.segments(whole, columns, by),
    )


def _settle(
    document: Document, path: Path, part: Mapping[str, Value], outer: Settings, found: dict[Path, Settings]
) -> None:
    """What a property says, and each one inside of it: its own settings over those around it."""
    said = settings(document, path, part.get("customProperties"), "property").over(outer)
    found[path] = said
    for steps, one in inside(part):
        _settle(document, (*path, *steps), one, said, found)


def _nearest(path: Path, found: Mapping[Path, Settings], table: Settings) -> Settings:
    """The settings of the innermost property that a rule's place is in."""
    return next((found[path[:end]] for end in range(len(path), 3, -1) if path[:end] in found), table)


def _table_settings(whole: Subject) -> Settings:
    outer = settings(whole.document, (), whole.document.tree.get("customProperties"), "contract")
    return settings(whole.document, whole.path, whole.part.get("customProperties"), "object").over(outer)


def _policy(whole: Subject, own: Settings, names: Mapping[str, str]) -> Policy:
    base = Policy()
    order_by = None
    if own.order_by is not None:
        order_by = names.get(own.order_by)
        if order_by is None:
            close = difflib.get_close_matches(own.order_by, names, n=3) or list(names)[:10]
            refuse(
                whole.document,
                own.order_by_path,
                f"orderBy names {own.order_by!r}, which is no column",
                f"there is {', '.join(close)}",
            )
    return Policy(
        on_fail=own.on_fail or base.on_fail,
        max_quarantined=base.max_quarantined if own.max_quarantined is None else own.max_quarantined,
        order_by=order_by,
        extra_columns=own.extra_columns or base.extra_columns,
        missing_columns=own.missing_columns or base.missing_columns,
    )


def _served(document: Document) -> Dialect:
    """Delimiter and encoding that the contract's CSV servers agree on. Their paths and formats are not used: the
    file that is checked need not come from there.
    """
    csv = [one for one in parts(document.tree, "servers") if str(one.get("format")).casefold() == "csv"]
    delimiters = {one.get("delimiter") for one in csv}
    encodings = {one.get("encoding") for one in csv}
    found = Dialect()
    if (
        len(delimiters) == 1
        and isinstance(sign := delimiters.pop(), str)
        and len(sign) == 1
        and sign not in '\r\n"'
    ):
        found = replace(found, delimiter=sign)
    if len(encodings) == 1 and isinstance(name := encodings.pop(), str):
        try:
            found = replace(found, encoding=encoding(name))
        except ValueError:
            return found
    return found
