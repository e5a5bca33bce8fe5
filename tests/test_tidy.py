"""What linters cannot hold. Each check is a function from a file to its faults, run on every file of the
repository, and on a planted fault that it must find (`test_planted_faults_are_found`).
"""

from __future__ import annotations

import ast
import inspect
import re
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from headgate import ports
from headgate.model import errors

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RULES: dict[str, dict[str, Any]] = PYPROJECT["tool"]["headgate"]
PACKAGE = "src/headgate/"
CORE = tuple(
    PACKAGE + room
    for room in (
        "model/", "ports.py", "catalog/", "contract/", "intake/", "checks/", "publishing/", "promotion/",
        "events/", "flow/",
    )
)  # fmt: skip
LINES_MAX = 500
Check = Callable[[str, str], Iterator[str]]


# -- the checks ---------------------------------------------------------------------------------------------


def clock_and_chance(path: str, text: str) -> Iterator[str]:
    """Time and randomness come through the port `Clock`, so that a test can hold them."""
    if not path.startswith(PACKAGE) or path.startswith((PACKAGE + "edge/", PACKAGE + "testing/")):
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                found = [n.name for n in names if n.name in {"time", "random", "uuid", "secrets"}]
            case ast.ImportFrom(module="time" | "random" | "uuid" | "secrets" as module):
                found = [module]
            case ast.Attribute(attr="now" | "utcnow" | "today" | "fromtimestamp") if ast.unparse(
                node.value
            ) in {"datetime", "datetime.datetime", "date", "datetime.date", "dt.datetime", "dt.date"}:
                found = [ast.unparse(node)]
            case ast.Attribute(attr="urandom" | "getrandom"):
                found = [ast.unparse(node)]
            case _:
                found = []
        for name in found:
            yield f"{path}:{getattr(node, 'lineno', 0)}: {name}: ask the Clock"


def prints(path: str, text: str) -> Iterator[str]:
    """Only ``cli/`` speaks to a terminal; a child process may answer its parent in bytes."""
    if not path.startswith(PACKAGE) or path.startswith(PACKAGE + "cli/"):
        return
    tree = ast.parse(text)
    bytes_only = {
        id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in {"buffer", "fileno"}
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "pprint" | "input")):
                yield f"{path}:{node.lineno}: {ast.unparse(node.func)}() outside cli/"
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr") if (
                id(node) not in bytes_only
            ):
                yield f"{path}:{node.lineno}: sys.{node.attr} outside cli/"


def files_below_edge(path: str, text: str) -> Iterator[str]:
    """Below ``edge/`` nothing opens a file. (Imports of os, engines and databases: the floors hold them.)"""
    if not path.startswith(CORE):
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id="open")):
                yield f"{path}:{node.lineno}: open() below edge/"
            case ast.Attribute(attr="read_text" | "write_text" | "read_bytes" | "write_bytes") if (
                "files(" not in ast.unparse(node.value)
            ):
                yield f"{path}:{node.lineno}: {node.attr}() below edge/, of something else than the package"
            case ast.ImportFrom(module="pathlib", names=names):
                for name in names:
                    if not name.name.startswith("Pure"):
                        yield f"{path}:{node.lineno}: pathlib.{name.name} below edge/"


