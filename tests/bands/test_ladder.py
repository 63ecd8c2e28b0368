import numpy as np
import pytest

from powerml.bands.ladder import assign, next_edge, shares
from powerml.config.bands import BandsSpec
from powerml.config.weights import read_weights

D = read_weights("engagement").bands


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (-12.0, "High Risk"),
        (29.5, "High Risk"),  # no gap between the document's 0-29 and 30-49
        (30.0, "At Risk"),
        (30 - 1e-12, "At Risk"),  # floating-point dust
        (69.999, "Stable"),
        (70.0, "Healthy"),
        (90.0, "Champions"),
        (140.0, "Champions"),
    ],
)
def test_the_bands_of_document_d(score, band):
    assert assign([score], D).tolist() == [band]


def test_the_bands_of_document_e_have_no_gaps():
    assert assign([25.5, 26, 50.5, 51, 75.5, 76], read_weights("activity").bands).tolist() == [
        "Dormant", "Light", "Light", "Engaged", "Engaged", "Power",
    ]  # fmt: skip


def test_a_null_score_has_no_band():
    assert assign([np.nan, 95.0], D).tolist() == [None, "Champions"]


def test_the_next_edge_up():
    assert next_edge(29.5, D) == (30, "At Risk")
    assert next_edge(30.0, D) == (50, "Stable")
    assert next_edge(95.0, D) is None


def test_observed_against_expected_share():
    """Document A expects about 5 % champions and 15 % power users; with 4 % there is still no quota."""
    scores = [85.0] * 4 + [65.0] * 16 + [45.0] * 30 + [10.0] * 50
    held = shares(scores, read_weights("power_user").bands).set_index("band")
    assert held["share"].tolist() == [0.04, 0.16, 0.3, 0.5]
    assert held["expected_share"].tolist()[:2] == [0.05, 0.15]
    assert held["expected_share"].isna().tolist() == [False, False, True, True]


def test_no_scores_have_no_shares():
    assert shares([], BandsSpec.model_validate({50: "High", 0: "Low"}))["n"].tolist() == [0, 0]
