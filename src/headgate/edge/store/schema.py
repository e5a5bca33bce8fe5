"""The tables of the catalog's database.

Rows name commits by ``n``, which grows from parents to children: that makes rows small, and lets a walk towards
the past stop by comparing numbers. Hashes are 32 bytes, not 64 characters. Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 1

metadata = MetaData()


class Hash(TypeDecorator[str]):
    """64 hex digits in Python, 32 bytes in the database."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, _: Dialect) -> str | None:
        return None if value is None else value.hex()


def _n() -> Column[int]:
    return Column("n", Integer, primary_key=True)


headgate_schema = Table("headgate_schema", metadata, Column("version", Integer, nullable=False))

node = Table(
    "node", metadata, Column("id", Hash, primary_key=True), Column("content", LargeBinary, nullable=False)
)

commit = Table(
    "commit",
    metadata,
    _n(),
    Column("id", Hash, nullable=False, unique=True),
    Column("root", Hash, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("run", Text),
    Column("reverts", Hash),
)
# Few commits revert; the index holds only those.
Index(
    "commit_reverts",
    commit.c.n,
    sqlite_where=commit.c.reverts.is_not(None),
    postgresql_where=commit.c.reverts.is_not(None),
)

commit_parent = Table(
    "commit_parent",
    metadata,
    Column("commit", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("parent", Integer, nullable=False, index=True),
    sqlite_with_rowid=False,
)

delta = Table(
    "delta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("commit", Integer, primary_key=True, index=True),
    Column("old", Text),
    Column("new", Text),
    sqlite_with_rowid=False,
)

ref = Table(
    "ref",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("head", Text, nullable=False),
    Column("gen", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("ref_alias", ref.c.head, sqlite_where=ref.c.kind == "alias", postgresql_where=ref.c.kind == "alias")

reflog = Table(
    "reflog",
    metadata,
    _n(),
    Column("name", Text, nullable=False),
    Column("gen", Integer, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Index("reflog_name", "name", "gen"),
)

release = Table(
    "release",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("commit", Hash, nullable=False),
    Column("branch", Text, nullable=False),
    Column("before", Integer),
    Column("shows", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    _n(),
    Column("batch", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("commit", Hash),
    Column("rows_in", BigInteger, nullable=False),
    Column("rows_good", BigInteger, nullable=False),
    Column("rows_quarantined", BigInteger, nullable=False),
    Column("rows_deduplicated", BigInteger, nullable=False),
    Column("rows_superseded", BigInteger, nullable=False),
    Index("batch_run", "batch", "table_name", "run", unique=True),
    Index("batch_table", "table_name"),
)

batch_object = Table(
    "batch_object",
    metadata,
    Column("batch", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", Text, nullable=False, index=True),
    Column("location", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("format", Text, nullable=False),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    _n(),
    Column("id", Text, nullable=False, unique=True),
    Column("run", Text, nullable=False),
    Column("batch", Text, nullable=False, index=True),
    Column("table_name", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("contract_id", Text, nullable=False),
    Column("contract_version", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("parent", Text),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("branch", Text),
    Column("batch", Text),
    Column("started", BigInteger, nullable=False, index=True),
    Column("ended", BigInteger),
    Column("outcome", Text),
    Column("intent", Text, nullable=False),
)
Index("run_open", run.c.started, sqlite_where=run.c.state == "open", postgresql_where=run.c.state == "open")

step = Table(
    "step",
    metadata,
    _n(),
    Column("run", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("input_hash", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index("step_once", "run", "step", "input_hash", unique=True),
)

# ``passed`` is null for a verdict on a delivery: it speaks of no tree, and counts neither way for one.
verdict = Table(
    "verdict",
    metadata,
    _n(),
    Column("root", Hash, nullable=False, index=True),
    Column("run", Text, nullable=False),
    Column("table_name", Text),
    Column("passed", Boolean),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Append-only: the last row of a commit says whether it is tainted (cleared: false) or cleared.
taint = Table(
    "taint",
    metadata,
    _n(),
    Column("commit", Integer, nullable=False, index=True),
    Column("cleared", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Which uncleared taints lie in a commit's ancestry, handed on from parents to children, so that the guard of a
# protected ref costs one look-up however long the history is.
taint_reach = Table(
    "taint_reach",
    metadata,
    Column("commit", Integer, primary_key=True),
    Column("tainted", Integer, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

partial = Table(
    "partial", metadata, Column("key", Text, primary_key=True), Column("body", LargeBinary, nullable=False)
)

event = Table(
    "event",
    metadata,
    Column("offset", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("run", Text),
    Column("data", Text, nullable=False),
)
