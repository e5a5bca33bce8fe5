"""Random loads against a model of dictionaries: outcome, counts and table agree after each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from flow.shop import ORDERS, Shop, counts, opened

Order = tuple[int, str, float]
STEPS = 20


@dataclass(frozen=True)
class Said:
    mode: str
    on_fail: str
    limit: float
    order_by: str | None


def expected(
    there: dict[int, Order], came: list[Order], said: Said
) -> tuple[str, tuple[int, int, int, int, int], dict[int, Order]]:
    """Outcome, counts and the table afterwards, said in as few words as possible."""
    base = {} if said.mode == "replace" else there
    left = [r for r in dict.fromkeys(came) if r not in base.values()]
    same = len(came) - len(left)
    older = 0
    if said.mode == "merge" and said.order_by:
        newest = {r[0]: r[2] for r in sorted([*left, *base.values()], key=lambda r: r[2])}
        kept = [r for r in left if r[2] == newest[r[0]]]
        older, left = len(left) - len(kept), kept
    times = Counter(r[0] for r in left)
    bad = [r for r in left if r[2] < 0 or times[r[0]] > 1 or (said.mode != "merge" and r[0] in base)]
    if bad and (said.on_fail == "quarantine_batch" or len(bad) > said.limit * len(came)):
        return "quarantined", (len(came), 0, len(came), 0, 0), there
    good = {r[0]: r for r in left if r not in bad}
    outcome = "published_partial" if bad else "published"
    return outcome, (len(came), len(good), len(bad), same, older), base | good


def delivery(random: Random, there: dict[int, Order], fresh: int) -> list[Order]:
    """Rows of which some are doubled, some bad, some there already; and one that no other delivery has."""
    rows = [
        (random.choice([random.randint(1, 8), random.randint(1, 60)]), random.choice("ab"), amount)
        for amount in random.choices([1.0, 2.0, 3.0, -1.0], [3, 3, 3, 1], k=random.randint(0, 7))
    ]
    if rows and random.random() < 0.4:
        rows.append(random.choice(rows))
    if there and random.random() < 0.4:
        rows.append(random.choice(list(there.values())))
    return [*rows, (fresh, "fresh", 1.0)]


def load(shop: Shop, random: Random, rows: list[Order], said: Said) -> object:
    """In one object or two."""
    cut = random.choice([0, len(rows) // 2])
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    loaded = shop.load(
        [shop.orders(*(f"{id},{item},{amount}" for id, item, amount in part)) for part in parts],
        mode=said.mode,
        on_fail=said.on_fail,
        max_quarantined=said.limit,
        order_by=said.order_by,
        again=True,
    )
    return loaded.outcome, counts(loaded), {row[0]: row for row in shop.rows()}


@pytest.mark.parametrize("seed", range(3))
def test_random_loads_do_what_the_model_does(tmp_path: Path, seed: int) -> None:
    shop, random = opened(tmp_path), Random(seed)
    shop.load(shop.orders(), contract=ORDERS)
    there: dict[int, Order] = {}
    for step in range(STEPS):
        rows = delivery(random, there, 1000 + step)
        said = Said(
            random.choice(["append", "append", "merge", "merge", "replace"]),
            random.choice(["quarantine_batch", "quarantine_rows", "quarantine_rows"]),
            random.choice([0.3, 0.6, 1.0]),
            random.choice(["amount", None]),
        )
        wanted = expected(there, rows, said)
        assert load(shop, random, rows, said) == wanted, (step, said, rows, there)
        there = wanted[2]
