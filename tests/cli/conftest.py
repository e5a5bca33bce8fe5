from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import CONTRACT, Ran, ran


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run a command in this process, in an empty folder, with what it wrote caught at the file descriptors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADGATE_AUTHOR", "ann")
    return lambda *words: ran(words, capfd)


@pytest.fixture
def shop(run: Callable[..., Ran], tmp_path: Path) -> Callable[..., Ran]:
    """`run` in a project, with a contract and two deliveries beside it: one good, one with two bad rows of four."""
    (tmp_path / "orders.yaml").write_text(CONTRACT)
    (tmp_path / "good.csv").write_text("id,customer,amount\n1,ann,10.50\n2,bob,3.00\n3,,7.25\n")
    (tmp_path / "dirty.csv").write_text("id,customer,amount\n4,ann,-1\n5,bob,x\n6,cid,2.00\n7,dan,3.00\n")
    assert run("init").code == 0
    return run


@pytest.fixture
def sold(shop: Callable[..., Ran]) -> Callable[..., Ran]:
    """`shop` after its first delivery: three rows on main."""
    assert shop("load", "orders", "good.csv", "--contract", "orders.yaml").code == 0
    return shop
