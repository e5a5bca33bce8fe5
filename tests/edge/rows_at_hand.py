"""Rows, contracts and checks for tests of the engine, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from headgate.edge.engine_polars import PolarsEngine
from headgate.edge.rows import Rows, collected, part_of
from headgate.edge.source_frames import frame
from headgate.model.batch import Object
from headgate.model.contract import Column, ColumnType, Policy, TableContract
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Body, Rule
from headgate.model.verdict import Finding
from headgate.ports import Checked, Frame

ENGINE = PolarsEngine()


def contract(
    columns: Mapping[str, ColumnType], rules: Mapping[str, Body] | None = None, **kwargs: Any
) -> TableContract:
    return TableContract(
        "orders",
        "1.0.0",
        "orders",
        "orders",
        tuple(Column(name, kind) for name, kind in columns.items()),
        tuple(Rule(RuleName(name), body) for name, body in (rules or {}).items()),
        "0" * 64,
        **kwargs,
    )


def lenient(**kwargs: Any) -> Policy:
    return Policy(extra_columns="drop", missing_columns="null", **kwargs)


def text_rows(columns: Mapping[str, Sequence[str | None]], name: str = "a.csv") -> Frame:
    """As CSV would give them."""
    lazy = pl.LazyFrame(dict(columns), schema=dict.fromkeys(columns, pl.String))
    return Frame(Rows((part_of(lazy, 0, text=True),), (Object("d" * 64, name, 1, "csv"),)))


def typed_rows(data: pl.DataFrame) -> Frame:
    return frame(data).rows


def check(rows: Frame, contract: TableContract, **kwargs: Any) -> Checked:
    settled: dict[str, Any] = {"parents": {}, "existing": {}, "table_rules": "all"} | kwargs
    return ENGINE.check(rows, contract, **settled)


def findings(rows: Frame, contract: TableContract, **kwargs: Any) -> dict[str, Finding]:
    return {f.rule: f for f in check(rows, contract, **kwargs).verdict.findings}


def bad_rows(rows: Frame, contract: TableContract, **kwargs: Any) -> dict[int, list[str]]:
    """Row number -> rules, as quarantine would keep them; also holds that all counts agree."""
    checked = check(rows, contract, **kwargs)
    split = ENGINE.split(rows, contract, checked, warn=())
    bad = frame_of(split.bad)
    good = frame_of(split.good)
    assert (good.height, bad.height) == (split.rows_good, split.rows_bad)
    assert checked.verdict.rows == good.height + bad.height
    found = {row["row"]: row["rules"] for row in bad.iter_rows(named=True)}
    for finding in checked.verdict.findings:
        if finding.rows_failed is not None and finding.measured is None:
            assert finding.rows_failed == sum(finding.rule in rules for rules in found.values()), finding
    return found


def frame_of(frame: Frame) -> pl.DataFrame:
    assert isinstance(frame, pl.LazyFrame)
    return collected(frame)


def table(name: str) -> TableName:
    return TableName(f"default.{name}")
