"""One Spark for all tests of a process: local, small, on loopback, and open to Spark Connect as well."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import socket
import tempfile
from dataclasses import dataclass
from typing import Any

import pytest

from headgate.edge.spark import session as spark_session


@dataclass(frozen=True)
class Sparks:
    """One Spark: a session in this process, and ``url`` for those by Connect."""

    local: Any
    url: str

    @functools.cached_property
    def connect(self) -> Any:
        from pyspark.sql.connect.session import SparkSession

        found: Any = SparkSession.builder.remote(self.url).create()
        atexit.register(found.stop)  # first, or it would ask a server that is gone, again and again
        return found


@functools.cache
def sparks() -> Sparks:
    """Started when a test first asks, in some ten seconds; it ends with the process.

    Queries are interpreted: rows are few, and compiling a query takes longer than running it. Tests that want it
    compiled, as it is by default, set `spark.sql.codegen.wholeStage`.
    """
    from pyspark.sql import SparkSession

    alone = "PYTEST_XDIST_WORKER" not in os.environ
    assert alone or "@spark" in os.environ["PYTEST_CURRENT_TEST"], (
        "mark it `together`, or each process starts one"
    )
    # One that is there would be taken instead, and has no Spark Connect.
    assert SparkSession.getActiveSession() is None, (
        "a test started a Spark of its own: ask for sparks() first"
    )
    port = _free_port()
    folder = tempfile.mkdtemp(prefix="headgate-spark-")
    found = spark_session.local(
        {
            "spark.sql.shuffle.partitions": "1",
            "spark.default.parallelism": "1",
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
            "spark.local.dir": folder,
            "spark.driver.memory": "1g",
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.ui.explainMode": "simple",
            "spark.sql.debug.maxToStringFields": "2",
            "spark.sql.session.timeZone": "America/New_York",  # so that none of us relies on UTC
            "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
        },
        cores="1",
    )
    return Sparks(found, f"sc://127.0.0.1:{port}")


def _free_port() -> int:
    """Below those that the system gives away: one of these could be taken by the time that Spark binds it."""
    for port in range(15_002 + os.getpid() % 8_000, 32_768):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def together(engine: str) -> list[pytest.MarkDecorator]:
    """One process runs all that needs Spark, so that it starts once."""
    return [pytest.mark.xdist_group("spark")] if engine == "spark" else []
