"""The screen's report: every metric against every outcome, with what the rule keeps and why. Run once, not in folds."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError
from powerml.screening.contrasts import Contrast, correlation, group_sums, largest_attainable, standardise
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.statistics.bootstrap import AccountBootstrap
from powerml.tables import OUTCOMES, is_rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

NON_MONOTONE_BY = 0.10
ONE_SIDED = "known beside one outcome only"  # the reason of a metric that has no correlation


def screen_report(
    metrics: pd.DataFrame,
    y: ArrayLike,
    *,
    groups: ArrayLike,
    times: ArrayLike,
    screen: CorrelationScreen | None = None,
    leaks: Mapping[str, str] | None = None,
    repeats: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per metric and outcome, ranked by |r_bal|; `y` holds "churn", "stay", "expand".

    Raises DataError where all rows have the same outcome.

    `leaks`: suspected leaks with the reason (see the leak probe): named first, and left out unless kept by force.

    Columns: metric, outcome, n, events (rows), mean_churn, mean_stay, mean_expand (of a custom outcome mean_NAME and
    mean_not_NAME), difference (with less without the outcome), r_natural, r_natural_max (the largest |r_natural| this
    sample allows in that direction), r_bal with ends (95 %, accounts drawn within class), spearman_bal, auroc,
    correlation_ratio, non_monotone, sign, sign_stability (share of cutoffs with the same sign), spearman_with_kept,
    nearest_kept, share_null, kept, reason.
    """
    rule = screen or CorrelationScreen()
    labels, suspected = np.asarray(y), dict(leaks or {})
    if len(found := pd.unique(labels)) < 2:
        told = f"every one of {len(labels):,} rows is {str(found[0])!r}" if len(found) else "there is no labelled row"
        raise DataError(f"screen: {told}; a screen needs rows with an outcome and rows without it")
    barred = [m for m in suspected if m not in set(map(str, rule.force_keep))]
    rule = _clone(rule).set_params(force_drop=(*rule.force_drop, *barred))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScreenWarning)
        fitted = _clone(rule).fit(metrics, labels, groups=groups)
    for warning in caught:
        warnings.warn(str(warning.message), ScreenWarning, stacklevel=2)

    kinds = outcomes_shown(labels)
    raw = metrics.to_numpy(dtype=float, na_value=np.nan)
    x = standardise(raw)
    known = ~np.isnan(x)
    cutoffs, at = np.unique(np.asarray(times), return_inverse=True)
    accounts = np.unique(np.asarray(groups), return_inverse=True)[1]  # numbers: text is compared far more slowly
    parts = []
    for i, outcome in enumerate(fitted.contrasts_):
        positive = labels == outcome
        sums = group_sums(x, positive)
        count = sums[0]
        share = count[:, 1] / np.maximum(count.sum(axis=1), 1)
        part = pd.DataFrame({"metric": metrics.columns.astype(str), "outcome": str(outcome)})
        part["n"], part["events"] = count.sum(axis=1).astype(int), count[:, 1].astype(int)
        for kind in kinds:
            part[f"mean_{kind}"] = _means(raw, labels == kind)
        part["difference"] = _means(raw, positive) - _means(raw, ~positive)
        part["r_natural"] = correlation(*sums, prevalence=share)
        part["r_bal"] = correlation(*sums, prevalence=0.5)
        part["r_bal_low"], part["r_bal_high"] = _ends(x, positive, accounts, repeats=repeats, seed=seed + i)
        part["sign"] = np.sign(np.nan_to_num(part["r_bal"])).astype(int)
        part["sign_stability"] = _stability(x, positive, at, len(cutoffs), part["sign"].to_numpy())
        part["r_ruled"] = fitted.correlations_[:, i]
        parts.append(part)
    shapes = _shapes(x, known, labels, fitted.contrasts_, accounts, [p["r_natural"].to_numpy() for p in parts])
    report = pd.concat([pd.concat([p, s], axis=1) for p, s in zip(parts, shapes, strict=True)], ignore_index=True)
    nearest = _nearest_kept(x, fitted.kept_, metrics.columns.astype(str))
    report = report.merge(nearest.assign(share_null=1 - known.mean(axis=0)), on="metric")
    report["non_monotone"] = report["correlation_ratio"] - report["spearman_bal"].abs() > NON_MONOTONE_BY
    verdicts = pd.DataFrame({"metric": metrics.columns.astype(str), "kept": fitted.kept_, "passed": fitted.passed_})
    report = report.merge(verdicts, on="metric")
    report["reason"] = _reasons(report, fitted)
    for metric in barred:
        report.loc[report["metric"] == metric, "reason"] = f"suspected leak: {suspected[metric]}"
    ranked = report.assign(first=report["metric"].isin(barred), strength=report["r_bal"].abs().fillna(-1))
    order = ranked.sort_values(["first", "strength"], ascending=False, kind="stable").index
    means = [f"mean_{kind}" for kind in kinds]
    columns = [*REPORT_COLUMNS[:4], *means, *REPORT_COLUMNS[7:]]
    return report.loc[order, columns].reset_index(drop=True)


