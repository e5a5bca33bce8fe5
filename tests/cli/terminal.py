"""Running commands, and holding their documents to the reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from headgate.cli import fields
from headgate.cli.main import main

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: customer, logicalType: string}
      - {name: amount, logicalType: number, required: true, logicalTypeOptions: {minimum: 0}}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """``document``: what was on stdout, if it was one JSON document and nothing else."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> dict[str, str]:
        assert set(self.document) == {"error"}
        error: dict[str, str] = self.document["error"]
        assert set(error) | {"also"} == set(fields.ERROR)
        assert error["message"] and error["hint"]
        return error


def ran(words: Sequence[object], capfd: pytest.CaptureFixture[str]) -> Ran:
    capfd.readouterr()
    code = main([str(word) for word in words])
    out, err = capfd.readouterr()
    return Ran(code, out, err)


def listed(document: Mapping[str, Any], expected: fields.Fields) -> None:
    """A document has exactly the fields that the reference lists, all the way down."""
    assert list(document) == list(expected)
    for name, meaning in expected.items():
        shape, _, _ = meaning.partition("] ")
        one, _, _ = meaning.partition(") ")
        if shape.startswith("["):
            for each in document[name]:
                listed(each, fields.SHAPES[shape[1:]])
        elif one.startswith("(") and document[name] is not None:
            listed(document[name], fields.SHAPES[one[1:]])
