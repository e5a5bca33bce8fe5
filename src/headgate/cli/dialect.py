"""How text files are written, when the contract does not say it or is to be overruled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.model.errors import WrongUse

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.model.contract import Dialect

FORMATS = ("csv", "parquet", "jsonl", "arrow")
_SPOKEN = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|", "space": " "}


def add_format(parser: Parser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="of files whose names do not say it")


def add_dialect(parser: Parser) -> None:
    add_format(parser)
    parser.add_argument("--delimiter", metavar="C", help="of CSV: one character, or 'tab'")
    parser.add_argument("--quote", metavar="C", help="of CSV: one character; '' for none")
    parser.add_argument("--encoding", metavar="NAME", help="of CSV, such as latin-1 or utf-16")
    parser.add_argument(
        "--no-header", action="store_true", help="CSV without a line of names: columns in order"
    )


def changed(args: Args) -> Callable[[Dialect], Dialect] | None:
    """What the options change about a dialect; None if nothing. Raises WrongUse."""
    said: dict[str, Any] = {}
    if args.delimiter is not None:
        said["delimiter"] = _character("--delimiter", _SPOKEN.get(args.delimiter, args.delimiter))
    if args.quote is not None:
        said["quote"] = "" if args.quote in {"", "none"} else _character("--quote", args.quote)
    if args.encoding is not None:
        said["encoding"] = args.encoding
    if args.no_header:
        said["header"] = False
    return (lambda dialect: replace(dialect, **said)) if said else None


def _character(option: str, text: str) -> str:
    if len(text) != 1 or text in "\r\n\0":
        raise WrongUse(f"{option} wants one character, not {text!r}", hint="write ';' or 'tab'", place=option)
    return text
