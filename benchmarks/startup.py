"""How long until the first word? Whole processes, with bytecode: help, a check and a load of 1,000 rows of CSV.

Each over what it cannot do without: Python itself; importing Polars; importing Polars, PyIceberg and SQLAlchemy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from data import small_files
from measure import HERE, WORK, interleaved, report, setting, spread, table, timed

CONTRACT = HERE / "orders.odcs.yaml"
HEADGATE = Path(sys.executable).with_name("headgate")


def main() -> int:
    rounds = setting("ROUNDS", 15)
    files = list(small_files(rounds + 2, "csv"))
    project = WORK / "projects" / "startup"
    shutil.rmtree(project, ignore_errors=True)
    _run(HEADGATE, "init", project)
    _run(HEADGATE, "load", "orders", files[0], "--contract", CONTRACT, "--json", cwd=project)
    to_load = iter(files[1:])  # a file loaded twice is a duplicate, and would be quick
    took = interleaved(
        {
            "python -c pass": _process(sys.executable, "-c", "pass"),
            "import polars": _process(sys.executable, "-c", "import polars"),
            "import polars, pyiceberg, sqlalchemy": _process(
                sys.executable, "-c", "import polars, pyiceberg.table, sqlalchemy"
            ),
            "headgate --help": _process(HEADGATE, "--help"),
            "headgate check": _process(HEADGATE, "check", files[0], "--contract", CONTRACT, "--json"),
            "headgate load": lambda: timed(
                lambda: _run(HEADGATE, "load", "orders", next(to_load), "--json", cwd=project)
            ),
        },
        rounds + 1,  # the first writes the bytecode
    )
    seconds = {name: median(samples[1:]) for name, samples in took.items()}
    python, polars, everything, show_help, check, load = seconds.values()
    print("startup: median milliseconds of whole processes\n")
    rows = [(name, 1000 * s, spread(took[name][1:]), len(took[name]) - 1) for name, s in seconds.items()]
    table(("", "ms", "slowest/fastest", "runs"), rows)
    print()
    report(
        "startup",
        {"milliseconds": {name: ms for name, ms, _, _ in rows}},
        {
            "help_over_python": show_help / python,
            "check_over_import": check / polars,
            "load_over_import": load / everything,
        },
    )
    return 0


def _process(*command: str | Path) -> Callable[[], float]:
    return lambda: timed(lambda: _run(*command))


def _run(*command: str | Path, cwd: Path = WORK) -> None:
    """Run to its end, with bytecode even where the machine forbids it; fail if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, cwd=cwd, env=environment, stdout=subprocess.DEVNULL)
