"""The validator of single records, asked about every row of a case by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.edge.record.rules import columns_of
from headgate.edge.record.validator import RecordValidator, RecordVerdict, validator
from headgate.edge.rows import Rows, collected, rows_of
from headgate.model.contract import TableContract
from headgate.model.rule import Measured, NotCompiled, References, Rule, Told, Unique
from headgate.model.verdict import Finding, Status

if TYPE_CHECKING:
    from check.engines import Answer, Asked
    from check.pages import Case


def declines(case: Case) -> str | None:
    if case.rows.kind == "typed" and "[ns" in case.rows.text:
        return "Python has no nanoseconds"
    return None


def speaks_of(rule: Rule) -> bool:
    """What one record shows. All else is in `not_checked`: `judge` holds that."""
    return rule.about_rows and not hasattr(rule.body, "columns")


def judge(asked: Asked) -> Answer:
    from check.engines import Answer

    contract = asked.contract
    found = validator(contract)
    rules = contract.complete_rules
    aside = {n.rule: n.why for n in found.not_checked}
    # No rule may be passed over in silence: each is either run or told of.
    assert {r.name for r in rules if not speaks_of(r)} <= aside.keys()
    verdicts = [v for part in records(rows_of(asked.delivery.rows), contract) for v in _each(found, part)]
    failing: dict[str, list[int]] = {}
    statuses: dict[str, Status] = {}
    for number, verdict in enumerate(verdicts, start=1):
        for failure in (*verdict.failures, *verdict.warnings):
            failing.setdefault(failure.rule, []).append(number)
            statuses[failure.rule] = failure.status
    known = {r.name for r in rules}
    structure = [rule for rule in failing if rule not in known]
    gone = {rule.removesuffix(".present") for rule in structure if rule.endswith(".present")}
    findings = [Finding(rule, "fail") for rule in structure]  # type: ignore[arg-type]
    for rule in rules:
        if not speaks_of(rule):
            continue
        if rule.name in aside:
            findings.append(Finding(rule.name, "error"))
        elif gone & set(_columns(rule)):
            findings.append(Finding(rule.name, "not_executed"))
        else:
            findings.append(Finding(rule.name, statuses.get(rule.name, "pass")))
    shown = {rule: tuple(rows) for rule, rows in failing.items() if rule in known}
    return Answer(tuple(findings), shown)


def _columns(rule: Rule) -> tuple[str, ...]:
    assert not isinstance(rule.body, Unique | References | Measured | Told | NotCompiled)
    return columns_of(rule.body) + (columns_of(rule.where) if rule.where else ())


def _each(found: RecordValidator, rows: list[dict[str, object]]) -> list[RecordVerdict]:
    return [found.validate(row) for row in rows]


def records(rows: Rows, contract: TableContract) -> list[list[dict[str, object]]]:
    """The rows of each part as dictionaries; of a file without a header by the contract's names."""
    found = []
    for part in rows.parts:
        frame = collected(part.lazy)
        names = part.columns
        if part.text and rows.dialect is not None and not rows.dialect.header:
            declared = tuple(c.name for c in contract.columns)
            names = declared[: len(names)] + names[len(declared) :]
        columns = [frame.get_column(f"c{i}").to_list() for i in range(len(names))]
        found.append([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])
    return found
