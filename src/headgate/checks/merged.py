"""The check of a merged table: rules about the table, and references that lead to it from others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from headgate.catalog.trees import Nodes
from headgate.checks.again import check_again, known_of_table
from headgate.checks.baseline import in_tree, shrunk
from headgate.checks.bounds import measured
from headgate.checks.evidence import attributed
from headgate.model.baseline import Baseline
from headgate.model.contract import TableContract
from headgate.model.names import RuleName, TableName, short
from headgate.model.rule import Measured, NotCompiled, References, Rule
from headgate.model.tree import DocumentEntry, TableEntry, Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Measurement, Ports

KnownAs = tuple[TableEntry, str, str, DocumentEntry | None]
"""What a verdict on one table depends on, but for its parents: its rows, its contract, its variables, its baseline."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Findings on the merged table, and the partials to keep with them."""

    findings: tuple[Finding, ...]
    partials: Mapping[str, bytes] = field(default_factory=dict)


def check_table(ports: Ports, entry: TableEntry, contract: TableContract) -> Merged:
    """Every rule about the table of ``contract``, measured on all of ``entry``; those about rows are not here."""
    rules = [r for r in contract.rules if isinstance(r.body, Measured) and r.scope == "table"]
    known, new = known_of_table(ports, entry, contract, rules)
    rest = [r for r in rules if r.name not in known]
    found = {name: Measurement(name, k.rows, k.failing, error=k.error) for name, k in known.items()}
    if rest:
        found |= {m.rule: m for m in ports.engine.measure(ports.lake.scan(entry), contract, rest)}
    now = ports.clock.now()
    findings = (measured(r, found[r.name], contract, now) for r in rules)
    return Merged(tuple(replace(f, how=known[f.rule].how) if f.rule in known else f for f in findings), new)


def referring(
    contracts: Mapping[TableName, TableContract], to: TableName
) -> Mapping[TableName, tuple[Rule, ...]]:
    """Tables whose rows refer to ``to``, itself included, and the rules that say so."""
    found = {
        table: tuple(r for r in c.rules if isinstance(r.body, References) and r.body.to_table == to)
        for table, c in contracts.items()
    }
    return {table: rules for table, rules in found.items() if rules}


def check_children(
    ports: Ports,
    after: Tree,
    contracts: Mapping[TableName, TableContract],
    changed: TableName,
    nodes: Nodes,
) -> tuple[Finding, ...]:
    """References to a table that lost rows, its own included: every child's value must still be there.

    Rule names are ``child:rule``: no delivered row is to blame, so a failure concerns the whole batch. ``nodes``:
    where documents of ``after`` are.
    """
    findings: list[Finding] = []
    for table, rules in referring(contracts, changed).items():
        if after.table(table) is None:
            continue
        verdict = check_again(ports, after, table, replace(contracts[table], rules=rules))
        verdict = in_tree(nodes, after, table, verdict)
        wanted = {r.name for r in rules}
        findings += [_of_table(table, f) for f in verdict.findings if f.rule in wanted]
    return tuple(findings)


def check_moved(
    ports: Ports,
    after: Tree,
    contracts: Mapping[TableName, TableContract],
    before: Mapping[TableName, TableContract],
    nodes: Nodes,
) -> tuple[Finding, ...]:
    """References that lead elsewhere, or nowhere, since other contracts changed: those of ``contracts`` that are other
    ones than in ``before``, of tables that have the same contract in both. Named as by `check_children`.
    """
    findings: list[Finding] = []
    for table, contract in contracts.items():
        was = before.get(table)
        if was is None or was.document != contract.document or after.table(table) is None:
            continue
        led = {r.name: r.body for r in was.rules if isinstance(r.body, References)}
        rules = tuple(r for r in contract.rules if r.name in led and r.body != led[r.name])
        if rules:
            verdict = check_again(ports, after, table, replace(contract, rules=rules))
            wanted = {r.name for r in rules}
            verdict = in_tree(nodes, after, table, verdict)
            findings += [_of_table(table, f) for f in verdict.findings if f.rule in wanted]
    return tuple(findings)


