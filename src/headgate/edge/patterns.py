r"""Patterns of contracts mean what ECMA-262 with the ``u`` flag means by them, on every engine.

`regress` implements that standard and is the judge, but it backtracks: ``(a+)+$`` may never end. Rust's regex
(Polars) and RE2 (DuckDB) are linear but read some letters otherwise (``$``, ``.``, ``\s``, ``\w``). So a pattern
of the regular subset is spelled out until nothing is left that they could read differently, and the rest
(look-around, backreferences, ``\b``, ``\p``) is searched by regress over distinct values, in a process that can
be killed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import regress

from headgate.edge.child import Child, ChildDied, ChildLate
from headgate.model.errors import ContractUnusable

PATTERN_LENGTH_MAX = 10_000  # regress recurses over alternatives: some 50,000 of them overflow its stack
STRINGS_PER_CHUNK = 50_000
_STEPS_IN_PROCESS_MAX = 5_000_000  # under 0.1 s in the worst case: what starting a process would cost
_REPEAT_MAX = 1_000  # RE2 refuses more, nested ones multiplied
_SIZE_MAX = 200_000  # of the compiled program, estimated; Polars refuses from about 400,000 on
_DEPTH_MAX = 100

_Range = tuple[int, int]

_LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_LINE_ENDS: list[_Range] = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
_DIGITS: list[_Range] = [(0x30, 0x39)]
_WORD: list[_Range] = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
_SPACES: list[_Range] = [
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
]  # fmt: skip
_SETS = {"d": _DIGITS, "w": _WORD, "s": _SPACES}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")


def check_syntax(pattern: str) -> str | None:
    """None if ``pattern`` is ECMA-262 with the ``u`` flag, else what is wrong with it, in words."""
    if len(pattern) > PATTERN_LENGTH_MAX:
        return f"the pattern is longer than {PATTERN_LENGTH_MAX:,} characters"
    try:
        regress.Regex(pattern, "u")
    except (regress.RegressError, UnicodeError) as error:
        return str(error)
    return None


def translate(pattern: str) -> str | None:
    r"""A valid ``pattern`` for both Rust's regex and RE2, to be *searched* with; None if only regress can decide.

    The result holds no ``^ $ . \d \w \s``, no flags, no captures: only ``\A \z``, explicit classes, groups,
    alternatives and greedy quantifiers. Laziness changes which match is found, never whether there is one.
    """
    if len(pattern) > PATTERN_LENGTH_MAX:
        return None
    cursor = _Cursor(pattern)
    try:
        piece = _alternatives(cursor, 0)
    except (_OnlyRegress, ValueError, IndexError):
        return None
    if cursor.at != len(pattern) or piece.size > _SIZE_MAX:
        return None
    return piece.text


def matches(pattern: str, values: Sequence[str], timeout_s: float) -> list[bool]:
    """For each of ``values`` whether the valid ``pattern`` is found in it, by regress.

    Hand over distinct values: all of them are searched. Few short ones are searched here if that provably takes
    no time, else in a child process. Raises ContractUnusable if all of it takes longer than ``timeout_s`` seconds.
    """
    longest = max(map(len, values), default=0)
    if len(values) * steps_max(pattern, longest) <= _STEPS_IN_PROCESS_MAX:
        find = regress.Regex(pattern, "u").find
        return [find(value) is not None for value in values]
    end = time.monotonic() + timeout_s
    found = bytearray()
    try:
        with Child("headgate.edge.pattern_worker") as child:
            for start in range(0, len(values), STRINGS_PER_CHUNK):
                left_s = max(end - time.monotonic(), 0.001)
                chunk = list(values[start : start + STRINGS_PER_CHUNK])
                found += child.ask(json.dumps([left_s, pattern, chunk]).encode(), left_s)
    except (ChildLate, ChildDied) as error:
        why = (
            f"took longer than {timeout_s:g} s"
            if isinstance(error, ChildLate)
            else "broke the pattern engine"
        )
        shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
        raise ContractUnusable(
            f"the pattern {shown!r} {why} on {len(values)} distinct values",
            hint="write it without repeats inside repeats such as (a+)+, and without look-around if you can",
            place=shown,
        ) from error
    return [byte == 1 for byte in found]


# -- how long backtracking can take -------------------------------------------------------------------------


def steps_max(pattern: str, length: int) -> float:
    """An upper bound of the steps that backtracking may take on a string of ``length`` characters.

    If no group is repeated, each quantifier is met once on a path and chooses among at most ``length + 1`` counts,
    and n alternatives are at most 2 ** (n - 1) choices: the paths are at most the product, over ``length + 1``
    places to start from. A repeated group makes it infinity: no bound is claimed.
    """
    quantifiers = alternatives = backreferences = at = 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "\\":
            backreferences += pattern[at : at + 1] in "123456789k"
            at += 1
        elif letter == "[":
            while pattern[at] != "]":
                at += 2 if pattern[at] == "\\" else 1
            at += 1
        elif letter == "|":
            alternatives += 1
        elif letter == "(":
            at += pattern[at : at + 1] == "?"  # the sign of a special group, not a quantifier
        elif letter == ")" and pattern[at : at + 1] in tuple("*+?{"):
            return float("inf")
        elif letter in "*+?{":
            quantifiers += 1  # the ? of a lazy one is counted, too: an upper bound stays one
    if quantifiers + alternatives + backreferences > 20:
        return float("inf")
    return float((length + 1) ** (quantifiers + backreferences + 2) * 2**alternatives * (len(pattern) + 1))


# -- translation --------------------------------------------------------------------------------------------


class _OnlyRegress(Exception):
    """Nothing that both engines can say."""


@dataclass(slots=True)
class _Cursor:
    pattern: str
    at: int = 0

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        letter = self.pattern[self.at]
        self.at += 1
        return letter


@dataclass(frozen=True, slots=True)
class _Piece:
    """``size``: instructions when compiled, at most. ``repeats``: the greatest product of nested repeats."""

    text: str
    size: int = 1
    repeats: int = 1


def _alternatives(cursor: _Cursor, depth: int) -> _Piece:
    if depth > _DEPTH_MAX:
        raise _OnlyRegress
    branches: list[list[_Piece]] = [[]]
    while (letter := cursor.peek()) and letter != ")":
        if letter == "|":
            cursor.take()
            branches.append([])
        else:
            branches[-1].append(_term(cursor, depth))
    pieces = [piece for branch in branches for piece in branch]
    return _Piece(
        "|".join("".join(piece.text for piece in branch) for branch in branches),
        sum(piece.size for piece in pieces) + len(branches),
        max((piece.repeats for piece in pieces), default=1),
    )


def _term(cursor: _Cursor, depth: int) -> _Piece:
    letter = cursor.take()
    if letter == "^":
        return _Piece(r"\A")
    if letter == "$":
        return _Piece(r"\z")
    if letter == ".":
        return _quantified(cursor, _class(_all_but(_LINE_ENDS)))
    if letter == "[":
        return _quantified(cursor, _class(_class_ranges(cursor)))
    if letter == "(":
        _open_group(cursor)
        inner = _alternatives(cursor, depth + 1)
        if cursor.take() != ")":
            raise _OnlyRegress
        return _quantified(cursor, _Piece(f"(?:{inner.text})", inner.size, inner.repeats))
    if letter == "\\":
        escape = _escape(cursor, in_class=False)
        return _quantified(cursor, _class(escape) if isinstance(escape, list) else _literal(escape))
    if letter in _SYNTAX:
        raise _OnlyRegress
    return _quantified(cursor, _literal(ord(letter)))


def _open_group(cursor: _Cursor) -> None:
    if cursor.peek() != "?":
        return
    cursor.take()
    kind = cursor.take()
    if kind == "<" and cursor.peek() not in ("=", "!", ""):
        cursor.at = cursor.pattern.index(">", cursor.at) + 1
    elif kind != ":":
        raise _OnlyRegress


def _quantified(cursor: _Cursor, piece: _Piece) -> _Piece:
    letter = cursor.peek()
    if letter and letter in "*+?":
        quantifier = cursor.take()
        result = _Piece(piece.text + quantifier, piece.size * 2, piece.repeats)
    elif letter == "{":
        end = cursor.pattern.index("}", cursor.at)
        low, comma, high = cursor.pattern[cursor.at + 1 : end].partition(",")
        cursor.at = end + 1
        repeats = piece.repeats * max(int(high or low), 1)
        if repeats > _REPEAT_MAX:
            raise _OnlyRegress
        numbers = f"{int(low)}" if not comma else f"{int(low)},{int(high) if high else ''}"
        result = _Piece(f"{piece.text}{{{numbers}}}", piece.size * (max(int(high or low), 1) + 1), repeats)
    else:
        return piece
    if cursor.peek() == "?":
        cursor.take()
    return result


def _escape(cursor: _Cursor, *, in_class: bool) -> int | list[_Range]:
    """A character, as its code point, or a set of them."""
    letter = cursor.take()
    if letter.lower() in _SETS:
        ranges = _SETS[letter.lower()]
        return ranges if letter.islower() else _all_but(ranges)
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if letter in _SYNTAX or (in_class and letter == "-"):
        return ord(letter)
    if in_class and letter == "b":
        return 0x08
    if letter == "0" and not cursor.peek().isdigit():
        return 0
    if letter == "x":
        return _hex(cursor, 2)
    if letter == "c":
        return ord(cursor.take()) % 32
    if letter == "u":
        return _unicode_escape(cursor)
    raise _OnlyRegress


def _unicode_escape(cursor: _Cursor) -> int:
    if cursor.peek() == "{":
        end = cursor.pattern.index("}", cursor.at)
        digits = cursor.pattern[cursor.at + 1 : end]
        cursor.at = end + 1
        return int(digits, 16)
    first = _hex(cursor, 4)
    if 0xD800 <= first < 0xDC00 and cursor.pattern.startswith("\\u", cursor.at):
        before = cursor.at
        cursor.at += 2
        if cursor.peek() != "{" and 0xDC00 <= (second := _hex(cursor, 4)) <= 0xDFFF:
            return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        cursor.at = before
    return first


def _hex(cursor: _Cursor, digits: int) -> int:
    text = cursor.pattern[cursor.at : cursor.at + digits]
    if len(text) != digits:
        raise _OnlyRegress
    cursor.at += digits
    return int(text, 16)


def _class_ranges(cursor: _Cursor) -> list[_Range]:
    """The code points of a class whose ``[`` was just taken."""
    negated = cursor.peek() == "^"
    cursor.at += negated
    ranges: list[_Range] = []
    while cursor.peek() != "]":
        first = _class_member(cursor)
        if isinstance(first, list):
            ranges += first
        elif cursor.peek() == "-" and cursor.pattern[cursor.at + 1] != "]":
            cursor.take()
            last = _class_member(cursor)
            if isinstance(last, list) or last < first:
                raise _OnlyRegress
            ranges.append((first, last))
        else:
            ranges.append((first, first))
    cursor.take()
    return _all_but(ranges) if negated else ranges


def _class_member(cursor: _Cursor) -> int | list[_Range]:
    letter = cursor.take()
    return _escape(cursor, in_class=True) if letter == "\\" else ord(letter)


def _all_but(ranges: list[_Range]) -> list[_Range]:
    rest: list[_Range] = []
    free = 0
    for first, last in sorted(ranges):
        if first > free:
            rest.append((free, first - 1))
        free = max(free, last + 1)
    if free <= _LAST:
        rest.append((free, _LAST))
    return rest


def _class(ranges: list[_Range]) -> _Piece:
    """An explicit class, less the surrogates: UTF-8 has none, and no engine takes them in a class."""
    present = _all_but([*_all_but(ranges), _SURROGATES])
    if not present:
        raise _OnlyRegress  # matches nothing; an empty class cannot be written
    spans = (_code(a) if a == b else f"{_code(a)}-{_code(b)}" for a, b in present)
    return _Piece(f"[{''.join(spans)}]", max(20, sum(_utf8_size(a, b) for a, b in present)))


def _utf8_size(first: int, last: int) -> int:
    """How many byte instructions a range takes at most: each length of encoding splits into so many sequences."""
    kinds = ((0x7F, 1), (0x7FF, 6), (0xFFFF, 15), (_LAST, 28))
    low = 0
    size = 0
    for high, instructions in kinds:
        if first <= high and last >= low:
            size += instructions
        low = high + 1
    return size


def _literal(code: int) -> _Piece:
    if _SURROGATES[0] <= code <= _SURROGATES[1]:
        raise _OnlyRegress
    return _Piece(chr(code) if chr(code).isascii() and chr(code).isalnum() else _code(code), 20)


def _code(code: int) -> str:
    return f"\\x{{{code:X}}}"
