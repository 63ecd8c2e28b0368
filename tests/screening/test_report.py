import warnings

import numpy as np
import pandas as pd
import pytest

from powerml.errors import DataError
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.screening.report import REPORT_COLUMNS, differentiators, screen_report

LISTED = ["metric", "outcome", "n", "events", "r_natural", "r_natural_max", "r_bal", "r_bal_low", "r_bal_high"]


@pytest.fixture(scope="module")
def panel():
    """800 accounts in 4 snapshots: recency says churn, seats say expand, `middle` says churn at both ends."""
    rng = np.random.default_rng(0)
    n, months = 800, 4
    fate = np.tile(rng.choice(["churn", "stay", "expand"], n, p=[0.1, 0.75, 0.15]), months)
    x = pd.DataFrame(rng.normal(size=(n * months, 3)), columns=["recency", "seats", "noise"])
    x["recency"] += 1.6 * (fate == "churn")
    x["seats"] += 1.4 * (fate == "expand")
    x["middle"] = np.where(fate == "churn", 3 * rng.choice([-1, 1], n * months), 0) + rng.normal(size=n * months)
    x["seats_too"] = x["seats"] * 2 + 1
    x["constant"] = 1.0
    x["absent"] = np.nan
    x.loc[::4, "noise"] = np.nan
    times = np.repeat(pd.date_range("2025-01-01", periods=months, freq="MS"), n)
    return x, fate, {"groups": np.tile(np.arange(n), months), "times": times}


@pytest.fixture(scope="module")
def report(panel):
    x, y, keys = panel
    return screen_report(x, y, screen=CorrelationScreen(min_keep=1), repeats=200, **keys)


def cell(report, metric, outcome):
    return report.set_index(["metric", "outcome"]).loc[(metric, outcome)]


def test_one_row_per_metric_and_outcome_ranked(report, panel):
    assert list(report.columns) == list(REPORT_COLUMNS)
    assert len(report) == 2 * panel[0].shape[1]
    assert report["r_bal"].abs().dropna().is_monotonic_decreasing


def test_what_is_kept_and_why(report):
    recency = cell(report, "recency", "churn")
    assert recency["kept"]
    assert "for churn reaches 0.45" in recency["reason"]
    assert cell(report, "recency", "expand")["reason"] == recency["reason"]  # kept for what it says of churn
    assert cell(report, "noise", "churn")["reason"].startswith("weak: |r_bal| 0.0")
    assert cell(report, "constant", "churn")["reason"] == "says nothing here"
    assert cell(report, "absent", "churn")["reason"] == "no values"
    assert not report.loc[report["metric"].isin(["noise", "constant", "absent"]), "kept"].any()


def test_the_numbers(report, panel):
    x, y, _ = panel
    recency = cell(report, "recency", "churn")
    assert recency["n"] == 3200
    assert recency["events"] == (y == "churn").sum()
    assert recency["mean_stay"] == pytest.approx(x.loc[y == "stay", "recency"].mean())
    assert recency["difference"] == pytest.approx(x["recency"][y == "churn"].mean() - x["recency"][y != "churn"].mean())
    assert recency["r_natural"] == pytest.approx(np.corrcoef(x["recency"], y == "churn")[0, 1])
    assert abs(recency["r_natural"]) < recency["r_natural_max"] < 0.65  # a normal metric at 10 %: 0.585
    # d = 1.6 is r = 1.6 / sqrt(4 + 1.6^2) = 0.625 on balanced groups
    assert recency["r_bal"] == pytest.approx(0.625, abs=0.05)
    assert recency["r_bal_low"] < recency["r_bal"] < recency["r_bal_high"]
    assert recency["r_bal_high"] - recency["r_bal_low"] < 0.12
    assert (recency["sign"], recency["sign_stability"]) == (1, 1.0)
    assert cell(report, "noise", "churn")["share_null"] == 0.25
    assert cell(report, "noise", "churn")["n"] == 2400


def test_a_valley_is_flagged(report):
    assert cell(report, "middle", "churn")["non_monotone"]
    assert not report.loc[report["metric"] == "recency", "non_monotone"].any()
    assert not report.loc[report["metric"] == "noise", "non_monotone"].any()


