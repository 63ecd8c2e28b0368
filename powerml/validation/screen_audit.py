"""What the screen costs: the same model with and without it, on rows later than its training, in log loss."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.scores import auroc, log_loss_rows
from powerml.statistics.splits import SnapshotSplit, fold_numbers
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class ScreenAudit:
    """`table`: outcome, n, events (rows), log_loss_screened, log_loss_all, cost (nats a row, screened less all), low,
    high, auroc_screened, auroc_all, verdict ("throws signal away", "spares noise", "cannot tell").

    `kept_fewest`, `kept_most`: metrics kept over the folds. `left_out`: in how many folds each metric was left out.
    """

    table: pd.DataFrame
    kept_fewest: int
    kept_most: int
    metrics: int
    left_out: pd.Series
    threshold: float | None

    @property
    def lost(self) -> list[tuple[float, float, float]]:
        """Per outcome the share of the unscreened model's log loss by which the screen's is higher, with its ends."""
        return [
            (row["cost"] / row["log_loss_all"], row["low"] / row["log_loss_all"], row["high"] / row["log_loss_all"])
            for row in self.table.to_dict("records")
        ]

    @property
    def sentence(self) -> str:
        """What the rule keeps and what that costs, in a sentence."""
        kept = (
            f"{self.kept_fewest}" if self.kept_fewest == self.kept_most else f"{self.kept_fewest} to {self.kept_most}"
        )
        rule = "noise" if self.threshold is None else f"{self.threshold:g}"
        said = []
        for row in self.table.to_dict("records"):
            points = 100 * (row["auroc_all"] - row["auroc_screened"])
            said.append(
                f"{row['outcome']}: {row['verdict']}, log loss {row['cost']:+.4f} nats a row "
                f"({row['low']:+.4f} to {row['high']:+.4f}), AUROC {-points:+.1f} points, n = {row['n']:,}, "
                f"{row['events']:,} with the outcome"
            )
        return f"The {rule} rule keeps {kept} of {self.metrics} metrics. {'; '.join(said)}."


def default_model(seed: int = 0) -> Any:
    """A logistic regression on normalised ranks, nulls at the median with a flag: quick, and it uses weak metrics."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=seed),
        LogisticRegression(C=0.1, max_iter=500),
    )


def screen_audit(  # noqa: PLR0913 (keyword arguments of one question)
    metrics: pd.DataFrame,
    y: ArrayLike,
    *,
    groups: ArrayLike,
    times: ArrayLike,
    screen: CorrelationScreen | None = None,
    model: Any = None,
    folds: Sequence[tuple[np.ndarray, np.ndarray]] = (),
    repeats: int = 1000,
    seed: int = 0,
) -> ScreenAudit:
    """Fits `model` (a classifier; default logistic) with and without the screen in every fold, per outcome.

    `folds`: (training, test) positions; by default forward in time where history allows, else five folds of accounts.
    The screen is refit in each fold.
    """
    labels, accounts = np.asarray(y), np.asarray(groups)
    rule = screen or CorrelationScreen()
    folds = folds or _folds(times, accounts, SnapshotSplit(seed=seed), seed)
    names = metrics.columns.astype(str)
    judged = sorted(str(o) for o in pd.unique(labels) if not is_rest(o))
    kept_counts: list[int] = []
    left_out = pd.Series(0, index=names)
    tests = np.concatenate([test for _, test in folds])
    draws = AccountBootstrap.of(accounts[tests], repeats=repeats, seed=seed)
    said = {o: {"screened": np.empty(len(tests)), "all": np.empty(len(tests))} for o in judged}
    start = 0
    for train, test in folds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScreenWarning)  # the report has said it already
            kept = clone(rule).fit(metrics.iloc[train], labels[train]).kept_
        kept_counts.append(int(kept.sum()))
        left_out += ~kept
        for outcome in judged:
            came = labels[train] == outcome
            for which, columns in (("screened", kept), ("all", np.ones(len(kept), dtype=bool))):
                x = metrics.loc[:, columns].to_numpy(dtype=float, na_value=np.nan)
                p = _predicted(clone(model or default_model(seed)), x[train], came, x[test])
                said[outcome][which][start : start + len(test)] = p
        start += len(test)
    table = []
    for outcome in judged:
        came = labels[tests] == outcome
        losses = {which: log_loss_rows(came, p) for which, p in said[outcome].items()}
        cost = losses["screened"] - losses["all"]
        low, high = interval(draws.means(cost))
        word = "throws signal away" if low > 0 else "spares noise" if high < 0 else "cannot tell"
        row = {"outcome": outcome, "n": len(tests), "events": int(came.sum())}
        row |= {f"log_loss_{which}": float(loss.mean()) for which, loss in losses.items()}
        row |= {"cost": float(cost.mean()), "low": low, "high": high}
        row |= {f"auroc_{which}": auroc(came, p) for which, p in said[outcome].items()}
        table.append(row | {"verdict": word})
    counts = left_out[left_out > 0].sort_values(ascending=False)
    return ScreenAudit(pd.DataFrame(table), min(kept_counts), max(kept_counts), len(names), counts, rule.threshold)


def _folds(
    times: ArrayLike, accounts: np.ndarray, split: SnapshotSplit, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    forward = list(split.rows(pd.DataFrame({"as_of": np.asarray(times)}), accounts))
    if forward:
        return forward
    number = fold_numbers(accounts, 5, seed=seed)
    return [(np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(5) if (number == k).any()]


def _predicted(model: Any, x: np.ndarray, came: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Probabilities of the outcome; the base rate where training has one class only or no metric was kept."""
    if came.all() or not came.any() or not x.shape[1]:
        return np.full(len(test), (came.sum() + 0.5) / (len(came) + 1))
    p: np.ndarray = model.fit(x, came).predict_proba(test)[:, 1]
    return p
