"""A clock that tests turn: no real time passes, and every reading is a little later than the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
_TICK = timedelta(milliseconds=1)


@dataclass(slots=True)
class TickingClock:
    """Starts on 2026-01-01; `sleep` and `advance` move it. Tokens count up."""

    at: datetime = START
    tokens: int = 0

    def now(self) -> datetime:
        self.at += _TICK
        return self.at

    def monotonic(self) -> float:
        return (self.now() - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def advance(self, by: timedelta) -> None:
        self.at += by

    def token(self) -> str:
        self.tokens += 1
        return f"{self.tokens:026d}"
