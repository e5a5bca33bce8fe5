"""What Spark SQL of users may say: one query over the rows at hand, with functions that only compute.

It is judged as Spark itself parsed it, before anything is looked up: by lists of what is known to be harmless; what
is on no list is refused. So commands, other tables, paths, scripts, hints and samples are refused without being named
here. The same plan is run, not the text (`spark.sql`): no second parser reads it in another way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.edge.spark.functions import (
    DIGITS,
    DIGITS_MAX,
    EXACTNESS,
    FUNCTIONS,
    GROWTH,
    INSERTED,
    TABLE_FUNCTIONS,
    WRITTEN,
    listed,
)

SQL_LENGTH_MAX = 20_000
NODES_MAX = 2_000  # each is asked for, one by one
DEPTH_MAX = 150  # of nodes in one another; the analyzer goes down by recursion
RELATIONS_MAX = 50  # when every WITH is written out: each may double those of the one before
GROWTH_MAX = (
    10_000  # how often the longest value that there is a value may be, if every call makes the most of it
)
SPREAD_MAX = 10_000  # columns that an expression reads when those that it reads of subqueries are written out
FRAME_MAX = 1_000  # rows of a window that moves; Spark holds them
_LIKE = 3  # 'a%z': how long it is, how it begins, how it ends
_RANGE_ARGUMENTS_MAX = 3  # the fourth is how many partitions there are to be

_NO_OPTIONS = "none"
_CATALYST = "org.apache.spark.sql.catalyst."
_UNKNOWN = (f"{_CATALYST}expressions.IsUnknown$$", f"{_CATALYST}expressions.IsNotUnknown$$")  # IS UNKNOWN
# Names that Spark takes for functions without parentheses, where no column has them. A session may tell cases apart.
_WHO_ASKS = frozenset({"current_user", "session_user", "user"})
_TYPES = ("org.apache.spark.sql.types.", "org.apache.spark.unsafe.types.")  # of casts; values of literals
# What a query is made of; and kinds of joins.
_PLANS = listed(
    """
    Aggregate Distinct Except Filter Generate GlobalLimit Intersect Join JoinHint LateralJoin LocalLimit
    OneRowRelation Project Sort SubqueryAlias Union UnresolvedHaving UnresolvedSubqueryColumnAliases
    UnresolvedTVFAliases WithWindowDefinition
    Cross Inner LeftAnti LeftOuter LeftSemi NaturalJoin RightOuter UsingJoin
    """
)
# What computes a value; and kinds of orders and frames.
_EXPRESSIONS = listed(
    """
    Add AggregateExpression Alias And AnyValue BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CaseWhen Cast Concat
    CreateNamedStruct CurrentDate CurrentTime CurrentTimestamp Divide EqualNullSafe EqualTo Exists First GreaterThan
    GreaterThanOrEqual ILike In InSubquery IntegralDivide IsNotNull IsNotUnknown IsNull IsUnknown LambdaFunction
    Last LateralSubquery LessThan LessThanOrEqual Like LikeAll LikeAny ListQuery Lower MultiAlias Multiply Not
    NotLikeAll NotLikeAny Or Overlay RLike Remainder ScalarSubquery ShiftLeft ShiftRight ShiftRightUnsigned
    SortOrder StringLocate StringTrim StringTrimLeft StringTrimRight Substring Subtract TimestampAdd TimestampDiff
    UnaryMinus UnaryPositive UnresolvedAlias UnresolvedExtractValue UnresolvedStarExceptOrReplace
    UnresolvedWindowExpression WindowExpression WindowSpecDefinition WindowSpecReference SpecifiedWindowFrame
    Ascending Descending NullsFirst NullsLast RowFrame RangeFrame CurrentRow UnboundedFollowing UnboundedPreceding
    UnspecifiedFrame Complete
    """
)
# What holds nothing to judge: names of columns, values, and marks of Spark's own.
_LEAVES = listed("AliasIdentifier ExprId NumericEvalContext UnresolvedOrdinal UnresolvedStar")
# Names of columns; within a lambda, Spark takes each for a variable, and for a column where there is no such variable.
_NAMES = listed("UnresolvedAttribute UnresolvedNamedLambdaVariable")
_STARS = listed("UnresolvedStar UnresolvedStarExceptOrReplace")
_PLAN_LEAVES = listed("UnresolvedInlineTable UnresolvedRelation UnresolvedTableValuedFunction UnresolvedWith")
_WORDS = {
    "UnresolvedRelation": "a table", "RelationTimeTravel": "a table as of another time", "Sample": "a sample",
    "UnresolvedHint": "a hint", "ScriptTransformation": "a script", "Cube": "CUBE", "Rollup": "ROLLUP",
    "GroupingSets": "GROUPING SETS", "PlanWithUnresolvedIdentifier": "IDENTIFIER", "PipeOperator": "|>",
    "FullOuter": "a FULL JOIN", "Offset": "OFFSET",
    "NamedParameter": "a parameter", "PosParameter": "a parameter",
}  # fmt: skip


class Refused(Exception):
    """Why a query is not run, in words that begin with "the" or "only" and hold no value of the data."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a plan: the name of its class, and what it holds: nodes, lists, texts, numbers, None."""

    kind: str
    parts: tuple[Any, ...] = ()


