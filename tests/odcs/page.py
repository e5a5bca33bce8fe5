"""docs/odcs.md, from the JSON Schemas and `account.ACCOUNT`: ``PYTHONPATH=src:tests python -m odcs.page``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from odcs.account import ACCOUNT, MEANING, Entry
from odcs.constructs import VERSIONS, constructs

PAGE = Path(__file__).parent.parent.parent / "docs" / "odcs.md"
BELOW = Path(__file__).parent / "below.md"


def accounted() -> dict[str, Entry | None]:
    """Each construct and the first entry that speaks of it."""
    return {name: next((one for one in ACCOUNT if _speaks(one, name)), None) for name in constructs()}


def _speaks(entry: Entry, name: str) -> bool:
    return re.fullmatch(re.escape(entry.names).replace(r"\*", ".*"), name) is not None


def page() -> str:
    found, since = accounted(), constructs()
    sections: dict[str, list[str]] = {}
    for name in found:
        sections.setdefault(re.split(r"[.]", name)[0], []).append(name)
    lines = [
        "# ODCS, construct by construct",
        "",
        "What the JSON Schemas of ODCS 3.0, 3.1 and 3.2 have words for, and what becomes of it here. Written by",
        "`python -m odcs.page` from those schemas; the tests hold that nothing is missing, and that what is said to be",
        "enforced has a case or a test that shows it.",
        "",
        *(f"- **{how}**: {meaning}." for how, meaning in MEANING.items()),
        "",
        _counted(found),
        "",
        BELOW.read_text().strip(),
    ]
    for section, names in sections.items():
        lines += ["", f"## {section}", "", "| construct | ODCS | | |", "|---|---|---|---|"]
        lines += [_row(rows, since) for rows in _grouped(names, found)]
    return "\n".join(lines) + "\n"


def _counted(found: Mapping[str, Entry | None]) -> str:
    counts = {how: sum(1 for one in found.values() if one and one.how == how) for how in MEANING}
    return f"{len(found)} constructs: " + ", ".join(f"{n} {how}" for how, n in counts.items()) + "."


def _grouped(names: list[str], found: Mapping[str, Entry | None]) -> list[tuple[list[str], Entry]]:
    """What one entry says of several constructs in one line, where they stand side by side."""
    groups: list[tuple[list[str], Entry]] = []
    for name in names:
        entry = found[name]
        assert entry is not None, name
        if groups and groups[-1][1] is entry:
            groups[-1][0].append(name)
        else:
            groups.append(([name], entry))
    return groups


def _row(group: tuple[list[str], Entry], since: Mapping[str, list[str]]) -> str:
    names, entry = group
    first = min(VERSIONS.index(since[name][0]) for name in names)
    shown = ", ".join(f"`{name.partition('.')[2]}`" for name in names)
    return f"| {shown} | {VERSIONS[first][1:]} | {entry.how} | {entry.why} |"


if __name__ == "__main__":
    PAGE.write_text(page())
