"""`headgate.toml` and the ``.headgate`` folder: found by walking up, written by `init`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.edge import durable
from headgate.model.environment import Environment, SmokeQuery
from headgate.model.errors import NotThere, Unavailable, WrongUse
from headgate.model.names import ref_name

FILE = "headgate.toml"
FOLDER = ".headgate"
FORMAT = 1
INITIAL = """\
# Headgate project. Data and catalog are in .headgate/; keep that folder where it is.
format = 1

[environments.production]
from = "main"
# smoke = ["smoke/totals.sql"]   # queries that must hold before readers see a release
"""


@dataclass(frozen=True, slots=True)
class Config:
    """``root`` is where the project was made: Iceberg metadata holds absolute paths, so it has to stay true."""

    root: Path
    environments: Mapping[str, Environment]

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.db"


def find(start: Path) -> Path:
    """The project's folder: ``start`` or the nearest one above it. Raises NotThere."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise NotThere(
        f"there is no {FILE} in this folder or above it", hint="run `headgate init` first", place=str(start)
    )


def read(root: Path) -> Config:
    """Raises WrongUse for a file that is no configuration, Unavailable for one that is newer or was moved."""
    place = root / FILE
    try:
        said = tomllib.loads(place.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"it is not TOML: {error}", hint="mend the file", place=str(place)) from error
    except OSError as error:
        raise Unavailable(str(error), hint="make the file readable", place=str(place)) from error
    if said.get("format", FORMAT) != FORMAT:
        raise Unavailable(
            f"the project has format {said['format']}, and this headgate knows {FORMAT}",
            hint="upgrade headgate: a newer version has written here",
            place=str(place),
        )
    environments = {
        name: _environment(root, place, name, body) for name, body in _section(said, place).items()
    }
    return Config(_settled(root), environments)


def _section(said: Mapping[str, Any], place: Path) -> Mapping[str, Any]:
    unknown = sorted(said.keys() - {"format", "environments"})
    section = said.get("environments", {})
    if unknown or not isinstance(section, dict):
        what = f"unknown key {unknown[0]!r}" if unknown else "environments is not a table"
        raise WrongUse(what, hint="write [environments.NAME] sections", place=str(place))
    return section


def _environment(root: Path, place: Path, name: str, body: object) -> Environment:
    where = f"{place}: environments.{name}"
    if not isinstance(body, dict) or not isinstance(body.get("from"), str):
        raise WrongUse("it does not say where releases come from", hint='write from = "main"', place=where)
    unknown = sorted(body.keys() - {"from", "smoke"})
    files = body.get("smoke", [])
    if unknown or not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        what = f"unknown key {unknown[0]!r}" if unknown else "smoke is not a list of files"
        raise WrongUse(what, hint='write smoke = ["checks.sql"]', place=where)
    return Environment(ref_name(name), ref_name(body["from"]), tuple(_query(root, where, f) for f in files))


def _query(root: Path, where: str, file: str) -> SmokeQuery:
    try:
        return SmokeQuery(Path(file).stem, (root / file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotThere(
            f"smoke query {file} cannot be read: {error}",
            hint="write it, or take it out of smoke",
            place=where,
        ) from error


def _settled(root: Path) -> Path:
    """Where the project was made, if that is still this very folder (a link to it will do)."""
    try:
        made = Path((root / FOLDER / "location").read_text(encoding="utf-8").strip())
    except OSError as error:
        raise NotThere(
            f"there is no {FOLDER} beside {FILE}", hint="run `headgate init` here", place=str(root)
        ) from error
    if made == root or (made.exists() and os.path.samefile(made, root)):
        return made
    raise Unavailable(
        f"this project was made at {made}, and its tables name files there by their full path",
        hint=f"move it back, or make a link to it: ln -s {root} {made}",
        place=str(root),
    )


def write(root: Path) -> Config:
    """A new project's files. What is there already stays. Raises Unavailable for a folder that takes none."""
    try:
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        for path, text in ((root / FOLDER / ".gitignore", "*\n"), (root / FILE, INITIAL)):
            if not path.exists():
                durable.replace(str(path), text.encode())
        location = root / FOLDER / "location"
        if not location.exists():
            durable.replace(str(location), f"{root}\n".encode())
    except OSError as error:
        raise Unavailable(
            f"no project can be made here: {error}",
            hint="choose a folder that you may write to",
            place=str(root),
        ) from error
    return read(root)
