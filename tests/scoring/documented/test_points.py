import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.points import PointsSpec
from powerml.scoring.documented.points import PointsScorer, criterion_points
from tests.scoring.sets import GOLDEN, scorer

NULL = float("nan")


def card(**changed):
    return PointsScorer(PointsSpec.model_validate({"name": "mine", "kind": "points", **changed}))


LADDER = {"metric": "a", "missing": 1, "steps": [{"from": 7, "points": 5}, {"from": 2, "points": 3}, {"points": 0}]}


@given(st.lists(st.floats(-10, 20) | st.just(NULL), min_size=1))
def test_a_ladder_against_a_slow_reading_of_it(values):
    def slow(value):
        if value != value:
            return 1
        return 5 if value >= 7 else 3 if value >= 2 else 0

    scored = card(parts={"only": LADDER}).score_table(pd.DataFrame({"a": values}))
    assert scored["only"].tolist() == [slow(value) for value in values]


@pytest.mark.parametrize(
    ("added", "gone", "size", "points"),
    [
        (0, 1, 5, 2),  # shrinking
        (0, 1, 1, 2),  # shrinking comes before single
        (0, 0, 1, 0),  # single user
        (2, 1, 5, 10),  # growing
        (1, 1, 5, 6),  # stable
        (NULL, 1, 5, 0),
        (1, 0, NULL, 0),
    ],
)
def test_team_growth(added, gone, size, points):
    row = GOLDEN.iloc[[0]].assign(team_members_added_90d=added, team_members_deactivated_90d=gone, team_size=size)
    assert scorer("engagement").score_table(row)["team_growth"].tolist() == [points]


@pytest.mark.parametrize(
    ("integrations", "categories", "breadth", "points"),
    [
        (1, 0, -1, 10),
        (0, 1, -1, 7),
        (0, 0, -0.25, 0),
        (0, 0, -0.2, 4),
        (NULL, 1, NULL, 7),  # a null input is a rung not reached
        (NULL, NULL, 0.5, 4),
        (NULL, NULL, -0.5, 0),
        (NULL, NULL, NULL, 0),
    ],
)
def test_feature_expansion(integrations, categories, breadth, points):
    row = GOLDEN.iloc[[0]].assign(
        integrations_added_90d=integrations, new_categories_30d=categories, feature_breadth_change_30d=breadth
    )
    assert scorer("engagement").score_table(row)["feature_expansion"].tolist() == [points]


@pytest.mark.parametrize(("score", "foretold"), [(29, "churn"), (30, "stay"), (70, "stay"), (71, "expand")])
def test_exactly_30_and_exactly_70_stay(score, foretold):
    steps = [{"from": edge, "points": edge} for edge in (71, 70, 30, 29)] + [{"points": 0}]
    part = {"metric": "a", "missing": 0, "steps": steps}
    made = card(parts={"only": part}, predicted={"churn_below": 30, "expand_above": 70})
    assert made.score_table(pd.DataFrame({"a": [score]}))["predicted"].tolist() == [foretold]


def test_the_raw_score_may_fall_below_0_and_the_contributions_follow_the_score_shown():
    made = card(
        parts={"only": {**LADDER, "steps": [{"from": 7, "points": 8}, {"points": 0}]}},
        deductions={"tickets": {"metric": "b", "per_unit": -5}},
    )
    table = pd.DataFrame({"a": [7, 7], "b": [3, 1]})
    scored = made.score_table(table)
    assert scored["raw_score"].tolist() == [-7, 3]  # 8 - 15, 8 - 5
    assert scored["score"].tolist() == [0, 3]
    assert made.contributions(table).values.to_numpy().tolist() == [[8, -8], [8, -5]]


def test_points_above_the_limit_are_cut_from_raw_and_score():
    made = card(parts={"only": LADDER}, limits={"max": 4, "min": 0})
    scored = made.score_table(pd.DataFrame({"a": [8]}))
    assert (scored["raw_score"].item(), scored["score"].item()) == (4, 4)
    assert made.contributions(pd.DataFrame({"a": [8]})).scores.tolist() == [4]


def test_a_lower_limit_is_the_baseline():
    made = card(parts={"only": LADDER}, limits={"max": 100, "min": 2})
    given_ = made.contributions(pd.DataFrame({"a": [0, 8]}))
    assert given_.baseline == 2
    assert given_.scores.tolist() == [2, 5]


def test_a_part_over_several_metrics_is_split_among_those_its_rung_asked_for():
    row = GOLDEN.iloc[[0]].assign(advanced_feature_days_30d=1, advanced_feature_days_ever=2)
    values = scorer("engagement").contributions(row).values.iloc[0]
    assert values["advanced_feature_days_30d"] == values["advanced_feature_days_ever"] == 3  # 6 points, two metrics
    row = row.assign(advanced_feature_days_30d=4)
    assert scorer("engagement").contributions(row).values.iloc[0]["advanced_feature_days_30d"] == 10


def test_coverage_is_the_points_of_parts_whose_inputs_are_all_there():
    """Frequency (15) and team growth (10) lack an input: 75 of 100 points were there."""
    complete = GOLDEN.dropna().iloc[[0]]
    row = complete.assign(active_days_per_week_28d=NULL, team_size=NULL)
    made = scorer("engagement")
    assert made.score_table(complete)["coverage"].tolist() == [1.0]
    assert made.score_table(row)["coverage"].tolist() == [0.75]


def test_nothing_deducted_is_0_and_not_minus_0():
    scored = scorer("engagement").score_table(GOLDEN.assign(tickets_unresolved=0))
    assert not np.signbit(scored["unresolved_tickets"]).any()


def test_the_position_tells_which_step_gave_the_points():
    criterion = PointsSpec.model_validate({"name": "m", "kind": "points", "parts": {"p": LADDER}}).parts["p"]
    points, position = criterion_points(criterion, {"a": np.array([8.0, 2.0, 0.0, NULL])})
    assert points.tolist() == [5, 3, 0, 1]
    assert position.tolist() == [0, 1, 2, 3]
