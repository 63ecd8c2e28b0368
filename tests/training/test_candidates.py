"""Scorers of an experiment: made from training rows, weight sets fitted."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import ExperimentSpec, FittedEntry, WeightSetEntry
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.scoring.load import load_weights
from powerml.scoring.outcome.card_file import weight_files
from powerml.scoring.outcome.card_scorer import CardScorer
from powerml.training.candidates import Candidate, check_scorers, say
from powerml.training.rows import Rows
from powerml.training.snapshot_rows import snapshot_rows
from tests.scoring.outcome.test_model import snapshots

PROJECT = """
project: house
tables: {events: {files: events.csv}}
vocabulary: {}
params: {max_features: 10, max_advanced: 4}
"""


def data_of(tmp_path, frame, *, metrics=()):
    (tmp_path / "powerml.yaml").write_text(PROJECT)
    rows = Rows(frame, "account_id", 90)
    available = list(dict.fromkeys(["active_days_30d", "team_members_added_90d", "nps_latest", "seats", *metrics]))
    coverage = pd.DataFrame({"metric": available, "available": True, "reason": ""})
    vocabulary = {"features": 10, "advanced": 4, "core": 2}
    project = load_project(tmp_path / "powerml.yaml")
    return snapshot_rows(project, catalogue(), rows, frame, frame, vocabulary, coverage)


@pytest.fixture
def data(tmp_path):
    """Eighteen hundred rows with every metric that documents A, D and E read."""
    frame, y, _ = snapshots(1800)
    rng = np.random.default_rng(0)
    wanted = {m for name in ("engagement", "power_user", "activity") for m in load_weights(name).metrics_}
    made = {m: rng.poisson(2, len(frame)).astype(float) for m in sorted(wanted - set(frame))}
    made |= {"logins_30d": frame["active_days_30d"] * 2, "events_30d": frame["active_days_30d"] * 3}
    frame = frame.assign(**made, enough_history=True, label=y)
    return data_of(tmp_path, frame, metrics=sorted(wanted))


def test_document_a_s_five_dimensions_are_fitted_with_intervals(data):
    entry = FittedEntry.model_validate({"name": "fitted_a", "fit": "weights", "prior": "power_user"})
    model = Candidate(entry, data, 7).make(data.labelled, data.labelled.frame).scorer
    table = model.fitted_weights()
    assert table.loc[table["outcome"] == "churn", "part"].tolist() == [
        "depth", "tenure", "collaboration", "expansion", "sentiment",
    ]  # fmt: skip
    assert table.loc[table["outcome"] == "churn", "documented"].tolist() == [0.3, 0.2, 0.2, 0.15, 0.15]
    assert table.groupby("outcome")["fitted"].sum().to_numpy() == pytest.approx([1, 1])
    assert (table["low"] <= table["fitted"] + 1e-9).all()
    assert (table["fitted"] <= table["high"] + 1e-9).all()
    assert set(weight_files(model)) == {"power_user_for_churn", "power_user_for_expand"}
    assert any("documented 0.3" in sentence for sentence in model.findings())


def test_document_e_s_actions_are_fitted_relative_to_a_login(data):
    entry = FittedEntry.model_validate({"fit": "weights", "prior": "activity"})
    table = Candidate(entry, data, 7).make(data.labelled, data.labelled.frame).scorer.fitted_weights()
    churn = table[table["outcome"] == "churn"].set_index("part")
    assert churn["documented"].to_dict() == {"logins_30d": 1, "workflows_completed_30d": 5, "invites_30d": 8}
    assert churn.loc["logins_30d", "fitted"] == pytest.approx(1)


def test_weights_without_a_prior_are_those_of_the_documented_card(data):
    model = Candidate(FittedEntry(fit="weights"), data, 7).make(data.labelled, data.labelled.frame).scorer
    assert "frequency" in set(model.fitted_weights()["part"])


def test_too_few_events_the_documented_card_stands_in_and_the_other_head_reads_the_screened_metrics_only(data):
    y = data.labelled.y
    kept = np.flatnonzero((y != "churn") | (np.cumsum(y == "churn") <= 5))
    model = Candidate(FittedEntry(fit="logistic"), data, 7)
    kept_metrics = ("team_members_added_90d", "seats")
    object.__setattr__(model, "screening", Kept(kept_metrics))
    fitted = model.make(data.labelled.take(kept), data.labelled.frame).scorer
    assert "churn: 5 events" in fitted.notes_[0]
    assert fitted.sides_.churn.scorer.name == "engagement"
    assert fitted.encoder_.names == kept_metrics


class Kept:
    """A screen that keeps what it is told."""

    auto = None

    def __init__(self, names):
        self.names = names

    def keep(self, rows, available):
        return list(self.names)


def test_a_card_file_is_a_scorer_with_its_own_probabilities_and_a_caution(data, tmp_path):
    fitted = Candidate(FittedEntry(fit="card", name="ours"), data, 7).make(data.labelled, data.labelled.frame)
    (tmp_path / "ours.yaml").write_text(weight_files(fitted.scorer)["ours"])
    candidate = Candidate(WeightSetEntry(weights="ours.yaml"), data, 7, tmp_path)
    again = candidate.make(data.labelled, data.labelled.frame)
    assert type(again.scorer) is CardScorer
    rates = data.labelled.rates(data.outcomes)
    before, after = say(fitted, data.labelled, rates), say(again, data.labelled, rates)
    assert after.score == pytest.approx(before.score)
    assert after.probabilities.to_numpy() == pytest.approx(before.probabilities.to_numpy())
    assert (fitted.stay_value, again.stay_value) == (0.6, 0.6)
    edited = (tmp_path / "ours.yaml").read_text().replace("stay_value: 0.6", "stay_value: 0.2")
    (tmp_path / "edited.yaml").write_text(edited)
    made = Candidate(WeightSetEntry(weights="edited.yaml"), data, 7, tmp_path).make(data.labelled, data.labelled.frame)
    assert made.stay_value == 0.2
    last = data.labelled.times.max()
    assert "ours was fitted on snapshots up to 2026-03-01" in candidate.caution(np.array([last]))
    assert candidate.caution(np.array([last + np.timedelta64(200, "D")])) is None
    assert Candidate(WeightSetEntry(weights="engagement"), data, 7).caution(np.array([last])) is None


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"fit": "weights", "prior": "power_usr"}, "scorer 'weights': .*did you mean 'power_user'"),
        ({"fit": "weights", "prior": "power_user_rule"}, "is of kind rule, which has no weights to fit"),
        ({"fit": "card", "totl": 50}, "head card has no option 'totl'"),
    ],
)
def test_words(data, entry, words):
    with pytest.raises(UsageError, match=words):
        check_scorers(ExperimentSpec(scorers=(FittedEntry.model_validate(entry),)), data.project)
