"""What `headgate demo` tells: a week and a half of real flights on their way to readers.

Every number in a line is taken from a result, and most lines carry the query that asks for it again (`Ask`): the
project that is left over answers it the same way. `tell` yields a line as soon as it is true; `cli` prints it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import headgate
from headgate.demo import deliveries, folder
from headgate.flow.promote import PromoteResult
from headgate.model.errors import Bug, Unreadable
from headgate.model.names import CommitId, short
from headgate.model.run import Loaded
from headgate.project import Project


@dataclass(frozen=True, slots=True)
class Ask:
    """One number that a line says, and the query that has it: ``sql`` at ``ref`` in the project that is left over."""

    sql: str
    ref: str
    answer: int


@dataclass(frozen=True, slots=True)
class Line:
    """``mark``: an outcome, for its colour; empty in all but lines of kind ``did``. At most 100 columns wide."""

    kind: Literal["title", "part", "did", "why", "try"]
    text: str
    mark: str = ""
    asks: tuple[Ask, ...] = ()

    def __str__(self) -> str:
        match self.kind:
            case "did":
                return f"  {self.mark:<18}{self.text}"
            case "why":
                return f"      {self.text}"
            case "try":
                return f"  {self.text}"
            case _:
                return self.text


def tell(path: str | Path = "headgate-demo", program: str = "headgate") -> Iterator[Line]:
    """Play the story in a folder of its own, and leave the project there.

    ``program``: how the reader starts headgate, for the commands at the end. Raises what `folder.prepare` raises.
    """
    root = Path(path)
    replaced = folder.prepare(root)
    again = "the earlier demo is replaced" if replaced else "January 2013"
    yield Line("title", f"Ten days of real flights, from New York to their readers ({again})")
    project = headgate.init(root)
    yield from _reference_tables(project)
    yield from _days_arrive(project)
    yield from _deliveries_break(project)
    yield from _two_at_once(project)
    yield from _release(project)
    yield from _bad_release(project)
    yield from _roll_back(project)
    yield from _left_over(project, program)


# -- the parts ----------------------------------------------------------------------------------------------


def _reference_tables(project: Project) -> Iterator[Line]:
    yield Line(
        "part", "Reference tables land, then days: each on a branch of its own, checked, merged, published."
    )
    told, asks, rules = [], [], 0
    for table in deliveries.REFERENCE:
        found = project.load(
            table,
            project.root / f"inbox/{table}.csv",
            contract=project.root / f"contracts/{table}.yaml",
        )
        told.append(f"{table} {found.counts.rows_good:,}")
        asks.append(_rows(table, _commit(found), found.counts.rows_good))
        rules += _held(found)
    yield Line("did", f"{', '.join(told)} rows; {rules} rules hold", "published", tuple(asks))


def _days_arrive(project: Project) -> Iterator[Line]:
    first = project.load("flights", _day(project, 1), contract=project.root / "contracts/flights.yaml")
    days = [first, *(project.load("flights", _day(project, day)) for day in (2, 3))]
    good = [found.counts.rows_good for found in days]
    asks = [_rows(f"flights WHERE day = {day}", _commit(days[-1]), n) for day, n in enumerate(good, 1)]
    text = f"1, 2, 3 January: {' + '.join(map(str, good))} flights; {min(map(_held, days))} rules hold"
    yield Line("did", text, days[-1].outcome, tuple(asks))


def _deliveries_break(project: Project) -> Iterator[Line]:
    yield Line("part", "Some deliveries are broken. Nothing of what fails reaches main, and nothing is lost.")
    yield from _mended(project, 4, "kilometres", "distances in kilometres")

    partner = _broken(project, 5, "partner")
    part = project.load("flights", partner, on_fail="quarantine_rows", max_quarantined="5%")
    counts = part.counts
    text = f"an unknown carrier: {counts.rows_good:,} good rows, {counts.rows_quarantined} in quarantine"
    yield _landed(5, text, part)
    yield _why(part)

    try:
        project.load("flights", _broken(project, 6, "truncated"))
    except Unreadable as error:
        line = error.place.rpartition(":")[2]
        yield Line("did", f"6 January, cut off in line {line}: {error.message}", error.kind)
    whole = project.load("flights", _day(project, 6))
    yield _landed(6, f"sent again: {whole.counts.rows_good:,} flights", whole)
    twice = project.load("flights", _day(project, 6))
    text = f"6 January, the same file once more: its bytes are in commit {_commit(twice)[:12]} already"
    yield Line("did", text, twice.outcome)
    yield from _mended(project, 7, "renamed", "a column renamed")


def _mended(project: Project, day: int, suffix: str, what: str) -> Iterator[Line]:
    """A broken day goes to quarantine as a whole; the right file takes its place."""
    broken = project.load("flights", _broken(project, day, suffix))
    rows = broken.counts.rows_quarantined
    ask = _rows(f"headgate.quarantine WHERE batch = '{broken.batch}'", "main", rows)
    yield Line("did", f"{day} January, {what}: all {rows:,} rows", broken.outcome, (ask,))
    yield _why(broken)
    mended = project.replay(broken.batch, [str(_day(project, day))])
    yield _landed(day, f"replayed with the right file: {mended.counts.rows_good:,} flights", mended)


def _two_at_once(project: Project) -> Iterator[Line]:
    yield Line("part", "Two ingestors load at the same time, each in a process of its own.")
    before = _flights(project, "main")
    started = [(day, project.ports.clock.monotonic(), _ingestor(project, day)) for day in (8, 9)]
    rows = []
    for day, start, process in started:
        found = _answer(process)
        seconds = project.ports.clock.monotonic() - start
        rows.append(int(found["rows_good"]))
        ask = _rows(f"flights WHERE day = {day}", found["commit"], rows[-1])
        text = f"{day} January: {rows[-1]:,} flights in {seconds:.1f} s"
        yield Line("did", text, found["outcome"], (ask,))
    after = _flights(project, "main")
    if after != before + sum(rows):
        raise Bug(f"{before} + {rows} flights are not {after}", place="main")
    sum_of = " + ".join(f"{n:,}" for n in (before, *rows))
    ask = _rows("flights", project.resolve("main"), after)
    yield Line("why", f"main has both: {sum_of} = {after:,} flights", asks=(ask,))


def _release(project: Project) -> Iterator[Line]:
    yield Line("part", "Readers see nothing yet: they read production, and production is promoted.")
    yield _promoted(project, project.promote())


def _bad_release(project: Project) -> Iterator[Line]:
    yield Line(
        "part", "A bad release: each row is right, but one airport's feed was down. Mended; then rolled back."
    )
    short_day = project.load("flights", _broken(project, 10, "no-lga"))
    good, held = short_day.counts.rows_good, _held(short_day)
    yield _landed(10, f"without LaGuardia: {good:,} flights; {held} rules hold", short_day)
    refused = project.promote()
    seen = _flights(project, "production")
    ask = _rows("flights", project.resolve("production"), seen)
    text = f"by a smoke check; readers go on seeing {seen:,} flights"
    yield Line("did", text, refused.outcome, (ask,))
    yield Line("why", refused.why)
    whole = project.load("flights", _day(project, 10))
    counts = whole.counts
    text = f"whole: {counts.rows_in} rows, {counts.rows_deduplicated} there already, {counts.rows_good} new"
    yield _landed(10, text, whole)
    yield _promoted(project, project.promote())


def _roll_back(project: Project) -> Iterator[Line]:
    clock = project.ports.clock
    start = clock.monotonic()
    back = project.rollback()
    ms = 1000 * (clock.monotonic() - start)
    seen = _flights(project, "production")
    ask = _rows("flights", "production", seen)
    yield Line(
        "did", f"one pointer, in {ms:.1f} ms: readers see {seen:,} flights again", back.outcome, (ask,)
    )


def _left_over(project: Project, program: str) -> Iterator[Line]:
    waiting = project.quarantines(open_only=True)
    rows = sum(q.rows for q in waiting)
    flights = _flights(project, "main")
    asks = (
        _rows("flights", project.resolve("main"), flights),
        _rows("headgate.quarantine WHERE state = 'open'", "main", rows),
    )
    yield Line(
        "part",
        f"The project is yours: {flights:,} flights on main, {rows} rows wait in quarantine. "
        f"Try, in {project.root.name}:",
        asks=asks,
    )
    for words in (
        f"load flights inbox/{deliveries.flights_name(11)}",
        f"quarantine show {waiting[-1].id}",
        'sql "SELECT origin, count(*) FROM flights GROUP BY 1" --ref production',
    ):
        yield Line("try", f"{program} {words}")


# -- their words --------------------------------------------------------------------------------------------


def _landed(day: int, text: str, found: Loaded) -> Line:
    """A day that was published. Asked: what there is of it in the table, at its commit."""
    there = found.counts.rows_good + found.counts.rows_deduplicated
    ask = _rows(f"flights WHERE day = {day}", _commit(found), there)
    return Line("did", f"{day} January{':' if text[0].isdigit() else ','} {text}", found.outcome, (ask,))


def _why(found: Loaded) -> Line:
    """What failed, and the first row that did."""
    told = []
    for finding in (f for f in found.findings if f.status == "fail"):
        sample = next(iter(finding.samples), None)
        row = f'; row {sample.row} has "{sample.value}"' if sample else ""
        told.append(f"{finding.rule}: {finding.message.partition(';')[0]}{row}")
    return Line("why", "; ".join(told[:1] + [t.partition(":")[0] for t in told[1:]]))


def _promoted(project: Project, found: PromoteResult) -> Line:
    seen = _flights(project, "production")
    ask = _rows("flights", str(found.to), seen)
    text = f"release {found.release}: readers see {seen:,} flights; {_held(found)} smoke checks hold"
    return Line("did", text, found.outcome, (ask,))


def _held(found: Loaded | PromoteResult) -> int:
    return sum(f.status == "pass" for f in found.findings)


def _rows(of: str, ref: str, answer: int) -> Ask:
    return Ask(f"SELECT count(*) FROM {of}", ref, answer)  # noqa: S608 - all words are our own


# -- doing it -----------------------------------------------------------------------------------------------


def _day(project: Project, day: int) -> Path:
    return project.root / "inbox" / deliveries.flights_name(day)


def _broken(project: Project, day: int, suffix: str) -> Path:
    return project.root / "broken" / f"{Path(deliveries.flights_name(day)).stem}-{suffix}.csv"


def _flights(project: Project, ref: str) -> int:
    """What a reader of ``ref`` counts now."""
    ((found,),) = project.sql("SELECT count(*) FROM flights", ref).rows
    assert isinstance(found, int)
    return found


def _commit(found: Loaded) -> CommitId:
    if found.commit is None:
        raise Bug(f"{found.outcome} has no commit", place=short(found.table))
    return found.commit


def _ingestor(project: Project, day: int) -> subprocess.Popen[str]:
    """`headgate load` in a process of its own."""
    words = ["load", "flights", str(_day(project, day)), "--json", "--project", str(project.root)]
    return subprocess.Popen(
        [sys.executable, "-m", "headgate", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate()
    if process.returncode:
        raise Bug(f"an ingestor failed: {(err or out).strip()[-500:]}", place="headgate load")
    found: dict[str, Any] = json.loads(out)
    return found
