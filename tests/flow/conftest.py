from __future__ import annotations

from pathlib import Path

import pytest

from flow.shop import Shop, opened


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A new project."""
    return opened(tmp_path)
