"""`headgate contract infer`, `headgate contract lint`, `headgate contract show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from headgate.cli.answer import Answer
from headgate.cli.findings import counted
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, harmless, say

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser


def infer(parser: Parser) -> None:
    parser.tell(
        "Write the contract that data pass, as a person would write it, on stdout: types, required, keys, ranges, "
        "and how the file is written. Read it through, and keep what you mean.",
        "headgate contract infer orders.csv > orders.odcs.yaml",
    )
    parser.add_argument("data", metavar="DATA", help="a file")
    parser.add_argument("--name", metavar="NAME", help="of the schema object (else the file's)")
    parser.runs(_infer)


def _infer(args: Args) -> Answer:
    with busy("looking at the data", quiet=args.json):
        from headgate.checking import infer as written

        text = written(args.data, args.name).decode()

    def show(_: Screen) -> None:
        sys.stdout.write(text)

    return Answer({"contract": text}, show)


def lint(parser: Parser) -> None:
    parser.tell(
        "Read a contract as `check` and `load` do, and say what cannot be executed and what could be said better. "
        "Exit code 0 if it can be used, 2 if not.",
        "headgate contract lint orders.odcs.yaml",
    )
    parser.add_argument("contract", metavar="C", help="an ODCS contract (YAML)")
    parser.runs(_lint)


def _lint(args: Args) -> Answer:
    from headgate.checking import lint as advise

    advice = advise(args.contract)
    document = {
        "contract": args.contract,
        "advice": [{"place": a.place, "line": a.line, "message": a.message, "hint": a.hint} for a in advice],
    }

    def show(_: Screen) -> None:
        for each in advice:
            where = f"{args.contract}:{each.line}" if each.line else args.contract
            what = f"{each.place}: " if each.place else ""
            say(f"{harmless(where)}: {harmless(what)}{harmless(each.message)}")
            say(f"      hint: {harmless(each.hint)}")
        found = counted(len(advice), "remark") if advice else "nothing to remark"
        say(f"{harmless(args.contract)} can be used: {found}")

    return Answer(document, show)


def show(parser: Parser) -> None:
    parser.tell(
        "The contract that a table has on a branch, tag, commit or environment, on stdout, byte for byte as it was "
        "brought in: comments, and what only other tools read, included.",
        "headgate contract show orders > orders.odcs.yaml",
        "headgate contract show orders --ref production",
    )
    parser.add_argument("table", metavar="TABLE", help="its name")
    parser.add_argument(
        "--ref", metavar="REF", default="main", help="branch, tag, commit or environment (main)"
    )
    parser.runs(_show)


def _show(args: Args) -> Answer:
    data = project_of(args).contract_bytes(args.table, args.ref)

    def show(_: Screen) -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)

    return Answer({"contract": data.decode()}, show)
