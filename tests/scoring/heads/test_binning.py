"""Levels with readable edges."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from powerml.scoring.heads.binning import Levels, equal_levels, learn_groups, learn_levels, simplest_number


def test_planted_edges_are_found_and_read_well():
    rng = np.random.default_rng(0)
    days = rng.uniform(0, 30, 6000)
    y = (rng.random(6000) < np.select([days < 7, days < 20], [0.6, 0.3], 0.05)).astype(float)
    levels = learn_levels(days, y)
    assert {round(edge) for edge in levels.edges} >= {7, 20}
    assert all(len(f"{edge:g}") <= 4 for edge in levels.edges)


def test_noise_has_one_level():
    rng = np.random.default_rng(1)
    assert learn_levels(rng.standard_normal(3000), (rng.random(3000) < 0.2).astype(float)).count == 1
    assert learn_levels(np.full(10, np.nan), np.zeros(10)).count == 1


def test_no_level_is_smaller_than_asked():
    rng = np.random.default_rng(2)
    seats = rng.integers(0, 9, 500).astype(float)
    y = (seats > 3).astype(float)
    y[:60] = 1 - y[:60]
    for least in (20, 100):
        levels = learn_levels(seats, y, min_rows=least)
        assert np.bincount(levels.of(seats)).min() >= least


def test_a_value_on_the_edge_is_in_the_upper_level_and_null_comes_last():
    levels = Levels((1.0, 5.0))
    assert levels.of(np.array([0.9, 1.0, 5.0, 9.0, np.nan])).tolist() == [0, 1, 2, 2, 3]
    assert Levels.from_dict(json.loads(json.dumps(levels.to_dict()))) == levels


def test_text_levels_with_few_rows_share_the_first():
    codes = np.repeat([0.0, 1.0, 2.0, np.nan], [50, 40, 3, 7])
    levels = learn_groups(codes)
    assert levels.groups == (0, 1)
    assert levels.of(np.array([0.0, 1.0, 2.0, 9.0, np.nan])).tolist() == [1, 2, 0, 0, 3]


def test_equal_levels_keep_few_distinct_values_apart():
    assert equal_levels(np.array([3.0, 1, 1, 2, np.nan])).edges == (2.0, 3.0)
    assert equal_levels(np.arange(1000.0)).count == 16


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_the_simplest_number_lies_between(low, width):
    high = low + width
    if low < high:
        assert low < simplest_number(low, high) <= high
