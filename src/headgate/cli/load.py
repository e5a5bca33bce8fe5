"""`headgate load`: files onto a branch of their own, checked, and published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.cli import dialect, outputs, wire
from headgate.cli.answer import Answer
from headgate.cli.evidence import Evidence, lines_of, masked, of_contract
from headgate.cli.findings import counted, show_failures, tally
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, harmless, painted, say
from headgate.model.errors import NotThere, WrongUse
from headgate.model.names import RuleName, short
from headgate.model.verdict import Finding, Verdict

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.contract import TableContract
    from headgate.model.run import Loaded
    from headgate.project import Project

SAID_NO = ("quarantined", "conflict")
RULES_SHOWN = 3


def load(parser: Parser) -> None:
    parser.tell(
        "Load files into a table: on a branch of their own, checked against the table's contract, then published "
        "on the target as a whole. What was delivered before is not loaded twice. Rows or batches that the contract "
        "stops go to quarantine, and are never lost.",
        "headgate load orders orders.csv --contract orders.odcs.yaml",
        "headgate load orders inbox/2026-11-21/ --on-fail quarantine_rows",
        "headgate load customers customers.parquet --mode merge --order-by updated_at",
    )
    parser.add_argument("table", metavar="TABLE", help="orders, or sales.orders")
    parser.add_argument("data", metavar="DATA", nargs="+", help="files, folders or patterns")
    parser.add_argument("--contract", metavar="C", help="a new contract (else the one that the target has)")
    parser.add_argument("--to", metavar="BRANCH", default="main", help="the target branch (main)")
    parser.add_argument(
        "--mode", choices=("append", "merge", "replace"), default="append", help="merge goes by primary key"
    )
    parser.add_argument("--order-by", metavar="COL", help="under merge: the greatest of each key stays")
    parser.add_argument("--batch", metavar="ID", help="your own id for what is delivered")
    parser.add_argument("--again", action="store_true", help="load it although it was delivered before")
    parser.add_argument(
        "--on-fail",
        choices=("quarantine_batch", "quarantine_rows", "warn"),
        help="what becomes of rows that fail (else as the contract says)",
    )
    parser.add_argument(
        "--max-quarantined", metavar="SHARE", help="how many rows may fail under quarantine_rows: 5%%, 0.05"
    )
    parser.add_argument("--unguarded", action="store_true", help="load without any contract")
    parser.add_argument(
        "--allow-unexecuted",
        metavar="RULE",
        action="append",
        default=[],
        help="publish although this rule cannot be executed here; may be repeated",
    )
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="with --contract: rows that are there may fail it; how many is recorded, and may not grow",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    outputs.add_outputs(parser)
    dialect.add_format(parser)
    parser.runs(_load)


def _options(args: Args) -> dict[str, Any]:
    names = (
        "contract", "to", "mode", "order_by", "batch", "again", "on_fail", "max_quarantined", "unguarded",
        "allow_unexecuted", "format", "baseline",
    )  # fmt: skip
    return {name: getattr(args, name) for name in names}


def _load(args: Args) -> Answer:
    wanted = outputs.outputs(args)
    if args.dry_run:
        if wanted:
            raise WrongUse("a dry run judges nothing", hint="leave --output out", place="--output")
        return _planned(args)
    read = [*args.data, *([args.contract] if args.contract else [])]
    outputs.distinct([(o.option, o.file) for o in wanted], read)
    with busy("opening", quiet=args.json) as tell:
        project = project_of(args)
        start = project.ports.clock.monotonic()
        result = project.load(args.table, args.data, tell=tell, **_options(args))
        took_s = project.ports.clock.monotonic() - start
    answer = loaded(result, unmasked=args.unmasked)
    if not wanted:
        return answer
    return outputs.written(answer, wanted, _evidence(args, project, result, took_s), answer.document)


def loaded(result: Loaded, *, unmasked: bool = False) -> Answer:
    """What became of a load (or a replay)."""

    def show(screen: Screen) -> None:
        _show(screen, result, unmasked=unmasked)

    return Answer(wire.loaded(result, unmasked=unmasked), show, 1 if result.outcome in SAID_NO else 0)


def _evidence(args: Args, project: Project, result: Loaded, took_s: float) -> Evidence:
    """The verdict of a load for other programs; of what was delivered before, that it was."""
    clock = project.ports.clock
    told = Finding(
        RuleName("delivered_before"), "info", message="delivered before: nothing was judged", how="none"
    )
    verdict = result.verdict or Verdict("", "", 0, 0, 0, (told,))
    rules, meanings = of_contract(_contract(args, project, result))
    return Evidence(
        masked(verdict, unmasked=args.unmasked),
        short(result.table),
        args.data,
        clock.now(),
        result.run or clock.token(),
        took_s,
        args.contract,
        lines_of(args.contract) if args.contract else (lambda _: 1),
        rules,
        meanings=meanings,
    )


def _contract(args: Args, project: Project, result: Loaded) -> TableContract | None:
    """The one that the load was judged by: that which came with it, else the target's."""
    if args.contract:
        from headgate.contract.compile import compile_contract
        from headgate.edge.documents import document_of

        # Its patterns were read by the load itself.
        return compile_contract(document_of(args.contract), result.table, pattern_error=lambda _: None)
    try:
        return project.table(result.table, args.to).contract
    except NotThere:
        return None