def outcomes_shown(labels: np.ndarray) -> tuple[str, ...]:
    """The outcomes whose means the report shows: churn, stay and expand, or a custom one and what is left.

    >>> outcomes_shown(np.array(["advocate", "not_advocate"]))
    ('advocate', 'not_advocate')
    """
    classes = np.unique(labels).tolist()
    custom = tuple(sorted(map(str, classes), key=is_rest))
    return custom if any(is_rest(c) and c not in OUTCOMES for c in classes) else OUTCOMES


REPORT_COLUMNS = (
    *("metric", "outcome", "n", "events", "mean_churn", "mean_stay", "mean_expand", "difference"),
    *("r_natural", "r_natural_max", "r_bal", "r_bal_low", "r_bal_high", "spearman_bal", "auroc", "correlation_ratio"),
    *("non_monotone", "sign", "sign_stability", "spearman_with_kept", "nearest_kept", "share_null", "kept", "reason"),
)


def differentiators(metrics: pd.DataFrame, score: ArrayLike) -> pd.DataFrame:
    """Document A's table: the top decile by score against the median user: metric, top_decile, median_user, times.

    `times` is top_decile over median_user, nan where the median user has 0. Sorted by it; unscored rows are left out.
    """
    s = np.asarray(score, dtype=float)
    rows = metrics[np.isfinite(s)].astype(float)
    s = s[np.isfinite(s)]
    top = rows[s >= np.quantile(s, 0.9)].mean()
    median = rows.median()
    times = top / median.where(median != 0)
    found = pd.DataFrame({"metric": rows.columns, "top_decile": top.to_numpy(), "median_user": median.to_numpy()})
    return found.assign(times=times.to_numpy()).sort_values("times", ascending=False, ignore_index=True)


def _clone(rule: CorrelationScreen) -> CorrelationScreen:
    from sklearn.base import clone

    copy: CorrelationScreen = clone(rule)
    return copy


def _means(raw: np.ndarray, rows: np.ndarray) -> np.ndarray:
    known = ~np.isnan(raw[rows])
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = np.where(known, raw[rows], 0.0).sum(axis=0) / known.sum(axis=0)
    return means


