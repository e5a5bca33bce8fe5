"""What SQL of users may say: one SELECT over the given tables, with functions that only compute.

DuckDB's settings alone do not hold: under all of them CREATE, DELETE, PRAGMA and several statements pass, and
``WITH x AS (DELETE ... RETURNING ...) SELECT`` counts as a SELECT. So the statement is judged as DuckDB parsed it,
by lists of what is known to be harmless; what is on no list is refused. `user_sql.worker` adds the settings, and a
process to kill, below it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from headgate.edge.user_sql.functions import FUNCTIONS, OPERATORS, TABLE_FUNCTIONS
from headgate.edge.user_sql.text import DEFAULT_SCHEMA, parts, with_default_quoted

SQL_LENGTH_MAX = 100_000

_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
_SOURCES = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
)
_SHOWN = frozenset({"DESCRIBE", "SUMMARY"})
_EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip
_PARTS = frozenset({
    "ASCENDING", "DESCENDING", "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_DEFAULT",
    "ORDER_MODIFIER",
})  # fmt: skip
_SETTINGS = {"enable_external_access": "false", "autoload_known_extensions": "false", "threads": "1"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a query is not run. ``table``: the name that is not among the given ones, if that is why."""

    reason: str
    table: str | None = None


def gate(sql: str, tables: Collection[str]) -> str | None:
    """None if ``sql`` may run over ``tables`` (``orders`` or ``sales.orders``), else why not, in words."""
    refusal = review(sql, tables)
    return None if refusal is None else refusal.reason


def review(
    sql: str, tables: Collection[str], parser: duckdb.DuckDBPyConnection | None = None
) -> Refusal | None:
    """As `gate`, with what a program may want to know of the reason.

    ``parser``: a connection to parse with, where there is one: opening one takes longer than all the rest.
    """
    if len(sql) > SQL_LENGTH_MAX:
        return Refusal(f"the query is longer than {SQL_LENGTH_MAX:,} characters")
    known = frozenset(".".join(parts(table)).lower() for table in tables)
    try:
        if parser is not None:
            tree = _parsed(with_default_quoted(sql), parser)
        else:
            with duckdb.connect(":memory:", config=dict(_SETTINGS)) as own:
                tree = _parsed(with_default_quoted(sql), own)
        _judge(tree, _Scope(known, frozenset()))
    except _Refused as refused:
        return refused.refusal
    except RecursionError:
        return Refusal("the query is nested too deeply")
    return None


class _Refused(Exception):
    def __init__(self, reason: str, table: str | None = None) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, table)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Names that a query may read from: tables with their schema, and the CTEs visible where it stands."""

    tables: frozenset[str]
    ctes: frozenset[str]

    def with_cte(self, name: str) -> _Scope:
        return _Scope(self.tables, self.ctes | {name.lower()})


def _parsed(sql: str, parser: duckdb.DuckDBPyConnection) -> Any:
    """The one statement of ``sql`` as DuckDB's tree."""
    try:
        kinds = [statement.type for statement in parser.extract_statements(sql)]
        row = parser.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    except duckdb.Error as error:
        raise _Refused(f"the query is not valid SQL: {first_line(error)}") from error
    tree: Any = json.loads(row[0]) if row else {"error": True, "error_type": "none"}
    if tree["error"] and tree["error_type"] == "parser":
        raise _Refused(f"the query is not valid SQL: {tree['error_message']}")
    if tree["error"] or kinds != [duckdb.StatementType.SELECT] or len(tree["statements"]) != 1:
        raise _Refused("only a single SELECT may be run")
    (statement,) = tree["statements"]
    if statement["named_param_map"]:
        raise _Refused("the query holds a parameter, and nothing fills it")
    return statement["node"]


def first_line(error: Exception) -> str:
    """DuckDB's message without the excerpt of the query that follows it."""
    return str(error).partition("\n")[0]


