"""CSV as RFC 4180 has it, judged exactly before Polars reads it.

Polars pads short rows without a word, and notices long ones only when it reads all columns. So delimiters outside
quotes are counted first, in blocks: they must be (columns - 1) x records. Together with Polars' own error for
long rows (a check reads all columns once) that is exact. Only when something is wrong are lines looked at one
by one, to name the one at fault.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from headgate.model.contract import Dialect
from headgate.model.errors import Unreadable, WrongUse

BLOCK = 1 << 22
_HEADER_BYTES_MAX = 1 << 22
_TAIL = 1 << 16
_OTHER_DELIMITERS = ",;\t|"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Form:
    """A dialect in bytes. ``quote`` is empty where nothing is quoted."""

    delimiter: bytes
    quote: bytes
    header: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a line; the file's first line is 1."""

    line: int
    message: str


def form_of(dialect: Dialect) -> Form:
    """Raises WrongUse for a delimiter or quote that is not one ASCII character."""
    for what, text in (("delimiter", dialect.delimiter), ("quote", dialect.quote)):
        if (len(text) != 1 or not text.isascii() or text in "\r\n\0") and not (what == "quote" and not text):
            raise WrongUse(
                f"the {what} {text!r} of the contract's dialect is not one ASCII character",
                hint="use one of , ; | or a tab as delimiter, and one of \" ' as quote",
            )
    if dialect.delimiter == dialect.quote:
        raise WrongUse(
            f"delimiter and quote are both {dialect.quote!r}", hint="choose another quote in the dialect"
        )
    return Form(dialect.delimiter.encode(), dialect.quote.encode(), dialect.header)


def decoded(raw: bytes, encoding: str, place: str) -> bytes:
    """Bytes of another encoding as UTF-8. Raises Unreadable with the line, WrongUse for an unknown encoding."""
    try:
        codec = codecs.lookup(encoding)
    except LookupError as error:
        raise WrongUse(
            f"there is no encoding {encoding!r}", hint="use utf-8, latin-1, cp1252 or utf-16", place=place
        ) from error
    try:
        return codec.decode(raw)[0].encode()
    except UnicodeDecodeError as error:
        raise _not_encoded(encoding, raw[: error.start].count(b"\n") + 1, place) from error


def is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    except LookupError:
        return False


def header_of(file: BinaryIO, form: Form, place: str) -> tuple[str, ...]:
    """The names in the first record (without a header: column_1, column_2 ...). Leaves ``file`` at its start."""
    start = file.read(_HEADER_BYTES_MAX)
    file.seek(0)
    start = start.removeprefix(_BOM)
    records = _records(io.BytesIO(start), form)
    first = next(records, None)
    if isinstance(first, Fault) and b"\n" in start:
        raise unreadable(first, place)
    if first is None or isinstance(first, Fault):
        raise Unreadable("there is no header", hint="the first line must name the columns", place=place)
    try:
        names = tuple(_unquoted(field, form).decode() for field in first.fields)
    except UnicodeDecodeError as error:
        raise _not_encoded("utf-8", 1, place) from error
    if not form.header:
        return tuple(f"column_{i + 1}" for i in range(len(names)))
    _require_names(names, form, place)
    return names


def validate(file: BinaryIO, form: Form, columns: int, place: str) -> int:
    """How many blank lines stand at the end, which are no rows; always 0 of one column, where such a line is a null.

    Raises Unreadable, naming the line, unless every record has as many fields as there are columns.
    """
    blank = _blank_at_the_end(file) if columns > 1 else 0
    file.seek(0)
    if not _count(file, form, columns, blank):
        file.seek(0)
        if fault := first_fault(file, form, columns):
            raise unreadable(fault, place)
    return blank


def _blank_at_the_end(file: BinaryIO) -> int:
    ends, at = 0, file.seek(0, io.SEEK_END)
    file.seek(max(at - 2, 0))
    cut_off = file.read() == b"\n\r"  # the last of them has no LF
    while at > 0:
        size = min(at, _TAIL)
        at = file.seek(at - size)
        block = file.read(size)
        rest = block.rstrip(b"\r\n")
        ends += block.count(b"\n", len(rest))
        if rest:
            break
    return max(ends - 1, 0) + cut_off


def first_fault(file: BinaryIO, form: Form, columns: int) -> Fault | None:
    """The first line at fault, looking at every record. Of several columns, blank lines at the end are none."""
    header: list[bytes] | None = None
    blank = 0
    for found in _records(file, form):
        if isinstance(found, _Record) and columns > 1 and found.fields == [b""]:
            blank = blank or found.line
            continue
        if blank:
            return Fault(blank, f"1 field where the header has {columns}")
        if isinstance(found, Fault):
            return found
        at, fields = found.line, found.fields
        try:
            b"".join(fields).decode()
        except UnicodeDecodeError:
            return Fault(at, "the text is not utf-8")
        if b"\0" in b"".join(fields):
            return Fault(at, "the line holds a NUL byte")
        if any(field.endswith(b"\r") for field in fields[:-1]):
            return Fault(at, "a carriage return stands at the end of a field that is not quoted")
        if len(fields) != columns:
            many = f"{len(fields)} field" + ("s" if len(fields) != 1 else "")
            return Fault(at, f"{many} where the header has {columns}")
        if header is None:
            header = fields
        elif form.header and columns > 1 and fields == header:
            return Fault(at, "the header line is repeated inside the data")
    return None


# -- counting -----------------------------------------------------------------------------------------------


