"""One record at a time, for serving: the rules of a contract about rows, compiled once.

    validator = headgate.compile("orders.odcs.yaml")
    found = validator.validate({"id": 1, "amount": -3})
    found.passed, found.failures

The same verdict as `check` gives about that one row, by other means: no Polars, no frame, a few microseconds. What one
record alone cannot show (keys, counts, SQL) is in ``validator.not_checked``, by name and with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from headgate.checks.outcomes import failed
from headgate.contract.compile import compile_contract
from headgate.edge.clock import SystemClock
from headgate.edge.documents import document_of
from headgate.edge.folding import Meaningless
from headgate.edge.jdk_format import Unsupported
from headgate.edge.patterns import check_syntax
from headgate.edge.record.patterns import Undecided
from headgate.edge.record.rules import Judge, Row, columns_of, judge, row_judge
from headgate.edge.record.types import Reader, reader
from headgate.edge.wording import in_words
from headgate.model.contract import AnyType, ColumnType, TableContract
from headgate.model.errors import CheckFailed, WrongUse
from headgate.model.masking import cut, mask
from headgate.model.names import RuleName, short
from headgate.model.rule import (
    AllOf,
    Fits,
    Measured,
    NotCompiled,
    NotNull,
    Predicate,
    References,
    Rule,
    Told,
    Unique,
)

if TYPE_CHECKING:
    from headgate.ports import Clock  # loading it costs a third of all that is loaded here

Status = Literal["fail", "warn", "error"]


# -- what comes back ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class RecordFailure:
    """A rule that the record fails; ``value`` is what stood in ``column``, as it came.

    ``status``: ``warn`` where the contract or a waiver only warns; ``error`` where nobody could say in time.
    ``masked``: the contract calls the column confidential; its value is not in the ``repr``, which may be logged.
    """

    rule: RuleName
    column: str
    value: object
    message: str
    status: Status = "fail"
    masked: bool = False

    def __repr__(self) -> str:
        return f"RecordFailure({self.rule}, {self.status}, {self.column}={self._told()}: {self.message})"

    def _told(self) -> str:
        try:
            text = repr(self.value)
        except (
            ValueError,
            RecursionError,
        ):  # an integer of very many digits; a list within lists within lists
            text = f"a {type(self.value).__name__}"
        if not self.masked or self.value is None:
            return cut(text)
        return str(mask(self.value if isinstance(self.value, str) else text))


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """What one record came to; true if it passed. Failures stand in the order of the contract's rules."""

    failures: tuple[RecordFailure, ...] = ()
    warnings: tuple[RecordFailure, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    def __bool__(self) -> bool:
        return not self.failures

    def raise_for_failure(self) -> RecordVerdict:
        """Itself, if it passed. Raises CheckFailed; values are not in its message."""
        if self.failures:
            first, others = self.failures[0], len(self.failures) - 1
            also = f", and {others} more" if others else ""
            raise CheckFailed(
                f"{first.rule}: {first.message}{also}", hint="look at .failures", place=first.column
            )
        return self


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule that no single record can pass or fail, and why."""

    rule: RuleName
    why: str


# -- compiling ----------------------------------------------------------------------------------------------


def compile(
    contract: str | os.PathLike[str] | bytes,
    object: str | None = None,
    *,
    text: bool = False,
) -> RecordValidator:
    """Compile the rules of a contract (path, or its bytes) for one record at a time.

    ``object``: which schema object of the contract, if it has several. ``text``: records hold text as in a CSV file
    (of `csv.DictReader`, say): empty text, and what the contract's dialect calls null, is null.

    Raises NotThere, Unreadable, ContractUnusable, WrongUse.
    """
    return validator(compile_contract(document_of(contract), object, pattern_error=check_syntax), text=text)


def validator(contract: TableContract, *, text: bool = False) -> RecordValidator:
    """The rules of a compiled contract."""
    readers, unread = _readers(contract)
    kinds = {c.name: c.type for c in contract.columns if c.name in readers}
    rules: list[_Compiled] = []
    not_checked: list[NotChecked] = []
    for rule in _complete(contract):
        predicate, why = _alone(rule)
        if why is not None:
            not_checked.append(NotChecked(rule.name, why))
        if predicate is None:
            continue
        try:
            rules.append(_compiled(rule, predicate, kinds, contract))
        except Meaningless as error:
            not_checked.append(NotChecked(rule.name, str(error)))
        except KeyError as error:
            name = error.args[0]
            not_checked.append(NotChecked(rule.name, unread.get(name, f"the contract has no column {name}")))
    return RecordValidator(
        contract,
        tuple(not_checked),
        tuple(rules),
        tuple(_column(name, read, rules) for name, read in readers.items()),
        tuple((i, rule) for i, rule in enumerate(rules) if rule.judge is None),
        frozenset(("", *contract.dialect.null) if text else ()),
    )


def _readers(contract: TableContract) -> tuple[dict[str, Reader], dict[str, str]]:
    """How each column is read, and why others are not."""
    readers: dict[str, Reader] = {}
    unread: dict[str, str] = {}
    for column in contract.columns:
        try:
            readers[column.name] = reader(column.type)
        except Unsupported as error:
            readers[column.name] = lambda _: None
            unread[column.name] = str(error)
    return readers, unread


def _complete(contract: TableContract) -> tuple[Rule, ...]:
    """The contract's rules, and `Fits` for every column without one, as `judging.complete` says."""
    have = {r.body.column for r in contract.rules if isinstance(r.body, Fits)}
    added = tuple(
        Rule(RuleName(f"{c.name}.type"), Fits(c.name))
        for c in contract.columns
        if c.name not in have and not isinstance(c.type, AnyType)
    )
    return contract.rules + added


def _alone(rule: Rule) -> tuple[Predicate | None, str | None]:
    """What of a rule one record shows, and what of it is not looked at."""
    match rule.body:
        case Unique(columns, required):
            nulls = AllOf(tuple(NotNull(c) for c in columns)) if required else None
            said = "; only that it is not null" if required else ""
            return nulls, f"that {', '.join(columns)} is unique shows among other rows{said}"
        case References(_, table):
            return None, f"looks into the table {short(table)}"
        case Measured():
            return None, "a rule about the table"
        case Told(what):
            return None, f"for people: {what}"
        case NotCompiled(why):
            return None, why
        case _:
            return rule.body, None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule about one record. ``judge``: of its one column, if no other one has a say in it."""

    rule: Rule
    columns: tuple[str, ...]
    message: str
    row: Row
    judge: Judge | None
    masked: bool

    def applies(self, cells: Mapping[str, Any]) -> bool:
        """Whether its columns are there."""
        return all(column in cells for column in self.columns)


def _compiled(
    rule: Rule, predicate: Predicate, kinds: Mapping[str, ColumnType], contract: TableContract
) -> _Compiled:
    columns = columns_of(predicate)
    body = row_judge(predicate, kinds)
    message = in_words(predicate, contract)
    declared = contract.column(columns[0])
    masked = declared is not None and declared.masked
    if rule.where is not None:
        where = row_judge(rule.where, kinds)

        def row(cells: Mapping[str, tuple[Any, Any]]) -> bool | None:
            return body(cells) if where(cells) is True else None

        every = tuple(dict.fromkeys((*columns, *columns_of(rule.where))))
        return _Compiled(rule, every, message, row, None, masked)
    alone = judge(predicate, kinds[columns[0]]) if len(columns) == 1 else None
    return _Compiled(rule, columns, message, body, alone, masked)


class _Column(NamedTuple):
    """What to ask of one column, by the numbers of the rules: of null, of what does not fit, and of a value."""

    name: str
    read: Reader
    null: tuple[int, ...]
    misfit: tuple[tuple[Callable[[Any], bool | None], int], ...]
    value: tuple[tuple[Callable[[Any], Any], int], ...]
    value_and_raw: tuple[tuple[Callable[[Any, Any], Any], int], ...]


def _column(name: str, read: Reader, rules: list[_Compiled]) -> _Column:
    own = [(r.judge, i) for i, r in enumerate(rules) if r.judge is not None and r.columns == (name,)]
    misfit = [(_never if j.misfit is False else j.misfit, i) for j, i in own]
    return _Column(
        name,
        read,
        tuple(i for j, i in own if j.null is False),
        tuple((test, i) for test, i in misfit if callable(test)),
        tuple((j.value, i) for j, i in own if callable(j.value) and not j.with_raw),
        tuple((j.value, i) for j, i in own if callable(j.value) and j.with_raw),
    )


def _never(*_: object) -> bool:
    return False


# -- validating ---------------------------------------------------------------------------------------------

_PASSED: Final = RecordVerdict()
_ABSENT: Final = object()


class _Judged(NamedTuple):
    """``cells``: of each column, as far as it is there, the value and its raw form. ``failed``: numbers of rules."""

    cells: dict[str, tuple[Any, Any]]
    absent: list[str]
    failed: list[int]


@dataclass(frozen=True, slots=True)
class RecordValidator:
    """The rules of ``contract`` that one record can pass or fail, compiled. Threads may share it.

    ``not_checked``: every other rule of the contract, and why: a passing record says nothing about these.
    """

    contract: TableContract
    not_checked: tuple[NotChecked, ...]
    _rules: tuple[_Compiled, ...] = field(repr=False)
    _columns: tuple[_Column, ...] = field(repr=False)
    _across: tuple[tuple[int, _Compiled], ...] = field(repr=False)  # rules that several columns have a say in
    _nulls: frozenset[str] = field(repr=False)
    _clock: Clock = field(default_factory=SystemClock, repr=False)  # for waivers

    def validate(self, record: Mapping[str, object]) -> RecordVerdict:
        """The verdict on one record: columns to JSON-like values (also Decimal, date, datetime, time).

        A column that is absent or not declared fails it, as far as the contract's policy says so. Raises WrongUse for
        what is no mapping; bad data are never an exception.
        """
        if type(record) is not dict and not isinstance(record, Mapping):  # asked first, since it is quicker
            raise WrongUse(
                f"a record is a mapping, and this is a {type(record).__name__}", hint="hand over a dict"
            )
        if self._nulls:
            record = {n: None if isinstance(v, str) and v in self._nulls else v for n, v in record.items()}
        undecided: dict[int, str] = {}
        try:
            judged = self._judged(record)
        except (Undecided, RecursionError):
            judged = self._one_by_one(record, undecided)
        surplus = len(record) - len(self._columns) + len(judged.absent)
        if not judged.failed and not judged.absent and not surplus:
            return _PASSED
        failures = [*self._structure(record, judged.absent if self._strict else (), surplus)]
        warnings: list[RecordFailure] = []
        for i in sorted(judged.failed):
            found = self._failure(self._rules[i], judged, undecided.get(i))
            (warnings if found.status == "warn" else failures).append(found)
        return RecordVerdict(tuple(failures), tuple(warnings))

    @property
    def _strict(self) -> bool:
        return self.contract.policy.missing_columns == "fail"

    def _judged(self, record: Mapping[str, object]) -> _Judged:
        cells: dict[str, tuple[Any, Any]] = {}
        absent: list[str] = []
        failed: list[int] = []
        for name, read, null, misfit, tests, tests_with_raw in self._columns:
            raw: Any = record.get(name, _ABSENT)
            value = None
            if raw is _ABSENT:
                absent.append(name)
                if self._strict:
                    continue
                raw = None
            if raw is None:
                failed += null
            elif (value := read(raw)) is not None:
                for test, i in tests:
                    if not test(value):
                        failed.append(i)
                if tests_with_raw:
                    failed += [i for both, i in tests_with_raw if not both(value, raw)]
            else:
                failed += [i for test, i in misfit if test(raw) is False]
            cells[name] = value, raw
        for i, rule in self._across:
            if rule.applies(cells) and rule.row(cells) is False:
                failed.append(i)
        return _Judged(cells, absent, failed)

    def _one_by_one(self, record: Mapping[str, object], undecided: dict[int, str]) -> _Judged:
        """The same, rule by rule: those that nobody could decide fail, and say why in ``undecided``."""
        strict = self._strict
        absent = [c.name for c in self._columns if c.name not in record]
        cells = {
            c.name: (None if raw is None else c.read(raw), raw)
            for c in self._columns
            for raw in [record.get(c.name)]
            if not strict or c.name in record
        }
        failed = []
        for i, rule in enumerate(self._rules):
            try:
                if rule.applies(cells) and rule.row(cells) is False:
                    failed.append(i)
            except (Undecided, RecursionError) as error:
                failed.append(i)
                undecided[i] = (
                    str(error) if isinstance(error, Undecided) else "the value is nested too deeply"
                )
        return _Judged(cells, absent, failed)

    def _structure(
        self, record: Mapping[str, object], absent: Iterable[str], surplus: int
    ) -> Iterator[RecordFailure]:
        for name in absent:
            said = (
                f"the column {name} is absent; `missingColumns: null` in the contract would take it for null"
            )
            yield RecordFailure(RuleName(f"{name}.present"), name, None, said)
        if surplus and self.contract.policy.extra_columns == "fail":
            declared = {c.name for c in self._columns}
            masked = any(c.masked for c in self.contract.columns)  # it may be one of them, under a wrong name
            for name in [n for n in record if n not in declared]:
                said = f"the contract declares no column {name}; `extraColumns: drop` would leave it out"
                yield RecordFailure(RuleName(f"{name}.undeclared"), name, record[name], said, "fail", masked)

    def _failure(self, compiled: _Compiled, judged: _Judged, undecided: str | None) -> RecordFailure:
        rule, column = compiled.rule, compiled.columns[0]
        raw = judged.cells[column][1]
        if undecided is not None:
            return RecordFailure(rule.name, column, raw, undecided, "error", compiled.masked)
        outcome = failed(rule, self.contract, self._clock.now(), bad=1, rows=1)
        status: Status = "warn" if outcome.status == "warn" else "fail"
        return RecordFailure(rule.name, column, raw, outcome.told(compiled.message), status, compiled.masked)
