r"""A regular pattern searched for in linear time, in Python alone: an automaton that is built while it is used.

It takes what `patterns.translate` gives: no ``^ $ . \d``, only ``\A \z``, explicit classes, groups, alternatives and
greedy quantifiers. Each state is the set of places in the pattern that the text so far may have reached, so that no
text is ever gone back over; a step that was taken before is one look into a dictionary.

Source: R. Cox, Regular Expression Matching Can Be Simple And Fast (2007).
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NODES_MAX = 20_000
_STEPS_MAX = 200_000  # kept steps; beyond that they are forgotten and made anew
_WORK_MAX = 20_000_000  # visits of places while one text is searched: some seconds

_TOKEN = re.compile(
    r"\\A|\\z|\\x\{(?P<code>[0-9A-F]+)\}|\[(?P<class>[^\]]*)\]|\(\?:|[)|*+?]|\{(?P<count>[0-9,]+)\}|(?P<plain>[0-9A-Za-z])"
)
_SPAN = re.compile(r"\\x\{([0-9A-F]+)\}(?:-\\x\{([0-9A-F]+)\})?")


class TooLarge(Exception):
    """The pattern has too many places, or the text was too much work."""


# -- the pattern as a tree ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """One character of ``spans``: code points from, to, both included; sorted."""

    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning of the text, or its end."""

    end: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    branches: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``least`` to ``most`` times; None is any number."""

    part: Piece
    least: int
    most: int | None


Piece = Letter | Edge | Sequence | Choice | Repeat


def parsed(translated: str) -> Piece:
    """What `patterns.translate` gave, as a tree. Nesting is bounded there."""
    branches: list[list[list[Piece]]] = [[[]]]  # of each open group the branches, of each branch the parts
    for token in _TOKEN.finditer(translated):
        text = token[0]
        if text == "(?:":
            branches.append([[]])
            continue
        if text == "|":
            branches[-1].append([])
            continue
        if text == ")":
            group = _choice(branches.pop())
            branches[-1][-1].append(group)
            continue
        parts = branches[-1][-1]
        if token["count"] is not None or text in "*+?":
            parts.append(_repeat(parts.pop(), text, token["count"]))
        else:
            parts.append(_single(token))
    return _choice(branches[0])


def _single(token: re.Match[str]) -> Piece:
    if token[0] in (r"\A", r"\z"):
        return Edge(token[0] == r"\z")
    if token["class"] is not None:
        spans = [(int(a, 16), int(b or a, 16)) for a, b in _SPAN.findall(token["class"])]
        return Letter(tuple(sorted(spans)))
    code = int(token["code"], 16) if token["code"] else ord(token["plain"])
    return Letter(((code, code),))


def _repeat(part: Piece, sign: str, count: str | None) -> Repeat:
    if count is None:
        return Repeat(part, 1 if sign == "+" else 0, 1 if sign == "?" else None)
    low, comma, high = count.partition(",")
    return Repeat(part, int(low), int(high) if high else None if comma else int(low))


def _choice(branches: list[list[Piece]]) -> Piece:
    made = [Sequence(tuple(parts)) for parts in branches]
    return made[0] if len(made) == 1 else Choice(tuple(made))


# -- the automaton ------------------------------------------------------------------------------------------

_LETTER, _SPLIT, _BEGIN, _END, _MATCH = range(5)


class _Nodes:
    """Thompson's construction, from the back: every piece is made knowing what comes after it."""

    def __init__(self) -> None:
        self.kinds: list[int] = [_MATCH]
        self.nexts: list[tuple[int, ...]] = [()]
        self.spans: list[tuple[tuple[int, int], ...]] = [()]

    def add(self, kind: int, nexts: tuple[int, ...], spans: tuple[tuple[int, int], ...] = ()) -> int:
        if len(self.kinds) >= NODES_MAX:
            raise TooLarge(f"the pattern has more than {NODES_MAX} places")
        self.kinds.append(kind)
        self.nexts.append(nexts)
        self.spans.append(spans)
        return len(self.kinds) - 1

    def build(self, piece: Piece, after: int) -> int:
        """Where the piece begins."""
        match piece:
            case Letter(spans):
                return self.add(_LETTER, (after,), spans)
            case Edge(end):
                return self.add(_END if end else _BEGIN, (after,))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self.build(part, after)
                return after
            case Choice(branches):
                return self.add(_SPLIT, tuple(self.build(branch, after) for branch in branches))
            case Repeat(part, least, most):
                if most is None:
                    loop = self.add(_SPLIT, ())
                    self.nexts[loop] = (self.build(part, loop), after)
                    after = loop
                else:
                    for _ in range(most - least):
                        after = self.add(_SPLIT, (self.build(part, after), after))
                for _ in range(least):
                    after = self.build(part, after)
                return after


