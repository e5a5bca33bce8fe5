"""What reads what strangers wrote: each function here takes any bytes at all, and holds what must hold of them.

A reader answers, or refuses with an error of ours; whatever else it raises is a crash. Where there is another reader
of the same thing (a library, or a slow one written here), both must say the same.
"""

from __future__ import annotations

import atexit
import codecs
import copy
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import polars as pl
import regress

from contract.test_parse import rich
from edge import slow_rules
from edge.rows_at_hand import bad_rows, contract, lenient, text_rows
from headgate.contract.compile import compile_contract
from headgate.contract.document import _schema, parse
from headgate.contract.lint import lint
from headgate.contract.types import parts
from headgate.edge.patterns import check_syntax, steps_max, translate
from headgate.edge.record.patterns import finder
from headgate.edge.record.validator import validator
from headgate.edge.rows import collected, rows_of
from headgate.edge.source_files import FileSource
from headgate.model.contract import (
    AnyType,
    ArrayType,
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    Dialect,
    IntegerType,
    MapType,
    NumberType,
    ObjectType,
    StringType,
    TimestampType,
    TimeType,
)
from headgate.model.errors import ContractUnusable, Unreadable, WrongUse
from headgate.model.rule import Fits

Reader = Callable[[bytes], None]


# -- contracts ----------------------------------------------------------------------------------------------


def contracts(data: bytes) -> None:
    """Any bytes are a contract that can be used, or one that is refused at a line."""
    try:
        document = parse(data, "fuzz.yaml", {"X": "1"})
    except ContractUnusable as error:
        _told(error)
        return
    assert document.data == data
    _compiled(document)


def damaged(data: bytes) -> None:
    """A contract in which bytes chose what to damage: its structure stays one that can be valid."""
    _, tree = _damaged(_Dice(data))
    contracts(json.dumps(tree).encode())


def judged(data: bytes) -> None:
    """Our judge of JSON Schema and the library agree on what is valid."""
    name, tree = _damaged(_Dice(data))
    assert (_schema(name).problems(_exact(tree)) == []) == _oracle(name).is_valid(tree), tree


def _told(error: ContractUnusable | WrongUse) -> None:
    assert error.hint
    assert error.place.startswith("fuzz.yaml")


def _compiled(document: Any) -> None:
    for part in parts(document.tree, "schema"):
        try:
            table = compile_contract(document, str(part["name"]), pattern_error=check_syntax)
        except (ContractUnusable, WrongUse) as error:
            _told(error)
            continue
        names = [rule.name for rule in table.complete_rules]
        assert len(set(names)) == len(names), names
    try:
        lint(document, pattern_error=check_syntax)
    except (ContractUnusable, WrongUse):
        return