def gate(root: Node, table: str, columns: Collection[str] = ()) -> None:
    """Raise Refused, unless the parsed plan is a query over ``table`` (as Spark spells it, exactly) that only reads.

    ``columns``: those of the table.
    """
    if root.kind not in _PLANS | _PLAN_LEAVES:
        raise Refused(
            "the query holds a hint, which is not allowed"
            if root.kind == "UnresolvedHint"
            else "only a single SELECT may be run"
        )
    if _judge(root, _Scope({table: 1}, frozenset(columns))) > RELATIONS_MAX:
        raise Refused(f"the query reads from more than {RELATIONS_MAX} tables, its WITH written out")
    if _spread(root, 1, {}) > SPREAD_MAX:
        raise Refused("the query computes with columns of subqueries that are computed, too often over")
    if _growth(root) > GROWTH_MAX:
        raise Refused("the query puts values together so often that they could become too long")


class _Scope:
    """Names that a query may read from, and how many relations each stands for; ``columns``: of the rows."""

    def __init__(self, names: dict[str, int], columns: frozenset[str]) -> None:
        self.names = names
        self.columns = columns

    def also(self, name: str, relations: int) -> _Scope:
        return _Scope({**self.names, name: relations}, self.columns)


def _judge(value: Any, scope: _Scope) -> int:
    """How many relations are read, once all are written out. Raises Refused."""
    if isinstance(value, tuple):
        return sum(_judge(one, scope) for one in value)
    if not isinstance(value, Node):
        return 0
    kind, parts = value.kind, value.parts
    if kind in _NAMES:
        _attribute(parts[0], scope)
        return 0
    if kind in _LEAVES or kind == "Literal":
        return 0
    if kind == "UnresolvedWith":
        return _with(parts, scope)
    if kind == "UnresolvedRelation":
        return _relation(parts, scope)
    if kind == "UnresolvedInlineTable":
        _literals(parts[1])
        return 1
    if kind == "SpecifiedWindowFrame":
        _frame(parts)
    if kind not in _PLANS and any(one.kind in _STARS for one in _flat(parts)) and not _counts(value):
        raise Refused("the query hands over all columns at once (*) in an expression, which has to name them")
    if kind == "UnresolvedFunction":
        _function(parts[0], FUNCTIONS)
        _arguments(parts[0][0].lower(), parts[1])
        return _judge(parts[1:], scope)
    if kind in {"UnresolvedTableValuedFunction", "UnresolvedGenerator"}:
        # The name of one is a list, that of the other a list within an identifier.
        name = parts[0].parts if isinstance(parts[0], Node) else parts[0]
        _function(tuple(part for part in name if part is not None), TABLE_FUNCTIONS)
        if name[0].lower() == "range":
            _range(parts[1])
        return 1 + _judge(parts[1:], scope)
    if kind not in _PLANS and kind not in _EXPRESSIONS:
        raise Refused(f"the query holds {_WORDS.get(kind, kind)}, which is not allowed")
    return _judge(parts, scope)


def _frame(parts: tuple[Any, ...]) -> None:
    """A frame that begins with the first row is computed as rows pass by. Any other is held; and one that ends with the
    last is computed anew for each row.
    """
    rows, low, high = parts
    if any(one.kind == "UnaryMinus" for one in parts):
        # Spark plans such a frame only once it has computed constants, which it does not here (`spark.sql`).
        raise Refused("the query holds ROWS or RANGE with a number PRECEDING, which is not run; LAG may do")
    if low.kind == "UnboundedPreceding":
        return
    few = rows.kind == "RowFrame" and all(
        one.kind == "CurrentRow" or _within(one, FRAME_MAX) for one in (low, high)
    )
    if not few:
        raise Refused(
            "the query holds a window that moves on, which may only be of ROWS, "
            f"and no more than {FRAME_MAX:,}; the other way round, ORDER BY ... DESC, it begins with the first row"
        )


def _counts(value: Node) -> bool:
    return value.kind == "UnresolvedFunction" and str(value.parts[0][0]).lower() == "count"


