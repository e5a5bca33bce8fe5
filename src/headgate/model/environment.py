"""Environments: where releases go."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.model.names import RefName


@dataclass(frozen=True, slots=True)
class SmokeQuery:
    """A query that must hold before readers see a release. ``name`` is its file's, for people.

    One row with one boolean decides by its value; any other result passes if it has no rows (each row is a
    violation).
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Environment:
    """``source`` is what `promote` takes when it is not told otherwise."""

    name: RefName
    source: RefName
    smoke: tuple[SmokeQuery, ...] = ()

    @property
    def colours(self) -> tuple[RefName, RefName]:
        return RefName(f"{self.name}-blue"), RefName(f"{self.name}-green")
