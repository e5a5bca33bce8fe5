"""dataframely: a schema class. A yes or no first, which is its cheapest question; only a no asks which rules failed.

Eager and streaming took the same time and the same memory here.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl
from worker import serve


class Orders(dy.Schema):
    order_id = dy.Int64(nullable=False, unique=True)
    account = dy.String(nullable=False, regex=r"^AC-[0-9]{6}$")
    country = dy.String(
        nullable=False,
        check={
            "enum": lambda c: c.is_in(
                ["AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE"]
            )
        },
    )
    status = dy.String(
        nullable=True, check={"enum": lambda c: c.is_in(["placed", "paid", "packed", "shipped", "returned"])}
    )
    quantity = dy.Int32(nullable=False, min=1, max=1000)
    # No rules against NaN and infinity, as nobody else has them; NaN is above any maximum.
    amount = dy.Float64(nullable=False, min=0.01, max=100_000.0, allow_inf=True, allow_nan=True)
    discount = dy.Float64(nullable=True, min=0.0, max=0.9, allow_inf=True, allow_nan=True)
    ordered_at = dy.Datetime(nullable=False, time_zone="UTC", time_unit="us")


NAMES = {
    "nullability": "required",
    "regex": "pattern",
    "min": "minimum",
    "max": "maximum",
    "check__enum": "enum",
}


def check(path: str) -> list[str]:
    frame = pl.scan_parquet(path)
    if Orders.is_valid(frame, engine="streaming"):
        return []
    failure = Orders.filter(frame).collect_all(engine="streaming").failure
    parts = (rule.split("|") for rule in failure.counts())
    return [f"{column}.{NAMES.get(kind, kind)}" for column, kind in parts]


def split(path: str, good: str, bad: str) -> None:
    found, failure = Orders.filter(pl.scan_parquet(path)).collect_all(engine="streaming")
    found.write_parquet(good)
    failure.write_parquet(bad)


serve(check, split)
