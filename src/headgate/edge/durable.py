"""What makes a file survive a power cut: the file and every folder that names it are synced.

Python, Polars and PyIceberg write and close; none of them syncs. A pointer in the catalog to a file that
vanished is worse than no pointer, so whoever hands out a path calls `sync` first. Callers use the module's
name (``durable.sync(...)``): the test double `headgate.testing.unsynced` takes its place there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import uuid
from collections.abc import Iterable, Iterator

from headgate.model.errors import HeadgateError, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_SYNCS_AT_ONCE = 8
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def sync(paths: Iterable[str]) -> None:
    """Force files and folders to disk, in no particular order. Raises OSError.

    At once, since a journalling file system then writes its journal once for all of them: on a busy disk three
    files and a folder take 3 ms, one after the other 12.
    """
    todo = tuple(paths)
    errors: list[OSError] = []
    shares = [todo[first::_SYNCS_AT_ONCE] for first in range(min(_SYNCS_AT_ONCE, len(todo)))]
    # Threads for this call alone: a pool that lives on would not survive a fork, and costs more to set up.
    threads = [threading.Thread(target=_sync_each, args=(share, errors)) for share in shares[1:]]
    for thread in threads:
        thread.start()
    _sync_each(todo[::_SYNCS_AT_ONCE], errors)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _sync_each(paths: Iterable[str], errors: list[OSError]) -> None:
    try:
        for path in paths:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as error:
        errors.append(error)


def with_folders(files: Iterable[str]) -> tuple[str, ...]:
    """The files, then each of their folders once: what there is to sync after writing them."""
    given = tuple(files)
    return (*given, *sorted({os.path.dirname(path) for path in given}))


def make_folder(path: str) -> None:
    """Create a folder and the missing ones above it, durably."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
    if missing:
        sync((*missing, path))


def write_new(path: str, content: bytes) -> None:
    """A file that must not exist yet. Not synced: the caller syncs many files at once."""
    with open(path, "xb") as stream:
        stream.write(content)


def replace(path: str, content: bytes) -> None:
    """Write a whole file, durably; readers see the old content or the new, never a part."""
    draft = aside(path)
    try:
        write_new(draft, content)
        put(draft, path)
    except BaseException:
        remove((draft,))
        raise


def aside(path: str) -> str:
    """A name for a draft of ``path``, in the same folder."""
    return f"{path}.{uuid.uuid4().hex[:12]}.draft"


def put(draft: str, path: str) -> None:
    """Sync a finished draft and give it its name, durably."""
    sync((draft,))
    os.replace(draft, path)
    sync((os.path.dirname(path),))


def remove(paths: Iterable[str]) -> None:
    """Delete files, as far as they are there. Not synced: a file nobody points at may come back."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)


@contextlib.contextmanager
def surroundings(place: str) -> Iterator[None]:
    """Turn what the operating system refuses into `Unavailable`.

    Polars reports a full disk as a ComputeError; only the text holds the number, so the text is read.
    """
    try:
        yield
    except HeadgateError:
        raise
    except OSError as error:
        raise unavailable(error.errno or _number_in(error), str(error), place) from error
    except Exception as error:
        number = _number_in(error)
        if number is None:
            raise
        raise unavailable(number, str(error), place) from error


def unavailable(number: int | None, text: str, place: str) -> Unavailable:
    """The error for an errno."""
    if number in _FULL:
        return Unavailable("the disk is full", hint="free some space and run it again", place=place)
    if number in _REFUSED:
        return Unavailable(
            "this folder cannot be written to", hint="check its owner, its rights and its mount", place=place
        )
    if number in {errno.EMFILE, errno.ENFILE}:
        return Unavailable("too many open files", hint="raise the limit (ulimit -n)", place=place)
    return Unavailable(
        f"the file system says: {text}", hint="see to the file system, then run it again", place=place
    )


def _number_in(error: Exception) -> int | None:
    found = _OS_ERROR.search(str(error))
    return int(found.group(1)) if found else None
