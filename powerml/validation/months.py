"""Month by month: what came and what was said at every cutoff, the worst month, and drift.

Drift is told where it is shown and matters: the last cutoffs differ from the earlier ones in how often an outcome
comes, or the held-out months from what was said of them, in a 99 % interval by account and by a tenth at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.scores import auroc, log_loss_rows, outcomes_log_loss_rows
from powerml.statistics.splits import LATE_CUTOFFS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from powerml.statistics.outcomes import Predictions

LEVEL = 0.99  # several differences are looked at, so each must be plain
MIN_ROWS_OF_MONTH = 10  # rows with the outcome below which a month's AUROC is left open
MONTH_COLUMNS = ["as_of", "outcome", "rows", "rate", "predicted", "auroc", "low", "high", "log_loss"]

# differences that matter; smaller ones are not called drift however sure they are
LARGE_RATIO = 0.10  # of what came to what was said, or of a rate to the rate before
LARGE_FALL = 0.02  # of the AUROC


def by_month(
    ours: Predictions, *, times: ArrayLike, groups: ArrayLike, repeats: int = 300, seed: int = 0
) -> pd.DataFrame:
    """One row per held-out cutoff and outcome: as_of, outcome, rows, rate, predicted, auroc, low, high, log_loss.

    `rate` is what came and `predicted` what was said; the AUROC's ends are 95 %, by account. The outcome `overall` has
    the log loss of all outcomes and no rate.
    """
    times, accounts = np.asarray(times), np.asarray(groups)
    losses, rows = outcomes_log_loss_rows(ours.codes, ours.probabilities), list[dict[str, object]]()
    for time in np.unique(times):
        at = times == time
        month = {"as_of": time, "rows": int(at.sum())}
        rows.append(month | {"outcome": "overall", "log_loss": float(losses[at].mean())})
        draws = AccountBootstrap.of(accounts[at], repeats=repeats, seed=seed)
        for outcome in ours.judged:
            came, said = ours.came(outcome)[at], ours.said(outcome)[at]
            row: dict[str, object] = {"outcome": outcome, "rate": float(came.mean()), "predicted": float(said.mean())}
            if MIN_ROWS_OF_MONTH <= came.sum() < len(came):
                low, high = interval(draws.auroc(came, said))
                row |= {"auroc": auroc(came, said), "low": low, "high": high}
            rows.append(month | row | {"log_loss": float(log_loss_rows(came, said).mean())})
    return pd.DataFrame(rows, columns=MONTH_COLUMNS)


def worst_month(table: pd.DataFrame, outcome: str) -> str:
    """The sentence that names the month with the lowest AUROC; empty where no two months have one."""
    known = table[(table["outcome"] == outcome) & table["auroc"].notna()]
    if len(known) < 2:
        return ""
    row = known.sort_values("auroc", kind="stable").iloc[0]
    return (
        f"Worst month for {outcome}: {row['as_of']:%Y-%m-%d}, AUROC {row['auroc']:.3f} "
        f"({row['low']:.3f} to {row['high']:.3f}), against {known['auroc'].max():.3f} in the best of "
        f"{len(known)} months."
    )


def drift(
    ours: Predictions, *, times: ArrayLike, groups: ArrayLike, repeats: int = 1000, seed: int = 0
) -> tuple[str, ...]:
    """Sentences on held-out months: outcomes that came more or less often than was said; ranking that got worse."""
    times, accounts = np.asarray(times), np.asarray(groups)
    cutoffs = np.unique(times)
    draws, said = AccountBootstrap.of(accounts, repeats=repeats, seed=seed), []
    for outcome in ours.judged:
        came, p = ours.came(outcome).astype(float), ours.said(outcome)
        sums = draws.sums(np.column_stack([came, p]))
        low, high = interval(sums[:, 0] / sums[:, 1], LEVEL)
        share = came.sum() / p.sum()
        if came.sum() >= MIN_ROWS_OF_MONTH and (low > 1 or high < 1) and abs(share - 1) >= LARGE_RATIO:
            said.append(
                f"Drift: in the held-out months {outcome} came {share:.2f} times as often as was said ({low:.2f} to "
                f"{high:.2f}, 99 %): the months it was trained on were different."
            )
        if len(cutoffs) < 2:
            continue
        last, first = times == cutoffs[-1], times == cutoffs[0]
        ends = [draws.pairs(came, p, among=part) for part in (first, last)]
        with np.errstate(invalid="ignore", divide="ignore"):
            fell = ends[0][0] / ends[0][1] - ends[1][0] / ends[1][1]
        low, high = interval(fell, LEVEL)
        if min(came[last].sum(), came[first].sum()) < MIN_ROWS_OF_MONTH or low <= 0:
            continue
        lost = auroc(came[first], p[first]) - auroc(came[last], p[last])
        if lost >= LARGE_FALL:
            said.append(
                f"Drift: AUROC of {outcome} is lower by {lost:.3f} ({low:.3f} to {high:.3f}, 99 %) in the last "
                "held-out month than in the first."
            )
    return tuple(said)


def rate_drift(
    labels: ArrayLike,
    *,
    outcomes: Iterable[str],
    times: ArrayLike,
    groups: ArrayLike,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[str, ...]:
    """Sentences on outcomes that come more or less often at the last three cutoffs than before; none where too few."""
    labels, times = np.asarray(labels), np.asarray(times)
    cutoffs = np.unique(times)
    if len(cutoffs) < 2 * LATE_CUTOFFS:
        return ()
    late = times >= cutoffs[-LATE_CUTOFFS]
    draws, said = AccountBootstrap.of(groups, repeats=repeats, seed=seed), []
    for outcome in outcomes:
        came = labels == outcome
        sums = draws.sums(np.column_stack([came & late, late, came & ~late, ~late]).astype(float))
        with np.errstate(invalid="ignore", divide="ignore"):
            differences = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
        low, high = interval(differences, LEVEL)
        after, before = came[late].mean(), came[~late].mean()
        if (low > 0 or high < 0) and abs(after - before) >= LARGE_RATIO * before:
            said.append(
                f"Drift: {outcome} came in {100 * after:.1f} % of rows at the last {LATE_CUTOFFS} cutoffs and in "
                f"{100 * before:.1f} % before (difference {100 * (after - before):+.1f} points, {100 * low:.1f} to "
                f"{100 * high:.1f}, 99 %)."
            )
    return tuple(said)
