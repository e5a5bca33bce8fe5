from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.trees import (
    EMPTY_ROOT,
    FEW_MAX,
    FLAT_MAX,
    changed,
    document,
    load_tree,
    read_document,
    store_tree,
    update,
)
from headgate.model.errors import Bug
from headgate.model.names import Key, NodeId
from headgate.model.tree import EMPTY_TREE, DocumentEntry, Entry, TableEntry, Tree, deltas


@dataclass
class Shelf:
    nodes: dict[NodeId, bytes] = field(default_factory=dict)
    read: int = 0

    def node(self, id: NodeId) -> bytes | None:
        self.read += 1
        return self.nodes.get(id)


def some(dice: Random) -> Entry:
    return (
        TableEntry(dice.choice("ab"), f"/{dice.randrange(3)}") if dice.random() < 0.7 else DocumentEntry("1f")
    )


def key(dice: Random) -> Key:
    return Key(f"table/default.t{dice.randrange(FEW_MAX * 2)}")


def tree_of(size: int, seed: int) -> Tree:
    dice = Random(seed)
    return Tree({Key(f"table/default.t{i}"): some(dice) for i in range(size)})


def changes_of(tree: Tree, removed: int, put: int, seed: int) -> dict[Key, Entry | None]:
    dice = Random(seed)
    gone: dict[Key, Entry | None] = dict.fromkeys(dice.sample(sorted(tree), min(removed, len(tree))))
    return {**gone, **{key(dice): some(dice) for _ in range(put)}}


# Drawn as sizes and seeds, so that trees often stand on both sides of the borders between their three forms.
sizes = st.one_of(st.integers(0, 2 * FLAT_MAX), st.integers(FEW_MAX - 40, FEW_MAX + 40))
few = st.integers(0, 100)
seeds = st.integers(0, 1 << 32)
trees = st.builds(tree_of, sizes, seeds)


def kept(shelf: Shelf, tree: Tree) -> NodeId:
    root, nodes = store_tree(tree)
    shelf.nodes.update(nodes)
    return root


@given(trees)
def test_a_tree_comes_back_as_it_was(tree: Tree) -> None:
    shelf = Shelf()
    assert load_tree(shelf, kept(shelf, tree)) == tree


@given(trees, few, few, seeds)
def test_a_changed_tree_has_the_root_of_a_tree_made_at_once(
    tree: Tree, removed: int, put: int, seed: int
) -> None:
    change = changes_of(tree, removed, put, seed)
    shelf = Shelf()
    root, nodes = update(shelf, kept(shelf, tree), change)
    shelf.nodes.update(nodes)
    assert root == store_tree(tree.put(change))[0]
    assert load_tree(shelf, root) == tree.put(change)


@given(trees, few, few, seeds)
def test_roots_differ_exactly_where_trees_do(one: Tree, removed: int, put: int, seed: int) -> None:
    other = one.put(changes_of(one, removed, put, seed))
    shelf = Shelf()
    roots = kept(shelf, one), kept(shelf, other)
    assert (roots[0] == roots[1]) == (one == other)
    assert changed(shelf, *roots) == deltas(one, other)


def test_the_empty_tree_is_read_from_nowhere() -> None:
    assert store_tree(EMPTY_TREE)[0] == EMPTY_ROOT
    assert load_tree(Shelf(), EMPTY_ROOT) == EMPTY_TREE


def large() -> Tree:
    return Tree({Key(f"table/default.t{i}"): TableEntry("u", f"/{i}.json") for i in range(5_000)})


def test_one_change_among_thousands_of_tables_reads_and_writes_two_nodes() -> None:
    shelf = Shelf()
    root = kept(shelf, large())
    _, nodes = update(shelf, root, {Key("table/default.t7"): TableEntry("u", "/new.json")})
    assert len(nodes) == shelf.read == 2


def test_a_difference_of_one_table_reads_four_nodes() -> None:
    shelf = Shelf()
    root = kept(shelf, large())
    other, nodes = update(shelf, root, {Key("table/default.t7"): None})
    shelf.nodes.update(nodes)
    shelf.read = 0
    assert len(changed(shelf, root, other)) == 1
    assert shelf.read == 4


def test_a_document_is_kept_byte_for_byte() -> None:
    content = b"\xef\xbb\xbfid: caf\xc3\xa9\r\n\x00"
    entry, nodes = document(content)
    assert read_document(Shelf(dict(nodes)), entry) == content


def test_a_missing_node_is_ours_to_explain() -> None:
    with pytest.raises(Bug):
        load_tree(Shelf(), NodeId("1" * 64))
