"""Plots as inline SVG. Shapes stretch with the page; their labels are text of the page, so that they stay readable
on a phone, and each plot has its figures as a table beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headgate.cli.report_words import percent
from headgate.model.profile import Bar, Distribution, Slice

Text = Callable[[str], str]  # escapes
LEAST = 16  # of 1,000: two pixels of the shortest bar on a phone


def split_bar(good: float, bad: float, label: str) -> str:
    """One bar: the good share, then the bad one. A bad share is never too small to be seen."""
    whole = good + bad or 1
    red = 1000 * bad / whole
    red = max(red, LEAST) if bad else 0
    return _svg(1000, 10, label, _rect("g", 0, 0, 1000 - red, 10) + _rect("b", 1000 - red, 0, red, 10))


def share_bar(part: float, whole: float, kind: str, label: str) -> str:
    """One bar on a track: a share."""
    wide = 1000 * part / whole if whole else 0
    wide = max(wide, LEAST) if part else 0
    return _svg(1000, 10, label, _rect("t", 0, 0, 1000, 10) + _rect(kind, 0, 0, wide, 10))


def positions(slices: Sequence[Slice], label: str) -> str:
    """Failing share of each stretch of rows, in their order."""
    most = max((s.bad / s.rows for s in slices if s.rows), default=0) or 1
    wide = 1000 / max(len(slices), 1)
    shapes = [_rect("t", 0, 0, 1000, 100)]
    for at, each in enumerate(slices):
        if each.bad:
            high = max(100 * each.bad / each.rows / most, 3)
            shapes.append(_rect("b", at * wide, 100 - high, wide, high))
    return _svg(1000, 100, label, "".join(shapes))


def columns(counts: Sequence[int], kind: str, label: str) -> str:
    """A histogram: one column for each count."""
    most, wide = max(counts, default=0) or 1, 1000 / max(len(counts), 1)
    shapes = []
    for at, count in enumerate(counts):
        if count:
            high = max(100 * count / most, 3)
            shapes.append(_rect(kind, at * wide + wide * 0.06, 100 - high, wide * 0.88, high))
    line = "<line class=l x1=0 y1=100 x2=1000 y2=100 />"
    return _svg(1000, 100, label, "".join(shapes) + line)


def distribution(found: Distribution, text: Text) -> str:
    """Good rows over failing ones, on the same axis, each on its own scale: the failing ones are mostly few."""
    good, bad = sum(b.good for b in found.bars), sum(b.bad for b in found.bars)
    name = text(found.column)
    if found.shape == "values":
        return _values(found, good, bad, text) + _figures(found, text)
    first, last = text(_start(found.bars[0])), text(_end(found.bars[-1]))
    middle = text(_start(found.bars[len(found.bars) // 2]))
    axis = (first, middle, last) if len(found.bars) > 3 else tuple(text(b.label) for b in found.bars)
    parts = []
    for kind, word, total, counts in (
        ("g", "good", good, [b.good for b in found.bars]),
        ("b", "failing", bad, [b.bad for b in found.bars]),
    ):
        if total:
            parts.append(
                f"<p>{total:,} {word} rows</p>" + columns(counts, kind, f"{name} in {word} rows, by value")
            )
        else:
            parts.append(f"<p>no {word} rows with a value here</p>")
    ends = "".join(f"<span>{each}</span>" for each in axis)
    return f"<div class=hist>{''.join(parts)}</div><div class=axis>{ends}</div>{_figures(found, text)}"


def _values(found: Distribution, good: int, bad: int, text: Text) -> str:
    rows = []
    for bar in found.bars:
        both = share_bar(bar.good, good, "g", f"{bar.good:,} good rows")
        both += share_bar(bar.bad, bad, "b", f"{bar.bad:,} failing rows")
        label = f"<bdi class=value>{text(bar.label)}</bdi>" if bar.label else "<em class=soft>empty text</em>"
        rows.append(
            f"<li><span>{label}</span><span class=two>{both}</span><b>{bar.good:,} | {bar.bad:,}</b></li>"
        )
    return f"<ul class=bars>{''.join(rows)}</ul>"


def _figures(found: Distribution, text: Text) -> str:
    lengths = found.shape == "lengths"
    rows = "".join(
        f"<tr><th scope=row><bdi>{text(b.label)}</bdi></th><td class=n>{b.good:,}</td><td class=n>{b.bad:,}</td></tr>"
        for b in found.bars
    )
    return table(("characters" if lengths else "value", "good rows", "failing rows"), rows, 1)


def table(heads: Sequence[str], rows: str, numbers_from: int) -> str:
    """The figures of a plot, folded away."""
    cells = "".join(
        f"<th scope=col{' class=n' if at >= numbers_from else ''}>{head}</th>"
        for at, head in enumerate(heads)
    )
    return (
        f"<details><summary>The figures</summary><div class=scroll><table><thead><tr>{cells}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def share_rows(rows: Sequence[tuple[str, int, int]], kind: str) -> str:
    """Bars of shares with labels: name (escaped), part, whole."""
    items = "".join(
        f"<li><span>{name}</span>{share_bar(part, whole, kind, percent(part, whole))}"
        f"<b>{part:,} ({percent(part, whole)})</b></li>"
        for name, part, whole in rows
    )
    return f"<ul class=bars>{items}</ul>"


def _start(bar: Bar) -> str:
    return bar.label.partition(" to ")[0]


def _end(bar: Bar) -> str:
    return bar.label.rpartition(" to ")[2]


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f"<rect class={kind} x={x:.1f} y={y:.1f} width={width:.1f} height={height:.1f} />"


def _svg(width: int, height: int, label: str, shapes: str) -> str:
    """``label`` is escaped; it is what those hear who do not see the plot."""
    return f"<svg viewBox='0 0 {width} {height}' preserveAspectRatio=none role=img><title>{label}</title>{shapes}</svg>"
