"""A project in a folder, contracts and deliveries in a few lines, and promise 4's sum against what is really there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import polars as pl
import yaml

import headgate
from headgate.model.names import table_name
from headgate.model.run import Loaded
from headgate.project import LoadOptions, Project

Row = tuple[Any, ...]
Part = dict[str, object]


def of_headgate(**properties: object) -> list[Part]:
    """customProperties of vendor headgate."""
    return [{"property": k, "value": v, "vendor": "headgate"} for k, v in properties.items()]


def column(name: str, kind: str = "string", **more: object) -> Part:
    return {"name": name, "logicalType": kind, **more}


def refers(to: str) -> list[Part]:
    return [{"to": to}]


def table(name: str, *columns: Part, **more: object) -> Part:
    return {"name": name, "properties": list(columns), **more}


def contract(*objects: Part, version: str = "1.0.0", **more: object) -> bytes:
    """The bytes of a contract with these schema objects."""
    said = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "shop",
        "version": version,
        "status": "active",
        "schema": list(objects),
        **more,
    }
    return yaml.safe_dump(said, sort_keys=False, encoding="utf-8")


ID = column("id", "integer", primaryKey=True)
AMOUNT = column("amount", "number", logicalTypeOptions={"minimum": 0})
ITEM = column("item")


def orders(*more: Part, version: str = "1.0.0", **of_object: object) -> bytes:
    """The contract of ``orders``: id (the key), item, amount (not below 0), and ``more`` columns."""
    return contract(table("orders", ID, ITEM, AMOUNT, *more, **of_object), version=version)


ORDERS = orders()
CUSTOMERS = contract(table("customers", ID))
PURCHASES = contract(
    table("purchases", ID, column("customer", "integer", relationships=refers("customers.id")))
)


@dataclass
class Shop:
    """A project, and files to deliver to it."""

    root: Path
    project: Project
    files: int = 0

    def csv(self, header: str, *rows: str, name: str | None = None) -> str:
        """A CSV file of its own, with these lines."""
        self.files += 1
        path = self.root / (name or f"delivery{self.files}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join((header, *rows)) + "\n")
        return str(path)

    def orders(self, *rows: str, name: str | None = None) -> str:
        return self.csv("id,item,amount", *rows, name=name)

    def load(self, data: object, into: str = "orders", **options: Unpack[LoadOptions]) -> Loaded:
        """Load, and hold the answer against the table and the quarantine (promise 4). ``orders`` has its contract."""
        to = options.get("to", "main")
        if "contract" not in options and not options.get("unguarded") and self.unguarded(into, to):
            options["contract"] = {"orders": ORDERS, "customers": CUSTOMERS, "purchases": PURCHASES}[into]
        before = self.count(into, to)
        loaded = self.project.load(into, data, **options)
        self.holds(loaded, before, self.count(into, to), options.get("mode", "append"))
        return loaded

    def holds(self, loaded: Loaded, before: int, after: int, mode: str) -> None:
        counts = loaded.counts
        assert loaded.outcome == "conflict" or counts.balanced, counts
        if loaded.outcome in {"quarantined", "duplicate", "conflict"}:
            assert after == before and counts.rows_good == 0
        elif mode == "append":
            assert after == before + counts.rows_good
        elif mode == "replace":
            assert after == counts.rows_good
        if loaded.outcome == "quarantined":
            assert counts.rows_quarantined == counts.rows_in
        assert self.in_quarantine(loaded.run) == counts.rows_quarantined

    def unguarded(self, name: str, ref: str = "main") -> bool:
        return self.project.tree(ref).contract(table_name(name)) is None

    def count(self, name: str = "orders", ref: str = "main") -> int:
        if self.project.tree(ref).table(table_name(name)) is None:
            return 0
        return self.project.table(name, ref).rows()

    def in_quarantine(self, run: str | None) -> int:
        """Rows that a run put into quarantine, counted in the files themselves."""
        found = [q for q in self.project.quarantines() if q.run == run]
        rows = sum(self.project.quarantined_rows(q.id).height for q in found)
        assert rows == sum(q.rows for q in found)
        return rows

    def rows(self, name: str = "orders", ref: str = "main") -> list[Row]:
        """The table's rows, sorted by their first column."""
        found: pl.DataFrame = self.project.table(name, ref).scan().collect()
        return sorted(found.rows(), key=lambda row: (row[0] is None, row[0]))

    def ids(self, name: str = "orders", ref: str = "main") -> list[Any]:
        """The first column of the table, sorted."""
        return [row[0] for row in self.rows(name, ref)] if self.count(name, ref) else []

    def ask(self, query: str, ref: str = "main") -> list[Row]:
        return list(self.project.sql(query, ref).rows)

    def paths(self, name: str = "orders", ref: str = "main") -> set[str]:
        """The table's data files."""
        return {f.path for f in self.project.ports.lake.files(self.project.table(name, ref).entry)}

    def parquet_files(self) -> set[Path]:
        """Every data file that was ever written, on whatever branch."""
        return set((self.root / ".headgate" / "warehouse").rglob("*.parquet"))

    def quarantined(self, id: str) -> list[tuple[str, int, list[str], dict[str, str | None]]]:
        """Location's last part, row number, rules and raw values of each row in a quarantine."""
        found = self.project.quarantined_rows(id).sort("location", "row")
        return [
            (Path(where).name, row, sorted(rules), json.loads(raw))
            for where, row, rules, raw in found.select("location", "row", "rules", "raw").iter_rows()
        ]

    def open_quarantines(self) -> list[str]:
        return [q.id for q in self.project.quarantines(open_only=True)]


def opened(root: Path) -> Shop:
    """A new project in ``root``."""
    return Shop(root, headgate.init(root))


def failed(found: Any) -> dict[str, int | None]:
    """Rules that stand in the way, with how many rows fail each. ``found``: a load, a merge, a promotion, a verdict."""
    bad = {"fail", "error", "not_executed"}
    return {str(f.rule): f.rows_failed for f in found.findings if f.status in bad}


def statuses(found: Any) -> dict[str, str]:
    return {str(f.rule): f.status for f in found.findings}


def counts(loaded: Loaded) -> tuple[int, int, int, int, int]:
    """in, good, quarantined, deduplicated, superseded."""
    c = loaded.counts
    return c.rows_in, c.rows_good, c.rows_quarantined, c.rows_deduplicated, c.rows_superseded
