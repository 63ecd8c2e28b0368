"""The outcome model: probabilities, the score, reasons, few events, two outcomes, and the same bytes every time."""

import json
from copy import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from powerml.calibration.head import HeadCalibrator
from powerml.errors import MissingColumns
from powerml.scoring.contributions import Contributions
from powerml.scoring.load import load_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.outcome.nested import NestedSides
from powerml.scoring.stored import scorer_from_dict
from powerml.screening.auto import AutoScreen
from powerml.statistics.logistic import sigmoid

BY_NAME = {
    "check_dataframe_column_names_consistency": "columns are taken by name, in any order; one that is missing is named"
}


def snapshots(n=1500, seed=0, *, churn=-1.5, expand=-1.5):
    """Snapshots of accounts with four metrics and their outcomes; columns as the snapshot table has them."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 21, n).astype(float)
    added = rng.poisson(1, n).astype(float)
    nps = np.where(rng.random(n) < 0.6, np.nan, rng.integers(0, 11, n))
    c = sigmoid(churn + 1 - 0.12 * days + 0.3 * (nps < 6))
    e = sigmoid(expand + 0.8 * added - 0.5)
    left, grew = rng.random(n) < c, rng.random(n) < e
    frame = pd.DataFrame(
        {
            "as_of": np.tile(pd.date_range("2026-01-01", periods=3, freq="MS"), n // 3 + 1)[:n],
            "account_id": [f"a{i // 3}" for i in range(n)],
            "active": True,
            "active_days_30d": days,
            "team_members_added_90d": added,
            "nps_latest": nps,
            "seats": rng.integers(1, 50, n).astype(float),
        }
    )
    return frame, np.where(left, "churn", np.where(grew, "expand", "stay")), np.column_stack([c, e])


def fitted(frame, y, **options):
    model = NestedOutcomeModel(**options)
    return model.fit(frame, y, groups=frame["account_id"], times=frame["as_of"], ids=frame["account_id"])


class Points:
    """A documented score: five points an active day."""

    metrics_ = ("active_days_30d",)

    def predict_score(self, X):
        return 5.0 * np.minimum(X["active_days_30d"].to_numpy(), 20)

    def contributions(self, X):
        return Contributions(pd.DataFrame({"active_days_30d": self.predict_score(X)}, index=X.index), 0.0)


@parametrize_with_checks([NestedOutcomeModel(min_events=1)], expected_failed_checks=lambda _: BY_NAME)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_probabilities_are_a_simplex_and_the_score_their_value():
    frame, y, _ = snapshots()
    model = fitted(frame, y)
    proba = model.predict_proba_outcomes(frame)
    assert list(proba) == ["p_churn", "p_stay", "p_expand"]
    assert proba.sum(axis=1).to_numpy() == pytest.approx(1)
    assert (proba.index == frame.index).all()
    table = model.score_table(frame, reference=True)
    assert table["score"].to_numpy() == pytest.approx(60 * proba["p_stay"] + 100 * proba["p_expand"])
    assert model.predict_score(frame) == pytest.approx(table["score"].to_numpy())
    assert (table["churn_lift"] * (y == "churn").mean()).to_numpy() == pytest.approx(proba["p_churn"].to_numpy())
    assert table["coverage"].to_numpy() == pytest.approx(np.where(frame["nps_latest"].isna(), 0.75, 1.0))
    assert (table.loc[table["score"] < 30, "band"] == "High Risk").all()
    assert table["score_reference"].between(0, 100).all()
    assert model.metrics_ == ("active_days_30d", "team_members_added_90d", "nps_latest", "seats")


def test_it_comes_close_to_planted_probabilities():
    frame, y, _ = snapshots(6000)
    fresh, _, planted = snapshots(3000, seed=1)
    proba = fitted(frame, y).predict_proba_outcomes(fresh).to_numpy()
    assert np.abs(proba[:, 0] - planted[:, 0]).mean() < 0.025
    assert np.abs(proba[:, 2] - (1 - planted[:, 0]) * planted[:, 1]).mean() < 0.03


def test_two_outcomes_give_the_chance_of_staying():
    frame, y, _ = snapshots()
    model = fitted(frame, np.where(y == "churn", "churn", "stay"))
    table = model.score_table(frame)
    assert table["score"].to_numpy() == pytest.approx(100 * (1 - table["p_churn"]).to_numpy())
    assert "p_expand" not in table
    values = model.contributions(frame)
    assert values.scores.to_numpy() == pytest.approx(table["score"].to_numpy(), abs=1e-6)


def test_a_custom_yes_or_no_outcome_is_fitted_the_same_way():
    frame, y, _ = snapshots()
    model = fitted(frame, np.where(y == "expand", "advocate", "other"), outcomes=("other", "advocate"))
    table = model.score_table(frame)
    assert table["score"].to_numpy() == pytest.approx(100 * table["p_advocate"].to_numpy())
    assert "other_lift" in table


@cache
def of_head(head):
    """A model with that head on 450 snapshots, fitted once."""
    frame, y, _ = snapshots(450)
    return fitted(frame, y, head=head, min_events=5)


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from(["card", "logistic", "lightgbm", "stack", "auto"]),
    methods=st.tuples(*[st.sampled_from(["identity", "platt", "beta", "isotonic"])] * 2),
    two=st.booleans(),
    stay_value=st.floats(0.05, 0.95),
    seed=st.integers(0, 10_000),
)
def test_reasons_add_up_to_the_score_for_every_head_and_calibrator(head, methods, two, stay_value, seed):
    model = copy(of_head(head))
    rng = np.random.default_rng(seed)
    sides = []
    for side, method in zip(model.sides_.all, methods, strict=True):
        z = rng.normal(-1, 2, 80)
        calibrator = HeadCalibrator(method).fit(z, (rng.random(80) < sigmoid(2 * z + 1)).astype(float))
        sides.append(replace(side, calibrator=calibrator))
    model.sides_ = NestedSides(sides[0], None if two else sides[1], stay_value)
    frame, _, _ = snapshots(60, seed)
    reasons = model.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(frame), abs=1e-6)
    alone = model.contributions(frame.iloc[[7]])
    assert alone.baseline == reasons.baseline
    assert alone.values.to_numpy() == pytest.approx(reasons.values.iloc[[7]].to_numpy(), abs=1e-9)


@pytest.mark.parametrize("head", ["logistic", "stack"])
def test_the_same_bytes_over_row_order_and_threads(head):
    frame, y, _ = snapshots(600)
    written = json.dumps(fitted(frame, y, head=head).to_dict())
    mixed = np.random.default_rng(0).permutation(len(frame))
    with threadpool_limits(2):
        again = fitted(frame.iloc[mixed], y[mixed], head=head)
    assert json.dumps(again.to_dict()) == written


def test_rows_without_ids_are_sorted_by_what_they_hold():
    frame, y, _ = snapshots(300)
    mixed = np.random.default_rng(0).permutation(len(frame))
    first, second = (NestedOutcomeModel(head="card", min_events=5) for _ in range(2))
    assert first.fit(frame, y).to_dict() == second.fit(frame.iloc[mixed], y[mixed]).to_dict()


@pytest.mark.parametrize("screen", [None, AutoScreen(min_keep=2)])
def test_above_so_many_rows_some_accounts_rehearse_whatever_the_row_order(monkeypatch, screen):
    frame, y, _ = snapshots(600)
    ids = {"groups": frame["account_id"], "times": frame["as_of"], "ids": frame["account_id"]}
    whole = NestedOutcomeModel(screen=screen).fit(frame, y, **ids)
    monkeypatch.setattr("powerml.scoring.heads.training.REHEARSAL_ROWS", 500)
    model = NestedOutcomeModel(screen=screen).fit(frame, y, **ids)
    mixed = np.random.default_rng(1).permutation(600)
    again = NestedOutcomeModel(screen=screen).fit(
        frame.iloc[mixed], y[mixed], **{k: v.iloc[mixed] for k, v in ids.items()}
    )
    assert again.to_dict() == model.to_dict()
    assert whole.to_dict() != model.to_dict()  # what was compared is written


def test_written_and_read_it_scores_the_same():
    frame, y, _ = snapshots(600)
    model = fitted(frame, y)
    again = NestedOutcomeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    pd.testing.assert_frame_equal(again.score_table(frame), model.score_table(frame))
    pd.testing.assert_frame_equal(again.contributions(frame).values, model.contributions(frame).values)
    assert again.to_dict() == model.to_dict()
    assert again.weight_shares() == model.weight_shares()
    assert sum(model.weight_shares().values()) == pytest.approx(100)


def test_under_fifty_events_the_documented_score_stands_in_and_says_so():
    frame, y, _ = snapshots(600, churn=-4.5)
    events = (y == "churn").sum()
    assert 0 < events < 50
    model = fitted(frame, y, prior=Points())
    accounts = frame.loc[y == "churn", "account_id"].nunique()
    assert model.notes_ == (
        f"churn: {accounts} events (distinct accounts and instants), fewer than the 50 a head needs; "
        "no head was fitted and the documented score stands in, through a cautious link",
    )
    p = model.predict_proba_outcomes(frame)["p_churn"].to_numpy()
    order = np.argsort(frame["active_days_30d"].to_numpy())
    assert (np.diff(p[order]) <= 1e-12).all()
    assert p.mean() == pytest.approx((y == "churn").mean(), rel=0.3)
    reasons = model.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(frame), abs=1e-6)
    by_expand = set(reasons.values.columns)
    assert by_expand == set(model.metrics_)


def test_the_documented_score_may_be_a_column():
    frame, y, _ = snapshots(600, churn=-4.5)
    scored = frame.assign(prior_score=Points().predict_score(frame))
    model = fitted(scored, y)
    assert "prior_score" not in model.metrics_
    reasons = model.contributions(scored)
    assert "documented_score" in reasons.values
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(scored), abs=1e-6)
    with pytest.raises(MissingColumns, match="model outcome@1 needs column 'prior_score'"):
        model.predict_score(frame)


def test_a_shipped_weight_set_stands_in_and_travels_with_the_model():
    frame, y, _ = snapshots(600, churn=-4.5)
    metrics = load_weights("activity").metrics_
    frame = frame.assign(**{metric: np.round(frame["active_days_30d"] / (i + 1)) for i, metric in enumerate(metrics)})
    model = fitted(frame, y, prior=load_weights("activity").fit(frame))
    again = scorer_from_dict(json.loads(json.dumps(model.to_dict())))
    assert (again.predict_score(frame) == model.predict_score(frame)).all()
    reasons = again.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(frame), abs=1e-6)


def test_without_a_documented_score_the_base_rate_stands_in():
    frame, y, _ = snapshots(600, churn=-4.5)
    model = fitted(frame, y)
    assert "for want of a documented score, the base rate stands in" in model.notes_[0]
    assert np.ptp(model.predict_proba_outcomes(frame)["p_churn"]) < 1e-12


def test_no_event_at_all_is_no_error():
    frame, y, _ = snapshots(300)
    model = fitted(frame, np.where(y == "churn", "stay", y), outcomes=("churn", "stay", "expand"))
    assert model.notes_[0].startswith("churn: 0 events")
    assert model.score_table(frame)["score"].between(55, 100).all()


def test_events_are_accounts_and_instants_not_rows():
    frame, y, _ = snapshots(600)
    whole = fitted(frame, y).sides_.churn
    assert whole.events == frame.loc[y == "churn", "account_id"].nunique()
    model = NestedOutcomeModel().fit(frame, y, groups=frame["account_id"], instants=np.arange(600))
    assert model.sides_.churn.events == (y == "churn").sum()


def test_a_table_with_text_columns_and_ids_is_read_as_it_is():
    frame, y, _ = snapshots(900)
    table = frame[["active_days_30d", "team_members_added_90d"]].assign(
        contract=np.where(frame["seats"] > 25, "two years", "monthly"),
        charges=frame["seats"].astype(str).where(frame.index % 90 != 0, " "),
        customer=[f"c{i}" for i in range(900)],
        active=True,
    )
    model = NestedOutcomeModel().fit(table, y)
    assert model.metrics_ == ("active_days_30d", "team_members_added_90d", "contract", "charges")
    assert model.notes_ == ("left out customer: 900 different texts in 900 rows, so it says who, not what",)
    unseen = table.assign(contract="never heard of")
    assert np.isfinite(model.predict_score(unseen)).all()
    again = NestedOutcomeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert (again.predict_score(table) == model.predict_score(table)).all()


def test_recalibration_moves_both_intercepts():
    frame, y, _ = snapshots(3000)
    newer, later, _ = snapshots(6000, seed=3, churn=-0.9)
    model = fitted(frame, y)
    moves = model.recalibrate(newer, later)
    assert moves["churn"].by == pytest.approx(0.6, abs=0.2)
    assert moves["churn"].alarm
    assert not moves["expand"].alarm
    proba = model.predict_proba_outcomes(newer)
    assert proba["p_churn"].mean() == pytest.approx((later == "churn").mean(), abs=2e-3)


def test_words():
    frame, y, _ = snapshots(300)
    with pytest.raises(ValueError, match="one class only, 'stay'"):
        NestedOutcomeModel().fit(frame, np.full(300, "stay"))
    with pytest.raises(ValueError, match="y holds 'churn'; the outcomes are no, yes"):
        NestedOutcomeModel(outcomes=("no", "yes")).fit(frame, y)
    model = fitted(frame, y, min_events=10)
    with pytest.raises(MissingColumns, match="model outcome@1 needs column 'seats'"):
        model.predict_score(frame.drop(columns="seats"))


def documented_rows(n=1200, seed=0):
    """Snapshots with the metrics that document D's set reads, and outcomes that follow its score and active days."""
    frame, _, _ = snapshots(n, seed)
    rng = np.random.default_rng(seed + 1)
    card = load_weights("engagement")
    frame = frame.assign(**{m: rng.poisson(3, n).astype(float) for m in card.metrics_ if m not in frame})
    score = card.predict_score(frame)
    z = (score - score.mean()) / score.std() + 0.1 * (frame["active_days_30d"].to_numpy() - 10)
    left, grew = rng.random(n) < sigmoid(-1 - z), rng.random(n) < sigmoid(z - 1)
    return frame, np.where(left, "churn", np.where(grew, "expand", "stay"))


