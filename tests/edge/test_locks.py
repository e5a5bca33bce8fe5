from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headgate.edge.locks import FileLocks
from headgate.model.errors import Unavailable

HOLDER = """
import sys
from headgate.edge.locks import FileLocks
with FileLocks(sys.argv[1]).hold("run/r1", 0) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path: Path) -> FileLocks:
    return FileLocks(tmp_path / "locks")


def test_one_lock_has_one_holder_also_among_threads_of_a_process(locks: FileLocks) -> None:
    with locks.hold("a", 0) as first:
        assert first
        with locks.hold("a", 0) as second, locks.hold("b", 0) as other:
            assert not second
            assert other
        with locks.hold("a", 0.02) as third:
            assert not third, "who did not get it does not let it go either"
    with locks.hold("a", 0) as again:
        assert again


def test_names_that_differ_are_locks_that_differ(locks: FileLocks) -> None:
    names = ["table/default.a", "table%2Fdefault.a", "table_default.a", "x" * 300, "x" * 301, "..", "."]
    for name in names:
        with locks.hold(name, 0) as held:
            assert held
            for other in names:
                with locks.hold(other, 0) as too:
                    assert too == (other != name)


def test_whoever_waits_gets_it_soon_after_it_is_free(locks: FileLocks) -> None:
    waits: list[float] = []

    def wait() -> None:
        with locks.hold("a", 10) as held:
            assert held
            waits.append(time.monotonic() - freed[0])

    freed = [0.0]
    with locks.hold("a", 0):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.2)
        freed[0] = time.monotonic()
    thread.join()
    assert 0 <= waits[0] < 1


def test_death_of_the_holder_frees_the_lock(locks: FileLocks, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "locks")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with locks.hold("run/r1", 0) as held:
            assert not held
        holder.kill()
    with locks.hold("run/r1", 5) as held:
        assert held


def test_a_file_that_its_holder_removed_is_no_lock(locks: FileLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing with the guard off: without `samestat` both have it."""
    first, second = locks.hold("a", 0), locks.hold("a", 0)
    assert first.__enter__()
    opened: list[int] = []

    def late(fd: int, how: int) -> None:
        """Between opening the file and locking it, the holder lets go and somebody else takes the lock."""
        opened.append(fd)
        if len(opened) == 1:
            first.__exit__(None, None, None)
            assert second.__enter__()
        flock(fd, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", late)
    with locks.hold("a", 0) as held:
        assert not held
    second.__exit__(None, None, None)
    assert len(opened) == 2


def test_of_many_threads_one_at_a_time_is_inside(locks: FileLocks) -> None:
    inside, most, done = [0], [0], [0]

    def work() -> None:
        for _ in range(60):
            with locks.hold("a", 30) as held:
                assert held
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0)
                inside[0] -= 1
                done[0] += 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], done[0]) == (1, 360)


def test_no_file_is_left_behind(locks: FileLocks, tmp_path: Path) -> None:
    with locks.hold("a", 0):
        assert len(list((tmp_path / "locks").iterdir())) == 1
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_folder_that_takes_no_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(Unavailable), FileLocks(tmp_path / "locks").hold("a", 0):
        pass
