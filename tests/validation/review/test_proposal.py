import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.config.weights import differences, read_weights
from powerml.validation.review.proposal import cannot_edit, proposal

POWER, ENGAGEMENT, ACTIVITY = (read_weights(name) for name in ("power_user", "engagement", "activity"))
LEAN = st.floats(-1, 1)
STEPS = st.sampled_from([0.1, 0.25, 0.5, 0.9])


def test_the_documented_weights_take_a_quarter_step():
    """Tenure 0.20 x 0.75 = 0.15, depth 0.30 x 1.25 = 0.375; scaled by 1 / 1.025, the largest remainders up."""
    edited = proposal(POWER, {"tenure": -1, "depth": 1})
    weights = {name: d.weight for name, d in edited.dimensions.items()}
    assert weights == {"depth": 0.36, "tenure": 0.15, "collaboration": 0.19, "expansion": 0.15, "sentiment": 0.15}
    assert (edited.label, edited.based_on) == ("power_user@2", "power_user@1")
    assert edited.dimensions["depth"].terms == POWER.dimensions["depth"].terms


@given(st.fixed_dictionaries(dict.fromkeys(POWER.dimensions, LEAN)), STEPS)
@settings(deadline=None)
def test_dimensions_keep_a_sum_of_one_and_their_order_of_lean(lean, step):
    edited = proposal(POWER, lean, step=step)
    weights = {name: d.weight for name, d in (edited or POWER).dimensions.items()}
    assert math.isclose(math.fsum(weights.values()), 1, abs_tol=1e-12)
    assert min(weights.values()) >= 0.01
    least, most = min(lean, key=lean.get), max(lean, key=lean.get)
    old = {name: d.weight for name, d in POWER.dimensions.items()}
    assert weights[most] >= old[most] - 0.01
    assert weights[least] <= old[least] + 0.01


@given(st.fixed_dictionaries(dict.fromkeys(ENGAGEMENT.reviewed(), LEAN)), STEPS)
@settings(deadline=None, max_examples=50)
def test_points_keep_their_total_and_their_ladders(lean, step):
    edited = proposal(ENGAGEMENT, lean, step=step) or ENGAGEMENT
    assert sum(max(part.points) for part in edited.parts.values()) == 100
    for old, new in zip(ENGAGEMENT.criteria.values(), edited.criteria.values(), strict=True):
        assert all(points == round(points) for points in new.points)
        for i, a in enumerate(old.points):
            for b, c, d in zip(old.points[i:], [new.points[i]] * len(new.points), new.points[i:], strict=False):
                assert (a - b) * (c - d) >= 0  # what gave more gives no less
    for old, new in zip(ENGAGEMENT.deductions.values(), edited.deductions.values(), strict=True):
        assert all((a == 0) == (b == 0) for a, b in zip(old.points, new.points, strict=True))


def test_deductions_lean_by_themselves():
    edited = proposal(ENGAGEMENT, {"deductions": 1}, step=0.4)
    changed = {setting for setting, _, _ in differences(ENGAGEMENT, edited)}
    assert all(setting.startswith("deductions.") for setting in changed)
    assert edited.deductions["unresolved_tickets"].per_unit == -7


def test_actions_stand_relative_to_the_login():
    edited = proposal(ACTIVITY, {"logins_30d": -1, "invites_30d": 1})
    assert edited.actions["logins_30d"].weight == 1
    assert edited.actions["invites_30d"].weight == 13  # 8 x 1.25 / 0.75
    assert edited.actions["workflows_completed_30d"].weight == 6.7  # 5 / 0.75


@pytest.mark.parametrize("spec", [POWER, ENGAGEMENT, ACTIVITY])
def test_no_lean_no_proposal(spec):
    assert proposal(spec, {}) is None
    assert proposal(spec, {"depth": 0.0, "usage_health": 0.001}) is None


def test_what_has_no_weights_to_move_says_so():
    signals = read_weights("power_user_signals")
    assert "has no weights to move" in cannot_edit(signals)
    assert proposal(signals, {"days_active": 1}) is None
    assert "learnt from outcomes" in cannot_edit(None)
