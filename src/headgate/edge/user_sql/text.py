"""SQL of users as text: placeholders, and the name of our default namespace, which SQL has for a keyword."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headgate.model.errors import ContractUnusable
from headgate.model.rule import SqlDialect

DEFAULT_SCHEMA = "default"

# What stands in quotes or comments is passed over: there, a brace is a brace.
_PASSED_OVER = r"""
    (?<!\w)[eE]'(?:[^'\\]|\\.|'')*'           # a string with escapes
  | '(?:[^']|'')*'                     # a string
  | "(?:[^"]|"")*"                     # a quoted name
  | --[^\n]*                           # a comment
  | /\*.*?\*/                          # a longer one
  | \$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$   # a dollar-quoted string
"""
_PASSED_OVER_BY_SPARK = r"""
    (?<!\w)[rR]'[^']*'                   # a string without escapes
  | (?<!\w)[rR]"[^"]*"
  | '(?:[^'\\]|\\.)*'                  # a string
  | "(?:[^"\\]|\\.)*"
  | `(?:[^`]|``)*`                     # a quoted name
  | --[^\n]*                           # a comment
  | /\*.*?\*/                          # a longer one
"""


def _placeholder(quote: str, passed_over: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<whole>{quote}?\$?\{{\s*(?P<name>object|table|property|column)\s*\}}{quote}?)"
        rf"|(?P<unknown>\$\{{[^}}]*\}}?)|{passed_over}",
        re.DOTALL | re.VERBOSE,
    )


_PLACEHOLDER: Mapping[SqlDialect, re.Pattern[str]] = {
    "duckdb": _placeholder('"', _PASSED_OVER),
    "spark": _placeholder("`", _PASSED_OVER_BY_SPARK),
}
_DEFAULT = re.compile(
    rf'(?<![\w."$])(?P<name>default)(?P<dot>\s*\.)(?=\s*[\w"])|{_PASSED_OVER}',
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def fill(query: str, table: str, column: str | None = None, dialect: SqlDialect = "duckdb") -> str:
    """``query`` with its placeholders replaced by quoted names.

    ``{object}``, ``{table}``, and the same after a dollar sign, name the data; ``{property}``, ``{column}`` the
    column. Strings and comments stay as they are; a placeholder in the quotes of names is replaced with them.
    Raises ContractUnusable for another ``${...}``, and for a column where the rule has none.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["unknown"] is not None:
            raise ContractUnusable(
                f"a query names {match['unknown']}, which stands for nothing here",
                hint="use ${object} or ${table} for the data, ${property} or ${column} for the column",
                place=query,
            )
        if match["whole"] is None:
            return match[0]
        if match["name"] in {"object", "table"}:
            return quoted(table) if dialect == "duckdb" else _in_backticks(table)
        if column is None:
            raise ContractUnusable(
                f"a query names {match['whole']}, but its rule is not about a column",
                hint="name the column in the query, or move the rule to its property",
                place=query,
            )
        return quoted_part(column) if dialect == "duckdb" else _in_backticks(column)

    return _PLACEHOLDER[dialect].sub(replaced, query)


def with_default_quoted(query: str) -> str:
    """``query`` with ``default.orders`` written as SQL can read it: ``"default".orders``."""
    return _DEFAULT.sub(lambda m: m[0] if m["name"] is None else f'"{m["name"]}"{m["dot"]}', query)


def parts(table: str) -> tuple[str, str]:
    """Schema and name of a table: what stands before the first dot, if there is one, and the rest."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else (DEFAULT_SCHEMA, table)


def quoted(table: str) -> str:
    """A table's name for SQL, always with its schema."""
    return ".".join(quoted_part(part) for part in parts(table))


def _in_backticks(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def quoted_part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def no_number(what: str) -> str:
    """Why a query that gave ``what`` measures nothing."""
    more = "; COALESCE(..., 0) would say what that counts as" if what == "NULL" else ""
    return f"the query gave {what}, where one number is wanted{more}"
