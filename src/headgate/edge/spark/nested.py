"""Predicates about what is inside of columns, as Spark SQL: the twin of `render_nested`.

What is said of a single value is said by `sql.render`, of a lambda's variable instead of a column. `Inside` is true
or false of a row, never null: where nothing is reached, nothing fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from headgate.edge.cells import Cell, Cells, reached
from headgate.edge.folding import Meaningless
from headgate.edge.spark.cast import text_of, variable
from headgate.edge.spark.dialect import SparkSql
from headgate.edge.spark.text import quoted
from headgate.edge.sql import render as render_sql
from headgate.edge.sql.render import Good, Rendering
from headgate.model.contract import ArrayType, ColumnType, MapType, NumberType, ObjectType
from headgate.model.rule import (
    THIS,
    AllOf,
    Each,
    Field,
    FieldsInRange,
    Fits,
    InRange,
    Inside,
    LengthInRange,
    Matches,
    MultipleOf,
    Not,
    NotMissing,
    NotNull,
    OneOf,
    Predicate,
    UniqueItems,
)

Steps = tuple[Field | Each, ...]
About = NotMissing | InRange | LengthInRange | Matches | OneOf | MultipleOf


@dataclass(frozen=True, slots=True)
class InnerSql(SparkSql):
    """Spark, where values are items: ``failing`` is then a list of values."""

    def not_among(self, e: str, failing: str) -> str:
        return f"not array_contains({failing}, {e})"


@dataclass(frozen=True, slots=True)
class Inner(Cell):
    """A value inside of a column: ``path`` is what it is called there."""

    path: str = ""

    @property
    def value(self) -> str:
        return self.path

    @property
    def raw(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a column a value is: ``steps`` from it, by which questions about it are known. ``e``: the value."""

    cell: Cell
    steps: Steps
    e: str
    kind: ColumnType
    dtype: pl.DataType

    def at(self, step: Field | Each, e: str) -> Place:
        kind, dtype = reached(self.kind, self.dtype, (step,))
        return Place(self.cell, (*self.steps, step), e, kind, dtype)


def prepared(cells: Cells, predicates: Iterable[Predicate], failing: Mapping[Predicate, str]) -> Cells:
    """``cells`` with a condition for every predicate that is about what is inside of a column."""
    found = dict(cells.nested)
    for predicate in (leaf for one in predicates for leaf in _leaves(one)):
        cell = cells.of(predicate.column)
        if predicate in found or cell is None or cell.why is not None:
            continue
        if not cell.present:
            found[predicate] = True
            continue
        try:
            found[predicate] = _holds(predicate, _whole(cell), failing)
        except Meaningless as error:
            found[predicate] = error
    return replace(cells, nested=found)


def values(cell: Cell, steps: Steps) -> Iterator[tuple[str, str]]:
    """What to select and what to keep, step by step, to have every value that ``steps`` lead to in ``cell.value``."""
    name = cell.value
    for step in steps:
        e = f"{name}.{quoted(step.name)}" if isinstance(step, Field) else f"explode({_items(name, step)})"
        yield f"{e} as {name}", f"{name} is not null"


def first_failing(predicate: Inside, cell: Cell, failing: Mapping[Predicate, str]) -> str:
    """Of each row the first value inside of the column that fails, as text; null if that is null, or none fails."""
    return _first(predicate.predicate, _whole(cell), predicate.steps, failing)


def _whole(cell: Cell) -> Place:
    return Place(cell, (), cell.value, cell.kind, cell.dtype)


def _leaves(predicate: Predicate) -> Iterator[UniqueItems | FieldsInRange | Inside]:
    if isinstance(predicate, AllOf):
        for part in predicate.parts:
            yield from _leaves(part)
    elif isinstance(predicate, Not):
        yield from _leaves(predicate.predicate)
    elif isinstance(predicate, UniqueItems | FieldsInRange | Inside):
        yield predicate


def _holds(predicate: Predicate, place: Place, failing: Mapping[Predicate, str]) -> Good:
    match predicate:
        case Inside(_, steps, inner):
            return _every(inner, place, steps, failing)
        case AllOf(parts):
            return render_sql.all_of([_holds(part, place, failing) for part in parts])
        case Not(inner):
            good = _holds(inner, place, failing)
            return not good if isinstance(good, bool) else f"not ({good})"
        case Fits():
            return True  # a column with a value inside that does not fit is itself null
        case NotNull():
            return f"{place.e} is not null"
        case UniqueItems():
            return _unique(place)
        case FieldsInRange(_, minimum, maximum):
            count = _fields(place)
            least = [] if minimum is None else [f"{count} >= {minimum}L"]
            most = [] if maximum is None else [f"{count} <= {maximum}L"]
            return " and ".join(least + most) or True
        case _:
            return _of_value(predicate, place, failing)


