"""The demo's data as it would arrive: flights day by day, reference tables, contracts, smoke checks.

Everything is text from the package itself, so that the demo needs no network. Where it comes from and what was
changed: ``data/README.md``.
"""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

DAYS = range(1, 32)  # of January 2013
REFERENCE = ("airlines", "airports", "planes")  # what flights refer to, in the order to load it
TABLES = (*REFERENCE, "weather", "flights")


def flights(day: int) -> str:
    """One day's departures as CSV with a header: 674 to 943 rows."""
    with zipfile.ZipFile(io.BytesIO(_here("data", "flights-2013-01.zip").read_bytes())) as month:
        return month.read(flights_name(day)).decode()


def flights_name(day: int) -> str:
    return f"flights-2013-01-{day:02}.csv"


def table(name: str) -> str:
    """`airlines`, `airports`, `planes` (whole) or `weather` (the month), as CSV with a header."""
    return _here("data", f"{name}.csv").read_text(encoding="utf-8")


def contract(name: str) -> str:
    """The ODCS contract of one of `TABLES`, as YAML."""
    return _here("contracts", f"{name}.yaml").read_text(encoding="utf-8")


def smoke() -> dict[str, str]:
    """Smoke queries, by file name."""
    found = (f for f in _here("smoke").iterdir() if f.name.endswith(".sql"))
    return {f.name: f.read_text(encoding="utf-8") for f in sorted(found, key=lambda f: f.name)}


def unpack(folder: Path) -> None:
    """Lay everything out as files: ``inbox/`` (reference tables, weather, flights by day), ``contracts/``, ``smoke/``.

    Existing files of these names are written over.
    """
    inbox = {f"inbox/{name}.csv": table(name) for name in (*REFERENCE, "weather")}
    days = {f"inbox/{flights_name(day)}": flights(day) for day in DAYS}
    contracts = {f"contracts/{name}.yaml": contract(name) for name in TABLES}
    queries = {f"smoke/{name}": text for name, text in smoke().items()}
    for name, text in {**inbox, **days, **contracts, **queries}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def _here(*names: str) -> Traversable:
    return files("headgate.demo").joinpath(*names)
