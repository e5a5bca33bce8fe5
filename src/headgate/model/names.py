"""Names and how they are written. A name that is no name is `WrongUse`, at the place it was given."""

from __future__ import annotations

import re
from typing import NewType

from headgate.model.errors import WrongUse

TableName = NewType("TableName", str)  # "namespace.table"; `orders` is `default.orders`
RefName = NewType("RefName", str)  # a branch, a tag or an alias
CommitId = NewType("CommitId", str)  # 64 hex digits
NodeId = NewType("NodeId", str)  # SHA-256 of a node's bytes, 64 hex digits
RunId = NewType("RunId", str)  # "r" + 26 characters that sort by time
BatchId = NewType("BatchId", str)  # of its content, or the caller's own
RuleName = NewType("RuleName", str)  # "amount.minimum"
Key = NewType("Key", str)  # of a tree: "table/default.orders", "contract/default.orders"

_PART = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
_TABLE = re.compile(rf"\A(?:{_PART}\.)?{_PART}\Z")
_REF = re.compile(r"\A[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*\Z")

MAIN = RefName("main")
SYSTEM_SCHEMA = "headgate"


def table_name(text: str) -> TableName:
    """``orders`` and ``default.orders`` are one table."""
    if not _TABLE.match(text):
        raise WrongUse(
            f"{text!r} is not a table name",
            hint="use letters, digits and _, with at most one dot: orders or sales.orders",
            place=text,
        )
    name = text if "." in text else f"default.{text}"
    if name.split(".")[0] == SYSTEM_SCHEMA:
        raise WrongUse(
            f"{SYSTEM_SCHEMA} is the schema of system tables", hint="choose another namespace", place=text
        )
    return TableName(name)


def short(table: TableName) -> str:
    """``default.orders`` as people write it: ``orders``."""
    return table.removeprefix("default.")


def ref_name(text: str) -> RefName:
    """Letters, digits, ``._-`` and ``/`` between parts; never 64 hex digits (those are commits)."""
    if not _REF.match(text) or ".." in text or len(text) > 200 or is_commit_id(text):
        raise WrongUse(
            f"{text!r} is not a name for a branch or tag",
            hint="use letters, digits, '.', '_', '-' and '/' between parts",
            place=text,
        )
    return RefName(text)


def is_commit_id(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{64}", text))


def table_key(table: TableName) -> Key:
    return Key(f"table/{table}")


def contract_key(table: TableName) -> Key:
    return Key(f"contract/{table}")


def baseline_key(table: TableName) -> Key:
    return Key(f"baseline/{table}")


def table_of(key: Key) -> TableName | None:
    """The table that a ``table/...``, ``contract/...`` or ``baseline/...`` key speaks of."""
    kind, _, name = key.partition("/")
    return TableName(name) if kind in {"table", "contract", "baseline"} else None
