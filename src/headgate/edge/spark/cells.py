"""A contract laid over rows of Spark's: the columns ``v m r x`` that `cells` describes, as one DataFrame.

There is no ``n{i}``: a cell is missing where its raw value is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from headgate.edge import cast as local_cast
from headgate.edge.cells import Absent, Cell, Cells
from headgate.edge.cells import as_text as local_text
from headgate.edge.jdk_format import Unsupported
from headgate.edge.rows import OBJECT, ROW
from headgate.edge.spark.cast import as_text, dtype_from, kind_of, name_of, type_of, typed
from headgate.edge.spark.rows import SparkPart, SparkRows, exotic, handed
from headgate.edge.spark.session import Spark
from headgate.edge.spark.text import text
from headgate.model.contract import (
    AnyType,
    ArrayType,
    Column,
    ColumnType,
    MapType,
    ObjectType,
    StringType,
    TableContract,
)


@dataclass(frozen=True, slots=True)
class Laid:
    """Rows under a contract, in ``frame``. The cells' types are those of Polars, by which rules are rendered.

    ``raw_texts``: each raw value as text. ``places``: for each part the locations of its objects.
    """

    rows: SparkRows
    frame: Spark
    cells: Cells
    raw_texts: tuple[str, ...]
    extra: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A part in Spark. ``given``: columns whose values our own reader has typed already, with whether all fit."""

    part: SparkPart
    frame: Spark
    names: tuple[str, ...]
    types: tuple[Any, ...]
    given: Mapping[str, bool | str]


def laid(rows: SparkRows, contract: TableContract) -> Laid:
    """``contract`` over ``rows``."""
    columns = contract.columns
    ready = [_ready(part, rows, contract) for part in rows.parts]
    declared = {c.name for c in columns}
    missing: list[Absent] = []
    undeclared: dict[str, tuple[int, ...]] = {}
    for column in columns:
        lacking = [n for each in ready if column.name not in each.names for n in each.part.objects]
        if lacking or not ready:
            missing.append(Absent(column.name, tuple(lacking)))
    for each in ready:
        for name in each.names:
            if name not in declared:
                undeclared[name] = (*undeclared.get(name, ()), *each.part.objects)
    extra = tuple(undeclared)
    told = [_told(column, ready) for column in columns]
    made = [_select(each, columns, told, extra) for each in ready]
    cells = tuple(
        Cell(
            i,
            column,
            told[i].kind,
            told[i].dtype,
            any(column.name in each.names for each in ready),
            all(one.total[i] for one in made),
            all(each.part.text for each in ready) or _is_text(told[i].raw),
            dtype_from(told[i].raw) if told[i].raw is not None else pl.String(),
            next((one.why[i] for one in made if one.why[i]), None),
        )
        for i, column in enumerate(columns)
    )
    frame = made[0].frame
    for one in made[1:]:
        frame = frame.unionAll(one.frame)
    misfits = [f"({c.value} is null and {c.raw} is not null) as {c.misfit}" for c in cells if not c.total]
    if misfits:
        frame = frame.selectExpr("*", *misfits)
    over = Cells(
        pl.LazyFrame(),
        cells,
        tuple(missing),
        tuple(Absent(name, objects) for name, objects in undeclared.items()),
        contract.policy.missing_columns == "null",
        tuple((name, pl.String()) for name in extra),
        {c.column.name: c for c in cells},
        tuple((each.part.objects, each.names) for each in ready),
    )
    raw_texts = tuple(
        c.raw if told[i].raw is None else as_text(c.raw, told[i].raw) for i, c in enumerate(cells)
    )
    places = tuple(tuple(rows.objects[n].location for n in each.part.objects) for each in ready)
    return Laid(rows, frame, over, raw_texts, extra, places)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a column is: ``type`` of its value, as SQL and as Polars says it; ``raw``: Spark's type of the raw value,
    None where parts differ, and all are text.
    """

    kind: ColumnType
    type: str
    dtype: pl.DataType
    raw: Any


def _is_text(have: Any) -> bool:
    return have is not None and name_of(have) == "string"


def _told(column: Column, ready: Sequence[_Ready]) -> _Told:
    found = [each.types[each.names.index(column.name)] for each in ready if column.name in each.names]
    alike = found[0] if found and all(one == found[0] for one in found) else None
    dtype = dtype_from(alike) if alike is not None else None
    if not isinstance(column.type, AnyType):
        open_ = isinstance(column.type, ArrayType | ObjectType | MapType)
        type_ = type_of(column.type, alike if open_ else None)
        return _Told(column.type, type_, local_cast.dtype_of(column.type, dtype if open_ else None), alike)
    if alike is None or dtype is None or name_of(alike) in ("void", "string"):
        return _Told(StringType(), "string", pl.String(), alike)
    return _Told(kind_of(alike), alike.simpleString(), dtype, alike)


@dataclass(frozen=True, slots=True)
class _Made:
    frame: Spark
    total: list[bool]
    why: list[str | None]


def _select(
    each: _Ready,
    columns: Sequence[Column],
    told: Sequence[_Told],
    extra: Sequence[str],
) -> _Made:
    values: list[str] = []
    total: list[bool] = []
    why: list[str | None] = []
    at = {name: i for i, name in enumerate(each.names)}
    for i, column in enumerate(columns):
        raw_type = told[i].raw
        reason, fits, value, raw = None, True, f"cast(null as {told[i].type})", "cast(null as string)"
        if column.name in at:
            raw, have = f"c{at[column.name]}", each.types[at[column.name]]
            given = each.given.get(column.name)
            try:
                if given is None:
                    found = typed(raw, have, column.type)
                    value, fits = found.value, found.total
                elif isinstance(given, str):
                    raise Unsupported(given)
                else:
                    value, fits = f"g{at[column.name]}", given
            except Unsupported as error:
                reason = str(error)
            if isinstance(column.type, AnyType) and raw_type is None:
                value = as_text(value, have)
            if raw_type is None:
                raw = as_text(raw, have)
        elif raw_type is not None:
            raw = f"cast(null as {raw_type.simpleString()})"
        values += [f"{value} as v{i}", f"{raw} as r{i}"]
        total.append(fits)
        why.append(reason)
    for j, name in enumerate(extra):
        shown = as_text(f"c{at[name]}", each.types[at[name]]) if name in at else "cast(null as string)"
        values.append(f"{shown} as x{j}")
    return _Made(each.frame.selectExpr(*values, ROW, OBJECT), total, why)


def _names(part: SparkPart, rows: SparkRows, columns: Sequence[Column]) -> tuple[str, ...]:
    """Without a header, columns are the contract's, by position."""
    if not (part.text and rows.dialect is not None and not rows.dialect.header):
        return part.columns
    declared = tuple(c.name for c in columns)
    return declared[: len(part.columns)] + part.columns[len(declared) :]


