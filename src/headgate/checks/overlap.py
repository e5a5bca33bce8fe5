"""Which files can hold a key: by their bounds, never by reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headgate.model.rule import Scalar
from headgate.ports import DataFile

Ranges = Mapping[str, tuple[Scalar, Scalar] | None]


def overlapping(files: Iterable[DataFile], ranges: Ranges, columns: Sequence[str]) -> list[str]:
    """Paths of files in which all ``columns`` can have a value within ``ranges`` (None: no value, so no file).

    A file without bounds for a column is kept, as is a column without a range: it may hold anything.
    """
    wanted = [(c, ranges[c]) for c in columns if c in ranges]
    if any(span is None for _, span in wanted):
        return []
    kept = files
    for column, span in wanted:
        kept = [f for f in kept if _meets(f.bounds.get(column), span)]
    return [f.path for f in kept]


def _meets(bounds: tuple[Scalar, Scalar] | None, span: tuple[Scalar, Scalar] | None) -> bool:
    if bounds is None or span is None:
        return True
    try:
        return bool(bounds[0] <= span[1] and span[0] <= bounds[1])  # type: ignore[operator]
    except TypeError:  # of other types since a promotion: cannot be excluded
        return True


def ranges_of(files: Sequence[DataFile], columns: Sequence[str]) -> Ranges:
    """The span of each column over files. A file without bounds leaves the column out: unknown."""
    spans: dict[str, tuple[Scalar, Scalar] | None] = {}
    for column in columns:
        bounds = [f.bounds.get(column) for f in files]
        known = [b for b in bounds if b is not None]
        if len(known) == len(bounds) and known:
            spans[column] = (min(b[0] for b in known), max(b[1] for b in known))
    return spans
