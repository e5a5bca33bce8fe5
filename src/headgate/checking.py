"""Checking data against a contract with no project at all. Kept apart from `project`: it starts faster.

checked = headgate.check("flights.csv", "flights.odcs.yaml")
checked.verdict.passed, checked.bad_rows
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from headgate.checks.again import check_again
from headgate.checks.evidence import attributed, columns_of, reason
from headgate.checks.given_parents import Wanted, hinted, meant, needed, wanted
from headgate.checks.own_parents import fitting, own_references
from headgate.checks.service_levels import findings as service_levels
from headgate.checks.service_levels import told
from headgate.contract.compile import compile_contract
from headgate.edge.beside import Beside, named_in, object_names
from headgate.edge.clock import SystemClock
from headgate.edge.documents import bytes_of, document_of
from headgate.edge.passes import InProcess, judged_of
from headgate.edge.patterns import check_syntax
from headgate.edge.rows import Rows
from headgate.edge.source_files import FileSource
from headgate.intake.policy import warned
from headgate.model.contract import Column, Dialect, TableContract
from headgate.model.errors import CheckFailed, WrongUse
from headgate.model.names import TableName, table_key
from headgate.model.rule import References, Rule
from headgate.model.tree import TableEntry, Tree
from headgate.model.verdict import Verdict
from headgate.ports import Checked as Judged
from headgate.ports import Clock, Counter, Delivery, Frame, Judge, Memory, Split, Tables

if TYPE_CHECKING:
    from headgate.contract.document import Document
    from headgate.contract.lint import Advice
    from headgate.edge.beside import Described
    from headgate.edge.failures import Reason
    from headgate.model.profile import Profile

ENGINES = ("polars", "duckdb", "spark")
Data = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | object


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and the rows on both sides of it. Rows are read when they are asked for."""

    verdict: Verdict
    contract: TableContract
    _delivery: Delivery
    _judge: Callable[[], Judged]
    _engine: Judge

    @property
    def _judged(self) -> Judged:
        """What judging all rows found; it is done only now where the verdict was remembered."""
        return self._judge()

    @property
    def good_rows(self) -> pl.DataFrame:
        """Rows that no rule about rows fails, typed as the contract says. In memory; see `write_good`."""
        return _collected(self.good_frame)

    @property
    def good_frame(self) -> object:
        """The same, not computed yet: a LazyFrame of Polars, or a DataFrame of Spark's if that checked them."""
        return self._split.good

    @property
    def bad_rows(self) -> pl.DataFrame:
        """The other rows: ``object``, ``location``, ``row`` (1 is the first), ``rules`` and ``raw`` (JSON text)."""
        return _collected(self.bad_frame)

    @property
    def bad_frame(self) -> object:
        """The same, not computed yet: a LazyFrame of Polars, or a DataFrame of Spark's if that checked them."""
        return self._split.bad

    @property
    def _split(self) -> Split:
        warns = warned(self.verdict)
        return self._engine.split(self._delivery.rows, self.contract, self._judged, warn=warns)

    def write(self, good: str | None = None, bad: str | None = None) -> None:
        """Write good and bad rows to files (.csv, .parquet, .jsonl by their suffix), each as a whole or not at all.

        Bad rows come with ``key`` and ``failures``: rule, column, value and reason, for each rule that they fail.
        Spark writes new folders of Parquet files, or new tables of its catalogs (``table:NAME``).
        """
        split = self._split
        if self._engine.name == "spark":
            from headgate.edge.spark import failures as spark_failures
            from headgate.edge.spark import sink as spark_sink

            told: object = spark_failures.explained(split.bad, self._reasons(), self.contract.primary_key)
            spark_sink.write([(f, p) for f, p in ((split.good, good), (told, bad)) if p is not None])
            return
        from headgate.edge.failures import explained
        from headgate.edge.sink import write_files

        told = (
            Frame(explained(_lazy(split.bad), self._reasons(), self.contract.primary_key))
            if bad
            else split.bad
        )
        write_files([(f, p) for f, p in ((split.good, good), (told, bad)) if p is not None])

    def _reasons(self) -> dict[str, Reason]:
        """Of the rules that rows fail: which column is looked at, and why they fail."""
        from headgate.edge.failures import Reason

        bodies = {r.name: r.body for r in self.contract.complete_rules}
        return {
            f.rule: Reason(next(iter(columns_of(bodies[f.rule])), ""), reason(f))
            for f in self.verdict.findings
            if f.rows_failed and f.rule in bodies
        }

    def profile(self) -> Profile:
        """What the rows look like around their failures: one more pass over them, in bounded memory; on Spark a few
        jobs, of which counts come here.
        """
        warns = warned(self.verdict)
        if isinstance(self._engine, InProcess):
            from headgate.edge.profiling import profiled

            return profiled(judged_of(self._judged), self.contract, warns, self._engine.mark)
        from headgate.edge.spark import judging, profiling

        judged = self._judged.evidence
        assert isinstance(judged, judging.SparkJudged)
        return profiling.profiled(judged, self.contract, warns)

    def raise_for_failure(self) -> Checked:
        """Itself, if the verdict passes. Raises CheckFailed."""
        if not self.verdict.passed:
            first = self.verdict.blocking[0]
            raise CheckFailed(
                f"{len(self.verdict.blocking)} rules failed, first {first.rule}: {first.message}",
                hint="look at .verdict and .bad_rows",
                place=self.contract.object,
            )
        return self


