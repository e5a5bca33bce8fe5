"""DuckDB in this process, for our own queries over delivered rows: bounded memory, spilling, nothing else open."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import duckdb
import polars as pl
import pyarrow as pa

from headgate.edge.cells import Cells
from headgate.edge.rows import Rows, first_line, guarded
from headgate.edge.sql import cells as sql_cells
from headgate.edge.sql.dialect import DuckDB
from headgate.edge.sql.locked import connected, lock
from headgate.model.errors import Bug, Unavailable, Unreadable

MEMORY_BYTES = 1 << 30
_ROWS_PER_BATCH = 100_000
_DIALECT = DuckDB()
# A check proves nothing from what a Parquet file says of itself. Its least and greatest values leave NaN out, and
# DuckDB, for which NaN is the greatest, takes them at their word: 1, NaN and 3 would all be at most 5.
_NO_PROOFS = (
    "statistics_propagation, filter_pushdown, join_filter_pushdown, row_group_pruner, "
    "partial_aggregate_pushdown"
)


@dataclass(slots=True)
class Session:
    """One connection, over the rows of one check.

    ``native``: files of the parts of the rows that DuckDB reads by itself. ``faults``: what went wrong in streams that
    it read.
    """

    connection: duckdb.DuckDBPyConnection
    rows: Rows
    cells: Cells
    native: Mapping[int, Sequence[str]] = field(default_factory=dict)
    faults: list[BaseException] = field(default_factory=list)

    def register(self, name: str, lazy: pl.LazyFrame) -> None:
        """A relation for one use: its rows are read when the query is."""
        self.connection.register(name, _reader(lazy, self.faults))

    def keep(self, name: str, frame: pl.DataFrame) -> None:
        """A relation for many uses."""
        self.connection.register(name, frame.to_arrow())

    def query(self, select: str, rest: str = "", *, whole: bool = False) -> pl.DataFrame:
        """``SELECT select FROM the rows rest``, as a whole."""
        batches = list(self.batches(select, rest, whole=whole))
        return pl.concat(batches) if len(batches) > 1 else batches[0]

    def row(self, selected: Sequence[str], *, whole: bool = False) -> Sequence[Any]:
        """Aggregates over the rows. Half the planning of `query`, which counts when there are hundreds."""
        query = self._over_rows(f"SELECT {', '.join(selected)} FROM (", ")", whole=whole)
        try:
            (values,) = self.connection.execute(query).fetchall()
        except (duckdb.Error, OSError) as error:
            self._explain(error)
        return values

    def batches(self, select: str, rest: str = "", *, whole: bool = False) -> Iterator[pl.DataFrame]:
        """The same, piece by piece; at least one, if need be empty."""
        return self._read(f"SELECT {select} FROM (", f") {rest}", whole=whole)

    def in_order(self, select: str, inner: str, where: str) -> Iterator[pl.DataFrame]:
        """``SELECT select FROM (SELECT inner, row and object FROM the rows) where``, in the order of the rows."""
        before = f'SELECT {select} FROM (SELECT {inner}, "row", "object" FROM ('
        return self._read(before, f")) {where}", ordered=True)

    def _read(
        self, before: str, behind: str, *, whole: bool = False, ordered: bool = False
    ) -> Iterator[pl.DataFrame]:
        query = self._over_rows(before, behind, whole=whole)
        try:
            if ordered and self._joins(query):
                query += ' ORDER BY "object", "row"'
            reader = self.connection.sql(query).to_arrow_reader(_ROWS_PER_BATCH)
            empty = True
            for batch in reader:
                empty = False
                yield _frame(batch)
            if empty:
                yield _frame(reader.schema.empty_table())
        except (duckdb.Error, OSError) as error:
            self._explain(error)

    def _over_rows(self, before: str, behind: str, *, whole: bool) -> str:
        wanted = sql_cells.names_in(f"{before} {behind}")
        laid = sql_cells.laid(_DIALECT, self.rows, self.cells, wanted, self.native, whole=whole)
        for name, lazy in laid.streams.items():
            self.register(name, lazy)
        return before + laid.sql + behind

    def _joins(self, query: str) -> bool:
        """True if rows lose their order: joins alone do not keep it. A long IN is one, too."""
        plan = self.connection.execute(f"EXPLAIN {query}").fetchall()
        return any("join" in str(part).lower() for row in plan for part in row)

    def _explain(self, error: Exception) -> NoReturn:
        if self.faults:
            fault = self.faults[0]

            def again() -> NoReturn:
                raise fault

            guarded(again, self.rows)
        if isinstance(error, duckdb.OutOfMemoryException):
            raise Unavailable(
                f"DuckDB needs more memory or disk than it may take: {first_line(error)}",
                hint="free some disk for temporary files, or check with --engine polars",
            ) from error
        if isinstance(error, duckdb.IOException | duckdb.InvalidInputException | OSError):
            found = self.rows.explain() if self.rows.explain else None
            raise found or Unreadable(
                f"the data cannot be read: {first_line(error)}",
                hint="the file is damaged, or was cut off while it was written: have it delivered again",
                place=", ".join(each.location for each in self.rows.objects[:3]),
            ) from error
        raise Bug(f"DuckDB refused a query: {first_line(error)}") from error


@contextmanager
def opened(rows: Rows, cells: Cells) -> Iterator[Session]:
    """A connection that reads the files of these rows, and none besides."""
    asked = {n: p for n, part in enumerate(rows.parts) if (p := sql_cells.parquet_of(rows, part, cells))}
    with tempfile.TemporaryDirectory(prefix="headgate-duckdb-") as folder:
        connection = connected(folder, MEMORY_BYTES)
        try:
            connection.execute(f"SET disabled_optimizers = '{_NO_PROOFS}'")
            lock(connection, (p for paths in asked.values() for p in paths))
            session = Session(connection, rows, cells)
            session.native = {n: paths for n, paths in asked.items() if _reads(session, n, paths)}
            yield session
        finally:
            connection.close()


def _reads(session: Session, number: int, paths: Sequence[str]) -> bool:
    """True if the database reads these files of a part, and every column of them as Polars would."""
    part = session.rows.parts[number]
    try:
        described = session.connection.execute(
            f"DESCRIBE SELECT * FROM {sql_cells.read_parquet(_DIALECT, paths)}"
        ).fetchall()
    except duckdb.Error:
        return False  # Polars reads more of what is called Parquet, or says what is wrong with it
    return sql_cells.as_polars_reads(_DIALECT, part, [str(each[1]) for each in described])


def _frame(found: pa.RecordBatch | pa.Table) -> pl.DataFrame:
    made = pl.from_arrow(found)
    assert isinstance(made, pl.DataFrame)
    return made


def _reader(lazy: pl.LazyFrame, faults: list[BaseException]) -> pa.RecordBatchReader:
    schema = pl.DataFrame(schema=lazy.collect_schema()).to_arrow().schema

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for frame in lazy.collect_batches(maintain_order=True, engine="streaming"):
                yield from frame.to_arrow().to_batches()
        except BaseException as error:
            faults.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())
