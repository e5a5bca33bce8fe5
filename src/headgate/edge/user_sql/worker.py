"""The child process of `headgate.edge.user_sql.engine`: a locked DuckDB over a few Parquet files.

Three walls, each tested with the others open where that can be done: the gate judges the parsed statement, the
settings of `sql.locked` take files, network, extensions and Python's variables away, and the process has no
credentials, a bound on its memory, and a parent that kills it when time is up.

A question is a JSON object with one of ``open``, ``scalar``, ``table``. An answer is a JSON object, or `ARROW` and
an Arrow stream.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from headgate.edge.child import limit_cpu, limit_memory, serve
from headgate.edge.sql.locked import connected, lock
from headgate.edge.user_sql.gate import first_line, review
from headgate.edge.user_sql.text import (
    DEFAULT_SCHEMA,
    no_number,
    parts,
    quoted,
    quoted_part,
    with_default_quoted,
)

ARROW = b"arrow:\0\0"  # eight bytes: the stream behind it stays aligned
WHOLE = frozenset(
    {"HUGEINT", "UHUGEINT"}
)  # what sums of integers are: Arrow has only decimals that are as wide
# The interpreter, DuckDB's code and threads, and one result. Half of it was too little for a sort on a busy machine.
_MEMORY_SPARE_BYTES = 2 << 30
_SPILL_BYTES_MAX = 16 << 30
_NUMBERS = frozenset({
    "BIGINT", "BOOLEAN", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "INTEGER", "SMALLINT", "TINYINT",
    "UBIGINT", "UHUGEINT", "UINTEGER", "USMALLINT", "UTINYINT", '"NULL"',
})  # fmt: skip


class Sandbox:
    """One connection, opened by a question and locked from then on, until the next is opened."""

    def __init__(self) -> None:
        self.connection: duckdb.DuckDBPyConnection | None = None
        self.tables: tuple[str, ...] = ()

    def answer(self, question: bytes) -> bytes:
        asked = json.loads(question)
        try:
            if "open" in asked:
                return _json(self._open(asked["open"]))
            if "rest" in asked:
                return _json(self._rest())
            sql = asked.get("scalar") or asked["table"]
            if self.connection is None:
                return _json({"reason": "no tables were opened"})
            refusal = review(sql, self.tables, self.connection)
            if refusal is not None:
                return _json({"reason": refusal.reason, "missing": refusal.table})
            limit_cpu(asked["seconds"], self.threads())
            result = self.connection.execute(with_default_quoted(sql))
            return _json(_scalar(result)) if "scalar" in asked else _arrow(result)
        except duckdb.Error as error:
            return _json({"reason": first_line(error)})
        except MemoryError:
            return _json({"reason": "the query needs more memory than it may take"})

    def threads(self) -> int:
        row = (
            self.connection.execute("SELECT current_setting('threads')").fetchone()
            if self.connection
            else None
        )
        return int(row[0]) if row else 1

    def _rest(self) -> dict[str, Any]:
        """Forget everything: the next tables are opened in a database of their own."""
        if self.connection is not None:
            self.connection.close()
        self.connection, self.tables = None, ()
        return {}

    def _open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self._rest()
        limit_memory(2 * asked["memory_bytes"] + _MEMORY_SPARE_BYTES)
        self.connection = _locked(asked["tables"], asked["memory_bytes"], asked["folder"])
        self.tables = tuple(asked["tables"])
        return {}


def _locked(tables: Mapping[str, Sequence[str]], memory_bytes: int, folder: str) -> duckdb.DuckDBPyConnection:
    """A connection that reads these files as these tables, and can change nothing about itself any more."""
    connection = connected(folder, memory_bytes, {"max_temp_directory_size": f"{_SPILL_BYTES_MAX}B"})
    for schema in {DEFAULT_SCHEMA} | {parts(table)[0] for table in tables}:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_part(schema)}")
    for table, paths in tables.items():
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        files = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
        connection.execute(
            f"CREATE VIEW {quoted(table)} AS SELECT *{_unproven(connection, files)} FROM {files}"
        )
    connection.execute(f"SET search_path = '{DEFAULT_SCHEMA}'")
    lock(connection, (path for paths in tables.values() for path in paths))
    return connection


def _unproven(connection: duckdb.DuckDBPyConnection, files: str) -> str:
    """Columns with floats, so that nothing is taken as proven about them.

    Parquet's least and greatest values leave NaN out, and DuckDB, for which NaN is the greatest, takes them at their
    word: ``a <= 5`` would hold for all of 1, NaN and 3. `TRY` is what it does not look through.
    """
    found = connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()
    floats = [quoted_part(name) for name, kind, *_ in found if "DOUBLE" in kind or "FLOAT" in kind]
    return f" REPLACE ({', '.join(f'TRY({name}) AS {name}' for name in floats)})" if floats else ""


def _scalar(result: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    columns = result.description or []
    if len(columns) != 1:
        return {"reason": no_number(f"{len(columns)} columns")}
    kind = str(columns[0][1])
    if kind.partition("(")[0] not in _NUMBERS:
        return {
            "reason": no_number(kind)
        }  # before fetching: some types need Python packages to be fetched at all
    rows = result.fetchmany(2)
    if len(rows) != 1:
        return {"reason": no_number("more than one row" if rows else "no row")}
    value = rows[0][0]
    if value is None:
        return {"reason": no_number("NULL")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"reason": no_number(str(value))}
    return {"value": str(int(value) if isinstance(value, bool) else value)}


def _arrow(result: duckdb.DuckDBPyConnection) -> bytes:
    import pyarrow as pa  # deliberately late: rules need only a number, and it takes as long to load as DuckDB

    whole = [str(column[1]) in WHOLE for column in result.description or []]
    reader: Any = result.to_arrow_reader()
    fields = zip(reader.schema, whole, strict=True)
    schema = pa.schema(
        [field.with_metadata({"whole": "yes"}) if is_whole else field for field, is_whole in fields]
    )
    sink = pa.BufferOutputStream()
    sink.write(ARROW)
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in reader:
            stream.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


if __name__ == "__main__":
    serve(Sandbox().answer)