class _Dice:
    """Bytes as choices; when they are used up, every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)
        self.more = bool(data)

    def below(self, n: int) -> int:
        found = 0
        for _ in range(1 if n <= 256 else 2):
            byte = next(self._left, None)
            self.more = byte is not None
            found = found * 256 + (byte or 0)
        return found % n


_LEAVES: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 1e300, -(2**63), 2**64, "", "x", "1", "-0.0", "2024-02-30", "2024-02-29",
    "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+10:00", "25:00:00", "${X}", "${Y:-2}", "${", "{object}",
    "orders.a", "orders.b", "b.c", "/schema/orders/properties/a",
    "file.yaml#/schema/a", "schema/a.b", [], {}, [1, 1], [1, 2], ["orders.a", "orders.b"], {"value": 1}, "(",
    "(?=a)", "[a-z", "\\d+$",
    "string", "integer", "number", "boolean", "date", "timestamp", "time", "object", "array", "map", "vector",
    "decimal(10,2)", "decimal(99,98)", "varchar(3)", "TIMESTAMP", "yyyy-MM-dd", "HH:mm", "Q", "i8", "f32",
    "uuid", "email",
    "Europe/Berlin", "Nowhere/Land", "rowCount", "nullValues", "missingValues", "invalidValues",
    "duplicateValues",
    "library", "sql", "text", "custom", "percent", "rows", "measure", "headgate", "quarantine_rows", "1%", "h",
    "M", "latency", "retention", "P1D",
    "SELECT 1", "a\u0000b", "\ud83d\ude00", " ", "a.b", "default.orders", "foreignKey",
    {"property": "a", "mustBe": 1}, {"abs": 1}, {"rel": "1%"},
    {"reason": "r", "expires": "2026-12-31", "upTo": "5%"},
    [{"vendor": "headgate", "property": "where", "value": {"property": "a", "mustBe": "x"}}],
    [{"vendor": "headgate", "property": "tolerance", "value": {"abs": 1}}],
    [{"vendor": "headgate", "property": "csv", "value": {"delimiter": ";", "null": ["NA"]}}],
    [{"vendor": "headgate", "property": "segmentBy", "value": ["a"]}],
    [{"metric": "nullValues", "mustBe": 0}],
    [{"metric": "rowCount", "mustBeBetween": [1, 2], "unit": "percent"}],
    {"minimum": 3}, {"minLength": 3, "maxLength": 2}, {"pattern": "^a"}, {"multipleOf": 0.1},
    {"format": "date"},
]  # fmt: skip
_NAMES = [
    "name", "id", "type", "logicalType", "physicalType", "physicalName", "logicalTypeOptions", "metric",
    "mustBe", "mustNotBe",
    "mustBeBetween", "from", "to", "map", "nonsense", "query", "enum", "items", "properties", "minimum",
    "maximum", "exclusiveMinimum",
    "minLength", "pattern", "multipleOf", "format", "timezone", "defaultTimezone", "dimensions", "elementType",
    "uniqueItems", "minProperties",
    "required", "unique", "primaryKey", "primaryKeyPosition", "vendor", "property", "value", "tags", "quality",
    "relationships", "unit",
    "arguments", "validValues", "semanticType", "customProperties", "classification", "slaProperties",
    "element", "dimension", "severity",
]  # fmt: skip


def _damaged(dice: _Dice) -> tuple[str, Any]:
    name = ("v3.2", "v3.1", "v3.0")[dice.below(3)]
    value = rich(name)
    for _ in range(8):
        if not dice.more:
            break
        steps = [one for one in _steps(value) if one]
        if not steps:
            break
        *path, last = steps[dice.below(len(steps))]
        inside = value
        for step in path:
            inside = inside[step]
        match dice.below(4):
            case 0:
                inside[last] = copy.deepcopy(_LEAVES[dice.below(len(_LEAVES))])
            case 1:
                del inside[last]
            case _ if isinstance(inside, dict):
                inside[_NAMES[dice.below(len(_NAMES))]] = copy.deepcopy(_LEAVES[dice.below(len(_LEAVES))])
            case _:
                inside.append(copy.deepcopy(_LEAVES[dice.below(len(_LEAVES))]))
    return name, value


def _steps(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in _steps(part, (*path, key)))]


def _exact(value: Any) -> Any:
    match value:
        case float():
            return Decimal(str(value))
        case list():
            return [_exact(one) for one in value]
        case dict():
            return {name: _exact(one) for name, one in value.items()}
        case _:
            return value


@cache
def _oracle(name: str) -> Any:
    return jsonschema.Draft201909Validator(_schema(name).root.said)


# -- files --------------------------------------------------------------------------------------------------

_DIALECTS = [
    Dialect(),
    Dialect(delimiter=";"),
    Dialect(quote=""),
    Dialect(delimiter="\t", quote="'"),
    Dialect(header=False),
]


def csv_files(data: bytes) -> None:
    """CSV is read as a slow reader reads it, or refused; never read otherwise. The first byte is the dialect."""
    dialect = _DIALECTS[data[0] % len(_DIALECTS)] if data else Dialect()
    content = data[1:]
    slow = _slow_csv(content, dialect)
    try:
        names, rows = _read(content, "csv", dialect)
    except Unreadable:
        if slow is not None and (dialect.header or slow):
            assert not _plain(slow, content), (content, slow)
        return
    assert slow is not None, content
    if dialect.header:
        assert [list(names), *rows] == [[one or "" for one in slow[0]], *slow[1:]], content
    else:
        assert rows == slow, content


def _plain(records: list[list[str | None]], content: bytes) -> bool:
    """True if there is nothing in it that is refused for another reason than its form."""
    names = [one or "" for one in records[0]]
    return (
        len(set(names)) == len(names) > 1
        and all(name.isalnum() for name in names)
        and records[0] not in records[1:]
        and not content.startswith((b"<", b"\xff", b"\xfe", b"PK", b"\x1f"))
        and b"\r" not in content
    )


def _slow_csv(data: bytes, dialect: Dialect) -> list[list[str | None]] | None:
    """RFC 4180, a character at a time. None: this is no CSV whose records are alike."""
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text or not text:
        return None
    records: list[list[str | None]] = []
    fields: list[str | None] = []
    at, end = 0, len(text)
    d, q = dialect.delimiter, dialect.quote
    while at <= end:
        if at == end and not fields and (not records or text.endswith("\n")) and at and text[at - 1] == "\n":
            break
        if q and text[at : at + 1] == q:
            content, at = _quoted(text, at + 1, q)
            if at < 0:
                return None
            fields.append(content)
        else:
            start = at
            while at < end and text[at] not in {d, "\n"} and not (q and text[at] == q):
                at += 1
            if q and text[at : at + 1] == q:
                return None
            word = text[start:at]
            if text[at : at + 1] == d and word.endswith("\r"):
                return None
            if text[at : at + 1] in {"\n", ""}:
                word = word.removesuffix("\r")
            fields.append(word or None)
        if text[at : at + 2] == "\r\n" or text[at:] == "\r":
            at += 1
        if text[at : at + 1] == d:
            at += 1
            continue
        if at < end and text[at] != "\n":
            return None
        records.append(fields)
        fields = []
        at += 1
    while records and len(records[0]) > 1 and records[-1] == [None]:
        records.pop()  # blank lines at the end
    return records if len({len(one) for one in records}) == 1 else None


def _quoted(text: str, at: int, q: str) -> tuple[str, int]:
    found = ""
    while at < len(text):
        if text[at] != q:
            found += text[at]
            at += 1
        elif text[at + 1 : at + 2] == q:
            found += q
            at += 2
        else:
            return found, at + 1
    return "", -1


def json_lines(data: bytes) -> None:
    """JSON lines are read, row by row and column by column, or refused."""
    try:
        names, rows = _read(data, "jsonl", Dialect())
    except Unreadable:
        return
    lines = [
        json.loads(line, object_pairs_hook=_first_of_each)
        for line in io.BytesIO(data.removeprefix(codecs.BOM_UTF8))
        if line.strip(b" \t\r\n")
    ]
    assert all(isinstance(line, dict) for line in lines), data
    assert len(rows) == len(lines), data
    assert set(names) == set().union(*lines) if lines else not names, data
    for at, name in enumerate(names):
        wanted = [line.get(name) for line in lines]
        found = [row[at] for row in rows]
        if all(one is None or isinstance(one, str) for one in wanted):
            assert found == wanted, data
        elif all(one is None or (type(one) is int and abs(one) < 2**63) for one in wanted):
            assert [None if one is None else int(one) for one in found] == wanted, data
        assert [one is None for one in found] == [one is None for one in wanted], data


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that stands twice in an object: the first one counts."""
    return dict(reversed(pairs))


