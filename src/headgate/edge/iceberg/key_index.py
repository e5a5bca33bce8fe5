"""Which data files hold a key: merged sorted runs of keys, beside the warehouse.

A run says of data files, which never change, what is in them. So it is true on every branch, before and after every
revert; whoever looks keys up takes of the answer what is about the files of the tree at hand. Runs are made when
look-ups need them: as soon as some files in which a key can be, by their bounds, are in no run. Runs of one size are
merged, four into one, so that there are few however many loads there were.

The index is a memory and no authority: it only says which files need not be read. What is lost is made anew; a run that
is damaged is removed, and without it more is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
from polars import selectors

from headgate.edge import durable
from headgate.edge.iceberg import key_notes, key_runs
from headgate.edge.iceberg.key_runs import FILE, KEY, Damaged, Run
from headgate.edge.keys import mark
from headgate.edge.memo import Memo
from headgate.edge.rows import collected

T = TypeVar("T")

FILES_FEW = 8  # that are in no run are simply read
ROWS_FEW = 50_000
FAN_OUT = 4  # runs of one size that become one
_SHARE_FEW = 64  # one in so many rows is read once more, rather than sorted and written for one look-up
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A data file, as the index sees it. ``scan``: its key columns."""

    path: str
    rows: int
    scan: Callable[[], pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Key:
    """A table's key: ``table`` is the table's uuid, ``columns`` and their types make the key."""

    table: str
    columns: tuple[str, ...]
    dtypes: tuple[pl.DataType, ...]

    @property
    def marks(self) -> pl.Expr | None:
        """One int64 that is the same for equal keys, of columns k0, k1 ...; None where there is none (floats)."""
        found = mark([f"k{i}" for i in range(len(self.columns))], self.dtypes)
        if found is None:
            return None
        return found.cast(pl.Int64) if self.exact else found.reinterpret(signed=True)

    @property
    def cells(self) -> list[pl.Expr]:
        """The key's columns as k0, k1 ...: a column may be called ``^a$``, which `pl.col` takes for a pattern."""
        return [selectors.by_name(name).alias(f"k{i}") for i, name in enumerate(self.columns)]

    @property
    def exact(self) -> bool:
        """True if different keys have different integers."""
        return len(self.columns) == 1 and self.dtypes[0].is_integer()


@dataclass(frozen=True, slots=True)
class _Held:
    """A run, and those of its files that are asked for here."""

    run: Run
    files: frozenset[str]

    def look_up(self, wanted: pl.Series) -> pl.DataFrame:
        return self._own(key_runs.look_up(self.run, wanted))

    def entries(self) -> pl.DataFrame:
        """`KEY`, sorted, and `FILE` as a position among the sorted ``files``."""
        order = {path: number for number, path in enumerate(sorted(self.files))}
        numbers = pl.Series([order.get(path) for path in self.run.files], dtype=pl.UInt32)
        found = self._own(key_runs.entries(self.run))
        return found.with_columns(numbers.gather(found.get_column(FILE)).alias(FILE))

    def _own(self, frame: pl.DataFrame) -> pl.DataFrame:
        if len(self.files) == len(self.run.files):
            return frame
        own = [number for number, path in enumerate(self.run.files) if path in self.files]
        return frame.filter(pl.col(FILE).is_in(own))


class KeyIndex:
    """The runs of all keys of all tables under one folder. Threads and processes may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._open: Memo[str, Run] = Memo(256)

    def near(self, key: Key, parts: Sequence[Part], keys: pl.LazyFrame) -> tuple[str, ...]:
        """Those of ``parts`` in which one of ``keys`` (columns as the key's) may be. All of them, if they are few."""
        marks = key.marks
        if marks is None or _few(parts):
            return tuple(part.path for part in parts)
        wanted = _marks(keys.select(key.cells).drop_nulls().select(marks.alias(KEY)))

        def look() -> tuple[str, ...]:
            held, rest = self._covering(key, parts)
            hits = {part.path for part in rest}
            for each in held:
                found = each.look_up(wanted).get_column(FILE).unique()
                hits.update(each.run.files[number] for number in found)
            return tuple(part.path for part in parts if part.path in hits)

        return self._tried(look, tuple(part.path for part in parts))

    def found(self, key: Key, parts: Sequence[Part], keys: pl.LazyFrame) -> pl.DataFrame | None:
        """Those of ``keys`` that are in some of ``parts``, each once; None if that is only known by reading them."""
        if not key.exact or _few(parts):
            return None
        [name] = key.columns
        wanted = _marks(keys.select(selectors.by_name(name).cast(pl.Int64).alias(KEY)))

        def look() -> pl.DataFrame:
            held, rest = self._covering(key, parts)
            hits = [each.look_up(wanted).get_column(KEY) for each in held]
            if rest:
                read = _gathered(key, rest).get_column(KEY)
                hits.append(read.filter(read.is_in(wanted.implode())))
            there = pl.concat([pl.Series(KEY, dtype=pl.Int64), *hits]).sort()
            return key_runs.each_once(there).cast(key.dtypes[0]).to_frame(name)

        return self._tried(look, None)

    def unique(self, key: Key, parts: Sequence[Part]) -> bool:
        """True if no key occurs twice in ``parts``. False: some may; that is to be looked at.

        Costs the keys of the files that came since this was found last. If that is not known, or much came since,
        all becomes one run.
        """
        if key.marks is None or _few(parts):
            return False
        place, rows = self._place(key), {part.path: part.rows for part in parts}

        def look() -> bool:
            if key_notes.held(place, rows):
                return True
            sure = key_notes.largest(place, rows)
            held, rest = self._covering(key, parts, sum(rows.values()) // _SHARE_FEW)
            known = [sure, *(each.files for each in held if not each.run.doubled)]
            sure = max(known, key=lambda files: sum(rows[path] for path in files))
            new = sum(rows.values()) - sum(rows[path] for path in sure)
            if 4 * new <= sum(rows.values()):
                apart = self._apart(key, held, rest, sure)
            else:
                apart = bool(held) and self._one(key, held, rest).doubled == 0
            if apart:
                key_notes.write(place, rows)
            return apart

        return self._tried(look, otherwise=False)

    def note_unique(self, key: Key, was: Collection[str], now: Collection[str]) -> None:
        """Told that no key occurs twice in the files ``now`` if none does in ``was``: noted, if that is known."""
        place = self._place(key)
        if key_notes.held(place, was):
            with contextlib.suppress(OSError):
                key_notes.write(place, now)

    def _apart(self, key: Key, held: Sequence[_Held], rest: Sequence[Part], sure: frozenset[str]) -> bool:
        """True if no key of the files that are not in ``sure``, which hold none twice, occurs again anywhere."""
        new = [_Held(each.run, each.files - sure) for each in held if each.files - sure]
        found = [each.entries().get_column(KEY) for each in new]
        unread = [part for part in rest if part.path not in sure]
        found += [_gathered(key, unread).get_column(KEY)] if unread else []
        marks = pl.concat([pl.Series(KEY, dtype=pl.Int64), *found]).sort()
        if len(key_runs.each_once(marks)) < len(marks):
            return False
        unheld = [part for part in rest if part.path in sure]
        if unheld and _gathered(key, unheld).get_column(KEY).is_in(marks.implode()).any():
            return False
        old = [_Held(each.run, each.files & sure) for each in held if each.files & sure]
        return not any(each.look_up(marks).height for each in old)

    # -- runs -----------------------------------------------------------------------------------------------

    def _tried(self, look: Callable[[], T], otherwise: T) -> T:
        """What ``look`` finds; again without runs that turned out damaged or were merged away meanwhile."""
        for _ in range(_TRIES):
            try:
                return look()
            except Damaged as error:
                self._open.drop(str(error))
                durable.remove((str(error),))
            except OSError:  # a full disk, a folder that cannot be written to: then there is no index
                break
        return otherwise

    def _covering(self, key: Key, parts: Sequence[Part], rows_few: int = 0) -> tuple[list[_Held], list[Part]]:
        """Runs that hold some of ``parts``, the greatest first; and those that are in none, which are few."""
        held, rest = self._split(key, parts)
        if not _few(rest, rows_few):
            durable.make_folder(self._place(key))
            self._written(key, rest)
            self._merge(key)
            held, rest = self._split(key, parts)
        return held, rest

    def _split(self, key: Key, parts: Sequence[Part]) -> tuple[list[_Held], list[Part]]:
        wanted = {part.path for part in parts}
        held: list[_Held] = []
        for run in self._runs(key):
            if own := wanted.intersection(run.files):
                held.append(_Held(run, frozenset(own)))
                wanted -= own
        return held, [part for part in parts if part.path in wanted]

    def _runs(self, key: Key) -> list[Run]:
        """All that can be opened, the greatest first. One that is damaged is removed."""
        folder = self._place(key)
        found: list[Run] = []
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(folder):
                path = f"{folder}/{name}"
                if not name.endswith(".run"):
                    continue
                try:
                    found.append(self._open.get(path, lambda path=path: key_runs.opened(path)))  # type: ignore[misc]
                except Damaged:
                    durable.remove((path,))
        return sorted(found, key=lambda run: (-run.rows, run.path))

    def _written(self, key: Key, parts: Sequence[Part]) -> None:
        frame = _sorted(key, parts)
        paths = [part.path for part in parts]
        key_runs.write(self._new(key), paths, [frame], frame.height)

    def _merge(self, key: Key) -> None:
        """As long as there are `FAN_OUT` runs of one size, they become one."""
        while True:
            sizes: dict[int, list[Run]] = {}
            for run in self._runs(key):
                sizes.setdefault(int(math.log(max(run.rows, 1), FAN_OUT)), []).append(run)
            full = next((runs for runs in sizes.values() if len(runs) >= FAN_OUT), None)
            if full is None:
                return
            self._replaced(key, full)

    def _one(self, key: Key, held: Sequence[_Held], rest: Sequence[Part]) -> Run:
        """A run of these files and no others; runs that know nothing else give way to it."""
        durable.make_folder(self._place(key))
        path = self._new(key)
        sources = [key_runs.Source(sorted(each.files), each.entries()) for each in held]
        if rest:
            sources.append(key_runs.Source([part.path for part in rest], _sorted(key, rest)))
        key_runs.merged(path, sources)
        there = {file for source in sources for file in source.files}
        self._give_way([each.run for each in held if there.issuperset(each.run.files)])
        return self._open.get(path, lambda: key_runs.opened(path))

    def _replaced(self, key: Key, runs: Sequence[Run]) -> None:
        """Several runs by one of the same keys. Files that two processes put into runs at once are taken once."""
        sources: list[key_runs.Source] = []
        taken: set[str] = set()
        for run in runs:
            own = _Held(run, frozenset(run.files) - taken)
            taken.update(run.files)
            if own.files:
                sources.append(key_runs.Source(sorted(own.files), own.entries()))
        key_runs.merged(self._new(key), sources)
        self._give_way(runs)

    def _give_way(self, runs: Iterable[Run]) -> None:
        for run in runs:
            self._open.drop(run.path)
            durable.remove((run.path,))

    def _new(self, key: Key) -> str:
        return f"{self._place(key)}/{uuid.uuid4().hex}.run"

    def _place(self, key: Key) -> str:
        """Hashes are the same within one version of Polars, on one kind of machine."""
        hashed = [] if key.exact else [pl.__version__, platform.machine()]
        said = json.dumps([key.columns, [str(dtype) for dtype in key.dtypes], hashed])
        return f"{self._folder}/{key.table}/{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _few(parts: Collection[Part], rows_few: int = 0) -> bool:
    return len(parts) < FILES_FEW and sum(part.rows for part in parts) < max(ROWS_FEW, rows_few)


def _gathered(key: Key, parts: Sequence[Part]) -> pl.DataFrame:
    """`KEY` and `FILE` (a position among ``parts``) of every row without a null in its key."""
    marks = key.marks
    assert marks is not None
    queries = [
        part.scan()
        .select(key.cells)
        .drop_nulls()
        .select(marks.alias(KEY), pl.lit(number, pl.UInt32).alias(FILE))
        for number, part in enumerate(parts)
    ]
    return collected(pl.concat(queries))


def _sorted(key: Key, parts: Sequence[Part]) -> pl.DataFrame:
    found = _gathered(key, parts)
    if len(parts) > 1:
        return found.sort(KEY)
    return found.with_columns(
        found.get_column(KEY).sort()
    )  # its file is the same all along, and half the work


def _marks(frame: pl.LazyFrame | pl.DataFrame) -> pl.Series:
    """Each mark once, sorted."""
    return key_runs.each_once(collected(frame.lazy().drop_nulls()).to_series().sort())