def hints(path: str, text: str) -> Iterator[str]:
    """Every error says the way out."""
    leaves = {c.__name__ for c in errors.EXIT_CODES} - {"Bug"}  # Bug has a hint of its own
    if not path.startswith(PACKAGE):
        return
    tree = ast.parse(text)
    named = {
        id(call): node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in leaves
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "cls"
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = named.get(id(node)) or ast.unparse(node.func).rsplit(".", 1)[-1]
        if name not in leaves:
            continue
        given = {k.arg: k.value for k in node.keywords}
        hint = given.get("hint")
        empty = isinstance(hint, ast.Constant) and not str(hint.value).strip()
        if None not in given and (hint is None or empty):
            yield f"{path}:{node.lineno}: {name} without a hint"


def lines(path: str, text: str) -> Iterator[str]:
    """A file above 500 lines is recorded in pyproject, and may only shrink."""
    size, allowed = text.count("\n"), RULES["lines"].get(path)
    if allowed is None and size > LINES_MAX:
        yield f"{path}: {size} lines, more than {LINES_MAX}: divide it by what it knows"
    elif allowed is not None and size > allowed:
        yield f"{path}: {size} lines, and it may not grow over {allowed}"
    elif allowed is not None and size < allowed:
        yield f"{path}: only {size} lines now: lower the number in pyproject (or strike it out under {LINES_MAX})"


def names_that_say_nothing(path: str, text: str) -> Iterator[str]:
    """A module is called by what it knows."""
    said = {Path(part).stem.strip("_") for part in Path(path).parts}
    for name in said & {"utils", "util", "common", "helpers", "helper", "misc", "shared", "lib"}:
        yield f"{path}: a module called {name} can hold anything"


def late_imports(path: str, text: str) -> Iterator[str]:
    """Imports inside functions are for what makes the start slow; pyproject has each file's reason."""
    if not path.startswith(PACKAGE):
        return
    found = {
        inner.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }
    excused, name = RULES["late-imports"], path.removeprefix(PACKAGE)
    reason = excused.get(name, "")
    whole_room = excused.get(name.split("/", maxsplit=1)[0] + "/", "")
    if found and not reason and not whole_room:
        yield f"{path}:{min(found)}: an import inside a function, and no reason in pyproject"
    if reason and not found:
        yield f"{path}: has no late import any more: strike its reason out in pyproject"


def elsewhere(path: str, text: str) -> Iterator[str]:
    """Nothing points out of the repository: no machine's paths, no tracker's numbers."""
    if path == "tests/test_tidy.py":
        return
    machines = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|workspace|mnt)/[\w.]")
    tracker = re.compile(r"\b(?:issue|slice|ticket) (?:#?\d+|[A-F])\b(?!\w)")
    for number, line in enumerate(text.splitlines(), 1):
        for found in [*machines.findall(line), *tracker.findall(line)]:
            yield f"{path}:{number}: {found!r} means nothing to a reader elsewhere"


def addresses_in_locks(path: str, text: str) -> Iterator[str]:
    """The lock installs through any index."""
    if path.startswith("requirements/") or (path.startswith("benchmarks/peers/") and path.endswith(".txt")):
        for number, line in enumerate(text.splitlines(), 1):
            if "://" in line or line.startswith(("-i", "--index", "--extra-index", "--find-links")):
                yield f"{path}:{number}: an address in a lock"


def links(path: str, text: str) -> Iterator[str]:
    """Links between pages lead somewhere."""
    if not path.endswith(".md"):
        return
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        where = target.split("#")[0]
        if "://" in target or target.startswith("mailto:") or not where:
            continue
        found = (ROOT / path).parent.joinpath(where).resolve()
        if not found.is_relative_to(ROOT) or not found.exists():
            yield f"{path}: the link {target} leads nowhere"


PYTHON: tuple[Check, ...] = (
    clock_and_chance, prints, files_below_edge, hints, lines, names_that_say_nothing, late_imports,
)  # fmt: skip
EVERY: tuple[Check, ...] = (elsewhere, addresses_in_locks, links)


# -- on the repository --------------------------------------------------------------------------------------


