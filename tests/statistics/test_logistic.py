"""The solver against scikit-learn's and scipy's."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from powerml.statistics.logistic import base_logit, log_losses, penalised_logistic, sigmoid


def rows(n=400, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = (rng.random(n) < sigmoid(X @ rng.standard_normal(d) - 0.5)).astype(float)
    return X, y


def test_ridge_agrees_with_scikit_learn():
    X, y = rows()
    design = np.column_stack([np.ones(len(X)), X])
    beta = penalised_logistic(design, y, penalty=[0, *[2.0] * 6])
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(X, y)
    assert beta == pytest.approx([peer.intercept_[0], *peer.coef_[0]], abs=1e-4)


def test_bounds_agree_with_scipy():
    X, y = rows(seed=1)
    design = np.column_stack([np.ones(len(X)), X])
    lower = [-np.inf, *[0.0] * 6]
    beta = penalised_logistic(design, y, penalty=0.3, centre=0.2, lower=lower)

    def objective(b):
        return log_losses(y, design @ b).sum() + 0.15 * ((b - 0.2) ** 2).sum()

    peer = minimize(objective, np.full(7, 0.2), bounds=[(None, None), *[(0, None)] * 6], tol=1e-12)
    assert objective(beta) <= peer.fun + 1e-6
    assert (beta[1:] >= 0).all()
    assert (beta[1:] == 0).any()


def test_perfect_separation_stays_finite():
    design = np.column_stack([np.ones(20), np.arange(20.0)])
    beta = penalised_logistic(design, (np.arange(20) >= 10).astype(float), penalty=1e-3)
    assert np.isfinite(beta).all()
    assert beta[1] > 1


def test_base_logit_is_finite_without_events():
    assert np.isfinite(base_logit(np.zeros(5)))
    assert sigmoid(base_logit([0, 1])) == pytest.approx(0.5)