def _read(content: bytes, format_: str, dialect: Dialect) -> tuple[tuple[str, ...], list[list[Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"fuzz.{format_}"
        file.write_bytes(content)
        source = FileSource(digests=False)
        (part,) = rows_of(source.read(source.find([str(file)]), dialect).rows).parts
        columns = [f"c{at}" for at in range(len(part.columns))]
        rows = rows_of(source.read(source.find([str(file)]), dialect).rows)
        frame = collected(part.lazy.select(columns) if columns else part.lazy, rows)
        if not columns:
            return (), [[] for _ in range(frame.height)]
        return part.columns, [list(row) for row in frame.iter_rows()]


# -- patterns -----------------------------------------------------------------------------------------------


def patterns(data: bytes) -> None:
    """A pattern (up to the first NUL) means the same to every engine that it is given to."""
    pattern, _, text = data.decode(errors="ignore").partition("\0")
    if check_syntax(pattern) is not None:
        return
    regular = translate(pattern)
    if regular is None or len(text) > 200 or steps_max(pattern, len(text)) > 100_000:
        return
    wanted = regress.Regex(pattern, "u").find(text) is not None
    values = pl.Series([text])
    assert values.str.contains(regular).to_list() == [wanted], (pattern, text)
    assert bool(finder(pattern)(text)) == wanted, (pattern, text)
    found: Any = _duck().execute("SELECT regexp_matches(?, ?)", [text, regular]).fetchall()
    assert found == [(wanted,)], (pattern, text)


@cache
def _duck() -> duckdb.DuckDBPyConnection:
    atexit.register(_duck.cache_clear)  # DuckDB complains of what is open after that
    return duckdb.connect(config={"threads": 1})


# -- cells --------------------------------------------------------------------------------------------------

_KINDS: list[ColumnType] = [
    IntegerType(), NumberType(), DecimalType(10, 2), DecimalType(38, 38), BooleanType(), DateType(),
    StringType(),
    TimestampType(), TimestampType(zoned=False), TimestampType(default_zone="Europe/Berlin"), TimeType(),
    DateType("dd.MM.yyyy"),
    DateType("EEE d/M/yy"), TimestampType(zoned=False, format="d.M.yy h:m a"),
    TimestampType(format="yyyy-MM-dd'T'HH:mm:ss.SSSXXX"),
    ArrayType(IntegerType()), ArrayType(DecimalType(5, 2)),
    ObjectType((("a", IntegerType()), ("b", StringType()))), MapType(StringType(), NumberType()),
    MapType(DateType(), BooleanType()), ArrayType(ArrayType(TimestampType())), AnyType(),
    ObjectType((("x", ArrayType(ObjectType((("y", TimeType()),)))),)),
]  # fmt: skip
_SLOW = (IntegerType, NumberType, DecimalType, BooleanType, StringType)


def cells(data: bytes) -> None:
    """A text fits a type for the engine if, and only if, it does for the validator of records, and the slow rules."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else _KINDS[0]
    text = data[1:].decode(errors="ignore")
    if not text:
        return
    held = contract({"a": kind, "b": StringType()}, {"a.type": Fits("a")}, policy=lenient())
    fits = not bad_rows(text_rows({"a": [text], "b": ["x"]}), held)
    verdict = validator(held).validate({"a": text, "b": "x"})
    assert verdict.passed == fits, (kind, text)
    if isinstance(kind, _SLOW):
        assert fits == (slow_rules.fails(Fits("a"), [text], kind) == []), (kind, text)


READERS: dict[str, Reader] = {
    "contracts": contracts,
    "damaged": damaged,
    "judged": judged,
    "csv": csv_files,
    "jsonl": json_lines,
    "patterns": patterns,
    "cells": cells,
}


def seeds(name: str) -> Iterator[bytes]:
    """Where a search begins: what is well formed."""
    match name:
        case "contracts":
            yield from (json.dumps(rich(one), indent=1).encode() for one in ("v3.0", "v3.1", "v3.2"))
            yield b"apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: '1'\nstatus: active\nx: &x [1, *x, <<]\n"
        case "csv":
            yield from (
                b'\0a,b\n1,"x ""y"""\r\n,\n',
                b"\1a;b\n1;2\n",
                b"\2a,b\n\",'\n",
                b"\3'a'\tb\n1\t'\n'\n",
            )
        case "jsonl":
            yield codecs.BOM_UTF8 + b"\n\n{}\n\n{}\n\n"
            yield codecs.BOM_UTF8 + b'\n{"a": "\\ud83dx"}\n'
            yield b'{"a": 1, "b": [1, {"c": "x"}]}\n\n{"a": 2.5, "c": null, "b": "\\ud83d\\ude00"}\n'
            yield b'{"a": 9223372036854775807}\n{"a": -1}\n'
        case "patterns":
            yield from (
                b"^[a-z]{2,3}(?:x|\\d+)*$\0ab12",
                b"(?<n>a)\\b.\\u{1F600}[^\\S]\0a \n",
                b"[\\w-]?$\0\n",
            )
        case "cells":
            words = (b"1", b"-1.5e3", b"12.34", b"true", b"2024-02-29", b"2024-02-29T12:00:00.5Z", b"10:00:00",
                     b'[1, null, "2"]', b'{"a": 1, "b": "x"}', b'[{"key": "2024-01-01", "value": true}]')  # fmt: skip
            yield from (bytes([at]) + word for at in range(len(_KINDS)) for word in words[at % 3 :: 3])
        case _:
            yield from (b"", b"\0\x10\0\x05", bytes(range(20)))
