"""Contracts for tests: the frame around the part a test is about."""

from __future__ import annotations

import re
import textwrap

import regress

from headgate.contract.compile import compile_contract
from headgate.contract.document import Document, parse
from headgate.model.contract import TableContract
from headgate.model.rule import Body

HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
"""


def pattern_error(pattern: str) -> str | None:
    try:
        regress.Regex(pattern, "u")
    except regress.RegressError as error:
        return str(error)
    return None


def document(text: str) -> Document:
    return parse(text.encode(), "orders.yaml")


def table(text: str, wanted: str | None = None) -> TableContract:
    return compile_contract(document(text), wanted, pattern_error=pattern_error)


def with_schema(schema: str, head: str = HEAD) -> str:
    return f"{head}schema:\n{textwrap.indent(textwrap.dedent(schema), '  ')}"


def of_properties(properties: str, more: str = "") -> TableContract:
    """A table ``orders`` with these properties, and ``more`` of the object itself."""
    body = textwrap.indent(textwrap.dedent(properties), "    ")
    extra = textwrap.indent(textwrap.dedent(more), "  ")
    return table(with_schema(f"- name: orders\n{extra}\n  properties:\n{body}"))


def of_column(part: str) -> TableContract:
    """A table with one column ``c``, of which ``part`` says the rest: lines, or one line in braces."""
    lines = textwrap.dedent(part).strip()
    return of_properties("- name: c\n" + textwrap.indent(lines, "  "))


def bodies(contract: TableContract) -> dict[str, Body]:
    return {str(rule.name): rule.body for rule in contract.rules}


def line(place: str) -> int:
    found = re.search(r":([0-9]+)\Z", place)
    assert found, place
    return int(found[1])


TWO = """\
- name: orders
  id: orders_id
  physicalName: orders_v1
  properties:
    - name: carrier
      id: carrier_id
      logicalType: string
{property}
    - {{name: home, logicalType: object, properties: [{{name: street}}]}}
{object}
- name: carriers
  id: carriers_id
  physicalName: carriers_v2
  properties:
    - {{name: code, physicalName: carrier_code, id: code_id}}
    - {{name: place, logicalType: object, properties: [{{name: street}}]}}
"""


def two(of_property: str = "", of_object: str = "") -> str:
    """Orders and carriers, whose ids and physical names are others than their names."""
    body = TWO.format(
        property=textwrap.indent(of_property, " " * 6), object=textwrap.indent(of_object, " " * 2)
    )
    return with_schema(body)
