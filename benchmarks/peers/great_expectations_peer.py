"""Great Expectations on pandas, its default for files; asked for booleans only, its cheapest result format."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from worker import serve

COUNTRIES = ["AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "PT", "SE"]
STATES = ["placed", "paid", "packed", "shipped", "returned"]
EXPECTED: dict[str, gxe.Expectation] = {
    "order_id.required": gxe.ExpectColumnValuesToNotBeNull(column="order_id"),
    "order_id.unique": gxe.ExpectColumnValuesToBeUnique(column="order_id"),
    "account.required": gxe.ExpectColumnValuesToNotBeNull(column="account"),
    "account.pattern": gxe.ExpectColumnValuesToMatchRegex(column="account", regex=r"^AC-[0-9]{6}$"),
    "country.required": gxe.ExpectColumnValuesToNotBeNull(column="country"),
    "country.enum": gxe.ExpectColumnValuesToBeInSet(column="country", value_set=COUNTRIES),
    "status.enum": gxe.ExpectColumnValuesToBeInSet(column="status", value_set=STATES),
    "quantity.required": gxe.ExpectColumnValuesToNotBeNull(column="quantity"),
    "quantity.minimum": gxe.ExpectColumnValuesToBeBetween(column="quantity", min_value=1),
    "quantity.maximum": gxe.ExpectColumnValuesToBeBetween(column="quantity", max_value=1000),
    "amount.required": gxe.ExpectColumnValuesToNotBeNull(column="amount"),
    "amount.minimum": gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=0.01),
    "amount.maximum": gxe.ExpectColumnValuesToBeBetween(column="amount", max_value=100_000.0),
    "discount.minimum": gxe.ExpectColumnValuesToBeBetween(column="discount", min_value=0.0),
    "discount.maximum": gxe.ExpectColumnValuesToBeBetween(column="discount", max_value=0.9),
    "ordered_at.required": gxe.ExpectColumnValuesToNotBeNull(column="ordered_at"),
}
for rule, expectation in EXPECTED.items():
    expectation.meta = {"rule": rule}

CONTEXT = gx.get_context(mode="ephemeral")
CONTEXT.variables.progress_bars = {"globally": False}
BATCH = (
    CONTEXT.data_sources.add_pandas("pandas")
    .add_dataframe_asset("orders")
    .add_batch_definition_whole_dataframe("all")
)
SUITE = gx.ExpectationSuite(name="orders", expectations=list(EXPECTED.values()))


def check(path: str) -> list[str]:
    # Doubles stay Arrow's: NumPy's take NaN and null for the same. The rest are pandas' own, which are faster.
    types = {pa.float64(): pd.ArrowDtype(pa.float64())}.get
    batch = BATCH.get_batch(batch_parameters={"dataframe": pq.read_table(path).to_pandas(types_mapper=types)})
    results = batch.validate(SUITE, result_format="BOOLEAN_ONLY").results
    if any(result.exception_info.get("raised_exception") for result in results if result.exception_info):
        raise RuntimeError("an expectation could not be evaluated")
    return [result.expectation_config.meta["rule"] for result in results if not result.success]


serve(check)
