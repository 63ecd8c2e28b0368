"""A session about an outcome of one's own, from the experiment file to scores: nothing in it speaks of churn."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import load_experiment
from powerml.config.project import load_project
from powerml.errors import DataError, UsageError
from powerml.scoring.outcome.linked import LinkedScorer
from powerml.simulation import write_product
from powerml.tables import NamedColumns
from powerml.tracking import registry
from powerml.tracking.store import Store, connected
from powerml.workflows.backtest import run_backtest
from powerml.workflows.compare import compare_on_project
from powerml.workflows.explain import explain, from_project
from powerml.workflows.promote import promote
from powerml.workflows.score import score_snapshot
from powerml.workflows.train import train
from powerml.workflows.train_table import train_table
from tests.builders import NOW, write_project

pytestmark = pytest.mark.slow

GOOD = "outcome: {name: helper, events: {role: [referral, invite]}, good: true}\n"
BAD = "outcome: {name: troubled, events: {role: error}, at_least: 12, horizon_days: 60, good: false}\n"


def session(folder, text):
    (folder / "own.yaml").write_text(text)
    return train(load_project(folder / "powerml.yaml"), load_experiment(folder / "own.yaml"))


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("custom") / "product"
    write_product(folder, "history", users=700, months=13, seed=7)
    return folder


@pytest.fixture(scope="module")
def good(product):
    return session(product, f"{GOOD}scorers: [{{weights: engagement}}, {{fit: card}}]\ncapacity: 10\n")


@pytest.fixture(scope="module")
def bad(product):
    return session(product, f"{BAD}scorers: [{{fit: logistic}}]\n")


def run_of(done, name):
    with connected(Store(done.data.project.state)) as client:
        return client.get_run(done.session.scorers[name].run_id).data


def test_sentences_and_tables_carry_its_name(good):
    assert good.word == "skill"
    assert any(s.startswith("Helper: skill: ") for s in good.sentences)
    assert any(s.startswith("Early warning of helper: AUROC ") for s in good.sentences)
    assert any("accounts (p_helper from" in s and "with helper" in s for s in good.sentences)
    assert good.sentences[-1] == (
        "Outcome helper: at least 1 event with role referral or invite in the 90 days from the cutoff, among those "
        "with an event in the 90 days before it. It says nothing of contracts or money. Fitted scores are 100 "
        "P(helper), so that higher is better."
    )
    judged = good.part("outcomes").for_reading
    assert set(judged["outcome"]) == {"helper"}
    assert judged["AUROC"].ne("").all()
    assert list(good.bands)[4:6] == ["not_helper", "helper"]
    read = [part.for_reading for part in good.parts if part.for_reading is not None]
    tables = [*good.tables, *(column for table in (*read, *good.tables.values()) for column in table)]
    words = " ".join([*good.sentences, *map(str, tables), *good.next_steps])
    assert "helper expected (95 %)" in tables
    assert not [word for word in ("churn", "stay", "expand", "expansion") if word in words]


def test_the_score_is_the_chance_of_a_good_outcome_and_ranks_like_it(good):
    rows = good.data.labelled
    score = good.model.scorer.predict_score(rows.frame)
    p = good.model.probabilities(rows.frame)
    assert np.allclose(score, 100 * p["p_helper"])
    assert score[rows.y == "helper"].mean() > score[rows.y == "not_helper"].mean()
    assert good.model.scorer.sides_.churn.outcome == "not_helper"


def test_of_a_bad_outcome_the_score_is_the_chance_that_it_does_not_come(bad):
    rows = bad.data.labelled
    score = bad.model.scorer.predict_score(rows.frame)
    assert np.allclose(score, 100 * (1 - bad.model.probabilities(rows.frame)["p_troubled"]))
    assert score[rows.y == "troubled"].mean() < score[rows.y == "not_troubled"].mean()
    assert "Fitted scores are 100 (1 - P(troubled)), so that higher is better." in bad.sentences[-1]
    best_first = bad.bands["mean outcome"].astype(float).dropna()
    assert best_first.iloc[0] > best_first.iloc[-1]


def test_a_documented_scores_link_has_the_sign_that_its_document_binds(good):
    fitted = good.session.scorers["engagement"]
    with connected(Store(good.data.project.state)):
        from mlflow.artifacts import download_artifacts

        data = Path(download_artifacts(fitted.model_uri), "artifacts", "scoring_model.json")
        linked = LinkedScorer.from_dict(json.loads(data.read_text())["scorer"])
    assert linked.outcomes == ("not_helper", "helper")
    assert [link.outcome for link in linked.links] == ["not_helper"]
    assert linked.links[0].line.line.slope < 0  # the more engaged help more
    assert (np.diff(linked.of_document(np.linspace(0, 100, 21))) >= 0).all()


def test_the_runs_figures_have_its_name_in_their_keys(good):
    run = run_of(good, "card")
    named = {"helper/auroc", "skill/helper", "calibration/helper_slope", "top20/helper", "helper/auroc_30d_earlier"}
    assert named <= set(run.metrics)
    assert run.metrics["helper/auroc"] > 0.6
    keys = {*run.metrics, *run.tags, *run.params} - {name for name in run.params if name.startswith("weight.")}
    assert not [key for key in keys if "churn" in key or "expand" in key]
    assert run.tags["powerml.outcome"].startswith("helper: at least 1 event with role referral or invite in")


def test_it_has_a_model_and_a_champion_of_its_own(good, bad):
    store = Store(good.data.project.state)
    assert registry.models(store) == ["history-helper", "history-troubled"]
    assert good.champion is not None
    assert good.champion.model == "history-helper"
    assert good.next_steps[1] == "Score with it: powerml score --model history-helper@champion -o scores.csv"


def test_a_run_of_it_is_promoted_under_its_own_name(good):
    project = load_project(good.data.project.base / "powerml.yaml")
    now = datetime(2026, 9, 1, tzinfo=UTC)
    run = good.session.scorers["engagement"].run_id
    promoted = promote(project, run, alias="documented", force=True, now=now)
    assert promoted.version.model == "history-helper"
    assert promote(project, good.session.scorers["card"].run_id, now=now).version.number == good.version.number
    assert "history" not in registry.models(Store(project.state))


def test_scores_from_the_registry(product, good, bad):
    project = load_project(product / "powerml.yaml")
    done = score_snapshot(project, None, model="history-helper@champion", now=NOW)
    frame = done.frame
    assert [c for c in frame if c.startswith("p_") or c.endswith("_lift")] == ["p_helper", "helper_lift"]
    scored = frame[frame["status"] == "scored"]
    assert np.allclose(scored["score"], 100 * scored["p_helper"])
    rate = (good.data.labelled.y == "helper").mean()
    assert np.allclose(scored["helper_lift"], scored["p_helper"] / rate)
    seen = good.data.latest.set_index("user_id")["label"]
    outside = set(frame.loc[frame["status"] == "outside_population", "user_id"])
    assert outside == set(seen.index[(seen == "ineligible").to_numpy()]) & set(
        frame.loc[frame["status"] != "insufficient_history", "user_id"]
    )
    by_name = score_snapshot(project, None, model="history-helper", reasons=0, now=NOW).frame
    pd.testing.assert_series_equal(by_name["score"], frame["score"])
    other = score_snapshot(project, None, model="history-troubled@challenger", reasons=0, now=NOW).frame
    known = other["status"] == "scored"
    assert np.allclose(other.loc[known, "score"], 100 * (1 - other.loc[known, "p_troubled"]))


def test_it_is_explained(product, good):
    project = load_project(product / "powerml.yaml")
    snapshots = from_project(project, model="history-helper@champion")
    someone = good.data.latest.loc[good.data.latest["label"] == "immature", "user_id"].iloc[0]
    told = explain(someone, snapshots)
    assert told.baseline + told.reasons["contribution"].sum() == pytest.approx(told.row["score"])


def test_what_is_about_churn_refuses_it_in_a_sentence(product, good):
    project = load_project(product / "powerml.yaml")
    named = "history-helper version 1 was trained on 'helper', which is not what these snapshots are labelled with; "
    with pytest.raises(UsageError, match=named):
        run_backtest(project, date(2024, 8, 1), model="history-helper@champion")
    with pytest.raises(UsageError, match=named):
        compare_on_project(project, ["engagement", "history-helper@champion"])


def test_a_card_file_of_another_outcome_is_refused(product, good):
    with connected(Store(good.data.project.state)):
        from mlflow.artifacts import load_text

        text = load_text(f"runs:/{good.session.scorers['card'].run_id}/weights/card.yaml")
    (product / "helper_card.yaml").write_text(text)
    (product / "wrong.yaml").write_text("scorers: [{weights: helper_card.yaml}]\n")
    with pytest.raises(
        UsageError, match="scorer 'helper_card': its card tells not_helper, helper, and this experiment"
    ):
        train(load_project(product / "powerml.yaml"), load_experiment(product / "wrong.yaml"))


def test_a_feature_table_brings_its_own_outcome(product):
    (product / "own.yaml").write_text(GOOD)
    with pytest.raises(UsageError, match="outcome 'helper' is counted from a project's events"):
        train_table(product / "t.csv", NamedColumns("y"), experiment=load_experiment(product / "own.yaml"))


def test_events_that_never_occur_stop_the_session_and_too_few_fit_nothing(tmp_path):
    events = "user_id, event, time\n" + "".join(
        f"u{i}, {what}, 2025-{month:02}-1{i % 9}T00:00:00Z\n"
        for i in range(12)
        for month in range(1, 13)
        for what in ("click", "referred" if i == 3 else "click")
    )
    write_project(tmp_path, events, vocabulary={"referred": {"roles": ["referral"]}})
    with pytest.raises(DataError, match="no event of the data is one with role invite, so 'fan' never comes"):
        session(tmp_path, "outcome: {name: fan, events: {role: invite}, good: true}\n")
    few = session(
        tmp_path, "outcome: {name: fan, events: {role: referral}, good: true}\nscorers: [{weights: engagement}]\n"
    )
    assert few.word == "cannot tell"
    assert any(
        s.startswith("Too few events to fit: the mature snapshots hold ") and "of fan" in s for s in few.sentences
    )
    assert few.version.model.endswith("-fan")
