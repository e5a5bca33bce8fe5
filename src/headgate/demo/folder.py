"""The folder that the demo plays in: laid out anew, and never at the cost of anything a person put there."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

from headgate.demo import breakage, deliveries
from headgate.edge import config, durable
from headgate.model.errors import WrongUse

MARKER = "demo.json"  # in .headgate: every file that the demo laid out, with its SHA-256
SETTINGS = f"""\
# The demo's project. Data and catalog are in .headgate/; keep that folder where it is.
format = {config.FORMAT}

[environments.production]
from = "main"
smoke = ["smoke/every_airport_every_day.sql"]   # must hold before readers see a release
"""


def prepare(path: Path) -> bool:
    """Lay the demo's files out in a folder that is new, empty, or an earlier demo as it was left.

    True if an earlier demo was replaced. Raises WrongUse for any other folder, Unavailable for one that cannot be
    written to.
    """
    with durable.surroundings(str(path)):
        replaced = _cleared(path)
        path.mkdir(parents=True, exist_ok=True)
        deliveries.unpack(path)
        (path / "broken").mkdir()
        for name, text in broken().items():
            (path / "broken" / name).write_text(text, encoding="utf-8", newline="")
        (path / config.FILE).write_text(SETTINGS, encoding="utf-8")
        (path / config.FOLDER).mkdir()
        (path / config.FOLDER / MARKER).write_text(json.dumps(_digests(path)), encoding="utf-8")
    return replaced


def broken() -> dict[str, str]:
    """What arrives in place of some days, by the name of its file."""
    return {
        "flights-2013-01-04-kilometres.csv": breakage.distance_in_kilometres(deliveries.flights(4)),
        "flights-2013-01-05-partner.csv": breakage.unknown_carrier(deliveries.flights(5)),
        "flights-2013-01-06-truncated.csv": breakage.truncated(deliveries.flights(6)),
        "flights-2013-01-07-renamed.csv": breakage.column_renamed(deliveries.flights(7)),
        "flights-2013-01-10-no-lga.csv": breakage.without_origin(deliveries.flights(10)),
    }


def _cleared(path: Path) -> bool:
    """Remove an earlier demo, if what is there is just that."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return False
    marker = path / config.FOLDER / MARKER
    try:
        laid_out = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _refusal(path, "it is not empty, and no earlier demo") from None
    foreign = sorted(name for name, digest in _digests(path).items() if laid_out.get(name) != digest)
    if foreign:
        raise _refusal(path, f"{foreign[0]} in it is not from the demo, or was changed since")
    for found in path.iterdir():
        if found.name != config.FOLDER:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    shutil.rmtree(path / config.FOLDER)  # last: the marker goes with it, so a killed demo stays recognisable
    return True


def _refusal(path: Path, why: str) -> WrongUse:
    return WrongUse(
        f"the demo does not play here: {why}", hint="name a new folder: headgate demo PATH", place=str(path)
    )


def _digests(path: Path) -> dict[str, str]:
    """Every file outside .headgate, by its path in the folder; links by where they lead."""
    found = (f for f in sorted(path.rglob("*")) if config.FOLDER not in f.relative_to(path).parts)
    return {
        str(f.relative_to(path)): str(f.readlink()) if f.is_symlink() else sha256(f.read_bytes()).hexdigest()
        for f in found
        if f.is_symlink() or not f.is_dir()
    }
