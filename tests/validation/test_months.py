import numpy as np
import pandas as pd

from powerml.statistics.outcomes import Predictions
from powerml.validation.months import by_month, drift, rate_drift, worst_month


def months(rates, said, n=400, seed=7):
    """One cutoff per rate: outcomes at that rate times a person's own risk, predictions around `said`."""
    rng = np.random.default_rng(seed)
    parts = []
    for month, (rate, told) in enumerate(zip(rates, said, strict=True), start=1):
        tilt = rng.uniform(0.5, 1.5, n)
        parts.append(
            pd.DataFrame(
                {
                    "at": pd.Timestamp(2026, month, 1),
                    "account": [f"a{i}" for i in range(n)],
                    "came": rng.random(n) < rate * tilt,
                    "p": told * tilt,
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    said_frame = pd.DataFrame({"p_churn": rows["p"], "p_stay": 1 - rows["p"]})
    return rows, Predictions.of(np.where(rows["came"], "churn", "stay"), said_frame)


def test_every_cutoff_has_its_row_with_what_came_and_what_was_said():
    rows, ours = months([0.2, 0.2, 0.4], [0.2, 0.2, 0.2])
    table = by_month(ours, times=rows["at"], groups=rows["account"], repeats=100)
    assert table["outcome"].tolist() == ["overall", "churn"] * 3
    table = table[table["outcome"] == "churn"]
    assert table["rows"].tolist() == [400, 400, 400]
    assert table["as_of"].tolist() == list(pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]))
    assert np.allclose(table["rate"], rows.groupby("at")["came"].mean())
    assert np.allclose(table["predicted"], rows.groupby("at")["p"].mean())
    assert (table["low"] < table["auroc"]).all()


def test_the_worst_month_is_named():
    rows, ours = months([0.3] * 3, [0.3] * 3)
    table = by_month(ours, times=rows["at"], groups=rows["account"], repeats=50)
    worst = table.loc[table["auroc"].idxmin(), "as_of"]
    assert worst_month(table, "churn").startswith(f"Worst month for churn: {worst:%Y-%m-%d}, AUROC 0.")
    assert worst_month(table.head(2), "churn") == ""


def test_outcomes_that_come_more_often_than_said_are_drift():
    rows, ours = months([0.4] * 3, [0.25] * 3)
    (told,) = drift(ours, times=rows["at"], groups=rows["account"])
    assert told.startswith("Drift: in the held-out months churn came 1.5")


def test_a_ranking_that_got_worse_is_drift():
    rows, ours = months([0.3] * 3, [0.3] * 3, n=3000)
    blind = np.where(rows["at"] == rows["at"].max(), 0.3, ours.said("churn"))
    knowing = np.where(rows["at"] == rows["at"].min(), 0.1 + 0.4 * rows["came"], blind)
    said = Predictions(ours.outcomes, ours.codes, np.column_stack([knowing, 1 - knowing]), 100 * (1 - knowing))
    told = drift(said, times=rows["at"], groups=rows["account"])
    assert any("AUROC of churn is lower by 0.500" in each for each in told)


def test_steady_months_are_no_drift():
    alarms = 0
    for seed in range(20):
        rows, ours = months([0.25] * 3, [0.25] * 3, seed=seed)
        alarms += bool(drift(ours, times=rows["at"], groups=rows["account"], repeats=300))
    assert alarms <= 2  # two differences at 1 % each


def test_a_rate_that_rises_over_the_cutoffs_is_told_with_its_interval():
    rows, _ = months([0.15] * 5 + [0.3] * 3, [0.2] * 8)
    labels = np.where(rows["came"], "churn", "stay")
    (told,) = rate_drift(labels, outcomes=["churn"], times=rows["at"], groups=rows["account"])
    assert told.startswith("Drift: churn came in 3")
    assert "% of rows at the last 3 cutoffs and in 1" in told
    few = rows["at"] <= "2026-05-01"
    assert not rate_drift(labels[few], outcomes=["churn"], times=rows["at"][few], groups=rows["account"][few])


def test_a_difference_too_small_to_matter_is_no_drift_however_sure():
    rows, ours = months([0.21] * 3, [0.2] * 3, n=60_000)
    assert drift(ours, times=rows["at"], groups=rows["account"], repeats=100) == ()
    labels = np.where(rows["came"], "churn", "stay")
    rates, _ = months([0.2] * 3 + [0.21] * 3, [0.2] * 6, n=60_000)
    labels = np.where(rates["came"], "churn", "stay")
    said = rate_drift(labels, outcomes=["churn"], times=rates["at"], groups=rates["account"], repeats=100)
    assert said == ()
