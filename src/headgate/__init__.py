"""Headgate: data as code.

Every load lands on its own branch, is checked against its contract, and only then becomes visible.

    headgate.check(data, contract)      check a file or frame, with no project
    headgate.compile(contract)          a validator for one record at a time, for serving
    headgate.init(path)                 make a project
    headgate.open(path)                 the project in a folder or above it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.checking import Checked, check, infer, lint
    from headgate.edge.record.validator import RecordValidator, RecordVerdict, compile
    from headgate.model.errors import HeadgateError
    from headgate.model.verdict import Finding, Verdict
    from headgate.project import Project, Table, init
    from headgate.project import open_project as open

__all__ = [
    "Checked",
    "Finding",
    "HeadgateError",
    "Project",
    "RecordValidator",
    "RecordVerdict",
    "Table",
    "Verdict",
    "check",
    "compile",
    "infer",
    "init",
    "lint",
    "open",
]

_WHERE = {
    "Checked": "checking",
    "check": "checking",
    "infer": "checking",
    "lint": "checking",
    "RecordValidator": "edge.record.validator",
    "RecordVerdict": "edge.record.validator",
    "compile": "edge.record.validator",
    "HeadgateError": "model.errors",
    "Finding": "model.verdict",
    "Verdict": "model.verdict",
    "Project": "project",
    "Table": "project",
    "init": "project",
    "open": "project",
}


def __getattr__(name: str) -> object:
    """Late imports: `check` starts without the database and the lake (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("headgate")
    if name not in _WHERE:
        raise AttributeError(f"module 'headgate' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"headgate.{_WHERE[name]}")
    return getattr(module, "open_project" if name == "open" else name)


def __dir__() -> list[str]:
    return __all__