def _judge(value: Any, scope: _Scope) -> None:
    """Raise _Refused for anything in a part of the tree that is not known to be harmless."""
    if isinstance(value, list):
        for element in value:
            _judge(element, scope)
    elif isinstance(value, dict):
        if "cte_map" in value:
            _judge_query(value, scope)
        elif "class" in value:
            _judge_expression(value, scope)
        elif "alias" in value and "sample" in value:
            _judge_source(value, scope)
        else:
            kind = value.get("type")
            if isinstance(kind, str) and kind not in _PARTS:
                raise _Refused(f"the query holds {_words(kind)}, which is not allowed")
            _judge(list(value.values()), scope)


def _judge_query(node: Mapping[str, Any], scope: _Scope) -> None:
    if node["type"] not in _NODES:
        raise _Refused(f"the query holds {_words(node['type'])}, and may only read")
    if node.get("sample") is not None:
        raise _Refused("the query takes a sample, which differs from run to run")
    for entry in node["cte_map"]["map"]:
        inner = entry["value"]
        # Only a recursive one sees itself, and each sees those before it: another table of that name is not ours.
        itself = inner["query_node"]["type"] == "RECURSIVE_CTE_NODE"
        _judge(list(inner.values()), scope.with_cte(entry["key"]) if itself else scope)
        scope = scope.with_cte(entry["key"])
    _judge([part for name, part in node.items() if name != "cte_map"], scope)


def _judge_source(source: Mapping[str, Any], scope: _Scope) -> None:
    kind = source["type"]
    if kind not in _SOURCES:
        raise _Refused(f"the query reads from {_words(kind)}, which is not allowed")
    if source["sample"] is not None:
        raise _Refused("the query takes a sample, which differs from run to run")
    rest = [part for name, part in source.items() if name != "function"]
    if kind == "BASE_TABLE":
        _judge_table(source, scope)
    elif kind == "SHOW_REF" and (source["show_type"] not in _SHOWN or not source["query"]):
        raise _Refused("of SHOW and its like, only DESCRIBE and SUMMARIZE of a table or query are allowed")
    elif kind == "TABLE_FUNCTION":
        function = source["function"]
        name = function["function_name"].lower()
        if function["class"] != "FUNCTION" or name not in TABLE_FUNCTIONS or function["schema"]:
            raise _Refused(
                f"the query reads from {name}(), which is not among the functions that it may call"
            )
        rest += [part for key, part in function.items() if key != "class"]
    _judge(rest, scope)


def _judge_table(source: Mapping[str, Any], scope: _Scope) -> None:
    catalog, schema, name = source["catalog_name"], source["schema_name"], source["table_name"]
    if source["at_clause"] is not None:
        raise _Refused("the query asks for a table as of another time; choose a --ref instead")
    if not catalog and not schema and name.lower() in scope.ctes:
        return
    if not catalog and f"{schema or DEFAULT_SCHEMA}.{name}".lower() in scope.tables:
        return
    full = ".".join(part for part in (catalog, schema, name) if part)
    raise _Refused(f"the query reads from {full!r}, which is not one of its tables", table=full)


def _judge_expression(expression: Mapping[str, Any], scope: _Scope) -> None:
    kind = expression["class"]
    if kind not in _EXPRESSIONS:
        raise _Refused(f"the query holds {_words(kind)}, which is not allowed")
    if kind in {"FUNCTION", "WINDOW"}:
        name = expression["function_name"].lower()
        known = name in FUNCTIONS or expression["function_name"] in OPERATORS
        if not known or expression["schema"] or expression["catalog"]:
            raise _Refused(f"the query calls {name}(), which is not among the functions that it may call")
    if kind == "TYPE" and (expression["schema"] or expression["catalog"]):
        raise _Refused("the query names a type of another schema")
    _judge([part for name, part in expression.items() if name not in {"class", "type"}], scope)


def _words(kind: str) -> str:
    return kind.lower().removesuffix("_node").removesuffix("_query").replace("_", " ")
