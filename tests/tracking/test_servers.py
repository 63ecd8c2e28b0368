"""The whole way against `mlflow server` on PostgreSQL, through its death in the middle, and on PostgreSQL directly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from powerml.simulation import write_product
from tests.tracking.servers import PASSWORD, MlflowServer, postgres

pytestmark = pytest.mark.slow

EARLY = "snapshots: {every: quarter, to: 2025-04-01}\nscorers: [{weights: engagement}, {weights: activity}]\n"


@pytest.fixture(scope="module")
def database():
    with postgres() as address:
        yield address


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    made = MlflowServer(database, tmp_path_factory.mktemp("server") / "files").start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "product"
    write_product(folder, "validation", users=400, months=24, seed=21)
    (folder / "early.yaml").write_text(EARLY)
    return folder


def project(product, folder, name, **settings):
    """A copy of the product whose project file says more."""
    shutil.copytree(product, folder / name)
    file = folder / name / "powerml.yaml"
    declared = {**yaml.safe_load(file.read_text()), "project": name, **settings}
    file.write_text(yaml.safe_dump(declared, sort_keys=False))
    return folder / name


def powerml(folder, *words, exit_code=0, **env):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-m", "powerml", *words],
        cwd=folder,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, (words, done.stdout, done.stderr)
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def told(folder, *words, **env):
    return json.loads(powerml(folder, *words, "--json", **env).stdout)


def test_the_whole_way_on_a_server(server, product, tmp_path):
    at_home = project(product, tmp_path / "own", "golden")
    away = project(product, tmp_path, "golden", tracking_uri="${STORE}")
    trained = [told(at_home, "train", "early.yaml"), told(away, "train", "early.yaml", STORE=server.address)]
    assert trained[0]["verdict"] == trained[1]["verdict"]
    assert trained[1]["version"] == 1
    scores = []
    for folder, env in ((at_home, {}), (away, {"STORE": server.address})):
        powerml(folder, "promote", "1", "--force", **env)
        powerml(folder, "score", "-o", "scores.csv", **env)
        scores.append(pd.read_csv(folder / "scores.csv").drop(columns="scored_at"))
        powerml(folder, "recalibrate", **env)
    pd.testing.assert_frame_equal(*scores, check_exact=False, rtol=0, atol=1e-9)
    env = {"STORE": server.address}
    shown = powerml(away, "ui", "--print", **env).stdout
    assert f"All runs: {server.address}/#/experiments/" in shown
    ids = pd.read_csv(away / "scores.csv", dtype=str)
    someone = ids.loc[ids["status"] == "scored"].iloc[0]
    client = server.client()
    runs = client.search_runs([client.get_experiment_by_name("golden").experiment_id], "tags.`powerml.kind` != ''")
    by_name = {run.info.run_name: run.info.run_id for run in runs if "mlflow.parentRunId" in run.data.tags}
    powerml(away, "compare", by_name["engagement"], by_name["activity"], **env)
    powerml(away, "explain", someone.get("user_id", someone.get("account_id")), **env)
    powerml(away, "backtest", "--as-of", "2025-06-01", **env)
    assert powerml(away, "log", **env).stdout == f"Nothing is kept aside for {server.address}.\n"
    assert not (away / ".powerml" / "mlflow.db").exists()
    assert not (away / ".powerml" / "artifacts").exists()
    assert not (away / "mlruns").exists()


def test_a_server_that_dies_in_the_middle_loses_nothing(server, product, tmp_path):
    folder, env = project(product, tmp_path, "dying"), {**os.environ, "MLFLOW_TRACKING_URI": server.address}
    client = server.client()
    train = subprocess.Popen(
        [sys.executable, "-m", "powerml", "train", "early.yaml"],
        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while train.poll() is None and client.get_experiment_by_name("dying") is None:
            time.sleep(0.05)
        server.kill()
        said, error = train.communicate(timeout=600)
    finally:
        train.kill()
    assert train.returncode == 2, error
    assert "engagement" in said  # what was found is told all the same
    assert f"powerml: {server.address}: cannot be reached" in error
    assert "nothing is lost: the session is kept in" in error
    refused = powerml(folder, "log", exit_code=2, MLFLOW_TRACKING_URI=server.address)
    assert refused.stderr.count("\n") == 1
    for words in (("score", "-o", "scores.csv"), ("promote", "1"), ("ui", "--print")):
        refused = powerml(folder, *words, "--quiet", exit_code=2, MLFLOW_TRACKING_URI=server.address)
        assert f"powerml: {server.address}: cannot be reached" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert not (folder / "scores.csv").exists()
    server.start()
    (sent,) = told(folder, "log", MLFLOW_TRACKING_URI=server.address)["sent"]
    assert told(folder, "log", MLFLOW_TRACKING_URI=server.address)["sent"] == []
    runs = client.search_runs([client.get_experiment_by_name("dying").experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["activity", "early", "engagement"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [int(v.version) for v in client.search_model_versions("name = 'dying'")] == [1]
    powerml(folder, "score", "--model", "dying@challenger", "-o", "scores.csv", MLFLOW_TRACKING_URI=server.address)
    assert sent["version"] == 1


def test_a_session_is_kept_while_train_itself_is_killed(server, product, tmp_path):
    """A kill of `train` while it sends: the session is whole in the folder, and goes once."""
    folder, env = project(product, tmp_path, "killed"), {**os.environ, "MLFLOW_TRACKING_URI": server.address}
    client = server.client()
    train = subprocess.Popen([sys.executable, "-m", "powerml", "train", "early.yaml", "--quiet"], cwd=folder, env=env)
    while train.poll() is None and client.get_experiment_by_name("killed") is None:
        time.sleep(0.05)
    train.send_signal(signal.SIGKILL)
    train.wait()
    (_,) = told(folder, "log", MLFLOW_TRACKING_URI=server.address)["sent"]
    runs = client.search_runs([client.get_experiment_by_name("killed").experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["activity", "early", "engagement"]


def test_postgresql_without_a_server_and_files_in_a_folder(database, server, product, tmp_path):
    direct = database.rpartition("/")[0] + "/template1"  # a database of its own
    folder = project(product, tmp_path, "direct", tracking_uri="${STORE}", artifact_location=str(tmp_path / "files"))
    assert told(folder, "train", "early.yaml", STORE=direct)["version"] == 1
    powerml(folder, "promote", "1", "--force", STORE=direct)
    powerml(folder, "score", "-o", "scores.csv", STORE=direct)
    shown = powerml(folder, "ui", "--print", STORE=direct).stdout
    assert shown.startswith("MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://127.0.0.1:")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["direct", "files"]
    wrong = direct.replace(PASSWORD, "wrong-one")
    refused = powerml(folder, "promote", "1", exit_code=2, STORE=wrong)
    assert "refuses the login" in refused.stderr
    assert "wrong-one" not in refused.stderr
    assert not [path for path in folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_a_moved_project_scores_as_before(product, tmp_path):
    folder = project(product, tmp_path, "here")
    powerml(folder, "train", "early.yaml")
    powerml(folder, "score", "--model", "here@challenger", "-o", "scores.csv")
    before = pd.read_csv(folder / "scores.csv").drop(columns="scored_at")
    moved = shutil.move(folder, tmp_path / "there")
    powerml(moved, "score", "--model", "here@challenger", "-o", "again.csv")
    pd.testing.assert_frame_equal(pd.read_csv(moved / "again.csv").drop(columns="scored_at"), before)
