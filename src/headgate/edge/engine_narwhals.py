"""The Narwhals rendering, on Polars, streaming."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import narwhals
import polars as pl

from headgate.edge import collapsing, judging, marking, measuring, passes, sketching, splitting
from headgate.edge.clock import SystemClock
from headgate.edge.rows import named_lazy, rows_of
from headgate.model.batch import Mode
from headgate.model.contract import Column, TableContract
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Rule, Scalar
from headgate.model.sketch import Sketch
from headgate.ports import Checked, Clock, Collapsed, Delivery, Frame, Measurement, Split, TableRules

RENDERING = 3  # to be raised whenever a rendering comes to judge a value differently


@dataclass(frozen=True, slots=True)
class NarwhalsEngine:
    """Polars, in process. Every method runs streaming; what it holds are keys at fault and one block of rows."""

    name: str = "polars"
    clock: Clock = field(default_factory=SystemClock)  # for waivers, and the age of data

    def version(self) -> str:
        return f"narwhals-{RENDERING}/{narwhals.__version__}/polars-{pl.__version__}"

    def check(
        self,
        rows: Frame,
        contract: TableContract,
        *,
        parents: Mapping[TableName, Frame],
        existing: Mapping[RuleName, Frame],
        table_rules: TableRules,
        allowed: frozenset[str] = frozenset(),
        beside: int = 0,
    ) -> Checked:
        return passes.checked(
            passes.Passes(
                passes.beside(partial(judging.pass_one, keep=True), beside), marking.masks, self.clock.now()
            ),
            rows_of(rows),
            contract,
            parents=parents,
            existing=existing,
            table_rules=table_rules,
            allowed=allowed,
        )

    def split(
        self,
        rows: Frame,
        contract: TableContract,
        checked: Checked,
        *,
        warn: Collection[RuleName],
        whole: bool = False,
    ) -> Split:
        return splitting.split(
            rows_of(rows), contract, passes.judged_of(checked), frozenset(warn), whole=whole
        )

    def columns(self, delivery: Delivery) -> tuple[Column, ...]:
        return measuring.columns(rows_of(delivery.rows))

    def collapse(
        self, rows: Frame, contract: TableContract, existing: Frame | None, mode: Mode, order_by: str | None
    ) -> Collapsed:
        return collapsing.collapse(rows_of(rows), contract, existing, mode, order_by)

    def ranges(
        self, rows: Frame, contract: TableContract, columns: Collection[str]
    ) -> Mapping[str, tuple[Scalar, Scalar] | None]:
        return measuring.ranges(rows_of(rows), contract, columns)

    def keys(
        self, rows: Frame, contract: TableContract, columns: Sequence[str], names: Sequence[str]
    ) -> Frame | None:
        return measuring.keys(rows_of(rows), contract, columns, names)

    def measure(
        self,
        rows: Frame,
        contract: TableContract,
        rules: Sequence[Rule],
        parents: Mapping[TableName, Frame] = MappingProxyType({}),
    ) -> tuple[Measurement, ...]:
        judged = judging.pass_one(rows_of(rows), contract, rules, parents, {})
        found = measuring.from_judged(judged, contract, rules)
        return tuple(found[rule.name] for rule in rules)

    def sketch(self, rows: Frame, columns: Sequence[str]) -> Mapping[str, Sketch]:
        return sketching.sketched(named_lazy(rows), columns)

    def without(self, rows: Frame, contract: TableContract, keys_of: Frame) -> Frame:
        return collapsing.without(rows, contract, keys_of)

    def together(self, frames: Sequence[Frame]) -> Frame:
        return collapsing.together(frames)
