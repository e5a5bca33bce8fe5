"""Bytes to documents: what is not YAML, not ODCS or too much of it is refused at its line."""

from __future__ import annotations

import copy
import hashlib
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.contracts import document, line, table, with_schema
from headgate.contract import yaml_tree
from headgate.contract.document import VERSIONS, _schema, line_of, parse, written_at
from headgate.contract.json_schema import Schema, unknown_keywords
from headgate.model.errors import ContractUnusable

GOOD = with_schema("- name: orders\n  properties:\n    - name: a\n      logicalType: string\n")


def refused(data: str | bytes) -> ContractUnusable:
    with pytest.raises(ContractUnusable) as caught:
        parse(data if isinstance(data, bytes) else data.encode(), "orders.yaml")
    assert caught.value.hint
    assert caught.value.place.startswith("orders.yaml")
    return caught.value


def test_a_document_keeps_its_bytes_and_knows_their_digest() -> None:
    data = ("# a comment\n" + GOOD + "# another\n").encode()
    one = parse(data, "orders.yaml")
    assert one.data == data
    assert one.digest == hashlib.sha256(data).hexdigest()
    assert one.tree["id"] == "orders"


def test_a_byte_order_mark_and_windows_lines_are_fine() -> None:
    assert parse(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), "x").tree["id"] == "orders"


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("id,name\n1,2\n", 1, "no map"),
        ("- a\n- b\n", 1, "no map"),
        ("<html>\n<body>: x\n", 2, "not YAML"),
        ("name: x\nid: y\n", 1, "apiVersion"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a: 1\nb: *x\n", 2, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: 1\nb: \x00\n", 2, "not YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands there twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "'b' stands there twice in a"),
        ("a: 1\nb: !thing 2\n", 2, "!thing"),
        ("a: 1\nb: !thing {c: 2}\n", 2, "!thing"),
        ("? [a]\n: 1\n", 1, "plain text"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: 1\nb: .nan\n", 2, "no number"),
        ("a: 1\nb: 1e999\n", 2, "no number"),
        ("a: 1\nb: " + "9" * 500, 2, "400 digits"),
        ("a: " + "[" * 100 + "]" * 100, 1, "nested too deeply"),
        ("a: " + "[" * 2_000_000, 1, "nested too deeply"),
        ("? " * 1_000_000, 1, "nested too deeply"),
        ("<<: 3\n", 1, "takes a map"),
    ],
)
def test_what_is_no_yaml_to_work_with_is_refused_at_its_line(text: str, at: int, said: str) -> None:
    error = refused(text)
    assert said in error.message
    assert line(error.place) == at


def test_bytes_that_are_not_utf_8_are_refused_at_their_line() -> None:
    error = refused(b"a: 1\nb: caf\xe9\n")
    assert "not UTF-8" in error.message
    assert line(error.place) == 2


def test_aliases_that_grow_without_end_are_refused() -> None:
    """With `NODES_MAX` out of the way this takes all memory there is."""
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert "aliases included" in refused(text).message


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_tree, "BYTES_MAX", 10)
    assert "more than 10" in refused(GOOD).message


def test_aliases_and_merge_keys_are_read() -> None:
    text = (
        GOOD
        + "        quality: &q\n          - &n {metric: nullValues, mustBe: 0}\n          - {<<: *n, mustBe: 1}\n"
    )
    quality: Any = document(text).tree["schema"]
    assert quality[0]["properties"][0]["quality"] == [
        {"metric": "nullValues", "mustBe": 0},
        {"metric": "nullValues", "mustBe": 1},
    ]


def test_numbers_are_exact() -> None:
    options = (
        "{minimum: 0.1, maximum: 12345678901234567890.12, exclusiveMinimum: 0x10, exclusiveMaximum: 1_000}"
    )
    text = GOOD.replace("logicalType: string", f"logicalType: number\n        logicalTypeOptions: {options}")
    schema: Any = document(text).tree["schema"]
    found = schema[0]["properties"][0]["logicalTypeOptions"]
    assert found == {
        "minimum": Decimal("0.1"),
        "maximum": Decimal("12345678901234567890.12"),
        "exclusiveMinimum": 16,
        "exclusiveMaximum": 1000,
    }


def test_lines_and_texts_are_found_by_place() -> None:
    one = document(GOOD + "        enum:\n          - value: 007\n")
    assert line_of(one, "schema[0].properties[0].logicalType") == 10
    assert line_of(one, "schema[0].properties[0].enum[0].value") == 12
    assert line_of(one, "schema[0].properties[0].nothing.here") == 9
    assert line_of(one, "") == 1
    assert written_at(one, ("schema", 0, "properties", 0, "enum", 0, "value")) == "007"
    assert written_at(one, ("schema", 0)) is None
    assert written_at(one, ("nothing",)) is None