def _ends(
    x: np.ndarray, positive: np.ndarray, accounts: np.ndarray, *, repeats: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % interval of r_bal: accounts that had the outcome and accounts that never had it, drawn apart.

    All rows of an account travel together, those with the outcome and those without: what they share cancels in the
    difference of means, and drawing the two groups of rows apart made the interval far too wide.
    """
    if positive.all() or not positive.any():
        return np.full(x.shape[1], np.nan), np.full(x.shape[1], np.nan)
    metrics = x.shape[1]
    ever = np.bincount(accounts, weights=positive)[accounts] > 0
    drawn = np.zeros((repeats, 6 * metrics))
    for stratum, rows in enumerate((ever, ~ever)):
        if rows.any():
            known = ~np.isnan(x[rows])
            filled = np.where(known, x[rows], 0.0)
            parts = [known.astype(float), filled, filled**2]
            sides = [part * side[:, None] for part in parts for side in (~positive[rows], positive[rows])]
            draws = AccountBootstrap.of(accounts[rows], repeats=repeats, seed=2 * seed + stratum)
            drawn += np.concatenate([draws.sums(side) for side in sides], axis=1)
    # replicates x (rows, sums, squares) x (without, with) x metrics -> three arrays of replicates x metrics x class
    sums = np.moveaxis(drawn.reshape(repeats, 3, 2, metrics), (1, 3, 2), (0, 2, 3))
    replicates = correlation(*sums, prevalence=0.5)
    found = np.full((2, x.shape[1]), np.nan)
    some = ~np.isnan(replicates).all(axis=0)
    found[:, some] = np.nanquantile(replicates[:, some], [0.025, 0.975], axis=0)
    return found[0], found[1]


def _stability(x: np.ndarray, positive: np.ndarray, at: np.ndarray, cutoffs: int, sign: np.ndarray) -> np.ndarray:
    """Share of the cutoffs with both groups whose difference has the sign of the whole; nan where there is none."""
    same, seen = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for cutoff in range(cutoffs):
        here = at == cutoff
        count, total, _ = group_sums(x[here], positive[here])
        both = (count > 0).all(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            difference = np.diff(total / count, axis=1)[:, 0]
        seen += both
        same += both & (np.sign(np.nan_to_num(difference)) == sign)
    with np.errstate(invalid="ignore"):
        return same / np.where(seen > 0, seen, np.nan)


def _shapes(
    x: np.ndarray,
    known: np.ndarray,
    labels: np.ndarray,
    contrasts: tuple[object, ...],
    accounts: np.ndarray,
    r_natural: list[np.ndarray],
) -> list[pd.DataFrame]:
    """Per contrast what needs each metric's values in order: largest r, Spearman, AUROC, correlation ratio."""
    rows: list[list[dict[str, float]]] = [[] for _ in contrasts]
    for m in range(x.shape[1]):
        values = x[known[:, m], m]
        distinct, codes = np.unique(values, return_inverse=True)
        ordered = np.repeat(distinct, np.bincount(codes, minlength=len(distinct))) if len(values) else values
        for i, outcome in enumerate(contrasts):
            positive = labels[known[:, m]] == outcome
            spread = Contrast.of(codes, len(distinct), positive)
            who = accounts[known[:, m]]
            independent = (
                float(np.count_nonzero(np.bincount(who[~positive]))),
                float(np.count_nonzero(np.bincount(who[positive]))),
            )
            rows[i].append(
                {
                    "r_natural_max": largest_attainable(ordered, int(positive.sum()), high=r_natural[i][m] >= 0),
                    "spearman_bal": spread.spearman,
                    "auroc": spread.auroc,
                    "correlation_ratio": spread.correlation_ratio(independent) if all(independent) else np.nan,
                }
            )
    return [pd.DataFrame(r) for r in rows]


def _nearest_kept(x: np.ndarray, kept: np.ndarray, names: pd.Index) -> pd.DataFrame:
    """Per metric the largest |Spearman| with another kept metric, and which that is; nulls at the middle rank."""
    ranks = np.empty_like(x)
    for m in range(x.shape[1]):
        known = ~np.isnan(x[:, m])
        _, codes, counts = np.unique(x[known, m], return_inverse=True, return_counts=True)
        ranks[known, m] = (counts.cumsum() - counts / 2)[codes]
        ranks[:, m] -= ranks[known, m].mean() if known.any() else 0.0
        ranks[~known, m] = 0.0
        length = np.sqrt((ranks[:, m] ** 2).sum())
        ranks[:, m] /= length if length > 0 else 1.0
    alike = np.abs(ranks.T @ ranks[:, kept])
    alike[np.flatnonzero(kept), np.arange(int(kept.sum()))] = -1.0  # not with itself
    if not alike.shape[1]:
        return pd.DataFrame({"metric": names, "spearman_with_kept": np.nan, "nearest_kept": None})
    best, at = alike.max(axis=1), alike.argmax(axis=1)
    alone = best < 0
    nearest = np.where(alone, None, np.asarray(names, dtype=object)[np.flatnonzero(kept)][at])
    return pd.DataFrame({"metric": names, "spearman_with_kept": np.where(alone, np.nan, best), "nearest_kept": nearest})


def _reasons(report: pd.DataFrame, fitted: CorrelationScreen) -> np.ndarray:
    """Why a metric is kept or not, in a few words."""
    which = "r_bal" if fitted.reference_prevalence == 0.5 else "r"
    forced_in, forced_out = set(map(str, fitted.force_keep)), set(map(str, fitted.force_drop))
    strength = report["r_ruled"].abs().fillna(-1.0)
    best = report.loc[strength.groupby(report["metric"]).idxmax(), ["metric", "outcome"]].assign(r=strength)
    words = {
        m: f"|{which}| {_digits(r, fitted.threshold)} for {o}" if r >= 0 else ONE_SIDED
        for m, o, r in best.itertuples(index=False)
    }
    shown = [words[m] for m in report["metric"]]
    short, passes, fails = "noise", "is told from noise", "is not told from 0, nor its being missing"
    if fitted.threshold is not None:
        short, passes, fails = "weak", f"reaches {fitted.threshold:g}", f"is below {fitted.threshold:g}"
    empty = report["share_null"].eq(1)
    flat = report["r_ruled"].isna() | (report["r_bal"].eq(0) & report["auroc"].eq(0.5))
    return np.select(
        [
            report["metric"].isin(forced_in),
            report["metric"].isin(forced_out),
            empty,
            report["passed"] & report["kept"],
            report["passed"],
            report["kept"],
            flat & ~report["kept"],
        ],
        [
            "forced in",
            "forced out",
            "no values",
            [f"{'its being missing' if s == ONE_SIDED else s} {passes}" for s in shown],
            [f"{s}, but a stronger kept metric says the same" for s in shown],
            [f"{short} ({s}), kept to have {fitted.min_keep}" for s in shown],
            "says nothing here",
        ],
        [f"{short}: {s} {fails}" for s in shown],
    )


def _digits(r: float, threshold: float | None) -> str:
    """Two digits, or as many as it takes to see on which side of the threshold it lies, if there is one.

    >>> _digits(0.4481, 0.45), _digits(0.44999, 0.45), _digits(0.45, 0.45)
    ('0.448', '0.44999', '0.45')
    """
    if threshold is None:
        return f"{r:.2f}"
    return next((t for d in range(2, 9) if (float(t := f"{r:.{d}f}") >= threshold) == (r >= threshold)), repr(r))
