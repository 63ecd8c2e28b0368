import numpy as np
import pandas as pd

from powerml.validation.metric_drift import comparable, drift_sentence, moved_metrics


def months(n=200, cutoffs=8, shift=0.0, seed=7):
    """`usage` is a person's own habit with noise, lifted by `shift` at the last three cutoffs; `habit` never moves."""
    rng = np.random.default_rng(seed)
    habit = rng.normal(size=n)
    parts = []
    for k in range(cutoffs):
        lift = shift if k >= cutoffs - 3 else 0.0
        usage = habit + rng.normal(scale=0.5, size=n) + lift
        usage[rng.random(n) < 0.1] = np.nan
        parts.append(
            pd.DataFrame({"at": pd.Timestamp(2026, k + 1, 1), "who": np.arange(n), "usage": usage, "habit": habit})
        )
    return pd.concat(parts, ignore_index=True)


def moved(frame):
    return moved_metrics(frame[["usage", "habit"]], times=frame["at"], groups=frame["who"])


def test_a_metric_that_moved_is_told_with_where_it_stood():
    frame = months(shift=0.6)
    found = moved(frame)
    assert found["metric"].tolist() == ["usage"]
    late = frame["at"] >= "2026-06-01"
    assert np.isclose(found["before"][0], frame.loc[~late, "usage"].mean())
    assert np.isclose(found["after"][0], frame.loc[late, "usage"].mean())
    assert found["chance"][0] > 0.6
    assert drift_sentence(found, of=2).startswith(
        "Drift: one of 2 metrics stands elsewhere at the last 3 cutoffs than before,"
    )


def test_metrics_that_stand_still_are_not_told():
    assert sum(len(moved(months(seed=seed))) for seed in range(30)) == 0
    assert drift_sentence(moved(months()), of=2) == ""


def test_a_fall_is_told_too_and_few_cutoffs_say_nothing():
    assert moved(months(shift=-0.6))["chance"][0] < 0.4
    assert moved(months(cutoffs=5, shift=2.0)).empty


def test_a_quarter_s_windows_are_waited_for():
    times = pd.to_datetime(["2026-01-01", "2026-03-01", "2026-04-01", "2026-05-01"])
    assert comparable(times).tolist() == [False, False, True, True]
