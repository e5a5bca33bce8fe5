"""Whether people are shown a column's values: by its classification, unless the setting ``mask`` says so itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headgate.contract.json_schema import Value

# ODCS leaves the words to each organisation; these are in use. Compared word by word, whatever their case:
# "Highly Confidential" and "pii:email" are among them, "unrestricted" and "non-sensitive" are not.
CONFIDENTIAL = frozenset({
    "confidential", "restricted", "sensitive", "secret", "private", "personal", "pii", "spi", "phi", "pci", "gdpr",
    "hipaa",
})  # fmt: skip
_NOT = frozenset({"no", "non", "not", "none"})
_DEPTH_MAX = 60


def is_confidential(classification: object) -> bool:
    words = re.findall(r"[a-z]+", str(classification or "").casefold())
    return any(
        word in CONFIDENTIAL and (at == 0 or words[at - 1] not in _NOT) for at, word in enumerate(words)
    )


def holds_confidential(part: Mapping[str, Value], depth: int = 0) -> bool:
    """True if a property, or anything inside it, is classified as confidential."""
    if is_confidential(part.get("classification")):
        return True
    if depth > _DEPTH_MAX:
        return False
    inside = part.get("properties")
    found = [*inside] if isinstance(inside, list) else []
    found.append(part.get("items"))
    if isinstance(entries := part.get("map"), dict):
        found += [entries.get("key"), entries.get("value")]
    return any(isinstance(one, dict) and holds_confidential(one, depth + 1) for one in found)