def test_redundant_metrics_name_each_other(report):
    row = cell(report, "seats", "expand")
    assert row["nearest_kept"] == "seats_too"
    assert row["spearman_with_kept"] == pytest.approx(1.0)
    assert cell(report, "recency", "churn")["spearman_with_kept"] < 0.3


def test_suspected_leaks_stand_first_and_are_left_out(panel):
    x, y, keys = panel
    told = {"seats": "AUROC 0.9 at the cutoff but 0.5 a month before"}
    found = screen_report(x, y, screen=CorrelationScreen(min_keep=1), leaks=told, repeats=20, **keys)
    assert list(found["metric"][:2]) == ["seats", "seats"]
    assert found["reason"].iloc[0] == "suspected leak: AUROC 0.9 at the cutoff but 0.5 a month before"
    assert not found["kept"].iloc[0]
    forced = CorrelationScreen(min_keep=1, force_keep=["seats"])
    kept = screen_report(x, y, screen=forced, leaks=told, repeats=20, **keys)
    assert cell(kept, "seats", "churn")["kept"]


def test_natural_prevalence_loses_what_balance_keeps(panel):
    x, y, keys = panel
    rare = (y != "churn") | (np.arange(len(y)) % 3 == 0)  # 3.6 % churn
    keys = {name: np.asarray(v)[rare] for name, v in keys.items()}
    with pytest.warns(ScreenWarning, match="only .* of 7 metrics"):
        natural = screen_report(
            x[rare], y[rare], screen=CorrelationScreen(reference_prevalence="natural"), repeats=50, **keys
        )
    row = cell(natural, "recency", "churn")
    assert abs(row["r_natural"]) < 0.45 < row["r_bal"]
    assert "weak" in row["reason"]


def test_the_top_decile_against_the_median_user():
    metrics = pd.DataFrame({"logins": np.r_[np.full(90, 2.0), np.full(10, 9.0)], "zero": np.r_[np.zeros(99), 5.0]})
    found = differentiators(metrics, np.r_[np.zeros(90), np.ones(10)]).set_index("metric")
    assert found.loc["logins"].to_dict() == {"top_decile": 9.0, "median_user": 2.0, "times": 4.5}
    assert found.loc["zero", "top_decile"] == 0.5
    assert np.isnan(found.loc["zero", "times"])


def test_accounts_are_compared_no_more_often_than_it_takes_to_sort_them():
    """Text compared pairwise, or once a metric, made the screen take longer than the fit on 180,000 rows."""
    compared = 0

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        def __ne__(self, other):
            return not self == other

        def __lt__(self, other):
            nonlocal compared
            compared += 1
            return str.__lt__(self, other)

    draws = np.random.default_rng(0)
    n = 1_000
    accounts = np.array([Name(f"a{number}") for number in draws.permutation(n)], dtype=object)
    labels = np.where(draws.random(n) < 0.2, "churn", np.where(draws.random(n) < 0.1, "expand", "stay"))
    metrics = pd.DataFrame(draws.normal(size=(n, 6)), columns=list("abcdef"))
    with pytest.warns(ScreenWarning, match="only 0 of 6"):
        screen_report(metrics, labels, groups=accounts, times=np.full(n, "2025-01-01"), repeats=20)
    assert 0 < compared < 20 * n * np.log2(n)


@pytest.mark.parametrize(("threshold", "told"), [(None, "its being missing is told"), (0.45, "weak (known beside one")])
def test_a_metric_without_a_correlation_is_not_given_one(threshold, told):
    """It is known for those who stay only, so there is nobody to set them against."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["churn", "stay"], [30, 70])
    metrics = pd.DataFrame({"known_of_stayers": np.where(labels == "stay", rng.normal(size=100), np.nan)})
    screen = CorrelationScreen(threshold, min_keep=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScreenWarning)
        report = screen_report(metrics, labels, groups=np.arange(100), times=np.zeros(100), screen=screen, repeats=20)
    assert report["reason"].str.startswith(told).all()
    assert np.isnan(report["r_bal"]).all()


@pytest.mark.parametrize("label", ["stay", "churn"])
def test_one_outcome_alone_is_refused_in_words(label):
    rows = pd.DataFrame({"m": np.arange(50.0)})
    with pytest.raises(DataError, match=f"every one of 50 rows is '{label}'; a screen needs rows with an outcome"):
        screen_report(rows, [label] * 50, groups=np.arange(50), times=np.zeros(50))
