"""The project that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.cli.parsing import Args
    from headgate.project import Project


def project_of(args: Args) -> Project:
    """``--project``, else HEADGATE_PROJECT, else upwards from here. Imports catalog and lake: late."""
    from headgate.project import open_project

    return open_project(args.project)
