from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str, run: Callable[..., Ran]) -> None:
    done = run("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "quarantine" in done.out
    listed(run("completion", shell, "--json").document, DOCUMENTS["completion"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_and_options(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "c.bash").write_text(run("completion", "bash").out)
    asked = (
        "source c.bash\n"
        'complete_for() { COMP_WORDS=(headgate "$@"); COMP_CWORD=$#; _shtab_headgate headgate; '
        'echo "${COMPREPLY[*]}"; }\n'
        "complete_for lo; complete_for branch cr; complete_for load --mo\n"
    )
    done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["load log", "create", "--mode"]


def test_an_unknown_shell_is_wrong_use(run: Callable[..., Ran]) -> None:
    assert run("completion", "bas", "--json").error["hint"] == "did you mean bash?"
