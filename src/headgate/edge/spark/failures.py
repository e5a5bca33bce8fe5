"""Bad rows of Spark's with what is wrong with each: the twin of `failures`, as SQL over the raw rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.edge.failures import Reason
from headgate.edge.spark.session import Spark, guarded
from headgate.edge.spark.text import text

_RAW = "from_json(raw, 'map<string,string>')"


def explained(bad: Spark, reasons: Mapping[str, Reason], key: Sequence[str]) -> Spark:
    """``bad`` (the rows of a `Split`) with ``key`` (if there is one) and ``failures``, one for each of its rules."""
    column = f"try_element_at({_map({rule: r.column for rule, r in reasons.items()})}, f)"
    words = f"try_element_at({_map({rule: r.words for rule, r in reasons.items()})}, f)"
    value = f"try_element_at({_RAW}, nullif({column}, ''))"
    failure = f"named_struct('rule', f, 'column', {column}, 'value', {value}, 'reason', {words})"
    added = [f"transform(rules, f -> {failure}) as failures"]
    if key:
        pairs = ", ".join(f"{text(name)}, try_element_at({_RAW}, {text(name)})" for name in key)
        added.insert(0, f"named_struct({pairs}) as key")
    return guarded(lambda: bad.selectExpr("*", *added))


def _map(pairs: Mapping[str, str]) -> str:
    listed = ", ".join(f"{text(name)}, {text(said)}" for name, said in pairs.items())
    return f"map({listed})" if listed else "cast(map() as map<string,string>)"
