import numpy as np
import pandas as pd
import pytest

from powerml.config.bands import BandsSpec
from powerml.errors import DataError
from powerml.statistics.intervals import wilson
from powerml.validation.band_report import band_report, fifths

D = {90: "Champions", 70: "Healthy", 50: "Stable", 30: "At Risk", 0: "High Risk"}
# document D's table: band, n, churn, stay, expand
PRINTED = [
    (95, 700, 0, 12, 88),
    (80, 2820, 3, 51, 46),
    (60, 6423, 11, 79, 10),
    (40, 3210, 38, 54, 8),
    (15, 1847, 71, 24, 5),
]


def rows(*bands):
    """(score, n, % churn, % stay, % expand) -> scores and labels, counts rounded."""
    scores, labels = [], []
    for score, n, *shares in bands:
        counts = [round(n * share / 100) for share in shares]
        counts[1] = n - counts[0] - counts[2]
        scores += [score] * n
        labels += np.repeat(["churn", "stay", "expand"], counts).tolist()
    return np.array(scores, dtype=float), np.array(labels)


def test_the_documents_own_table():
    report = band_report(*rows(*PRINTED), bands=D)
    table = report.table
    assert list(table["band"]) == ["Champions", "Healthy", "Stable", "At Risk", "High Risk"]
    assert list(table["n"]) == [700, 2820, 6423, 3210, 1847]
    assert table["rate_churn"].to_numpy() == pytest.approx([0, 0.03, 0.11, 0.38, 0.71], abs=5e-4)
    low, high = wilson(table["n_churn"], table["n"])
    assert table["low_churn"].to_numpy() == pytest.approx(low)
    assert table["high_churn"].to_numpy() == pytest.approx(high)
    # Y by band: 0.6 x stay + expand = 95.2, 76.6, 57.4, 40.4, 19.4
    assert table["mean_outcome"].to_numpy() == pytest.approx([95.2, 76.6, 57.4, 40.4, 19.4], abs=0.05)
    assert report.verdict == "monotone"
    assert report.alike == ()
    assert report.reversals.empty
    assert report.detail.loc[4, "lift_churn"] == pytest.approx(0.71 / 0.2215, abs=0.01)


def test_the_columns_are_the_contract():
    names = ["band", "from", "n", "share"]
    for outcome in ("churn", "stay", "expand"):
        names += [f"{c}_{outcome}" for c in ("n", "rate", "low", "high", "predicted")]
    assert list(band_report(*rows(*PRINTED), bands=D).table.columns) == [*names, "mean_score", "mean_outcome", "note"]


def test_a_score_upside_down_is_violated():
    s, y = rows(*PRINTED)
    report = band_report(100 - s, y, bands=D)
    assert report.verdict == "violated"
    assert set(report.reversals["outcome"]) == {"churn", "expand"}
    # what was printed for 40-50 stands at 60 now, and for 0-30 at 85: 71 % churn above 38 %
    assert "Healthy has more churn than Stable (33.0 points, p < 0.001 after Holm)" in report.sentences[0]


def test_a_small_reversal_is_not_held_against_the_bands_but_they_are_named_alike():
    s, y = rows((80, 100, 10, 80, 10), (60, 100, 9, 81, 10), (40, 100, 40, 55, 5))
    report = band_report(s, y, bands=D)
    assert report.verdict == "not contradicted"
    assert list(report.reversals["higher"]) == ["Healthy"]
    assert report.alike == (("Stable", "Healthy"),)
    assert "Stable and Healthy cannot be told apart" in report.sentences[1]


def test_the_test_of_a_reversal_by_hand():
    """30 of 100 below, 50 of 100 above: z = 0.2 / sqrt(0.4 x 0.6 x 0.02) = 2.887, p = 0.00195; Holm over 2 tests."""
    report = band_report(*rows((60, 100, 50, 50, 0), (40, 100, 30, 60, 10)), bands=D)
    row = report.reversals.set_index("outcome").loc["churn"]
    assert row["p_value"] == pytest.approx(0.00195, abs=1e-5)
    # expand falls from 10 to 0 %: z = 0.1 / sqrt(0.05 x 0.95 x 0.02) = 3.244, p = 0.00059, Holm x 2 = 0.0012
    assert report.reversals.set_index("outcome").loc["expand", "p_holm"] == pytest.approx(0.00118, abs=1e-5)
    assert row["p_holm"] == pytest.approx(0.00195, abs=1e-5)
    assert report.verdict == "violated"


def test_copies_of_accounts_prove_nothing():
    """The same reversal of 20 accounts, 10 rows each: significant by rows, nothing by accounts."""
    s, y = rows((60, 10, 50, 50, 0), (40, 10, 30, 70, 0))
    s, y, groups = np.repeat(s, 10), np.repeat(y, 10), np.repeat(np.arange(20), 10)
    assert band_report(s, y, bands=D).verdict == "violated"
    by_account = band_report(s, y, bands=D, groups=groups)
    assert by_account.verdict == "not contradicted"
    assert (by_account.table["high_churn"] - by_account.table["low_churn"]).max() > 0.4


