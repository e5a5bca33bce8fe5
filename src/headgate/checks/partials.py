"""Partials: what a rule found in one data file, or over a set of them. Kept for ever, since files never change.

A partial's key is everything that it depends on; so there is nothing to invalidate. What depends on more than a key
can name (user's SQL, the time) is never kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.checks.lookups import parents_of, unique
from headgate.checks.proofs import Stored, none_fails
from headgate.model.change import Changes
from headgate.model.contract import TableContract
from headgate.model.errors import Unavailable
from headgate.model.names import RuleName
from headgate.model.rule import (
    Age,
    AllOf,
    Body,
    DuplicateRows,
    FailingRows,
    Measured,
    Not,
    NotCompiled,
    NotNull,
    Predicate,
    References,
    RowCount,
    Rule,
    SqlResult,
    Told,
    Unique,
)
from headgate.model.tree import TableEntry, Tree
from headgate.model.verdict import How
from headgate.ports import Measurement, Remembering

_SHARES = 16  # into which files are parted to find those that fail: 16 files are read twice, 1,000 four times
_FORM = 2  # of keys and bodies; to be raised when either comes to mean something else


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one rule over all files of a table.

    ``failing``: rows that fail it, None if that is not known yet; ``at``: the files they are in. ``how`` it is known.
    """

    rows: int
    failing: int | None
    how: How
    at: frozenset[str] = frozenset()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Summed:
    """What is known of rules, and the partials that were not known before. ``read``: files that had to be."""

    known: Mapping[RuleName, Known]
    new: Mapping[str, bytes] = field(default_factory=dict)
    read: frozenset[str] = frozenset()


def adds_up(rule: Rule) -> bool:
    """True for counts over rows: they add up over files, and depend on the file, the rule, and what it refers to."""
    if isinstance(rule.body, Measured):
        some = (
            isinstance(rule.body.measure, RowCount) and rule.where is not None
        )  # all are counted without reading
        return (some or isinstance(rule.body.measure, FailingRows)) and not rule.body.by
    return isinstance(rule.body, References) or predicate_of(rule) is not None


def about_keys(rule: Rule) -> bool:
    """True where one file's rows fail because of another's: what is known is known of a set of files."""
    if isinstance(rule.body, Measured):
        return isinstance(rule.body.measure, DuplicateRows) and not rule.body.by
    return isinstance(rule.body, Unique)


def filled_keys(rule: Rule) -> Rule | None:
    """What a rule about keys asks of each row by itself, as a rule of its own: that no part of its key is null."""
    if not isinstance(rule.body, Unique) or not rule.body.required:
        return None
    body = AllOf(tuple(NotNull(name) for name in rule.body.columns))
    return Rule(RuleName(f"{rule.name} filled"), body, where=rule.where)


def predicate_of(rule: Rule) -> Predicate | None:
    """What the rule asks of each row by itself."""
    body = rule.body.measure if isinstance(rule.body, Measured) else rule.body
    match body:
        case FailingRows():
            return body.predicate
        case (
            Unique() | References() | Measured() | Told() | NotCompiled() | RowCount() | DuplicateRows()
            | SqlResult() | Age()
        ):  # fmt: skip
            return None
    return body


def columns_in(body: Body | None) -> frozenset[str]:
    """The columns of its own table that a rule speaks of."""
    match body:
        case None | Told() | NotCompiled():
            return frozenset()
        case AllOf():
            return frozenset[str]().union(*(columns_in(part) for part in body.parts))
        case Not():
            return columns_in(body.predicate)
        case Unique() | References():
            return frozenset(body.columns)
        case Measured():
            own = frozenset(body.by)
            match body.measure:
                case FailingRows():
                    return own | columns_in(body.measure.predicate)
                case DuplicateRows():
                    return own | frozenset(body.measure.columns)
                case Age():
                    return own | {body.measure.column}
                case RowCount() | SqlResult():
                    return own
    return frozenset({body.column})


# -- keys ---------------------------------------------------------------------------------------------------


