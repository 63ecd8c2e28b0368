import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.experiment import load_experiment
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import PowermlError
from powerml.simulation import write_product
from powerml.tracking import registry
from powerml.tracking.due import DATA_UNTIL, VOCABULARY_TAG, vocabulary_fingerprint
from powerml.tracking.store import Store, connected
from powerml.training.rows import Rows
from powerml.workflows.train import train
from tests.builders import write_project

QUICK = """
snapshots: {every: quarter}
screen: {threshold: 0.45}
scorers: [{weights: engagement}, {fit: logistic}, {name: all_metrics, fit: logistic, screen: off}]
seed: 7
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A small simulated product: a project folder like anybody's."""
    folder = tmp_path_factory.mktemp("simulated") / "product"
    write_product(folder, "validation", users=400, months=24, seed=7)
    return folder


@pytest.fixture(scope="module")
def trained(product):
    experiment = product / "quick.yaml"
    experiment.write_text(QUICK)
    return train(load_project(product / "powerml.yaml"), load_experiment(experiment))


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments])


def test_the_verdict_comes_first_with_its_intervals(trained):
    assert trained.sentences[0] == trained.headline
    assert trained.headline.startswith(f"Verdict on {trained.challenger}: {trained.word}")
    assert "the best single metric" in trained.headline
    assert list(trained.scorers["scorer"]) == ["engagement", "logistic", "all_metrics"]
    assert list(trained.scorers["probabilities"]) == ["Platt link of the fold", "own", "own"]
    assert list(trained.bands["band"]) == ["Champions", "Healthy", "Stable", "At Risk", "High Risk"]
    assert "document: churn" in trained.bands


def test_no_training_row_s_outcome_reaches_into_a_test(trained):
    data = trained.data
    split = data.split(seed=7)
    assert split.folds
    for fold_train, fold_test in split.folds:
        last = pd.Timestamp(data.labelled.times[fold_train].max()) + pd.Timedelta(days=90 + 30)
        assert last <= data.labelled.times[fold_test].min()
        assert not split.unseen[fold_train].any()


def test_a_version_knows_the_vocabulary_and_the_data_it_was_made_from(trained, product):
    project = load_project(product / "powerml.yaml")
    then = vocabulary_fingerprint(project)
    until = str(trained.data.latest["as_of"].max().date())
    assert (trained.version.tags[VOCABULARY_TAG], trained.version.tags[DATA_UNTIL]) == (then, until)
    with connected(Store(product / ".powerml")) as client:
        for run in trained.session.scorers.values():  # a run may be promoted later
            assert client.get_run(run.run_id).data.tags[VOCABULARY_TAG] == then


def test_every_run_carries_every_metric_s_weight(trained, product):
    store = Store(product / ".powerml")
    with connected(store) as client:
        for name, logged in trained.session.scorers.items():
            data = client.get_run(logged.run_id).data
            weights = {k.removeprefix("weight/"): v for k, v in data.metrics.items() if k.startswith("weight/")}
            assert set(catalogue()) <= set(weights), name
            assert {k.removeprefix("weight.") for k in data.params if k.startswith("weight.")} == set(weights)
            assert sum(weights.values()) == pytest.approx(100)
            for family in ("skill/", "churn/", "expand/", "calibration/", "bands/", "top20/", "time/"):
                assert any(key.startswith(family) for key in data.metrics), (name, family)
            assert len(data.tags["powerml.data"]) == len(data.tags["powerml.code"]) == 16
            assert data.tags["powerml.horizon_days"] == "90"


def test_the_runs_of_a_session_have_the_same_figures(trained, product):
    with connected(Store(product / ".powerml")) as client:
        found = [set(client.get_run(run.run_id).data.metrics) for run in trained.session.scorers.values()]
    stable = [{key for key in keys if key.split("/")[0] in ("skill", "churn", "expand")} for keys in found]
    assert stable[0] == stable[1] == stable[2]


