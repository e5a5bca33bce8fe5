"""Sketches of columns: merged, asked, and kept for each data file, like all that is known of it.

Distinct values: HyperLogLog (Flajolet et al. 2007), with linear counting where few registers are set. Quantiles:
buckets whose width grows with the distance from the origin (DDSketch, Masson et al. 2019): they are off by 1 % of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Collection, Mapping
from functools import reduce

from headgate.checks.partials import keep
from headgate.model.sketch import NEAR, REGISTERS, WIDTH, Sketch
from headgate.model.tree import TableEntry
from headgate.ports import Ports

_FORM = 1


def sketched(ports: Ports, entry: TableEntry, columns: Collection[str]) -> Mapping[str, Sketch]:
    """Of some columns of a table. Only files that nothing is known of are read."""
    types = {c.name: repr(c.type) for c in ports.lake.columns(entry) if c.name in columns}
    paths = [f.path for f in ports.lake.files(entry)]
    said = {name: [_FORM, "sketch", name, kind, ports.engine.version()] for name, kind in types.items()}
    whole = {name: _digest([*what, sorted(paths)]) for name, what in said.items()}
    kept = ports.store.partials(whole.values())
    found = {name: read(kept[key]) for name, key in whole.items() if key in kept}
    rest = [name for name in types if name not in found]
    keys = {(name, path): _digest([*said[name], path]) for name in rest for path in paths}
    parts = ports.store.partials(keys.values())
    known = {at: read(parts[key]) for at, key in keys.items() if key in parts}
    new: dict[str, bytes] = {}
    for path in paths:
        missing = [name for name in rest if (name, path) not in known]
        if missing:
            for name, sketch in ports.engine.sketch(ports.lake.scan(entry, [path]), missing).items():
                known[name, path] = sketch
                new[keys[name, path]] = written(sketch)
    for name in rest:
        found[name] = reduce(merged, (known[name, path] for path in paths), Sketch(0, 0))
        new[whole[name]] = written(found[name])
    keep(ports, new)
    return {name: found[name] for name in types}


def merged(one: Sketch, other: Sketch) -> Sketch:
    """Of the rows of both. It is the same in whatever order rows are put together."""
    ends = [s for s in (one, other) if s.least is not None and s.most is not None]
    buckets = dict(one.buckets)
    for at, rows in other.buckets.items():
        buckets[at] = buckets.get(at, 0) + rows
    if one.registers and other.registers:
        registers = bytes(map(max, one.registers, other.registers))
    else:
        registers = one.registers or other.registers
    return Sketch(
        one.rows + other.rows,
        one.nulls + other.nulls,
        one.odd + other.odd,
        min((s.least for s in ends if s.least is not None), default=None),
        max((s.most for s in ends if s.most is not None), default=None),
        buckets,
        registers,
    )


def distinct(sketch: Sketch) -> int | None:
    """About how many different values there are; None if they were not counted."""
    if not sketch.registers:
        return 0 if sketch.rows == sketch.nulls else None
    empty = sketch.registers.count(0)
    alpha = 0.7213 / (1 + 1.079 / REGISTERS)
    about = alpha * REGISTERS**2 / sum(2.0**-rank for rank in sketch.registers)
    if about <= 2.5 * REGISTERS and empty:
        about = REGISTERS * math.log(REGISTERS / empty)
    return min(round(about), sketch.rows - sketch.nulls)


def quantile(sketch: Sketch, share: float, origin: float) -> float | None:
    """The value that ``share`` of the others are not above; ``origin``: that of the buckets."""
    if sketch.least is None or sketch.most is None:
        return None
    wanted, seen = share * sum(sketch.buckets.values()), 0
    for at in sorted(sketch.buckets):
        seen += sketch.buckets[at]
        if seen >= wanted:
            low, high = ends(sketch, at, origin)
            return low + (high - low) / 2
    return sketch.most


def ends(sketch: Sketch, at: int, origin: float) -> tuple[float, float]:
    """Between which values a bucket is, as far as there are any."""
    least, most = sketch.least or 0.0, sketch.most or 0.0
    if at == 0:
        return min(max(origin, least), most), min(max(origin, least), most)
    far = [NEAR * WIDTH ** (abs(at) - 1), NEAR * WIDTH ** abs(at)]
    low, high = sorted(origin + math.copysign(each, at) for each in far)
    return min(max(low, least), most), min(max(high, least), most)


# -- written ------------------------------------------------------------------------------------------------


def written(sketch: Sketch) -> bytes:
    """As a partial."""
    registers = base64.b64encode(zlib.compress(sketch.registers)).decode()
    buckets = sorted(sketch.buckets.items())
    said = [sketch.rows, sketch.nulls, sketch.odd, sketch.least, sketch.most, buckets, registers]
    return json.dumps(said, separators=(",", ":")).encode()


def read(body: bytes) -> Sketch:
    """What `written` wrote."""
    rows, nulls, odd, least, most, buckets, registers = json.loads(body)
    counts = {int(at): int(count) for at, count in buckets}
    return Sketch(rows, nulls, odd, least, most, counts, zlib.decompress(base64.b64decode(registers)))


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
