"""What checks of files remember: partials in one SQLite file, and runs of keys beside it, in a folder of the user's.

It is never an error: what cannot be read was not remembered, and what cannot be written is not. Rows are held by a sum,
so that a damaged one is none. It stays small: the older half of it makes room.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence

from headgate.edge import durable
from headgate.model.change import Changes, Done, Requirement

BYTES_MAX = 256 << 20  # of partials
KEYS_BYTES_MAX = 4 << 30  # of runs of keys
_WAIT_S = 2.0  # for another process that writes
_AT_ONCE = 500  # keys in one query
_SIZE = (
    "SELECT (page_count - freelist_count) * page_size "
    "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


def folder_of(environ: Mapping[str, str]) -> str | None:
    """Where to remember: HEADGATE_CACHE, or ``headgate`` in the user's own folder for caches. None: nowhere."""
    if "HEADGATE_CACHE" in environ:
        return environ["HEADGATE_CACHE"] or None
    home = environ.get("XDG_CACHE_HOME") or (f"{h}/.cache" if (h := environ.get("HOME")) else None)
    return f"{home}/headgate" if home else None


class CheckCache:
    """A `Memory` in ``folder``. Processes may share it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.keys = f"{folder}/keys"
        self._file = f"{folder}/partials.db"

    def partials(self, keys: Collection[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        wanted = list(keys)
        with contextlib.suppress(_Forgotten), self._opened() as db:
            for first in range(0, len(wanted), _AT_ONCE):
                some = wanted[first : first + _AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = db.execute(f"SELECT key, sum, body FROM partial WHERE key IN ({marks})", some)
                found |= {key: body for key, total, body in rows if _sound(key, total, body)}
        return found

    def commit(self, changes: Changes, requires: Sequence[Requirement] = ()) -> Done:
        """Keep partials; nothing else is known here."""
        del requires
        rows = [(key, _sum(key, body), body) for key, body in changes.partials.items()]
        with contextlib.suppress(_Forgotten), self._opened(write=True) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR REPLACE INTO partial VALUES (?, ?, ?)", rows)
            [size] = db.execute(_SIZE).fetchone()
            if size > BYTES_MAX:
                db.execute(
                    "DELETE FROM partial WHERE rowid <= (SELECT (min(rowid) + max(rowid)) / 2 FROM partial)"
                )
            db.execute("COMMIT")
        return Done()

    @contextlib.contextmanager
    def _opened(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """The database, made if something is to be written. Raises _Forgotten."""
        if not write and not os.path.exists(self._file):
            raise _Forgotten
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self._file, _WAIT_S, isolation_level=None)) as db:
                # A power cut may cost what was kept; what it leaves half written is found by its sum.
                db.execute("PRAGMA synchronous = OFF")
                db.execute("CREATE TABLE IF NOT EXISTS partial (key TEXT UNIQUE, sum BLOB, body BLOB)")
                yield db
        except (sqlite3.OperationalError, OSError) as error:  # locked, full, not to be written
            raise _Forgotten from error
        except sqlite3.Error as error:  # damaged
            durable.remove((self._file, f"{self._file}-journal"))
            raise _Forgotten from error


class _Forgotten(Exception):
    """There is no memory to be had."""


def _sum(key: str, body: bytes) -> bytes:
    return hashlib.blake2b(key.encode() + b"\0" + body, digest_size=8).digest()


def _sound(key: object, total: object, body: object) -> bool:
    return isinstance(key, str) and isinstance(body, bytes) and total == _sum(key, body)


def bounded(folder: str, used: str) -> None:
    """Remove folders within ``folder``, those first that were not used for longest, until they take no more than they
    may. The one called ``used`` is in use now.
    """
    with contextlib.suppress(OSError):
        if os.path.isdir(f"{folder}/{used}"):
            os.utime(f"{folder}/{used}")
        sized = sorted((os.stat(path).st_mtime, _bytes(path), path) for path in _folders(folder))
        over = sum(size for _, size, _ in sized) - KEYS_BYTES_MAX
        for _, size, path in sized:
            if over <= 0:
                break
            shutil.rmtree(path, ignore_errors=True)
            over -= size


def _folders(folder: str) -> list[str]:
    return [each.path for each in os.scandir(folder) if each.is_dir()] if os.path.isdir(folder) else []


def _bytes(folder: str) -> int:
    return sum(os.path.getsize(f"{at}/{name}") for at, _, names in os.walk(folder) for name in names)
