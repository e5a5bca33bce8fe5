"""Events in sentences: one for each kind. What programs want of them is in ``--json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.cli.findings import counted
from headgate.model.event import Event

_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_OPENED = {
    "load": "a load onto {target} begins",
    "replay": "a replay onto {target} begins",
    "merge": "a merge onto {target} begins",
    "revert": "a revert on {target} begins",
    "promote": "a promotion to {target} begins",
    "rollback": "a rollback of {target} begins",
}
_SENTENCES = {
    "project.created": "the project begins",
    "batch.staged": "batch {batch} is on its branch, at {commit}",
    "batch.conflicted": "batch {batch} does not go together with what became of {key} meanwhile",
    "ref.merged": "took over {source}, and is at {new}",
    "ref.reverted": "undid {source}, and is at {new}",
    "release.staged": "{commit} is on {branch}, for its smoke checks",
    "release.promoted": "release {release}: readers see {commit}, on {branch}",
    "release.rolled_back": "release {release}: readers see {new} again, as in release {shows}",
    "branch.created": "a branch, at {commit}",
    "branch.deleted": "the branch is gone; it was at {commit}",
    "branch.protected": "takes only what passed a verdict, from {commit} on",
    "tag.created": "a tag, for {commit}",
    "tag.deleted": "the tag is gone; it named {commit}",
}


def short(text: str) -> str:
    """The same, with ids of commits and trees by their first twelve digits."""
    return _ID.sub(r"\1", text)


def sentence(event: Event) -> str:
    """What happened. It may hold what stood in data or contracts: print it `harmless`."""
    data = dict(event.data)
    noun, _, happened = event.kind.partition(".")
    if event.kind == "batch.quarantined":
        return _quarantined(data)
    if event.kind.startswith("batch.published"):
        return _published(data)
    if event.kind.startswith("baseline."):
        return _baseline(data)
    if event.kind.startswith("quarantine."):
        return _out_of_quarantine(happened, data)
    if happened == "opened" and noun in _OPENED:
        return _filled(_OPENED[noun], data)
    if event.kind in _SENTENCES:
        return _filled(_SENTENCES[event.kind], data)
    if noun in _OPENED:  # how a run ended that changed nothing: failed, aborted, done
        told = [str(data[name]) for name in ("outcome", "message") if data.get(name)]
        return short(f"the {noun} is {happened}" + (f": {', '.join(told)}" if told else ""))
    rest = {name: value for name, value in data.items() if name != "refs"}
    return short(", ".join(f"{name} {value}" for name, value in rest.items()))


def _filled(words: str, data: Mapping[str, Any]) -> str:
    return short(re.sub(r"\{(\w+)\}", lambda found: str(data.get(found[1], "?")), words))


def _published(data: Mapping[str, Any]) -> str:
    rows = f"{counted(data.get('rows_good'), 'row')} of {data.get('rows_in', 0):,}"
    asides = [
        f"{data[name]:,} {name.removeprefix('rows_')}"
        for name in ("rows_quarantined", "rows_deduplicated", "rows_superseded")
        if data.get(name)
    ]
    over = data.get("replayed") or []
    asides += [f"this ends quarantine {', '.join(map(str, over))}"] if over else []
    return _filled("batch {batch} is on {target}, at {new}: ", data) + "; ".join([rows, *asides])


def _baseline(data: Mapping[str, Any]) -> str:
    rules = data.get("rules") or {}
    known = [f"{rule}: {counted(failed, 'row')} of {rows:,}" for rule, (failed, rows) in rules.items()]
    mended = data.get("mended") or []
    told = [f"bad rows that are known: {', '.join(known)}"] if known else []
    return "; ".join([*told, *([f"{', '.join(mended)} has none any more"] if mended else [])])


def _quarantined(data: Mapping[str, Any]) -> str:
    rules = data.get("rules") or []
    more = f" ({counted(len(rules), 'rule')} in all)" if len(rules) > 1 else ""
    return (
        _filled("batch {batch} is in quarantine, ", data)
        + f"{counted(data.get('rows'), 'row')}: {data.get('why')}{more}"
    )


def _out_of_quarantine(happened: str, data: Mapping[str, Any]) -> str:
    if happened == "replayed":
        return _filled("quarantine {quarantine} is over: {why}", data)
    why = f": {data['reason']}" if data.get("reason") else ", for no reason that was told"
    return _filled("quarantine {quarantine} is given up, ", data) + counted(data.get("rows"), "row") + why
