"""pandera on an eager Polars frame: on a lazy one it skips the checks of the data unless told otherwise, and is slower.

`lazy` means that every failure is collected, not the first alone.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors
from worker import serve

COUNTRIES = ["AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE"]
STATES = ["placed", "paid", "packed", "shipped", "returned"]
SCHEMA = pa.DataFrameSchema(
    {
        "order_id": pa.Column(pl.Int64, unique=True),
        "account": pa.Column(pl.String, pa.Check.str_matches(r"^AC-[0-9]{6}$", name="pattern")),
        "country": pa.Column(pl.String, pa.Check.isin(COUNTRIES, name="enum")),
        "status": pa.Column(pl.String, pa.Check.isin(STATES, name="enum"), nullable=True),
        "quantity": pa.Column(pl.Int32, [pa.Check.ge(1, name="minimum"), pa.Check.le(1000, name="maximum")]),
        "amount": pa.Column(
            pl.Float64, [pa.Check.ge(0.01, name="minimum"), pa.Check.le(100_000.0, name="maximum")]
        ),
        "discount": pa.Column(
            pl.Float64, [pa.Check.ge(0.0, name="minimum"), pa.Check.le(0.9, name="maximum")], nullable=True
        ),
        "ordered_at": pa.Column(pl.Datetime("us", "UTC")),
    }
)
KINDS = {"not_nullable": "required", "field_uniqueness": "unique"}


def check(path: str) -> list[str]:
    try:
        SCHEMA.validate(pl.read_parquet(path), lazy=True)
    except SchemaErrors as errors:
        return [f"{e.schema.name}.{_kind(e.check)}" for e in errors.schema_errors]
    return []


def _kind(check: object) -> str:
    name = check if isinstance(check, str) else str(getattr(check, "name", check))
    return KINDS.get(name, name)


serve(check)