def test_the_screen_is_learned_in_every_fit_and_can_be_off(trained, product):
    with connected(Store(product / ".powerml")) as client:
        runs = {name: client.get_run(run.run_id).data for name, run in trained.session.scorers.items()}
    used = {
        name: sum(v > 0 for key, v in data.metrics.items() if key.startswith("weight/")) for name, data in runs.items()
    }
    assert used["logistic"] < used["all_metrics"]
    assert runs["logistic"].tags["powerml.screen"] == "|r| >= 0.45, balanced"
    assert runs["all_metrics"].tags["powerml.screen"] == "off"
    assert any(sentence.startswith("Screen (|r| >= 0.45, balanced): ") for sentence in trained.sentences)


def test_the_artifacts_of_a_run(trained, product):
    store = Store(product / ".powerml")
    with connected(store):
        from mlflow.artifacts import list_artifacts

        for name, run in trained.session.scorers.items():
            paths = set()
            for folder in ("bands", "calibration", "weights", "ranking"):
                paths |= {a.path for a in list_artifacts(run_id=run.run_id, artifact_path=folder)}
            wanted = {"bands/report.html", "bands/report.csv", "bands/rates.svg", "bands/rates.json", "bands/rates.csv"}
            wanted |= {f"calibration/{each}" for each in ("reliability.svg", "score.svg", "score.csv")}
            assert wanted | {"ranking/top20.json"} <= paths
            assert (f"weights/{name}.yaml" in paths) == (name == "engagement")


def test_no_raw_id_in_the_store(trained, product):
    ids = set(trained.data.labelled.frame["user_id"]) | set(trained.data.latest["account_id"].dropna())
    wanted = [str(id_).encode() for id_ in ids]
    for path in (product / ".powerml").rglob("*"):
        if path.is_file() and "code" not in path.parts:
            content = path.read_bytes()
            assert not [id_ for id_ in wanted if id_ in content], path


def test_nothing_is_written_outside_the_project_s_own_folder(trained, product):
    assert {path.name for path in product.iterdir() if path.name.startswith((".", "mlruns", "mlflow"))} == {".powerml"}
    assert not Path("mlruns").exists()


def test_the_challenger_is_registered_and_scores_as_it_was_trained(trained, product):
    store = Store(product / ".powerml")
    version = registry.find_version(store, "validation", "@challenger")
    assert version.number == trained.version.number
    assert version.tags["powerml.scorer"] == trained.challenger
    assert version.tags["powerml.verdict"] == trained.word
    rows = trained.data.latest.head(20)
    loaded = registry.load_version(store, version)
    pd.testing.assert_frame_equal(loaded.score(rows), trained.model.score(rows))
    assert ("champion" in version.aliases) == (trained.word == "skill") == (trained.champion is not None)


def test_scores_from_the_registry_carry_its_version(trained, product, tmp_path):
    config, output = product / "powerml.yaml", tmp_path / "scores.parquet"
    done = run("score", "-c", config, "--model", "validation@challenger", "-o", output, "--json")
    assert done.exit_code == 0, done.output
    scores = pd.read_parquet(output)
    assert list(scores.columns[:4]) == ["as_of", "user_id", "account_id", "status"]
    assert set(scores["model"] + "@" + scores["model_version"]) == {f"validation@{trained.version.number}"}
    assert set(scores["status"]) <= {"scored", "insufficient_history", "outside_population", "left"}
    scored = scores["status"].eq("scored")
    assert scores.loc[scored, "score"].between(0, 100).all()
    assert scores.loc[~scored, ["score", "p_churn", "percentile"]].isna().all(axis=None)
    assert np.allclose(scores.loc[scored, ["p_churn", "p_stay", "p_expand"]].sum(axis=1), 1)
    assert json.loads(done.stdout)["rows"] == len(scores)


@pytest.mark.slow
def test_a_fit_does_not_depend_on_when_it_is_run(trained, product):
    experiment = load_experiment(product / "quick.yaml")
    folder = product.parent / "again"
    shutil.copytree(product, folder, ignore=shutil.ignore_patterns(".powerml"), dirs_exist_ok=True)
    again = train(load_project(folder / "powerml.yaml"), experiment)
    assert again.sentences == trained.sentences
    assert again.model.to_dict() == trained.model.to_dict()


