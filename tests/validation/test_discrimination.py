import numpy as np
import pandas as pd
import pytest

from powerml.statistics.scores import auroc
from powerml.validation.discrimination import auroc_by_days_before, auroc_by_month, discrimination


def test_by_hand():
    # 40 rows; the four with the lowest scores (a tenth) hold 3 of 4 churners
    y = np.array(["stay"] * 40, dtype=object)
    y[[0, 1, 2, 39]] = "churn"
    found = discrimination(y, score=np.arange(40), groups=np.arange(40)).iloc[0]
    assert (found["outcome"], found["n"], found["n_events"], found["rate"]) == ("churn", 40, 4, 0.1)
    assert found["recall_10"] == pytest.approx(0.75)
    assert found["lift_10"] == pytest.approx(7.5)
    # of 4 x 36 pairs the three low churners win all 36, the last loses all: 108 / 144
    assert found["auroc"] == pytest.approx(0.75)
    assert found["average_precision"] == pytest.approx((1 + 1 + 1 + 4 / 40) / 4)
    for name in ("auroc", "average_precision", "lift_10", "recall_10"):
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]


def test_a_score_ranks_churn_down_and_expansion_up():
    y = np.repeat(["churn", "stay", "expand"], 20)
    found = discrimination(y, score=np.arange(60), groups=np.arange(60), repeats=50).set_index("outcome")
    assert list(found["auroc"]) == [1.0, 1.0]
    p = pd.DataFrame({"p_churn": np.arange(60) / 100, "p_expand": np.arange(60) / 100})
    by_p = discrimination(y, probabilities=p, groups=np.arange(60), repeats=50).set_index("outcome")
    assert by_p["auroc"].to_dict() == {"churn": 0.0, "expand": 1.0}


def test_drift_shows_month_by_month():
    rng = np.random.default_rng(0)
    times = np.repeat(pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"]), 400)
    s = rng.normal(size=1200)
    strength = np.repeat([3.0, 1.5, 0.0], 400)
    y = np.where(rng.random(1200) < 1 / (1 + np.exp(1.5 + strength * s)), "churn", "stay")
    months = auroc_by_month(y, times, score=s, groups=np.tile(np.arange(400), 3), repeats=100)
    assert months["auroc"].is_monotonic_decreasing
    assert list(months["worst"]) == [False, False, True]
    assert months["auroc_low"].iloc[0] > months["auroc_high"].iloc[2]
    assert months["auroc"].iloc[1] == pytest.approx(auroc(y[400:800] == "churn", -s[400:800]))


def test_early_warning_fades_with_the_days():
    rng = np.random.default_rng(1)
    cutoffs = pd.date_range("2025-01-01", periods=4, freq="MS")
    ids = [f"u{i}" for i in range(500)]
    last = rng.normal(size=500)
    history = []
    for k, as_of in enumerate(cutoffs[::-1]):  # the farther back, the more noise
        history.append(pd.DataFrame({"as_of": as_of, "user_id": ids, "score": last + k * rng.normal(size=500)}))
    labels = pd.DataFrame({"as_of": cutoffs[-1], "user_id": ids, "label": np.where(last < -1, "churn", "stay")})
    found = auroc_by_days_before(pd.concat(history), labels, id_column="user_id", repeats=50)
    assert list(found["days_earlier"]) == [0, 30, 60, 90]
    assert found["auroc"].iloc[0] == 1.0
    assert found["auroc"].is_monotonic_decreasing
    assert (found["n"] == 500).all()
    # the first cutoff has nothing before it
    first = auroc_by_days_before(pd.concat(history), labels.assign(as_of=cutoffs[0]), id_column="user_id", repeats=50)
    assert list(first["n"]) == [500, 0, 0, 0]
    assert np.isnan(first["auroc"].iloc[1:]).all()
