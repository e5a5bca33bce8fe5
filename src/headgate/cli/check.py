"""`headgate check`: files against a contract. Needs no project, and imports nothing of one, unless a table is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headgate.cli import dialect, evidence, outputs, wire
from headgate.cli.answer import Answer
from headgate.cli.findings import counted, how, looked_at, show_failures, tally
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, harmless, painted, say
from headgate.model.errors import NotThere, WrongUse

if TYPE_CHECKING:
    from headgate.checking import Checked
    from headgate.cli.parsing import Args, Parser
    from headgate.model.contract import TableContract
    from headgate.project import CheckedTable


def check(parser: Parser) -> None:
    parser.tell(
        "Judge files as they are against an ODCS contract, row by row and as a whole. Nothing is loaded and no "
        "project is needed. With --ref, a table of the project is judged again. Of a table, and of Parquet files, only "
        "what is new to the rules is read. "
        "Exit code 0 if they pass, 1 if not.",
        "headgate check orders.csv --contract orders.odcs.yaml",
        "headgate check inbox/*.parquet --contract orders.odcs.yaml --bad bad.csv",
        "headgate check orders.csv --contract orders.odcs.yaml --with customers=new/",
        "headgate check orders.csv --contract orders.odcs.yaml --output html=o.html",
        "headgate check orders.csv --contract orders.odcs.yaml --output github",
        "headgate check orders --ref main",
    )
    parser.add_argument(
        "data", metavar="DATA", nargs="+", help="files, folders or patterns; with --ref a table"
    )
    parser.add_argument(
        "--contract", metavar="C", help="an ODCS contract (YAML); with --ref, else the table's own"
    )
    parser.add_argument(
        "--with",
        dest="tables",
        metavar="TABLE=D",
        action="append",
        default=[],
        help="files, a folder or a pattern of a table that references lead to; may be repeated",
    )
    parser.add_argument(
        "--ref", metavar="REF", help="judge a published table, as it is on a branch, tag, commit ..."
    )
    parser.add_argument("--no-cache", action="store_true", help="read everything; believe nothing remembered")
    parser.add_argument("--object", metavar="NAME", help="its schema object, if it has several")
    parser.add_argument("--good", metavar="F", help="write rows without a fault here (.csv .parquet .jsonl)")
    parser.add_argument("--bad", metavar="F", help="write the others here: raw, with what each fails and why")
    parser.add_argument(
        "--engine", metavar="E", default="polars", help="polars (the default), duckdb or spark: one verdict"
    )
    parser.add_argument(
        "--spark-remote",
        metavar="URL",
        help="where Spark is (sc://host:port); else SPARK_REMOTE, or a local one",
    )
    parser.add_argument("--html", metavar="F", help="the same as --output html=F")
    parser.add_argument(
        "--allow-unexecuted",
        metavar="RULE",
        action="append",
        default=[],
        help="pass although this rule cannot be executed here; may be repeated",
    )
    outputs.add_outputs(parser)
    dialect.add_dialect(parser)
    parser.runs(_check)


def _check(args: Args) -> Answer:
    wanted = outputs.outputs(args)
    files = [("--good", args.good), ("--bad", args.bad), *((o.option, o.file) for o in wanted)]
    named = [(option, f) for option, f in files if f is None or not _of_spark(args, f)]
    read = [data for some in _tables(args.tables).values() for data in some]
    outputs.distinct(named, [*args.data, *read, args.contract or ""])
    with busy("checking", quiet=args.json) as tell:
        from headgate.edge.clock import SystemClock

        clock = SystemClock()
        start = clock.monotonic()
        from_files = _files(args, wanted) if args.ref is None else None
        checked = from_files or _published(args)
        took_s = clock.monotonic() - start
        _meant(args.object, checked.contract)
        if from_files is not None and (args.good or args.bad):
            tell("writing rows")
            from_files.write(args.good, args.bad)
    verdict = checked.verdict
    _known(args.allow_unexecuted, checked.contract)
    document = {
        "outcome": "passed" if verdict.passed else "failed",
        "contract": verdict.contract_id,
        "contract_version": verdict.contract_version,
        "object": checked.contract.object,
        "root": verdict.root,
        "files": verdict.files,
        "engine": verdict.engine or None,
        "rows": verdict.rows,
        "rows_good": verdict.rows - verdict.rows_bad,
        "rows_bad": verdict.rows_bad,
        "rules": wire.rules(verdict.findings, unmasked=args.unmasked),
        "failing_rows": wire.failing_rows(verdict.findings, unmasked=args.unmasked),
    }

    def show(screen: Screen) -> None:
        _show(screen, checked, unmasked=args.unmasked)
        for what, file in (("good rows", args.good), ("bad rows", args.bad)):
            if file:
                say(f"{what}: {harmless(file)}")
        for output in wanted:
            say(f"{'report' if output.format == 'html' else output.format}: {harmless(output.file)}")

    answer = Answer(document, show, 0 if verdict.passed else 1)
    if not wanted:
        return answer
    rules, meanings = evidence.of_contract(checked.contract)
    with busy("writing reports", quiet=args.json):
        told = evidence.Evidence(
            evidence.masked(verdict, unmasked=args.unmasked),
            checked.contract.object,
            args.data,
            clock.now(),
            clock.token(),
            took_s,
            args.contract,
            evidence.lines_of(args.contract) if args.contract else lambda _: 1,
            rules,
            from_files.profile()
            if from_files is not None and any(o.format == "html" for o in wanted)
            else None,
            meanings,
        )
        return outputs.written(answer, wanted, told, document)


def _files(args: Args, wanted: Sequence[outputs.Output]) -> Checked:
    if args.contract is None:
        raise WrongUse(
            "--contract is missing",
            hint="name a contract; `headgate contract infer` drafts one. A published table: --ref main",
            place="headgate check",
        )
    from headgate.checking import check as judge

    return judge(
        args.data,
        args.contract,
        object=args.object,
        allow_unexecuted=args.allow_unexecuted,
        format=args.format,
        dialect=dialect.changed(args),
        engine=args.engine,
        spark_remote=args.spark_remote,
        tables=_tables(args.tables),
        # Who writes rows, or draws them, reads them all.
        remember=not (args.no_cache or args.good or args.bad or any(o.format == "html" for o in wanted)),
    )


def _published(args: Args) -> CheckedTable:
    """A table of the project. What files need has no meaning for it."""
    given = {"--good": args.good, "--bad": args.bad, "--format": args.format, "--object": args.object}
    given |= {"--engine": args.engine != "polars", "--with": args.tables}
    if unused := [option for option, value in given.items() if value]:
        raise WrongUse(f"{unused[0]} is for files, not for a table", hint="leave it out", place=unused[0])
    if len(args.data) != 1:
        raise WrongUse("--ref takes one table at a time", hint="name one", place=" ".join(args.data))
    return project_of(args).check(
        args.data[0],
        args.ref,
        contract=args.contract,
        allow_unexecuted=args.allow_unexecuted,
        remember=not args.no_cache,
    )


def _tables(given: Sequence[str]) -> dict[str, list[str]]:
    """``TABLE=DATA``, of which a table may have several. Raises WrongUse."""
    found: dict[str, list[str]] = {}
    for each in given:
        table, sign, data = each.partition("=")
        if not (table and sign and data):
            raise WrongUse(
                f"--with {each}: which table is where?",
                hint="write TABLE=DATA: --with customers=customers.csv",
                place="--with",
            )
        found.setdefault(table, []).append(data)
    return found


def _of_spark(args: Args, target: str) -> bool:
    """True for tables, and places that Spark alone reaches."""
    return args.engine == "spark" and (target.startswith("table:") or "://" in target)


def _known(allowed: Sequence[str], contract: TableContract) -> None:
    """Who allows a rule by name means one that there is."""
    names = [str(r.name) for r in contract.complete_rules]
    for name in allowed:
        if name not in names:
            raise NotThere.among("rule", name, names)


def _meant(name: str | None, contract: TableContract) -> None:
    """A contract with one object applies whatever it is called; but who names one means that very one."""
    if name is not None and name not in {contract.object, contract.physical_name}:
        raise WrongUse(
            f"the contract has no schema object {name!r}",
            hint=f"there is {contract.object}",
            place="--object",
        )


def _show(screen: Screen, checked: Checked | CheckedTable, *, unmasked: bool) -> None:
    verdict = checked.verdict
    show_failures(screen, verdict.findings, verdict.allowed, unmasked=unmasked)
    outcome = painted(screen, "passed" if verdict.passed else "failed")
    rows = counted(verdict.rows, "row")
    parted = (
        f" = {verdict.rows - verdict.rows_bad:,} good + {verdict.rows_bad:,} bad" if verdict.rows_bad else ""
    )
    contract = harmless(f"{verdict.contract_id} {verdict.contract_version}")
    say(f"{outcome}: {rows}{parted}; {tally(verdict.findings)} ({contract})")
    told = how(verdict.findings)
    if verdict.root or verdict.files > 1 or set(told) - {"scan"}:
        say(f"  looked at {looked_at(verdict)}")
