"""Pass 2 of a check on Spark, if rules about rows failed: how many rows are bad, and the first few of each rule.

One job: few failing rows are fetched as they are; of many, Spark counts and ranks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from headgate.edge.cells import Cell, Cells
from headgate.edge.judging import predicate_of
from headgate.edge.marking import SAMPLES_MAX
from headgate.edge.render_rules import columns_of
from headgate.edge.rows import OBJECT, ROW
from headgate.edge.spark.cells import Laid
from headgate.edge.spark.judging import Marked, SparkJudged, mark
from headgate.edge.spark.nested import first_failing
from headgate.edge.spark.session import guarded
from headgate.model.contract import ArrayType, MapType, ObjectType, TableContract
from headgate.model.masking import CHARACTERS_MAX
from headgate.model.names import RuleName
from headgate.model.rule import Fits, Inside, References, Rule, Unique
from headgate.model.verdict import Sample

FEW = 1000  # rows that are fetched rather than ranked


def with_bad_rows(
    judged: SparkJudged, contract: TableContract, rules: Sequence[Rule], warn: Collection[RuleName]
) -> SparkJudged:
    """Pass 2, if any of ``rules`` failed. A row that only rules in ``warn`` fail is not bad, unless a value does not
    fit its type.
    """
    never = frozenset(warn) - {r.name for r in rules if isinstance(r.body, Fits)}
    failed = mark(judged, rules)
    if not failed.conditions:
        return replace(judged, warn=never)
    asked = _asked(judged, contract, {r.name: r for r in rules}, failed)
    if sum(judged.told.failing[name] for name in failed.conditions) <= FEW:
        bad, rows = _fetched(failed, asked, never)
    else:
        bad, rows = count_bad(failed, never), _ranked(failed, asked)
    samples: dict[RuleName, list[Sample]] = {name: [] for name in asked.names}
    for number, row in rows:
        samples[asked.names[number]].append(asked.sample(number, row))
    told = replace(judged.told, bad=bad, samples={name: tuple(some) for name, some in samples.items()})
    return replace(judged, told=told, warn=never)


def count_bad(failed: Marked, warn: Collection[RuleName]) -> int:
    """Rows that a rule fails which is not among ``warn``."""
    if not failed.conditions:
        return 0
    found = guarded(failed.frame.selectExpr(f"count_if({failed.bad(warn)}) as bad").collect)
    return int(found[0]["bad"])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What samples show: ``texts`` are columns to select; ``shown`` says for each rule its column, and which text."""

    names: tuple[RuleName, ...]
    keys: tuple[Cell, ...]
    texts: Mapping[str, str]
    shown: tuple[tuple[str, str] | None, ...]

    @property
    def selected(self) -> list[str]:
        return [OBJECT, ROW, *(f"{text} as {column}" for column, text in self.texts.items())]

    def sample(self, number: int, row: Mapping[str, Any]) -> Sample:
        column, told = self.shown[number] or ("", None)
        return Sample(
            row[OBJECT],
            row[ROW] or 0,
            tuple((c.column.name, _said(row[f"t{c.number}"])) for c in self.keys),
            column,
            _said(row[told]) if told else None,
        )


def _asked(
    judged: SparkJudged, contract: TableContract, rules: Mapping[RuleName, Rule], failed: Marked
) -> _Asked:
    cells = judged.laid.cells
    names = tuple(failed.conditions)
    keys = tuple(c for name in contract.primary_key if (c := cells.of(name)) is not None and c.present)
    texts = {f"t{c.number}": _plain(c, judged.laid) for c in keys}
    shown: list[tuple[str, str] | None] = []
    for i, name in enumerate(names):
        cell, predicate = _shown(rules[name], cells), predicate_of(rules[name])
        if cell is None:
            shown.append(None)
        elif isinstance(predicate, Inside):
            texts[f"s{i}"] = first_failing(predicate, cell, judged.answers)
            shown.append((cell.column.name, f"s{i}"))
        else:
            texts[f"t{cell.number}"] = _plain(cell, judged.laid)
            shown.append((cell.column.name, f"t{cell.number}"))
    return _Asked(names, keys, texts, tuple(shown))


def _fetched(
    failed: Marked, asked: _Asked, warn: Collection[RuleName]
) -> tuple[int, Iterable[tuple[int, Mapping[str, Any]]]]:
    """All rows that fail anything: how many are bad, and each rule's first few."""
    flags = [f"({condition}) as f{i}" for i, condition in enumerate(failed.conditions.values())]
    found = guarded(failed.frame.filter(failed.bad()).selectExpr(*asked.selected, *flags).collect)
    rows = sorted((row.asDict() for row in found), key=lambda row: _order(row, asked.texts))
    serious = [i for i, name in enumerate(asked.names) if name not in warn]
    return sum(any(row[f"f{i}"] for i in serious) for row in rows), _first(rows, len(asked.names))


def _first(rows: Sequence[Mapping[str, Any]], rules: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for i in range(rules):
        failing = (row for row in rows if row[f"f{i}"])
        yield from ((i, row) for _, row in zip(range(SAMPLES_MAX), failing, strict=False))


def _order(row: Mapping[str, Any], texts: Iterable[str]) -> tuple[Any, ...]:
    values = [row[text] for text in texts]
    return (row[OBJECT], row[ROW] is None, row[ROW] or 0, *((v is not None, str(v)) for v in values))


def _ranked(failed: Marked, asked: _Asked) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each rule's first few rows: Spark sorts no more than so many of each task."""
    numbers = ", ".join(f"case when {c} then {i} end" for i, c in enumerate(failed.conditions.values()))
    found = failed.frame.filter(failed.bad()).selectExpr(
        *asked.selected, f"explode(array_compact(array({numbers}))) as rule"
    )
    order = ", ".join([OBJECT, f"{ROW} nulls last", *asked.texts])
    ranked = found.selectExpr("*", f"row_number() over (partition by rule order by {order}) as rank")
    for row in guarded(ranked.filter(f"rank <= {SAMPLES_MAX}").orderBy("rule", "rank").collect):
        yield row["rule"], row.asDict()


def _shown(rule: Rule, cells: Cells) -> Cell | None:
    """The column whose value a sample of the rule shows."""
    if isinstance(rule.body, Unique | References):
        return cells.of(rule.body.columns[0])
    predicate = predicate_of(rule)
    return cells.of(columns_of(predicate)[0]) if predicate is not None else None


def _plain(cell: Cell, over: Laid) -> str:
    """Doubles come as they are: Java writes them in a form of its own. Texts of nested values come cut."""
    text = over.raw_texts[cell.number]
    if isinstance(cell.kind, ArrayType | ObjectType | MapType):
        length = f"length({text})"
        shorter = f"concat(left({text}, {CHARACTERS_MAX}), '... [', {length}, ' characters]')"
        return f"case when {length} > {CHARACTERS_MAX} then {shorter} else {text} end"
    return cell.raw if cell.raw_dtype.is_float() else text


def _said(value: Any) -> str | None:
    if isinstance(value, float):
        return str(pl.Series([value]).cast(pl.String).item())
    return value if value is None else str(value)
