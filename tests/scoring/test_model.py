import json

import numpy as np
import pandas as pd
import pytest

from powerml.errors import StoreError
from powerml.scoring.load import load_weights
from powerml.scoring.model import LONGEST_REFERENCE, ScoringModel
from powerml.statistics.ranks import Ranks
from tests.tracking.small_session import ROWS, model


def again(scoring_model):
    """The model after a trip through JSON text."""
    return ScoringModel.from_dict(json.loads(json.dumps(scoring_model.to_dict(), allow_nan=False)))


@pytest.mark.parametrize(
    "made",
    [
        model("engagement"),
        model("engagement", linked=True),
        model("power_user", max_features=20, max_advanced=5),
        model("power_user", linked=True, max_features=20, max_advanced=5),
        model("activity", linked=True, full_scale=50),
        model("power_user_signals", linked=True),
        model("activity"),
        model("power_user_rule"),
        model("power_user_signals"),
    ],
    ids=lambda made: f"{made.name}{' linked' if made.has_probabilities else ''}",
)
def test_json_keeps_every_score(made):
    pd.testing.assert_frame_equal(again(made).score(ROWS), made.score(ROWS))


def test_a_link_gives_probabilities_and_lift():
    table = model("engagement", linked=True).score(ROWS)
    assert np.allclose(table[["p_churn", "p_stay", "p_expand"]].sum(axis=1), 1)
    assert np.allclose(table["churn_lift"], table["p_churn"] / 0.25)
    assert table["p_churn"].corr(table["score"], method="spearman") == pytest.approx(-1)


def test_a_weight_set_alone_gives_none():
    assert not model("engagement").has_probabilities
    assert "p_churn" not in model("engagement").score(ROWS)


def test_percentiles_are_ranks_in_the_stored_reference():
    stored = model("engagement")
    alone = stored.score(ROWS.iloc[[0]])
    assert alone["percentile"].iloc[0] == stored.score(ROWS)["percentile"].iloc[0]
    assert stored.score(ROWS.iloc[[0]], ranking="batch")["percentile"].tolist() == [100.0]


def test_nothing_is_minus_zero():
    table = model("engagement").score(ROWS)
    numbers = table.select_dtypes("float").to_numpy()
    assert not np.signbit(numbers[numbers == 0]).any()


def test_a_long_reference_is_thinned_without_moving_ranks_by_more_than_a_hundredth():
    scores = np.random.default_rng(7).uniform(0, 100, 3 * LONGEST_REFERENCE)
    frame = ROWS.sample(len(scores), replace=True, random_state=7).reset_index(drop=True)

    class Uniform:
        told_outcomes = ()

        def predict_score(self, X):
            return scores

    thinned = ScoringModel(Uniform()).with_reference(frame.assign(active=True)).reference
    assert len(thinned.values) == LONGEST_REFERENCE
    whole = Ranks.of(scores).percentile(scores)
    assert np.abs(thinned.percentile(scores) - whole).max() < 0.01


def test_only_fitted_models_have_an_outside():
    free = ROWS.head(2).assign(mrr=[0.0, 10.0], label=["ineligible", "stay"])
    assert not ScoringModel(load_weights("engagement"), payers_only=True).outside(free).any()

    class Fitted:  # whatever has probabilities of its own
        kind = "fitted"
        told_outcomes = ("churn", "stay", "expand")

    assert ScoringModel(Fitted()).outside(free).tolist() == [True, False]
    assert ScoringModel(Fitted(), payers_only=True).outside(free[["mrr"]]).tolist() == [True, False]
    assert ScoringModel(Fitted()).outside(free[["mrr"]]).tolist() == [False, False]


def test_a_format_of_another_time_is_refused():
    with pytest.raises(StoreError, match="format 99; this version reads 2; train again"):
        ScoringModel.from_dict({"format": 99})
