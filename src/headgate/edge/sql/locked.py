"""DuckDB with nothing open but the files it is told of, whoever's queries it runs: bounded memory, spilling, UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb


def connected(
    folder: str, memory_bytes: int, more: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """A database in memory, all of whose files are in ``folder``. It reads any other file until `lock`."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes}B",
        "temp_directory": f"{folder}/spill",
        "home_directory": folder,
        "secret_directory": f"{folder}/none",
        "allow_persistent_secrets": "false",
        "allow_community_extensions": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        **(more or {}),
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def lock(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    """From here on only ``paths`` can be read, and nothing can be set.

    Disabling the local file system, too, would close even them.
    """
    connection.execute("SET allowed_paths = $1", [sorted(set(paths))])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")  # last
