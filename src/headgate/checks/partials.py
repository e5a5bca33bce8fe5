"""Partials: what a rule found in one data file. Kept for ever, since the file never changes; they add up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.model.contract import TableContract
from headgate.model.names import RuleName
from headgate.model.rule import FailingRows, Measured, RowCount, Rule
from headgate.model.tree import TableEntry
from headgate.ports import DataFile, Measurement, Ports


@dataclass(frozen=True, slots=True)
class Summed:
    """Measurements over all files of a table, and the partials that were not known before."""

    measurements: Mapping[RuleName, Measurement]
    new: Mapping[str, bytes]
    files_read: int


def keepable(rule: Rule) -> bool:
    """Only counts over rows add up over files, and depend on nothing but the file and the rule.

    Deliberately absent: SQL rules (they may ask for the time, or join), doubled keys (they do not add up).
    """
    return isinstance(rule.body, Measured) and isinstance(rule.body.measure, FailingRows | RowCount)


def partial_key(file: DataFile, rule: Rule, contract: TableContract, engine_version: str) -> str:
    """Everything a partial depends on: the file (its path is never reused), what is measured, the types it is
    read with, which rows it looks at, and who rendered it. The bound is not among it.
    """
    measure = rule.body.measure if isinstance(rule.body, Measured) else rule.body
    types = [[c.name, repr(c.type)] for c in contract.columns]
    of = [repr(measure)] if rule.where is None else [repr(measure), repr(rule.where)]
    text = json.dumps([file.path, of, types, engine_version])
    return hashlib.sha256(text.encode()).hexdigest()


def summed(ports: Ports, entry: TableEntry, contract: TableContract, rules: Sequence[Rule]) -> Summed:
    """Measure ``rules`` (all of them `keepable`) over a table; only files without a partial are read."""
    if not rules:
        return Summed({}, {}, 0)
    version = ports.engine.version()
    files = ports.lake.files(entry)
    keys = {(f.path, r.name): partial_key(f, r, contract, version) for f in files for r in rules}
    kept = dict(ports.store.partials(keys.values()))
    new: dict[str, bytes] = {}
    read = 0
    for file in files:
        missing = [r for r in rules if keys[file.path, r.name] not in kept]
        if missing:
            read += 1
            rows = ports.lake.scan(entry, [file.path])
            for m in ports.engine.measure(rows, contract, missing):
                new[keys[file.path, m.rule]] = json.dumps([m.rows, m.failing, m.error]).encode()
    kept |= new
    total = {r.name: Measurement(r.name, 0, 0) for r in rules}
    for (_, name), key in keys.items():
        rows_seen, failing, error = json.loads(kept[key])
        so_far = total[name]
        total[name] = replace(
            so_far,
            rows=so_far.rows + rows_seen,
            failing=(so_far.failing or 0) + (failing or 0),
            error=so_far.error or error,
        )
    return Summed(total, new, read)
