"""Headgate itself, asked as its users ask it."""

from __future__ import annotations

import sys
from typing import Any

from record_worker import serve

import headgate

VALIDATE = headgate.compile(sys.argv[1]).validate


def validate(record: dict[str, Any]) -> list[str]:
    return [failure.column for failure in VALIDATE(record).failures]


serve(validate)
