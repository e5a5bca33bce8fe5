"""datacontract-cli on DuckDB, from Python: the very contract that Headgate gets, with a server that names the file."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import yaml
from datacontract.data_contract import DataContract
from worker import serve

logging.disable(logging.CRITICAL)
CONTRACT = yaml.safe_load(Path(sys.argv[1]).read_text())
KINDS = {"field_regex": "pattern"}


def check(path: str) -> list[str]:
    server = {"server": "local", "type": "local", "path": path, "format": "parquet"}
    run = DataContract(data_contract_str=yaml.safe_dump(CONTRACT | {"servers": [server]})).test()
    if troubles := [check.reason for check in run.checks if check.field is None or check.result == "error"]:
        raise RuntimeError(str(troubles))
    # Its warnings say that it does not check the types of Parquet columns: not one of the rules.
    return [f"{check.field}.{_kind(check.type)}" for check in run.checks if check.result == "failed"]


def _kind(kind: str) -> str:
    return KINDS.get(kind, kind.removeprefix("field_"))


serve(check)
