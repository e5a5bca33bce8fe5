"""One sorted run of keys: an immutable file that says which data files hold which keys.

A key is an integer: the value of an integer column, or a 64-bit hash of whatever else the key is made of. Beside each
stands the number of the data file that it was found in. Keys are sorted and cut into blocks; the first key of each
block, and a sum over the block, stand before them. So a look-up reads the blocks that can hold one of its keys and no
others, and what it reads it verifies: a damaged run is told as `Damaged`, and never as an answer.

Layout: magic, length and SHA-256 of the header; the header (JSON); for each block its first key, the sum of its keys
and of its file numbers; the keys (int64); the file numbers (uint32). Each part begins at a multiple of 64 bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa

from headgate.edge import durable

BLOCK = 512  # keys: 4 kB, a page
_MAGIC = b"headgate keys 1\n"
_HEAD = struct.Struct("<16sQ32s")
_ALIGNED = 64
_NO_FILE = 2**32 - 1  # of the keys that fill the last block
_KEYS_AT_ONCE = 4_000_000  # in memory while runs are merged
_WANTED_MANY = 100_000  # keys that are looked up at once
_SHARES = 8

KEY, FILE = "key", "file"


class Damaged(Exception):
    """The file is not what was written. Whoever reads runs does without this one."""


@dataclass(frozen=True, slots=True)
class Run:
    """An open run. ``files``: the data files whose keys it holds, all of them. ``doubled``: keys that occur again.

    ``sound``: not empty once all of it was verified, which is done once for as long as it is open.
    """

    path: str
    files: tuple[str, ...]
    rows: int
    doubled: int
    span: tuple[int, int]
    firsts: pl.Series
    sums: pl.Series
    file_sums: pl.Series
    keys: pl.Series
    numbers: pl.Series
    sound: list[bool] = field(default_factory=list, compare=False)


# -- writing ------------------------------------------------------------------------------------------------


def write(path: str, files: Sequence[str], parts: Iterable[pl.DataFrame], rows: int) -> None:
    """A new run, durable. ``parts``: `KEY` and `FILE` (a position among ``files``), sorted by key over all parts.

    Raises OSError, and ValueError if the parts do not hold ``rows`` keys.
    """
    blocks = -(-rows // BLOCK)
    draft = durable.aside(path)
    try:
        with open(draft, "xb") as out:
            _write(out, files, parts, rows, blocks)
        durable.put(draft, path)
    except BaseException:
        durable.remove((draft,))
        raise


def _write(
    out: BinaryIO, files: Sequence[str], parts: Iterable[pl.DataFrame], rows: int, blocks: int
) -> None:
    said: dict[str, Any] = {
        "files": list(files),
        "rows": rows,
        "doubled": 0,
        "span": [0, 0],
        "sums": "0" * 64,
    }
    room = _aligned(_HEAD.size + len(json.dumps(said)) + 128)  # numbers may take more digits than now
    fences_at = room
    keys_at = fences_at + 3 * _aligned(8 * blocks)
    numbers_at = keys_at + 8 * BLOCK * blocks
    fences: list[pl.DataFrame] = []
    written, last, least = 0, None, None
    for part in _filled(parts):
        part = part.select(pl.col(KEY).cast(pl.Int64), pl.col(FILE).cast(pl.UInt32))  # noqa: PLW2901
        own = part.filter(pl.col(FILE) != _NO_FILE).get_column(KEY)
        said["doubled"] += int((own.slice(1) == own.slice(0, max(len(own) - 1, 0))).sum() or 0)
        if len(own):
            said["doubled"] += int(last is not None and last == own[0])
            least, last = own[0] if least is None else least, own[-1]
        out.seek(keys_at + 8 * written)
        out.write(_raw(part.get_column(KEY)))
        out.seek(numbers_at + 4 * written)
        out.write(_raw(part.get_column(FILE)))
        fences.append(_fences(part.get_column(KEY), part.get_column(FILE)))
        written += part.height
    if written != blocks * BLOCK:
        raise ValueError(f"a run of {rows} keys came to {written} with its last block filled")
    fence = pl.concat(fences) if fences else pl.DataFrame(schema=dict.fromkeys(("a", "b", "c"), pl.Int64))
    packed = b"".join(bytes(_raw(fence.get_column(c))).ljust(_aligned(8 * blocks), b"\0") for c in "abc")
    said["span"] = [least or 0, last or 0]
    said["sums"] = hashlib.sha256(packed).hexdigest()
    header = json.dumps(said).encode().ljust(room - _HEAD.size)
    out.seek(0)
    out.write(_HEAD.pack(_MAGIC, len(header), hashlib.sha256(header).digest()))
    out.write(header)
    out.write(packed)


def _filled(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in whole blocks; the last one filled up with its last key, which is in no file."""
    rest: pl.DataFrame | None = None
    for part in parts:
        rows = part if rest is None else pl.concat([rest, part])
        whole = rows.height // BLOCK * BLOCK
        if whole:
            yield rows.head(whole)
        rest = rows.slice(whole)
    if rest is not None and rest.height:
        last = rest.tail(1).with_columns(pl.lit(_NO_FILE, pl.UInt32).alias(FILE))
        yield pl.concat([rest, *[last] * (BLOCK - rest.height)])


