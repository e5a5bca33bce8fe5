"""Releases. Invariant: readers of an environment only ever see a commit whose smoke checks passed there."""
