"""Named locks on one machine: `flock` on a file per name, freed by the death of the process.

A lock belongs to one opening of the file, so threads of one process exclude each other, too. A process that forks
while it holds a lock shares it with the child; spawn instead. Not for network drives.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from headgate.model.errors import Unavailable

_PAUSE_MAX_S = 0.02


class FileLocks:
    """Locks as files in ``folder``, which is made when the first one is taken."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    @contextmanager
    def hold(self, name: str, wait_s: float) -> Iterator[bool]:
        """Enter with True once the lock is held, with False if it was not to be had within ``wait_s``."""
        path = self._folder / _file_name(name)
        fd = _acquire(path, time.monotonic() + wait_s)
        try:
            yield fd is not None
        finally:
            if fd is not None:
                path.unlink(missing_ok=True)  # while held: see _acquire for why that is safe
                os.close(fd)


def _file_name(name: str) -> str:
    plain = quote(name, safe="")
    return f"{plain}.lock" if len(plain) <= 200 else f"{sha256(name.encode()).hexdigest()}.lock"


def _acquire(path: Path, deadline: float) -> int | None:
    pause = 0.0005
    while True:
        fd = _try(path)
        if fd is not None:
            return fd
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _PAUSE_MAX_S)


def _try(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise Unavailable(
            f"no lock can be taken: {error.strerror}",
            hint="allow writing to the project's folder",
            place=str(path),
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before us removes the file as it lets go. Whoever opened it just before that has locked a file
        # that nobody else will ever open, which is no lock at all: only the file that is there now counts.
        if os.path.samestat(os.fstat(fd), os.stat(path)):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None
