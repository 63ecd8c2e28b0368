import logging
import os
import subprocess
import sys

import pytest

from powerml.tracking.store import ADDRESSED_BY, Store, connected, environment, experiment_id


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("project") / ".powerml")


def test_mlflow_is_as_before_after_the_block(store, monkeypatch):
    import mlflow

    for name in ADDRESSED_BY:
        monkeypatch.delenv(name, raising=False)

    before = mlflow.get_tracking_uri()
    with connected(store):
        assert mlflow.get_tracking_uri() == store.uri == f"sqlite:///{store.folder}/mlflow.db"
    assert mlflow.get_tracking_uri() == before
    assert [name for name in ADDRESSED_BY if name in os.environ] == []
    assert logging.getLogger("mlflow").level != logging.ERROR


def test_an_experiment_is_made_once_and_restored_where_it_was_deleted(store):
    with connected(store) as client:
        first = experiment_id(client, store, "golden")
        assert client.get_experiment(first).artifact_location == "file:.powerml/artifacts"
        client.delete_experiment(first)
        assert experiment_id(client, store, "golden") == first
        assert client.get_experiment(first).lifecycle_stage == "active"


def test_a_new_store_is_made_without_a_word_and_without_telemetry(tmp_path):
    script = (
        "from pathlib import Path\n"
        "from powerml.tracking.store import Store, connected, experiment_id\n"
        "store = Store(Path('.powerml').resolve())\n"
        "with connected(store) as client: experiment_id(client, store, 'golden')\n"
        "import os; assert os.environ['MLFLOW_DISABLE_TELEMETRY'] == 'true'\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, env=kept
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [".powerml"]  # no mlruns beside it


def test_the_command_of_the_ui_points_at_the_store(tmp_path):
    store = Store(tmp_path)
    words = store.command(port=5001)
    assert words[0] == "ui"
    assert words[words.index("--backend-store-uri") + 1] == store.uri
    assert words[words.index("--default-artifact-root") + 1] == str(store.artifacts)
    assert words[words.index("--port") + 1] == "5001"
    assert words[words.index("--workers") + 1] == "1"
    assert environment()["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment()["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


@pytest.mark.slow
def test_two_runs_that_make_a_store_at_once_both_find_it_whole(tmp_path):
    code = (
        "import sys; from pathlib import Path; from powerml.tracking.store import Store, connected\n"
        "with connected(Store(Path(sys.argv[1]) / '.powerml')) as client: print(len(client.search_experiments()))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [run.communicate()[0].strip() for run in runs] == ["1", "1"]
    assert [run.returncode for run in runs] == [0, 0]
