"""The check of one table of a tree: cold, or at the cost of what is new since it was checked last.

Both give the same verdict. The second asks first which rules nothing can fail (statistics, partials); what is left
are rules that some rows fail, and only the files that hold those rows are read again, to say which rows they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.checks.bounds import measured
from headgate.checks.evidence import attributed
from headgate.checks.partials import Known, about_keys, adds_up, filled_keys, keep, summed, together
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName
from headgate.model.rule import Measured, References, RowCount, Rule
from headgate.model.tree import TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Frame, Measurement, Remembering, TableRules

_NOT_RUN = {"not_executed", "error"}


def check_whole(
    ports: Remembering,
    tree: Tree,
    table: TableName,
    contract: TableContract,
    allowed: frozenset[str] = frozenset(),
) -> Verdict:
    """Every rule on every row of a table, from the data themselves: cold, nothing remembered.

    Rules about what one delivery holds say nothing about a table, which many have filled.
    """
    whole = _Whole(ports, tree, _entry(tree, table), contract, allowed)
    verdict = whole.check(contract.rules, None)
    verdict = replace(verdict, files=len(ports.lake.files(whole.entry)))
    return attributed(verdict, contract, ports.engine.name)


def check_again(
    ports: Remembering,
    tree: Tree,
    table: TableName,
    contract: TableContract,
    allowed: frozenset[str] = frozenset(),
    table_rules: TableRules = "table",
) -> Verdict:
    """The verdict of `check_whole`, of which only what is new is looked at; it is remembered for the next time.
    ``table_rules``: "all" where rows were delivered and are a table, too.

    Rules that ask for the time or run users' SQL are always run on all rows. Of a rule that rows fail, samples are
    taken anew from the files that hold them.
    """
    whole = _Whole(ports, tree, _entry(tree, table), contract, allowed, table_rules)
    rules = contract.complete_rules
    here = [
        r for r in rules if r.about_rows or (isinstance(r.body, Measured) and table_rules in (r.scope, "all"))
    ]
    cold = [r for r in here if not (adds_up(r) or about_keys(r) or counts_rows(r))]
    # Without any rows: what cannot be run at all is told as such, and what nothing fails passes.
    told = whole.check([r for r in rules if r not in cold], frozenset())
    off = {f.rule for f in told.findings if f.status in _NOT_RUN}
    asked = [r for r in here if r.name not in off and r not in cold]
    known, new = whole.known(asked)
    keep(ports, new)
    cold += [r for r in asked if known[r.name].failing is None]
    failing = [r for r in asked if r.about_rows and known[r.name].failing]
    findings = {f.rule: f for f in told.findings}
    findings |= whole.measured([r for r in asked if not r.about_rows and r not in cold], known)
    findings |= {
        r.name: replace(findings[r.name], how=known[r.name].how)
        for r in asked
        if r.about_rows and r not in failing and r not in cold
    }
    again = [*failing, *cold]
    bad = 0
    if again:
        # Of a rule that looks at some rows only, how many those are in all is part of what is said.
        parted = again == failing and all(r.where is None for r in failing)
        verdict = whole.check(again, _files_of(failing, known) if parted else None)
        wanted = {r.name for r in again}
        findings |= {f.rule: f for f in verdict.findings if f.rule in wanted}
        bad = verdict.rows_bad
    rows = ports.lake.rows(whole.entry)
    order = [f.rule for f in told.findings if f.rule not in {r.name for r in rules}]
    verdict = replace(
        told,
        rows=rows,
        rows_bad=rows if order else bad,  # columns that are absent or undeclared are every row's fault
        files=len(ports.lake.files(whole.entry)),
        findings=tuple(findings[name] for name in (*order, *(r.name for r in rules))),
    )
    return attributed(verdict, contract, ports.engine.name)


def counts_rows(rule: Rule) -> bool:
    """True for the number of rows in all, which nobody has to read for."""
    body = rule.body
    return isinstance(body, Measured) and isinstance(body.measure, RowCount) and not (body.by or rule.where)


def known_of_table(
    ports: Remembering, entry: TableEntry, contract: TableContract, rules: Sequence[Rule]
) -> tuple[dict[RuleName, Known], Mapping[str, bytes]]:
    """What is known of rules about the table, and the partials to keep; of the others nothing is."""
    whole = _Whole(ports, Tree({}), entry, contract, frozenset())
    return whole.known([r for r in rules if adds_up(r) or about_keys(r) or counts_rows(r)])


@dataclass(frozen=True, slots=True)
class _Whole:
    """One table of one tree, under a contract."""

    ports: Remembering
    tree: Tree
    entry: TableEntry
    contract: TableContract
    allowed: frozenset[str]
    table_rules: TableRules = "table"

    def check(self, rules: Collection[Rule], paths: Collection[str] | None) -> Verdict:
        """``rules`` over some files, or all (None). Rows of the others are known to fail none of them."""
        lake = self.ports.lake
        rows = lake.scan(self.entry, paths)
        beside = 0
        if paths is not None:
            beside = sum(f.rows for f in lake.files(self.entry) if f.path not in paths)
        only = replace(self.contract, rules=tuple(rules))
        return self.ports.engine.check(
            rows,
            only,
            parents=self._parents(rules, empty=paths is not None and not paths),
            existing={},
            table_rules=self.table_rules,
            allowed=self.allowed,
            beside=beside,
        ).verdict

    def _parents(self, rules: Collection[Rule], *, empty: bool) -> Mapping[TableName, Frame]:
        wanted = {r.body.to_table for r in rules if isinstance(r.body, References)}
        found = {t: entry for t in wanted if (entry := self.tree.table(t)) is not None}
        return {t: self.ports.lake.scan(entry, () if empty else None) for t, entry in found.items()}

    def known(self, rules: Sequence[Rule]) -> tuple[dict[RuleName, Known], Mapping[str, bytes]]:
        ports, rows = self.ports, self.ports.lake.rows(self.entry)
        keys = [r for r in rules if about_keys(r)]
        filled = {r.name: f for r in keys if (f := filled_keys(r)) is not None}
        asked = [*(r for r in rules if adds_up(r)), *filled.values()]
        sums = summed(ports, self.tree, self.entry, self.contract, asked)
        nulls = {name for name, f in filled.items() if sums.known[f.name].failing != 0}
        held = together(ports, self.entry, self.contract, keys, nulls, self._of_keys)
        counted = {r.name: Known(rows, rows, "statistics") for r in rules if counts_rows(r)}
        return {**sums.known, **held.known, **counted}, {**sums.new, **held.new}

    def _of_keys(self, rules: Sequence[Rule]) -> Mapping[RuleName, Known]:
        """Rules about keys over all rows."""
        paths = frozenset(f.path for f in self.ports.lake.files(self.entry))
        measures = [r for r in rules if not r.about_rows]
        rows = self.ports.lake.scan(self.entry)
        measurements = self.ports.engine.measure(rows, self.contract, measures) if measures else ()
        found = {m.rule: Known(m.rows, m.failing, "scan", error=m.error) for m in measurements}
        about_rows = [r for r in rules if r.about_rows]
        if about_rows:
            wanted = {r.name for r in about_rows}
            verdict = self.check(about_rows, None)
            for f in verdict.findings:
                if f.rule in wanted:
                    found[f.rule] = Known(
                        verdict.rows, f.rows_failed, "scan", paths if f.rows_failed else frozenset()
                    )
        return found

    def measured(self, rules: Sequence[Rule], known: Mapping[RuleName, Known]) -> Mapping[RuleName, Finding]:
        """Findings of rules about the table."""
        found: dict[RuleName, Finding] = {}
        now = self.ports.clock.now()
        for rule in rules:
            k = known[rule.name]
            number = Measurement(rule.name, k.rows, k.failing, error=k.error)
            found[rule.name] = replace(measured(rule, number, self.contract, now), how=k.how)
        return found


def _files_of(rules: Sequence[Rule], known: Mapping[RuleName, Known]) -> frozenset[str]:
    return frozenset[str]().union(*(known[r.name].at for r in rules))


def _entry(tree: Tree, table: TableName) -> TableEntry:
    entry = tree.table(table)
    assert entry is not None
    return entry
