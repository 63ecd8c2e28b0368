import pandas as pd
import pytest

from powerml.scoring.documented.load import load_weights
from powerml.scoring.explain.contributions import Contributions
from powerml.scoring.explain.shares import native_params, weight_shares
from tests.tracking.small_session import METRICS, ROWS


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
    shares = weight_shares(load_weights(name, params=params), ROWS, METRICS)
    assert list(shares) == METRICS
    assert sum(shares.values()) == pytest.approx(100)
    assert min(shares.values()) == 0


class Stranger:
    """A scorer without weights of its own."""

    def contributions(self, X):
        values = pd.DataFrame({"logins_30d": [3.0, -3.0], "house_metric": [1.0, 1.0]}, index=X.index)
        return Contributions(values, 50.0)


def test_a_scorer_without_weights_gives_its_mean_contributions():
    shares = weight_shares(Stranger(), ROWS.head(2), ["logins_30d", "invites_30d"])
    assert shares == {"logins_30d": 75.0, "invites_30d": 0.0, "house_metric": 25.0}


def test_native_parameters_of_a_weight_set_are_its_numbers():
    native = native_params(load_weights("activity", params={"full_scale": 50}))
    assert native["full_scale"] == 50
    assert native["invites_30d"] == 8
