"""Fitted weights of documented sets: contract, the document as prior, units, intervals, a set that can be edited."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.errors import UsageError
from powerml.scoring.heads.weights import WeightsHead, documented_weights
from powerml.scoring.load import load_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.stored import scorer_from_dict
from powerml.statistics.logistic import sigmoid


def usage(scorer, n=2500, seed=0):
    """Metrics of a weight set, heavy-tailed."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({metric: rng.gamma(0.7, 4.0, n) for metric in scorer.metrics_})


def grown(z, seed=0):
    return (np.random.default_rng(seed).random(len(z)) < sigmoid(z)).astype(float)


@parametrize_with_checks([WeightsHead()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_many_rows_recover_planted_weights_and_few_keep_the_document():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (20_000, 3))
    y = grown(X @ [0.5, 0.0, 2.0] - 1)
    assert WeightsHead((1.0, 1.0, 1.0)).fit(X, y).weights_ == pytest.approx([0.5, 0.0, 2.0], abs=0.25)
    few, free = (WeightsHead((1.0, 1.0, 1.0), prior_rows=rows).fit(X[:40], y[:40]) for rows in (10.0, 1e-3))
    assert np.abs(few.weights_ - few.scale_).max() < 0.5 * np.abs(free.weights_ - free.scale_).max()
    stiff = WeightsHead((1.0, 2.0, 3.0), prior_rows=1e9).fit(X, y)
    assert stiff.weights_ / stiff.scale_ == pytest.approx([1, 2, 3], abs=1e-3)


def test_contributions_add_up_and_it_reads_back():
    rng = np.random.default_rng(1)
    X = rng.uniform(0, 1, (300, 3))
    X[::5, 1] = np.nan
    head = WeightsHead(sign=-1).fit(X, grown(1 - 3 * X[:, 0]))
    values, baseline = head.contributions(X)
    assert values.sum(axis=1) + baseline == pytest.approx(head.decision_function(X))
    again = WeightsHead.from_dict(json.loads(json.dumps(head.to_dict())))
    assert (again.decision_function(X) == head.decision_function(X)).all()


def test_intervals_hold_the_planted_weights_and_widen_with_repeated_rows():
    rng = np.random.default_rng(2)
    X = rng.uniform(0, 1, (3000, 2))
    y = grown(X @ [1.0, 2.0] - 1.5)
    head = WeightsHead((1.0, 1.0)).fit(X, y)
    low, high = np.quantile(head.draws(X, y, np.arange(3000)), [0.025, 0.975], axis=0)
    assert (low < [1.0, 2.0]).all()
    assert (high > [1.0, 2.0]).all()
    rows = np.repeat(np.arange(300), 10)
    repeated = WeightsHead((1.0, 1.0)).fit(X[rows], y[rows])
    alone = repeated.draws(X[rows], y[rows], np.arange(3000)).std(axis=0)
    together = repeated.draws(X[rows], y[rows], rows).std(axis=0)
    assert (together > 2 * alone).all()


def test_units():
    power, activity = load_weights("power_user"), load_weights("activity")
    assert power.normalised(np.array([3.0, 2, 2, 1.5, 1.5])) == pytest.approx([0.3, 0.2, 0.2, 0.15, 0.15])
    assert activity.normalised(np.array([0.2, 0.4, 1.0])) == pytest.approx([1, 2, 5])
    engagement = load_weights("engagement")
    documented = np.array([*documented_weights(engagement).values()])
    assert engagement.normalised(0.02 * documented) == pytest.approx(documented)
    with pytest.raises(UsageError, match="power_user_rule@1 is of kind rule, which has no weights to fit"):
        documented_weights(load_weights("power_user_rule"))


@pytest.mark.parametrize("name", ["power_user", "engagement", "activity"])
def test_documented_weights_make_the_documented_score_again(name):
    scorer = load_weights(name, params={"max_features": 20, "max_advanced": 5} if name == "power_user" else {})
    X = usage(scorer, 200)
    scorer.fit(X)
    same = scorer.reweighted(list(documented_weights(scorer).values()), name="again").fit(X)
    assert same.kind == "fitted"
    assert same.predict_score(X) == pytest.approx(scorer.predict_score(X), abs=1e-6)
    assert scorer.unit_parts(X).shape == (200, len(scorer.parts))


@pytest.mark.parametrize("name", ["power_user", "engagement", "activity"])
def test_a_model_of_fitted_weights_is_two_weight_sets(name):
    scorer = load_weights(name, params={"max_features": 20, "max_advanced": 5} if name == "power_user" else {})
    X = usage(scorer, 900)
    scorer.fit(X)
    parts = scorer.unit_parts(X)
    z = parts @ np.linspace(0, 3, parts.shape[1])
    y = np.where(grown(1 - 2 * (z - z.mean()) / z.std()) == 1, "churn", "stay")
    model = NestedOutcomeModel("weights", prior=scorer).fit(X, y)
    [side] = model.sides_.all
    assert side.scorer.kind == "fitted"
    assert side.scorer.card.based_on == scorer.card.label
    assert [weight.part for weight in side.weights] == list(documented_weights(scorer))
    assert all(weight.low <= weight.high for weight in side.weights)
    assert model.metrics_ == scorer.metrics_
    reasons = model.contributions(X)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(X), abs=1e-6)
    again = scorer_from_dict(json.loads(json.dumps(model.to_dict())))
    assert (again.predict_score(X) == model.predict_score(X)).all()
    assert again.to_dict() == model.to_dict()


