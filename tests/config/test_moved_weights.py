"""Weights moved by factors add up to what they added up to, and keep the digits they were written with."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.config.moved_weights import apportioned, decimals, scaled, short

SHARES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=2)
FACTORS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.25, 4.0))


@settings(deadline=None)
@given(SHARES, FACTORS, st.booleans())
def test_the_sum_and_the_digits_stay(parts, factors, floor):
    moved = apportioned(parts, factors, floor=floor)
    assert list(moved) == list(parts)
    assert sum(moved.values()) == sum(parts.values())
    assert all(value == int(value) for value in moved.values())
    if floor:
        assert min(moved.values()) >= 1


@settings(deadline=None)
@given(SHARES, FACTORS)
def test_shares_of_one_add_up_to_the_last_digit(parts, factors):
    total = sum(parts.values())
    shares = {name: round(value / total, 4) for name, value in parts.items()}
    moved = apportioned(shares, factors, floor=False)
    digits = decimals(shares.values(), at_least=2)
    assert math.fsum(moved.values()) == pytest.approx(math.fsum(shares.values()), abs=0.51 * 10**-digits)
    assert decimals(moved.values(), at_least=2) <= digits


def test_a_larger_factor_never_gives_less():
    before = {"a": 40, "b": 30, "c": 30}
    halves = [apportioned(before, {"a": factor}, floor=True)["a"] for factor in (0.5, 0.8, 1.0, 1.25, 2.0)]
    assert halves == sorted(halves)
    assert halves[2] == 40


@pytest.mark.parametrize(
    ("weight", "factor", "moved"), [(12.0, 1.1, 13.0), (12.0, 1.01, 12.0), (0.0, 2.0, 0.0), (-5.0, 1.5, -7.5)]
)
def test_two_significant_digits(weight, factor, moved):
    assert short(weight, factor) == moved


def test_a_criterion_is_scaled_in_all_its_parts_and_a_deduction_stays_one():
    given_ = {
        "missing": {"points": 4, "why": "new"},
        "steps": [{"at_least": 3, "points": 10}, {"at_least": 1, "points": 5}],
        "per_unit": -0.4,
    }
    moved = scaled(given_, 0.5, 0)
    assert moved["missing"] == {"points": 2, "why": "new"}
    assert [step["points"] for step in moved["steps"]] == [5, 3]
    assert moved["per_unit"] == -1  # a deduction never becomes none
    assert given_["per_unit"] == -0.4