@pytest.mark.parametrize(
    ("old", "new", "at", "said", "hint"),
    [
        ("apiVersion: v3.2.0\n", "", 1, "no apiVersion", "apiVersion"),
        ("apiVersion: v3.2.0", "apiVersion: v2.2.2", 1, "ODCS v2.2.2 is not read", "v3.0.0"),
        ("apiVersion: v3.2.0", "apiVersion: [v3.2.0]", 1, "is not read here", "v3.2.0"),
        ("apiVersion: v3.2.0", "apiVersion: {v3.2.0: 1}", 1, "is not read here", "v3.2.0"),
        ("apiVersion: v3.2.0", "apiVersion: v4.0.0", 1, "ODCS v4.0.0 is not read", "v3.2.0"),
        (
            "apiVersion: v3.2.0",
            "dataContractSpecification: 1.1.0",
            1,
            "Data Contract Specification",
            "convert",
        ),
        ("kind: DataContract", "kind: DataProduct", 2, "not a DataContract", "data contract"),
        ("id: orders\n", "", 1, "needs 'id'", "add id"),
        ("id: orders", "id: 3", 3, "id: must be text, not 3", "quotes"),
        ("version: 1.0.0", "version: 1.0", 4, "version: must be text", "quotes"),
        ("status: active", "status: active\nowner: me", 6, "'owner' is not known here", ""),
        ("logicalType: string", "logicalType: strnig", 10, "'strnig' is not known here", "string"),
        ("logicalType: string", "logicaltype: string", 10, "'logicaltype' is not known", "logicalType"),
        ("logicalType: string", "required: 'yes'", 10, "must be true or false, not 'yes'", ""),
        (
            "logicalType: string",
            "logicalType: string\n        logicalTypeOptions:\n          minimum: 3",
            12,
            "properties[0].logicalTypeOptions.minimum: 'minimum' is not known here",
            "",
        ),
        (
            "logicalType: string",
            "logicalType: string\n        logicalTypeOptions:\n          minLength: long",
            12,
            "minLength: must be a whole number, not 'long'",
            "",
        ),
        ("logicalType: string", "enum: [a, b]", 10, "enum[0]: must be a map", "{value: a}"),
        ("logicalType: string", "enum: []", 10, "at least 1", "{value: a}"),
        ("logicalType: string", "enum: [{value: a}, {value: a}]", 10, "holds an entry twice", "{value: a}"),
        ("- name: orders", "- physicalName: orders", 7, "schema[0]: needs 'name'", "add name"),
        ("properties:\n", "properties: 3\n    x:\n", 8, "must be a list, not 3", ""),
    ],
)
def test_what_is_not_odcs_is_refused_with_its_path_and_line(
    old: str, new: str, at: int, said: str, hint: str
) -> None:
    assert old in GOOD
    error = refused(GOOD.replace(old, new, 1))
    assert said in error.message
    assert line(error.place) == at
    assert hint in error.hint


def test_the_first_of_several_errors_is_named_and_the_others_are_counted() -> None:
    error = refused(GOOD.replace("status: active", "status: [x]").replace("logicalType: string", "foo: 1"))
    assert error.message == "status: must be text, not a list (and 1 more)"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_published_version_is_read(version: str) -> None:
    assert table(GOOD.replace("v3.2.0", version)).columns[0].name == "a"


def test_a_property_needs_no_logical_type() -> None:
    """The published schema asks a property without one for `map` and `dimensions`; ours has the guard."""
    assert table(GOOD.replace("logicalType: string", "physicalType: int")).columns[0].name == "a"


# -- our judge of JSON Schema against the library -----------------------------------------------------------


@pytest.mark.parametrize("name", ["v3.0", "v3.1", "v3.2"])
def test_no_keyword_of_the_schemas_is_passed_over(name: str) -> None:
    assert unknown_keywords(_schema(name).root.said) == set()
    jsonschema.Draft201909Validator.check_schema(_schema(name).root.said)


def test_a_keyword_that_is_not_handled_is_noticed() -> None:
    assert unknown_keywords({"$defs": {"A": {"items": {"contains": {}}}}}) == {"contains"}
    assert unknown_keywords({"properties": {"contains": {"type": "string"}}}) == set()


