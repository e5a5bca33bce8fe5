"""Headgate itself, asked as its users ask it."""

from __future__ import annotations

import sys

from worker import serve

import headgate

CONTRACT = sys.argv[1]
ENGINE = sys.argv[2] if len(sys.argv) > 2 else "polars"


def check(path: str) -> list[str]:
    verdict = headgate.check(path, CONTRACT, engine=ENGINE).verdict
    return [finding.rule for finding in verdict.blocking]


def split(path: str, good: str, bad: str) -> None:
    headgate.check(path, CONTRACT, engine=ENGINE).write(good, bad)


serve(check, split)