def _fences(keys: pl.Series, numbers: pl.Series) -> pl.DataFrame:
    """Of each block the first key, and the sums: of integers that wrap around, so that any one bit changes them."""
    return pl.DataFrame(
        {
            "a": keys.gather_every(BLOCK),
            "b": _block_sums(keys),
            "c": _block_sums(numbers.cast(pl.Int64)),
        }
    )


def _block_sums(values: pl.Series) -> pl.Series:
    if not len(values):
        return pl.Series(dtype=pl.Int64)
    return values.reshape((len(values) // BLOCK, BLOCK)).arr.sum()


def _raw(values: pl.Series) -> memoryview:
    array = values.rechunk().to_arrow()
    size = array.type.bit_width // 8
    whole = memoryview(array.buffers()[1]) if len(array) else memoryview(b"")
    return whole.cast("B")[array.offset * size : (array.offset + len(array)) * size]


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


# -- reading ------------------------------------------------------------------------------------------------


def opened(path: str) -> Run:
    """A run, mapped into memory; its head is verified, its keys are as they are read. Raises Damaged."""
    try:
        with pa.memory_map(path) as stream:
            data = stream.read_buffer()
        magic, size, digest = _HEAD.unpack(data.slice(0, _HEAD.size).to_pybytes())
        header = data.slice(_HEAD.size, size).to_pybytes()
        if magic != _MAGIC or hashlib.sha256(header).digest() != digest:
            raise Damaged(path)
        said = json.loads(header)
        rows, blocks = said["rows"], -(-said["rows"] // BLOCK)
        fences_at = _HEAD.size + size
        each = _aligned(8 * blocks)
        keys_at = fences_at + 3 * each
        if data.size != keys_at + 12 * BLOCK * blocks:
            raise Damaged(path)
        if hashlib.sha256(data.slice(fences_at, 3 * each)).hexdigest() != said["sums"]:
            raise Damaged(path)
        firsts, sums, file_sums = (_mapped(data, fences_at + i * each, blocks, pa.int64()) for i in range(3))
        keys = _mapped(data, keys_at, BLOCK * blocks, pa.int64())
        numbers = _mapped(data, keys_at + 8 * BLOCK * blocks, BLOCK * blocks, pa.uint32())
    except (OSError, ValueError, KeyError, struct.error, pa.ArrowException) as error:
        raise Damaged(path) from error
    low, high = said["span"]
    return Run(
        path, tuple(said["files"]), rows, said["doubled"], (low, high), firsts, sums, file_sums, keys, numbers
    )


def _mapped(data: Any, at: int, length: int, kind: Any) -> pl.Series:
    size = kind.bit_width // 8
    array = pa.Array.from_buffers(kind, length, [None, data.slice(at, length * size)])
    found = pl.from_arrow(array)
    assert isinstance(found, pl.Series)
    return found


def look_up(run: Run, wanted: pl.Series) -> pl.DataFrame:
    """`KEY` and `FILE` of all entries with one of ``wanted`` (sorted, each once). Raises Damaged.

    Reads the blocks that can hold one; with very many keys those are all.
    """
    low, high = run.span
    wanted = wanted.filter((wanted >= low) & (wanted <= high))
    empty = pl.DataFrame(schema={KEY: pl.Int64, FILE: pl.UInt32})
    if not len(wanted) or not run.rows:
        return empty
    touched = _blocks(run, wanted)
    keys, numbers = run.keys, run.numbers
    if 2 * len(touched) < len(run.firsts):
        places = touched.to_frame("b").select(
            pl.int_ranges(pl.col("b") * BLOCK, (pl.col("b") + 1) * BLOCK).explode()
        )
        keys, numbers = keys.gather(places.to_series()), numbers.gather(places.to_series())
        _verify(run, touched, keys, numbers)
    else:
        _verify_all(run)
    begin = _places(keys, wanted)
    there = keys.gather(begin.clip(upper_bound=len(keys) - 1)) == wanted
    begin, hits = begin.filter(there), wanted.filter(there)
    if not len(hits):
        return empty
    if not run.doubled:  # what fills the last block stands behind the key itself
        return pl.DataFrame({KEY: hits, FILE: numbers.gather(begin)})
    end = keys.search_sorted(hits, side="right").cast(pl.Int64)
    at = pl.DataFrame({"b": begin, "e": end}).select(pl.int_ranges("b", "e").explode()).to_series()
    return pl.DataFrame({KEY: keys.gather(at), FILE: numbers.gather(at)}).filter(pl.col(FILE) != _NO_FILE)


def _places(keys: pl.Series, wanted: pl.Series) -> pl.Series:
    """Where each of ``wanted`` is or would be among ``keys``; many of them among very many by several threads."""
    if len(wanted) < _WANTED_MANY or len(keys) < _WANTED_MANY * _SHARES:
        return keys.search_sorted(wanted, side="left").cast(pl.Int64)
    share = -(-len(wanted) // _SHARES)
    cuts = [*keys.search_sorted(wanted.gather_every(share), side="left").to_list(), len(keys)]
    asked = [
        pl.LazyFrame(wanted.slice(i * share, share).alias(KEY).to_frame()).select(
            pl.lit(keys.slice(low, high - low + 1)).search_sorted(pl.col(KEY), side="left").cast(pl.Int64)
            + low
        )
        for i, (low, high) in enumerate(pairwise(cuts))
    ]
    return pl.concat(pl.collect_all(asked)).to_series()


def _blocks(run: Run, wanted: pl.Series) -> pl.Series:
    """The numbers of blocks that can hold one of ``wanted``, which are all within the span; sorted, each once."""
    firsts = run.firsts
    if len(wanted) < len(firsts):
        last = firsts.search_sorted(wanted, side="right").cast(pl.Int64) - 1
        begins = firsts.gather(last) == wanted
        touched, ahead = each_once(last), wanted.filter(begins)
    else:  # the other way round it is fewer steps
        at = wanted.search_sorted(firsts, side="left")
        wants = at.shift(-1, fill_value=len(wanted)) != at
        begins = wanted.gather(at.clip(upper_bound=len(wanted) - 1)) == firsts
        touched, ahead = wants.arg_true().cast(pl.Int64), each_once(firsts.filter(begins))
    if not len(ahead):
        return touched
    # A key that a block begins with may fill the end of those before it.
    first = (firsts.search_sorted(ahead, side="left").cast(pl.Int64) - 1).clip(lower_bound=0)
    to = firsts.search_sorted(ahead, side="right").cast(pl.Int64)
    more = pl.DataFrame({"f": first, "t": to}).select(pl.int_ranges("f", "t").explode()).to_series()
    return each_once(pl.concat([touched, more]).sort())


def each_once(values: pl.Series) -> pl.Series:
    """The values of a sorted series without nulls, each once."""
    return values.filter((values != values.shift()).fill_null(value=True))


def _verify(run: Run, blocks: pl.Series, keys: pl.Series, numbers: pl.Series) -> None:
    firsts, sums, file_sums = (s.gather(blocks) for s in (run.firsts, run.sums, run.file_sums))
    right = (
        keys.gather_every(BLOCK).equals(firsts)
        and _block_sums(keys).equals(sums)
        and _block_sums(numbers.cast(pl.Int64)).equals(file_sums)
        and keys.is_sorted()
    )
    if not right:
        raise Damaged(run.path)


def _verify_all(run: Run) -> None:
    if not run.sound:
        _verify(run, pl.int_range(0, len(run.firsts), eager=True), run.keys, run.numbers)
        run.sound.append(True)


def entries(run: Run) -> pl.DataFrame:
    """All of a run: `KEY`, sorted, and `FILE`. Raises Damaged."""
    _verify_all(run)
    return pl.DataFrame({KEY: run.keys.head(run.rows), FILE: run.numbers.head(run.rows)})


# -- merging ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Entries sorted by key, and the data files that their numbers mean."""

    files: Sequence[str]
    entries: pl.DataFrame


def merged(path: str, sources: Sequence[Source]) -> None:
    """One run of several sources, of which no data file is in two. Durable. Raises OSError."""
    files = [file for source in sources for file in source.files]
    write(path, files, _merged(sources), sum(source.entries.height for source in sources))


def _merged(sources: Sequence[Source]) -> Iterator[pl.DataFrame]:
    """Parts of neighbouring keys, small enough to be sorted in memory, in order."""
    keys = [source.entries.get_column(KEY) for source in sources]
    biggest = max(keys, key=len)
    step = max(1, len(biggest) * _KEYS_AT_ONCE // max(1, sum(map(len, keys))))
    bounds = biggest.gather_every(step).slice(1).unique().sort()
    cuts = [[0, *each.search_sorted(bounds, side="left").to_list(), len(each)] for each in keys]
    offsets = accumulate((len(source.files) for source in sources), initial=0)
    renumbered = [
        source.entries.lazy().with_columns((pl.col(FILE) + offset).cast(pl.UInt32))
        for source, offset in zip(sources, offsets, strict=False)
    ]
    for share in range(len(bounds) + 1):
        pieces = [
            frame.slice(cut[share], cut[share + 1] - cut[share])
            for frame, cut in zip(renumbered, cuts, strict=True)
        ]
        yield pl.concat(pieces).sort(KEY).collect()