class _Found(Exception):
    """There is a match, whatever follows."""


class _State(dict[str, "_State"]):
    """The next state for each character that came so far."""

    __slots__ = ("automaton", "begins", "places")

    def __init__(self, automaton: Automaton, places: frozenset[int], *, begins: bool) -> None:
        self.automaton = automaton
        self.places = places
        self.begins = begins

    def __missing__(self, letter: str) -> _State:
        found = self.automaton.step(self, letter)
        self[letter] = found
        return found


class _Over(_State):
    """Reached where a match is complete: nothing is looked at any more."""

    __slots__ = ()

    def __missing__(self, letter: str) -> _State:
        raise _Found


class Automaton:
    """Searches for one pattern. Threads may share it. Raises TooLarge for a pattern with too many places."""

    def __init__(self, pattern: Piece) -> None:
        nodes = _Nodes()
        self._first: Final = nodes.build(pattern, 0)
        self._nodes: Final = nodes
        self._work = 0
        self._forget()

    def search(self, text: str) -> bool:
        """Whether the pattern is found in ``text``. Raises TooLarge if that takes too much work."""
        self._work = 0
        state = self._start
        try:
            for letter in text:
                state = state[letter]
        except _Found:
            return True
        if isinstance(state, _Over):
            return True
        ends = [n for n in state.places if self._nodes.kinds[n] == _END]
        return _MATCH in {self._nodes.kinds[n] for n in self._closure(ends, begins=state.begins, ends=True)}

    def step(self, state: _State, letter: str) -> _State:
        """The state after one more character."""
        if self._steps > _STEPS_MAX:
            self._forget()
        self._steps += 1
        code = ord(letter)
        nodes = self._nodes
        after = [
            nodes.nexts[n][0]
            for n in state.places
            if nodes.kinds[n] == _LETTER and _within(code, nodes.spans[n])
        ]
        return self._state([*after, self._first], begins=False)

    def _forget(self) -> None:
        self._steps = 0
        self._states: dict[frozenset[int], _State] = {}
        self._start = self._state([self._first], begins=True)

    def _state(self, from_: Iterable[int], *, begins: bool) -> _State:
        places = self._closure(from_, begins=begins, ends=False)
        if _MATCH in {self._nodes.kinds[n] for n in places}:
            return _Over(self, places, begins=begins)
        if begins:
            return _State(self, places, begins=True)
        return self._states.setdefault(places, _State(self, places, begins=False))

    def _closure(self, from_: Iterable[int], *, begins: bool, ends: bool) -> frozenset[int]:
        """The places that are reached without another character: letters, ends that wait, the match."""
        kinds, nexts = self._nodes.kinds, self._nodes.nexts
        seen = set(from_)
        todo = list(seen)
        found = []
        while todo:
            node = todo.pop()
            kind = kinds[node]
            if kind == _SPLIT or (kind == _BEGIN and begins) or (kind == _END and ends):
                fresh = [n for n in nexts[node] if n not in seen]
                seen.update(fresh)
                todo += fresh
            elif kind != _BEGIN:
                found.append(node)
        self._work += len(seen)
        if self._work > _WORK_MAX:
            raise TooLarge("the text takes too much work")
        return frozenset(found)


