import numpy as np
import pandas as pd
import pytest

from powerml.scoring.load import load_weights
from tests.scoring.sets import GOLDEN, scorer


def person(**metrics):
    made = load_weights("power_user_signals")
    return pd.DataFrame([{**dict.fromkeys(made.metrics_, 0.0), **metrics}])


def test_an_inactive_entity_is_in_no_top():
    table = GOLDEN.assign(key_actions_30d=np.where(GOLDEN.index == 0, 1e6, 1), active=GOLDEN.index != 0)
    scored = scorer("power_user_signals").score_table(table)
    assert not scored.loc[0, "key_actions"]
    assert scorer("power_user_signals").score_table(table.assign(active=True)).loc[0, "key_actions"]


def test_a_value_of_0_is_in_no_top():
    table = pd.concat([person() for _ in range(5)], ignore_index=True)
    assert not load_weights("power_user_signals").score_table(table)["key_actions"].any()


def test_ranks_are_stored_by_fit_and_taken_from_the_batch_without():
    row = GOLDEN.iloc[[5]]
    unfitted = load_weights("power_user_signals")
    assert unfitted.score_table(row)["key_actions"].item()  # alone, it is the top
    fitted = scorer("power_user_signals")
    assert fitted.score_table(row)["key_actions"].item() == fitted.score_table(GOLDEN)["key_actions"].iloc[5]


def test_twenty_active_days_do_without_a_rank():
    scored = scorer("power_user_signals").score_table(person(active_days_30d=20))
    assert scored["days_active"].item()
    assert scored["signals"].item() == 1
    assert scored["score"].item() == pytest.approx(100 / 6)


def test_four_signals_make_a_power_user():
    three = {"active_days_30d": 20.0, "core_features_30d": 5.0, "teammates_invited": 3.0}
    made = scorer("power_user_signals")
    assert made.score_table(person(**three))[["power_user", "band"]].iloc[0].tolist() == [False, "Not a power user"]
    four = made.score_table(person(**three, feature_requests_90d=2))
    assert four[["signals", "power_user", "band"]].iloc[0].tolist() == [4, True, "Power User"]


def test_the_joint_rule_needs_both():
    many = person(active_days_30d=20, distinct_features_30d=1e6)
    made = scorer("power_user_signals")
    assert made.score_table(many)["joint_rule"].item()
    assert not made.score_table(many.assign(active_days_30d=19))["joint_rule"].item()


def test_a_rule_holds_when_all_conditions_do():
    made = load_weights("power_user_rule")
    table = pd.DataFrame(
        {
            "active_days_30d": [15, 15, 14.9],
            "feature_categories_30d": [8, 8, 8],
            "integrations_connected": [0, 1, 1],
            "collaboration_actions_30d": [np.nan, 0, 9],
        }
    )
    scored = made.score_table(table)
    assert scored["power_user"].tolist() == [False, True, False]
    assert scored["score"].tolist() == pytest.approx([200 / 3, 100, 200 / 3])
    assert scored["coverage"].tolist() == pytest.approx([5 / 6, 1, 1])  # half of one condition of three is unknown
    assert made.contributions(table).values["integrations_connected"].tolist() == pytest.approx([0, 100 / 3, 50 / 3])
