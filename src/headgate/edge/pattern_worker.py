"""The child process of `headgate.edge.patterns`: searches one pattern in chunks of strings."""

from __future__ import annotations

import json

import regress

from headgate.edge.child import limit_cpu, limit_memory, serve

# regress loops on some repeats of what may be empty, (?:(?:a*)+)+$ on "ab", and takes memory as it goes.
_MEMORY_BYTES = 1 << 30


def answer(question: bytes) -> bytes:
    """``[seconds, pattern, [string, ...]]`` as JSON -> one byte for each string, 1 where it matches."""
    seconds, pattern, strings = json.loads(question)
    limit_cpu(seconds)
    find = regress.Regex(pattern, "u").find
    return bytes(find(string) is not None for string in strings)


if __name__ == "__main__":
    limit_memory(_MEMORY_BYTES)
    serve(answer)
