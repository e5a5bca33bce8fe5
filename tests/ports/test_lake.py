from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.edge.iceberg.lake import IcebergLake
from headgate.ports import Lake
from headgate.testing.lake_suite import LakeSuite
from headgate.testing.unsynced import Unsynced


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


class TestIcebergLakeUnderPowerCuts(LakeSuite):
    """After every call the power is cut: what a method returned must be there all the same."""

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Iterator[Lake]:
        with Unsynced(tmp_path) as disk:

            class Cut:
                def __getattr__(self, name: str) -> Callable[..., object]:
                    lake = IcebergLake(tmp_path / "warehouse", tmp_path / "quarantine")

                    def call(*given: object) -> object:
                        try:
                            return getattr(lake, name)(*given)
                        finally:
                            disk.cut_power()

                    return call

            lake: Lake = Cut()  # type: ignore[assignment]
            yield lake
