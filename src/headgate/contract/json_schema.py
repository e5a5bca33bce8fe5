"""JSON Schema 2019-09, as far as the schemas of ODCS use it.

The library ``jsonschema`` takes 70 ms to import and 60 ms to judge a contract of 40 columns, which is more than
the rest of ``headgate check`` has to spare; this takes 3 ms. The library is the oracle in the tests: both agree
on every contract there, and on thousands of damaged ones. Not here: formats (2019-09 makes them notes), remote
references, and keywords that ODCS does not use; a schema that holds one is refused by `unknown_keywords`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Value = None | bool | int | Decimal | str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

_NOTES = frozenset(
    {"$schema", "$defs", "title", "description", "default", "examples", "deprecated", "format"}
)
_HANDLED = frozenset({
    "$ref", "type", "enum", "const", "required", "properties", "additionalProperties", "unevaluatedProperties",
    "items", "minItems", "maxItems", "uniqueItems", "minimum", "exclusiveMinimum", "pattern", "allOf", "anyOf",
    "oneOf", "not", "if", "then",
})  # fmt: skip
_CLASSES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, Decimal),
}  # fmt: skip - of values that are surely of the type; `_is` knows all


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at ``path``, and perhaps the way out."""

    path: Path
    message: str
    hint: str = ""


