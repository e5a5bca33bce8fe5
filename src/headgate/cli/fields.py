"""The fields of every command's JSON document: what docs/reference/cli.md lists, and tests hold documents to.

A meaning that starts with ``[shape]`` is a list of that shape, with ``(shape)`` one of it or null.
"""

from __future__ import annotations

Fields = dict[str, str]

COUNTS: Fields = {
    "rows_in": "rows that were delivered: the sum of the four below",
    "rows_good": "rows that were published",
    "rows_quarantined": "rows in quarantine",
    "rows_deduplicated": "rows that were there already, or twice",
    "rows_superseded": "rows that a newer version of the same key replaced",
}

SHAPES: dict[str, Fields] = {
    "rule": {
        "rule": "its name: `amount.minimum`",
        "status": "`pass`, `fail`, `warn`, `error`, `info` or `not_executed`",
        "rows_failed": "how many rows; null for a rule that counts none",
        "measured": "what a rule about the table measured, as text; else null",
        "message": "the same in words",
        "samples": "[sample] the first rows that fail it",
    },
    "sample": {
        "object": "the file",
        "row": "its number in the file; 1 is the first after the header",
        "key": "the primary key's columns and values, as text",
        "column": "the column that fails",
        "value": "what stood there, raw; null if nothing did",
    },
    "object": {
        "digest": "SHA-256 of its bytes",
        "location": "where it was read",
        "bytes": "its size",
        "format": "`csv`, `parquet`, `jsonl`, `arrow` or `frame`",
    },
    "conflict": {
        "key": "what both changed: `table/default.orders`",
        "ours": "what the target's side did",
        "theirs": "what the other side did",
        "rival": "the commit that was first; may be null",
    },
    "ref": {
        "ref": "its name",
        "kind": "`branch`, `tag` or `alias`",
        "head": "a commit; of an alias, the branch behind it",
        "protected": "true if it takes only commits with a passing verdict",
    },
    "branch": {
        "branch": "its name",
        "commit": "where it is",
        "protected": "true if it takes only commits with a passing verdict",
    },
    "tag": {"tag": "its name", "commit": "what it names"},
    "commit": {
        "commit": "its id",
        "parents": "ids; the first is the one of the branch it was made on",
        "author": "HEADGATE_AUTHOR, else the user's name",
        "message": "in words",
        "at": "when",
        "run": "the run that made it, or null",
        "reverts": "the commit that it undoes, or null",
    },
    "change": {
        "key": "`table/default.orders` or `contract/default.orders`",
        "change": "`added`, `removed` or `changed`",
        "old": "`{rows, pointer}` of a table, `{digest}` of a contract, or null",
        "new": "the same",
    },
    "run": {
        "run": "its id",
        "kind": "`load`, `merge`, `revert`, `promote`, `rollback` or `replay`",
        "state": "`open`, `done`, `failed` or `aborted`",
        "outcome": "as the command said it; null while it is open",
        "subject": "a table, a ref or an environment",
        "target": "the ref it is to move",
        "branch": "its own, or null",
        "batch": "the batch it loads, or null",
        "started": "when",
        "ended": "when, or null",
    },
    "batch": {
        "batch": "its id",
        "table": "where to",
        "mode": "`append`, `merge` or `replace`",
        "run": "the run that loaded it",
        "outcome": "`published`, `published_partial` or `quarantined`",
        "commit": "the commit that made it visible, or null",
        **COUNTS,
        "objects": "[object] what it consists of",
    },
    "quarantine": {
        "quarantine": "its id",
        "state": "`open`, `replayed` or `discarded`",
        "table": "where the rows were to go",
        "target": "the branch they were to go to",
        "batch": "the batch they came in",
        "run": "the run that stopped them",
        "rows_quarantined": "how many",
        "contract": "the id of the contract that stopped them",
        "contract_version": "its version then",
        "at": "since when",
        "parent": "the quarantine whose replay they come from, or null",
    },
    "quarantined row": {
        "object": "digest of the file it came in",
        "location": "where that was read",
        "row": "its number there",
        "rules": "names of the rules it fails",
        "raw": "the row as it was, as JSON text",
    },
    "table": {
        "table": "its name",
        "rows": "how many",
        "contract": "id, or null",
        "contract_version": "version, or null",
        "unguarded": "true if it has no contract",
        "outcome": "of its last verdict: `passed`, `failed`, or null",
        "run": "the run of that verdict, or null",
    },
    "column": {"column": "its name", "type": "of its values", "required": "true if null is not allowed"},
    "environment": {
        "environment": "its name",
        "release": "the number of the release that readers see, or null",
        "commit": "what they see, or null",
        "waiting": "tables that its source has otherwise",
    },
    "advice": {
        "place": "where in the contract",
        "line": "its line; 0 for the whole",
        "message": "what",
        "hint": "what to do",
    },
    "line": {
        "kind": "`title`, `part`, `did`, `why` or `try`",
        "mark": "an outcome, or empty",
        "text": "what is told",
        "asks": "[ask] where its numbers come from",
    },
    "ask": {"sql": "a query", "ref": "where to ask it", "answer": "the number"},
    "event": {
        "event": "its number, without gaps",
        "kind": "such as `batch.published`",
        "subject": "a table, a ref or an environment",
        "at": "when",
        "run": "in which run, or null",
        "data": "what there is to say about this kind",
    },
}

