from __future__ import annotations

from collections.abc import Callable

from cli.terminal import Ran, listed
from headgate.cli.fields import DOCUMENTS


def test_with_nothing_to_recover_it_says_so(sold: Callable[..., Ran]) -> None:
    done = sold("recover", "--json")
    listed(done.document, DOCUMENTS["recover"])
    assert (done.code, done.document) == (0, {"finished": [], "aborted": []})
    assert sold("recover").out == "nothing to recover\n"