def rule_key(rule: Rule, contract: TableContract, stored: Stored, engine_version: str) -> str:
    """All that a partial depends on besides files: what is asked, of which rows, the declared and the stored types
    of the columns that it is asked of, and who renders it. Not among it: names, bounds, what a failure leads to.
    """
    asked = rule.body.measure if isinstance(rule.body, Measured) else rule.body
    by = rule.body.by if isinstance(rule.body, Measured) else ()
    columns = sorted(columns_in(rule.body) | columns_in(rule.where))
    declared = {c.name: c.type for c in contract.columns}
    types = [[name, repr(declared.get(name)), repr(stored.get(name))] for name in columns]
    lenient = contract.policy.missing_columns
    said = [_FORM, repr(asked), by, repr(rule.where), types, lenient, engine_version]
    return _digest(json.dumps(said))


def file_key(path: str, rule: str) -> str:
    """Of a partial about one data file; ``rule`` is its `rule_key`. A path is never given to another file."""
    return _digest(f"{rule} file {path}")


def set_key(paths: Iterable[str], rule: str) -> str:
    """Of a partial about a set of data files, in whatever order."""
    return _digest("\n".join((f"{rule} set", *sorted(paths))))


def whole_key(ports: Remembering, tree: Tree, rule: Rule, contract: TableContract, stored: Stored) -> str:
    """`rule_key`, and what the rule refers to, if it does."""
    key = rule_key(rule, contract, stored, ports.engine.version())
    if isinstance(rule.body, References) and (parent := tree.table(rule.body.to_table)) is not None:
        return _digest(f"{key} of {parent_key(ports, parent, rule.body.to_columns)}")
    return key


def parent_key(ports: Remembering, parent: TableEntry, columns: Sequence[str]) -> str:
    """Of the table that a rule refers to: its files, and the types of the columns referred to."""
    types = {c.name: repr(c.type) for c in ports.lake.columns(parent)}
    paths = sorted(f.path for f in ports.lake.files(parent))
    return _digest(json.dumps([parent.uuid, [[name, types.get(name)] for name in columns], paths]))


@dataclass(frozen=True, slots=True)
class Parents:
    """The table that a rule refers to, while it only grows: whoever had a parent there has it still.

    ``line``: what stays as it grows, the rule among it; ``files``: what it has grown to.
    """

    line: str
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        """Of the list of ``files``."""
        return _digest(json.dumps(["parents", self.files]))

    def child_key(self, path: str) -> str:
        """Of a file of which every row has its parent; what is kept there names the list of files."""
        return file_key(path, self.line)


