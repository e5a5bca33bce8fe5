"""pydantic: a strict model, checked in Rust. It also makes an object of every record, as its users want it to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from record_worker import serve


class Order(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    order_id: Annotated[int, Field(ge=1)]
    account: Annotated[str, Field(pattern=r"^AC-[0-9]{6}$")]
    country: Literal["DE", "FR", "IT", "NL"]
    quantity: Annotated[int, Field(ge=1, le=1000)] | None
    amount: Annotated[float, Field(ge=0.01, le=100_000)] | None


def validate(record: dict[str, Any]) -> list[str]:
    try:
        Order.model_validate(record)
    except ValidationError as error:
        return [str(found["loc"][0]) for found in error.errors(include_url=False)]
    return []


serve(validate)
