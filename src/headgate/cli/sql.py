"""`headgate sql`, `headgate export`: rows out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import counted
from headgate.cli.opening import project_of
from headgate.cli.screen import Screen, busy, data, harmless, say
from headgate.model.names import short

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser

ROWS_ON_TERMINAL = 200


def sql(parser: Parser) -> None:
    parser.tell(
        "One SELECT in DuckDB's SQL over the tables of any branch, tag, commit or environment. What happened in the "
        "project is in tables, too: headgate.events, batches, runs, rules, quarantine, commits, refs, reflog, "
        "releases. Queries cannot write, and reach neither files nor the network.",
        'headgate sql "SELECT count(*) FROM orders"',
        'headgate sql "SELECT * FROM orders LIMIT 5" --ref production',
        'headgate sql "SELECT table, outcome, rows_in FROM headgate.batches"',
    )
    parser.add_argument("query", metavar="QUERY", help="one SELECT")
    parser.add_argument(
        "--ref", metavar="REF", default="main", help="branch, tag, commit, environment (main)"
    )
    parser.runs(_sql)


def _sql(args: Args) -> Answer:
    with busy("asking", quiet=args.json):
        found = project_of(args).sql(args.query, args.ref)
        rows = [[wire.value(v) for v in row] for row in found.rows]

    def show(screen: Screen) -> None:
        limit = ROWS_ON_TERMINAL if screen.terminal else len(rows)
        numbers = [
            name
            for i, name in enumerate(found.columns)
            if all(isinstance(r[i], int | float) or r[i] is None for r in found.rows[:limit])
        ]
        cells = [[_text(v) for v in row] for row in rows[:limit]]
        data(screen, found.columns, cells, right=tuple(numbers))
        if len(rows) > limit:
            say(f"... and {len(rows) - limit:,} more rows; --json, or a pipe, gives all")
        elif screen.terminal:
            say(counted(len(rows), "row"))

    return Answer({"columns": list(found.columns), "rows": rows}, show)


def _text(value: object) -> str:
    if value is None:
        return "null"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def export(parser: Parser) -> None:
    parser.tell(
        "Write a table, as of a branch, tag, commit or environment, into one file: CSV, Parquet or JSON lines by its "
        "suffix. The file appears whole or not at all.",
        "headgate export orders orders.parquet --ref production",
    )
    parser.add_argument("table", metavar="TABLE", help="orders, or sales.orders")
    parser.add_argument("file", metavar="FILE", help=".csv, .parquet or .jsonl")
    parser.add_argument(
        "--ref", metavar="REF", default="main", help="branch, tag, commit, environment (main)"
    )
    parser.runs(_export)


def _export(args: Args) -> Answer:
    with busy("exporting", quiet=args.json):
        project = project_of(args)
        # Resolved once: what is counted is what is written, also while others publish.
        commit = project.resolve(args.ref)
        rows = project.export(args.table, args.file, commit)
        name = short(project.table(args.table, commit).name)
    document = {"table": name, "ref": args.ref, "commit": commit, "file": args.file, "rows": rows}
    return Answer(document, lambda _: say(f"wrote {counted(rows, 'row')} of {name} to {harmless(args.file)}"))
