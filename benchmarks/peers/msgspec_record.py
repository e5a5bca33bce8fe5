"""msgspec: a struct with constraints, checked in C. It stops at the first error, and makes an object of a record."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from record_worker import serve


class Order(msgspec.Struct, forbid_unknown_fields=True):
    order_id: Annotated[int, msgspec.Meta(ge=1)]
    account: Annotated[str, msgspec.Meta(pattern="^AC-[0-9]{6}$")]
    country: Literal["DE", "FR", "IT", "NL"]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None
    amount: Annotated[float, msgspec.Meta(ge=0.01, le=100_000)] | None


def validate(record: dict[str, Any]) -> list[str]:
    try:
        msgspec.convert(record, Order)
    except msgspec.ValidationError as error:
        return re.findall(r"\$\.(\w+)", str(error))
    return []


serve(validate)
