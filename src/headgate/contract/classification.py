"""Whether people are shown a column's values: by its classification, unless the setting ``mask`` says so itself."""

from __future__ import annotations

import re

# ODCS leaves the words to each organisation; these are in use. Compared word by word, whatever their case:
# "Highly Confidential" and "pii:email" are among them, "unrestricted" and "non-sensitive" are not.
CONFIDENTIAL = frozenset({
    "confidential", "restricted", "sensitive", "secret", "private", "personal", "pii", "spi", "phi", "pci", "gdpr",
    "hipaa",
})  # fmt: skip
_NOT = frozenset({"no", "non", "not", "none"})


def is_confidential(classification: object) -> bool:
    words = re.findall(r"[a-z]+", str(classification or "").casefold())
    return any(
        word in CONFIDENTIAL and (at == 0 or words[at - 1] not in _NOT) for at, word in enumerate(words)
    )