_LOADED: Fields = {
    "run": "its id; null for a duplicate",
    "outcome": "`published`, `published_partial`, `duplicate`, `quarantined` or `conflict`",
    "table": "where to",
    "batch": "its id",
    "branch": "the run's own, or null",
    "commit": "the commit that published it, or null",
    "objects": "[object] what was looked at",
    **COUNTS,
    "rules": "[rule] the contract's, each of them",
    "skipped": "[object] those that were delivered before",
    "conflicts": "[conflict] what did not merge",
    "unguarded": "true if there was no contract",
}

_MOVED: Fields = {
    "run": "its id; null if there was nothing to do",
    "outcome": "`merged`, `reverted`, `unchanged`, `refused` or `conflict`",
    "source": "what was merged or reverted",
    "target": "the branch",
    "from": "its commit before",
    "to": "its commit now; the same if it did not move",
    "conflicts": "[conflict] what did not merge",
    "rules": "[rule] those that refused it",
    "why": "why it was refused, or empty",
}

_RELEASED: Fields = {
    "environment": "its name",
    "outcome": "`promoted`, `rolled_back`, `unchanged` or `refused`",
    "from": "the commit that readers saw; null for none",
    "to": "the commit that readers see now",
    "release": "its number, or null",
    "rules": "[rule] smoke checks: `table:rule` and `smoke:query`",
    "why": "why it was refused, or empty",
}

DOCUMENTS: dict[str, Fields] = {
    "init": {"root": "the project's folder", "created": "false if there was one already"},
    "contract infer": {"contract": "the YAML"},
    "contract lint": {"contract": "its path", "advice": "[advice] none of it changes a verdict"},
    "check": {
        "outcome": "`passed` or `failed`",
        "rows": "how many there are",
        "rows_good": "those without a fault",
        "rows_bad": "the others",
        "rules": "[rule] the contract's, each of them",
    },
    "load": _LOADED,
    "quarantine list": {"quarantines": "[quarantine] oldest first"},
    "quarantine show": {"quarantine": "(quarantine) it", "rows": "[quarantined row] the first of them"},
    "quarantine replay": _LOADED,
    "quarantine discard": SHAPES["quarantine"],
    "recover": {"finished": "runs that were brought to their end", "aborted": "runs that were undone"},
    "status": {
        "root": "the project's folder",
        "refs": "[ref] all of them",
        "tables": "[table] those on main",
        "environments": "[environment] as in headgate.toml",
        "quarantines": "[quarantine] the open ones",
        "failed": "[run] those whose branch is kept",
        "open": "[run] under way, or dead",
    },
    "show": {},  # depends on what is shown: see SHOWN
    "sql": {
        "columns": "names",
        "rows": "lists of values: decimals, NaN and infinities as text, times ISO 8601, bytes base64",
    },
    "log": {"ref": "as it was asked for", "commits": "[commit] newest first"},
    "diff": {"from": "the commit of A", "to": "the commit of B", "changes": "[change] what differs"},
    "events": {"events": "[event] oldest first; with --follow, one event a line instead"},
    "export": {
        "table": "its name",
        "ref": "as it was asked for",
        "commit": "what that named",
        "file": "the file",
        "rows": "how many were written",
    },
    "branch create": SHAPES["branch"],
    "branch list": {"branches": "[branch] all of them"},
    "branch delete": SHAPES["branch"],
    "branch prune": {"pruned": "names of the branches that are gone"},
    "tag create": SHAPES["tag"],
    "tag list": {"tags": "[tag] all of them"},
    "tag delete": SHAPES["tag"],
    "merge": _MOVED,
    "revert": _MOVED,
    "promote": _RELEASED,
    "rollback": _RELEASED,
    "demo": {"root": "the project's folder", "lines": "[line] of the story"},
    "completion": {"shell": "its name", "script": "the text"},
}

DRY_RUN: Fields = {"dry_run": "true", "steps": "what would be done, in words"}

SHOWN: dict[str, Fields] = {
    "table": {
        "table": "its name",
        "ref": "as it was asked for",
        "commit": "what that named",
        "rows": "how many",
        "contract": "id, or null",
        "contract_version": "version, or null",
        "unguarded": "true if it has no contract",
        "primary_key": "names of its columns",
        "columns": "[column] in their order",
        "rules": "[rule] of its last verdict",
    },
    "run": {
        **SHAPES["run"],
        "intent": "what was asked",
        "steps": "names of those that were done",
        "batches": "[batch] what it loaded",
        "rules": "[rule] of its verdict",
    },
    "batch": {"batch": "its id", "batches": "[batch] each time it was delivered"},
    "commit": {**SHAPES["commit"], "changes": "[change] against its first parent"},
}

ERROR: Fields = {
    "kind": "`wrong_use`, `contract_unusable`, `batch_mismatch`, `not_there`, `unreadable`, `unavailable`, "
    "`outcome_unknown`, `bug` or `interrupted`",
    "message": "what happened",
    "hint": "the way out",
    "place": "where: a path, `path:line`, an option, a table, a ref; may be empty",
}