def test_fitted_weights_recover_the_planted_order():
    scorer = load_weights("activity")
    X = usage(scorer, 6000).round()
    y = np.where(grown(0.03 * X.to_numpy() @ [4.0, 1.0, 0.0] - 1) == 1, "stay", "churn")
    [side] = NestedOutcomeModel("weights", prior=scorer.fit(X)).fit(X, y).sides_.all
    logins, workflows, invites = side.weights
    assert (logins.documented, workflows.documented, invites.documented) == (1, 5, 8)
    assert logins.fitted == 1
    assert 1 > workflows.fitted > invites.fitted
    assert workflows.low < 0.25 < workflows.high


def test_words():
    X = pd.DataFrame({"logins_30d": np.arange(200.0)})
    with pytest.raises(UsageError, match="head weights fits the weights of a documented weight set"):
        NestedOutcomeModel("weights").fit(X, np.tile(["churn", "stay"], 100))


def test_where_no_part_says_anything_the_document_stays_and_the_link_is_flat():
    rng = np.random.default_rng(3)
    scorer = load_weights("power_user", params={"max_features": 10, "max_advanced": 4})
    frame = pd.DataFrame({m: rng.poisson(2, 600).astype(float) for m in scorer.metrics_})
    score = scorer.predict_score(frame)
    y = np.where(np.argsort(np.argsort(-score)) < 250, "churn", "stay")  # the best leave: every weight would be below 0
    model = NestedOutcomeModel("weights", prior=scorer).fit(frame, y)
    table = model.fitted_weights()
    assert table["fitted"].tolist() == table["documented"].tolist()
    assert model.predict_score(frame).std() < 1e-6


def test_its_calibrator_sees_the_scores_it_will_calibrate():
    """Out-of-fold logits go through the same clipping, scale and link as the fitted set: on average they agree."""
    rng = np.random.default_rng(5)
    scorer = load_weights("engagement")
    frame = pd.DataFrame({m: rng.poisson(3, 3000).astype(float) for m in scorer.metrics_})
    good = scorer.predict_score(frame)
    y = np.where(rng.random(3000) < 1 / (1 + np.exp((good - 40) / 8)), "churn", "stay")
    side = (
        NestedOutcomeModel("weights", prior=scorer)
        .fit(frame, y, times=np.zeros(3000), ids=[f"u{i:04}" for i in range(3000)])
        .sides_.churn
    )
    own = side.head.decision_function(side.scorer.predict_score(frame)[:, None])
    assert np.abs(side.out_of_fold - own).mean() < 0.15
