import numpy as np
import pandas as pd
import pytest

from powerml.scoring.load import load_weights
from powerml.validation.review.parts import review_parts


@pytest.fixture(scope="module")
def metrics():
    """Fifty made-up rows with every metric that the documented sets read, some of them null."""
    rng = np.random.default_rng(3)
    names = {
        m for w in ("power_user", "engagement", "activity", "power_user_signals") for m in load_weights(w).metrics_
    }
    frame = pd.DataFrame({name: rng.gamma(1.0, 3.0, 50).round(2) for name in sorted(names)})
    frame.loc[:4, "nps_latest"] = np.nan
    return frame.assign(active=True)


@pytest.mark.parametrize("name", ["power_user", "engagement", "activity", "power_user_signals"])
def test_shares_are_the_whole_score(name, metrics):
    scorer = load_weights(name, params={"max_features": 20, "max_advanced": 5} if name == "power_user" else {})
    parts = review_parts(scorer, metrics)
    sizes = parts.shares.abs().sum(axis=1)
    assert np.all(np.isclose(sizes, 100) | (sizes == 0))
    assert list(parts.shares.columns) == list(parts.names)


def test_a_dimensions_share_is_what_it_gave_to_the_score(metrics):
    """85, 72, 65, 80, 90 of document A: 25.5 of the 78.4 points come from depth."""
    scorer = load_weights("power_user", params={"max_features": 20, "max_advanced": 5})
    parts = review_parts(scorer, metrics)
    table = scorer.score_table(metrics)
    whole = parts.levels.notna().all(axis=1)
    given = 0.30 * table["depth_score"] / table["score"]
    pd.testing.assert_series_equal(100 * given[whole], parts.shares.loc[whole, "depth"], check_names=False)


def test_points_are_reviewed_by_section_and_deductions_together():
    card = load_weights("engagement").card
    assert list(card.reviewed()) == ["usage_health", "feature_adoption", "expansion_signals", "deductions"]
    alone = card.model_copy(update={"sections": {}})
    assert list(alone.reviewed()) == list(card.criteria)
