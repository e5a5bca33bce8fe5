"""Trees as nodes: a Merkle map, so that equal trees have equal roots and a change writes only what it touches.

A small tree (up to `FLAT_MAX` keys) is one node. A larger one has a root that names 16 buckets, and above
`FEW_MAX` keys 256; a key lives in the bucket named by the first digits of its SHA-256. (A commit writes the root
and one bucket: the sum of both is least where there are about as many buckets as keys in one.) Which form a tree
takes depends on its number of keys alone, so the root hash depends on the content alone. All nodes are canonical
JSON (sorted keys, no spaces).
Documents are nodes of their own: a document's digest is its node's id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from headgate.model.errors import Bug
from headgate.model.event import Json
from headgate.model.names import Key, NodeId
from headgate.model.tree import EMPTY_TREE, Delta, DocumentEntry, Entry, TableEntry, Tree

FLAT_MAX = 64
FEW_MAX = 2048


class Nodes(Protocol):
    """The part of the Store that trees are read from."""

    def node(self, id: NodeId) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Beside:
    """The nodes that are stored, and those that a change is about to write."""

    stored: Nodes
    new: Mapping[NodeId, bytes]

    def node(self, id: NodeId) -> bytes | None:
        return self.new[id] if id in self.new else self.stored.node(id)


def node_id(content: bytes) -> NodeId:
    return NodeId(sha256(content).hexdigest())


def canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# -- entries ------------------------------------------------------------------------------------------------


def entry_json(entry: Entry) -> Json:
    """A table is ``[uuid, pointer]``, a document its digest."""
    return [entry.uuid, entry.pointer] if isinstance(entry, TableEntry) else entry.digest


def entry_of(value: Json) -> Entry:
    match value:
        case str():
            return DocumentEntry(value)
        case [str(uuid), str(pointer)]:
            return TableEntry(uuid, pointer)
        case _:
            raise Bug(f"{value!r} is no entry of a tree")


# -- whole trees --------------------------------------------------------------------------------------------


def store_tree(tree: Tree) -> tuple[NodeId, Mapping[NodeId, bytes]]:
    """The root of a tree, and every node it consists of (documents are not among them)."""
    nodes: dict[NodeId, bytes] = {}
    digits = _digits(len(tree))
    if digits == 0:
        return _put(nodes, _entries_json(tree.entries)), nodes
    buckets: dict[str, dict[Key, Entry]] = {}
    for key, entry in tree.entries.items():
        buckets.setdefault(_bucket(key, digits), {})[key] = entry
    ids = {name: _put(nodes, _entries_json(entries)) for name, entries in buckets.items()}
    return _put(nodes, _buckets_json(ids, len(tree))), nodes


EMPTY_ROOT = node_id(canonical({"entries": {}}))


def load_tree(store: Nodes, root: NodeId) -> Tree:
    """The tree with this root. Raises Bug if a node is missing: a root is written together with its nodes."""
    if root == EMPTY_ROOT:
        return EMPTY_TREE
    top = _shape(store, root)
    if isinstance(top, _Flat):
        return Tree(top.entries)
    entries: dict[Key, Entry] = {}
    for bucket in top.buckets.values():
        entries.update(_bucket_entries(store, bucket))
    return Tree(entries)


def update(
    store: Nodes, root: NodeId, changes: Mapping[Key, Entry | None]
) -> tuple[NodeId, Mapping[NodeId, bytes]]:
    """The root after ``changes`` (None removes a key), and the nodes that are new by it.

    Reads and writes only the buckets that hold a changed key.
    """
    top = _shape(store, root)
    if isinstance(top, _Flat):
        return store_tree(Tree(top.entries).put(changes))
    nodes: dict[NodeId, bytes] = {}
    buckets, keys = dict(top.buckets), top.keys
    by_bucket: dict[str, dict[Key, Entry | None]] = {}
    for key, entry in changes.items():
        by_bucket.setdefault(_bucket(key, top.digits), {})[key] = entry
    for name, changed in by_bucket.items():
        old = _bucket_entries(store, buckets[name]) if name in buckets else {}
        new = Tree(old).put(changed).entries
        keys += len(new) - len(old)
        if new:
            buckets[name] = _put(nodes, _entries_json(new))
        else:
            buckets.pop(name, None)
    if _digits(keys) != top.digits:
        return store_tree(load_tree(store, root).put(changes))
    return _put(nodes, _buckets_json(buckets, keys)), nodes


def changed(store: Nodes, old: NodeId, new: NodeId) -> tuple[Delta, ...]:
    """Every key that differs between two roots, in key order. Buckets that are equal are not read."""
    if old == new:
        return ()
    was, now = _shape(store, old), _shape(store, new)
    if isinstance(was, _Buckets) and isinstance(now, _Buckets) and was.digits == now.digits:
        names = {
            n for n in was.buckets.keys() | now.buckets.keys() if was.buckets.get(n) != now.buckets.get(n)
        }
        before = _some(store, was, names)
        after = _some(store, now, names)
    else:
        before, after = load_tree(store, old).entries, load_tree(store, new).entries
    keys = sorted(before.keys() | after.keys())
    return tuple(Delta(k, before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k))


# -- documents ----------------------------------------------------------------------------------------------


def document(content: bytes) -> tuple[DocumentEntry, Mapping[NodeId, bytes]]:
    """The entry of a document, and the node that holds it."""
    id = node_id(content)
    return DocumentEntry(id), {id: content}


def read_document(store: Nodes, entry: DocumentEntry) -> bytes:
    """A document, byte for byte."""
    return _node(store, NodeId(entry.digest))


# -- nodes --------------------------------------------------------------------------------------------------


class _Flat:
    __slots__ = ("entries",)

    def __init__(self, entries: Mapping[Key, Entry]) -> None:
        self.entries = entries


class _Buckets:
    __slots__ = ("buckets", "digits", "keys")

    def __init__(self, buckets: Mapping[str, NodeId], keys: int) -> None:
        self.buckets = buckets
        self.keys = keys
        self.digits = _digits(keys)


def _digits(keys: int) -> int:
    """How many digits name a bucket of a tree with so many keys; 0: there are none."""
    return 0 if keys <= FLAT_MAX else 1 if keys <= FEW_MAX else 2


def _entries_json(entries: Mapping[Key, Entry]) -> Json:
    return {"entries": {str(key): entry_json(entry) for key, entry in entries.items()}}


def _buckets_json(buckets: Mapping[str, NodeId], keys: int) -> Json:
    return {"buckets": {**buckets}, "keys": keys}


def _put(nodes: dict[NodeId, bytes], value: Json) -> NodeId:
    content = canonical(value)
    id = node_id(content)
    nodes[id] = content
    return id


def _bucket(key: Key, digits: int) -> str:
    return sha256(key.encode()).hexdigest()[:digits]


def _node(store: Nodes, id: NodeId) -> bytes:
    content = store.node(id)
    if content is None:
        raise Bug(f"node {id} is named and not stored", place=id)
    return content


def _shape(store: Nodes, root: NodeId) -> _Flat | _Buckets:
    return _Flat({}) if root == EMPTY_ROOT else _parse(_node(store, root))


def _bucket_entries(store: Nodes, id: NodeId) -> Mapping[Key, Entry]:
    node = _parse(_node(store, id))
    if isinstance(node, _Buckets):
        raise Bug("a bucket names buckets", place=id)
    return node.entries


def _some(store: Nodes, shape: _Buckets, names: set[str]) -> Mapping[Key, Entry]:
    found: dict[Key, Entry] = {}
    for name in names & shape.buckets.keys():
        found.update(_bucket_entries(store, shape.buckets[name]))
    return found


@lru_cache(maxsize=1024)  # nodes never change, so what was parsed once holds
def _parse(content: bytes) -> _Flat | _Buckets:
    value = json.loads(content)
    if "buckets" in value:
        return _Buckets({name: NodeId(id) for name, id in value["buckets"].items()}, value["keys"])
    return _Flat({Key(key): entry_of(entry) for key, entry in value["entries"].items()})
