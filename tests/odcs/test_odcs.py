"""docs/odcs.md says of every construct of the standard what becomes of it, and says nothing without a witness."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from check.pages import every_case
from odcs import page
from odcs.account import ACCOUNT, Entry
from odcs.constructs import VERSIONS, constructs

ROOT = Path(__file__).parent.parent.parent
CASES = {case.slug: case for case in every_case()}


def test_no_construct_of_the_schemas_is_left_out() -> None:
    """Seen failing with any line of the account taken away that no other one covers."""
    missing = [name for name, entry in page.accounted().items() if entry is None]
    assert not missing, f"say in tests/odcs/account.py what becomes of {missing}"


def test_no_line_of_the_account_is_about_nothing() -> None:
    used = {id(entry) for entry in page.accounted().values()}
    assert [entry.names for entry in ACCOUNT if id(entry) not in used] == []


def test_the_page_is_what_the_schemas_and_the_account_say() -> None:
    """Made anew by: PYTHONPATH=src:tests python -m odcs.page."""
    assert page.PAGE.read_text() == page.page()


@pytest.mark.parametrize("entry", ACCOUNT, ids=lambda entry: entry.names)
def test_what_is_claimed_has_a_witness(entry: Entry) -> None:
    """Whatever is said to be done is shown by a case or a test, in which the construct's own word stands."""
    if not entry.witness:
        assert entry.how == "kept", f"{entry.names} is {entry.how}: by which case or test?"
        return
    word = entry.word or entry.names.rsplit(".", 1)[-1].partition(" ")[0].strip("*")
    assert word in _witness(entry.witness), f"{word!r} does not stand in {entry.witness}"


def test_a_witness_that_is_not_there_is_noticed() -> None:
    with pytest.raises(KeyError):
        _witness("lengths/nothing-of-the-kind")
    with pytest.raises(LookupError):
        _witness("tests/odcs/test_odcs.py::test_that_nobody_wrote")


def _witness(place: str) -> str:
    """The text of a case's contract and rows, or of a test and what its parameters are made of."""
    if not place.startswith("tests/"):
        case = CASES[place]
        assert case.expected or case.rows.text
        return case.contract.decode()
    path, _, name = place.partition("::")
    text = (ROOT / path).read_text()
    if not name:
        return text
    found = [one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef) and one.name == name]
    if not found:
        raise LookupError(place)
    named = {one.id for one in ast.walk(found[0]) if isinstance(one, ast.Name)}
    tables = [
        ast.get_source_segment(text, one) or ""
        for one in ast.parse(text).body
        if isinstance(one, ast.Assign | ast.AnnAssign)
        and any(isinstance(part, ast.Name) and part.id in named for part in ast.walk(one))
    ]
    decorated = [ast.get_source_segment(text, one) or "" for one in found[0].decorator_list]
    return "\n".join([ast.get_source_segment(text, found[0]) or "", *decorated, *tables])


def test_the_schemas_say_what_we_think_they_say() -> None:
    found = constructs()
    assert found["property.logicalTypeOptions[string].minLength"] == list(VERSIONS)
    assert found["property.map.key"] == ["v3.2"]
    assert found["relationships.to"] == ["v3.1", "v3.2"]
    assert found["quality.mustNotBeBetween"] == list(VERSIONS)
    assert found["servers.type = snowflake"] == list(VERSIONS)
    assert len(found) > 400
