"""`headgate quarantine`: what waits there, and the two ways out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import counted
from headgate.cli.load import loaded
from headgate.cli.opening import project_of
from headgate.cli.outputs import add_unmasked
from headgate.cli.screen import Screen, busy, harmless, painted, say, table
from headgate.model.masking import cut, shown_raw
from headgate.model.names import short

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.change import QuarantineRow
    from headgate.project import Project

ROWS_SHOWN = 20
VERDICTS_LOOKED_AT = 10_000


def list_(parser: Parser) -> None:
    parser.tell(
        "Batches with rows in quarantine, newest last: the open ones, or all.", "headgate quarantine list"
    )
    parser.add_argument("--all", action="store_true", help="also those replayed or discarded")
    parser.runs(_list)


def _list(args: Args) -> Answer:
    found = project_of(args).quarantines(open_only=not args.all)

    def show(screen: Screen) -> None:
        show_list(screen, found)
        if not found:
            say("nothing is in quarantine")

    return Answer({"quarantines": [wire.quarantine(q) for q in found]}, show)


def show_list(screen: Screen, found: tuple[QuarantineRow, ...]) -> None:
    if found:
        rows = [(q.id, short(q.table), f"{q.rows:,}", q.state, minute(q.at)) for q in found]
        table(screen, ("quarantine", "table", "rows", "state", "since (UTC)"), rows, right=("rows",))


def minute(at: Any) -> str:  # noqa: ANN401 - a datetime; the module need not import it
    return f"{at:%Y-%m-%d %H:%M}"


def show(parser: Parser) -> None:
    parser.tell(
        "The rows of one quarantine as they were delivered, where each came from, and the rules it fails. ID is "
        "the quarantine's, or its batch's or run's.",
        "headgate quarantine show q01JD...",
        "headgate sql 'SELECT * FROM headgate.quarantine'",
    )
    parser.add_argument("id", metavar="ID", help="from `quarantine list`")
    parser.add_argument(
        "-n", metavar="N", type=int, default=ROWS_SHOWN, help=f"how many rows ({ROWS_SHOWN}; 0: all)"
    )
    add_unmasked(parser)
    parser.runs(_show)


def _show(args: Args) -> Answer:
    project = project_of(args)
    found = row_of(project, args.id)
    rows = project.quarantined_rows(found.id)
    limit = args.n if args.n > 0 else rows.height
    mask = (lambda raw: raw) if args.unmasked else masking_of(project, found)
    shown = [
        {k: mask(v) if k == "raw" else wire.value(v) for k, v in row.items()}
        for row in rows.head(limit).iter_rows(named=True)
    ]

    def show_(screen: Screen) -> None:
        contract = f"{found.contract_id} {found.contract_version}"
        what = f"{counted(found.rows, 'row')} of {short(found.table)}, batch {found.batch} ({contract})"
        say(f"{painted(screen, found.state)}: {harmless(what)}")
        for row in shown:
            where = str(row.get("location") or row.get("object") or "").rpartition("/")[2]
            rules = ", ".join(row.get("rules") or ()) or "no fault of its own"
            say(f"row {row.get('row')} of {harmless(where)}: {harmless(rules)}")
            raw = str(row.get("raw"))
            say(f"      {harmless(cut(raw) if screen.terminal else raw)}")
        if found.rows > len(shown):
            say(f"... and {found.rows - len(shown):,} more (-n 0 shows all)")
        if found.state == "open":
            say(f"next: headgate quarantine replay {found.id} [--with MENDED_FILE]")
            say(f"   or: headgate quarantine discard {found.id} --reason WHY")

    return Answer({"quarantine": wire.quarantine(found), "rows": shown}, show_)


def masking_of(project: Project, found: QuarantineRow) -> Callable[[str], str]:
    """How its raw rows are shown: as the verdict says that stopped them."""
    rows = project.ports.store.verdicts(limit=VERDICTS_LOOKED_AT)
    verdict = next((v.verdict for v in rows if v.run == found.run), None)
    if verdict is None or not verdict.masked:
        return lambda raw: raw
    masked, declared = frozenset(verdict.masked), frozenset(verdict.declared)
    return lambda raw: shown_raw(raw, masked, declared)


def row_of(project: Project, id: str) -> QuarantineRow:
    """By its id, its batch's or its run's. Raises NotThere."""
    from headgate.flow.quarantine import found

    return found(project.ports, id)


def replay(parser: Parser) -> None:
    parser.tell(
        "Load quarantined rows again under the contract as it is now, or mended files in their stead. Once they are "
        "published the quarantine is over; rows that fail again are in one of their own.",
        "headgate quarantine replay q01JD...",
        "headgate quarantine replay q01JD... --with mended.csv",
    )
    parser.add_argument("id", metavar="ID", help="from `quarantine list`")
    parser.add_argument(
        "--with", dest="with_", metavar="FILE", nargs="+", help="mended files to load instead"
    )
    parser.add_argument(
        "--on-fail",
        choices=("quarantine_batch", "quarantine_rows", "warn"),
        help="what becomes of rows that fail again",
    )
    add_unmasked(parser)
    parser.runs(_replay)


def _replay(args: Args) -> Answer:
    with busy("opening", quiet=args.json) as tell:
        result = project_of(args).replay(args.id, args.with_, on_fail=args.on_fail, tell=tell)
    return loaded(result, unmasked=args.unmasked)


def discard(parser: Parser) -> None:
    parser.tell(
        "Give quarantined rows up. The ledger keeps their number and your reason.",
        "headgate quarantine discard q01JD... --reason 'test data'",
    )
    parser.add_argument("id", metavar="ID", help="from `quarantine list`")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept with the event")
    parser.runs(_discard)


def _discard(args: Args) -> Answer:
    gone = project_of(args).discard(args.id, args.reason)
    return Answer(
        wire.quarantine(gone), lambda _: say(f"discarded {counted(gone.rows, 'row')} of {short(gone.table)}")
    )
