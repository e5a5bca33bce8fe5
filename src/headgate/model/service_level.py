"""Service levels: what a contract promises of a table besides its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from headgate.model.names import RuleName

LevelKind = Literal[
    "frequency", "errorRate", "throughput", "generalAvailability", "endOfSupport", "endOfLife"
]


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One that the clock, or the history of a table, can tell. Those that the data tell are rules with an `Age`.

    ``rule`` is the rule that tells it in a verdict. ``limit``: frequency: seconds since the last publish, at most;
    errorRate: a share of loads, at most; throughput: rows a second, at least. ``moment``: of the others, in UTC.
    ``blocks``: it fails where it is not kept; else it warns.
    """

    rule: RuleName
    kind: LevelKind
    limit: Decimal = Decimal(0)
    moment: datetime | None = None
    blocks: bool = False