def _planned(args: Args) -> Answer:
    """``--dry-run``: the plan, and what it is based on. Nothing is written, nothing is checked."""
    project = project_of(args)
    intent = project.intent(args.table, **_options(args))
    plan, steps = project.plan(intent, args.data)
    batch = plan.admission.batch
    document = {
        "run": None,
        "outcome": None,
        "table": short(batch.table),
        "batch": batch.id,
        "branch": None,
        "commit": None,
        "objects": wire.objects(plan.objects),
        "rows_in": None,
        "rows_good": None,
        "rows_quarantined": None,
        "rows_deduplicated": None,
        "rows_superseded": None,
        "verdict": None,
        "rules": [],
        "skipped": wire.objects(plan.skipped),
        "conflicts": [],
        "unguarded": plan.document is None,
        "dry_run": True,
        "steps": list(steps),
    }

    def show(_: Screen) -> None:
        say(
            f"{counted(len(plan.objects), 'object')} for {harmless(args.table)} on {args.to}; nothing was done. Steps:"
        )
        for number, step in enumerate(steps, 1):
            say(f"  {number}. {harmless(step)}")

    return Answer(document, show)


def _show(screen: Screen, result: Loaded, *, unmasked: bool) -> None:
    show_failures(screen, result.findings, limit=RULES_SHOWN, unmasked=unmasked)
    guard = ", unguarded: no contract" if result.unguarded else ""
    say(f"{painted(screen, result.outcome)}: {harmless(short(result.table))}, batch {result.batch}{guard}")
    if result.outcome == "duplicate":
        say(
            f"  {counted(len(result.objects), 'object')} delivered before, nothing to do (--again loads anew)"
        )
        return
    say(f"  {sum_line(result)}")
    if result.findings:
        say(f"  {tally(result.findings)}")
    if result.skipped:
        names = ", ".join(o.location.rpartition("/")[2] for o in result.skipped[:3])
        more = f" and {len(result.skipped) - 3} more" if len(result.skipped) > 3 else ""
        say(f"  delivered before, skipped: {harmless(names)}{more}")
    for line in _whereabouts(result):
        say(f"  {line}")


def sum_line(result: Loaded) -> str:
    """Promise 4, to the row."""
    c = result.counts
    return (
        f"{c.rows_in:,} in = {c.rows_good:,} good + {c.rows_quarantined:,} quarantined"
        f" + {c.rows_deduplicated:,} deduplicated + {c.rows_superseded:,} superseded"
    )


def _whereabouts(result: Loaded) -> list[str]:
    """Where the rows went, and what to do next."""
    lines = []
    if result.commit is not None:
        lines.append(f"published as commit {result.commit[:12]}, run {result.run}")
    for conflict in result.conflicts:
        rival = f" (commit {conflict.rival[:12]})" if conflict.rival else ""
        lines.append(f"{conflict.key}: this load {conflict.ours}; meanwhile another{rival} {conflict.theirs}")
    if result.outcome == "conflict":
        lines.append(f"nothing was published; branch {result.branch} has it: load again, or merge it")
    if result.outcome == "quarantined":
        said = any(f.message and f.message in result.why for f in result.findings)
        lines += [harmless(result.why)] if result.why and not said else []
        lines.append(f"nothing was published; branch {result.branch} has it")
    if result.counts.rows_quarantined:
        lines.append(f"next: headgate quarantine show {quarantine_id(result)}")
    return lines


def quarantine_id(result: Loaded) -> str:
    """By its run: short, and always the one of this load."""
    return f"q{result.run[1:]}" if result.run else str(result.batch)
