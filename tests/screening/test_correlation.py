import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.errors import MissingColumns
from powerml.screening.correlation import CorrelationScreen, ScreenWarning


@pytest.mark.filterwarnings("ignore::powerml.screening.correlation.ScreenWarning")
@parametrize_with_checks([CorrelationScreen(), CorrelationScreen(reference_prevalence="natural", redundant_at=0.9)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(4000) < 0.04, "churn", np.where(rng.random(4000) < 0.12, "expand", "stay"))
    x = pd.DataFrame(rng.normal(size=(4000, 4)), columns=["days_since", "seats", "noise", "twin"])
    x["days_since"] += 1.5 * (y == "churn")
    x["seats"] += 1.3 * (y == "expand")
    x["twin"] = x["seats"] + 0.2 * x["twin"]
    return x, y


def test_the_balanced_correlation_by_hand():
    # without: 0, 2 (mean 1, variance 1); with: 4, 8 (mean 6, variance 4): 5 / sqrt(2 (1 + 4) + 25) = 0.845
    x = pd.DataFrame({"m": [0.0, 2.0, 4.0, 8.0]})
    fitted = CorrelationScreen(min_keep=1).fit(x, ["stay", "stay", "churn", "churn"])
    assert fitted.correlations_[0, 0] == pytest.approx(5 / np.sqrt(35))


def test_it_does_not_move_with_the_base_rate():
    x = pd.DataFrame({"m": [0.0, 2.0, 4.0, 8.0]})
    thrice = pd.DataFrame({"m": [0.0, 2.0] * 30 + [4.0, 8.0]})
    y = ["stay"] * 60 + ["churn"] * 2
    balanced = CorrelationScreen(min_keep=1).fit(thrice, y).correlations_[0, 0]
    assert balanced == pytest.approx(5 / np.sqrt(35))
    natural = CorrelationScreen(min_keep=1, reference_prevalence="natural").fit(thrice, y).correlations_[0, 0]
    assert natural == pytest.approx(np.corrcoef(thrice["m"], np.array(y) == "churn")[0, 1])
    assert natural < 0.65
    assert CorrelationScreen(min_keep=1).fit(x, ["stay", "stay", "churn", "churn"]).kept_.all()


def test_it_keeps_what_either_outcome_asks_for(table):
    x, y = table
    screen = CorrelationScreen(min_keep=1).fit(x, y)
    assert list(screen.get_feature_names_out()) == ["days_since", "seats", "twin"]
    assert screen.contrasts_ == ("churn", "expand")
    out = clone(screen).set_output(transform="pandas").fit(x, y).transform(x)
    assert out.index.equals(x.index)
    assert list(out.columns) == ["days_since", "seats", "twin"]
    # the plain correlation cannot reach 0.45 at these base rates
    with pytest.warns(ScreenWarning, match="only 0 of 4 metrics"):
        CorrelationScreen(min_keep=1, reference_prevalence="natural").fit(x, y)


def test_forced_and_pruned(table):
    x, y = table
    assert list(CorrelationScreen(min_keep=1, redundant_at=0.9).fit(x, y).get_feature_names_out()) == [
        "days_since",
        "seats",
    ]
    forced = CorrelationScreen(min_keep=1, force_keep=["noise"], force_drop=["seats"]).fit(x, y)
    assert list(forced.get_feature_names_out()) == ["days_since", "noise", "twin"]
    with pytest.raises(MissingColumns, match="'seat'; did you mean 'seats'"):
        CorrelationScreen(force_keep=["seat"]).fit(x, y)


def test_never_an_empty_set_and_loudly(table):
    x, y = table
    with pytest.warns(ScreenWarning, match="only 1 of 4 metrics reach .*kept all the same to have 3"):
        kept = CorrelationScreen(threshold=0.58, min_keep=3).fit(x, y)
    assert list(kept.get_feature_names_out()) == ["days_since", "seats", "noise"]  # the twin says what seats says
    assert kept.passed_.sum() == 1


def test_nulls_are_left_out_metric_by_metric(table):
    x, y = table
    holes = x.copy()
    holes.loc[::2, "days_since"] = np.nan
    some = CorrelationScreen(min_keep=1).fit(holes, y).correlations_[0]
    rest = CorrelationScreen(min_keep=1).fit(x.iloc[1::2], y[1::2]).correlations_[0]
    assert some == pytest.approx(rest)


def test_huge_and_tiny_numbers_do_not_break_it(table):
    x, y = table
    scaled = x * [1e150, 1e-150, 1.0, 1e6] + [0, 0, 1e9, 0]
    fitted = CorrelationScreen(min_keep=1).fit(scaled, y)
    assert fitted.correlations_ == pytest.approx(CorrelationScreen(min_keep=1).fit(x, y).correlations_, abs=1e-5)
