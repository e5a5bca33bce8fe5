"""A contract as it was written: bytes, tree, lines. Valid ODCS v3, or `ContractUnusable` at a line.

The prose of the standard outranks its JSON Schema, and its own examples mix versions: a contract is valid if the
newest schema takes it, or the schema of the version it names.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NoReturn

from headgate.contract import variables, yaml_tree
from headgate.contract.json_schema import Path, Problem, Schema, Value, text_of
from headgate.model.errors import ContractUnusable

NEWEST = "v3.2"
VERSIONS = {
    "v3.0.0": "v3.0",
    "v3.0.1": "v3.0",
    "v3.0.2": "v3.0",
    "v3.1.0": "v3.1",
    "v3.2.0": "v3.2",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A valid ODCS document.

    ``data`` are its bytes, untouched, and ``digest`` their SHA-256. ``tree`` is what they say, as plain values
    (numbers exact), with values in place of variables, of which ``variables`` is a digest; ``place`` is where it was
    read, for people.
    """

    data: bytes = field(repr=False)
    place: str
    digest: str
    tree: Mapping[str, Value] = field(repr=False, compare=False)
    node: yaml_tree.Node = field(repr=False, compare=False)
    variables: str = ""


def parse(data: bytes, place: str, environment: Mapping[str, str] | None = None) -> Document:
    """Read and validate a contract; ``environment`` has the values of its variables (see `variables`).

    Raises ContractUnusable with place ``path:line``.
    """
    document = read(data, place, environment)
    if found := invalid(document):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        refuse(document, found[0].path, f"{found[0].message}{more}", found[0].hint)
    return document


def read(data: bytes, place: str, environment: Mapping[str, str] | None = None) -> Document:
    """A document of a version that is known, not yet held against its schema. Raises as `parse`."""
    if len(data) > yaml_tree.BYTES_MAX:
        raise ContractUnusable(
            f"the contract has {len(data):,} bytes, more than {yaml_tree.BYTES_MAX:,}",
            hint="is this the contract, or the data?",
            place=place,
        )
    written = yaml_tree.compose(_decoded(data, place), place)
    node, used = variables.resolved(written, environment or {}, place)
    tree = yaml_tree.construct(node, place)
    if not isinstance(tree, dict):
        raise ContractUnusable(
            "this is not an ODCS contract: it holds no map of names to values",
            hint="a contract starts with apiVersion, kind, id, version and schema",
            place=f"{place}:1",
        )
    document = Document(data, place, hashlib.sha256(data).hexdigest(), tree, node, variables.digest(used))
    _of_a_known_version(document)
    return document


def invalid(document: Document) -> tuple[Problem, ...]:
    """What the schemas have against it, by line, each with a hint."""
    found = _schema(NEWEST).problems(dict(document.tree))
    version = VERSIONS[str(document.tree["apiVersion"])]
    if found and version != NEWEST:
        found = _schema(version).problems(dict(document.tree))
    by_line = sorted(
        dict.fromkeys(found), key=lambda one: (yaml_tree.line_of(document.node, one.path), -len(one.path))
    )
    return tuple(
        replace(one, hint=_HINTS.get(_last_name(one.path)) or one.hint or _otherwise(one.message))
        for one in by_line
    )


def place_of(document: Document, path: Path) -> str:
    """``orders.odcs.yaml:14``: where ``path`` stands."""
    return f"{document.place}:{yaml_tree.line_of(document.node, path)}"


def line_of(document: Document, place: str) -> int:
    """The line (from 1) of a rule's place (``schema[0].properties[2].quality[1]``), or of its nearest parent."""
    steps = re.findall(r"([^.\[\]]+)|\[([0-9]+)\]", place)
    return yaml_tree.line_of(document.node, tuple(name or int(at) for name, at in steps))


def written_at(document: Document, path: Path) -> str | None:
    """The scalar at ``path`` as it was written, or None."""
    return yaml_tree.written_at(document.node, path)


def refuse(document: Document, path: Path, message: str, hint: str) -> NoReturn:
    """Raise ContractUnusable at ``path``: its name, and the line."""
    where = f"{text_of(path)}: " if path else ""
    raise ContractUnusable(f"{where}{message}", hint=hint, place=place_of(document, path), at=path)


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ContractUnusable(
            f"the contract is not UTF-8: byte 0x{data[error.start]:02x}",
            hint="save it as UTF-8",
            place=f"{place}:{line}",
        ) from None


def _of_a_known_version(document: Document) -> None:
    version = document.tree.get("apiVersion")
    if document.tree.get("kind") != "DataContract" and "kind" in document.tree:
        refuse(
            document,
            ("kind",),
            f"this is a {document.tree['kind']}, not a DataContract",
            "give a data contract",
        )
    if "dataContractSpecification" in document.tree:
        refuse(
            document,
            ("dataContractSpecification",),
            "this contract follows the Data Contract Specification, not ODCS",
            "convert it: datacontract export --format odcs",
        )
    if version is None:
        refuse(document, (), "this is not an ODCS contract: it has no apiVersion", "add apiVersion: v3.2.0")
    if not isinstance(version, str) or version not in VERSIONS:
        hint = f"use one of {', '.join(VERSIONS)}"
        refuse(document, ("apiVersion",), f"ODCS {version} is not read here", hint)


def _last_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


@cache
def _schema(name: str) -> Schema:
    # A third of importlib.resources' import.
    return Schema(json.loads(pkgutil.get_data("headgate.contract", f"odcs/{name}.json") or b""))


def _otherwise(message: str) -> str:
    if "'${" in message:
        return "variables stand in quality and servers only: write the value itself"
    return f"see {_STANDARD}"


_STANDARD = "https://bitol-io.github.io/open-data-contract-standard/"
_HINTS = {
    "enum": "write members as enum: [{value: a}, {value: b}]",
    "slaProperties": "write entries as - property: latency, value: 4, unit: h",
}
