"""Headgate as the benchmarks call it: the one place that changes when its Python interface does."""

from __future__ import annotations

import shutil
from pathlib import Path

from measure import HERE, WORK

import headgate

CONTRACT = HERE / "orders.odcs.yaml"
TABLE = "orders"


def new_project(name: str) -> headgate.Project:
    """An empty project; one of the same name from an earlier run is removed."""
    path = WORK / "projects" / name
    shutil.rmtree(path, ignore_errors=True)
    return headgate.init(path)


def load(project: headgate.Project, file: Path, contract: Path | None = None) -> None:
    """Load one file to the published branch; the contract is asked for at the first load only."""
    _done(project.load(TABLE, [file], contract=contract).outcome, "published")


def promote(project: headgate.Project) -> None:
    _done(project.promote("production").outcome, "promoted")


def rollback(project: headgate.Project) -> None:
    _done(project.rollback("production").outcome, "rolled_back")


def branch(project: headgate.Project, name: str) -> None:
    project.branch(name)


def tag(project: headgate.Project, name: str) -> None:
    project.tag(name)


def _done(outcome: str, expected: str) -> None:
    if outcome != expected:
        raise RuntimeError(f"{outcome}, not {expected}")
