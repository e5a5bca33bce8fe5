"""A contract laid over rows: which column is which, and every cell as its contract type.

The result has, for the contract's column number i: ``v{i}`` its value (null where it does not fit), ``m{i}`` true
where it does not fit, ``n{i}`` true where nothing was there, ``r{i}`` the raw value. What nobody asks for is never
computed: these are expressions of a lazy plan. ``x{j}`` are the raw values of undeclared columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from headgate.edge.cast import dtype_of, instance, kind_of, typed
from headgate.edge.folding import Meaningless
from headgate.edge.jdk_format import Unsupported
from headgate.edge.rows import OBJECT, ROW, Part, Rows
from headgate.model.contract import (
    AnyType,
    ArrayType,
    Column,
    ColumnType,
    MapType,
    ObjectType,
    TableContract,
)
from headgate.model.rule import Each, Field, Predicate


@dataclass(frozen=True, slots=True)
class Cell:
    """A contract's column among the rows. ``total``: there is no ``m{i}``, everything fits.

    ``kind``: the type to judge values by; for a column without one, that of the data. ``text``: raw values are
    text. ``why``: the reason why nothing can be read, if there is one.
    """

    number: int
    column: Column
    kind: ColumnType
    dtype: pl.DataType
    present: bool
    total: bool
    text: bool
    raw_dtype: pl.DataType
    why: str | None = None

    @property
    def value(self) -> str:
        return f"v{self.number}"

    @property
    def misfit(self) -> str:
        return f"m{self.number}"

    @property
    def missing(self) -> str:
        return f"n{self.number}"

    @property
    def raw(self) -> str:
        return f"r{self.number}"


@dataclass(frozen=True, slots=True)
class Absent:
    """A declared column that some objects lack, or an undeclared one that they have. ``objects``: their numbers."""

    column: str
    objects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows under a contract.

    ``lenient``: missing columns are taken for null. ``columns``: for each part its objects, and its columns in order.
    ``nested``: for predicates about what is inside of columns, the boolean column that an engine made of each, or
    what is true of every row, or why it means nothing; ``inside``: how each of those columns comes of its cell's value.
    """

    lazy: pl.LazyFrame
    cells: tuple[Cell, ...]
    missing: tuple[Absent, ...] = ()
    undeclared: tuple[Absent, ...] = ()
    lenient: bool = False
    extra: tuple[tuple[str, pl.DataType], ...] = ()
    by_name: Mapping[str, Cell] = field(default_factory=dict)
    columns: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = ()
    nested: Mapping[Predicate, str | bool | Exception] = field(default_factory=dict)
    inside: Mapping[str, tuple[Cell, Callable[[pl.Expr], pl.Expr]]] = field(default_factory=dict)

    def of(self, name: str) -> Cell | None:
        return self.by_name.get(name)


def laid(rows: Rows, contract: TableContract) -> Cells:
    """``contract`` over ``rows``."""
    columns = contract.columns
    parts = [(part, _names(part, rows, columns)) for part in rows.parts]
    missing = _missing(parts, columns)
    undeclared = _undeclared(parts, columns)
    dtypes = [_dtype(i, column, parts) for i, column in enumerate(columns)]
    raw_dtypes = [_raw_dtype(column, parts) for column in columns]
    extra = _extra(parts, undeclared)
    made = [_part(part, names, columns, dtypes, raw_dtypes, extra) for part, names in parts]
    cells = tuple(
        Cell(
            i,
            column,
            kind_of(dtypes[i]) if isinstance(column.type, AnyType) else column.type,
            dtypes[i],
            any(column.name in names for _, names in parts),
            all(each.total[i] for each in made),
            all(part.text for part, _ in parts) or isinstance(raw_dtypes[i], pl.String),
            raw_dtypes[i],
            next((each.why[i] for each in made if each.why[i]), None),
        )
        for i, column in enumerate(columns)
    )
    lazy = made[0].lazy if len(made) == 1 else pl.concat([each.with_misfits(cells, extra) for each in made])
    lenient = contract.policy.missing_columns == "null"
    by_name = {c.column.name: c for c in cells}
    columns_in = tuple((part.objects, names) for part, names in parts)
    return Cells(lazy, cells, missing, undeclared, lenient, extra, by_name, columns_in)


@dataclass(frozen=True, slots=True)
class _Made:
    lazy: pl.LazyFrame
    total: list[bool]
    why: list[str | None]

    def with_misfits(self, cells: Sequence[Cell], extra: Sequence[tuple[str, pl.DataType]]) -> pl.LazyFrame:
        """With the columns that other parts have, in one order."""
        needed = [c for c in cells if not c.total]
        added = [pl.lit(value=False).alias(c.misfit) for c in needed if self.total[c.number]]
        names = [n for c in cells for n in (c.value, c.missing, c.raw)] + [c.misfit for c in needed]
        names += [f"x{j}" for j in range(len(extra))]
        return self.lazy.with_columns(added).select(*names, ROW, OBJECT)


