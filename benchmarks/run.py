"""``python benchmarks/run.py NAME``: one benchmark; the last line printed is one JSON object."""

from __future__ import annotations

import importlib
import sys

NAMES = ("check", "incremental", "load", "record", "refs", "spark", "startup", "wide")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in NAMES:
        sys.stderr.write(f"usage: make bench NAME={'|'.join(NAMES)}\n")
        return 2
    found: int = importlib.import_module(arguments[0]).main()
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
