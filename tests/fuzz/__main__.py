"""``make fuzz``: thirty minutes of looking for what crashes, hangs, or is judged wrongly. ``MINUTES=5`` is shorter.

Each reader of `readers.READERS` gets bytes from atheris, which goes where code was not reached yet; then whole
contracts and rows from Hypothesis are held against the slow evaluator. What atheris found interesting is kept in
``corpus/``, small, and is replayed by the tests; what fails is left in ``.fuzz/``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from fuzz import kept
from fuzz.readers import READERS, seeds

HERE = Path(__file__).parent
LEFT = HERE.parent.parent / ".fuzz"
READERS_SHARE = 0.6
TIMEOUT_S = 20
MEMORY_MB = 3000
LENGTH_MAX = 4096


def main() -> int:
    seconds = 60 * float(sys.argv[1] if len(sys.argv) > 1 else 30)
    wanted = sys.argv[2:] or [*READERS, "rows"]
    readers = [name for name in wanted if name in READERS]
    share = READERS_SHARE if "rows" in wanted else 1
    failed = [name for name in readers if not _search(name, int(seconds * share / len(readers)))]
    if "rows" in wanted and not _rows(seconds * (1 - READERS_SHARE if readers else 1)):
        failed.append("rows")
    print(f"failed: {', '.join(failed)}; see {LEFT}" if failed else "nothing found")
    return 1 if failed else 0


def _search(name: str, seconds: int) -> bool:
    """One reader. True if nothing was found."""
    folder = LEFT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, data in enumerate([*seeds(name), *kept.read(name)]):
        (folder / f"kept-{number}").write_bytes(data)
    print(f"- {name}: {seconds} s", flush=True)
    found = subprocess.run(
        [sys.executable, "-m", "fuzz.search", name, str(folder), f"-max_total_time={seconds}",
         f"-artifact_prefix={LEFT}/{name}-", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MB}",
         f"-max_len={LENGTH_MAX}", "-print_final_stats=1"],
        stderr=(LEFT / f"{name}.log").open("wb"),
        check=False,
    )  # fmt: skip
    kept.write(name, [one.read_bytes() for one in folder.iterdir() if not one.name.startswith("kept-")])
    return found.returncode == 0


def _rows(seconds: float) -> bool:
    """Contracts and rows, with new seeds until the time is over. True if nothing was found."""
    end, seed = time.monotonic() + seconds, time.time_ns() % 1_000_000
    print(f"- rows: {seconds:.0f} s, from seed {seed}", flush=True)
    while time.monotonic() < end:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", f"--hypothesis-seed={seed}",
             str(HERE / "test_rows.py")],
            env=os.environ | {"HYPOTHESIS_PROFILE": "fuzz"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            (LEFT / "rows.log").write_text(done.stdout)
            return False
        seed += 1
    return True


if __name__ == "__main__":
    sys.exit(main())
