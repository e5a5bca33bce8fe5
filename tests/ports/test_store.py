from __future__ import annotations

from pathlib import Path

from headgate.edge.store.sql import create
from headgate.ports import Clock, Store
from headgate.testing.memory_store import MemoryStore
from headgate.testing.store_suite import StoreSuite


class TestSqlStore(StoreSuite):
    def make(self, folder: Path, clock: Clock) -> Store:
        return create(folder / "catalog.db", clock)


class TestMemoryStore(StoreSuite):
    def make(self, folder: Path, clock: Clock) -> Store:
        return MemoryStore(clock)
