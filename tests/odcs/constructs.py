"""What ODCS has words for: every construct of its JSON Schemas, by the versions that have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.contract.document import _schema

VERSIONS = ("v3.0", "v3.1", "v3.2")

# Definitions that stand in many places, or in themselves: their constructs are named after them, once.
_NAMED = {
    "AuthoritativeDefinitions": "authoritativeDefinitions",
    "Context": "context",
    "CustomProperties": "customProperties",
    "CustomProperty": "customProperties",
    "DataQuality": "quality",
    "EnumValue": "enum",
    "Pricing": "price",
    "RelationshipPropertyLevel": "relationships",
    "RelationshipSchemaLevel": "relationships",
    "Role": "roles",
    "SchemaItemProperty": "property",
    "SchemaObject": "object",
    "SchemaProperty": "property",
    "Server": "servers",
    "ServiceLevelAgreementProperty": "slaProperties",
    "SupportItem": "support",
    "Team": "team",
    "TeamMember": "team.members",
}


def constructs() -> dict[str, list[str]]:
    """``property.logicalTypeOptions[string].minLength`` -> the versions that have it, in the order of the newest."""
    found: dict[str, list[str]] = {}
    for version in reversed(VERSIONS):
        for name in dict.fromkeys(_of(_schema(version).root.said)):
            found.setdefault(name, []).insert(0, version)
    return found


def _of(root: dict[str, Any]) -> Iterator[str]:
    todo: list[tuple[dict[str, Any], str]] = [(root, "contract")]
    done: set[tuple[str, str]] = set()

    def follow(reference: str, section: str, label: str) -> Iterator[str]:
        """Into a definition, once for each section; one with a name of its own waits for its turn."""
        name = reference.rsplit("/", 1)[-1]
        inner, named = _resolved(root, reference), _NAMED.get(name, section)
        if (name, named) in done:
            return
        done.add((name, named))
        if named == section:
            yield from walk(inner, section, label)
        else:
            todo.append((inner, named))

    def walk(part: Any, section: str, label: str) -> Iterator[str]:
        if not isinstance(part, dict):
            return
        if "$ref" in part:
            yield from follow(str(part["$ref"]), section, label)
        for value in part.get("enum", ()):
            yield f"{section} = {value}"
        for name, inner in part.get("properties", {}).items():
            here = f"{section}{label}.{name}"
            yield here
            # The condition is on the property, and what it says of is its options.
            yield from walk(inner, here, "")
        for word in ("allOf", "anyOf", "oneOf"):
            for inner in part.get(word, ()):
                yield from walk(inner, section, label)
        for where, what, under in _conditional(part, section, label):
            yield from walk(what, where, under)
        for word in ("items", "additionalProperties"):
            yield from walk(part.get(word), section, label)

    while todo:
        part, section = todo.pop(0)
        yield from walk(part, section, "")


def _conditional(part: dict[str, Any], section: str, label: str) -> Iterator[tuple[str, Any, str]]:
    """What ``then`` says: of the options of some logical types, which are named after them, and of the rest."""
    if "then" not in part:
        return
    kinds, then = _kinds(part["if"]), part["then"]
    properties = dict(then.get("properties", {}))
    options = properties.pop("logicalTypeOptions", None) if kinds else None
    for kind in kinds if options else ():
        yield f"{section}.logicalTypeOptions", options, f"[{kind}]"
    yield section, then | {"properties": properties}, label


def _kinds(condition: Any) -> list[str]:
    """The logical types that a condition names."""
    if not isinstance(condition, dict):
        return []
    own = condition.get("properties", {}).get("logicalType", {}).get("const")
    return [own] if own else [kind for one in condition.get("anyOf", ()) for kind in _kinds(one)]


def _resolved(root: dict[str, Any], reference: str) -> Any:
    part: Any = root
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part
