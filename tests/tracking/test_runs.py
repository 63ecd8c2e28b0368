import json
import sqlite3
from dataclasses import replace

import pytest

from powerml.errors import StoreError
from powerml.tracking.pseudonyms import Pseudonyms
from powerml.tracking.runs import RANKING, SessionRun, find_run, log_session
from powerml.tracking.store import Store, connected
from tests.tracking.small_session import METRICS, ROWS, log_small, model, scorer_run


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    activity = model("activity", full_scale=50)
    store, session = log_small(folder, model("engagement"), activity)
    return folder, store, session


@pytest.fixture(scope="module")
def runs(logged):
    """The runs as MLflow gives them back: parent and scorers by name."""
    _, store, session = logged
    with connected(store) as client:
        parent = client.get_run(session.run_id)
        return parent, {name: client.get_run(run.run_id) for name, run in session.scorers.items()}


def test_a_session_is_a_parent_run_with_a_child_per_scorer(logged, runs):
    _, _, session = logged
    parent, scorers = runs
    assert parent.data.params == {"seed": "7"}
    assert set(scorers) == {"engagement", "activity"}
    for name, run in scorers.items():
        assert run.info.run_name == name
        assert run.data.tags["mlflow.parentRunId"] == session.run_id
        assert {run.data.tags[f"powerml.{key}"] for key in ("config", "data", "code")} == {"c", "d", "e"}
    assert scorers["engagement"].data.tags["powerml.kind"] == "documented"


def test_every_run_has_the_weight_of_every_metric_as_param_and_as_metric(runs):
    _, scorers = runs
    for run in scorers.values():
        as_params = {k: float(v) for k, v in run.data.params.items() if k.startswith("weight.")}
        as_metrics = {k: v for k, v in run.data.metrics.items() if k.startswith("weight/")}
        assert set(as_params) == {f"weight.{metric}" for metric in METRICS}
        assert set(as_metrics) == {f"weight/{metric}" for metric in METRICS}
        assert sum(as_params.values()) == pytest.approx(100, abs=1e-3)
        assert sum(as_metrics.values()) == pytest.approx(100)


def test_weights_are_shares_of_the_attainable_range(runs):
    weights = runs[1]["activity"].data.metrics
    assert weights["weight/invites_30d"] == pytest.approx(100 * 8 / 14)  # 1, 5 and 8 points
    assert weights["weight/logins_30d"] == pytest.approx(100 * 1 / 14)
    assert weights["weight/nps_latest"] == 0


def test_native_parameters_stand_beside_them(runs):
    assert runs[1]["activity"].data.params["native.full_scale"] == "50"
    assert float(runs[1]["activity"].data.params["native.invites_30d"]) == 8


def test_figures_that_are_no_numbers_are_left_out(runs):
    metrics = runs[1]["engagement"].data.metrics
    assert metrics["skill/overall"] == 0.2
    assert metrics["time/churn_auroc"] == 0.9  # the latest of the months
    assert "calibration/churn_slope" not in metrics


def test_the_experiment_opens_in_the_view_for_models(logged):
    _, store, _ = logged
    with connected(store) as client:
        experiment = client.get_experiment_by_name("golden")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_the_ranking_is_one_table_at_one_path(logged, runs):
    from mlflow.artifacts import load_text

    _, store, session = logged
    for name, run in session.scorers.items():
        with connected(store):
            table = json.loads(load_text(f"runs:/{run.run_id}/{RANKING}"))
        assert table["columns"] == ["rank", "entity", "score"]
        assert len(table["data"]) == 3
        assert json.loads(runs[1][name].data.tags["mlflow.loggedArtifacts"]) == [{"path": RANKING, "type": "table"}]


def test_all_lies_under_the_project_s_own_folder(logged):
    folder, _, _ = logged
    assert [path.name for path in folder.iterdir()] == [".powerml"]
    kept = {path.name for path in (folder / ".powerml").iterdir()}
    assert kept == {"artifacts", "mlflow.db", "mlflow.lock", "pseudonym.key"}


def test_no_raw_id_and_no_login_name_in_the_store(logged):
    import getpass

    folder, store, session = logged
    ids = [id_.encode() for id_ in ROWS["user_id"]]
    files = [path for path in (folder / ".powerml").rglob("*") if path.is_file() and "code" not in path.parts]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert not [id_ for id_ in ids if id_ in content], path
    with sqlite3.connect(store.folder / "mlflow.db") as database:
        users = {row[0] for row in database.execute("select user_id from runs")}
        tags = {row[0] for row in database.execute("select value from tags where key = 'mlflow.user'")}
    assert tags == {"powerml"}
    assert users <= {"powerml", "", None} or getpass.getuser() == "powerml"
    assert session.scorers


def test_a_run_is_found_by_the_beginning_of_its_id(logged):
    _, store, session = logged
    run = session.scorers["activity"]
    found = find_run(store, run.run_id[:8])
    assert (found.run_id, found.name, found.model_uri) == (run.run_id, "activity", run.model_uri)
    assert found.manifest == run.manifest
    assert find_run(store, "0" * 32) is None
    assert find_run(store, session.run_id) is None  # the session itself is no scorer


def test_a_run_whose_model_was_changed_is_refused(tmp_path):
    store, session = log_small(tmp_path, model("activity", full_scale=50))
    (data,) = store.artifacts.rglob("scoring_model.json")
    data.write_text(data.read_text().replace('"weight": 8', '"weight": 80'))
    with pytest.raises(StoreError, match="its model's files were changed since; train again"):
        find_run(store, session.scorers["activity"].run_id)


def test_runs_with_different_weight_keys_are_refused(tmp_path):
    names = Pseudonyms(b"key")
    one, other = scorer_run(model("engagement"), names), scorer_run(model("activity", full_scale=50), names)
    fewer = replace(other, shares={"logins_30d": 100.0})
    with pytest.raises(ValueError, match="same weight keys"):
        log_session(Store(tmp_path), "golden", session=SessionRun("s", {}, {}), scorers=[one, fewer])


def test_the_package_is_on_disk_once_for_all_models_of_a_session(logged):
    _, store, _ = logged
    archives = list(store.artifacts.rglob("powerml.zip"))
    assert len(archives) == 2  # each model is whole by itself
    assert archives[0].samefile(archives[1])
    assert not list(store.artifacts.rglob(".powerml.zip"))