def test_few_rows_are_insufficient_and_prove_nothing():
    report = band_report(*rows((80, 29, 100, 0, 0), (60, 200, 5, 90, 5), (40, 200, 30, 68, 2)), bands=D)
    assert report.table.set_index("band").loc["Healthy", "note"] == "insufficient"
    assert report.verdict == "monotone"
    empty = report.table.set_index("band").loc["Champions"]
    assert (empty["n"], empty["note"]) == (0, "insufficient")
    assert np.isnan([empty["rate_churn"], empty["low_churn"], empty["mean_score"]]).all()


def test_no_events_is_no_order():
    report = band_report(*rows((80, 50, 0, 100, 0), (40, 50, 0, 100, 0)), bands=D)
    assert report.verdict == "not contradicted"
    assert "no order to see" in report.sentences[0]


def test_every_score_has_a_band_and_missing_ones_are_counted():
    s = np.array([29.999, 30.0, -12.0, 130.0, np.nan])
    report = band_report(s, ["churn", "stay", "churn", "expand", "stay"], bands=D)
    assert report.table.set_index("band")["n"].to_dict() == {
        "Champions": 1, "Healthy": 0, "Stable": 0, "At Risk": 1, "High Risk": 2,
    }  # fmt: skip
    assert report.unscored == 1
    assert report.sentences[-1] == "1 rows without a score are left out."
    with pytest.raises(DataError, match="no row has a score"):
        band_report([np.nan], ["stay"], bands=D)


def test_predictions_reference_and_contraction():
    s, y = rows(*PRINTED)
    p = pd.DataFrame({"p_churn": np.full(len(s), 0.22), "p_stay": 0.58, "p_expand": 0.2})
    printed = pd.DataFrame({"band": ["High Risk"], "churn": [0.71], "stay": [0.24], "expand": [0.05]})
    report = band_report(s, y, bands=D, probabilities=p, reference=printed, contraction=y == "stay")
    assert report.table["predicted_churn"].to_numpy() == pytest.approx(0.22)
    last = report.detail.iloc[-1]
    assert last["observed_expected_churn"] == pytest.approx(0.71 / 0.22, abs=0.01)
    assert last["reference_churn"] == 0.71
    assert last["contraction"] == 1.0
    assert np.isnan(report.detail.loc[0, "reference_churn"])


def test_two_outcomes():
    report = band_report([80.0] * 40 + [10.0] * 40, ["stay"] * 40 + ["churn"] * 40, bands=D)
    assert "n_expand" not in report.table
    assert report.table.set_index("band").loc["Healthy", "mean_outcome"] == 100
    assert report.verdict == "monotone"


def test_fifths_of_tied_values_are_fewer():
    assert len(fifths(np.random.default_rng(0).normal(size=100))) == 5
    assert fifths([1.0] * 50 + [2.0] * 50) == {1.0: "below 2", 2.0: "2 and more"}
    assert fifths([3.0, np.nan]) == {3.0: "3 and more"}


def test_rates_are_long_and_the_contract_s_table_is_their_wide_view():
    report = band_report(*rows(*PRINTED), bands=D)
    assert list(report.rates.columns[:7]) == ["band", "outcome", "n", "rate", "low", "high", "predicted"]
    assert len(report.rates) == 5 * 3
    churn = report.rates[report.rates["outcome"] == "churn"].set_index("band")["rate"]
    assert report.table.set_index("band")["rate_churn"].to_dict() == churn.to_dict()


def test_a_band_is_astray_when_the_99_percent_interval_of_its_mean_outcome_does_not_reach_it():
    ladder = BandsSpec.model_validate(D)
    report = band_report(*rows(*PRINTED), bands=ladder)
    assert report.astray == ()  # document D's own rates lie in its own bands
    s, y = rows((80, 200, 3, 51, 46), (15, 200, 20, 60, 20))
    low = band_report(s, y, bands=ladder)
    assert low.astray == ("High Risk",)  # 0.6 x 60 + 20 = 56
    assert "Not as the bands say: High Risk has a mean outcome of 56.0 (" in low.sentences[-1]
    # the same 40 rows of 2 accounts prove nothing: one churned, one expanded
    few = band_report([15.0] * 40, ["churn"] * 20 + ["expand"] * 20, bands=ladder, groups=[1] * 20 + [2] * 20)
    assert few.astray == ()
    assert band_report(s, y, bands=D).astray is None  # a ladder of numbers may be on any scale


def test_two_accounts_that_stay_do_not_contradict_a_band():
    """Forty rows, but two accounts: that nobody else came to them is no 99 % interval of 60.0 to 60.0."""
    ladder = BandsSpec.model_validate(D)
    three = ("churn", "stay", "expand")
    few = band_report([80.0] * 40, ["stay"] * 40, bands=ladder, groups=[0, 1] * 20, outcomes=three)
    assert few.astray == ()
    many = band_report([80.0] * 400, ["stay"] * 400, bands=ladder, outcomes=three)
    assert many.astray == ("Healthy",)


def test_where_no_band_has_rows_enough_nothing_is_said_of_where_they_are():
    report = band_report([80.0] * 5, ["stay"] * 5, bands=BandsSpec.model_validate(D))
    assert report.where_they_are == []


def test_contraction_is_told_of_those_without_a_custom_outcome():
    came = ["bought"] * 40 + ["not_bought"] * 60
    report = band_report([80.0] * 100, came, bands=D, contraction=[True] * 70 + [False] * 30,
                         outcomes=("not_bought", "bought"))  # fmt: skip
    assert report.bands.set_index("band").loc["Healthy", "contraction"] == pytest.approx(0.5)
