from typing import ClassVar

import pytest

from powerml.scoring.explain.shares import native_params, weight_shares
from powerml.scoring.load import load_weights
from tests.tracking.small_session import METRICS


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("engagement", {}),
        ("power_user", {"max_features": 20, "max_advanced": 5}),
        ("activity", {"full_scale": 50}),
        ("power_user_rule", {}),
        ("power_user_signals", {}),
    ],
)
def test_shares_add_up_to_100_over_the_same_keys_for_every_weight_set(name, params):
    shares = weight_shares(load_weights(name, params=params), METRICS)
    assert list(shares) == METRICS
    assert sum(shares.values()) == pytest.approx(100)
    assert min(shares.values()) == 0


class Stranger:
    """A scorer of a metric that the catalogue has not."""

    part_metrics: ClassVar[dict] = {}

    def weight_shares(self):
        return {"logins_30d": 3.0, "house_metric": 1.0}


def test_metrics_that_nobody_asked_for_are_added():
    shares = weight_shares(Stranger(), ["logins_30d", "invites_30d"])
    assert shares == {"logins_30d": 75.0, "invites_30d": 0.0, "house_metric": 25.0}


def test_native_parameters_of_a_weight_set_are_its_numbers():
    native = native_params(load_weights("activity", params={"full_scale": 50}))
    assert native["full_scale"] == 50
    assert native["invites_30d"] == 8
