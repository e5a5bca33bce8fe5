"""pointblank on a lazy Polars frame, which is faster and leaner than an eager one. Failing rows are not extracted.

The ranges of doubles are expressions, since `col_vals_ge` with `na_pass` lets NaN pass, and without it fails nulls.
"""

from __future__ import annotations

import pointblank as pb
import polars as pl
from worker import serve

COUNTRIES = ["AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE"]
STATES = ["placed", "paid", "packed", "shipped", "returned"]
RULES = [  # in the order of the steps below
    *("order_id.required", "account.required", "country.required"),
    *("quantity.required", "amount.required", "ordered_at.required"),
    *("order_id.unique", "account.pattern", "country.enum", "status.enum"),
    *("quantity.minimum", "quantity.maximum", "amount.minimum", "amount.maximum"),
    *("discount.minimum", "discount.maximum"),
]


def _interrogated(path: str, *, marked: bool = False) -> pb.Validate:
    return (
        pb.Validate(pl.scan_parquet(path))
        .col_vals_not_null(["order_id", "account", "country", "quantity", "amount", "ordered_at"])
        .rows_distinct(["order_id"])
        .col_vals_regex("account", r"^AC-[0-9]{6}$", na_pass=True)
        .col_vals_in_set("country", [*COUNTRIES, None])
        .col_vals_in_set("status", [*STATES, None])
        .col_vals_ge("quantity", 1, na_pass=True)
        .col_vals_le("quantity", 1000, na_pass=True)
        .col_vals_expr(pl.col("amount").fill_null(1.0) >= 0.01)
        .col_vals_expr(pl.col("amount").fill_null(1.0) <= 100_000.0)
        .col_vals_expr(pl.col("discount").fill_null(0.0) >= 0.0)
        .col_vals_expr(pl.col("discount").fill_null(0.0) <= 0.9)
        .interrogate(collect_extracts=False, collect_tbl_checked=marked)
    )


def check(path: str) -> list[str]:
    validation = _interrogated(path)
    if not all(
        step.all_passed is not None and step.eval_error is None for step in validation.validation_info
    ):
        raise RuntimeError("a step could not be evaluated")
    return [rule for rule, step in zip(RULES, validation.validation_info, strict=True) if not step.all_passed]


def split(path: str, good: str, bad: str) -> None:
    validation = _interrogated(path, marked=True)
    parts = (("pass", good), ("fail", bad))
    sinks = [validation.get_sundered_data(kind).sink_parquet(to, lazy=True) for kind, to in parts]
    pl.collect_all(sinks, engine="streaming")


serve(check, split)
