"""PyIceberg's file interface over plain local files.

PyIceberg's own `PyArrowFileIO` would do, but importing it takes longer than the rest of PyIceberg together.
Locations are absolute paths without a scheme: a ``#`` or ``?`` in a ``file://`` location is cut off by readers.
"""

from __future__ import annotations

import os
from typing import BinaryIO, cast

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream


class LocalInput(InputFile):
    """A file to read."""

    def __len__(self) -> int:
        return os.path.getsize(path_of(self.location))

    def exists(self) -> bool:
        return os.path.exists(path_of(self.location))

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002, FBT001, FBT002 - theirs
        return cast("InputStream", _binary(self.location, "rb"))


class LocalOutput(OutputFile):
    """A file to write; it must not exist yet."""

    def __len__(self) -> int:
        return os.path.getsize(path_of(self.location))

    def exists(self) -> bool:
        return os.path.exists(path_of(self.location))

    def to_input_file(self) -> LocalInput:
        return LocalInput(self.location)

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: FBT001, FBT002 - theirs
        return cast("OutputStream", _binary(self.location, "wb" if overwrite else "xb"))


class LocalIO(FileIO):
    """Local files only."""

    def new_input(self, location: str) -> LocalInput:
        return LocalInput(location)

    def new_output(self, location: str) -> LocalOutput:
        return LocalOutput(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        os.unlink(path_of(location if isinstance(location, str) else location.location))


def path_of(location: str) -> str:
    """The path of a location: other writers may have put ``file:`` in front."""
    if location.startswith("file:"):
        return "/" + location.removeprefix("file:").lstrip("/")
    return location


def _binary(location: str, mode: str) -> BinaryIO:
    return cast("BinaryIO", open(path_of(location), mode))