def check(  # noqa: PLR0913 - options, each by its name
    data: Data,
    contract: str | os.PathLike[str] | bytes,
    *,
    object: str | None = None,
    allow_unexecuted: Collection[str] = (),
    format: str | None = None,
    dialect: Dialect | Callable[[Dialect], Dialect] | None = None,
    engine: str | None = None,
    spark_remote: str | None = None,
    tables: Mapping[str, Data] | None = None,
    remember: bool = False,
) -> Checked:
    """Check files (paths, folders, patterns) or a frame (Polars, Arrow, pandas, Spark) against a contract.

    ``object``: which schema object of the contract, if it has several. ``dialect``: how CSV is written, in place of
    what the contract says; or what makes the one of the other. ``engine``: one of `ENGINES`; they give one verdict. A
    frame of Spark's is checked by Spark, in its own session; anything else by polars, unless told. ``spark_remote``:
    where Spark is (``sc://host:port``), in place of SPARK_REMOTE, the active session, or a new local one.
    ``tables``: what references lead to, by the table's name: files or frames, in which the parents are looked for. A
    reference to a table that is not among them is not executed. A verdict that does not pass is returned, not raised.
    ``remember``: of Parquet files read only what no earlier check has seen, and keep what this one sees, in a folder of
    the user's; the verdict is the same.

    Raises NotThere, Unreadable (data or contract), ContractUnusable, WrongUse.
    """
    engine = engine or ("spark" if type(data).__module__.startswith("pyspark.") else "polars")
    judge = judge_called(engine)
    document = document_of(contract)
    names = object_names(document, object)
    beside = _beside(contract, document, names)
    compiled = compile_contract(document, object, pattern_error=check_syntax, elsewhere=beside)
    spoken = dialect(compiled.dialect) if callable(dialect) else dialect or compiled.dialect
    spoken = replace(spoken, maps=compiled.dialect.maps)
    format = format or compiled.format
    if engine == "spark":
        delivery = _to_spark(data, spoken, format, spark_remote)
    else:
        delivery = deliver(data, spoken, format)
    allowed = frozenset(allow_unexecuted)
    own = own_references(compiled, names)
    called = named_in(beside)
    others = wanted(compiled, own, {t: {d.object} for t, d in called.items()})
    given = {
        table: _parent(judge, delivery, some, table, others[table], compiled, spoken, called.get(table))
        for table, some in meant(tables or {}, others, compiled).items()
    }

    @functools.cache
    def judged() -> Judged:
        parents = {table: one.typed() for table, one in given.items()}
        if own:
            parents |= dict.fromkeys(_tables(own), fitting(judge, delivery.rows, compiled, own, {}))
        return judge.check(
            delivery.rows, compiled, parents=parents, existing={}, table_rules="all", allowed=allowed
        )

    verdict = _again(judge, delivery.rows, compiled, own, allowed, given) if remember else None
    verdict = told(verdict or judged().verdict, service_levels(compiled, SystemClock().now()))
    verdict = hinted(attributed(verdict, compiled, judge.name), compiled, others.keys() - given.keys())
    return Checked(verdict, compiled, delivery, judged, judge)


def _beside(
    contract: str | os.PathLike[str] | bytes, document: Document, checked: frozenset[TableName] = frozenset()
) -> Beside:
    return Beside(None if isinstance(contract, bytes) else os.fspath(contract), document, os.environ, checked)


@dataclass(frozen=True, slots=True)
class _Parent:
    """A table that was given: its rows as they came, and as what they are read (``columns``, ``dialect``)."""

    delivery: Delivery
    columns: tuple[Column, ...]
    dialect: Dialect
    typed: Callable[[], Frame]


def _parent(
    judge: Judge,
    child: Delivery,
    data: Data,
    table: TableName,
    asked: Wanted,
    contract: TableContract,
    dialect: Dialect,
    described: Described | None,
) -> _Parent:
    """Raises NotThere, Unreadable (data), ContractUnusable (the contract that describes them)."""
    own = None
    if described is not None:
        own = compile_contract(described.document, described.object, pattern_error=check_syntax)
    dialect, format = (own.dialect, own.format) if own is not None else (replace(dialect, maps=()), None)
    if judge.name == "spark":
        from headgate.edge.spark import rows as spark_rows

        session = spark_rows.spark_rows(child.rows).session
        delivery = spark_rows.deliver(data, session, dialect, format)
    else:
        delivery = deliver(data, dialect, format)
    only = needed(table, asked.bodies, contract, own, delivery.columns)

    @functools.cache
    def typed() -> Frame:
        # What has none of the columns is left as it is: the rule says that it has not.
        return fitting(judge, delivery.rows, only, (), {}) if only.columns else delivery.rows

    return _Parent(delivery, only.columns, dialect, typed)


