"""Sessions into a store elsewhere: each run once, whatever breaks off, and whole aside where nothing can be sent.

The store elsewhere is another SQLite file here; servers and PostgreSQL are in `test_servers.py`.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from powerml.errors import NotSent, StoreError
from powerml.tracking import registry
from powerml.tracking.copying import ORIGIN
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import RANKING, LearnedFrom, SessionRun, find_run, log_session
from powerml.tracking.sending import log_and_register, send_kept
from powerml.tracking.store import Store, connected
from powerml.tracking.unsent import UNSENT, Registration, unsent_sessions
from powerml.writing import private_folder
from tests.tracking.small_session import ROWS, empty_database, model, scorer_run

NOBODY = "http://127.0.0.1:9"  # the port that discards: nothing listens there
ORDER = Registration("golden", "engagement", {registry.SCORER: "engagement"}, leads=True)


@pytest.fixture
def elsewhere(tmp_path):
    """A project whose runs are kept in a database beside it."""
    database = tmp_path / "shared" / "mlflow.db"
    database.parent.mkdir()
    shutil.copy(empty_database(), database)
    state = tmp_path / "project" / ".powerml"
    state.mkdir(parents=True)
    return Store(state, f"sqlite:///{database}", (tmp_path / "shared" / "files").as_uri())


@pytest.fixture(scope="module", autouse=True)
def _quick_stores():
    """A store without runs is copied rather than made, which takes MLflow two seconds."""
    empty = empty_database()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("powerml.tracking.database.make", lambda to, _: shutil.copy(empty, private_folder(to.parent)))
        yield


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    names = load_pseudonyms(tmp_path_factory.mktemp("key"))
    sets = {"engagement": {}, "activity": {"full_scale": 50}}
    return [scorer_run(model(name, **params), names) for name, params in sets.items()]


@pytest.fixture(scope="module")
def refused(scorers, tmp_path_factory):
    """A project's `.powerml` with a session that nobody took, and what was said."""
    state = tmp_path_factory.mktemp("project") / ".powerml"
    with pytest.raises(NotSent) as told:
        send(Store(state, NOBODY), scorers)
    return state, told.value


@pytest.fixture
def waiting(refused, elsewhere):
    """The same session, waiting in a project whose store elsewhere answers now."""
    shutil.copytree(refused[0], elsewhere.folder, dirs_exist_ok=True)
    return elsewhere


def send(store, scorers, name="session"):
    session = SessionRun(
        name,
        {"powerml.config": "c", "powerml.verdict": "skill"},
        {"seed": 7},
        learned_from=LearnedFrom("golden snapshots", "d", {"rows": 20}),
        note=lambda own, ids: f"![bands](get-artifact?run_uuid={ids['engagement']}) of {own}",
    )
    return log_and_register(
        store, "golden", write=lambda at: log_session(at, "golden", session=session, scorers=scorers), order=ORDER
    )


def everything(store):
    """All runs of a store by name, as MLflow gives them."""
    with connected(store) as client:
        found = client.search_runs([client.get_experiment_by_name("golden").experiment_id])
        return {run.info.run_name: run for run in found}, len(found)


def test_a_session_elsewhere_is_the_one_that_a_project_of_its_own_has(elsewhere, scorers, tmp_path):
    from mlflow.artifacts import load_text

    (tmp_path / "own" / ".powerml").mkdir(parents=True)
    own = Store(tmp_path / "own" / ".powerml")
    at_home, there = send(own, scorers), send(elsewhere, scorers)
    (home, n), (away, m) = everything(own), everything(elsewhere)
    assert (n, m) == (3, 3)
    for name, run in home.items():
        other = away[name]
        assert other.data.params == run.data.params
        assert other.data.metrics == run.data.metrics
        assert other.info.status == "FINISHED"
        assert [one.dataset.digest for one in other.inputs.dataset_inputs] == ["d"]
        ids = {"mlflow.parentRunId", "mlflow.note.content", ORIGIN}
        assert {k: v for k, v in other.data.tags.items() if k not in ids} == {
            k: v for k, v in run.data.tags.items() if k not in ids
        }
    parent = away["session"]
    assert away["engagement"].data.tags["mlflow.parentRunId"] == parent.info.run_id == there.logged.run_id
    assert (
        f"run_uuid={away['engagement'].info.run_id}) of {parent.info.run_id}" in parent.data.tags["mlflow.note.content"]
    )
    with connected(elsewhere):
        assert json.loads(load_text(f"runs:/{away['engagement'].info.run_id}/{RANKING}"))["columns"][0] == "rank"
    assert (there.version.number, there.version.aliases) == (1, ("challenger", "champion"))
    assert there.champion == there.version
    found = [registry.load_version(at, sent.version).score(ROWS) for at, sent in ((own, at_home), (elsewhere, there))]
    assert found[0].equals(found[1])
    assert unsent_sessions(elsewhere.folder) == []
    assert find_run(elsewhere, there.logged.scorers["activity"].run_id).name == "activity"