def _part(
    part: Part,
    names: Sequence[str],
    columns: Sequence[Column],
    dtypes: Sequence[pl.DataType],
    raw_dtypes: Sequence[pl.DataType],
    extra: Sequence[tuple[str, pl.DataType]],
) -> _Made:
    values: list[pl.Expr] = []
    misfits: list[pl.Expr] = []
    total: list[bool] = []
    why: list[str | None] = []
    at = {name: i for i, name in enumerate(names)}
    for i, column in enumerate(columns):
        reason = None
        if column.name not in at:
            values += [
                pl.lit(None, dtypes[i]).alias(f"v{i}"),
                pl.lit(value=True).alias(f"n{i}"),
                pl.lit(None, raw_dtypes[i]).alias(f"r{i}"),
            ]
            fits = True
        else:
            raw = pl.col(f"c{at[column.name]}")
            have = part.dtypes[at[column.name]]
            try:
                cast = typed(raw, have, column.type)
                value, fits = cast.value, cast.total
            except Unsupported as error:
                value, fits, reason = pl.lit(None, dtypes[i]), True, str(error)
            if isinstance(column.type, AnyType) and have != dtypes[i]:
                value = value.cast(dtypes[i])
            shown = raw if have == raw_dtypes[i] else as_text(raw, have)
            values += [value.alias(f"v{i}"), raw.is_null().alias(f"n{i}"), shown.alias(f"r{i}")]
        if not fits:
            misfits.append((pl.col(f"v{i}").is_null() & ~pl.col(f"n{i}")).alias(f"m{i}"))
        total.append(fits)
        why.append(reason)
    for j, (name, dtype) in enumerate(extra):
        found = pl.lit(None, dtype)
        if name in at:
            have = part.dtypes[at[name]]
            found = pl.col(f"c{at[name]}") if have == dtype else as_text(pl.col(f"c{at[name]}"), have)
        values.append(found.alias(f"x{j}"))
    lazy = part.lazy.select(*values, ROW, OBJECT)
    return _Made(lazy.with_columns(misfits) if misfits else lazy, total, why)


def _extra(
    parts: Sequence[tuple[Part, tuple[str, ...]]], undeclared: Sequence[Absent]
) -> tuple[tuple[str, pl.DataType], ...]:
    found = []
    for each in undeclared:
        dtypes = {part.dtypes[names.index(each.column)] for part, names in parts if each.column in names}
        found.append((each.column, dtypes.pop() if len(dtypes) == 1 else pl.String()))
    return tuple(found)


def _names(part: Part, rows: Rows, columns: Sequence[Column]) -> tuple[str, ...]:
    """Without a header, columns are the contract's, by position."""
    headless = part.text and rows.dialect is not None and not rows.dialect.header
    if not headless:
        return part.columns
    declared = tuple(c.name for c in columns)
    return declared[: len(part.columns)] + part.columns[len(declared) :]


def _missing(parts: Sequence[tuple[Part, tuple[str, ...]]], columns: Sequence[Column]) -> tuple[Absent, ...]:
    found = []
    for column in columns:
        lacking = [n for part, names in parts if column.name not in names for n in part.objects or (-1,)]
        if lacking or not parts:
            found.append(Absent(column.name, tuple(lacking)))
    return tuple(found)


def _undeclared(
    parts: Sequence[tuple[Part, tuple[str, ...]]], columns: Sequence[Column]
) -> tuple[Absent, ...]:
    declared = {c.name for c in columns}
    found: dict[str, tuple[int, ...]] = {}
    for part, names in parts:
        for name in names:
            if name not in declared:
                found[name] = found.get(name, ()) + part.objects
    return tuple(Absent(name, objects) for name, objects in found.items())


def _found(column: Column, parts: Sequence[tuple[Part, tuple[str, ...]]]) -> list[pl.DataType]:
    found = [part.dtypes[names.index(column.name)] for part, names in parts if column.name in names]
    return list(dict.fromkeys(found))


def _dtype(number: int, column: Column, parts: Sequence[tuple[Part, tuple[str, ...]]]) -> pl.DataType:
    del number
    found = _found(column, parts)
    if isinstance(column.type, AnyType | ArrayType | ObjectType | MapType) and len(found) == 1:
        return dtype_of(column.type, found[0])
    return dtype_of(column.type)


