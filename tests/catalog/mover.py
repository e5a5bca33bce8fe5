"""A process that moves one branch, again and again, by compare-and-swap: for `test_processes`.

    python mover.py CATALOG NAME COUNT

Each turn adds one key to the tree of the branch ``shared``, in one transaction with an event, and prints the
commit's id once it was acknowledged.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from headgate.catalog.commits import stored_commit
from headgate.edge.clock import SystemClock
from headgate.edge.store.sql import open_store
from headgate.model.change import Done, RefChange, RefIs
from headgate.model.event import Event
from headgate.model.names import CommitId, RefName
from headgate.testing.store_writer import Writer, table

SHARED = RefName("shared")


def main(catalog: str, name: str, count: int) -> None:
    clock = SystemClock()
    store = open_store(catalog, clock)
    write = Writer(store, clock)
    for turn in range(count):
        while True:
            ref = store.ref(SHARED)
            assert ref is not None
            head = stored_commit(store, CommitId(ref.head))
            prepared, commit = write.prepare({f"table/{name}.t{turn}": table(turn)}, head)
            changes = replace(
                prepared,
                refs=(RefChange(SHARED, commit.id),),
                events=(Event("ref.moved", SHARED, clock.now(), data={"by": name, "commit": commit.id}),),
            )
            if isinstance(store.commit(changes, (RefIs(SHARED, ref.head, ref.gen),)), Done):
                print(commit.id, flush=True)  # noqa: T201
                break


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
