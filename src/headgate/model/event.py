"""What happened. Append-only; written in the same transaction as what it tells of; gapless offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from headgate.model.names import RunId

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` is ``noun.verb`` (``batch.published``, ``ref.moved``, ``release.promoted``).

    ``offset`` is given by the store under the commit lock; 0 before that.
    """

    kind: str
    subject: str
    at: datetime
    run: RunId | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    offset: int = 0
