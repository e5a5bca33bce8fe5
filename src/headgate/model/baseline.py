"""Baselines: violations that were there when a contract was adopted, and that are put up with until they are mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.names import RuleName


@dataclass(frozen=True, slots=True)
class Known:
    """``rows_failed`` of ``rows`` failed a rule. Neither the number nor the share may grow from there on."""

    rows_failed: int
    rows: int

    def covers(self, rows_failed: int, rows: int) -> bool:
        """True if so many failing rows among so many are no more than what is known, in number and in share."""
        return rows_failed <= self.rows_failed and rows_failed * self.rows <= self.rows_failed * rows


Baseline = Mapping[RuleName, Known]
