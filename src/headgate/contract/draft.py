"""What compiling passes around: the column or object at hand, and rules that have no final name yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from headgate.contract.document import Document, refuse
from headgate.contract.json_schema import Path, Value, text_of
from headgate.contract.settings import Settings, Written
from headgate.model.contract import AnyType, ColumnType
from headgate.model.names import RuleName
from headgate.model.rule import (
    Body,
    DuplicateRows,
    Each,
    FailingRows,
    Field,
    Fits,
    Inside,
    Measured,
    NotCompiled,
    Predicate,
    References,
    Rule,
    SqlResult,
    Told,
    Unique,
)

PatternError = Callable[[str], str | None]  # what is wrong with an ECMA-262 pattern, or None


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference names: a column of a table. ``nested``: its values are not compared with one another."""

    table: str
    column: str
    nested: bool = False


Elsewhere = Callable[[str], Target | NotCompiled]  # what a reference into another contract names


def unread(reference: str) -> NotCompiled:
    """An `Elsewhere` where there are no other contracts."""
    return NotCompiled(f"{reference} is in another contract, which is not read")


@dataclass(frozen=True, slots=True)
class Within:
    """Where inside of a column a property is, and what the names of its rules start with."""

    column: str
    steps: tuple[Field | Each, ...]
    prefix: str

    def placed(self, body: Body) -> Body:
        """A rule about `THIS` value as one about the column."""
        match body:
            case Told() | NotCompiled():
                return body
            case Measured(FailingRows(predicate)):
                return replace(body, measure=FailingRows(self._inside(predicate)))
            case Unique() | Measured(DuplicateRows()):
                return NotCompiled("values inside of columns are not compared across rows")
            case Measured(SqlResult()):
                return body
            case References() | Measured():
                return NotCompiled("only columns are looked at, not what is inside of them")
            case _:
                return self._inside(body)

    def _inside(self, predicate: Predicate) -> Inside:
        if isinstance(predicate, Inside):
            return Inside(self.column, (*self.steps, *predicate.steps), predicate.predicate)
        return Inside(self.column, self.steps, predicate)


@dataclass(frozen=True, slots=True)
class Subject:
    """One property (with ``column`` and ``type``), or a schema object or measure (no column).

    ``within``: for a property inside of a column, where that is; its own ``column`` is then `THIS`.
    """

    document: Document
    path: Path
    part: Mapping[str, Value]
    pattern_error: PatternError
    column: str = ""
    type: ColumnType = field(default_factory=AnyType)
    within: Within | None = None
    elsewhere: Elsewhere = unread

    @property
    def prefix(self) -> str:
        """What the names of rules start with: the column, for people who look at the data."""
        if self.within is not None:
            return self.within.prefix
        return f"{self.column}." if self.column else ""

    @property
    def is_property(self) -> bool:
        """True for a column, and for what is inside of one."""
        return bool(self.column) or self.within is not None

    def at(self, *steps: str | int) -> Path:
        return (*self.path, *steps)

    def refuse(self, steps: Path, message: str, hint: str) -> NoReturn:
        refuse(self.document, (*self.path, *steps), message, hint)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as declared: its name before it is made unique, and what its own settings say."""

    name: str
    body: Body
    path: Path
    description: str = ""
    dimension: str | None = None
    severity: str | None = None
    settings: Settings | None = None


def rules(
    drafts: Iterable[Draft],
    inherited: Callable[[Path], Settings],
    looked_at: Callable[[Written], Predicate],
    segments: Callable[[Written], tuple[str, ...]],
) -> tuple[Rule, ...]:
    """Drafts with unique names, in their order: a name's second bearer gets ``-2``.

    ``inherited``: what the property or object at a path says. ``looked_at`` compiles a ``where``,
    ``segments`` a ``segmentBy``.
    """
    found = []
    for draft, rule in _named(drafts):
        own = draft.settings or Settings()
        settled = _settled(rule, own, inherited(draft.path), looked_at)
        if own.segment_by is not None and isinstance(settled.body, Measured):
            settled = replace(settled, body=replace(settled.body, by=segments(own.segment_by)))
        found.append(settled)
    return tuple(found)


def _named(drafts: Iterable[Draft]) -> Iterator[tuple[Draft, Rule]]:
    all_ = list(drafts)
    taken = {draft.name for draft in all_}
    count: dict[str, int] = {}
    for draft in all_:
        count[draft.name] = count.get(draft.name, 0) + 1
        name = draft.name
        if count[name] > 1:
            while (name := f"{draft.name}-{count[draft.name]}") in taken:
                count[draft.name] += 1
            taken.add(name)
        yield (
            draft,
            Rule(
                RuleName(name),
                draft.body,
                place=text_of(draft.path),
                description=draft.description,
                dimension=draft.dimension,
                severity=draft.severity,
            ),
        )


def _settled(
    rule: Rule, own: Settings, inherited: Settings, looked_at: Callable[[Written], Predicate]
) -> Rule:
    """Its own setting, else its column's; ``quarantine_rows`` of a column means its rules about rows."""
    on_fail = own.on_fail or inherited.on_fail
    if own.on_fail is None and on_fail == "quarantine_rows" and not rule.about_rows:
        on_fail = None
    where = waiver = None
    if not isinstance(rule.body, Fits | Told | NotCompiled):
        # Every row has a type and a key, whatever else of it is not looked at.
        where = own.where or (None if _is_key(rule) else inherited.where)
        waiver = own.waiver or inherited.waiver
        if waiver is not None and waiver.up_to is not None and not counts_failing(rule.body):
            waiver = None
    return replace(
        rule,
        on_fail=on_fail,
        scope=own.scope or inherited.scope or "table",
        where=None if where is None else looked_at(where),
        waiver=waiver,
    )


def refuse_idle(subject: Subject, steps: Path, own: Settings, body: Body) -> None:
    """Refuse settings of a rule that would do nothing there, rather than let people believe in them."""
    given = {
        "onFail": own.on_fail, "where": own.where, "waiver": own.waiver, "scope": own.scope, "warn": own.warn,
        "tolerance": own.tolerance, "segmentBy": own.segment_by,
    }  # fmt: skip
    match body:
        case Measured() | NotCompiled():
            return
        case Told():
            idle, why = list(given), "has no effect on a rule in words"
        case _:
            idle, why = (
                ["scope", "warn", "tolerance", "segmentBy"],
                "has no effect on a rule about single rows",
            )
    for name in idle:
        if given[name] is not None:
            hint = (
                "rows are judged as they come, and on the merged table" if name == "scope" else "take it out"
            )
            subject.refuse(steps, f"{name} {why}", hint)


def counts_failing(body: Body) -> bool:
    """True if a rule with this body tells how many rows fail it."""
    return not isinstance(body, Measured) or isinstance(body.measure, FailingRows | DuplicateRows)


def _is_key(rule: Rule) -> bool:
    return isinstance(rule.body, Unique) and rule.body.required