def _of_value(predicate: About, place: Place, failing: Mapping[Predicate, str]) -> Good:
    cell = place.cell
    inner = Inner(
        cell.number, cell.column, place.kind, place.dtype, True, True, False, place.dtype, None, place.e
    )
    about_this = replace(predicate, column=THIS)
    known = failing.get(Inside(cell.column.name, place.steps, predicate))
    asked: dict[Predicate, str] = {about_this: known} if known is not None else {}
    cells = Cells(pl.LazyFrame(), (inner,), by_name={THIS: inner})
    return render_sql.holds(about_this, Rendering(InnerSql(), cells, asked))


def _every(
    predicate: Predicate, place: Place, steps: Sequence[Field | Each], failing: Mapping[Predicate, str]
) -> Good:
    """The predicate holds for every value that ``steps`` lead to: never null."""
    if not steps:
        good = _holds(predicate, place, failing)
        return good if isinstance(good, bool) else f"coalesce({good}, true)"
    step, *rest = steps
    if isinstance(step, Field):
        good = _every(predicate, _field(place, step), rest, failing)
        return True if good is True else f"({place.e} is null or {_said(good)})"
    x = variable()
    good = _every(predicate, place.at(step, x), rest, failing)
    if good is True:
        return True
    return f"coalesce(forall({_items(place.e, step)}, {x} -> {_said(good)}), true)"


def _first(
    predicate: Predicate, place: Place, steps: Sequence[Field | Each], failing: Mapping[Predicate, str]
) -> str:
    if not steps:
        good = _every(predicate, place, (), failing)
        return f"case when not {_said(good)} then {text_of(place.e, place.dtype)} end"
    step, *rest = steps
    if isinstance(step, Field):
        return _first(predicate, _field(place, step), rest, failing)
    x, found = variable(), variable()
    shown = (
        f"transform({_items(place.e, step)}, {x} -> {_first(predicate, place.at(step, x), rest, failing)})"
    )
    return f"try_element_at(filter({shown}, {found} -> {found} is not null), 1)"


def _field(place: Place, step: Field) -> Place:
    there = isinstance(place.dtype, pl.Struct) and any(f.name == step.name for f in place.dtype.fields)
    if there:
        return place.at(step, f"{place.e}.{quoted(step.name)}")
    absent = place.at(step, "")
    return replace(absent, e=f"cast(null as {SparkSql().type_of(absent.dtype)})")


def _items(e: str, step: Each) -> str:
    return e if step.of == "items" else f"map_{step.of}({e})"


def _unique(place: Place) -> str:
    if not isinstance(place.kind, ArrayType) or not isinstance(place.dtype, pl.List):
        raise Meaningless(f"the rule speaks of items, and {place.cell.column.name} has none there")
    if _holds_maps(place.dtype):
        raise Meaningless("Spark does not compare maps, which the items hold")
    x = variable()
    items = f"filter({place.e}, {x} -> {x} is not null)"
    if isinstance(place.kind.items, NumberType):
        items = f"transform({items}, {x} -> {x} + 0.0D)"  # -0.0 and 0.0 are one value
    return f"array_size(array_distinct({items})) = array_size({items})"


def _holds_maps(dtype: pl.DataType) -> bool:
    match dtype:
        case pl.Map():
            return True
        case pl.List():
            return _holds_maps(_instance(dtype.inner))
        case pl.Struct():
            return any(_holds_maps(_instance(f.dtype)) for f in dtype.fields)
        case _:
            return False


def _instance(dtype: object) -> pl.DataType:
    assert isinstance(dtype, pl.DataType)
    return dtype


def _fields(place: Place) -> str:
    match place.kind, place.dtype:
        case MapType(), pl.Map():
            return f"case when {place.e} is not null then cast(size({place.e}) as bigint) end"
        case ObjectType(), pl.Struct():
            there = [
                f"case when {place.e}.{quoted(f.name)} is not null then 1L else 0L end"
                for f in place.dtype.fields
            ]
            return f"case when {place.e} is not null then {' + '.join(there) or '0L'} end"
        case _:
            raise Meaningless(f"the rule speaks of fields, and {place.cell.column.name} has none there")


def _said(good: Good) -> str:
    return str(good).lower() if isinstance(good, bool) else good