def blended(head="stack", **options):
    frame, y = documented_rows()
    return fitted(
        frame, y, head=head, prior=load_weights("engagement"), metrics=("active_days_30d", "seats"), **options
    )


@cache
def with_structure():
    """A blend that holds document D's set, fitted once."""
    return blended()


def test_a_blend_holds_the_documented_structure_and_says_so():
    model = with_structure()
    side = model.sides_.churn
    assert 0 < side.structure.share < 1
    assert set(load_weights("engagement").metrics_) <= set(model.metrics_)
    found = " ".join(model.findings()) if len(side.tried) > 1 else "weights"
    assert "weights" in found
    frame, _ = documented_rows(50, seed=3)
    inputs = model._checked(frame)
    own = side.head.decision_function(inputs.matrix)
    said = side.structure.logits(frame)
    raw = (1 - side.structure.share) * own + side.structure.share * said
    assert side.logits(inputs) == pytest.approx(side.calibrator.transform(raw))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reasons_of_a_blend_with_the_documented_structure_add_up(seed):
    frame, _ = documented_rows(40, seed)
    model = with_structure()
    reasons = model.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(frame), abs=1e-6)
    assert reasons.values.columns.is_unique


def test_a_blend_with_the_documented_structure_is_written_and_read():
    model, (frame, _) = with_structure(), documented_rows(60, seed=5)
    again = scorer_from_dict(json.loads(json.dumps(model.to_dict())))
    pd.testing.assert_frame_equal(again.score_table(frame), model.score_table(frame))
    pd.testing.assert_frame_equal(again.contributions(frame).values, model.contributions(frame).values)
    assert again.to_dict() == model.to_dict()


