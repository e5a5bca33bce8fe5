"""``python -m check.hostile NAME FOLDER``: one piece of bad input, in a process of its own, whose memory is limited.

Prints one JSON document: for each engine what became of it, then the seconds and the memory that it took.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import headgate
from headgate.edge import render_rules
from headgate.edge.user_sql import engine as engine_sql
from headgate.model.errors import HeadgateError

MEMORY_BYTES = 8 << 30  # of addresses, most of which Polars, DuckDB and Arrow only reserve
SECONDS = 2  # what never ends may take in place of a minute
ENGINES = ("polars", "duckdb")
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: rows\nversion: 1.0.0\nstatus: active\n"
Asked = tuple[Any, bytes]


def contract(properties: Sequence[dict[str, Any]], **more: Any) -> bytes:
    table = {"name": "rows", "properties": list(properties)} | more
    return (HEAD + "schema:\n- " + json.dumps(table, ensure_ascii=False)).encode()


def text(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": "string"} | ({"logicalTypeOptions": options} if options else {})


ONE = pl.DataFrame({"a": ["x"]})


# -- contracts ----------------------------------------------------------------------------------------------


def aliases(folder: Path) -> list[Asked]:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    merged = ["m0: &m0 {k: v}"] + [
        f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: *m{n - 1}}}" for n in range(1, 40)
    ]
    return [(ONE, (HEAD + "\n".join(one)).encode()) for one in (lines, merged)]


def megabytes(folder: Path) -> list[Asked]:
    """Ten of them; eight of properties; seven of a single text, which can be meant."""
    many = b"".join(b"      - {name: c%d}\n" % n for n in range(350_000))
    long = contract([text("a") | {"description": "x" * 7_000_000}])
    return [
        (ONE, HEAD.encode() + b"#" * 10_000_000),
        (ONE, contract([text("a")])[:-2] + b"\n" + many),
        (ONE, long),
    ]


def nesting(folder: Path) -> list[Asked]:
    deep: dict[str, Any] = text("leaf")
    for _ in range(200):
        deep = {"name": "a", "logicalType": "object", "properties": [deep]}
    nested: dict[str, Any] = {"logicalType": "integer"}
    for _ in range(15):
        nested = {"logicalType": "array", "items": nested}
    cells = "[" * 100_000
    return [
        (ONE, HEAD.encode() + b"schema: " + b"[" * 3_000_000),
        (ONE, HEAD.encode() + b"".join(b" " * n + b"a:\n" for n in range(1500))),
        (ONE, contract([deep])),
        (
            pl.DataFrame({"a": ["[[[[1]]]]", cells, "[" * 15 + "1" + "]" * 15]}),
            contract([nested | {"name": "a"}]),
        ),
    ]


# -- patterns -----------------------------------------------------------------------------------------------

CATASTROPHES = ("^(a+)+$", "^(a|aa)+$", "^(a*)*b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$")
ONLY_REGRESS = (r"^(?=a)(a+)+$", r"^(a+)+\1b$", r"^(?:(?:a*)+)+(?!c)$", r"(?<=b)(a|aa)+$")


def patterns(folder: Path) -> list[Asked]:
    rows = pl.DataFrame({"a": ["a" * n + "!" for n in (10, 60, 5000)]})
    return [(rows, contract([text("a", pattern=one)])) for one in CATASTROPHES]


def patterns_that_backtrack(folder: Path) -> list[Asked]:
    rows = pl.DataFrame({"a": ["a" * n + "!" for n in (10, 60, 5000)]})
    return [(rows, contract([text("a", pattern=one)])) for one in ONLY_REGRESS]


def patterns_that_are_large(folder: Path) -> list[Asked]:
    sized = (
        "a{0,1000}" * 50,
        "(?:a{0,100}){0,100}",
        "(" * 3000 + ")" * 3000,
        "|".join(["ab"] * 3000),
        "[" * 20_000,
    )
    rows = pl.DataFrame({"a": ["a" * 300]})
    return [(rows, contract([text("a", pattern=one)])) for one in sized]


# -- queries ------------------------------------------------------------------------------------------------


def queries(folder: Path) -> list[Asked]:
    secret = folder / "secret.csv"
    secret.write_text("a\n1\n")
    return [
        (ONE, contract([text("a")], quality=[{"type": "sql", "query": query, "mustBe": 1}]))
        for query in (
            "INSERT INTO {object} VALUES ('y')",
            "DROP TABLE {object}",
            f"COPY (SELECT 1) TO '{folder / 'written.csv'}'",
            f"ATTACH '{folder / 'written.db'}'",
            f"SELECT count(*) FROM '{secret}'",
            f"SELECT count(*) FROM read_csv('{secret}')",
            f"SELECT length(content) FROM read_text('{secret}')",
            "SELECT count(*) FROM glob('/*')",
            "INSTALL httpfs",
            "SELECT count(*) FROM 'http://localhost:1/x.csv'",
            "SET memory_limit = '1TB'",
            "SELECT getenv('HOME')",
            "SELECT 1; SELECT 1",
            "SELECT count(*) FROM duckdb_secrets()",
            "PRAGMA database_list",
        )
    ]


def queries_without_end(folder: Path) -> list[Asked]:
    return [
        (ONE, contract([text("a")], quality=[{"type": "sql", "query": query, "mustBe": 1}]))
        for query in (
            "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT (i * 7) % 99991 FROM r) SELECT count(*) FROM r",
            "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
            "SELECT length(repeat('a', 4000000000))",
        )
    ]


# -- tables -------------------------------------------------------------------------------------------------

NAMES = ["select", 'a"b', "a;drop table rows", "a'b", "--", "/*", "a b", "a.b", "", " ", "{object}", "${column}", "\\", "c0",
         "row", "\u00e9\U0001f600", "x" * 300, "%s", "$1", "?"]  # fmt: skip


def names_like_sql(folder: Path) -> list[Asked]:
    """Every rule of each; a query, too, where it can name the column."""
    names = [name for name in NAMES if name.strip()]
    properties = [
        text(name, minLength=1, pattern="^[ax]$")
        | {"required": True, "unique": True, "enum": [{"value": "a"}]}
        for name in names
    ]
    asked = {
        "type": "sql",
        "id": "asked",
        "query": "SELECT count(*) FROM {object} WHERE {column} = 'a'",
        "mustBe": 1,
    }
    queried = [one | {"quality": [asked]} for one in properties if "{" not in one["name"]]
    rows = pl.DataFrame({name: ["a", "b", None] for name in names})
    file = folder / "names.csv"
    rows.write_csv(file)
    typed = pl.DataFrame({one["name"]: ["a", "b", None] for one in queried})
    return [(rows, contract(properties)), (str(file), contract(properties)), (typed, contract(queried))]


def columns(folder: Path) -> list[Asked]:
    """2,000 of them, a hundred with a rule that fails."""
    names = [f"c{n}" for n in range(2000)]
    properties = [{"name": name, "logicalType": "integer", "required": True} for name in names]
    rows = {name: [1, 2, 3 if n >= 100 else None] for n, name in enumerate(names)}
    return [(pl.DataFrame(rows), contract(properties))]


def rules(folder: Path) -> list[Asked]:
    """5,000 of them, ten of each column: the types, and nine more."""
    names = [f"c{n}" for n in range(500)]
    measured = [{"id": f"q{n}", "metric": "nullValues", "mustBeLessThan": n} for n in range(2, 6)]
    options = {"minimum": 1, "maximum": 1, "multipleOf": 2}
    more = {"required": True, "enum": [{"value": 1}], "quality": measured, "logicalTypeOptions": options}
    properties = [{"name": name, "logicalType": "integer"} | more for name in names]
    return [(pl.DataFrame({name: [1, 1, None] for name in names}), contract(properties))]


def long_rows(folder: Path) -> list[Asked]:
    """Of ten megabytes: in CSV, in JSON lines, in Parquet."""
    cell = "ab" * 5_000_000
    csv, lines, parquet = (folder / f"long.{one}" for one in ("csv", "jsonl", "parquet"))
    csv.write_text(f'a,b\n{cell},1\n"{cell}\n",2\nx,3\n')
    lines.write_text(
        "".join(json.dumps({"a": one, "b": n}) + "\n" for n, one in enumerate((cell, cell + "\n", "x"), 1))
    )
    pl.DataFrame({"a": [cell, cell + "\n", "x"], "b": [1, 2, 3]}).write_parquet(parquet)
    properties = [
        text("a", maxLength=10_000_000, pattern="^[ab]+$") | {"unique": True},
        {"name": "b", "logicalType": "integer"},
    ]
    return [(str(file), contract(properties)) for file in (csv, lines, parquet)]


def nothing(folder: Path) -> list[Asked]:
    """Nothing but null, no rows at all, typed and not."""
    properties = [
        {"name": "a", "logicalType": "integer", "unique": True, "logicalTypeOptions": {"minimum": 1}},
        text("b", pattern="x") | {"quality": [{"id": "few", "metric": "nullValues", "unit": "percent", "mustBeLessThan": 50}]},
    ]  # fmt: skip
    nulls = pl.DataFrame({"a": [None, None], "b": [None, None]})
    files = {
        "nulls.csv": "a,b\n,\n,\n",
        "none.csv": "a,b\n",
        "nulls.jsonl": '{"a": null, "b": null}\n{"a": null, "b": null}\n',
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    nulls.clear().cast(pl.Int64).write_parquet(folder / "none.parquet")
    nulls.write_parquet(folder / "nulls.parquet")
    named = [str(folder / name) for name in (*files, "none.parquet", "nulls.parquet")]
    return [(one, contract(properties)) for one in (nulls, nulls.clear(), *named)]


def names_twice(folder: Path) -> list[Asked]:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, folder / "twice.parquet")
    (folder / "twice.csv").write_text("a,b,a\n1,2,3\n")
    found = [table, str(folder / "twice.parquet"), str(folder / "twice.csv")]
    twice = contract([text("a"), text("a")])
    return [*((one, contract([{"name": "a", "logicalType": "integer"}])) for one in found), (ONE, twice)]


def zones(folder: Path) -> list[Asked]:
    """One instant in several of them, text without any, and two columns of unlike zones."""
    (folder / "zones.csv").write_text(
        "a,b\n2024-07-01T12:00:00Z,1\n2024-07-01T14:00:00+02:00,2\n2024-07-01T06:30:00-05:30,3\n2024-07-01T12:00:00,4\n"
    )
    at = pl.Series([1_719_835_200_000_000, None], dtype=pl.Datetime("us", "UTC"))
    typed = pl.DataFrame(
        {"a": at.dt.convert_time_zone("Asia/Tokyo"), "b": at.dt.convert_time_zone("America/Lima")}
    )
    stamp = {
        "logicalType": "timestamp",
        "unique": True,
        "logicalTypeOptions": {"maximum": "2024-07-01T12:00:00Z"},
    }
    one = contract([{"name": "a"} | stamp, {"name": "b", "logicalType": "integer"}])
    both = contract([{"name": "a"} | stamp, {"name": "b"} | stamp])
    return [
        (str(folder / "zones.csv"), one),
        (typed, both),
        (typed.with_columns(a=pl.col("a").dt.replace_time_zone(None)), both),
    ]


INPUTS: dict[str, Callable[[Path], list[Asked]]] = {
    one.__name__: one
    for one in (
        aliases, megabytes, nesting, patterns, patterns_that_backtrack, patterns_that_are_large, queries, queries_without_end,
        names_like_sql, columns, rules, long_rows, nothing, names_twice, zones,
    )
}  # fmt: skip


def answer(data: Any, document: bytes, engine: str) -> dict[str, Any]:
    try:
        checked = headgate.check(data, document, engine=engine)
    except HeadgateError as error:
        return {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    findings = {f.rule: f.status for f in checked.verdict.findings}
    told = {f.rule: f.message for f in checked.verdict.findings if f.status == "error"}
    failing: dict[str, list[int]] = {}
    for row, names in sorted(checked.bad_rows.select("row", "rules").iter_rows()):
        for name in names:
            failing.setdefault(name, []).append(row)
    return {"passed": checked.verdict.passed, "findings": findings, "failing": failing, "told": told}


def main(name: str, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # What never ends may take a minute; a test has no such patience.
    defaults: Any = engine_sql.run_rules.__kwdefaults__
    defaults["timeout_s"] = float(SECONDS)
    render_rules.PATTERN_SECONDS_MAX = float(SECONDS)
    asked = INPUTS[name](folder)
    found = [{engine: answer(data, document, engine) for engine in ENGINES} for data, document in asked]
    own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processor: how long it takes by the clock says more of who else is at work.
    seconds = sum(one.ru_utime + one.ru_stime for one in (own, started))
    peak = max(own.ru_maxrss, started.ru_maxrss) // 1024
    print(json.dumps({"answers": found, "seconds": seconds, "megabytes": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