def repository() -> dict[str, str]:
    """Text files that are, or are about to be, under version control."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split(
            "\0"
        )
        names = [name for name in listed if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):  # an export, without git
        names = [str(f.relative_to(ROOT)) for top in ("src", "tests") for f in (ROOT / top).rglob("*.py")]
    texts = {}
    for name in sorted(names):
        if Path(name).suffix in {
            ".py",
            ".md",
            ".toml",
            ".txt",
            ".yaml",
            ".sql",
            ".json",
            ".html",
            ".css",
            "",
        }:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
    return texts


@pytest.mark.parametrize("check", [*PYTHON, *EVERY], ids=lambda check: check.__name__)
def test_the_repository_is_tidy(check: Check) -> None:
    faults = [
        fault
        for path, text in repository().items()
        if check in EVERY or path.endswith(".py")
        for fault in check(path, text)
    ]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (clock_and_chance, "flow/run.py", "import time"),
        (clock_and_chance, "project.py", "from random import choice"),
        (clock_and_chance, "catalog/refs.py", "def f() -> str:\n    import uuid"),
        (clock_and_chance, "cli/load.py", "import secrets"),
        (clock_and_chance, "model/run.py", "at = datetime.now(UTC)"),
        (clock_and_chance, "model/run.py", "at = dt.date.today()"),
        (clock_and_chance, "project.py", "os.urandom(8)"),
        (prints, "flow/run.py", "print('loaded')"),
        (prints, "edge/child.py", "sys.stderr.write('loaded')"),
        (files_below_edge, "flow/run.py", "open('x')"),
        (files_below_edge, "contract/document.py", "from pathlib import Path"),
        (files_below_edge, "contract/document.py", "where.read_text()"),
        (hints, "edge/config.py", "raise NotThere('no such file', place='x')"),
        (hints, "edge/config.py", "raise errors.WrongUse('no', hint='  ')"),
        (hints, "edge/config.py", "error = Unreadable('no', hint='')"),
        (hints, "model/errors.py", "class NotThere:\n    def of(cls):\n        return cls('no')"),
        (lines, "flow/run.py", "x = 1\n" * 501),
        (names_that_say_nothing, "flow/utils.py", ""),
        (names_that_say_nothing, "common/__init__.py", ""),
        (late_imports, "flow/run.py", "def f() -> None:\n    import json"),
        (elsewhere, "flow/run.py", "# see /home/ann/notes.txt"),
        (elsewhere, "flow/run.py", "# for issue 12"),
    ],
)
def test_planted_faults_are_found(check: Check, path: str, text: str) -> None:
    assert list(check(PACKAGE + path, text))


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (addresses_in_locks, "requirements/base.txt", "polars @ https://x.example/polars.whl"),
        (addresses_in_locks, "requirements/base.txt", "--index-url x"),
        (links, "README.md", "[map](NOWHERE.md)"),
        (links, "README.md", "[out](../elsewhere/x.md)"),
    ],
)
def test_planted_faults_in_other_files_are_found(check: Check, path: str, text: str) -> None:
    assert list(check(path, text))


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (clock_and_chance, "edge/clock.py", "import time"),
        (clock_and_chance, "flow/run.py", "from datetime import time\nat = clock.now()"),
        (prints, "cli/main.py", "print('hello')"),
        (prints, "edge/child.py", "sys.stdout.buffer.write(b'x')"),
        (files_below_edge, "edge/config.py", "open('x')"),
        (files_below_edge, "contract/document.py", "files('headgate').joinpath('x').read_text()"),
        (hints, "edge/config.py", "raise NotThere('no', hint=f'there is {x}')"),
        (hints, "edge/config.py", "raise NotThere.among('table', 'x', [])"),
        (hints, "edge/config.py", "raise Unavailable(*args, **known)"),
        (lines, "flow/run.py", "x = 1\n" * 500),
        (elsewhere, "flow/run.py", "# where does a slice end? see docs/work/x.md"),
    ],
)
def test_what_is_right_is_let_through(check: Check, path: str, text: str) -> None:
    assert not list(check(PACKAGE + path, text))


def test_the_size_ratchet_holds_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES["lines"], "src/headgate/big.py", 600)
    assert not list(lines("src/headgate/big.py", "\n" * 600))
    assert list(lines("src/headgate/big.py", "\n" * 601))
    assert list(lines("src/headgate/big.py", "\n" * 599))


@pytest.mark.parametrize("table", ["lines", "late-imports", "without-suite"])
def test_what_pyproject_excuses_exists(table: str) -> None:
    protocols = {p.__name__ for p in protocols_of_ports()}
    for name, excuse in RULES[table].items():
        where = ROOT / ("" if table == "lines" else PACKAGE) / name
        assert excuse, f"{name} has no reason"
        assert name in protocols or where.exists(), f"{name} is gone: strike it out in pyproject"


# -- ports and errors ---------------------------------------------------------------------------------------


def protocols_of_ports() -> list[type]:
    return [
        c
        for _, c in inspect.getmembers(ports, inspect.isclass)
        if c.__module__ == ports.__name__ and Protocol in c.__bases__
    ]


@pytest.mark.parametrize("port", protocols_of_ports(), ids=lambda port: port.__name__)
def test_every_port_has_a_suite_or_a_reason(port: type) -> None:
    """A suite in ``headgate.testing`` is what adapters and fakes both pass, so that the fakes may be trusted."""
    suites = re.findall(r"^class (\w+Suite)\b", "\n".join(sources_of_testing()), flags=re.MULTILINE)
    has, excused = f"{port.__name__}Suite" in suites, port.__name__ in RULES["without-suite"]
    assert has != excused, f"{port.__name__}: suite {has}, excused in pyproject {excused}"


def sources_of_testing() -> Iterator[str]:
    return (f.read_text() for f in (ROOT / PACKAGE / "testing").glob("*.py"))


def test_every_error_leaf_has_an_exit_code_and_a_kind_of_its_own() -> None:
    def leaves(c: type[errors.HeadgateError]) -> Iterator[type[errors.HeadgateError]]:
        for child in c.__subclasses__():
            yield child
            yield from leaves(child)

    found = list(leaves(errors.HeadgateError))
    assert {c for c in found if c.__module__ == errors.__name__} == set(errors.EXIT_CODES)
    assert len({c.kind for c in found}) == len(found)
    drawn = errors.__doc__ or ""
    assert all(c.__name__ in drawn for c in found), "the tree at the top of the module shows every leaf"


# -- the tests' own surroundings ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "10.0.0.1", "::2"])
def test_tests_reach_nobody(host: str) -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.create_connection((host, 9), timeout=0.1)


def test_tests_reach_themselves() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()
