"""Contracts of others, as they are: read, kept, and each thing that they declare is a rule with a line.

``ODCS_EXAMPLES=FOLDER`` adds those of a folder, such as a clone of the standard's own repository.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headgate.contract.compile import compile_contract
from headgate.contract.document import line_of, parse
from headgate.contract.types import parts
from headgate.edge.patterns import check_syntax
from headgate.model.errors import ContractUnusable
from headgate.model.rule import NotCompiled, Told

FOLDERS = [Path(__file__).parent / "examples", *map(Path, filter(None, [os.environ.get("ODCS_EXAMPLES")]))]
EXAMPLES = sorted(file for folder in FOLDERS for file in folder.rglob("*.odcs.yaml"))
# What a schema object of an example lacks: there is nothing to check it by, or it names what is not there.
REFUSED = ("declares no properties", "has no property")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_read_kept_and_accounted_for(file: Path) -> None:
    data = file.read_bytes()
    if "invalid" in file.name:
        with pytest.raises(ContractUnusable):
            parse(data, file.name, {})
        return
    document = parse(data, file.name, {})
    assert document.data == data
    for part in parts(document.tree, "schema"):
        try:
            table = compile_contract(document, str(part["name"]), pattern_error=check_syntax)
        except ContractUnusable as error:
            if not any(words in error.message for words in REFUSED):
                raise
            continue
        declared = sum(len(parts(one, "quality")) for one in (part, *parts(part, "properties")))
        places = [rule.place for rule in table.complete_rules]
        assert sum("quality[" in place for place in places) >= declared
        for rule in table.complete_rules:
            assert line_of(document, rule.place) > 1
            if isinstance(rule.body, NotCompiled):
                assert rule.body.why
            if isinstance(rule.body, Told):
                assert rule.body.what


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2
