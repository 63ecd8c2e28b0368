import numpy as np
import pandas as pd

from powerml.config.bands import BandsSpec
from powerml.monitoring.band_movement import crossed_down, movements, shares_over_time, transitions

BANDS = BandsSpec.model_validate({70: "High", 30: "Middle", 0: "Low"})
BEFORE = pd.Series({"ada": 80.0, "bob": 50.0, "cy": 20.0, "gone": 90.0, "dan": np.nan})
AFTER = pd.Series({"cy": 40.0, "ada": 10.0, "new": 5.0, "bob": 29.9, "dan": 10.0})


def test_only_those_scored_twice_move():
    moved = movements(BEFORE, AFTER, BANDS)
    assert moved.index.tolist() == ["cy", "ada", "bob"]
    assert moved["steps"].tolist() == [1, -2, -1]


def test_who_crossed_downwards_longest_fall_first():
    assert crossed_down(BEFORE, AFTER, BANDS).index.tolist() == ["ada", "bob"]


def test_transitions_count_everybody_once():
    counted = transitions(movements(BEFORE, AFTER, BANDS), BANDS)
    assert counted.index.tolist() == counted.columns.tolist() == ["High", "Middle", "Low"]
    assert counted.to_numpy().tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0]]


def test_shares_over_time_sum_to_one_at_each_date():
    scores = pd.DataFrame({"as_of": [2, 1, 1, 2], "score": [80.0, 10.0, 50.0, np.nan]})
    dated = shares_over_time(scores, BANDS)
    assert dated.groupby("as_of")["share"].sum().tolist() == [1, 1]
    assert dated["n"].tolist() == [0, 1, 1, 1, 0, 0]


def test_no_scores_give_an_empty_table():
    assert shares_over_time(pd.DataFrame({"as_of": [], "score": []}), BANDS).empty
