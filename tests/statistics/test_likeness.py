"""How alike columns are, against pandas pair by pair."""

import numpy as np
import pandas as pd
import pytest

from powerml.statistics.likeness import FEWEST_ROWS, likeness


def table(seed, rows=200):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=rows)
    x = np.column_stack([base, np.exp(3 * base), -base + rng.normal(size=rows), rng.poisson(0.3, rows) * 1e6 + 1e9])
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_larger_of_two_correlations_of_pandas(seed):
    x = table(seed)
    frame = pd.DataFrame(x)
    ranked = frame.rank().corr().abs()  # ranks among all known values of a column
    expected = np.maximum(frame.corr().abs(), ranked).to_numpy()
    np.testing.assert_allclose(likeness(x), expected, atol=1e-9)


def test_few_rows_and_constants_say_nothing():
    x = np.full((60, 3), np.nan)
    x[: FEWEST_ROWS - 1, 0] = x[: FEWEST_ROWS - 1, 1] = np.arange(FEWEST_ROWS - 1)
    x[:, 2] = 7.0
    assert likeness(x).tolist() == np.zeros((3, 3)).tolist()
    assert likeness(np.empty((0, 2))).tolist() == np.zeros((2, 2)).tolist()
