"""Parquet files that people keep, as a table: each known by what it is now, so that what was found in it stays true.

A file that is written anew under its old name is another file. It is told by the file system (which file, its size,
when it was changed last; the last of these cannot be set back) and by its own footer, which says what is where in it.
A file that was changed a moment ago might be changed again within the same tick of the file system's clock: with such
files nothing is remembered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from headgate.edge.cast import dtype_of, kind_of
from headgate.edge.check_cache import CheckCache
from headgate.edge.rows import Rows, collected_all, named_lazy
from headgate.edge.source_files import FileSource
from headgate.model.batch import Object
from headgate.model.change import Changes
from headgate.model.contract import AnyType, Column, ColumnType, Dialect
from headgate.model.tree import TableEntry
from headgate.ports import DataFile, Frame

OWN = TableEntry("files", "rows")  # what was delivered
TYPED = "typed"  # the pointer of the same rows as parents of one another; its uuid says as what

_TICK_NS = 100_000_000  # of the clocks of file systems that tell parts of a second
_TICK_WHOLE_NS = 3_000_000_000  # of those that do not
_TAIL = 8  # bytes: the length of the footer, and PAR1
_FORM = 1


@dataclass(frozen=True, slots=True)
class _State:
    """A file as the file system tells it."""

    inode: tuple[int, int]
    size: int
    changed_ns: tuple[int, int]

    def settled(self, now_ns: int) -> bool:
        whole = all(ns % 1_000_000_000 == 0 for ns in self.changed_ns)
        return max(self.changed_ns) < now_ns - (_TICK_WHOLE_NS if whole else _TICK_NS)


def known(objects: Sequence[Object], dialect: Dialect, now_ns: int) -> Mapping[str, Object] | None:
    """The files, each by a name that says what it is now. None if that is not known: of other formats, or just now
    being changed. ``now_ns``: the time since 1970.
    """
    found: dict[str, Object] = {}
    for each in objects:
        state = _state(each.location) if each.format == "parquet" else None
        footer = _footer(each.location) if state is not None and state.settled(now_ns) else None
        if state is None or footer is None:
            return None
        said = (_FORM, os.path.realpath(each.location), state, repr(dialect), footer)
        name = hashlib.sha256(repr(said).encode()).hexdigest()
        found[name] = each
    return found


def identified(objects: Sequence[Object], dialect: Dialect, now_ns: int) -> tuple[str, ...] | None:
    """What files of any format are now, in their order; those that are not Parquet are known by their bytes, too. None
    if that is not known.
    """
    found: list[str] = []
    for each in objects:
        of = known if each.format == "parquet" else _by_bytes
        names = of([each], dialect, now_ns)
        if names is None:
            return None
        found += names
    return tuple(found)


def _by_bytes(objects: Sequence[Object], dialect: Dialect, now_ns: int) -> Sequence[str] | None:
    """As `known`. Bytes alone could come back after others were read in their place."""
    found: list[str] = []
    for each in objects:
        state = _state(each.location)
        try:
            with open(each.location, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        if state is None or not state.settled(now_ns):
            return None
        # A file's name says how it is read, too (.tsv).
        said = (_FORM, digest, state, each.format, os.path.basename(each.location), repr(dialect))
        found.append(hashlib.sha256(repr(said).encode()).hexdigest())
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """A table that references name, given beside what is checked: ``names`` say what its files are now, and
    ``declared`` as what they are read. ``typed``: its rows.
    """

    names: tuple[str, ...]
    declared: tuple[Column, ...]
    typed: Callable[[], Frame]

    @property
    def entry(self) -> TableEntry:
        return TableEntry(
            repr(self.declared), f"given {hashlib.sha256(repr(self.names).encode()).hexdigest()}"
        )


def _state(path: str) -> _State | None:
    try:
        now = os.stat(path)
    except OSError:
        return None
    return _State((now.st_dev, now.st_ino), now.st_size, (now.st_mtime_ns, now.st_ctime_ns))


def _footer(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _TAIL))
            tail = file.read(_TAIL)
            start = end - _TAIL - int.from_bytes(tail[:4], "little")
            if tail[4:] != b"PAR1" or start < 0:
                return None
            file.seek(start)
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """`Tables` of one table, and of those that were given for its references (``given``, by their entries): files that
    all have the same columns, by their names. ``rows_of``: rows by name.

    ``folder``: of the index of keys. ``group``: what these files have in common with those that are checked the next
    time. ``typed``: delivered rows as the parents that they are for one another. ``declared``: the columns of those.
    """

    objects: Mapping[str, Object]
    rows_whole: Rows
    rows_of: Mapping[str, int]
    folder: str
    group: str
    typed: Callable[[Frame], Frame]
    declared: tuple[Column, ...]
    given: Mapping[TableEntry, Given]

    def columns(self, entry: TableEntry) -> tuple[Column, ...]:
        if entry in self.given:
            return self.given[entry].declared
        if entry.pointer == TYPED:
            return self.declared
        [part] = self.rows_whole.parts
        return tuple(
            Column(name, _exactly(dtype)) for name, dtype in zip(part.columns, part.dtypes, strict=True)
        )

    def files(self, entry: TableEntry) -> tuple[DataFile, ...]:
        if entry in self.given:
            return tuple(DataFile(name, 0, 0) for name in self.given[entry].names)
        return tuple(DataFile(name, self.rows_of[name], each.bytes) for name, each in self.objects.items())

    def rows(self, entry: TableEntry) -> int:
        if entry in self.given:
            return 0  # nobody counts them: they are looked in as a whole
        return sum(self.rows_of.values())

    def scan(self, entry: TableEntry, paths: Collection[str] | None = None) -> Frame:
        if entry in self.given:
            one = self.given[entry]
            none = {c.name: dtype_of(c.type) for c in one.declared}
            return one.typed() if paths is None else Frame(pl.LazyFrame(schema=none))
        rows = self._rows(paths)
        return self.typed(Frame(rows)) if entry.pointer == TYPED else Frame(rows)

    def found(self, entry: TableEntry, columns: Sequence[str], keys: Frame) -> Frame | None:
        del entry, columns, keys
        return None

    def unique(self, entry: TableEntry, columns: Sequence[str]) -> bool:
        del entry
        if len(self.objects) == 1:
            return False  # nothing is ever added to it: what is written anew is all new
        from headgate.edge.iceberg.key_index import Key, KeyIndex, Part

        [part] = self.rows_whole.parts
        dtypes = dict(zip(part.columns, part.dtypes, strict=True))
        parts = [
            Part(name, self.rows_of[name], lambda name=name: named_lazy(Frame(self._rows([name]))))  # type: ignore[misc]
            for name in self.objects
        ]
        key = Key(self.group, tuple(columns), tuple(dtypes[name] for name in columns))
        return KeyIndex(self.folder).unique(key, parts)

    def _rows(self, names: Collection[str] | None) -> Rows:
        if names is None:
            return self.rows_whole
        if not names:
            return _none_of(self.rows_whole)
        wanted = set(names)
        objects = tuple(each for name, each in self.objects.items() if name in wanted)
        dialect = self.rows_whole.dialect or Dialect()
        found = FileSource(digests=False).read(objects, dialect).rows
        assert isinstance(found, Rows)
        return found


def _none_of(rows: Rows) -> Rows:
    """The same columns and objects, without any row."""
    parts = tuple(replace(part, lazy=part.lazy.limit(0)) for part in rows.parts)
    # Of no format that an engine could read by itself.
    return Rows(parts, tuple(replace(each, format="nothing") for each in rows.objects), rows.dialect)


def _exactly(dtype: pl.DataType) -> ColumnType:
    """The contract type whose values are just those of a Polars type; else any, which proves nothing."""
    kind = kind_of(dtype)
    small = dtype.is_integer() and not isinstance(dtype, pl.UInt64 | pl.Int128 | pl.UInt128)
    return kind if small or dtype == dtype_of(kind) else AnyType()


def table(
    objects: Mapping[str, Object],
    rows: Rows,
    cache: CheckCache,
    typed: Callable[[Frame], Frame],
    declared: tuple[Column, ...],
    given: Collection[Given] = (),
) -> KnownFiles:
    """Known files (`known`), whose ``rows`` are of one part, as a table; ``given`` are those that it refers to."""
    folders = [os.path.dirname(os.path.realpath(each.location)) for each in objects.values()]
    group = hashlib.sha256(os.path.commonpath(folders).encode()).hexdigest()[:32]
    return KnownFiles(
        objects,
        rows,
        _counted(objects, cache),
        cache.keys,
        group,
        typed,
        declared,
        {one.entry: one for one in given},
    )


def _counted(objects: Mapping[str, Object], cache: CheckCache) -> Mapping[str, int]:
    """How many rows files have, by their names, as their footers say."""
    kept = cache.partials([f"rows {name}" for name in objects])
    rest = {name: each for name, each in objects.items() if f"rows {name}" not in kept}
    asked = [pl.scan_parquet(each.location, glob=False).select(pl.len()) for each in rest.values()]
    found = {name: int(n.item()) for name, n in zip(rest, collected_all(asked), strict=True)} if rest else {}
    if found:
        cache.commit(Changes(partials={f"rows {name}": str(n).encode() for name, n in found.items()}))
    return {name: found[name] if name in found else int(kept[f"rows {name}"]) for name in objects}
