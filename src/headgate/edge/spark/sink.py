"""Good and bad rows where Spark writes them: folders of Parquet files, or tables of its catalogs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from headgate.edge.spark.rows import TABLE
from headgate.edge.spark.session import Spark, guarded
from headgate.model.errors import WrongUse

_OF_ONE_FILE = (".csv", ".tsv", ".jsonl", ".ndjson", ".arrow")


def write(wanted: Sequence[tuple[Spark, str]]) -> None:
    """Write each frame to its folder (a path, or what Spark alone reaches, like ``s3a://...``) or ``table:NAME``.

    Each is there as a whole or not at all, as Spark commits it; nothing that exists is written over. Raises WrongUse.
    """
    for _, target in wanted:
        if not target.startswith(TABLE) and target.lower().endswith(_OF_ONE_FILE):
            raise WrongUse(
                f"Spark does not write the one file {target}",
                hint="name a folder, which will hold Parquet files, or table:NAME",
                place=target,
            )
        if not local(target) or not os.path.lexists(target):
            continue
        raise WrongUse(f"{target} exists", hint="choose another name, or delete it first", place=target)
    for frame, target in wanted:
        if target.startswith(TABLE):
            guarded(frame.writeTo(target.removeprefix(TABLE)).create, target)
        else:
            _folder(frame, f"file://{os.path.abspath(target)}" if local(target) else target)


def local(target: str) -> bool:
    """True for a path on this machine."""
    return not target.startswith(TABLE) and "://" not in target


def _folder(frame: Spark, place: str) -> None:
    guarded(lambda: frame.write.mode("error").parquet(place), place)
