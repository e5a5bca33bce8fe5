"""People's SQL over the tables of a commit, in the locked-down DuckDB of `user_sql.engine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from headgate.edge.user_sql.engine import no_table, select
from headgate.model.errors import NotThere
from headgate.ports import Frame, Selected


class DuckQueries:
    """`Queries` on DuckDB."""

    def select(self, sql: str, tables: Mapping[str, Callable[[], Frame]]) -> Selected:
        """Only tables whose names occur in the text are opened: names are plain letters, so a query that reads
        one cannot but spell it.
        """
        lowered = sql.lower()
        named = {
            name: open_() for name, open_ in tables.items() if name.rpartition(".")[2].lower() in lowered
        }
        try:
            found = select(sql, named)
        except NotThere as error:
            raise no_table(error.place, _near(error.place, tables)) from error
        columns = [_values(field, column) for field, column in zip(found.schema, found.columns, strict=True)]
        return Selected(tuple(found.column_names), tuple(zip(*columns, strict=True)))


def _values(field: Any, column: Any) -> list[Any]:
    """As Python values; what DuckDB counts in whole numbers of 128 bits arrives as decimals, and is whole again."""
    values: list[Any] = column.to_pylist()
    if b"whole" in (field.metadata or {}):
        return [None if value is None else int(value) for value in values]
    return values


def _near(name: str, tables: Mapping[str, object]) -> list[str]:
    """What a wrong name may stand for: of the system's tables only those that are like it."""
    spoken = [table.removeprefix("default.") for table in tables]
    own = [table for table in spoken if not table.startswith("headgate.")]
    return spoken if get_close_matches(name, spoken, cutoff=0.5) or not own else own