def parents_in(ports: Remembering, tree: Tree, rule: Rule, key: str) -> Parents | None:
    """What a rule refers to; ``key`` is its `rule_key`. None if that is nothing, or not there."""
    if not isinstance(rule.body, References) or (parent := tree.table(rule.body.to_table)) is None:
        return None
    types = {c.name: repr(c.type) for c in ports.lake.columns(parent)}
    files = [f.path for f in ports.lake.files(parent)]
    # A table whose oldest file was written anew begins another line.
    said = [key, parent.uuid, [types.get(name) for name in rule.body.to_columns], files[:1]]
    return Parents(_digest(json.dumps(said)), tuple(sorted(files)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keep(ports: Remembering, new: Mapping[str, bytes]) -> None:
    """Remember partials. Whether that succeeds matters to nobody: what is not remembered is looked at again."""
    if new:
        with contextlib.suppress(Unavailable):  # a catalog that only readers may use
            ports.store.commit(Changes(partials=new))


# -- rules that add up over files ---------------------------------------------------------------------------


def summed(
    ports: Remembering, tree: Tree, entry: TableEntry, contract: TableContract, rules: Sequence[Rule]
) -> Summed:
    """Count failing rows of ``rules`` (all of them `adds_up`); only files that nothing is known of are read."""
    if not rules:
        return Summed({})
    files = ports.lake.files(entry)
    stored = {c.name: c.type for c in ports.lake.columns(entry)}
    keys = {r.name: whole_key(ports, tree, r, contract, stored) for r in rules}
    paths = [f.path for f in files]
    whole = {name: set_key(paths, key) for name, key in keys.items()}
    kept = ports.store.partials(whole.values())
    known = {r.name: _told(kept[whole[r.name]]) for r in rules if whole[r.name] in kept}
    rest = [r for r in rules if r.name not in known]
    table = _ByFile(ports, tree, entry, contract, {r.name: keys[r.name] for r in rest})
    for rule in rest:
        parents = parents_in(ports, tree, rule, rule_key(rule, contract, stored, ports.engine.version()))
        if parents is not None:
            table.parents[rule.name] = parents
    table.look_up(rest, stored)
    table.measure(rest)
    new = dict(table.new)
    for rule in rest:
        found = table.total(rule.name)
        known[rule.name] = found
        if found.error is None:
            new[whole[rule.name]] = _body(found)
    return Summed(known, new, frozenset(table.read))


class _ByFile:
    """Counts of several rules, file by file, while they are gathered."""

    def __init__(
        self,
        ports: Remembering,
        tree: Tree,
        entry: TableEntry,
        contract: TableContract,
        keys: Mapping[RuleName, str],
    ) -> None:
        self._ports, self._tree, self._entry, self._contract = ports, tree, entry, contract
        self._files, self._keys = ports.lake.files(entry), keys
        self.counts: dict[tuple[RuleName, str], tuple[int, int]] = {}  # rows, and how many of them fail
        self.hows: dict[RuleName, set[How]] = {name: set() for name in keys}
        self.parents: dict[RuleName, Parents] = {}
        self.errors: dict[RuleName, str] = {}
        self.new: dict[str, bytes] = {}
        self.read: set[str] = set()

    def look_up(self, rules: Sequence[Rule], stored: Stored) -> None:
        """First what statistics prove, then what is remembered. A share of rows needs those that count: with a
        ``where``, statistics do not say how many there are.
        """
        wanted: dict[str, tuple[RuleName, str]] = {}
        for rule in rules:
            predicate = predicate_of(rule)
            if isinstance(rule.body, Measured) and rule.where is not None:
                predicate = None
            for file in self._files:
                if predicate is not None and none_fails(predicate, file, self._contract, stored):
                    self._set(rule.name, file.path, (file.rows, 0), "statistics")
                else:
                    wanted[file_key(file.path, self._keys[rule.name])] = (rule.name, file.path)
        for key, body in self._ports.store.partials(wanted.keys()).items():
            rows, failing = json.loads(body)
            self._set(*wanted[key], (rows, failing), "partial")
        self._look_up_children()

    def _look_up_children(self) -> None:
        """Files of which every row had its parent when there were fewer of them."""
        wanted = {
            parents.child_key(f.path): (name, f.path)
            for name, parents in self.parents.items()
            for f in self._files
            if (name, f.path) not in self.counts
        }
        kept = {key: json.loads(body) for key, body in self._ports.store.partials(wanted.keys()).items()}
        lists = self._ports.store.partials({key for _, key in kept.values()})
        for key, (rows, files) in kept.items():
            name, path = wanted[key]
            if files in lists and set(json.loads(lists[files])).issubset(self.parents[name].files):
                self._set(name, path, (rows, 0), "partial")

    def measure(self, rules: Sequence[Rule]) -> None:
        """Read the rest: all files at once, and one by one only for rules that some row of them fails."""
        asked: dict[tuple[str, ...], list[Rule]] = {}
        for rule in rules:
            missing = tuple(f.path for f in self._files if (rule.name, f.path) not in self.counts)
            if missing:
                asked.setdefault(missing, []).append(rule)
        for paths, missed in asked.items():
            self._measure(paths, missed)

    def _measure(self, paths: Sequence[str], rules: Sequence[Rule]) -> None:
        rows_of = {f.path: f.rows for f in self._files}
        self.read.update(paths)
        apart: list[Rule] = []
        for rule, found in self._ask(paths, rules):
            # A share is of the rows that count, and with a ``where`` each file has its own number of those.
            whole = not isinstance(rule.body, Measured) or found.rows == sum(rows_of[path] for path in paths)
            if found.error is not None:
                self.errors[rule.name] = found.error
            elif len(paths) == 1:
                self._learn(rule, paths[0], (found.rows, found.failing or 0))
            elif not found.failing and whole:
                for path in paths:
                    self._learn(rule, path, (rows_of[path], 0))
            else:
                apart.append(rule)
        if apart:
            share = -(-len(paths) // _SHARES)
            for first in range(0, len(paths), share):
                self._measure(paths[first : first + share], apart)

    def _ask(self, paths: Sequence[str], rules: Sequence[Rule]) -> Iterable[tuple[Rule, Measurement]]:
        rows = self._ports.lake.scan(self._entry, paths)
        wanted = set(paths)
        count = sum(f.rows for f in self._files if f.path in wanted)
        parents = parents_of(self._ports, self._tree, self._contract, rules, rows, count)
        return zip(rules, self._ports.engine.measure(rows, self._contract, rules, parents), strict=True)

    def _learn(self, rule: Rule, path: str, count: tuple[int, int]) -> None:
        self._set(rule.name, path, count, "scan")
        self.new[file_key(path, self._keys[rule.name])] = json.dumps(count).encode()
        rows, failing = count
        if not failing and (parents := self.parents.get(rule.name)) is not None:
            self.new[parents.child_key(path)] = json.dumps([rows, parents.key]).encode()
            self.new[parents.key] = json.dumps(parents.files).encode()

    def _set(self, name: RuleName, path: str, count: tuple[int, int], how: How) -> None:
        self.counts[name, path] = count
        self.hows[name].add(how)

    def total(self, name: RuleName) -> Known:
        if name in self.errors:
            return Known(0, None, "scan", error=self.errors[name])
        found = {f.path: self.counts[name, f.path] for f in self._files}
        at = frozenset(path for path, (_, failing) in found.items() if failing)
        rows, failing = (sum(count[i] for count in found.values()) for i in (0, 1))
        return Known(rows, failing, _how(self.hows[name]), at)


def _how(hows: set[How]) -> How:
    """The least that can be said of all files together."""
    return "scan" if "scan" in hows else "partial" if "partial" in hows else "statistics"


def _body(known: Known) -> bytes:
    how = "statistics" if known.how == "statistics" else "partial"
    return json.dumps([known.rows, known.failing, sorted(known.at), how]).encode()


def _told(body: bytes) -> Known:
    rows, failing, at, how = json.loads(body)
    return Known(rows, failing, how, frozenset(at))


# -- rules about keys ---------------------------------------------------------------------------------------


def together(
    ports: Remembering,
    entry: TableEntry,
    contract: TableContract,
    rules: Sequence[Rule],
    nulls: Collection[RuleName],
    measure: Callable[[Sequence[Rule]], Mapping[RuleName, Known]],
) -> Summed:
    """What is known of ``rules`` (all of them `about_keys`) over exactly these files: remembered, or by the index.
    ``nulls``: those that some row fails by itself. ``measure`` finds the others.
    """
    if not rules:
        return Summed({})
    version, rows = ports.engine.version(), ports.lake.rows(entry)
    stored = {c.name: c.type for c in ports.lake.columns(entry)}
    paths = [f.path for f in ports.lake.files(entry)]
    keys = {r.name: set_key(paths, rule_key(r, contract, stored, version)) for r in rules}
    kept = ports.store.partials(keys.values())
    known = {r.name: _told(kept[keys[r.name]]) for r in rules if keys[r.name] in kept}
    found = {
        r.name: Known(rows, 0, "lookup")
        for r in rules
        if r.name not in {*known, *nulls} and unique(ports, entry, contract, r)
    }
    rest = [r for r in rules if r.name not in known and r.name not in found]
    found |= measure(rest) if rest else {}
    new = {keys[name]: _body(k) for name, k in found.items() if k.error is None and k.failing is not None}
    return Summed({**known, **found}, new, frozenset(paths if rest else ()))