def unknown_keywords(schema: Value) -> set[str]:
    """Keywords in a schema that would be passed over here."""
    if isinstance(schema, list):
        return set().union(*map(unknown_keywords, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema) - _HANDLED - _NOTES
    for word, part in schema.items():
        if word in {"properties", "$defs"} and isinstance(part, dict):
            for inner in part.values():
                grouped = isinstance(inner, dict) and word == "$defs" and not set(inner) & _HANDLED
                for one in inner.values() if grouped and isinstance(inner, dict) else [inner]:
                    found |= unknown_keywords(one)
        elif word not in {"enum", "const", "required", "default", "examples"}:
            found |= unknown_keywords(part)
    return found


def text_of(path: Path) -> str:
    """``("schema", 0, "name")`` as people write it: ``schema[0].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


class Schema:
    """A schema made ready to judge values by: what it says is read once, and parts that are referred to when needed.

    It takes two fifths of the time of reading the words again for each value.
    """

    __slots__ = (
        "all_of", "any_of", "classes", "const", "else_unseen", "enum", "if_", "items", "least", "more_than",
        "needs", "never", "not_", "one_of", "others", "pattern", "properties", "reference", "root", "said", "sizes",
        "then", "types", "unique",
    )  # fmt: skip

    def __init__(self, said: Value, root: _Root | None = None) -> None:
        known = said if isinstance(said, dict) else {}
        self.said = said
        self.root = root if root is not None else _Root(known)
        self.never = said is False
        self.reference = str(known["$ref"]) if "$ref" in known else None
        types = known.get("type")
        self.types = tuple(map(str, types if isinstance(types, list) else [types])) if types else ()
        self.classes = frozenset(c for one in self.types for c in _CLASSES[one])
        self.enum = frozenset(map(_key, _list(known["enum"]))) if "enum" in known else None
        self.const = (_key(known["const"]),) if "const" in known else ()
        self.needs = tuple(map(str, _list(known.get("required"))))
        properties = known.get("properties")
        self.properties = _Properties(properties if isinstance(properties, dict) else {}, self.root)
        self.others = self._named(known, "additionalProperties")
        self.else_unseen = self._named(known, "unevaluatedProperties")
        self.items = self._named(known, "items")
        self.sizes = (_whole(known.get("minItems")), _whole(known.get("maxItems")))
        self.unique = known.get("uniqueItems") is True
        self.pattern = re.compile(str(known["pattern"])) if "pattern" in known else None
        self.least, self.more_than = _whole(known.get("minimum")), _whole(known.get("exclusiveMinimum"))
        self.all_of, self.any_of, self.one_of = (
            tuple(self._part(one) for one in _list(known.get(word))) for word in ("allOf", "anyOf", "oneOf")
        )
        self.not_, self.if_, self.then = (self._named(known, word) for word in ("not", "if", "then"))

    def _part(self, said: Value) -> Schema:
        return Schema(said, self.root)

    def _named(self, known: Mapping[str, Value], word: str) -> Schema | None:
        return self._part(known[word]) if word in known else None

    def problems(self, value: Value) -> list[Problem]:
        """Everything in ``value`` that is not allowed; empty if it is valid."""
        found: list[Problem] = []
        self.judge(value, (), found, None)
        return found

    def judge(self, value: Value, path: Path, found: list[Problem], seen: set[str] | None) -> None:
        """Append to ``found``; add to ``seen`` the names of those properties of ``value`` that were looked at.

        A part that failed keeps its names, which makes no value valid, but keeps one error from being reported again
        as a dozen unevaluated properties.
        """
        if self.else_unseen is None or not isinstance(value, dict):
            self._judge_parts(value, path, found, seen)
            return
        own: set[str] = set()
        if self._judge_parts(value, path, found, own):
            self._nothing_else(self.else_unseen, value, own, path, found)
            own.update(value)
        if seen is not None:
            seen |= own

    def _judge_parts(self, value: Value, path: Path, found: list[Problem], seen: set[str] | None) -> bool:
        """All but what was not looked at; False if the type is wrong, so that nothing more can be said."""
        if self.reference is not None:
            self.root[self.reference].judge(value, path, found, seen)
        if self.types and type(value) not in self.classes and not any(_is(value, one) for one in self.types):
            found.append(_not_of(self.types, value, path))
            return False
        if self.never:
            found.append(Problem(path, "is not allowed here"))
        if self.enum is not None and _key(value) not in self.enum:
            found.append(_not_among(value, self._listed("enum"), path))
        if self.const and _key(value) != self.const[0]:
            found.append(Problem(path, f"must be {_said(self._words()['const'])}, not {_said(value)}"))
        if isinstance(value, dict):
            self._judge_object(value, path, found, seen)
        else:
            self._judge_kind(value, path, found)
        for part in self.all_of:
            part.judge(value, path, found, seen)
        if self.any_of or self.one_of:
            self._judge_forms(value, path, found, seen)
        if self.not_ is not None and self.not_.fits(value) is not None:
            found.append(Problem(path, f"must not be as it is: {_forbidden(self.not_.said)}"))
        if self.if_ is not None and (names := self.if_.fits(value)) is not None:
            if seen is not None:
                seen |= names
            if self.then is not None:
                self.then.judge(value, path, found, seen)
        return True

    def fits(self, value: Value) -> set[str] | None:
        """What was looked at, or None if anything is wrong."""
        if self.needs and isinstance(value, dict) and not all(map(value.__contains__, self.needs)):
            return None
        names, wrong = self.tried(value, ())
        return None if wrong else names

    def tried(self, value: Value, path: Path) -> tuple[set[str], list[Problem]]:
        """A judgement of its own: what was looked at, and what is wrong."""
        names: set[str] = set()
        wrong: list[Problem] = []
        self.judge(value, path, wrong, names)
        return names, wrong

    def _judge_forms(self, value: Value, path: Path, found: list[Problem], seen: set[str] | None) -> None:
        for options, one_only in ((self.any_of, False), (self.one_of, True)):
            if not options:
                continue
            good = [names for part in options if (names := part.fits(value)) is not None]
            if not good or (one_only and len(good) > 1):
                tried = [part.tried(value, path) for part in options]
                wrongs = [wrong for _, wrong in tried]
                found.extend(_none_fits([part.said for part in options], value, path, wrongs, len(good)))
                good = [names for names, _ in tried]
            if seen is not None:
                seen.update(*good)

    def _judge_object(
        self, value: dict[str, Value], path: Path, found: list[Problem], seen: set[str] | None
    ) -> None:
        found += [Problem(path, f"needs {n!r}", f"add {n}:") for n in self.needs if n not in value]
        known = self.properties.said
        if known:
            for name, one in value.items():
                if name in known:
                    self.properties[name].judge(one, (*path, name), found, None)
                    if seen is not None:
                        seen.add(name)
        if self.others is not None:
            self._nothing_else(self.others, value, known, path, found, known=known)
            if seen is not None:
                seen.update(value)

    def _nothing_else(
        self,
        schema: Schema,
        value: dict[str, Value],
        seen: Collection[str],
        path: Path,
        found: list[Problem],
        *,
        known: Collection[str] = (),
    ) -> None:
        for name, one in value.items():
            if name in seen:
                continue
            if schema.never:
                others = dict.fromkeys(one for one in known or _names(self.root.said) if one != name)
                close = difflib.get_close_matches(name, others, n=3)
                hint = f"did you mean {' or '.join(close)}?" if close else ""
                found.append(Problem((*path, name), f"{name!r} is not known here", hint))
            else:
                schema.judge(one, (*path, name), found, None)

    def _judge_kind(self, value: Value, path: Path, found: list[Problem]) -> None:
        """The keywords that only speak of values of one kind, other than objects."""
        match value:
            case list():
                self._judge_list(value, path, found)
            case str():
                if self.pattern is not None and not self.pattern.search(value):
                    hint = f"it must match {self.pattern.pattern}"
                    found.append(Problem(path, f"{value!r} is not written as it must be", hint))
            case int() | Decimal() if not isinstance(value, bool):
                if self.least is not None and value < self.least:
                    found.append(Problem(path, f"must be at least {self.least}, not {value}"))
                if self.more_than is not None and value <= self.more_than:
                    found.append(Problem(path, f"must be greater than {self.more_than}, not {value}"))
            case _:
                pass

    def _judge_list(self, value: list[Value], path: Path, found: list[Problem]) -> None:
        if self.items is not None:
            for at, one in enumerate(value):
                self.items.judge(one, (*path, at), found, None)
        least, most = self.sizes
        if least is not None and len(value) < least:
            found.append(Problem(path, f"needs at least {least} entries and has {len(value)}"))
        if most is not None and len(value) > most:
            found.append(Problem(path, f"takes at most {most} entries and has {len(value)}"))
        if self.unique and len({_key(one) for one in value}) < len(value):
            found.append(Problem(path, "holds an entry twice"))

    def _words(self) -> Mapping[str, Value]:
        return self.said if isinstance(self.said, dict) else {}

    def _listed(self, word: str) -> list[Value]:
        return _list(self._words().get(word))


class _Root(dict[str, Schema]):
    """Parts of a whole schema by their references, made ready when they are first needed."""

    def __init__(self, said: dict[str, Value]) -> None:
        super().__init__()
        self.said = said

    def __missing__(self, reference: str) -> Schema:
        part: Value = self.said
        for step in reference.removeprefix("#/").split("/"):
            part = part[step] if isinstance(part, dict) else None
        self[reference] = Schema(part, self)
        return self[reference]


class _Properties(dict[str, Schema]):
    """Parts by the names of properties, made ready when they are first needed, too."""

    def __init__(self, said: Mapping[str, Value], root: _Root) -> None:
        super().__init__()
        self.said = said
        self.root = root

    def __missing__(self, name: str) -> Schema:
        self[name] = Schema(self.said[name], self.root)
        return self[name]


def _not_of(types: Sequence[str], value: Value, path: Path) -> Problem:
    hint = "put it in quotes" if types == ("string",) and not isinstance(value, list | dict | None) else ""
    wanted = " or ".join(_NAMES[one] for one in types)
    return Problem(path, f"must be {wanted}, not {_said(value)}", hint)


def _none_fits(
    options: Sequence[Value], value: Value, path: Path, tried: list[list[Problem]], good: int
) -> Iterator[Problem]:
    """Why none (or more than one) of several forms fits: the one that comes nearest, or the choice there is."""
    choices = [
        str(_list(one["required"])[0]) for one in options if isinstance(one, dict) and "required" in one
    ]
    if isinstance(value, dict) and len(choices) == len(options):
        given = [name for name in choices if name in value]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has none"
            hint = "make it one rule for each" if given else f"add one, like {choices[0]}"
            yield Problem(path, f"needs exactly one of {', '.join(choices)}; it {what}", hint)
            return
        yield from tried[choices.index(given[0])]
    elif good:
        yield Problem(path, "can be read in more than one way")
    else:
        yield from max(tried, key=lambda wrong: max((len(one.path) for one in wrong), default=0))


def _not_among(value: Value, members: Sequence[Value], path: Path) -> Problem:
    names = [str(one) for one in members]
    close = difflib.get_close_matches(str(value), names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(names[:15])}"
    return Problem(path, f"{_said(value)} is not known here", hint)


def _forbidden(schema: Value) -> str:
    names = _list(schema.get("required")) if isinstance(schema, dict) else []
    return f"leave out {', '.join(map(str, names))}" if names else "the standard forbids it"


def _names(root: Value) -> list[str]:
    """Every property name a schema knows: what a misspelt one may have meant."""
    if isinstance(root, list):
        return [name for part in root for name in _names(part)]
    if not isinstance(root, dict):
        return []
    own = root.get("properties")
    return (list(own) if isinstance(own, dict) else []) + [
        name for part in root.values() for name in _names(part)
    ]


def _is(value: Value, type_: str) -> bool:
    match type_:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, Decimal) and value == value.to_integral_value())
            )
        case _:
            return type_ == "number" and isinstance(value, int | Decimal) and not isinstance(value, bool)


def _key(value: Value) -> object:
    """Equal for values that JSON Schema calls equal: 1 and 1.0, but not 1 and true."""
    match value:
        case bool():
            return ("bool", value)
        case list():
            return ("list", *map(_key, value))
        case dict():
            return ("dict", frozenset((name, _key(one)) for name, one in value.items()))
        case _:
            return value


_NAMES = {
    "object": "a map of names to values",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "empty",
    "integer": "a whole number",
    "number": "a number",
}


def _said(value: Value) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "a map"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "...")
        case _:
            return str(value)


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []
