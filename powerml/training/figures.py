"""The figures of one scorer on held-out rows, under the stable names by which runs are compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.outcomes import Predictions, outcome_values
from powerml.statistics.scores import (
    auroc,
    average_precision,
    brier_rows,
    calibration_line,
    lift_at,
    log_loss_rows,
    observed_expected,
    outcomes_brier_rows,
    outcomes_log_loss_rows,
    ranked_probability_rows,
    recall_at,
    skill,
)
from powerml.training.rows import by_months
from powerml.validation.reliability import score_calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.training.judged import Judged
    from powerml.training.rows import HeldOut, Rows
    from powerml.validation.band_report import BandReport


def figures_of(its: Judged, *, seed: int) -> dict[str, float]:
    """Numbers under the stable names by which runs are compared; nan where the rows cannot tell."""
    ours, test, found = its.predictions, its.test, its.verdict
    rates = its.said.rates(ours.outcomes)
    figures: dict[str, float] = {}
    for one in (found.overall, *found.outcomes):
        figures |= {f"skill/{one.outcome}": one.skill, f"skill/{one.outcome}_low": one.skill_low}
        figures |= {f"skill/{one.outcome}_high": one.skill_high, f"skill/{one.outcome}_hindsight": one.hindsight}
        figures |= {f"skill/{one.outcome}_hindsight_low": one.hindsight_low}
        figures |= {f"skill/{one.outcome}_hindsight_high": one.hindsight_high}
    codes = ours.codes
    figures["skill/log_loss"] = float(outcomes_log_loss_rows(codes, ours.probabilities).mean())
    figures["skill/brier"] = float(outcomes_brier_rows(codes, ours.probabilities).mean())
    figures["skill/brier_skill"] = float(skill(figures["skill/brier"], outcomes_brier_rows(codes, rates).mean()))
    figures["skill/ranked_probability"] = float(ranked_probability_rows(codes, ours.probabilities).mean())
    figures["skill/concordance"] = found.overall.auroc
    figures["skill/accuracy"] = float((ours.probabilities.argmax(axis=1) == codes).mean())
    figures["skill/accuracy_of_majority_class"] = float(np.bincount(codes).max() / len(codes))
    figures |= _seen_and_unseen(ours, rates, test, seed=seed)
    for one in (outcome for outcome in found.outcomes if outcome.told_by_rows):
        name, came, p = one.outcome, ours.came(one.outcome), ours.said(one.outcome)
        slope, intercept = calibration_line(came, p)
        figures |= {
            f"{name}/auroc": one.auroc,
            f"{name}/auroc_low": one.auroc_low,
            f"{name}/auroc_high": one.auroc_high,
            f"{name}/average_precision": average_precision(came, p),
            f"{name}/lift_10": lift_at(came, p, 0.1),
            f"{name}/recall_10": recall_at(came, p, 0.1),
            f"{name}/log_loss": float(log_loss_rows(came, p).mean()),
            f"{name}/brier": float(brier_rows(came, p).mean()),
            f"{name}/rate": one.rate,
            f"{name}/events": float(one.events),
            f"calibration/{name}_observed_expected": observed_expected(came, p),
            f"calibration/{name}_slope": slope,
            f"calibration/{name}_intercept": intercept,
        }
    line, _ = score_calibration(
        ours.score, test.rows.y, outcomes=ours.outcomes, stay_value=its.stay_value, groups=test.rows.accounts,
        repeats=100,
    )  # fmt: skip
    figures["calibration/score_bias"] = -float(line["mean_gap"].iloc[0])
    figures["calibration/score_slope"] = float(line["slope"].iloc[0])
    return figures | _bands(its.bands, ours.judged) | _top20(ours, test.rows, its.stay_value)


def _bands(report: BandReport, judged: Sequence[str]) -> dict[str, float]:
    """The order of the bands, each band's share and what came of it."""
    figures = {"bands/order": {"monotone": 1.0, "not contradicted": 0.0, "violated": -1.0}[report.verdict]}
    for row in report.bands.to_dict("records"):
        figures[f"bands/{band_key(row['band'])}_share"] = row["share"]
    for row in report.rates.to_dict("records"):
        if row["outcome"] in judged and not np.isnan(row["rate"]):
            figures[f"bands/{band_key(row['band'])}_{row['outcome']}"] = row["rate"]
    return figures


def band_key(band: object) -> str:
    """A band's name as it stands in the name of a figure.

    >>> band_key("At Risk")
    'at_risk'
    """
    return re.sub(r"[^a-z0-9]+", "_", str(band).lower()).strip("_")


def _seen_and_unseen(ours: Predictions, rates: np.ndarray, test: HeldOut, *, seed: int) -> dict[str, float]:
    """Two numbers: the skill on accounts that training knew, and on accounts it never saw (where both are there)."""
    model, base = outcomes_log_loss_rows(ours.codes, ours.probabilities), outcomes_log_loss_rows(ours.codes, rates)
    figures: dict[str, float] = {}
    if test.unseen.all():
        return figures
    for name, part in (("seen_accounts", ~test.unseen), ("unseen_accounts", test.unseen)):
        if not part.any():
            continue
        draws = AccountBootstrap.of(test.rows.accounts[part], repeats=300, seed=seed)
        sums = draws.sums(np.column_stack([model[part], base[part]]))
        low, high = interval(1 - sums[:, 0] / sums[:, 1])
        saved = float(1 - model[part].sum() / base[part].sum())
        figures |= {f"skill/{name}": saved, f"skill/{name}_low": low, f"skill/{name}_high": high}
        first = ours.judged[0]
        figures[f"{first}/auroc_{name}"] = auroc(ours.came(first)[part], ours.said(first)[part])
    return figures


def _top20(ours: Predictions, rows: Rows, stay_value: float) -> dict[str, float]:
    """What came of the twenty highest scores of each test cutoff."""
    place = pd.DataFrame({"at": by_months(rows.times), "score": ours.score, "id": rows.ids})
    top = place.sort_values(["at", "score", "id"], ascending=[True, False, True]).groupby("at").head(20).index
    codes = ours.codes[top]
    found = {f"top20/{o}": float((codes == ours.outcomes.index(o)).mean()) for o in ours.outcomes}
    return found | {"top20/mean_outcome": float(outcome_values(ours.outcomes, stay_value=stay_value)[codes].mean())}


def by_cutoff(ours: Predictions, rows: Rows) -> dict[str, list[float]]:
    """Month by month: AUROC of each outcome and log loss."""
    losses = outcomes_log_loss_rows(ours.codes, ours.probabilities)
    found: dict[str, list[float]] = {name: [] for name in (*(f"time/{o}_auroc" for o in ours.judged), "time/log_loss")}
    times = by_months(rows.times)
    for time in np.unique(times):
        at = times == time
        for outcome in ours.judged:
            found[f"time/{outcome}_auroc"].append(auroc(ours.came(outcome)[at], ours.said(outcome)[at]))
        found["time/log_loss"].append(float(losses[at].mean()))
    return found
