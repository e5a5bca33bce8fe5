"""A file system that forgets: what was written and never synced is gone after the power cut.

    with Unsynced(project) as disk:
        ...                 # write through `headgate.edge.durable`
        disk.cut_power()    # only what was synced is left

A file is kept if it was synced, and if each folder from the root down to it was synced while it held its name.
What was there before the block is kept; a file that was changed since it was synced goes whole. Not simulated:
files that come back after they were deleted, nor SQLite's, whose own syncs are not seen here: name them ``spared``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from headgate.edge import durable


class Unsynced:
    """Stands in for `durable.sync` while it is entered. ``off``: nothing is synced at all, as without the guard.

    Args:
        root: the folder that is watched.
        spared: ends of file names that are left alone, such as ``.db-wal``.
        off: forget every sync: the test that needs it must then fail.
    """

    def __init__(self, root: Path, *, spared: tuple[str, ...] = (), off: bool = False) -> None:
        self._root = root.resolve()
        self._spared = spared
        self._off = off
        self._contents: set[tuple[int, int]] = set()
        self._names: set[Path] = set()
        self._real = durable.sync

    def __enter__(self) -> Self:
        found = list(self._root.rglob("*"))
        self._contents.update(_content(path) for path in found)
        self._names.update(found)
        durable.sync = self._sync
        return self

    def __exit__(self, *_: object) -> None:
        durable.sync = self._real

    @property
    def unsynced(self) -> tuple[Path, ...]:
        """Files and folders that a power cut would take."""
        return tuple(sorted(path for path in self._root.rglob("*") if not self._safe(path)))

    def cut_power(self) -> tuple[Path, ...]:
        """Delete what was not synced; what that was."""
        lost = self.unsynced
        for path in reversed(lost):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        return lost

    def _sync(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._real((path,))
            real = Path(path).resolve()
            if self._off:
                continue
            if real.is_dir():
                self._names.update(real.iterdir())
            self._contents.add(_content(real))

    def _safe(self, path: Path) -> bool:
        if path.name.endswith(self._spared):
            return True
        kept = path.is_dir() or _content(path) in self._contents
        while kept and path != self._root:
            kept = path in self._names
            path = path.parent
        return kept


def _content(path: Path) -> tuple[int, int]:
    """A file as of its last change: it keeps this when it is renamed."""
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns
