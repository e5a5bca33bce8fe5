"""Decide, then act: `plan` is pure, `load` and its siblings perform the steps, `explain` renders the same ones."""
