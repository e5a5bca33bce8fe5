"""Numbers about rows: measures of rules about the table, ranges of columns, types that every value fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from headgate.edge.cast import kind_of, typed
from headgate.edge.cells import laid
from headgate.edge.judging import Judged, looking
from headgate.edge.rows import Rows, collected
from headgate.model.contract import (
    BooleanType,
    Column,
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    NumberType,
    StringType,
    TableContract,
    TimestampType,
)
from headgate.model.names import RuleName
from headgate.model.rule import (
    Age,
    DuplicateRows,
    FailingRows,
    Measured,
    Predicate,
    RowCount,
    Rule,
    Scalar,
    SqlDialect,
    SqlResult,
)
from headgate.ports import Frame, Measurement

if TYPE_CHECKING:
    from headgate.edge.user_sql.engine import ScalarResult

CANDIDATES: tuple[ColumnType, ...] = (
    IntegerType(), NumberType(), BooleanType(), DateType(), TimestampType(zoned=True), TimestampType(zoned=False)
)  # fmt: skip
_FOREIGN: Mapping[SqlDialect, str] = {
    "duckdb": "its query is in the SQL of DuckDB, which Spark does not speak: let another engine check it",
    "spark": "its query is in the SQL of Spark, which this engine does not speak: let Spark check it (--engine spark)",
}
_LEADING_ZERO = r"\A[+-]?0[0-9]"


class BySql(Protocol):
    """Runs the queries of rules, over the rows for which ``where`` is true."""

    def __call__(
        self,
        asked: Mapping[RuleName, SqlResult],
        where: Predicate | None,
        judged: Judged,
        contract: TableContract,
    ) -> dict[RuleName, Measurement]: ...


def from_judged(
    judged: Judged,
    contract: TableContract,
    rules: Sequence[Rule],
    by_sql: BySql | None = None,
    dialect: SqlDialect = "duckdb",
) -> dict[RuleName, Measurement]:
    """What pass 1 found for rules about the table (and, as counts, for rules about rows).

    ``by_sql`` runs queries of ``dialect``; those of another are not executed.
    """
    found: dict[RuleName, Measurement] = {}
    asked: dict[Predicate | None, dict[RuleName, SqlResult]] = {}
    for rule in rules:
        name, body, rows = rule.name, rule.body, judged.looked_at(rule)
        measure = body.measure if isinstance(body, Measured) else None
        if (why := judged.errors.get(name) or judged.absent.get(name)) is not None:
            found[name] = Measurement(name, rows, error=why)
        elif name in judged.groups:
            groups = judged.groups[name]
            found[name] = Measurement(name, rows, sum(g.failing for g in groups), groups=groups)
        elif isinstance(body, Measured) and body.by:
            found[name] = Measurement(name, rows, error="segments are not measured by this engine")
        elif isinstance(measure, RowCount):
            found[name] = Measurement(name, rows, rows)
        elif isinstance(measure, DuplicateRows):
            found[name] = Measurement(name, rows, judged.beyond.get(name, 0))
        elif isinstance(measure, Age):
            found[name] = _aged(rule, measure, judged)
        elif isinstance(measure, SqlResult) and measure.dialect != dialect:
            found[name] = Measurement(name, rows, not_executed=_FOREIGN[measure.dialect])
        elif isinstance(measure, SqlResult):
            asked.setdefault(rule.where, {})[name] = measure
        elif isinstance(measure, FailingRows) or rule.about_rows:
            found[name] = Measurement(name, rows, judged.failing.get(name, 0))
    for where, queries in asked.items():
        found |= (by_sql or _by_duckdb)(queries, where, judged, contract)
    return found


def _aged(rule: Rule, measure: Age, judged: Judged) -> Measurement:
    """The moment an age is taken from: a date's first in UTC, and a time without a zone is taken for UTC's."""
    cell, rows = judged.cells.of(measure.column), judged.looked_at(rule)
    if cell is None or not (cell.present or judged.cells.lenient):
        return Measurement(rule.name, rows, error=f"the column {measure.column} is absent")
    if not isinstance(cell.dtype, pl.Date | pl.Datetime):
        return Measurement(rule.name, rows, error=f"{measure.column} holds neither dates nor timestamps")
    e = pl.col(cell.value).cast(pl.Datetime("us", getattr(cell.dtype, "time_zone", None)))
    lazy = looking(rule.where, judged.cells, judged.answers)
    value = collected(lazy.select(e.max() if measure.of == "newest" else e.min()), judged.rows).item()
    if value is not None:
        value = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return Measurement(rule.name, rows, moment=value)


def _by_duckdb(
    asked: Mapping[RuleName, SqlResult], where: Predicate | None, judged: Judged, contract: TableContract
) -> dict[RuleName, Measurement]:
    # Imported here: a check without SQL rules does without it.
    from headgate.edge.user_sql import engine as engine_sql
    from headgate.edge.user_sql import text as sql_text

    cells = judged.cells
    rows = looking(where, cells, judged.answers)
    lazy = rows.select(pl.col(c.value).alias(c.column.name) for c in cells.cells)
    queries = [sql_text.fill(m.query, contract.object, m.column) for m in asked.values()]
    results = engine_sql.run_rules(queries, {contract.object: lazy})
    return measured(asked, results, rows_within(where, judged))


def measured(
    asked: Mapping[RuleName, SqlResult], results: Sequence[ScalarResult], rows: int
) -> dict[RuleName, Measurement]:
    """What the queries gave, one by one; ``rows``: how many they looked at."""
    return {
        name: Measurement(name, rows, number=None if r.value is None else str(r.value), error=r.reason)
        for name, r in zip(asked, results, strict=True)
    }


def rows_within(where: Predicate | None, judged: Judged) -> int:
    """Rows for which ``where`` is true."""
    return judged.count if where is None else judged.looked[where]


def ranges(
    rows: Rows, contract: TableContract, columns: Collection[str]
) -> Mapping[str, tuple[Scalar, Scalar] | None]:
    """Doubles come as their shortest decimal form; NaN is in no range."""
    cells = laid(rows, contract)
    wanted = {name: c for name in columns if (c := cells.of(name)) is not None}
    asked = []
    for c in wanted.values():
        e = pl.col(c.value)
        if c.dtype.is_float():
            e = e.fill_nan(None)
        asked += [e.min().alias(f"a{c.number}"), e.max().alias(f"b{c.number}")]
    if not asked:
        return dict.fromkeys(columns)
    row = collected(cells.lazy.select(asked), rows).row(0, named=True)
    found: dict[str, tuple[Scalar, Scalar] | None] = dict.fromkeys(columns)
    for name, c in wanted.items():
        least, greatest = row[f"a{c.number}"], row[f"b{c.number}"]
        if least is not None:
            found[name] = (_scalar(least), _scalar(greatest))
    return found


def keys(rows: Rows, contract: TableContract, columns: Sequence[str], names: Sequence[str]) -> Frame | None:
    """Values of ``columns`` as the contract's types, called ``names``."""
    cells = laid(rows, contract)
    found = [cells.of(name) for name in columns]
    if any(c is None or not c.present or c.why is not None for c in found):
        return None
    asked = [pl.col(c.value).alias(name) for c, name in zip(found, names, strict=True) if c is not None]
    return Frame(cells.lazy.select(asked))