@pytest.mark.parametrize("head", ["card", "logistic", "lightgbm", "stack", "auto"])
def test_a_head_without_skill_is_silent(head):
    """Outcomes drawn without a look at the metrics: everybody gets the base rate, and a sentence says why."""
    frame, _, _ = snapshots(900)
    y = np.random.default_rng(11).choice(["churn", "stay"], 900, p=[0.3, 0.7])
    model = fitted(frame[["as_of", "account_id", "seats"]], y, head=head)
    if not model.sides_.churn.silent:  # by chance it gained a little
        assert model.sides_.churn.tried
        pytest.fail("the draw of this test has no gain out of fold for any head")
    proba = model.predict_proba_outcomes(frame)["p_churn"]
    assert proba.nunique() == 1
    assert proba.iloc[0] == pytest.approx((y == "churn").mean(), abs=1e-3)
    assert any("out of fold no head gains on the base rate" in note for note in model.notes_)
    assert model.contributions(frame).values.shape[1] == 0
    assert model.findings() == ()
    again = NestedOutcomeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.sides_.churn.silent
    assert (again.predict_score(frame) == model.predict_score(frame)).all()


def test_one_silent_side_leaves_the_other_its_reasons():
    frame, y, _ = snapshots(1500)
    luck = np.random.default_rng(12).random(1500) < 0.3
    mixed = np.where(luck, "churn", np.where(y == "expand", "expand", "stay"))
    model = fitted(frame, mixed)
    churn, expand = model.sides_.all
    assert churn.silent
    assert not expand.silent
    reasons = model.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(model.predict_score(frame), abs=1e-6)
    assert reasons.values.abs().to_numpy().sum() > 0
