"""The champion as a function on Spark: what it says of many rows is what `powerml score` says of them."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.tracking import registry
from powerml.tracking.store import connected
from tests.tracking.small_session import ROWS, log_small, model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17 or newer on the path"),
]
N = 100_000


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a champion, and many users to score: those of the golden table, each a little different."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "powerml.yaml").write_text("project: golden\ntables: {events: {files: e.csv}}\nvocabulary: {}\n")
    store, session = log_small(folder, model("engagement", linked=True))
    run = session.scorers["engagement"]
    version = registry.register(
        store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={}
    )
    registry.set_alias(store, version, "champion")
    rng = np.random.default_rng(0)
    metrics = ROWS.iloc[rng.integers(0, len(ROWS), N), 1:].astype(float).reset_index(drop=True)
    metrics *= rng.uniform(0.5, 1.5, (N, metrics.shape[1]))
    metrics = metrics.mask(rng.random(metrics.shape) < 0.05)
    metrics.insert(0, "user_id", [f"u{i:06d}" for i in range(N)])
    metrics.to_parquet(folder / "metrics.parquet", index=False)
    return folder, store, registry.load_version(store, version)


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """A Spark of two workers that asks no network."""
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra: pip install 'powerml[spark]'")
    folder = tmp_path_factory.mktemp("spark_work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYTHONWARNINGS", "ignore")
        made = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", str(folder))
            .config("spark.local.dir", str(folder))
            .getOrCreate()
        )
        made.sparkContext.setLogLevel("ERROR")
        yield made
        made.stop()


@pytest.mark.filterwarnings("ignore")  # Spark and what MLflow says about it
def test_a_hundred_thousand_rows_are_scored_as_the_command_scores_them(project, spark, tmp_path):
    folder, store, scoring = project
    with connected(store):
        import mlflow

        score = mlflow.pyfunc.spark_udf(spark, "models:/golden@champion", env_manager="local")
    rows = spark.read.parquet(str(folder / "metrics.parquet"))
    told = rows.select("user_id", score(*scoring.columns).alias("said")).select("user_id", "said.*").toPandas()
    assert len(told) == N
    out = tmp_path / "scores.parquet"
    done = CliRunner().invoke(
        root,
        ["score", "--metrics", str(folder / "metrics.parquet"), "-c", str(folder / "powerml.yaml"), "--reasons",
         "none", "-o", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    expected = pd.read_parquet(out).set_index("user_id")
    told = told.set_index("user_id").loc[expected.index]
    numbers = [name for name in told if pd.api.types.is_numeric_dtype(expected[name])]
    assert {"score", "p_churn", "p_expand", "percentile"} <= set(numbers)
    for name in numbers:
        off = np.abs(told[name].to_numpy(float) - expected[name].to_numpy(float))
        assert np.nanmax(off) <= 1e-9, name
        assert (np.isnan(told[name].to_numpy(float)) == expected[name].isna().to_numpy()).all(), name
    assert told["band"].tolist() == expected["band"].tolist()
