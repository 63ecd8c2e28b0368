import numpy as np
import pandas as pd
import pytest

from powerml.scoring.load import load_weights, needed_metrics
from tests.scoring.sets import CATALOGUE, GOLDEN, scorer


def people(**columns):
    size = len(next(iter(columns.values())))
    return pd.DataFrame(
        {"logins_30d": [0] * size, "workflows_completed_30d": [0] * size, "invites_30d": [0] * size} | columns
    )


def test_full_scale_is_the_95th_percentile_of_the_active():
    table = people(logins_30d=[*range(101), 5000], active=[True] * 101 + [False])
    made = load_weights("activity").fit(table)
    assert made.full_scale_ == 95  # of 0 to 100; the inactive 5000 does not count
    assert made.predict_score(people(logins_30d=[19])).tolist() == [20]


def test_full_scale_is_at_least_1():
    assert load_weights("activity").fit(people(logins_30d=[0, 0])).full_scale_ == 1
    assert load_weights("activity").fit(people(logins_30d=[9], active=[False])).full_scale_ == 1


def test_a_declared_full_scale_stays():
    assert load_weights("activity", params={"full_scale": 50}).fit(GOLDEN).full_scale_ == 50


def test_a_null_count_counts_0_and_coverage_says_so():
    scored = load_weights("activity", params={"full_scale": 50}).score_table(
        people(logins_30d=[np.nan], invites_30d=[1])
    )
    assert scored["raw_score"].item() == 8
    assert scored["coverage"].item() == pytest.approx(13 / 14)  # weights 5 and 8 of 1, 5 and 8


def test_the_window_is_rewritten():
    made = load_weights("activity", params={"window_days": 7, "full_scale": 10})
    table = pd.DataFrame({"logins_7d": [2], "workflows_completed_7d": [0], "invites_7d": [1]})
    assert made.predict_score(table).tolist() == [100]
    assert list(made.contributions(table).values.columns) == ["logins_7d", "workflows_completed_7d", "invites_7d"]
    wanted = needed_metrics(made, CATALOGUE)
    assert [m["name"] for m in wanted] == list(made.metrics_)
    assert wanted[0]["where"] == {"role": ["login"]}
    assert wanted[0]["window_days"] == [7, 0]


def test_needed_metrics_are_declarations():
    for params in ({"window_days": 14}, {"half_life_days": 5.0}):
        for declaration in needed_metrics(load_weights("activity", params=params), CATALOGUE):
            assert type(CATALOGUE["logins_30d"]).model_validate(declaration).measure == "count"
    assert needed_metrics(load_weights("activity"), CATALOGUE) == []


def test_an_old_action_counts_half_after_its_half_life():
    made = load_weights("activity", params={"half_life_days": 3, "window_days": 7, "full_scale": 1})
    nothing = {metric: [0.0] for metric in made.metrics_}
    raw = [made.score_table(pd.DataFrame({**nothing, f"logins_day_{d}": [1.0]}))["raw_score"].item() for d in (0, 3, 6)]
    assert raw == [1.0, 0.5, 0.25]


def test_without_decay_a_day_by_day_count_is_the_plain_one():
    made = load_weights("activity", params={"half_life_days": 1e12, "window_days": 7, "full_scale": 100})
    table = pd.DataFrame({metric: [1.0] for metric in made.metrics_})
    assert made.score_table(table)["raw_score"].item() == pytest.approx(7 * (1 + 5 + 8))
    assert made.contributions(table).values.columns.tolist() == ["logins_30d", "workflows_completed_30d", "invites_30d"]


def test_the_unweighted_twin_counts_every_action_equally():
    twin = scorer("activity").unweighted()
    assert twin.name == "activity_unweighted"
    scored = twin.fit(GOLDEN).score_table(GOLDEN)
    np.testing.assert_array_equal(scored["raw_score"], scorer("activity").score_table(GOLDEN)["unweighted"])


def test_contributions_above_the_full_scale_are_scaled_down_alike():
    made = load_weights("activity", params={"full_scale": 10})
    table = people(logins_30d=[10], workflows_completed_30d=[2])
    assert made.contributions(table).values.iloc[0].tolist() == [50, 50, 0]  # 10 and 10 raw, 200 % of the full scale
