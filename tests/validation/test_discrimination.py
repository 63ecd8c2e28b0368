import numpy as np
import pandas as pd
import pytest

from powerml.validation.discrimination import discrimination


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
