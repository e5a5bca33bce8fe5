"""Whatever happens, in whatever order, readers see what the model says, and every promise holds after every step.

A failure prints the seed and all that was done. One seed again: ``SIMULATION_SEED=7``; longer and more of them:
``SIMULATION_SEEDS=200 SIMULATION_STEPS=80``.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from flow.stage import folder
from simulation.world import World

__all__ = ["folder"]  # a fixture
ONE = os.environ.get("SIMULATION_SEED")
SEEDS = [int(ONE)] if ONE else list(range(int(os.environ.get("SIMULATION_SEEDS", "4"))))
STEPS = int(os.environ.get("SIMULATION_STEPS", "25"))


@pytest.mark.parametrize("seed", SEEDS)
def test_readers_see_what_the_model_says(seed: int, folder: Path) -> None:
    world = World(folder, random.Random(seed))
    try:
        for _ in range(STEPS):
            world.step()
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(f"{n}. {said}" for n, said in enumerate(world.said, 1)))
        raise