def _count(file: BinaryIO, form: Form, columns: int, blank: int) -> bool:
    """True if nothing is wrong, as far as counting shows; what it leaves open, the records decide. ``blank``: lines at
    the end that are no records.
    """
    delimiter, quote = form.delimiter, form.quote
    misplaced = _misplaced_quote(form) if quote else None
    header = b""
    inside = False
    delimiters = records = 0
    last = b"\n"
    first = True
    while block := file.read(BLOCK):
        block += file.readline()
        if first:
            block = block.removeprefix(_BOM)
            header = block.partition(b"\n")[0]
        if not _clean(block):
            return False
        returns = b"\r" in block
        if form.header and columns > 1 and _repeats(block, header, first=first):
            return False
        if quote and (inside or quote in block):
            pieces = block.split(quote)
            outside = pieces[inside::2]
            inside ^= len(pieces) % 2 == 0
            block = quote.join(outside)
            if misplaced is None or misplaced.search(block):
                return False
        # Polars takes it for the end of a line, and drops it.
        if returns and b"\r" + delimiter in block:
            return False
        delimiters += block.count(delimiter)
        records += block.count(b"\n")
        last = block[-1:]
        first = False
    records += last != b"\n" or False
    if last == delimiter:  # Polars takes a field too many for the end, if nothing stands in it
        return False
    return not inside and delimiters == (records - blank) * (columns - 1)


def _clean(block: bytes) -> bool:
    """UTF-8 without NUL bytes; ends of lines are LF or CR LF."""
    if not block.isascii():
        try:
            block.decode()
        except UnicodeDecodeError:
            return False
    return b"\0" not in block


def _repeats(block: bytes, header: bytes, *, first: bool) -> bool:
    line = header + b"\n"
    return b"\n" + line in block or (not first and block.startswith(line)) or block.endswith(b"\n" + header)


def _misplaced_quote(form: Form) -> re.Pattern[bytes]:
    """What may not stand beside a quoted field, once its content is cut out and one quote left in its place."""
    d, q = re.escape(form.delimiter), re.escape(form.quote)
    return re.compile(rb"[^\n%b%b]%b|%b[^\r\n%b%b]" % (d, q, q, q, d, q))


# -- records ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    fields: list[bytes]


def _records(file: BinaryIO, form: Form) -> Iterator[_Record | Fault]:
    """The records of a file with their raw fields; a Fault ends them."""
    number = 0
    begun = 0
    held = b""
    for line in file:
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)  # noqa: PLW2901
        if not held:
            begun = number
            if not form.quote or form.quote not in line:
                yield _Record(number, _stripped(line).split(form.delimiter))
                continue
        held += line
        if held.count(form.quote) % 2:
            continue
        fields = _fields(_stripped(held), form)
        if fields is None:
            yield Fault(
                begun, "a quote stands inside a field that is not quoted, or text follows a closing quote"
            )
            return
        yield _Record(begun, fields)
        held = b""
    if held:
        yield Fault(begun, "a quoted field is never closed")


def _fields(record: bytes, form: Form) -> list[bytes] | None:
    d, q = re.escape(form.delimiter), re.escape(form.quote)
    one = re.compile(rb"(?:%b[^%b]*%b)+|[^%b%b]*" % (q, q, q, d, q))
    fields: list[bytes] = []
    at = 0
    while True:
        match = one.match(record, at)
        assert match is not None  # it can match nothing
        fields.append(match.group())
        at = match.end()
        if at == len(record):
            return fields
        if record[at : at + 1] != form.delimiter:
            return None
        at += 1


def _stripped(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _unquoted(field: bytes, form: Form) -> bytes:
    q = form.quote
    if q and field.startswith(q):
        return field[1:-1].replace(q + q, q)
    return field


# -- errors -------------------------------------------------------------------------------------------------


def _require_names(names: tuple[str, ...], form: Form, place: str) -> None:
    delimiter = form.delimiter.decode()
    if len(names) == 1 and (others := [c for c in _OTHER_DELIMITERS if c != delimiter and c in names[0]]):
        raise Unreadable(
            f"the header is one column {names[0]!r}, so the delimiter is hardly {delimiter!r}",
            hint=f"declare the delimiter {others[0]!r} in the contract's dialect, or give --delimiter",
            place=f"{place}:1",
        )
    if any("\r" in name or "\0" in name for name in names):
        raise Unreadable(
            "lines end with CR alone, or the header holds control characters",
            hint="write the file with LF or CR LF at the ends of lines",
            place=f"{place}:1",
        )
    if "" in names:
        raise Unreadable(
            f"column {names.index('') + 1} has no name",
            hint="the first line must name every column",
            place=f"{place}:1",
        )
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise Unreadable(
            f"the header names the column {twice!r} twice",
            hint="give every column a name of its own",
            place=f"{place}:1",
        )


def unreadable(fault: Fault, place: str) -> Unreadable:
    if fault.message == "the text is not utf-8":
        return _not_encoded("utf-8", fault.line, place)
    return Unreadable(
        fault.message,
        hint="have the file written as RFC 4180 CSV, or declare its delimiter and quote in the contract's dialect",
        place=f"{place}:{fault.line}",
    )


def _not_encoded(encoding: str, line: int, place: str) -> Unreadable:
    return Unreadable(
        f"the text is not {encoding}",
        hint="declare the encoding in the contract's dialect, or have the file written as utf-8",
        place=f"{place}:{line}",
    )
