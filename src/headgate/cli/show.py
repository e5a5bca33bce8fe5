"""`headgate show`: one table, run, batch or commit, found by its name alone."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from headgate.cli import outputs, wire
from headgate.cli.answer import Answer
from headgate.cli.evidence import Evidence, masked, of_tree
from headgate.cli.findings import counted, looked_at, show_failures, tally
from headgate.cli.history import changes_of, show_changes
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, harmless, painted, say, table
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import RunId, TableName, short, table_name

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.batch import BatchRow
    from headgate.model.change import VerdictRow
    from headgate.model.commit import Commit
    from headgate.model.contract import ColumnType
    from headgate.model.run import Run
    from headgate.model.sketch import Figures
    from headgate.project import Project


def show(parser: Parser) -> None:
    parser.tell(
        "One thing in full: a table (columns, contract, last verdict), a run (what it did), a batch (what became of "
        "it) or a commit (what it changed).",
        "headgate show orders --ref production",
        "headgate show orders --profile",
        "headgate show r01JD...",
        "headgate show b3f2a9c1d...",
        "headgate show 3f2a9c1d",
    )
    parser.add_argument("what", metavar="WHAT", help="a table, run, batch or commit")
    parser.add_argument("--ref", metavar="REF", default="main", help="where a table is looked for (main)")
    parser.add_argument(
        "--profile", action="store_true", help="what a table's columns hold; only what is new to that is read"
    )
    outputs.add_outputs(parser)
    parser.runs(_show)


def _show(args: Args) -> Answer:
    wanted = outputs.outputs(args)
    outputs.distinct([(o.option, o.file) for o in wanted], [])
    project = project_of(args)
    answer, row = _found(project, args)
    if not wanted:
        return answer
    if row is None and any(o.format != "json" for o in wanted):
        raise WrongUse(
            f"there is no verdict on {args.what}", hint="name a run or a table that has one", place="--output"
        )
    return outputs.written(answer, wanted, _evidence(args, project, row) if row else None, answer.document)


def _evidence(args: Args, project: Project, row: VerdictRow) -> Evidence:
    """A verdict as it was kept. The contract is in the project, and no file with lines."""
    rules, meanings = of_tree(project, row.root, row.table)
    name = short(row.table) if row.table else args.what
    return Evidence(
        masked(row.verdict.on(row.root), unmasked=args.unmasked),
        name,
        (f"root {row.root[:12]}",),
        row.at,
        row.run,
        rules=rules,
        meanings=meanings,
    )


def _found(project: Project, args: Args) -> tuple[Answer, VerdictRow | None]:
    store = project.ports.store
    name = _table_named(args.what)
    if name is not None and project.tree(args.ref).table(name) is not None:
        return _table(project, name, args)
    run = store.run(RunId(args.what))
    if run is not None:
        return _run(project, run, args)
    batches = [b for b in store.batches() if b.batch == args.what]
    if batches:
        return _batch(batches), None
    try:
        commit = project.resolve(args.what)
    except NotThere as error:
        raise _unknown(project, args) from error
    found = store.commit_of(commit)
    assert found is not None
    return _commit(project, found), None


def _table_named(text: str) -> TableName | None:
    try:
        return table_name(text)
    except WrongUse:
        return None


def _unknown(project: Project, args: Args) -> NotThere:
    store = project.ports.store
    spoken = [short(t) for t in project.tree(args.ref).tables()]
    spoken += [r.name for r in store.refs() if not r.name.startswith("load/")]
    known = spoken + [b.batch for b in store.batches()]
    like = get_close_matches(args.what, known, cutoff=0.5)
    return NotThere.among("table, run, batch or commit", args.what, known if like else spoken)


# -- a table ------------------------------------------------------------------------------------------------


def _table(project: Project, name: TableName, args: Args) -> tuple[Answer, VerdictRow | None]:
    from headgate.flow.status import last_verdict

    ref = args.ref
    found = project.table(name, ref)
    columns = [
        {"column": c.name, "type": type_name(c.type), "required": c.required}
        for c in (found.contract.columns if found.contract else project.ports.lake.columns(found.entry))
    ]
    last = last_verdict(project.ports, name, found.commit)
    rows = found.rows()
    profile = project.profile(name, found.commit) if args.profile else ()
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
        "baseline": wire.baseline(found.baseline),
        "profile": [wire.figures(f) for f in profile],
        **_judged(last if found.contract else None, unmasked=args.unmasked),
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
        if profile:
            _show_profile(screen, profile)
        if found.baseline:
            known = [(r, f"{k.rows_failed:,}", f"{k.rows:,}") for r, k in found.baseline.items()]
            say()
            table(screen, ("baseline: bad rows that are known", "rows", "of"), known, right=("rows", "of"))
        if last and found.contract:
            say()
            show_failures(screen, last.verdict.findings, last.verdict.allowed, unmasked=args.unmasked)
            say(f"last verdict {painted(screen, 'passed' if last.verdict.passed else 'failed')}: "
                f"{tally(last.verdict.findings)}")  # fmt: skip
            say(f"  {_looked_at(last)}")

    return Answer(document, show_), last if found.contract else None


_BLOCKS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"


def _show_profile(screen: Screen, profile: Sequence[Figures]) -> None:
    """A line for each column. Distinct values and medians are estimates."""
    cells = [
        (f.column, f"{f.nulls:,}", "" if f.distinct is None else f"{f.distinct:,}", f.least, f.median, f.greatest,
         _spark([rows for _, rows in f.bars]))
        for f in profile
    ]  # fmt: skip
    say()
    right = ("nulls", "distinct", "least", "median", "greatest")
    table(screen, ("column", "nulls", "distinct", "least", "median", "greatest", ""), cells, right=right)


def _spark(rows: Sequence[int]) -> str:
    """A histogram in one line; where there are rows it is never empty."""
    most = max(rows, default=0)
    return "".join(_BLOCKS[-(-7 * n // most)] if n else " " for n in rows)


def _judged(row: VerdictRow | None, *, unmasked: bool) -> dict[str, Any]:
    return {
        "verdict": wire.verdict(row.verdict.on(row.root)) if row else None,
        "rules": wire.rules(row.verdict.findings, unmasked=unmasked) if row else [],
    }


def _looked_at(row: VerdictRow) -> str:
    """``contract orders 1.0.0, 3 rows, 1 file of tree 3f2a9c1d0b7e with polars: 8 rules by scan``."""
    found = row.verdict
    contract = (
        harmless(f"contract {found.contract_id} {found.contract_version}, ") if found.contract_id else ""
    )
    return f"{contract}{counted(found.rows, 'row')}, {looked_at(found.on(row.root))}"


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
        case model.MapType(key, value):
            return f"map of {type_name(key)} to {type_name(value)}"
        case _:
            return type(found).__name__.removesuffix("Type").lower()


# -- a run, a batch, a commit -------------------------------------------------------------------------------


def _run(project: Project, run: Run, args: Args) -> tuple[Answer, VerdictRow | None]:
    store = project.ports.store
    steps = [s.step for s in store.steps(run.id)]
    verdicts = [v for v in store.verdicts(limit=10_000) if v.run == run.id]
    batches = [b for b in store.batches() if b.run == run.id]
    document: dict[str, Any] = {
        **wire.run(run),
        "intent": dict(run.intent),
        "steps": steps,
        "batches": [wire.batch(b) for b in batches],
        **_judged(verdicts[0] if verdicts else None, unmasked=args.unmasked),
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
            show_failures(screen, found.findings, found.allowed, unmasked=args.unmasked)
            say(
                f"  verdict {painted(screen, 'passed' if found.passed else 'failed')}: {tally(found.findings)}"
            )
            say(f"  {_looked_at(verdicts[0])}")

    return Answer(document, show_), verdicts[0] if verdicts else None


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
