"""The rendering in expressions of Polars, streaming."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from headgate.edge import collapsing, judging, marking, measuring, passes, sketching
from headgate.edge.rows import named_lazy, rows_of
from headgate.model.batch import Mode
from headgate.model.contract import Column, TableContract
from headgate.model.rule import Scalar
from headgate.model.sketch import Sketch
from headgate.ports import Collapsed, Delivery, Frame

RENDERING = 3  # to be raised whenever a rendering comes to judge a value differently


@dataclass(frozen=True, slots=True)
class PolarsEngine(passes.InProcess):
    """Polars, in process. Every method runs streaming; what it holds are keys at fault and one block of rows."""

    name: str = "polars"

    pass_one = staticmethod(judging.pass_one)
    mark = staticmethod(marking.masks)

    def version(self) -> str:
        return f"expressions-{RENDERING}/polars-{pl.__version__}"

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

    def sketch(self, rows: Frame, columns: Sequence[str]) -> Mapping[str, Sketch]:
        return sketching.sketched(named_lazy(rows), columns)

    def without(self, rows: Frame, contract: TableContract, keys_of: Frame) -> Frame:
        return collapsing.without(rows, contract, keys_of)
