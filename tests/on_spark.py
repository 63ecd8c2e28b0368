"""Projects of the tests on Spark: one session for all of them, as small as can be, that asks no network."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from powerml.config.project import ProjectSpec, load_project
from powerml.snapshots.engine.spark_session import java_there, spark_session
from powerml.workflows.export import export_canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = {
    "spark.sql.shuffle.partitions": 2,
    "spark.sql.adaptive.enabled": False,  # these two cost more on a few hundred rows than they save
    "spark.sql.codegen.wholeStage": False,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
NEEDS_SPARK = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None or not java_there(),
        reason="needs pyspark (pip install 'powerml[spark]') and Java 17 or newer",
    ),
    pytest.mark.filterwarnings("ignore"),  # what PySpark says about pandas and Python
]


def needs_spark(test: Any) -> Any:
    """A test, or a class of tests, that runs on Spark."""
    for mark in NEEDS_SPARK:
        test = mark(test)
    return test


@lru_cache
def session() -> Any:
    """The session that every project of these tests finds running."""
    stack = contextlib.ExitStack()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="powerml-spark-"))
    made = stack.enter_context(
        spark_session("local[2]", {key: str(value).lower() for key, value in SMALL.items()}, Path(folder))
    )
    atexit.register(stack.close)
    return made


def on_spark(file: Path, folder: Path, *, only: Sequence[str] | None = None, **changes: Any) -> ProjectSpec:
    """The project of a file, its tables exported to `folder`, as one that runs on Spark; `changes` are keys of it."""
    session()
    source = load_project(file)
    if not (folder / "canonical").exists():
        export_canonical(source, folder / "canonical")
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    tables = {name: {"files": f"canonical/{name}"} for name in only or text["tables"]}
    text |= {"engine": "spark", "spark": {"master": "local[2]", "config": SMALL}, "tables": tables, **changes}
    text["vocabulary"] = str(file.parent / text["vocabulary"])
    (folder / "on_spark.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    return load_project(folder / "on_spark.yaml")