def _attribute(name: tuple[str, ...], scope: _Scope) -> None:
    if len(name) == 1 and name[0].lower() in _WHO_ASKS and name[0] not in scope.columns:
        raise Refused(f"the query reads {name[0]}, which is no column of its table, but who asks")


def _with(parts: tuple[Any, ...], scope: _Scope) -> int:
    body, definitions, recursive = parts
    if recursive:
        raise Refused("the query holds WITH RECURSIVE, which is not allowed")
    for name, definition, *_ in definitions:
        # Each sees those before it, and not itself: another table of that name is not ours.
        scope = scope.also(name, max(_judge(definition, scope), 1))
    return _judge(body, scope)


def _relation(parts: tuple[Any, ...], scope: _Scope) -> int:
    names, options, streaming = parts
    if len(names) != 1 or names[0] not in scope.names:
        raise Refused(f"the query reads from {'.'.join(names)!r}, which is not one of its tables")
    if options != _NO_OPTIONS or streaming:
        raise Refused("the query says how its table is to be read, which it may not")
    relations = scope.names[names[0]]
    if relations > RELATIONS_MAX:
        raise Refused(f"the query reads from more than {RELATIONS_MAX} tables, its WITH written out")
    return relations


def _range(arguments: tuple[Any, ...]) -> None:
    if len(arguments) > _RANGE_ARGUMENTS_MAX:
        raise Refused("the query says how range is to be parted, which it may not")
    _literals(arguments)


def _literals(values: tuple[Any, ...]) -> None:
    """What VALUES and range are given: Spark computes it where it plans, so that nothing could end it."""
    for value in _flat(values):
        if value.kind == "UnaryMinus":
            _literals((value.parts[0],))
        elif value.kind != "Literal":
            raise Refused("the query computes within VALUES or range, where only literals are allowed")


def _flat(rows: Iterable[Any]) -> Iterator[Node]:
    for one in rows:
        if isinstance(one, Node):
            yield one
        elif isinstance(one, tuple):
            yield from _flat(one)


def _function(name: tuple[str, ...], known: frozenset[str]) -> None:
    if len(name) != 1 or name[0].lower() not in known:
        raise Refused(
            f"the query calls {'.'.join(name)}(), which is not among the functions that it may call"
        )


