"""A Spark session for plans: its settings, and where it leaves what it writes aside.

Whatever the project's `spark: {config: …}` says is set; what answers depend on (zone, names, overflow) is ours.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powerml.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SETTLED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # `day` and `Day` are two columns
    "spark.sql.ansi.enabled": "true",  # what overflows is an error and not another number
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.default": "parquet",
}
"""Settings that answers depend on; a project cannot say otherwise."""
_LOG = """rootLogger.level = error
rootLogger.appenderRef.err.ref = err
appender.err.type = Console
appender.err.name = err
appender.err.target = SYSTEM_ERR
appender.err.layout.type = PatternLayout
appender.err.layout.pattern = %d{HH:mm:ss} %c{1}: %m%n
"""
_PANDAS = "PySpark does not yet fully support pandas"  # that it says so on every call tells nobody anything


def is_local(master: str) -> bool:
    """Whether Spark runs in one process of this machine."""
    return master.split("[", maxsplit=1)[0] == "local"


def java_there(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Spark will find a Java to run on."""
    home = environment.get("JAVA_HOME")
    return Path(home, "bin", "java").is_file() if home else shutil.which("java") is not None


@contextlib.contextmanager
def spark_session(master: str, config: Mapping[str, str], scratch: Path) -> Iterator[Any]:
    """A session of a Spark that runs already, or of one that is started and stopped with the block.

    Files that Spark itself writes lie in `scratch`, unless `config` says otherwise. Raises UsageError without pyspark
    or Java.
    """
    with _quiet():
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise UsageError("engine: spark needs pyspark; pip install 'powerml[spark]'") from None
        running = SparkSession.getActiveSession()
        if running is None and not java_there():
            raise UsageError("engine: spark needs Java 17 or newer; install it, or set JAVA_HOME")
        started = running or _start(SparkSession.builder, master, config, scratch)
        session = started.newSession()  # settings and views of our own
        for key, value in {**config, **SETTLED}.items():
            if session.conf.isModifiable(key):
                session.conf.set(key, value)
        try:
            yield session
        finally:
            if running is None:
                started.stop()


def _start(builder: Any, master: str, config: Mapping[str, str], scratch: Path) -> Any:
    """Starts Spark; in local mode it listens on this machine alone."""
    log = scratch / "log4j2.properties"
    log.write_text(_LOG, encoding="utf-8")
    settings = {
        "spark.app.name": "powerml",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log.as_uri()}",
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
    }
    environment = {"PYSPARK_PYTHON": sys.executable, "PYTHONWARNINGS": f"ignore:{_PANDAS}:FutureWarning"}
    if is_local(master):
        partitions = 4 * (os.cpu_count() or 1)
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": str(scratch / "shuffles"),
            "spark.sql.shuffle.partitions": str(partitions),
        }
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    for key, value in {**settings, **config, **SETTLED}.items():
        builder = builder.config(key, value)
    with _environment(environment):
        made = builder.master(master).getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of a process that is started in the block; what the user has set counts."""
    added = {key: value for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_PANDAS, category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"pyspark|py4j")
        yield


@contextlib.contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """A folder for what plans put aside, gone at the end; made in `parent`, which Spark's workers must reach too."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="spark-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
