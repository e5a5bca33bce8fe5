"""What compiling passes around: the column or object at hand, and rules that have no final name yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from headgate.contract.document import Document, refuse
from headgate.contract.json_schema import Path, Value, text_of
from headgate.contract.settings import Settings
from headgate.model.contract import AnyType, ColumnType
from headgate.model.names import RuleName
from headgate.model.rule import Body, Rule

PatternError = Callable[[str], str | None]  # what is wrong with an ECMA-262 pattern, or None


@dataclass(frozen=True, slots=True)
class Subject:
    """One property (with ``column`` and ``type``), or a schema object or measure (no column)."""

    document: Document
    path: Path
    part: Mapping[str, Value]
    pattern_error: PatternError
    column: str = ""
    type: ColumnType = field(default_factory=AnyType)

    @property
    def prefix(self) -> str:
        """What the names of rules start with: the column, for people who look at the data."""
        return f"{self.column}." if self.column else ""

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


def rules(drafts: Iterable[Draft], inherited: Callable[[Path], Settings]) -> tuple[Rule, ...]:
    """Drafts with unique names, in their order: a name's second bearer gets ``-2``."""
    return tuple(_named(drafts, inherited))


def _named(drafts: Iterable[Draft], inherited: Callable[[Path], Settings]) -> Iterator[Rule]:
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
        rule = Rule(
            RuleName(name),
            draft.body,
            place=text_of(draft.path),
            description=draft.description,
            dimension=draft.dimension,
            severity=draft.severity,
        )
        yield _settled(rule, draft.settings or Settings(), inherited(draft.path))


def _settled(rule: Rule, own: Settings, inherited: Settings) -> Rule:
    """Its own setting, else its column's; ``quarantine_rows`` of a column means its rules about rows."""
    on_fail = own.on_fail or inherited.on_fail
    if own.on_fail is None and on_fail == "quarantine_rows" and not rule.about_rows:
        on_fail = None
    return replace(rule, on_fail=on_fail, scope=own.scope or inherited.scope or "table")
