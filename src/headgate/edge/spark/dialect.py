"""What Spark says in its own way when rules are rendered as SQL (`sql.render`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from headgate.edge.spark import text as spark_text
from headgate.edge.sql.dialect import instance
from headgate.model.errors import Bug

_PLAIN: dict[type[pl.DataType], str] = {
    pl.Int8: "tinyint", pl.Int16: "smallint", pl.Int32: "int", pl.Int64: "bigint", pl.Float32: "float",
    pl.Float64: "double", pl.Boolean: "boolean", pl.Date: "date", pl.Binary: "binary",
}  # fmt: skip
_VARIABLE_MAX = (
    3  # parts of a pattern whose length varies: more, and Java may try too many ways of sharing a text
)
_REPEATS_MAX = 64
_TOKEN = re.compile(
    r"\\A|\\z|(?P<open>\(\?:)|(?P<close>\))|(?P<bar>\|)|\[[^]]*\]|\\x\{[0-9A-F]+\}|[A-Za-z0-9]"
    r"|(?P<quantifier>[*+?]|\{(?P<low>[0-9]+)(?P<comma>,)?(?P<high>[0-9]*)\})"
)


@dataclass(frozen=True, slots=True)
class SparkSql:
    """Spark 4. What it writes means the same under every setting of a session."""

    def literal(self, value: Any) -> str:
        return spark_text.literal(value)

    def text(self, value: str) -> str:
        return spark_text.text(value)

    def type_of(self, dtype: pl.DataType) -> str:
        match dtype:
            case pl.Decimal():
                return f"decimal({dtype.precision or 38},{dtype.scale})"
            case pl.Datetime():
                return "timestamp" if dtype.time_zone else "timestamp_ntz"
            case pl.List() | pl.Array():
                return f"array<{self.type_of(instance(dtype.inner))}>"
            case pl.Map():
                return f"map<{self.type_of(instance(dtype.key))}, {self.type_of(instance(dtype.value))}>"
            case pl.Struct():
                fields = (
                    f"{spark_text.quoted(f.name)}: {self.type_of(instance(f.dtype))}" for f in dtype.fields
                )
                return f"struct<{', '.join(fields)}>"
        return _PLAIN.get(type(dtype), "string")

    def matches(self, e: str, pattern: str) -> str:
        return spark_text.matches(e, pattern)

    def group(self, e: str, pattern: str, number: int) -> str:
        return f"regexp_extract({e}, {self.text(pattern)}, {number})"

    def try_cast(self, e: str, type_name: str) -> str:
        return f"try_cast({e} as {type_name})"

    def finite(self, e: str) -> str:
        return f"(abs({e}) < double('Infinity'))"  # NaN is greater than infinity, in Spark

    def nan(self, e: str) -> str:
        return f"isnan({e})"

    def nanoseconds(self, e: str) -> str:
        """Spark has none: timestamps are microseconds."""
        return f"unix_micros({e}) * 1000"

    def in_zone(self, e: str, zone: str) -> str:
        return spark_text.in_zone(spark_text.as_if_utc(e), zone)

    def not_among(self, e: str, failing: str) -> str:
        """``failing``: a column that is true where the value is among them, and null elsewhere."""
        return f"(case when {e} is not null then {failing} is null end)"

    def items(self, e: str) -> str:
        return f"array_size({e})"

    def each(self, items: str, var: str, e: str) -> str:
        return f"transform({items}, {var} -> {e})"

    def kept(self, items: str, var: str, condition: str) -> str:
        return f"filter({items}, {var} -> {condition})"

    def field(self, e: str, position: int) -> str:
        """Fields have no numbers here: `spark.cast` and `spark.nested` go by names."""
        raise Bug(f"Spark was asked for field {position} of {e}")

    def record(self, fields: Sequence[tuple[str, str]]) -> str:
        pairs = ", ".join(f"{self.text(name)}, {value}" for name, value in fields)
        return f"named_struct({pairs})"


def safe_in_java(translated: str) -> bool:
    r"""True for patterns (from `patterns.translate`) that Java's engine judges rightly, and without trying for ever.

    It backtracks, and it ends a repeat whose body may match nothing otherwise than ECMA-262 asks. So a group may be
    left out (``?``), or repeated a bounded number of times if its body is of one length; and few parts may vary.
    """
    bodies: list[bool] = []  # of the open groups: everything within is of one length
    fixed, last_group = True, None
    variable = 0 if translated.startswith("\\A") else 1
    at = 0
    while at < len(translated):
        found = _TOKEN.match(translated, at)
        if found is None:
            return False
        at = found.end()
        if found["quantifier"]:
            once = found["quantifier"] == "?"
            low, high = int(found["low"] or 0), int(found["high"] or 0)
            exact = found["low"] is not None and not found["comma"]
            if last_group is not None and not once:
                most = low if exact else high
                if not last_group or not 0 < most <= _REPEATS_MAX:
                    return False
            if not exact:
                variable += 1
                fixed = False
            last_group = None
            continue
        last_group = None
        if found["open"]:
            bodies.append(fixed)
            fixed = True
        elif found["close"]:
            last_group = fixed
            fixed = bodies.pop() and fixed
        elif found["bar"] or found[0] in ("\\A", "\\z"):
            fixed = fixed and not bodies
    return variable <= _VARIABLE_MAX
