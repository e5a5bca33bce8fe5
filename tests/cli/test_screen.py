from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.cli.screen import Screen, busy, data, harmless, painted, screen_of, table

PLAIN = Screen(terminal=False, colour=False, width=80)


@given(st.text())
def test_harmless_text_is_printable_and_on_one_line(text: str) -> None:
    assert harmless(text).isprintable()


def test_plain_tables_are_aligned_and_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table(PLAIN, ("name", "rows"), [("orders", "1,200"), ("x" * 90, None)], right=("rows",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{'orders':<90}  1,200"
    assert "x" * 90 in lines[2]


def test_a_table_on_a_terminal_fits_it_and_takes_data_for_data(capsys: pytest.CaptureFixture[str]) -> None:
    table(Screen(terminal=True, colour=False, width=60), ("name", "why"), [("[red]x[/red]", "word " * 30)])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert max(map(len, out.splitlines())) <= 60


def test_rows_wider_than_the_terminal_stand_below_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Screen(terminal=True, colour=False, width=60)
    data(terminal, ("id", "customer"), [("1", "ann" * 30)])
    assert capsys.readouterr().out.splitlines() == ["row 1", "  id        1", "  customer  " + "ann" * 30]
    data(terminal, ("id", "open"), [("1", "failed")])
    assert "failed" in capsys.readouterr().out


def test_ids_are_never_broken_into_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    """Seen failing with every column folded: half an id in one line, half of it in the next."""
    id = "q01m7zk7atq4t1xfv3fv27gfgpz"
    rows = [(id, "orders", 2, "open", "2026-11-21 17:42"), (id, None, 3, "open", "2026-11-21 17:43")]
    headings = ("quarantine", "table", "rows", "state", "since (UTC)")
    for width in (40, 60, 80, 120):
        table(Screen(terminal=True, colour=False, width=width), headings, rows, right=("rows",))
        out = capsys.readouterr().out
        assert out.count(id) == 2
        assert max(map(len, out.splitlines())) <= width
    table(Screen(terminal=True, colour=False, width=40), headings, rows)
    assert capsys.readouterr().out.splitlines()[:3] == [f"quarantine {id}", "  table orders", "  rows 2"]


def test_colour_is_never_the_only_carrier() -> None:
    coloured = Screen(terminal=True, colour=True, width=80)
    assert painted(coloured, "fail") == "\x1b[1;31mfail\x1b[0m"
    assert painted(PLAIN, "fail") == "fail"
    assert painted(coloured, "just words") == "just words"


def test_no_color_and_dumb_terminals_are_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    main, other = pty.openpty()
    with os.fdopen(main), os.fdopen(other, "w") as stream:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert screen_of(stream).colour
        monkeypatch.setenv("NO_COLOR", "1")
        assert not screen_of(stream).colour
        monkeypatch.setenv("TERM", "dumb")
        assert not screen_of(stream).terminal


def test_nobody_looking_means_no_spinner(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    for quiet in (True, False):
        with busy("working", quiet=quiet) as tell:
            tell("still")
            assert threading.active_count() == before
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_a_spinner_after_a_second() -> None:
    code = (
        "import time\n"
        "from headgate.cli.screen import busy\n"
        "with busy('opening', quiet=False) as tell:\n"
        "    tell('staging'); time.sleep(2.0)\n"
        "with busy('quick', quiet=False): pass\n"
    )
    assert "staging" in on_terminal(sys.executable, "-c", code)
    assert "quick" not in on_terminal(sys.executable, "-c", code)


def test_help_is_the_same_on_a_terminal(tmp_path: Path) -> None:
    seen = re.sub(r"\r\n", "\n", on_terminal(sys.executable, "-m", "headgate", "--help"))
    piped = subprocess.run(
        [sys.executable, "-m", "headgate", "--help"], capture_output=True, text=True, check=True
    )
    assert seen == piped.stdout


def on_terminal(*words: str) -> str:
    """What a process writes to a terminal of its own."""
    main, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(words, stdin=other, stdout=other, stderr=other, env=environment) as child:
        os.close(other)
        seen = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(main)
    assert child.returncode == 0
    return seen.decode()
