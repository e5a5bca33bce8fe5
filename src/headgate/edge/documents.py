"""Small files read whole: contracts."""

from __future__ import annotations

import os
from pathlib import Path

from headgate.contract.document import Document, parse
from headgate.model.errors import NotThere, Unreadable

BYTES_MAX = 32 * 1024 * 1024


def read_document(path: str) -> bytes:
    """The bytes of a contract. Raises NotThere, Unreadable."""
    file = Path(path)
    try:
        if file.is_file() and file.stat().st_size > BYTES_MAX:
            raise Unreadable(f"it has more than {BYTES_MAX} bytes", hint="is it a contract?", place=path)
        return file.read_bytes()
    except FileNotFoundError as error:
        raise NotThere("there is no such file", hint="check the path of the contract", place=path) from error
    except OSError as error:
        raise Unreadable(
            f"it cannot be read: {error.strerror}", hint="make it readable", place=path
        ) from error


def document_of(contract: str | os.PathLike[str] | bytes) -> Document:
    """A contract from its file, or from its bytes; its variables are those of the environment.

    Raises NotThere, Unreadable, ContractUnusable.
    """
    return parse(*bytes_of(contract), os.environ)


def bytes_of(contract: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """A contract's bytes, and what to call its place. Raises NotThere, Unreadable."""
    if isinstance(contract, bytes):
        return contract, "contract"
    path = os.fspath(contract)
    return read_document(path), path
