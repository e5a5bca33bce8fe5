"""``slaProperties``: which of them the data, the clock or the history of a table can tell; the others are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from headgate.contract.document import refuse
from headgate.contract.draft import Draft, Subject
from headgate.contract.json_schema import Path, Value
from headgate.contract.settings import Settings, settings
from headgate.contract.types import parts
from headgate.model.contract import DateType, TimestampType
from headgate.model.rule import Age, Body, Bound, Measured, Told
from headgate.model.service_level import LevelKind

_NAMES = {
    "availability": "av", "throughput": "th", "errorRate": "er", "generalAvailability": "ga", "endOfSupport": "es",
    "endOfLife": "el", "retention": "re", "frequency": "fy", "latency": "ly", "timeToDetect": "td",
    "timeToNotify": "tn", "timeToRepair": "tr", "freshness": "", "timeOfAvailability": "",
}  # fmt: skip
_CANONICAL = {
    **{re.sub("[^a-z]", "", name.casefold()): name for name in _NAMES},
    **{s: n for n, s in _NAMES.items() if s},
}
_UNITS = {
    1: "s sec secs second seconds",
    60: "min mins minute minutes",
    3600: "h hr hrs hour hours",
    86_400: "d day days",
    7 * 86_400: "w wk wks week weeks",
    30 * 86_400: "m mo mon month months",
    365 * 86_400: "y yr yrs year years",
}
SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words.split()}
_NUMBER = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%/]*)\s*")
_OF_OTHERS = {
    "availability": "only who serves the readers knows when they could not read",
    "timeToDetect": "only who was told of an incident knows when",
    "timeToNotify": "only who was told of an incident knows when",
    "timeToRepair": "only who was told of an incident knows when",
    "timeOfAvailability": "only who serves the readers knows when they could not read",
}
_DATES: Mapping[str, LevelKind] = {
    "generalAvailability": "generalAvailability",
    "endOfSupport": "endOfSupport",
    "endOfLife": "endOfLife",
}


@dataclass(frozen=True, slots=True)
class Level:
    """A service level before its rule has its final name; ``path`` is where that was declared."""

    path: Path
    kind: LevelKind
    limit: Decimal = Decimal(0)
    moment: datetime | None = None
    blocks: bool = False


def drafts(whole: Subject, columns: Mapping[str, Subject]) -> Iterator[tuple[Draft, Level | None]]:
    """A rule for each entry that is about the table (for each of its elements), and the level behind it, if any."""
    tree = whole.document.tree
    for at, entry in enumerate(parts(tree, "slaProperties")):
        path: Path = ("slaProperties", at)
        own = settings(whole.document, path, entry.get("customProperties"), "rule")
        if own.warn or own.tolerance or own.segment_by:
            refuse(
                whole.document,
                (*path, "customProperties"),
                "a service level has one bound, and no segments",
                "take out warn, tolerance and segmentBy",
            )
        element = entry.get("element") or tree.get("slaDefaultElement") or ""
        for one in [part.strip() for part in str(element).split(",")]:
            body, level = _body(whole, columns, entry, one, path, blocks=own.on_fail not in {None, "warn"})
            idle = {"where": own.where, "scope": own.scope, "waiver": own.waiver}
            if level is not None and (given := [n for n, value in idle.items() if value is not None]):
                said = f"{given[0]} has no effect on {entry.get('property')}, which no rows are looked at for"
                refuse(
                    whole.document, (*path, "customProperties"), said, "take it out; onFail: warn only warns"
                )
            name = f"sla.{entry.get('id') or entry.get('property')}"
            # Late data are no fault of the rows that come: without being asked to, no service level stops a load.
            yield (
                Draft(
                    name,
                    body,
                    path,
                    description=str(entry.get("description") or ""),
                    settings=own.over(Settings(on_fail="warn")),
                ),
                level,
            )


def _body(
    whole: Subject,
    columns: Mapping[str, Subject],
    entry: Mapping[str, Value],
    element: str,
    path: Path,
    *,
    blocks: bool,
) -> tuple[Body, Level | None]:
    words = [entry.get(name) for name in ("property", "value", "valueExt", "unit")]
    said = " ".join(str(word) for word in words if word is not None) + (f" of {element}" if element else "")
    name = _CANONICAL.get(re.sub("[^a-z]", "", str(entry.get("property")).casefold()))
    if name is None:
        return Told(f"{said}: a service level that is not known here"), None
    if why := _OF_OTHERS.get(name):
        return Told(f"{said}: not measured here; {why}"), None
    if name in _DATES:
        moment = _moment(entry.get("value"))
        if moment is None:
            return Told(f"{said}: not measured, since its value is no date"), None
        return Told(said), Level(path, _DATES[name], moment=moment, blocks=blocks)
    if name == "errorRate":
        share = _share(entry)
        if share is None:
            return Told(f"{said}: not measured, since its value is no share"), None
        return Told(f"{said}: told by headgate status"), Level(path, "errorRate", share, blocks=blocks)
    if name == "throughput":
        rate = _rate(entry)
        if rate is None:
            return Told(f"{said}: not measured; its unit would have to be rows in a time, as in rows/d"), None
        return Told(f"{said}: told by headgate status"), Level(path, "throughput", rate, blocks=blocks)
    return _aged(whole, columns, entry, element, name, said, Level(path, "frequency", blocks=blocks))


def _aged(
    whole: Subject,
    columns: Mapping[str, Subject],
    entry: Mapping[str, Value],
    element: str,
    name: str,
    said: str,
    level: Level,
) -> tuple[Body, Level | None]:
    """latency, freshness, retention of a column; frequency and freshness of the table."""
    seconds = _span(entry)
    if seconds is None:
        return Told(f"{said}: not measured; it needs a number and a unit: s, min, h, d, w, m or y"), None
    if _of_another(whole, element):
        return Told(f"{said}: about another table"), None
    column = _column(whole, columns, element)
    if column is not None and name != "frequency":
        if not isinstance(column.type, DateType | TimestampType):
            return Told(
                f"{said}: not measured, since {column.column} is neither a date nor a timestamp"
            ), None
        of: Literal["newest", "oldest"] = "oldest" if name == "retention" else "newest"
        return Measured(Age(column.column, of), Bound("mustBeLessOrEqualTo", (seconds,))), None
    if name in {"frequency", "freshness"} and (column is not None or _is_table(whole, element)):
        return Told(f"{said}: told by headgate status"), Level(
            level.path, "frequency", seconds, blocks=level.blocks
        )
    return Told(f"{said}: not measured; its element would have to be a column with a date or timestamp"), None


def _is_table(whole: Subject, element: str) -> bool:
    return element in {"", str(whole.part.get("name")), str(whole.part.get("physicalName"))}


def _of_another(whole: Subject, element: str) -> bool:
    """True if the element is, or is in, another object of the contract."""
    table = element.partition(".")[0]
    others = {
        str(one.get(key)) for one in parts(whole.document.tree, "schema") for key in ("name", "physicalName")
    }
    return table in others and not _is_table(whole, table)


def _column(whole: Subject, columns: Mapping[str, Subject], element: str) -> Subject | None:
    table, dot, name = element.partition(".")
    if dot and _is_table(whole, table):
        return columns.get(name)
    return None if _is_table(whole, element) else columns.get(element)


def _numbers(entry: Mapping[str, Value]) -> Sequence[tuple[Decimal, str]]:
    """The numbers in value and valueExt, each with the unit that stands right behind it."""
    found = []
    for value in (entry.get("value"), entry.get("valueExt")):
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            found.append((Decimal(value), ""))
        elif isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
            found.append((Decimal(match[1]), match[2]))
        elif value is not None:
            return ()
    return found


def in_months(entry: Mapping[str, Value]) -> bool:
    """True if an entry's span is in ``m``, which reads as minutes as well."""
    unit = str(entry.get("unit") or "")
    return any((behind or unit).casefold() == "m" for _, behind in _numbers(entry))


def _span(entry: Mapping[str, Value]) -> Decimal | None:
    """In seconds; the greater of value and valueExt."""
    unit = str(entry.get("unit") or "").casefold()
    spans = [
        number * SECONDS[(behind or unit).casefold()]
        for number, behind in _numbers(entry)
        if (behind or unit).casefold() in SECONDS
    ]
    return max(spans) if spans and len(spans) == len(_numbers(entry)) else None


def _share(entry: Mapping[str, Value]) -> Decimal | None:
    found = _numbers(entry)
    if not found:
        return None
    number, behind = found[0]
    unit = (behind or str(entry.get("unit") or "")).casefold()
    share = number / 100 if unit in {"%", "percent"} else number if not unit else None
    return share if share is not None and 0 <= share <= 1 else None


def _rate(entry: Mapping[str, Value]) -> Decimal | None:
    """Rows a second."""
    found = _numbers(entry)
    rows, _, time = str(entry.get("unit") or "").casefold().partition("/")
    if not found or rows.strip() not in {"row", "rows", "record", "records"} or time.strip() not in SECONDS:
        return None
    return found[0][0] / SECONDS[time.strip()]


def _moment(value: Value) -> datetime | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            day = date.fromisoformat(str(value))
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
