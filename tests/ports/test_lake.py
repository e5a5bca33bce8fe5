from __future__ import annotations

from pathlib import Path

import pytest

from headgate.edge.lake_iceberg import IcebergLake
from headgate.ports import Lake
from headgate.testing.lake_suite import LakeSuite


class TestIcebergLake(LakeSuite):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return IcebergLake(tmp_path / "warehouse", tmp_path / "quarantine")


class TestIcebergLakeWithNothingRemembered(LakeSuite):
    """Every call on a lake of its own, as from another process."""

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        class Forgetful:
            def __getattr__(self, name: str) -> object:
                return getattr(IcebergLake(tmp_path / "warehouse", tmp_path / "quarantine"), name)

        lake: Lake = Forgetful()  # type: ignore[assignment]
        return lake