# -- handing over -------------------------------------------------------------------------------------------


def _ready(part: SparkPart, rows: SparkRows, contract: TableContract) -> _Ready:
    names = _names(part, rows, contract.columns)
    if part.local is None:
        return _Ready(part, part.frame, names, part.types, {})
    local = part.local
    exprs: list[pl.Expr] = []
    given: dict[str, bool | str] = {}
    for i, (name, dtype) in enumerate(zip(names, local.dtypes, strict=True)):
        column = contract.column(name)
        if not _foreign(dtype, column.type if column else AnyType()):
            exprs.append(pl.col(f"c{i}"))
            continue
        exprs.append(local_text(pl.col(f"c{i}"), dtype).alias(f"c{i}"))
        if column is None:
            continue
        try:
            found = local_cast.typed(pl.col(f"c{i}"), dtype, column.type)
        except Unsupported as error:
            given[name] = str(error)
            continue
        value = found.value
        if isinstance(local_cast.dtype_of(column.type, dtype), pl.Time):
            value = value.dt.to_string("%H:%M:%S%.6f")
        exprs.append(value.alias(f"g{i}"))
        given[name] = found.total
    lazy = local.lazy.select(*exprs, ROW, OBJECT)
    frame = handed(rows.session, lazy, rows.described)
    have = {f.name: f.dataType for f in frame.schema.fields}
    return _Ready(part, frame, names, tuple(have[f"c{i}"] for i in range(len(names))), given)


def _foreign(dtype: pl.DataType, kind: ColumnType) -> bool:
    """True for columns that our own reader types, since Spark has no such type, or does not read JSON as strictly."""
    if isinstance(dtype, pl.String):
        return isinstance(kind, ArrayType | ObjectType | MapType)
    return exotic(dtype)


def raw_json(laid: Laid) -> str:
    """The row as it came, as a JSON object of texts (null where nothing was)."""
    cells = laid.cells
    shown = {c.column.name: laid.raw_texts[c.number] for c in cells.cells}
    shown |= {name: f"x{j}" for j, name in enumerate(laid.extra)}

    def encoded(names: Sequence[str]) -> str:
        if not names:
            return "'{}'"
        pairs = ", ".join(f"{text(name)}, {shown[name]}" for name in names)
        return f"to_json(named_struct({pairs}), map('ignoreNullFields', 'false'))"

    found = encoded(cells.columns[-1][1])
    for places, (_, names) in reversed(list(zip(laid.places, cells.columns, strict=True))[:-1]):
        among = f"{OBJECT} in ({', '.join(text(place) for place in places)})"
        found = f"case when {among} then {encoded(names)} else {found} end"
    return found
