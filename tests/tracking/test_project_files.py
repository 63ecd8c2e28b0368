"""A store of ours is read from any working folder, where this package is installed."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from powerml.tracking import registry
from powerml.tracking.project_files import ProjectFiles, written_in_project
from tests.tracking.small_session import METRICS, ROWS, log_small, model

STORE = "sqlite:////home/ada/shop/.powerml/mlflow.db"
LOAD = """
import sys
import pandas as pd, mlflow, mlflow.pyfunc
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from powerml.tracking.project_files import ProjectFiles
_artifact_repository_registry.register("file", ProjectFiles)  # as the entry point does in an installed package
mlflow.set_tracking_uri(sys.argv[1])
loaded = mlflow.pyfunc.load_model("models:/golden@challenger")
print(loaded.predict(pd.read_parquet(sys.argv[2]))[["score"]].to_json(orient="columns", double_precision=15))
"""


@pytest.mark.parametrize(
    ("address", "store"),
    [
        ("file:///elsewhere/.powerml/artifacts", STORE),
        ("file:mlruns/0", STORE),
        ("file:.powerml/artifacts", "http://mlflow.example.org"),
        ("file:.powerml/artifacts", "sqlite:////home/ada/mlflow.db"),
    ],
)
def test_other_addresses_and_stores_are_left_as_they_are(address, store):
    assert written_in_project(address, store) == address


def test_the_package_registers_it():
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    (entry,) = declared["project"]["entry-points"]["mlflow.artifact_repository"].items()
    assert entry == ("file", f"{ProjectFiles.__module__}:{ProjectFiles.__name__}")


@pytest.mark.slow
def test_a_model_loads_from_any_folder(tmp_path):
    (tmp_path / "shop").mkdir()
    store, session = log_small(tmp_path / "shop", model("engagement"))
    run = session.scorers["engagement"]
    registry.register(store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={})
    rows = tmp_path / "rows.parquet"
    ROWS[METRICS].astype(float).to_parquet(rows)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, store.uri, str(rows)],
        cwd="/", capture_output=True, text=True, check=False, env=kept,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])["score"]
    assert list(told.values() if isinstance(told, dict) else told) == pytest.approx(
        model("engagement").score(ROWS)["score"].tolist()
    )