def _arguments(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "approx_count_distinct" and len(arguments) > 1:
        raise Refused("the query says how exact approx_count_distinct is to be, which it may not")
    if name in DIGITS and len(arguments) > 1 and not _within(arguments[1], DIGITS_MAX):
        raise Refused(
            f"the query rounds to digits that are no literal between {-DIGITS_MAX} and {DIGITS_MAX}"
        )
    exact, most = EXACTNESS.get(name, (len(arguments), 0))
    if len(arguments) > exact and not _within(arguments[exact], most):
        raise Refused(f"the query says how exact {name} is to be by what is no literal up to {most:,}")
    at = INSERTED.get(name)
    if at is not None and len(arguments) > at and not isinstance(_literal(arguments[at]), str):
        raise Refused(f"the query calls {name}() with a text to put in that is no literal")


def _within(value: Node, most: int) -> bool:
    found = _literal(value)
    return isinstance(found, int) and abs(found) <= most


def _literal(value: Node) -> Any:
    """None for what is no literal."""
    if value.kind == "UnaryMinus":
        inner = _literal(value.parts[0])
        return -inner if isinstance(inner, int) else None
    return value.parts[0] if value.kind == "Literal" else None


def _spread(plan: Node, outer: int, known: Mapping[str, int]) -> int:
    """How many columns an expression of ``plan`` reads, or of what stands above it, when each that a subquery computes
    is written out, as Spark's optimizer may do. ``outer``: of columns around it; ``known``: of each WITH.
    """
    if plan.kind == "UnresolvedWith":
        body, definitions, _ = plan.parts
        for name, definition, *_ in definitions:
            known = {**known, name: _spread(definition, outer, known)}
        return _spread(body, outer, known)
    if plan.kind == "UnresolvedRelation":
        return max(outer, known.get(plan.parts[0][0], 1))
    parts = list(_flat(plan.parts))
    below = max([outer, *(_spread(one, outer, known) for one in parts if _is_plan(one))])
    aliases: dict[str, int] = {}
    most = below
    for one in parts:
        if _is_plan(one):
            continue
        read = max(1, _read(one, below, known, aliases))
        if one.kind == "Alias":
            aliases[str(one.parts[1]).lower()] = read
        most = max(most, read)
    return min(most, SPREAD_MAX + 1)


def _read(value: Any, below: int, known: Mapping[str, int], aliases: Mapping[str, int]) -> int:
    if isinstance(value, tuple):
        return sum(_read(one, below, known, aliases) for one in value if isinstance(one, tuple | Node))
    if _is_plan(value):
        return _spread(value, below, known)
    if value.kind in _NAMES:
        # Of the columns beside it, it may read those that have a name already.
        return max([below, *(aliases.get(name.lower(), 1) for name in value.parts[0])])
    if value.kind == "UnresolvedStar":
        return below
    return _written(value) * _read(value.parts, below, known, aliases)


def _written(value: Node) -> int:
    """How often what a function or an operator is given stands in that by which Spark replaces it."""
    match value:
        case Node("UnresolvedFunction", ((name, *_), arguments, *_)):
            return max(1, len(arguments) // 2) if name.lower() == "decode" else WRITTEN.get(name.lower(), 1)
        case Node("Like"):
            return _LIKE
        case Node("LikeAll" | "LikeAny" | "NotLikeAll" | "NotLikeAny", (_, patterns)):
            return _LIKE * max(1, len(patterns))
    return 1


def _is_plan(node: Node) -> bool:
    return node.kind in _PLANS or node.kind in _PLAN_LEAVES


def _growth(value: Any) -> int:
    """How much longer than the longest one there is a value may be. Multiplied over the whole query: a subquery's
    columns may go into all the others.
    """
    found = 1
    if isinstance(value, tuple):
        for one in value:
            found = min(found * _growth(one), GROWTH_MAX + 1)
        return found
    if not isinstance(value, Node):
        return 1
    if value.kind == "UnresolvedFunction":
        found = _grown(value.parts[0][0].lower(), value.parts[1])
    elif value.kind in {"Concat", "CreateNamedStruct", "Overlay"}:
        found = _grown("concat", value.parts if value.kind == "Overlay" else value.parts[0])
    return found * _growth(value.parts)


def _grown(name: str, arguments: tuple[Any, ...]) -> int:
    found = GROWTH.get(name, 1) or max(1, sum(1 for one in arguments if one.kind != "Literal"))
    at = INSERTED.get(name)
    if at is not None and len(arguments) > at:
        found *= len(str(_literal(arguments[at]))) + 2  # also before the first character, and after the last
    return found


# -- reading a plan -----------------------------------------------------------------------------------------


class Reader:
    """Reads plans out of the JVM. Each question to it takes a while, so the name of a class has to do for most."""

    def __init__(self, jvm: Any) -> None:
        self._kinds = {
            kind: jvm.java.lang.Class.forName(f"scala.{kind}")
            for kind in ("collection.Seq", "collection.Map", "Product")
        }
        self._left = NODES_MAX

    def read(self, plan: Any) -> Node:
        """Raises Refused if there is too much of it."""
        self._left = NODES_MAX
        found = self._value(plan, 0)
        assert isinstance(found, Node)
        return found

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, str | int | float | bool | bytes | bytearray):
            return value
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise Refused("the query is too large, or nested too deeply")
        name = str(value.getClass().getName())
        if name.startswith("scala."):
            return self._of_scala(name, value, depth)
        if name == "org.apache.spark.sql.util.CaseInsensitiveStringMap":
            return _NO_OPTIONS if value.isEmpty() else "options"
        if name == "org.apache.spark.unsafe.types.UTF8String":
            return str(value.toString())
        if name.startswith(_TYPES):
            return None
        if not name.startswith(_CATALYST) or ("$$" in name and not name.startswith(_UNKNOWN)):
            return Node(name)  # which is on no list
        kind = name.partition("$$")[0].rpartition(".")[2]
        if kind.endswith("$") or kind in _LEAVES:
            return Node(kind.rstrip("$"))
        return Node(kind, self._parts(value, depth + 1) if self._is("Product", value) else ())

    def _of_scala(self, name: str, value: Any, depth: int) -> Any:
        match name.rpartition(".")[2]:
            case "None$" | "Enumeration$Val":  # the latter: whether a cast may fail
                return None
            case "Nil$":
                return ()
            case "Some":
                return self._parts(value, depth)[0]
            case "Tuple2" | "Tuple3":
                return self._parts(value, depth)
        if self._is("collection.Map", value):
            return self._value(value.toSeq(), depth)
        if not self._is("collection.Seq", value):
            return Node(name)
        return tuple(self._value(value.apply(i), depth) for i in range(value.length()))

    def _is(self, kind: str, value: Any) -> bool:
        return bool(self._kinds[kind].isInstance(value))

    def _parts(self, value: Any, depth: int) -> tuple[Any, ...]:
        return tuple(self._value(value.productElement(i), depth) for i in range(value.productArity()))
