"""Pages are executed: what they show is what happens.

In every page, in its order: a block ```` ```csv file=orders.csv ```` (any language) is written to a folder of the
page's own; ```` ```console ```` holds commands after ``$ `` and what they print; ```` ```python ```` is run in one
namespace a page, and what it prints is the ```` ```text ```` block right after it, if there is one. ``...`` stands
for anything, alone on a line for any lines. Ids and times on the page are real ones of another run: they are compared
by their form. ```` ```sh ```` is not run. What a page needs and need not show stands in comments: ``<!-- file=NAME``
with its lines, ``<!-- run`` with commands, ``<!-- folder=NAME -->`` (from there on; ``.`` goes back).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from headgate.cli.main import main

ROOT = Path(__file__).parent.parent
FENCE = re.compile(
    r"^```(\w+)([^\n]*)\n(.*?)^```$|^<!-- (file|run|folder)\b([^\n]*?)(?:\n(.*?))?-->$",
    re.MULTILINE | re.DOTALL,
)
FORMS = (  # what differs from run to run, and what stands for it
    (r"\b[0-9a-f]{64}\b", "COMMIT"),
    (r"\b[0-9a-f]{12}\b", "COMMIT"),
    (r"\b[rq]0[0-9a-z]{25}\b", "RUN"),
    (r"\bb[0-9a-f]{16}\b", "BATCH"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d\b", "MINUTE"),
    (r"\b\d+\.\d ms\b", "TIME"),
)


class Block(NamedTuple):
    language: str
    file: str | None
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        language, said, text = found.groups()[:3] if found[1] else found.groups()[3:]
        said = said if found[1] else f"{language}{said}"
        file = re.search(r"\bfile=(\S+)", said)
        line = page.count("\n", 0, found.start()) + 1
        yield Block(language, file[1] if file else None, text if text is not None else said, line)


def runs(page: Path) -> bool:
    return any(b.language in {"console", "python"} for b in blocks(page.read_text(encoding="utf-8")))


PAGES = sorted(
    str(page.relative_to(ROOT)) for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if runs(page)
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_happens(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing with one digit of the README's failing check changed."""
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setenv("HEADGATE_AUTHOR", "ann")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    after_python = False
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        where = f"{page}:{block.line}"
        if block.file is not None:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "folder":
            folder = tmp_path / block.text.partition("=")[2].strip()
            folder.mkdir(exist_ok=True)
            monkeypatch.chdir(folder)
        elif block.language == "run":
            for command in block.text.splitlines():
                run(command)
        elif block.language == "console":
            console(block.text, where)
        elif block.language == "python":
            printed = python(block.text, names, where)
        elif block.language == "text" and after_python:
            assert_like(printed, block.text, where)
        after_python = block.language == "python"


IMAGE_BYTES_MAX = 150_000
IMAGES = ROOT / "docs" / "images"


def test_pictures_are_small_and_each_is_shown() -> None:
    """What the report of a check looks like: in light and dark, at the width of a desktop and of a phone."""
    shown = {
        (page.parent / link).resolve()
        for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
        for link in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        if not link.startswith("http")
    }
    assert shown == set(IMAGES.iterdir())
    for image in shown:
        data = image.read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) < IMAGE_BYTES_MAX, image
    assert {image.stem for image in shown} >= {
        f"report-{width}-{theme}" for width in ("desktop", "phone") for theme in ("light", "dark")
    }


def console(text: str, where: str) -> None:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command += f"\n{more}"
        assert_like(run(command), expected, f"{where}: $ {command}")


def run(command: str) -> str:
    """What a command prints, on both streams. A lone `headgate` runs in this process: its imports cost once."""
    if command.startswith("headgate ") and not set(command) & set("|><&;$`*"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(shlex.split(command)[1:])
        return out.getvalue()
    return subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    ).stdout


def python(text: str, names: dict[str, object], where: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, where, "exec"), names)
    return out.getvalue()


def assert_like(printed: str, expected: str, where: str) -> None:
    if not re.fullmatch(pattern(expected), formed(printed)):
        assert formed(printed) == formed(expected), where  # for its difference
        raise AssertionError(f"{where}: the wildcards do not fit")


def formed(text: str) -> str:
    """Lines with what differs from run to run as its name, and runs of spaces as two."""
    found = "".join(re.sub(r"  +", "  ", line.rstrip()) + "\n" for line in text.strip("\n").splitlines())
    for form, name in FORMS:
        found = re.sub(form, name, found)
    return found


def pattern(expected: str) -> str:
    def line(text: str) -> str:
        return r"(?:.*\n)*" if text == "..." else ".*".join(map(re.escape, text.split("..."))) + r"\n"

    return "".join(map(line, formed(expected).splitlines()))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("a\nb\nc\n", "a\n...\nc\n"),
        ("a\nc\n", "a\n...\nc\n"),
        ("a\nb\n", "a\n..."),
        ("took 3.2 ms at 0123456789ab", "took 12.5 ms at ba9876543210"),
        ("x 1 y", "x ... y"),
    ],
)
def test_wildcards_fit(printed: str, expected: str) -> None:
    assert_like(printed, expected, "here")


@pytest.mark.parametrize(
    ("printed", "expected"), [("a\nb\nc\n", "a\nc\n"), ("", "a"), ("a", ""), ("x 1 z", "x ... y"), ("4", "5")]
)
def test_wildcards_do_not_fit_everything(printed: str, expected: str) -> None:
    with pytest.raises(AssertionError):
        assert_like(printed, expected, "here")


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    """Tests that are to hold an invariant, and modules by the way from the package or the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    sources = [f.read_text(encoding="utf-8") for top in ("tests", "src") for f in (ROOT / top).rglob("*.py")]
    tests = set(re.findall(r"def (test_\w+)", "\n".join(sources)))
    assert set(re.findall(r"`(test_\w+)`", text)) <= tests
    modules = {f.name for f in (ROOT / "src").rglob("*.py")}
    for file in re.findall(r"`((?:[\w]+/)+(?:\w+\.py)?|\w+\.py)`", text):
        tops = ("", "src/headgate", "design", "src/headgate/demo", ".headgate")
        outside = file in {"warehouse/", "quarantine/"}
        assert outside or file in modules or any((ROOT / top / file).exists() for top in tops), file
