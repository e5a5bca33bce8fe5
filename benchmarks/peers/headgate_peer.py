"""Headgate itself, asked as its users ask it."""

from __future__ import annotations

import sys

from worker import serve

import headgate

CONTRACT = sys.argv[1]


def check(path: str) -> list[str]:
    verdict = headgate.check(path, CONTRACT).verdict
    return [finding.rule for finding in verdict.blocking]


def split(path: str, good: str, bad: str) -> None:
    headgate.check(path, CONTRACT).write(good, bad)


serve(check, split)