def _raw_dtype(column: Column, parts: Sequence[tuple[Part, tuple[str, ...]]]) -> pl.DataType:
    found = _found(column, parts)
    return found[0] if len(found) == 1 else pl.String()


def reached(
    kind: ColumnType, dtype: pl.DataType, steps: Sequence[Field | Each]
) -> tuple[ColumnType, pl.DataType]:
    """The type of what ``steps`` lead to. Raises Meaningless where they lead nowhere."""
    for step in steps:
        kind, dtype = _one_step(kind, dtype, step)
    return kind, dtype


def _one_step(kind: ColumnType, dtype: pl.DataType, step: Field | Each) -> tuple[ColumnType, pl.DataType]:
    match step, kind, dtype:
        case Field(name), ObjectType(declared), pl.Struct():
            inner = dict(declared).get(name, AnyType())
            found = next((instance(f.dtype) for f in dtype.fields if f.name == name), None)
            if found is None:
                found = dtype_of(inner)
        case Each("items"), ArrayType(items), pl.List():
            inner, found = items or AnyType(), instance(dtype.inner)
        case Each("keys"), MapType(key), pl.Map():
            inner, found = key, instance(dtype.key)
        case Each("values"), MapType(value=value), pl.Map():
            inner, found = value, instance(dtype.value)
        case _:
            what = f"field {step.name}" if isinstance(step, Field) else step.of
            raise Meaningless(f"the rule speaks of the {what} of what has none")
    return (kind_of(found) if isinstance(inner, AnyType) else inner), found


def raw_json(cells: Cells) -> pl.Expr:
    """The row as it came, as a JSON object of texts (null where nothing was). For rows that were chosen: it is slow."""
    shown = {c.column.name: as_text(pl.col(c.raw), c.raw_dtype) for c in cells.cells}
    shown |= {name: as_text(pl.col(f"x{j}"), dtype) for j, (name, dtype) in enumerate(cells.extra)}

    def encoded(names: Sequence[str]) -> pl.Expr:
        if not names:
            return pl.lit("{}")
        return pl.struct(shown[name].alias(name) for name in names).struct.json_encode()

    found = encoded(cells.columns[-1][1])
    for objects, names in reversed(cells.columns[:-1]):
        found = pl.when(pl.col(OBJECT).is_in(objects)).then(encoded(names)).otherwise(found)
    return found


def as_text(e: pl.Expr, have: pl.DataType) -> pl.Expr:
    """A raw value as text that says it in full, and that reads back as the same value."""
    if isinstance(have, pl.String):
        return e
    if isinstance(have, pl.Struct):
        return pl.when(e.is_not_null()).then(jsonable(e, have).struct.json_encode())
    if isinstance(have, pl.List | pl.Array | pl.Map):
        e = jsonable(e, have)
        # A list alone has no JSON form in Polars; the struct around it is cut off again.
        inside = pl.struct(e.alias("x")).struct.json_encode().str.strip_prefix('{"x":').str.strip_suffix("}")
        return pl.when(e.is_not_null()).then(inside)
    if isinstance(have, pl.Binary):
        return e.bin.encode("base64")
    if isinstance(have, pl.Time):
        return e.dt.to_string("%H:%M:%S%.f")
    if isinstance(have, pl.Datetime):
        return e.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if have.time_zone else ""))
    if isinstance(have, pl.Null):
        return pl.lit(None, pl.String)
    return e.cast(pl.String)


def jsonable(e: pl.Expr, have: pl.DataType) -> pl.Expr:
    """A nested value whose maps have texts for keys, as JSON wants them."""
    if not _has_odd_keys(have):
        return e
    match have:
        case pl.Map():
            key, value = (pl.element().struct.field(name) for name in ("key", "value"))
            entry = pl.struct(
                as_text(key, instance(have.key)).alias("key"),
                jsonable(value, instance(have.value)).alias("value"),
            )
            return e.map.entries().list.eval(entry).list.to_map()
        case pl.List() | pl.Array():
            e = e.arr.to_list() if isinstance(have, pl.Array) else e
            return e.list.eval(jsonable(pl.element(), instance(have.inner)))
        case pl.Struct():
            fields = [jsonable(e.struct.field(f.name), instance(f.dtype)).alias(f.name) for f in have.fields]
            return pl.when(e.is_not_null()).then(pl.struct(fields))
        case _:
            return e


def _has_odd_keys(have: pl.DataType) -> bool:
    match have:
        case pl.Map():
            return not isinstance(instance(have.key), pl.String) or _has_odd_keys(instance(have.value))
        case pl.List() | pl.Array():
            return _has_odd_keys(instance(have.inner))
        case pl.Struct():
            return any(_has_odd_keys(instance(f.dtype)) for f in have.fields)
        case _:
            return False
