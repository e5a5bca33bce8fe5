from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.merging import BothChanged, conflict, merge_trees
from headgate.model.names import CommitId, Key
from headgate.model.tree import DocumentEntry, Entry, TableEntry, Tree

KEY = Key("table/default.orders")
A, B, C = (TableEntry("u", name) for name in "abc")
TAKE, KEEP, BOTH = "take", "keep", "both"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (A, A, A, KEEP),
        (A, B, A, KEEP),
        (A, A, B, TAKE),
        (A, B, B, KEEP),
        (A, B, C, BOTH),
        (None, None, A, TAKE),
        (None, A, None, KEEP),
        (None, A, A, KEEP),
        (None, A, B, BOTH),
        (A, None, A, KEEP),
        (A, A, None, TAKE),
        (A, None, None, KEEP),
        (A, B, None, BOTH),
        (A, None, B, BOTH),
    ],
)
def test_each_row_of_the_truth_table(
    base: Entry | None, ours: Entry | None, theirs: Entry | None, expected: str
) -> None:
    merged = merge_trees(*(Tree({} if e is None else {KEY: e}) for e in (base, ours, theirs)))
    assert merged.changes == ({KEY: theirs} if expected == TAKE else {})
    assert merged.both_changed == ((BothChanged(KEY, base, ours, theirs),) if expected == BOTH else ())


trees = st.dictionaries(st.sampled_from("abcdef").map(Key), st.sampled_from([A, B, C]), max_size=6).map(Tree)


@given(trees, trees, trees)
def test_what_merges_does_not_depend_on_who_merges(base: Tree, ours: Tree, theirs: Tree) -> None:
    here, there = merge_trees(base, ours, theirs), merge_trees(base, theirs, ours)
    assert [b.key for b in here.both_changed] == [b.key for b in there.both_changed]
    if not here.both_changed:
        assert ours.put(here.changes) == theirs.put(there.changes)


@given(trees, trees)
def test_a_side_that_did_nothing_takes_all(base: Tree, theirs: Tree) -> None:
    assert base.put(merge_trees(base, base, theirs).changes) == theirs
    assert merge_trees(base, theirs, base).changes == {}


@pytest.mark.parametrize(
    ("both", "ours", "theirs"),
    [
        (BothChanged(KEY, A, B, C), "changed its rows or columns", "changed its rows or columns"),
        (BothChanged(KEY, A, None, TableEntry("v", "x")), "removed it", "removed it and created another"),
        (BothChanged(KEY, None, A, DocumentEntry("0")), "created it", "created it"),
        (BothChanged(KEY, DocumentEntry("0"), DocumentEntry("1"), A), "changed the document", "made it something else"),
    ],
)  # fmt: skip
def test_a_conflict_says_what_each_side_did(both: BothChanged, ours: str, theirs: str) -> None:
    found = conflict(both, CommitId("1" * 64))
    assert (found.key, found.ours, found.theirs, found.rival) == (KEY, ours, theirs, "1" * 64)
