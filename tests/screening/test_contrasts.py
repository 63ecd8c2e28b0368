import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from powerml.screening.contrasts import Contrast, correlation, group_sums, largest_attainable, standardise

rows = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=4, max_size=60).filter(
    lambda r: 0 < sum(y for y, _ in r) < len(r) and len({x for _, x in r}) > 1
)


def distinct(x, y):
    values, codes = np.unique(x, return_inverse=True)
    return Contrast.of(codes, len(values), y)


@settings(deadline=None)
@given(rows)
def test_against_scipy_and_scikit_learn(r):
    y, x = np.array([a for a, _ in r]), np.array([float(b) for _, b in r])
    sums = group_sums(standardise(x[:, None]), y)
    assert correlation(*sums, prevalence=y.mean())[0] == pytest.approx(pearsonr(x, y).statistic, abs=1e-9)
    # balanced = plain, in a sample where the rows of each group are repeated as often as the other group has rows
    often = np.where(y, (~y).sum(), y.sum())
    balanced = pearsonr(np.repeat(x, often), np.repeat(y, often)).statistic
    assert correlation(*sums, prevalence=0.5)[0] == pytest.approx(balanced, abs=1e-9)
    assert distinct(x, y).auroc == pytest.approx(roc_auc_score(y, x))
    from scipy.stats import rankdata

    ranks = rankdata(np.repeat(x, often))
    assert distinct(x, y).spearman == pytest.approx(pearsonr(ranks, np.repeat(y, often)).statistic, abs=1e-9)


def test_the_largest_attainable_r_of_a_yes_no_metric():
    """Document D's declining usage: 73 % of 3.74 % churners, 21 % of the rest; phi can be 0.361 at most."""
    share_yes = 0.0374 * 0.73 + 0.9626 * 0.21
    x = np.sort((np.arange(100_000) < share_yes * 100_000).astype(float))
    assert largest_attainable(x, 3740, high=True) == pytest.approx(0.361, abs=0.005)
    assert largest_attainable(np.arange(10.0), 5, high=False) == pytest.approx(
        largest_attainable(np.arange(10.0), 5, high=True)
    )
    assert np.isnan(largest_attainable(np.arange(3.0), 0, high=True))
    assert largest_attainable(np.ones(10), 3, high=True) == 0.0


def test_a_valley_has_a_ratio_but_no_rank_correlation():
    x = np.tile(np.arange(9.0), 200)
    y = np.abs(x - 4) > 3  # the outcome at both ends
    found = distinct(x, y)
    assert abs(found.spearman) < 0.02
    assert found.correlation_ratio((1000, 1000)) == pytest.approx(1.0, abs=0.01)


def test_noise_has_no_ratio_to_speak_of():
    rng = np.random.default_rng(0)
    ratios = [distinct(rng.normal(size=1500), np.arange(1500) < 60).correlation_ratio((1440, 60)) for _ in range(40)]
    assert np.mean(ratios) < 0.12  # 0.19 without taking off what chance adds
    assert np.quantile(ratios, 0.5) < 0.10


def test_one_group_only_says_nothing():
    empty = distinct(np.arange(4.0), np.zeros(4, dtype=bool))
    assert np.isnan([empty.auroc, empty.spearman, empty.correlation_ratio((4, 0.5))]).all()
    assert np.isnan(correlation(*group_sums(np.arange(4.0)[:, None], np.zeros(4, dtype=bool)), prevalence=0.5)).all()
    assert standardise(np.array([[3.0, np.nan], [3.0, np.nan]]))[:, 0].tolist() == [0.0, 0.0]