@pytest.mark.slow
def test_too_few_events_leave_the_documented_card_as_challenger(tmp_path):
    write_product(tmp_path / "small", "validation", users=60, months=14, seed=7)
    done = run("train", "-c", tmp_path / "small" / "powerml.yaml", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["challenger"] == "engagement"
    assert said["verdict"] == "cannot tell"
    assert said["champion"] is False
    assert any(s.startswith("Too few events to fit: the mature snapshots hold") for s in said["sentences"])
    assert "logistic" not in [row["scorer"] for row in said["scorers"]]

    config = tmp_path / "small" / "powerml.yaml"
    refused = run("score", "-c", config, "-o", tmp_path / "s.csv")
    assert isinstance(refused.exception, PowermlError)
    assert "validation has no champion yet; score with its challenger (version 1)" in str(refused.exception)
    assert "--model validation@challenger" in str(refused.exception)
    assert not (tmp_path / "s.csv").exists()

    scored = run("score", "-c", config, "--model", "validation@challenger", "-o", tmp_path / "s.csv")
    assert scored.exit_code == 0, scored.output
    scores = pd.read_csv(tmp_path / "s.csv")
    assert scores["frequency"].notna().any()
    told = scores[scores["status"] == "scored"]
    assert len(told)
    assert told["document_score"].between(0, 100).all()
    expected = 100 * (0.6 * told["p_stay"] + told["p_expand"])  # through the cautious link
    assert np.allclose(told["score"], expected, atol=0.02)
    assert scores.loc[scores["status"] != "scored", ["score", "p_churn"]].isna().all(axis=None)


def test_a_project_without_known_outcomes_says_so(tmp_path):
    write_product(tmp_path / "young", "validation", users=20, months=3, seed=7)
    done = run("train", "-c", tmp_path / "young" / "powerml.yaml")
    assert isinstance(done.exception, PowermlError)
    assert "no snapshot's outcomes are known yet: the data ends on 2024-03-" in str(done.exception)
    assert not (tmp_path / "young" / ".powerml" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("scorers", "message"),
    [
        ("[{weights: engagment}]", "scorer 'engagment': no weights named 'engagment'; did you mean 'engagement'?"),
        ("[{fit: logistic, strenth: 3}]", "scorer 'logistic': head logistic has no option 'strenth'"),
    ],
)
def test_a_scorer_that_cannot_be_made_is_named(product, tmp_path, scorers, message):
    (tmp_path / "e.yaml").write_text(f"scorers: {scorers}\n")
    done = run("train", "-c", product / "powerml.yaml", tmp_path / "e.yaml")
    assert isinstance(done.exception, PowermlError)
    assert message in str(done.exception)


def rows(*told):
    frame = pd.DataFrame(told, columns=["account_id", "as_of", "label"]).assign(as_of=lambda f: pd.to_datetime(f.as_of))
    return Rows(frame, "account_id", 90)


def test_overlapping_windows_share_an_event_and_later_ones_need_another():
    seen = rows(
        ("acme", "2026-01-01", "expand"),
        ("acme", "2026-02-01", "expand"),
        ("acme", "2026-03-01", "expand"),
        ("acme", "2026-04-01", "expand"),  # 90 days after the first: that event was over
        ("acme", "2026-05-01", "churn"),
        ("lilt", "2026-01-01", "expand"),
    )
    assert seen.instants.tolist() == [0, 0, 0, 1, 0, 0]
    assert seen.events("expand") == 3
    assert seen.events("churn") == 1


def test_a_user_without_an_account_stands_for_itself():
    frame = pd.DataFrame({"user_id": ["a", "b", "c"], "account_id": ["x", None, None], "label": "stay"})
    assert Rows(frame, "user_id", 90).accounts.tolist() == ["x", "user b", "user c"]


def test_where_nobody_left_no_interval_of_leavers_is_printed(tmp_path):
    days = pd.date_range("2025-01-01", "2025-12-31", freq="10D")
    events = pd.DataFrame([(f"u{n}", "open", f"{day:%F}T0{n}:00:00Z") for n in range(8) for day in days])
    project = write_project(
        tmp_path, events.to_csv(index=False, header=["user_id", "event", "time"]), outcome={"kind": "behavioural"}
    )
    (tmp_path / "one.yaml").write_text("scorers: [{weights: engagement}]\n")
    done = train(load_project(project), load_experiment(tmp_path / "one.yaml"))
    (expected,) = [said for said in done.sentences if said.startswith("Expected of the 8")]
    assert "0 churn (none was seen yet), " in expected
    assert not [said for said in done.sentences if "nan" in said]
