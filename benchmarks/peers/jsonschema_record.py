"""jsonschema: a compiled Draft 2020-12 schema, in Python."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from record_worker import serve

VALIDATOR = Draft202012Validator(
    {
        "type": "object",
        "required": ["order_id", "account", "country", "quantity", "amount"],
        "additionalProperties": False,
        "properties": {
            "order_id": {"type": "integer", "minimum": 1},
            "account": {"type": "string", "pattern": "^AC-[0-9]{6}$"},
            "country": {"enum": ["DE", "FR", "IT", "NL"]},
            "quantity": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000},
            "amount": {"type": ["number", "null"], "minimum": 0.01, "maximum": 100_000},
        },
    }
)


def validate(record: dict[str, Any]) -> list[str]:
    return [str(error.path[0]) for error in VALIDATOR.iter_errors(record)]


serve(validate)
