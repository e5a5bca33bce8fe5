"""JSON Schema 2019-09, as far as the schemas of ODCS use it.

The library ``jsonschema`` takes 70 ms to import and 60 ms to judge a contract of 40 columns, which is more than
the rest of ``headgate check`` has to spare; this takes 3 ms. The library is the oracle in the tests: both agree
on every contract there, and on thousands of damaged ones. Not here: formats (2019-09 makes them notes), remote
references, and keywords that ODCS does not use; a schema that holds one is refused by `unknown_keywords`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
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
_PARTS = frozenset({"allOf", "anyOf", "oneOf", "not", "if"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at ``path``, and perhaps the way out."""

    path: Path
    message: str
    hint: str = ""


def problems(schema: Mapping[str, Value], value: Value) -> list[Problem]:
    """Everything in ``value`` that ``schema`` does not allow; empty if it is valid."""
    found: list[Problem] = []
    root = dict(schema)
    _judge(root, value, (), root, found)
    return found


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


def _judge(schema: Value, value: Value, path: Path, root: dict[str, Value], found: list[Problem]) -> set[str]:
    """Append to ``found``; return the names of those properties of ``value`` that ``schema`` has looked at.

    A part that failed keeps its names, which makes no value valid, but keeps one error from being reported again
    as a dozen unevaluated properties.
    """
    if not isinstance(schema, dict):
        if schema is False:
            found.append(Problem(path, "is not allowed here"))
        return set()
    seen: set[str] = set()
    if "$ref" in schema:
        seen |= _judge(_resolve(root, str(schema["$ref"])), value, path, root, found)
    if "type" in schema and not _right_type(schema, value, path, found):
        return seen
    if "enum" in schema and _key(value) not in {_key(one) for one in _list(schema["enum"])}:
        found.append(_not_among(value, _list(schema["enum"]), path))
    if "const" in schema and _key(value) != _key(schema["const"]):
        found.append(Problem(path, f"must be {_said(schema['const'])}, not {_said(value)}"))
    if isinstance(value, dict):
        seen |= _judge_object(schema, value, path, root, found)
    else:
        _judge_kind(schema, value, path, root, found)
    if not _PARTS.isdisjoint(schema):
        seen |= _judge_parts(schema, value, path, root, found)
    if isinstance(value, dict) and "unevaluatedProperties" in schema:
        _nothing_else(schema["unevaluatedProperties"], value, seen, path, root, found)
        seen |= value.keys()
    return seen


def _judge_kind(
    schema: Mapping[str, Value], value: Value, path: Path, root: dict[str, Value], found: list[Problem]
) -> None:
    """The keywords that only speak of values of one kind, other than objects."""
    match value:
        case list():
            _judge_list(schema, value, path, root, found)
        case str() if "pattern" in schema and not re.search(str(schema["pattern"]), value):
            hint = f"it must match {schema['pattern']}"
            found.append(Problem(path, f"{value!r} is not written as it must be", hint))
        case int() | Decimal() if not isinstance(value, bool):
            _judge_number(schema, value, path, found)
        case _:
            pass


def _judge_parts(
    schema: Mapping[str, Value], value: Value, path: Path, root: dict[str, Value], found: list[Problem]
) -> set[str]:
    seen: set[str] = set()
    for part in _list(schema.get("allOf")):
        seen |= _judge(part, value, path, root, found)
    for word in ("anyOf", "oneOf"):
        if word not in schema:
            continue
        tried = [_tried(part, value, path, root) for part in _list(schema[word])]
        good = [names for names, wrong in tried if not wrong]
        if not good or (word == "oneOf" and len(good) > 1):
            wrongs = [wrong for _, wrong in tried]
            found.extend(_none_fits(_list(schema[word]), value, path, wrongs, len(good)))
            good = [names for names, _ in tried]
        seen = seen.union(*good)
    if "not" in schema and not _tried(schema["not"], value, path, root)[1]:
        found.append(Problem(path, f"must not be as it is: {_forbidden(schema['not'])}"))
    if "if" in schema:
        names, wrong = _tried(schema["if"], value, path, root)
        if not wrong:
            seen |= names | _judge(schema.get("then", True), value, path, root, found)
    return seen


def _judge_object(
    schema: Mapping[str, Value],
    value: dict[str, Value],
    path: Path,
    root: dict[str, Value],
    found: list[Problem],
) -> set[str]:
    if "required" in schema:
        missing = [name for name in _list(schema["required"]) if name not in value]
        found.extend(Problem(path, f"needs {name!r}", f"add {name}:") for name in missing)
    known = schema.get("properties")
    known = known if isinstance(known, dict) else {}
    seen = known.keys() & value.keys() if known else set()
    for name in seen:
        _judge(known[name], value[name], (*path, name), root, found)
    if "additionalProperties" in schema:
        _nothing_else(schema["additionalProperties"], value, seen, path, root, found, known=known)
        seen |= value.keys()
    return seen


def _nothing_else(
    schema: Value,
    value: dict[str, Value],
    seen: set[str],
    path: Path,
    root: dict[str, Value],
    found: list[Problem],
    *,
    known: Mapping[str, Value] | None = None,
) -> None:
    for name, one in value.items():
        if name in seen:
            continue
        if schema is False:
            others = dict.fromkeys(one for one in known or _names(root) if one != name)
            close = difflib.get_close_matches(name, others, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else ""
            found.append(Problem((*path, name), f"{name!r} is not known here", hint))
        else:
            _judge(schema, one, (*path, name), root, found)


def _judge_list(
    schema: Mapping[str, Value],
    value: list[Value],
    path: Path,
    root: dict[str, Value],
    found: list[Problem],
) -> None:
    if "items" in schema:
        for at, one in enumerate(value):
            _judge(schema["items"], one, (*path, at), root, found)
    least, most = schema.get("minItems"), schema.get("maxItems")
    if isinstance(least, int) and len(value) < least:
        found.append(Problem(path, f"needs at least {least} entries and has {len(value)}"))
    if isinstance(most, int) and len(value) > most:
        found.append(Problem(path, f"takes at most {most} entries and has {len(value)}"))
    if schema.get("uniqueItems") is True and len({_key(one) for one in value}) < len(value):
        found.append(Problem(path, "holds an entry twice"))


def _judge_number(
    schema: Mapping[str, Value], value: int | Decimal, path: Path, found: list[Problem]
) -> None:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if isinstance(least, int) and value < least:
        found.append(Problem(path, f"must be at least {least}, not {value}"))
    if isinstance(above, int) and value <= above:
        found.append(Problem(path, f"must be greater than {above}, not {value}"))


def _right_type(schema: Mapping[str, Value], value: Value, path: Path, found: list[Problem]) -> bool:
    expected = schema.get("type")
    types = [str(one) for one in expected] if isinstance(expected, list) else [str(expected)]
    if any(_is(value, one) for one in types):
        return True
    hint = "put it in quotes" if types == ["string"] and not isinstance(value, list | dict | None) else ""
    wanted = " or ".join(_NAMES[one] for one in types)
    found.append(Problem(path, f"must be {wanted}, not {_said(value)}", hint))
    return False


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


def _tried(schema: Value, value: Value, path: Path, root: dict[str, Value]) -> tuple[set[str], list[Problem]]:
    """A judgement of its own: what was looked at, and what is wrong."""
    wrong: list[Problem] = []
    return _judge(schema, value, path, root, wrong), wrong


def _resolve(root: dict[str, Value], reference: str) -> Value:
    part: Value = root
    for step in reference.removeprefix("#/").split("/"):
        part = part[step] if isinstance(part, dict) else None
    return part


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


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []
