"""SQL of users, over tables they may read: rules that give one number, and the queries of ``headgate sql``.

Nothing is run in this process. The data become Parquet files (or are such), and a child process (`user_sql.worker`)
runs the query over them: so it can be ended for good, whatever it does. DuckDB's own interrupt is looked for only
between vectors: one call of ``repeat`` or of ``levenshtein`` on long strings would hold it up for as long as it
likes. The price is the start of a child, some 0.2 s, once a process.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from headgate.edge.child import Child, ChildDied, ChildLate, borrowed
from headgate.model.errors import Bug, NotThere, Unavailable, Unreadable, WrongUse

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY_BYTES = 1 << 30
TIMEOUT_S = 60.0
_OPENING_S = 60.0
_REST = b'{"rest": {}}'
_ARROW_PREFIX_BYTES = 8
_SQL_HINT = "headgate sql runs one SELECT over the tables of this project, in DuckDB's dialect"
_FILES = (".csv", ".parquet", ".json", ".jsonl", ".arrow", ".gz", ".zst")
_FILE_HINT = "no files are read here: `headgate load TABLE FILE` makes a table of one"


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """A table as it lies on disk: local paths, and its columns, where files may lack some or there are no files."""

    paths: tuple[str, ...]
    schema: pa.Schema | None = None


Data = pl.LazyFrame | pl.DataFrame | ParquetFiles | Any  # Any: pyarrow's Table or RecordBatchReader


@dataclass(frozen=True, slots=True)
class ScalarResult:
    """What a rule's query gave: a number (true is 1), or why there is none, in words."""

    value: Decimal | None
    reason: str | None = None


def run_rule(
    query: str, tables: Mapping[str, Data], *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES
) -> ScalarResult:
    """One query; see `run_rules`."""
    return run_rules([query], tables, timeout_s=timeout_s, memory_bytes=memory_bytes)[0]


def run_rules(
    queries: Sequence[str],
    tables: Mapping[str, Data],
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> tuple[ScalarResult, ...]:
    """Each query's one number, over ``tables`` (``orders`` is ``default.orders``).

    ``timeout_s`` is for each query. One that is refused, fails, gives something else or takes too long has a reason
    instead of a value; the others run all the same. Raises Unreadable if a table cannot be read.
    """
    results: list[ScalarResult] = []
    with _files_of(tables) as (folder, paths), ExitStack() as living:
        child: Child | None = None
        for query in queries:
            if child is None:
                child = living.enter_context(_opened(folder, paths, memory_bytes))
            try:
                answer = _asked(child, "scalar", query, timeout_s)
            except ChildLate:
                results.append(ScalarResult(None, f"the query took longer than {timeout_s:g} s"))
                child = None
            except ChildDied:
                results.append(
                    ScalarResult(None, "the query ended the SQL engine; it may need too much memory")
                )
                child = None
            else:
                told = json.loads(answer)
                value = Decimal(told["value"]) if "value" in told else None
                results.append(ScalarResult(value, told.get("reason")))
    return tuple(results)


def no_table(name: str, known: Iterable[str]) -> NotThere:
    """A table that is not there; who names a file is told what becomes of files."""
    file = name.lower().endswith(_FILES)
    return NotThere.among("table", name, known, hint=_FILE_HINT if file else "")


def _hint(reason: str) -> str:
    """What to do about a query that does not run."""
    if "Referenced column" in reason:
        return "`headgate show TABLE` lists a table's columns"
    return (
        _FILE_HINT
        if "the query reads from read_" in reason or "the query reads from glob" in reason
        else _SQL_HINT
    )


def select(
    query: str, tables: Mapping[str, Data], *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES
) -> pa.Table:
    """The rows of one query over ``tables``.

    Raises WrongUse if it may not run, does not run or takes longer than ``timeout_s``, NotThere for a table that is
    not among ``tables``, Unreadable for one that cannot be read, Unavailable if the engine gave up (memory).
    """
    import pyarrow as pa  # deliberately late: rules do without

    if not query.strip():
        raise WrongUse("the query is empty", hint=_SQL_HINT, place="query")
    with _files_of(tables) as (folder, paths), _opened(folder, paths, memory_bytes) as child:
        try:
            answer = _asked(child, "table", query, timeout_s)
        except ChildLate as error:
            raise WrongUse(
                f"the query took longer than {timeout_s:g} s",
                hint="narrow it with WHERE or LIMIT",
                place="query",
            ) from error
        except ChildDied as error:
            raise Unavailable(
                "the query ended the SQL engine",
                hint="it may need too much memory: ask for less",
                place="query",
            ) from error
    if answer.startswith(b"{"):
        told = json.loads(answer)
        if missing := told.get("missing"):
            raise no_table(missing, tables)
        raise WrongUse(told["reason"], hint=_hint(told["reason"]), place="query")
    with pa.ipc.open_stream(pa.py_buffer(answer).slice(_ARROW_PREFIX_BYTES)) as stream:
        return stream.read_all()


def _asked(child: Child, kind: str, query: str, timeout_s: float) -> bytes:
    return child.ask(json.dumps({kind: query, "seconds": timeout_s}).encode(), timeout_s)


@contextmanager
def _opened(folder: str, paths: Mapping[str, Sequence[str]], memory_bytes: int) -> Iterator[Child]:
    question = {"open": {"tables": paths, "folder": folder, "memory_bytes": memory_bytes}}
    with borrowed("headgate.edge.user_sql.worker", _REST) as child:
        try:
            told = json.loads(child.ask(json.dumps(question).encode(), _OPENING_S))
        except (ChildLate, ChildDied) as error:
            raise Unavailable(
                f"the SQL engine did not start: {error}", hint="see whether memory and disk are free"
            ) from error
        if "reason" in told:
            raise Unreadable(told["reason"], hint="its files must be whole Parquet files on a local disk")
        yield child


@contextmanager
def _files_of(tables: Mapping[str, Data]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """A folder of our own, and for each table the Parquet files that hold it."""
    with tempfile.TemporaryDirectory(prefix="headgate-sql-") as folder:
        real = os.path.realpath(folder)
        yield (
            real,
            {name: _paths(data, f"{real}/{n}.parquet") for n, (name, data) in enumerate(tables.items())},
        )


def _paths(data: Data, path: str) -> list[str]:
    """Where ``data`` lies; what does not lie anywhere is written to ``path``."""
    if isinstance(data, ParquetFiles):
        paths = [os.path.realpath(each) for each in data.paths]
        if data.schema is None:
            return paths
        _write_arrow(
            data.schema.empty_table(), path
        )  # goes first: gives every column its name, type and place
        return [path, *paths]
    if isinstance(data, pl.DataFrame | pl.LazyFrame):
        data.lazy().sink_parquet(path, compression="lz4")
    elif hasattr(data, "__arrow_c_stream__"):
        _write_arrow(data, path)
    else:
        raise Bug(f"{type(data).__name__} is no table")
    return [path]


def _write_arrow(data: Any, path: str) -> None:
    import pyarrow as pa  # deliberately late: whoever hands over Arrow has loaded it
    import pyarrow.parquet as pq

    reader = pa.RecordBatchReader.from_stream(data)
    with pq.ParquetWriter(path, reader.schema, compression="lz4") as writer:
        for batch in reader:
            writer.write_batch(batch)
