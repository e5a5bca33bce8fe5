"""What is there without us: PyIceberg over a SQL catalog of its own, on SQLite and local files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from measure import WORK
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table


def new_table(name: str, schema: pa.Schema) -> Table:
    """An empty table in a new catalog; one of the same name from an earlier run is removed."""
    home = WORK / "bare" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    catalog = SqlCatalog("bare", uri=f"sqlite:///{home}/catalog.db", warehouse=f"file://{home}")
    catalog.create_namespace("default")
    return catalog.create_table("default.orders", schema)


def append(table: Table, file: Path) -> None:
    """Read a Parquet file and append its rows. Nothing is checked, and nothing is synced to the disk."""
    table.append(pq.read_table(file))
