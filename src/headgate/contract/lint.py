"""What a usable contract could say better. Warnings for people: none of them changes a verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headgate.contract.compile import compile_contract
from headgate.contract.document import Document, line_of
from headgate.contract.draft import Elsewhere, PatternError, unread
from headgate.contract.json_schema import Path, Value, text_of
from headgate.contract.service_levels import in_months
from headgate.contract.settings import VENDOR, unclaimed
from headgate.contract.types import column_type, described, parts
from headgate.model.contract import AnyType, DecimalType, StringType, TableContract
from headgate.model.rule import InRange, Measured, NotCompiled, OneOf, SqlResult, Told

_UNMEASURED = re.compile(r"not known here|not measured[,;]")


@dataclass(frozen=True, slots=True)
class Advice:
    """One warning: where (``schema[0].properties[2]`` and its line), what, and what to do."""

    place: str
    line: int
    message: str
    hint: str


def lint(
    document: Document, *, pattern_error: PatternError, elsewhere: Elsewhere = unread
) -> tuple[Advice, ...]:
    """Everything worth saying, by line. ``elsewhere``: as for `compile_contract`.

    Raises ContractUnusable if any of its tables does not compile.
    """
    found: list[tuple[str, str, str]] = [*_contract(document)]
    for path, name in unclaimed(document):
        message = f"{name} is a setting of {VENDOR}, but its vendor is not: nobody reads it"
        found.append((text_of(path), message, f"add vendor: {VENDOR}"))
    for at, part in enumerate(parts(document.tree, "schema")):
        name = str(part["name"])
        table = compile_contract(document, name, pattern_error=pattern_error, elsewhere=elsewhere)
        found += [*_object(part, ("schema", at), table), *_rules(table)]
    advice = [
        Advice(place, line_of(document, place), message, hint)
        for place, message, hint in dict.fromkeys(found)
    ]
    return tuple(sorted(advice, key=lambda one: one.line))


def _contract(document: Document) -> Iterator[tuple[str, str, str]]:
    tree = document.tree
    if not tree.get("description"):
        yield "", "the contract has no description", "say what the data are for: description: {purpose: ...}"
    if not tree.get("team") and not tree.get("support"):
        yield "", "the contract names nobody to ask", "add team or support"
    if isinstance(tree.get("team"), list):
        yield "team", "a bare list of members is the deprecated form of team", "write team: {members: [...]}"
    if "slaDefaultElement" in tree:
        yield (
            "slaDefaultElement",
            "slaDefaultElement is deprecated",
            "name the element at each entry of slaProperties",
        )
    for at, entry in enumerate(parts(tree, "slaProperties")):
        if in_months(entry):
            yield (
                f"slaProperties[{at}]",
                "m is months, as in the standard's examples: are minutes meant?",
                "write min for minutes, mo for months",
            )


def _object(part: Mapping[str, Value], path: Path, table: TableContract) -> Iterator[tuple[str, str, str]]:
    place, name = text_of(path), part["name"]
    if not part.get("description"):
        yield place, f"{name} has no description", "say what one row is"
    if not table.primary_key:
        yield (
            place,
            f"{name} has no primary key",
            "set primaryKey: true on the properties that tell its rows apart",
        )
        if table.policy.order_by:
            yield place, "orderBy has no effect without a primary key", "declare the primary key"
    yield from _quality(part, path)
    properties = parts(part, "properties")
    keys = [one for one in properties if one.get("primaryKey") is True]
    if len(keys) == 1 and keys[0].get("unique") is True:
        at = properties.index(keys[0])
        yield text_of((*path, "properties", at)), "unique says what primaryKey says", "take out unique"
    for at, one in enumerate(properties):
        yield from _property(one, (*path, "properties", at))


def _property(part: Mapping[str, Value], path: Path) -> Iterator[tuple[str, str, str]]:
    place, name = text_of(path), part.get("name")
    if part.get("semanticType") == "measure":
        return
    type_ = column_type(part)
    if not part.get("description"):
        yield place, f"{name} has no description", "say what it means, and its unit"
    if part.get("logicalType") is None:
        taken = "values are taken as they come" if isinstance(type_, AnyType) else f"it is {described(type_)}"
        yield place, f"{name} has no logicalType: {taken}", "add its logicalType"
    if isinstance(type_, DecimalType) and "(" not in str(part.get("physicalType")):
        yield (
            f"{place}.physicalType",
            f"{name} does not say how many digits it has: it is read as {described(type_)}",
            f"write physicalType: {part.get('physicalType')}(18,2), or as many as it has",
        )
    position = part.get("primaryKeyPosition")
    if part.get("primaryKey") is not True and isinstance(position, int) and position > 0:
        yield (
            f"{place}.primaryKeyPosition",
            f"{name} has a position in a key it is not in",
            "add primaryKey: true",
        )
    if isinstance(type_, StringType):
        for at, one in enumerate(parts(part, "enum")):
            if one.get("value") is not None and not isinstance(one["value"], str):
                yield (
                    f"{place}.enum[{at}]",
                    f"{one['value']} is a member of a text column",
                    "put it in quotes",
                )
    yield from _quality(part, path)


def _quality(part: Mapping[str, Value], path: Path) -> Iterator[tuple[str, str, str]]:
    for at, entry in enumerate(parts(part, "quality")):
        place = text_of((*path, "quality", at))
        if "rule" in entry:
            yield place, "rule is deprecated", "use metric"
        if entry.get("type") != "text" and not entry.get("id") and not entry.get("name"):
            yield (
                place,
                "a quality rule without id or name is called by its metric",
                "give it an id that stays",
            )


def _rules(table: TableContract) -> Iterator[tuple[str, str, str]]:
    for rule in table.rules:
        match rule.body:
            case NotCompiled(why):
                hint = f"say it differently, take it out, or check with --allow-unexecuted {rule.name}"
                yield rule.place, f"{rule.name} is not executed, and fails every verdict: {why}", hint
            case Measured(SqlResult(dialect="spark")):
                hint = "check with --engine spark, write it in the SQL of DuckDB, or allow it by name"
                yield (
                    rule.place,
                    f"{rule.name} is executed by Spark alone, and fails every other verdict and load",
                    hint,
                )
            case Told(what) if rule.place.startswith("slaProperties") and _UNMEASURED.search(what):
                yield rule.place, f"{rule.name} is told only: {what}", "correct it, if it should be measured"
            case OneOf(members=()):
                yield rule.place, f"{rule.name} fails every value", "correct it"
            case InRange(minimum=None, maximum=None):
                yield (
                    rule.place,
                    f"{rule.name} holds for every value of its type",
                    "take it out, or correct it",
                )
            case _:
                pass
        if rule.waiver and (rule.on_fail or table.policy.on_fail) == "warn":
            message = (
                f"the waiver of {rule.name} waives nothing as long as onFail: warn puts up with every failure"
            )
            yield rule.place, message, "leave one of them out; a load with --on-fail goes by the waiver alone"
        if (rule.on_fail == "warn" or rule.waiver) and rule.name == "primaryKey":
            yield rule.place, "rows under one key would be published", "let primaryKey stop the batch"
