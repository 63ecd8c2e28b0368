"""Which metrics an outcome tells from noise: means with and without it apart by two standard errors, by account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.screening.contrasts import standardise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TOLD_AT = 2.0
"""Cluster-robust standard errors by which a metric must differ for some outcome to be told from noise."""


def difference_t(x: np.ndarray, positive: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """|t| of the difference of each column's means with and without an outcome, (columns,); nulls are left out.

    `x` (rows, columns), `positive` (rows,) whether the outcome came, `codes` (rows,) the account of each row as a
    number. Rows of one account count together. Since r_bal is that difference over a spread, |t| <= 2 says that r_bal
    is within two standard errors of 0. Where the column does not vary within either group, which leaves no error to
    see, the error is that of two groups that do not differ. 0 where a group is empty or the column does not vary.
    """
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    with_, without = known & positive[:, None], known & ~positive[:, None]
    n1, n0 = with_.sum(axis=0), without.sum(axis=0)
    mean1 = np.where(with_, filled, 0.0).sum(axis=0) / np.maximum(n1, 1)
    mean0 = np.where(without, filled, 0.0).sum(axis=0) / np.maximum(n0, 1)
    flat = ~(with_ & (filled != filled.max(axis=0, where=with_, initial=-np.inf))).any(axis=0)
    flat &= ~(without & (filled != filled.max(axis=0, where=without, initial=-np.inf))).any(axis=0)
    middle = filled.sum(axis=0) / np.maximum(n1 + n0, 1)
    pull = np.where(with_, (filled - np.where(flat, middle, mean1)) / np.maximum(n1, 1), 0.0)
    pull -= np.where(without, (filled - np.where(flat, middle, mean0)) / np.maximum(n0, 1), 0.0)
    order = np.argsort(codes, kind="stable")
    sums = np.add.reduceat(pull[order], np.flatnonzero(np.diff(codes[order], prepend=-1)), axis=0)
    spread = np.sqrt((sums**2).sum(axis=0) * len(sums) / max(len(sums) - 1, 1))
    told = (n1 > 0) & (n0 > 0) & (spread > 1e-12)
    return np.where(told, np.abs(mean1 - mean0) / np.where(told, spread, 1.0), 0.0)


def signal_t(x: np.ndarray, labels: np.ndarray, contrasts: ArrayLike, codes: np.ndarray) -> np.ndarray:
    """The largest |t| of each column over the outcomes, of its values or of their being missing, (columns,).

    Missing values count because heads read them: on git_rails a metric whose values say nothing of churn (t 0) is
    missing for those who leave (t 22), and leaving it out cost the logistic head a point of skill.
    """
    scaled = standardise(x)
    null = np.isnan(x)
    some = np.flatnonzero(null.any(axis=0) & ~null.all(axis=0))
    strongest = np.zeros(x.shape[1])
    for outcome in np.asarray(contrasts):
        came = labels == outcome
        strongest = np.maximum(strongest, difference_t(scaled, came, codes))
        if len(some):
            strongest[some] = np.maximum(strongest[some], difference_t(null[:, some].astype(float), came, codes))
    return strongest
