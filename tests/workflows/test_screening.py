import numpy as np
import pandas as pd

from powerml.screening.correlation import CorrelationScreen
from powerml.workflows.screening import Screening
from powerml.workflows.training_data import Rows


def rows(n=400, seed=7):
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(n) < 0.5, "churn", "stay")
    strong = np.where(label == "churn", 2.0, 0.0) + rng.normal(size=n)
    frame = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(n)], "as_of": pd.Timestamp("2026-01-01"), "label": label}
    )
    return Rows(frame.assign(strong=strong, noise=rng.normal(size=n), leak=strong), "account_id", 90)


def test_the_rule_keeps_what_reaches_the_threshold():
    screening = Screening(CorrelationScreen(0.45, min_keep=1))
    assert screening.keep(rows(), ["noise", "strong"]) == ["strong"]
    assert screening.tag == "|r| >= 0.45, balanced"


def test_without_a_rule_everything_is_kept_but_suspected_leaks():
    screening = Screening(None, {"leak": "perfect"})
    assert screening.keep(rows(), ["noise", "strong", "leak"]) == ["noise", "strong"]
    assert screening.tag == "off"


def test_a_suspected_leak_is_not_offered_to_the_rule():
    screening = Screening(CorrelationScreen(0.45, min_keep=1), {"leak": "perfect"})
    assert screening.keep(rows(), ["noise", "strong", "leak"]) == ["strong"]
