"""SQL of users as text: placeholders, and the name of our default namespace, which SQL has for a keyword."""

from __future__ import annotations

import re

from headgate.model.errors import ContractUnusable

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
_PLACEHOLDER = re.compile(
    rf'(?P<whole>"?\$?\{{\s*(?P<name>object|table|property|column)\s*\}}"?)'
    rf"|(?P<unknown>\$\{{[^}}]*\}}?)|{_PASSED_OVER}",
    re.DOTALL | re.VERBOSE,
)
_DEFAULT = re.compile(
    rf'(?<![\w."$])(?P<name>default)(?P<dot>\s*\.)(?=\s*[\w"])|{_PASSED_OVER}',
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def fill(query: str, table: str, column: str | None = None) -> str:
    """``query`` with its placeholders replaced by quoted names.

    ``{object}``, ``{table}``, and the same after a dollar sign, name the data; ``{property}``, ``{column}`` the
    column. Strings and comments stay as they are; a placeholder in double quotes is replaced with its quotes.
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
            return quoted(table)
        if column is None:
            raise ContractUnusable(
                f"a query names {match['whole']}, but its rule is not about a column",
                hint="name the column in the query, or move the rule to its property",
                place=query,
            )
        return quoted_part(column)

    return _PLACEHOLDER.sub(replaced, query)


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


def quoted_part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
