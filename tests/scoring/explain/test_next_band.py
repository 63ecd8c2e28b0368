import pandas as pd
import pytest

from powerml.config.points import PointsSpec
from powerml.errors import UsageError
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.explain.next_band import apply, recipe
from powerml.scoring.load import load_weights
from tests.scoring.sets import CATALOGUE, GOLDEN, scorer

BASE = pd.DataFrame([dict.fromkeys(scorer("engagement").metrics_, 0.0)]).assign(
    team_size=3.0, days_since_last_active=2.0, active_days_per_week_28d=3.0, workflow_depth_30d=2.0
)  # 12 + 7 + 10, core 1, power 0, depth 10, team 6, limits 0, expansion 4: 50


def test_one_metric_where_one_is_enough():
    row = BASE.assign(tickets_unresolved=3.0, limit_utilisation=0.89)
    way = recipe(scorer("engagement"), row, CATALOGUE)  # 50 + 6 - 15 = 41, to 50: two tickets
    assert (way.score, way.band, way.next_band, way.edge) == (41, "At Risk", "Stable", 50)
    assert [(m.metric, m.bound, m.edge) for m in way.moves] == [("tickets_unresolved", "at most", 1)]
    assert way.score_after == 51


def test_a_rung_of_days_is_below_its_edge():
    row = BASE.assign(days_since_last_active=7.5, limit_utilisation=0.3, advanced_feature_days_ever=1.0)
    way = recipe(scorer("engagement"), row.assign(tickets_unresolved=1.0), CATALOGUE)  # 45 + 3 + 3 - 5 = 46
    assert way.score == 46
    after = scorer("engagement").score_table(apply(way, row.assign(tickets_unresolved=1.0)))
    assert after["band"].item() == "Stable"
    assert len(way.moves) == 1


def test_a_deduction_shared_with_a_part_counts_once_for_both():
    """Usage back from -30 % gives 5 points of trajectory and takes the -10 away."""
    row = BASE.assign(usage_change_90d=-0.3, days_since_last_active=0.0, core_feature_share_30d=0.5)
    way = recipe(scorer("engagement"), row, CATALOGUE)
    assert way.score == 39  # 12 + 10 + 0 + 7 + 0 + 10 + 6 + 0 + 4 - 10
    assert [(m.metric, m.edge) for m in way.moves] == [("usage_change_90d", -0.2)]
    assert way.score_after == 54


def test_only_actionable_metrics_in_their_good_direction():
    row = GOLDEN.iloc[[0]]
    facts = {name: spec.model_copy(update={"actionable": False}) for name, spec in CATALOGUE.items()}
    way = recipe(scorer("engagement"), row, facts)
    assert not way.reached
    assert not way.moves
    assert "out of reach of the actionable metrics alone" in way.text


def test_the_words_are_of_association():
    text = recipe(scorer("engagement"), BASE.assign(tickets_unresolved=1.0), CATALOGUE).text
    assert "what the rule counts" in text
    assert "no promise" in text


def test_the_highest_band_has_no_next():
    row = GOLDEN.iloc[[int(scorer("power_user").predict_score(GOLDEN).argmax())]]
    way = recipe(scorer("power_user"), row, CATALOGUE)
    assert way.text == "Already Champions, the highest band."


def test_fewest_actions_for_an_activity_score():
    made = load_weights("activity", params={"full_scale": 50})
    row = pd.DataFrame({"logins_30d": [8.0], "workflows_completed_30d": [3.0], "invites_30d": [1.0]})
    way = recipe(made, row, CATALOGUE)  # raw 31 of 50, Power from 76: 7 raw more, one invite is 8
    assert [(m.metric, m.target) for m in way.moves] == [("invites_30d", 2)]
    assert way.score_after == 78


def test_the_cheapest_of_all_combinations():
    """Against brute force: no combination of fewer metrics reaches the edge."""
    from itertools import combinations, product

    made = scorer("engagement")
    tries = {
        "active_days_per_week_28d": [5.0], "days_since_last_active": [0.9, 0.0], "usage_change_90d": [0.05],
        "core_feature_share_30d": [0.25, 0.5, 0.8], "advanced_feature_days_30d": [1.0, 4.0],
        "advanced_feature_days_ever": [1.0, 2.0], "team_members_added_90d": [1.0], "limit_utilisation": [0.3, 0.6, 0.9],
        "integrations_added_90d": [1.0], "new_categories_30d": [1.0], "tickets_unresolved": [0.0],
        "errors_per_session_30d": [4.9],
    }  # fmt: skip
    for errors, edge in ((0.0, 70), (6.0, 50)):
        row = BASE.assign(errors_per_session_30d=errors)
        way = recipe(made, row, CATALOGUE)
        assert way.edge == edge
        fewer = [
            row.assign(**dict(zip(metrics, values, strict=True)))
            for metrics in combinations(tries, len(way.moves) - 1)
            for values in product(*(tries[m] for m in metrics))
        ]
        assert made.predict_score(pd.concat(fewer)).max() < edge


class TestWords:
    def test_one_row(self):
        with pytest.raises(UsageError, match="a recipe is for one row, got 2"):
            recipe(scorer("engagement"), GOLDEN.iloc[:2], CATALOGUE)

    def test_bands(self):
        ladder = {"metric": "a", "missing": 0, "steps": [{"points": 1}]}
        card = PointsScorer(PointsSpec.model_validate({"name": "mine", "kind": "points", "parts": {"p": ladder}}))
        with pytest.raises(UsageError, match="weight set 'mine' declares no bands, so there is no next one"):
            recipe(card, pd.DataFrame({"a": [1.0]}), CATALOGUE)

    def test_a_reference(self):
        with pytest.raises(UsageError, match="'power_user_signals' scores against a reference; fit it on a snapshot"):
            recipe(load_weights("power_user_signals"), GOLDEN.iloc[[0]], CATALOGUE)