RICH: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "x",
    "version": "1",
    "status": "active",
    "description": {"purpose": "p", "customProperties": [{"property": "a", "value": None}]},
    "servers": [
        {"server": "a", "type": "local", "path": "p", "format": "csv"},
        {"server": "c", "type": "postgres", "host": "h", "port": "${PORT}", "database": "d", "schema": "s"},
        {"server": "b", "type": "postgres", "host": "h", "port": 1, "database": "d", "schema": "s"},
    ],
    "schema": [
        {
            "name": "orders",
            "relationships": [{"from": "orders.a", "to": "b.c"}, {"from": ["orders.a"], "to": ["b.c"]}],
            "quality": [
                {"metric": "rowCount", "mustBeBetween": [1, 2]},
                {"type": "text", "description": "d"},
            ],
            "properties": [
                {
                    "name": "a",
                    "logicalType": "string",
                    "logicalTypeOptions": {"minLength": 1, "pattern": "x"},
                },
                {
                    "name": "b",
                    "logicalType": "integer",
                    "logicalTypeOptions": {"multipleOf": 2, "format": "i8"},
                },
                {"name": "c", "logicalType": "array", "items": {"logicalType": "object", "properties": []}},
                {"name": "d", "enum": [{"value": 1}, {"value": True}], "relationships": [{"to": "b.c"}]},
                {"name": "e", "logicalType": "vector", "logicalTypeOptions": {"dimensions": 3}},
                {"name": "f", "quality": [{"type": "sql", "query": "q", "mustBe": 0}]},
                {"name": "g", "quality": [{"type": "custom", "engine": "e", "implementation": {"a": 1}}]},
            ],
        }
    ],
    "slaProperties": [{"property": "latency", "value": 4, "unit": "d"}],
    "customProperties": [{"property": "p", "value": [1], "vendor": "v"}],
    "team": {"members": [{"username": "u"}]},
    "context": {"instructions": "i"},
}
_LEAF = st.sampled_from(
    [None, True, 0, 1, -1, 2.5, 3.0, "", "x", "string", "orders.a", [], {}, [1, 1], {"value": 1}]
).map(copy.deepcopy)
_NAME = st.sampled_from([
    "name", "id", "type", "logicalType", "logicalTypeOptions", "metric", "mustBe", "mustNotBe", "from", "to", "map",
    "nonsense", "query", "enum", "items", "minimum", "format", "vendor", "tags",
])  # fmt: skip


def _steps(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in _steps(part, (*path, key)))]


def rich(name: str) -> Any:
    """As much of the rich contract as this version has words for."""
    value = copy.deepcopy(RICH)
    value["apiVersion"] = f"{name}.0"
    table = value["schema"][0]
    if name != "v3.2":
        del value["context"], value["customProperties"][0]["vendor"], value["description"]["customProperties"]
        value["servers"][1]["port"] = 5432
        del table["properties"][3]["enum"], table["properties"][4]
    if name == "v3.0":
        del table["relationships"], table["properties"][3]["relationships"]
        table["quality"] = [{"type": "library", "rule": "rowCount", "mustBe": 3}, {"type": "text"}]
        value["team"] = [{"username": "u"}]
    return value


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    name = draw(st.sampled_from(["v3.0", "v3.1", "v3.2"]))
    value = rich(name)
    for _ in range(draw(st.integers(0, 3))):
        *path, last = draw(st.sampled_from([step for step in _steps(value) if step]))
        inside = value
        for step in path:
            inside = inside[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                inside[last] = draw(_LEAF)
            case "remove":
                del inside[last]
            case _ if isinstance(inside, dict):
                inside[draw(_NAME)] = draw(_LEAF)
            case _:
                inside.append(draw(_LEAF))
    return name, value


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


_ORACLES = {
    name: jsonschema.Draft201909Validator(_schema(name).root.said) for name in ("v3.0", "v3.1", "v3.2")
}


@settings(max_examples=200, deadline=None)
@given(damaged())
def test_our_judge_and_the_library_agree_on_damaged_contracts(one: tuple[str, Any]) -> None:
    """With any one keyword left out of `Schema` this fails (tried: not, if, uniqueItems, unevaluatedProperties)."""
    name, value = one
    assert (_schema(name).problems(_exact(value)) == []) == _ORACLES[name].is_valid(value)


def test_what_additional_properties_looked_at_is_not_left_over() -> None:
    """Seen to fail where the names were added to another set than the caller's."""
    assert Schema({"additionalProperties": True, "unevaluatedProperties": False}).problems({"a": 1}) == []


@pytest.mark.parametrize("name", ["v3.0", "v3.1", "v3.2"])
def test_an_unknown_name_is_told_once(name: str) -> None:
    found = _schema(name).problems(_exact(rich(name) | {"clasification": "a"}))
    assert [one.message for one in found] == ["'clasification' is not known here"]


@pytest.mark.parametrize("name", ["v3.0", "v3.1", "v3.2"])
def test_what_is_damaged_was_valid_before(name: str) -> None:
    assert _schema(name).problems(_exact(rich(name))) == []
    assert _ORACLES[name].is_valid(rich(name))