def still_known(
    ports: Ports,
    before: Tree,
    after: Tree,
    contracts: Mapping[TableName, TableContract],
    known: Mapping[TableName, Baseline],
    whole: Collection[TableName] = (),
) -> dict[TableName, Baseline]:
    """What is left of baselines in ``after``: of tables that lost rows, or whose parents are others than ``before``
    (a row that came there may be what an orphan lacked), and of numbers whose table is another (good rows that came
    may have brought a share within its bound). Of tables in ``whole`` every rule is looked at.
    """
    left = dict(known)
    for table, baseline in known.items():
        contract = contracts.get(table)
        if contract is None or after.table(table) is None or not baseline:
            continue
        lost = table in whole or _lost_rows(ports, before.table(table), after.table(table))
        other = before.table(table) != after.table(table)
        rules = tuple(
            r
            for r in contract.rules
            if r.name in baseline
            and (lost or (other and not r.about_rows) or _has_other_parents(r, before, after))
        )
        if rules:
            left[table] = shrunk(baseline, check_again(ports, after, table, replace(contract, rules=rules)))
    return left


def _has_other_parents(rule: Rule, before: Tree, after: Tree) -> bool:
    return isinstance(rule.body, References) and before.table(rule.body.to_table) != after.table(
        rule.body.to_table
    )


def combined(delivered: Verdict, merged: tuple[Finding, ...], contract: TableContract) -> Verdict:
    """One verdict on the merged table: rows as they were judged on delivery, the table as it is now."""
    by_name = {f.rule: f for f in merged}
    about_table = {r.name for r in contract.rules if isinstance(r.body, Measured) and r.scope == "table"}
    kept = tuple(
        by_name.pop(f.rule, f) for f in delivered.findings if f.rule not in about_table or f.rule in by_name
    )
    return attributed(replace(delivered, findings=kept + tuple(by_name.values())), contract)


def check_changed(
    ports: Ports,
    before: Tree,
    after: Tree,
    contracts: Mapping[TableName, TableContract],
    allowed: frozenset[str] = frozenset(),
    known: dict[KnownAs, Verdict] | None = None,
    nodes: Nodes | None = None,
    were: Mapping[TableName, TableContract] | None = None,
) -> Verdict:
    """One verdict on a tree: every table that differs from ``before`` is checked whole, and who refers to one.

    ``known`` remembers verdicts over several attempts: versions of tables, contracts and baselines never change.
    ``nodes``: where documents of ``after`` are, if not in the store. ``were``: the contracts of
    ``before`` that name objects of others.
    Rule names carry their table (``orders:amount.minimum``).
    """
    known = {} if known is None else known
    nodes = ports.store if nodes is None else nodes
    findings: list[Finding] = []
    rows = files = 0
    changed = [
        t
        for t in after.tables()
        if (after.table(t), after.contract(t)) != (before.table(t), before.contract(t))
    ]
    gone = [t for t in before.tables() if after.table(t) is None]
    for table in changed:
        contract, entry = contracts.get(table), after.table(table)
        if contract is None or entry is None:
            continue  # unguarded: shown as such wherever it is shown
        key = (entry, contract.document, contract.variables, after.baseline(table))
        if key not in known or _refers(contract):  # what it refers to may be another meanwhile
            found = check_again(ports, after, table, contract, allowed)
            known[key] = in_tree(nodes, after, table, found)
        verdict = known[key]
        rows, files = rows + verdict.rows, files + verdict.files
        findings += [_of_table(table, f) for f in verdict.findings]
    others = {t: c for t, c in contracts.items() if t not in changed}
    for table in (*changed, *gone):
        if _lost_rows(ports, before.table(table), after.table(table)):
            findings += check_children(ports, after, others, table, nodes)
    findings += check_moved(ports, after, others, were or {}, nodes)
    findings = list({f.rule: f for f in findings}.values())
    names = allowed_of(findings, allowed)
    return Verdict("", "", rows, 0, files, tuple(findings), allowed=names, engine=ports.engine.name)


def allowed_of(findings: Collection[Finding], allowed: Collection[str]) -> frozenset[str]:
    """Which findings named ``table:rule`` are allowed: by that name, or by the rule's alone."""
    return frozenset(f.rule for f in findings if f.rule in allowed or f.rule.partition(":")[2] in allowed)


def _lost_rows(ports: Ports, was: TableEntry | None, now: TableEntry | None) -> bool:
    if was is None or was == now:
        return False
    left = {f.path for f in ports.lake.files(now)} if now is not None else set()
    return any(f.path not in left for f in ports.lake.files(was))


def _refers(contract: TableContract) -> bool:
    return any(isinstance(r.body, References | NotCompiled) for r in contract.rules)


def _of_table(table: TableName, finding: Finding) -> Finding:
    return replace(finding, rule=RuleName(f"{short(table)}:{finding.rule}"))
