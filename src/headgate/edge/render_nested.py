"""Predicates about what is inside of columns: objects, arrays, maps.

`Inside` is true or false of a row, never null: where nothing is reached, nothing fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from headgate.edge import cast_json, folding, render_value
from headgate.edge.cells import Cell, Cells, as_text, reached
from headgate.edge.folding import Meaningless
from headgate.edge.render_value import Answers, Good, Value, all_of, opposite
from headgate.model.contract import ArrayType, ColumnType, MapType, ObjectType
from headgate.model.rule import (
    AllOf,
    Each,
    Field,
    FieldsInRange,
    Fits,
    Inside,
    Not,
    NotMissing,
    NotNull,
    Predicate,
    UniqueItems,
)

Steps = tuple[Field | Each, ...]


def prepared(cells: Cells, predicates: Iterable[Predicate], answers: Answers) -> Cells:
    """``cells`` with a boolean column for every predicate that is about what is inside of a column."""
    found, inside = dict(cells.nested), dict(cells.inside)
    columns: list[pl.Expr] = []
    for predicate in (leaf for one in predicates for leaf in _leaves(one)):
        if predicate in found:
            continue
        cell = cells.of(predicate.column)
        if cell is None or cell.why is not None or not cell.present:
            found[predicate] = True  # where the column is absent, or cannot be read, `holds` says so first
            continue
        render = _Rendering(predicate, cell, answers)
        try:
            good = render.good(pl.col(cell.value))
        except Meaningless as error:
            found[predicate] = error
            continue
        if isinstance(good, bool):
            found[predicate] = good
            continue
        name = f"h{len(found)}"
        found[predicate], inside[name] = name, (cell, render)
        columns.append(good.alias(name))
    lazy = cells.lazy.with_columns(columns) if columns else cells.lazy
    return replace(cells, lazy=lazy, nested=found, inside=inside)


def values(lazy: pl.LazyFrame, cell: Cell, steps: Steps) -> pl.LazyFrame:
    """Every value that ``steps`` lead to, in the column ``cell.value`` alone; nulls are left out."""
    name = cell.value
    found = lazy.select(name).drop_nulls()
    for step in steps:
        match step:
            case Field(inner):
                found = found.select(pl.col(name).struct.field(inner).alias(name))
            case Each("items"):
                found = found.explode(name)
            case Each(of):
                found = found.select(_of_map(pl.col(name), of).alias(name)).explode(name)
        found = found.drop_nulls()
    return found


def first_failing(predicate: Inside, cell: Cell, answers: Answers) -> pl.Expr:
    """Of each row the first value inside of the column that fails, as text; null if that is null, or none fails."""
    place = _Place(cell, (), answers)
    return _first(predicate, place, pl.col(cell.value), cell.kind, cell.dtype, predicate.steps)


# -- how ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rendering:
    """A predicate about a column, for whatever expression has the column's values."""

    predicate: UniqueItems | FieldsInRange | Inside
    cell: Cell
    answers: Answers

    def good(self, e: pl.Expr) -> Good:
        return _holds(self.predicate, _Place(self.cell, (), self.answers), e, self.cell.kind, self.cell.dtype)

    def __call__(self, e: pl.Expr) -> pl.Expr:
        return _as_expression(self.good(e), e)


class _Place:
    """Where in a column a value is: its path is how questions about it are known."""

    def __init__(self, cell: Cell, steps: Steps, answers: Answers) -> None:
        self.cell, self.steps, self.answers = cell, steps, answers

    def at(self, step: Field | Each) -> _Place:
        return _Place(self.cell, (*self.steps, step), self.answers)


def _leaves(predicate: Predicate) -> Iterator[UniqueItems | FieldsInRange | Inside]:
    if isinstance(predicate, AllOf):
        for part in predicate.parts:
            yield from _leaves(part)
    elif isinstance(predicate, Not):
        yield from _leaves(predicate.predicate)
    elif isinstance(predicate, UniqueItems | FieldsInRange | Inside):
        yield predicate