def _again(
    judge: Judge,
    rows: Frame,
    contract: TableContract,
    own: Collection[Rule],
    allowed: frozenset[str],
    given: Mapping[TableName, _Parent],
) -> Verdict | None:
    """The verdict on files that may be known, at the cost of what is new in them. None if nothing is known of such."""
    if not isinstance(rows, Rows) or any(one.format != "parquet" for one in rows.objects):
        return None  # and nothing is imported that only Parquet files need
    from headgate.edge import check_cache, known_files

    folder, clock = check_cache.folder_of(os.environ), SystemClock()
    if folder is None or not isinstance(judge, Counter) or len(rows.parts) != 1:
        return None
    now_ns = int(clock.now().timestamp() * 1e9)
    objects = known_files.known(rows.objects, rows.dialect or contract.dialect, now_ns)
    if objects is None:
        return None
    beside: dict[TableName, known_files.Given] = {}
    for table, one in given.items():
        frame = any(each.format == "frame" for each in one.delivery.objects)
        names = None if frame else known_files.identified(one.delivery.objects, one.dialect, now_ns)
        if names is None:
            return None
        beside[table] = known_files.Given(names, one.columns, one.typed)
    cache = check_cache.CheckCache(folder)
    files = known_files.table(
        objects,
        rows,
        cache,
        lambda some: fitting(judge, some, contract, own, {}),
        contract.columns,
        beside.values(),
    )
    # Parents are what they are by all that is declared of all columns.
    typed = TableEntry(repr(contract.columns), known_files.TYPED)
    tree = Tree(
        {table_key(table): typed for table in _tables(own)}
        | {table_key(table): one.entry for table, one in beside.items()}
        | {table_key(_FILES): known_files.OWN}
    )
    around = _Around(files, cache, judge, clock)
    verdict = check_again(around, tree, _FILES, contract, allowed, "all")
    check_cache.bounded(cache.keys, files.group)
    return verdict


_FILES = TableName("headgate.files")  # what is checked, as a table: no contract can refer to it


@dataclass(frozen=True, slots=True)
class _Around:
    """What `check_again` needs (`Remembering`)."""

    lake: Tables
    store: Memory
    engine: Counter
    clock: Clock


def _tables(own: Collection[Rule]) -> set[TableName]:
    return {r.body.to_table for r in own if isinstance(r.body, References)}


def judge_called(name: str) -> Judge:
    """The engine of this name, which is only now imported. Raises WrongUse."""
    match name:
        case "polars":
            from headgate.edge.engine_polars import PolarsEngine

            return PolarsEngine()
        case "duckdb":
            from headgate.edge.sql.engine import DuckEngine

            return DuckEngine()
        case "spark":
            from headgate.edge.spark.engine import SparkEngine

            return SparkEngine()
    raise WrongUse(f"there is no engine {name!r}", hint=f"use {' or '.join(ENGINES)}", place="engine")


def deliver(data: Data, dialect: Dialect, format: str | None = None) -> Delivery:
    """Files or a frame as a delivery."""
    if isinstance(data, str | os.PathLike):
        data = [data]
    if isinstance(data, Sequence) and data and all(isinstance(d, str | os.PathLike) for d in data):
        source = FileSource(digests=False)
        return source.read(source.find([os.fspath(d) for d in data], format), dialect)
    from headgate.edge.source_frames import frame

    return frame(data)


def _to_spark(data: Data, dialect: Dialect, format: str | None, remote: str | None) -> Delivery:
    from headgate.edge.spark import rows as spark_rows
    from headgate.edge.spark import session as spark_session

    session = None if spark_rows.is_spark(data) else spark_session.session(remote)
    return spark_rows.deliver(data, session, dialect, format)


def lint(contract: str | os.PathLike[str] | bytes) -> tuple[Advice, ...]:
    """What a contract could say better. Raises ContractUnusable for one that cannot be used, with all that is wrong."""
    from headgate.contract.faults import examined
    from headgate.contract.lint import lint as advise

    document = examined(*bytes_of(contract), os.environ, pattern_error=check_syntax)
    return advise(document, pattern_error=check_syntax, elsewhere=_beside(contract, document))


def infer(data: Data, name: str | None = None, dialect: Dialect | None = None) -> bytes:
    """A contract that the data pass, as a person would write it. Sniffs the CSV dialect, unless told."""
    from headgate.contract.infer import infer as written
    from headgate.edge.profile import profiled, sniffed

    if dialect is None:
        dialect = sniffed(data) if isinstance(data, str | os.PathLike) else Dialect()
    delivery = deliver(data, dialect)
    called = name or (Path(data).stem if isinstance(data, str | os.PathLike) else "data")
    return written(called, profiled(delivery.rows), dialect)


def _collected(found: object) -> pl.DataFrame:
    if isinstance(found, pl.LazyFrame):
        return found.collect(engine="streaming")
    from headgate.edge.spark import rows as spark_rows

    return spark_rows.collected(found)


def _lazy(found: object) -> pl.LazyFrame:
    assert isinstance(found, pl.LazyFrame)
    return found