def _within(code: int, spans: tuple[tuple[int, int], ...]) -> bool:
    if len(spans) == 1:
        return spans[0][0] <= code <= spans[0][1]
    at = bisect.bisect_right(spans, (code, 0x110000)) - 1
    return at >= 0 and spans[at][0] <= code <= spans[at][1]


# -- how long backtracking can take -------------------------------------------------------------------------

_Spans = tuple[tuple[int, int], ...]
_END_SPAN = (-1, -1)  # the end of the text, as a character that may follow
_PIECES_MAX = 400


def choices(pattern: Piece) -> tuple[int, int] | None:
    """How often backtracking may have to choose: ``free`` counts (each up to the text's length), and the product of the
    other choices. None: no bound is known.

    Where the next character alone decides what to do, backtracking never comes back; what is left are quantifiers and
    alternatives that share characters with what follows. Outside of repeats each is met once on a path.
    """
    tree = _Choices()
    try:
        tree.look(pattern, (_END_SPAN,), looped=False)
    except TooLarge:
        return None
    return tree.free, tree.product


class _Choices:
    def __init__(self) -> None:
        self.free, self.product, self._pieces = 0, 1, 0

    def look(self, piece: Piece, follow: _Spans, *, looped: bool) -> None:
        """Count the choices in ``piece``, after which a character of ``follow`` comes."""
        self._pieces += 1
        if self._pieces > _PIECES_MAX:
            raise TooLarge("too many pieces to look at")
        match piece:
            case Sequence(parts):
                for i in range(len(parts) - 1, -1, -1):
                    self.look(parts[i], follow, looped=looped)
                    follow = _first(parts[i], follow)
            case Choice(branches):
                seen: _Spans = ()
                shared = 0
                for branch in branches:
                    first = _first(branch, follow)
                    shared += _meet(seen, first)
                    seen += first
                    self.look(branch, follow, looped=looped)
                if shared:
                    self._choose(len(branches), looped=looped)
            case Repeat(part, least, most):
                self._repeat(part, least, most, follow, looped=looped)
            case _:
                pass

    def _repeat(self, part: Piece, least: int, most: int | None, follow: _Spans, *, looped: bool) -> None:
        again = most is None or most > 1
        inner = _first(part, ())
        if _empty(part) and again:
            raise TooLarge("a repeat of what may be empty")
        self.look(part, (*inner, *follow) if again else follow, looped=looped or again)
        if most != least and _meet(inner, follow):
            self._choose(None if again else 2, looped=looped)

    def _choose(self, ways: int | None, *, looped: bool) -> None:
        if looped:
            raise TooLarge("a choice inside of a repeat")
        if ways is None:
            self.free += 1
        else:
            self.product *= ways


def _first(piece: Piece, follow: _Spans) -> _Spans:
    """The characters that may come first; those of ``follow`` too where the piece may be empty."""
    match piece:
        case Letter(spans):
            return spans
        case Edge(end):
            return (_END_SPAN,) if end else follow
        case Sequence(parts):
            for part in reversed(parts):
                follow = _first(part, follow)
            return follow
        case Choice(branches):
            return tuple(span for branch in branches for span in _first(branch, follow))
        case Repeat(part, least, most):
            if most == 0:
                return follow
            first = _first(part, follow if _empty(part) else ())
            return first if least > 0 else (*first, *follow)


def _empty(piece: Piece) -> bool:
    """Whether it may be passed without a character."""
    match piece:
        case Letter():
            return False
        case Edge():
            return True
        case Sequence(parts):
            return all(_empty(part) for part in parts)
        case Choice(branches):
            return any(_empty(branch) for branch in branches)
        case Repeat(part, least, _):
            return least == 0 or _empty(part)


def _meet(one: _Spans, other: _Spans) -> bool:
    """Whether they share a character."""
    ordered = sorted([(a, b, 0) for a, b in one] + [(a, b, 1) for a, b in other])
    reach = [-2, -2]
    for first, last, side in ordered:
        if first <= reach[1 - side]:
            return True
        reach[side] = max(reach[side], last)
    return False