def test_nothing_of_it_is_written_where_one_works(elsewhere, scorers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    send(elsewhere, scorers[:1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "shared"]
    assert sorted(path.name for path in (tmp_path / "project").iterdir()) == [".powerml"]
    left = {path.name for path in (tmp_path / "project" / ".powerml").rglob("*")}
    assert left == {"mlflow.lock", UNSENT}


def test_a_store_that_is_not_there_gets_the_session_later_and_once(refused, waiting):
    state, error = refused
    assert str(error) == (
        "http://127.0.0.1:9: cannot be reached (connection refused); start it, or correct 'tracking_uri' "
        f"(MLFLOW_TRACKING_URI); nothing is lost: the session is kept in {error.kept}, and 'powerml log' sends it"
    )
    (kept,) = unsent_sessions(state)
    assert kept.folder == error.kept
    assert len(kept.logged.scorers) == 2
    (sent,) = send_kept(waiting)
    assert everything(waiting)[1] == 3
    assert sent.champion is not None
    assert send_kept(waiting) == []
    assert everything(waiting)[1] == 3


USUAL = ("create_run",)
CALLS = (
    "log_artifacts",
    "create_model_version",
    "log_batch",
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "log_outputs",
    "set_terminated",
)


@pytest.mark.slow
@pytest.mark.parametrize("answered", ["before it is done", "after it is done"])
@pytest.mark.parametrize("call", [*USUAL, *CALLS])
def test_what_breaks_off_is_completed_once(waiting, monkeypatch, call, answered):
    """The store fails at the second call of a kind (the first where there is one only), having done it or not."""
    done, counts = getattr(MlflowClient, call), Counter()
    last = 1 if call == "create_model_version" else 2

    def breaks(self, *args, **kwargs):
        counts[call] += 1
        if counts[call] == last:
            if answered == "after it is done":
                done(self, *args, **kwargs)
            raise MlflowException("API request failed with exception: Connection refused")
        return done(self, *args, **kwargs)

    monkeypatch.setattr(MlflowClient, call, breaks)
    with pytest.raises(StoreError, match="cannot be reached"):
        send_kept(waiting)
    monkeypatch.setattr(MlflowClient, call, done)
    (sent,) = send_kept(waiting)
    runs, count = everything(waiting)
    assert count == len(runs) == 3
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert [len(runs[name].outputs.model_outputs) for name in ("engagement", "activity")] == [1, 1]
    with connected(waiting) as client:
        assert len(client.search_logged_models([runs["session"].info.experiment_id])) == 2
        assert len(client.get_metric_history(runs["activity"].info.run_id, "time/churn_auroc")) == 2
    assert [v.number for v in registry.registered_versions(waiting, "golden")] == [1]
    assert sent.version.aliases == ("challenger", "champion")
    assert registry.load_version(waiting, sent.version).score(ROWS).shape[0] == len(ROWS)


def test_sessions_are_sent_in_the_order_in_which_they_were_made(waiting, scorers):
    now = send(waiting, scorers[:1], "second")  # takes the first along
    assert now.version.number == 2
    assert registry.aliases(waiting, "golden") == {"champion": 1, "challenger": 2}


def test_a_session_goes_into_the_project_s_own_store_where_that_is_meant_now(waiting):
    own = Store(waiting.folder)
    (sent,) = send_kept(own)
    assert registry.load_version(own, sent.version).score(ROWS).shape[0] == len(ROWS)
    assert "file:.powerml/artifacts" in everything(own)[0]["engagement"].info.artifact_uri


@pytest.mark.slow
def test_what_is_no_session_is_named_and_what_kills_leave_goes(waiting, scorers):
    unsent = waiting.folder / UNSENT
    (unsent / ".20260101T000000-00.powerml-draft-folder" / "half").mkdir(parents=True)
    (unsent / ".sent-20260101T000000-00").mkdir()
    send(waiting, scorers[:1])
    assert list(unsent.iterdir()) == []
    (unsent / "mine").mkdir()
    with pytest.raises(StoreError, match=r"unsent/mine: is no session kept aside by powerml"):
        send_kept(waiting)
    assert Path(unsent, "mine").is_dir()
