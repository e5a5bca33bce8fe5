"""Whether a pattern is found in one text, in bounded time: three ways, from fast to safe.

1. `regress`, where the text is so short that even the worst way through the pattern takes no time. How short that is
   is worked out once, when the pattern is compiled; nearly all patterns and texts of contracts go this way.
2. The automaton (linear time, Python), for regular patterns on longer texts, or such as ``(a+)+$``.
3. `regress` in a child process that is killed when it takes too long, for look-around, backreferences and the like.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import regress

from headgate.edge import patterns
from headgate.edge.child import ChildDied, ChildLate, borrowed
from headgate.edge.record.automaton import Automaton, Piece, Sequence, TooLarge, choices, parsed
from headgate.edge.record.automaton import Edge as _Edge

SECONDS_MAX = 1.0  # in the child process
_STEPS_MAX = 1_000_000  # of regress in this process: some milliseconds at worst
_LENGTH_MAX = 1_000_000
_WORKER = "headgate.edge.pattern_worker"
_REST = json.dumps([1.0, "", []]).encode()

Find = Callable[[str], bool]


class Undecided(Exception):
    """Nobody could say in time whether the pattern is found."""


def finder(pattern: str) -> Find:
    """A search for the valid ``pattern``; it may raise Undecided."""
    translated = patterns.translate(pattern)
    tree = None if translated is None else parsed(translated)
    slow = _in_child(pattern) if tree is None else _by_automaton(tree, pattern)
    steps = steps_irregular(pattern) if tree is None else steps_regular(tree, pattern)
    short = _longest(steps)
    search = regress.Regex(pattern, "u").find

    def find(text: str) -> bool:
        return search(text) is not None if len(text) <= short else slow(text)

    return find


def steps_irregular(pattern: str) -> Callable[[int], float]:
    return lambda length: patterns.steps_max(pattern, length)


def steps_regular(tree: Piece, pattern: str) -> Callable[[int], float]:
    """An upper bound of the steps that backtracking takes, by the length of the text."""
    found = choices(tree)
    if found is None:
        return lambda _: float("inf")
    free, product = found
    starts = 0 if _anchored(tree) else 1
    return lambda length: float((length + 1) ** (1 + starts + free) * product * (len(pattern) + 1))


def _anchored(tree: Piece) -> bool:
    while isinstance(tree, Sequence) and tree.parts:
        tree = tree.parts[0]
    return isinstance(tree, _Edge) and not tree.end


def _longest(steps: Callable[[int], float]) -> int:
    """The greatest length that takes no more than the allowed steps; -1 if there is none."""
    low, high = -1, _LENGTH_MAX
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if steps(middle) <= _STEPS_MAX else (low, middle - 1)
    return low


def _by_automaton(tree: Piece, pattern: str) -> Find:
    made: list[Automaton] = []  # only when it is needed
    child = _in_child(pattern)

    def find(text: str) -> bool:
        try:
            if not made:
                made.append(Automaton(tree))
            return made[0].search(text)
        except TooLarge:
            return child(text)

    return find


def _in_child(pattern: str) -> Find:
    def find(text: str) -> bool:
        question = json.dumps([SECONDS_MAX, pattern, [text]]).encode()
        try:
            with borrowed(_WORKER, _REST) as child:
                return child.ask(question, SECONDS_MAX)[0] == 1
        except ChildLate as error:
            raise Undecided(f"the pattern {pattern!r} took longer than {SECONDS_MAX:g} s") from error
        except ChildDied as error:
            raise Undecided(f"the pattern {pattern!r} broke the pattern engine") from error

    return find