def _scalar(value: Any) -> Scalar:
    return Decimal(repr(value)) if isinstance(value, float) else value


def columns(rows: Rows) -> tuple[Column, ...]:
    """Each column with the narrowest type that all its values fit; text with leading zeros stays text."""
    found: dict[str, ColumnType] = {}
    for part in rows.parts:
        texts = [i for i, dtype in enumerate(part.dtypes) if isinstance(dtype, pl.String)]
        kinds = _text_kinds(part.lazy, texts, rows) if part.text and texts else {}
        for i, name in enumerate(part.columns):
            kind = kinds.get(i) or _kind(part.dtypes[i])
            found[name] = kind if found.get(name, kind) == kind else StringType()
    return tuple(Column(name, kind, label=name) for name, kind in found.items())


def _kind(dtype: pl.DataType) -> ColumnType:
    if isinstance(dtype, pl.UInt64 | pl.Int128 | pl.UInt128):
        return DecimalType(20 if isinstance(dtype, pl.UInt64) else 38, 0)
    return StringType() if isinstance(dtype, pl.Null) else kind_of(dtype)


def _text_kinds(lazy: pl.LazyFrame, numbers: Sequence[int], rows: Rows) -> dict[int, ColumnType]:
    asked = []
    for i in numbers:
        e = pl.col(f"c{i}")
        asked.append(e.count().alias(f"n{i}"))
        for j, kind in enumerate(CANDIDATES):
            value = typed(e, pl.String(), kind).value
            if isinstance(kind, IntegerType | NumberType):
                value = pl.when(~e.str.contains(_LEADING_ZERO)).then(value)
            asked.append(value.count().alias(f"n{i}_{j}"))
    row = collected(lazy.select(asked), rows).row(0, named=True)
    found: dict[int, ColumnType] = {}
    for i in numbers:
        total = row[f"n{i}"]
        fitting = (kind for j, kind in enumerate(CANDIDATES) if total and row[f"n{i}_{j}"] == total)
        found[i] = next(fitting, StringType())
    return found
