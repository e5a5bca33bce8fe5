"""`headgate check`: files against a contract. Needs no project, and imports nothing of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.cli import dialect, wire
from headgate.cli.answer import Answer
from headgate.cli.findings import counted, show_failures, tally
from headgate.cli.screen import Screen, busy, harmless, painted, say
from headgate.model.errors import NotThere, WrongUse

if TYPE_CHECKING:
    from headgate.checking import Checked
    from headgate.cli.parsing import Args, Parser
    from headgate.model.contract import TableContract


def check(parser: Parser) -> None:
    parser.tell(
        "Judge files as they are against an ODCS contract, row by row and as a whole. Nothing is loaded and no "
        "project is needed. Exit code 0 if they pass, 1 if not.",
        "headgate check orders.csv --contract orders.odcs.yaml",
        "headgate check inbox/*.parquet --contract orders.odcs.yaml --bad bad.csv",
        "headgate check orders.csv --contract orders.odcs.yaml --html report.html",
    )
    parser.add_argument("data", metavar="DATA", nargs="+", help="files, folders or patterns")
    parser.add_argument("--contract", metavar="C", required=True, help="an ODCS contract (YAML)")
    parser.add_argument("--object", metavar="NAME", help="its schema object, if it has several")
    parser.add_argument("--good", metavar="F", help="write rows without a fault here (.csv .parquet .jsonl)")
    parser.add_argument("--bad", metavar="F", help="write the others here: raw, with row and rules")
    parser.add_argument("--html", metavar="F", help="write a report for a browser here")
    parser.add_argument(
        "--allow-unexecuted",
        metavar="RULE",
        action="append",
        default=[],
        help="pass although this rule cannot be executed here; may be repeated",
    )
    dialect.add_dialect(parser)
    parser.runs(_check)


def _check(args: Args) -> Answer:
    _distinct(args)
    speaks = dialect.changed(args)
    with busy("checking", quiet=args.json) as tell:
        from headgate.checking import check as judge

        checked = judge(
            args.data,
            args.contract,
            object=args.object,
            allow_unexecuted=args.allow_unexecuted,
            format=args.format,
            dialect=speaks,
        )
        _meant(args.object, checked.contract)
        if args.good or args.bad:
            tell("writing rows")
            checked.write(args.good, args.bad)
        if args.html:
            _report(args, checked)
    verdict = checked.verdict
    document = {
        "outcome": "passed" if verdict.passed else "failed",
        "rows": verdict.rows,
        "rows_good": verdict.rows - verdict.rows_bad,
        "rows_bad": verdict.rows_bad,
        "rules": wire.rules(verdict.findings),
    }

    def show(screen: Screen) -> None:
        _show(screen, checked)
        for what, file in (("good rows", args.good), ("bad rows", args.bad), ("report", args.html)):
            if file:
                say(f"{what}: {harmless(file)}")

    return Answer(document, show, 0 if verdict.passed else 1)


def _distinct(args: Args) -> None:
    """Refuse to write over what is read, two things into one file, or into no folder: before any work."""
    seen = {os.path.realpath(path) for path in [*args.data, args.contract]}
    for option in ("good", "bad", "html"):
        path = getattr(args, option)
        if path is None:
            continue
        if not Path(path).absolute().parent.is_dir():
            raise NotThere(
                f"there is no folder {Path(path).parent}", hint="make it first", place=f"--{option} {path}"
            )
        if os.path.realpath(path) in seen:
            raise WrongUse(
                f"--{option} names a file that is read or written already",
                hint="choose another name",
                place=path,
            )
        seen.add(os.path.realpath(path))


def _meant(name: str | None, contract: TableContract) -> None:
    """A contract with one object applies whatever it is called; but who names one means that very one."""
    if name is not None and name not in {contract.object, contract.physical_name}:
        raise WrongUse(
            f"the contract has no schema object {name!r}",
            hint=f"there is {contract.object}",
            place="--object",
        )


def _report(args: Args, checked: Checked) -> None:
    from headgate.cli.report_html import report
    from headgate.edge import durable
    from headgate.edge.clock import SystemClock

    page = report(checked.verdict, checked.contract.object, args.data, SystemClock().now())
    with durable.surroundings(args.html):
        durable.replace(str(Path(args.html).absolute()), page.encode())


def _show(screen: Screen, checked: Checked) -> None:
    verdict = checked.verdict
    show_failures(screen, verdict.findings, verdict.allowed)
    outcome = painted(screen, "passed" if verdict.passed else "failed")
    rows = counted(verdict.rows, "row")
    parted = (
        f" = {verdict.rows - verdict.rows_bad:,} good + {verdict.rows_bad:,} bad" if verdict.rows_bad else ""
    )
    contract = harmless(f"{verdict.contract_id} {verdict.contract_version}")
    say(f"{outcome}: {rows}{parted}; {tally(verdict.findings)} ({contract})")
