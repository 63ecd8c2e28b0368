"""The figures of one scorer on held-out rows, under the stable names by which runs are compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.intervals import wilson
from powerml.statistics.outcomes import Predictions, base_rates, outcome_values
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

if TYPE_CHECKING:
    from powerml.training.candidates import Said
    from powerml.training.rows import HeldOut, Rows
    from powerml.validation.band_report import BandReport
    from powerml.validation.verdict import Verdict


def figures_of(
    ours: Predictions, said: Said, test: HeldOut, found: Verdict, report: BandReport, *, seed: int
) -> dict[str, float]:
    """Numbers under the stable names by which runs are compared."""
    rates = base_rates(said.base, ours.outcomes, len(ours.codes))
    figures: dict[str, float] = {}
    for one in (found.overall, *found.outcomes):
        figures |= {f"skill/{one.outcome}": one.skill, f"skill/{one.outcome}_low": one.skill_low}
        figures |= {f"skill/{one.outcome}_high": one.skill_high}
    codes = ours.codes
    figures["skill/log_loss"] = float(outcomes_log_loss_rows(codes, ours.probabilities).mean())
    figures["skill/brier"] = float(outcomes_brier_rows(codes, ours.probabilities).mean())
    figures["skill/brier_skill"] = float(skill(figures["skill/brier"], outcomes_brier_rows(codes, rates).mean()))
    figures["skill/ranked_probability"] = float(ranked_probability_rows(codes, ours.probabilities).mean())
    figures["skill/concordance"] = found.overall.auroc
    figures["skill/accuracy"] = float((ours.probabilities.argmax(axis=1) == codes).mean())
    figures["skill/accuracy_of_majority_class"] = float(np.bincount(codes).max() / len(codes))
    figures |= _seen_and_unseen(ours, rates, test, seed=seed)
    for one in found.outcomes:
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
    worth = outcome_values(ours.outcomes)[codes]
    spread = float(np.var(said.score))
    figures["calibration/score_bias"] = float((said.score - worth).mean())
    figures["calibration/score_slope"] = (
        float(np.cov(said.score, worth, bias=True)[0, 1] / spread) if spread > 0 else float("nan")
    )
    figures["bands/order"] = {"monotone": 1.0, "not contradicted": 0.0, "violated": -1.0}[report.verdict]
    for row in report.table.to_dict("records"):
        band = re.sub(r"[^a-z0-9]+", "_", str(row["band"]).lower()).strip("_")
        figures[f"bands/{band}_share"] = row["share"]
        figures |= {f"bands/{band}_{o}": row[f"rate_{o}"] for o in ours.judged if row["n"]}
    return figures | _top20(ours, test.rows)


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


def _top20(ours: Predictions, rows: Rows) -> dict[str, float]:
    """What came of the twenty highest scores of each test cutoff."""
    place = pd.DataFrame({"at": rows.times, "score": ours.score, "id": rows.ids})
    top = place.sort_values(["at", "score", "id"], ascending=[True, False, True]).groupby("at").head(20).index
    codes = ours.codes[top]
    found = {f"top20/{o}": float((codes == ours.outcomes.index(o)).mean()) for o in ours.outcomes}
    return found | {"top20/mean_outcome": float(outcome_values(ours.outcomes)[codes].mean())}


def by_cutoff(ours: Predictions, rows: Rows) -> dict[str, list[float]]:
    """Month by month: AUROC of each outcome and log loss."""
    losses = outcomes_log_loss_rows(ours.codes, ours.probabilities)
    found: dict[str, list[float]] = {name: [] for name in (*(f"time/{o}_auroc" for o in ours.judged), "time/log_loss")}
    for time in np.unique(rows.times):
        at = rows.times == time
        for outcome in ours.judged:
            found[f"time/{outcome}_auroc"].append(auroc(ours.came(outcome)[at], ours.said(outcome)[at]))
        found["time/log_loss"].append(float(losses[at].mean()))
    return found


def reliability(came: np.ndarray, p: np.ndarray, *, bins: int = 10) -> pd.DataFrame:
    """Observed rates against predicted ones in bins of about equal size: predicted, observed, low, high, n."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    at = np.searchsorted(edges, p, side="right")
    n = np.bincount(at, minlength=len(edges) + 1)
    kept = n > 0
    events = np.bincount(at, weights=came.astype(float), minlength=len(n))[kept]
    predicted = np.bincount(at, weights=p, minlength=len(n))[kept]
    low, high = wilson(events, n[kept])
    return pd.DataFrame(
        {"predicted": predicted / n[kept], "observed": events / n[kept], "low": low, "high": high, "n": n[kept]}
    )
