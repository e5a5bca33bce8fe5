"""The real Clock: the one place that asks for time and chance."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_RANDOM_BITS = 80


class SystemClock:
    """Time and chance of this machine. Tokens are ULIDs in lower case, and rise within one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def token(self) -> str:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            # Of two tokens in one millisecond, or after the clock was set back, the later one is still greater.
            self._last = max(fresh, self._last + 1)
            value = self._last
        return "".join(_DIGITS[value >> shift & 31] for shift in range(125, -5, -5))