def _holds(predicate: Predicate, place: _Place, e: pl.Expr, kind: ColumnType, dtype: pl.DataType) -> Good:
    match predicate:
        case Inside(_, steps, inner):
            return _every(inner, place, e, kind, dtype, steps)
        case AllOf(parts):
            return all_of([_holds(part, place, e, kind, dtype) for part in parts])
        case Not(inner):
            return opposite(_holds(inner, place, e, kind, dtype))
        case Fits():
            return True  # a column with a value inside that does not fit is itself null
        case NotNull():
            return e.is_not_null()
        case NotMissing(_, missing):
            members = folding.members(missing, kind)
            return e.is_not_null() & ~e.is_in(members) if members else e.is_not_null()
        case UniqueItems():
            if not isinstance(kind, ArrayType):
                raise Meaningless(f"the rule speaks of items, and {place.cell.column.name} has none there")
            return ~e.list.agg(pl.element().drop_nulls().is_duplicated().any())
        case FieldsInRange(_, minimum, maximum):
            count = _fields(place, e, kind, dtype)
            least = True if minimum is None else count >= minimum
            most = True if maximum is None else count <= maximum
            return all_of([least, most])
        case _:
            failing = place.answers.failing.get(Inside(place.cell.column.name, place.steps, predicate), ())
            return render_value.judged(predicate, Value(e, kind, dtype, place.cell.column.name), failing)


def _every(
    predicate: Predicate,
    place: _Place,
    e: pl.Expr,
    kind: ColumnType,
    dtype: pl.DataType,
    steps: Sequence[Field | Each],
) -> Good:
    """The predicate holds for every value that ``steps`` lead to: never null."""
    if not steps:
        good = _holds(predicate, place, e, kind, dtype)
        return good if isinstance(good, bool) else good.fill_null(value=True)
    step, *rest = steps
    inner_kind, inner_dtype = reached(kind, dtype, (step,))
    if isinstance(step, Field):
        child = _field(e, step.name, dtype, inner_dtype)
        good = _every(predicate, place.at(step), child, inner_kind, inner_dtype, rest)
        return good if good is True else e.is_null() | _as_expression(good, child)
    items = _items(e, step)
    good = _every(predicate, place.at(step), pl.element(), inner_kind, inner_dtype, rest)
    if good is True:
        return True
    return items.list.agg(_as_expression(good, pl.element()).all()).fill_null(value=True)


def _first(
    predicate: Inside,
    place: _Place,
    e: pl.Expr,
    kind: ColumnType,
    dtype: pl.DataType,
    steps: Sequence[Field | Each],
) -> pl.Expr:
    if not steps:
        good = _every(predicate.predicate, place, e, kind, dtype, ())
        return pl.when(~_as_expression(good, e)).then(as_text(e, dtype))
    step, *rest = steps
    inner_kind, inner_dtype = reached(kind, dtype, (step,))
    if isinstance(step, Field):
        child = _field(e, step.name, dtype, inner_dtype)
        return _first(predicate, place.at(step), child, inner_kind, inner_dtype, rest)
    found = _first(predicate, place.at(step), pl.element(), inner_kind, inner_dtype, rest)
    return _items(e, step).list.agg(found.drop_nulls().first())


def _field(e: pl.Expr, name: str, dtype: pl.DataType, inner: pl.DataType) -> pl.Expr:
    there = isinstance(dtype, pl.Struct) and any(f.name == name for f in dtype.fields)
    return e.struct.field(name) if there else pl.when(e.is_null()).then(pl.lit(None, inner))


def _items(e: pl.Expr, step: Each) -> pl.Expr:
    return e if step.of == "items" else _of_map(e, step.of)


def _of_map(e: pl.Expr, of: str) -> pl.Expr:
    return e.map.keys() if of == "keys" else e.map.values()


def _as_expression(good: Good, e: pl.Expr) -> pl.Expr:
    """A plain bool as one for each of ``e``: a literal would also stand for an item where there is none."""
    if isinstance(good, pl.Expr):
        return good
    return e.is_null() | e.is_not_null() if good else e.is_null() & e.is_not_null()


def _fields(place: _Place, e: pl.Expr, kind: ColumnType, dtype: pl.DataType) -> pl.Expr:
    match kind, dtype:
        case MapType(), pl.Map():
            return e.map.len()
        case ObjectType(), pl.Struct():
            names = [f.name for f in dtype.fields]
            there = [e.struct.field(name).is_not_null().cast(pl.Int64) for name in names]
            return pl.when(e.is_not_null()).then(pl.sum_horizontal(there) if there else pl.lit(0))
        case ObjectType(()), pl.String():
            return e.map_batches(cast_json.count_fields, pl.Int64, is_elementwise=True)
        case _:
            raise Meaningless(f"the rule speaks of fields, and {place.cell.column.name} has none there")
