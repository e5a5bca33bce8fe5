"""`headgate show`: one table, run, batch or commit, found by its name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import failures, show_failures, tally
from headgate.cli.history import changes_of, show_changes
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, harmless, painted, say, table
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import RunId, TableName, short, table_name

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.batch import BatchRow
    from headgate.model.commit import Commit
    from headgate.model.contract import ColumnType
    from headgate.model.run import Run
    from headgate.project import Project


def show(parser: Parser) -> None:
    parser.tell(
        "One thing in full: a table (columns, contract, last verdict), a run (what it did), a batch (what became of "
        "it) or a commit (what it changed).",
        "headgate show orders --ref production",
        "headgate show r01JD...",
        "headgate show b3f2a9c1d...",
        "headgate show 3f2a9c1d",
    )
    parser.add_argument("what", metavar="WHAT", help="a table, run, batch or commit")
    parser.add_argument("--ref", metavar="REF", default="main", help="where a table is looked for (main)")
    parser.runs(_show)


def _show(args: Args) -> Answer:
    project = project_of(args)
    store = project.ports.store
    name = _table_named(args.what)
    if name is not None and project.tree(args.ref).table(name) is not None:
        return _table(project, name, args.ref)
    run = store.run(RunId(args.what))
    if run is not None:
        return _run(project, run)
    batches = [b for b in store.batches() if b.batch == args.what]
    if batches:
        return _batch(batches)
    try:
        commit = project.resolve(args.what)
    except NotThere as error:
        raise _unknown(project, args) from error
    found = store.commit_of(commit)
    assert found is not None
    return _commit(project, found)


def _table_named(text: str) -> TableName | None:
    try:
        return table_name(text)
    except WrongUse:
        return None


def _unknown(project: Project, args: Args) -> NotThere:
    store = project.ports.store
    known = [short(t) for t in project.tree(args.ref).tables()]
    known += [r.name for r in store.refs()] + [b.batch for b in store.batches()]
    return NotThere.among("table, run, batch or commit", args.what, known)


# -- a table ------------------------------------------------------------------------------------------------


def _table(project: Project, name: TableName, ref: str) -> Answer:
    from headgate.flow.status import last_verdict

    found = project.table(name, ref)
    columns = [
        {"column": c.name, "type": type_name(c.type), "required": c.required}
        for c in (found.contract.columns if found.contract else project.ports.lake.columns(found.entry))
    ]
    last = last_verdict(project.ports, name, found.commit)
    rows = found.rows()
    document: dict[str, Any] = {
        "table": short(name),
        "ref": ref,
        "commit": found.commit,
        "rows": rows,
        "contract": found.contract.id if found.contract else None,
        "contract_version": found.contract.version if found.contract else None,
        "unguarded": found.contract is None,
        "primary_key": list(found.contract.primary_key) if found.contract else [],
        "columns": columns,
        "rules": wire.rules(last.verdict.findings) if last and found.contract else [],
    }

    def show_(screen: Screen) -> None:
        guard = f"contract {found.contract.id} {found.contract.version}" if found.contract else "unguarded"
        say(f"{painted(screen, short(name), 'bold')} on {ref}: {rows:,} rows, {harmless(guard)}")
        say(f"  commit {found.commit[:12]}")
        if document["primary_key"]:
            say(f"  primary key {', '.join(document['primary_key'])}")
        say()
        cells = [(c["column"], c["type"], "required" if c["required"] else "") for c in columns]
        table(screen, ("column", "type", ""), cells)
        if last and found.contract:
            say()
            show_failures(screen, last.verdict.findings, last.verdict.allowed)
            say(f"last verdict {painted(screen, 'passed' if last.verdict.passed else 'failed')}: "
                f"{tally(last.verdict.findings)}")  # fmt: skip

    return Answer(document, show_)


def type_name(found: ColumnType) -> str:
    """``integer``, ``decimal(10,2)``, ``timestamp without zone``."""
    from headgate.model import contract as model

    match found:
        case model.DecimalType(precision, scale):
            return f"decimal({precision},{scale})"
        case model.TimestampType(zoned=False):
            return "timestamp without zone"
        case model.ArrayType(items):
            return f"array of {type_name(items)}" if items is not None else "array"
        case _:
            return type(found).__name__.removesuffix("Type").lower()


# -- a run, a batch, a commit -------------------------------------------------------------------------------


def _run(project: Project, run: Run) -> Answer:
    store = project.ports.store
    steps = [s.step for s in store.steps(run.id)]
    verdicts = [v for v in store.verdicts(limit=10_000) if v.run == run.id]
    batches = [b for b in store.batches() if b.run == run.id]
    document: dict[str, Any] = {
        **wire.run(run),
        "intent": dict(run.intent),
        "steps": steps,
        "batches": [wire.batch(b) for b in batches],
        "rules": wire.rules(verdicts[0].verdict.findings) if verdicts else [],
    }

    def show_(screen: Screen) -> None:
        outcome = painted(screen, run.outcome or run.state)
        say(
            f"{painted(screen, run.id, 'bold')} {run.kind} of {wire.subject(run.subject)} onto {run.target}: {outcome}"
        )
        ended = f", ended {run.ended:%H:%M:%S}" if run.ended else ", not ended"
        say(f"  started {run.started:%Y-%m-%d %H:%M:%S} UTC{ended}")
        if run.branch:
            say(f"  branch {run.branch}")
        for each in batches:
            _say_batch(screen, each)
        if verdicts:
            found = verdicts[0].verdict
            show_failures(screen, found.findings, found.allowed)
            if not failures(found.findings, found.allowed):
                say(f"  {tally(found.findings)}")

    return Answer(document, show_)


def _batch(batches: list[BatchRow]) -> Answer:
    document = {"batch": batches[0].batch, "batches": [wire.batch(b) for b in batches]}

    def show_(screen: Screen) -> None:
        say(f"batch {painted(screen, batches[0].batch, 'bold')} of {short(batches[0].table)}")
        for each in batches:
            _say_batch(screen, each)
            for found in each.objects:
                say(f"    {harmless(found.location)}  {found.bytes:,} bytes  sha256 {found.digest[:12]}")

    return Answer(document, show_)


def _say_batch(screen: Screen, found: BatchRow) -> None:
    c = found.counts
    where = f"commit {found.commit[:12]}" if found.commit else "no commit"
    say(f"  {painted(screen, found.outcome)} in run {found.run}, {where}")
    say(
        f"    {c.rows_in:,} in = {c.rows_good:,} good + {c.rows_quarantined:,} quarantined"
        f" + {c.rows_deduplicated:,} deduplicated + {c.rows_superseded:,} superseded"
    )


def _commit(project: Project, found: Commit) -> Answer:
    changes = (
        changes_of(project, project.diff(found.parents[0], found.id))
        if found.parents
        else changes_of(project, ())
    )

    def show_(screen: Screen) -> None:
        say(f"commit {painted(screen, found.id, 'bold')}")
        say(f"  {harmless(found.message)}")
        say(f"  by {harmless(found.author)} at {found.at:%Y-%m-%d %H:%M:%S} UTC")
        for name, value in (("run", found.run), ("reverts", found.reverts)):
            if value:
                say(f"  {name} {value}")
        for parent in found.parents:
            say(f"  parent {parent[:12]}")
        show_changes(screen, changes)

    return Answer({**wire.commit(found), "changes": changes}, show_)
