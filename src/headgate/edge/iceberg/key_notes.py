"""Notes beside the runs of a key: data files that together hold no key twice.

Data files never change, so a note stays true. With it, whether more files do costs the keys of those alone. Notes are
not synced: one that was cut off by a power failure is held by its sum, like one that was damaged, and is no note.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Iterator

from headgate.edge import durable

_SUFFIX = ".unique"
_KEPT = 32  # of a key: each load leaves one, and branches have their own


def largest(folder: str, within: Collection[str]) -> frozenset[str]:
    """The most files that are known to hold no key twice, all of them among ``within``."""
    wanted = frozenset(within)
    found = (files for path in _notes(folder) if (files := _read(path)) is not None)
    return max((files for files in found if files <= wanted), key=len, default=frozenset())


def held(folder: str, files: Collection[str]) -> bool:
    """True if just these ``files`` are known to hold no key twice."""
    there = any(True for _ in _notes(folder))  # which is known sooner than what many files are called
    return there and _read(f"{folder}/{_name(_body(files))}") == frozenset(files)


def write(folder: str, files: Collection[str]) -> None:
    """Note that ``files`` hold no key twice; the oldest notes make room. Raises OSError."""
    body = _body(files)
    path = f"{folder}/{_name(body)}"
    draft = durable.aside(path)
    try:
        durable.write_new(draft, f"{_digest(body)}\n{body}".encode())
        os.replace(draft, path)
    except BaseException:
        durable.remove((draft,))
        raise
    aged = sorted(_notes(folder), key=_age)
    durable.remove(aged[:-_KEPT])


def _notes(folder: str) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from (f"{folder}/{name}" for name in os.listdir(folder) if name.endswith(_SUFFIX))


def _age(path: str) -> int:
    """When it was written; 0 if another process has removed it."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _read(path: str) -> frozenset[str] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            digest, _, body = stream.read().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if _digest(body) != digest:
        return None
    return frozenset(json.loads(body))


def _body(files: Collection[str]) -> str:
    return json.dumps(sorted(files))


def _name(body: str) -> str:
    return f"{_digest(body)[:16]}{_SUFFIX}"


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
