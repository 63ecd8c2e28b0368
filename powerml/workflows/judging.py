"""Every scorer of a session on the same held-out rows: verdict, band report, figures by stable names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from powerml.config.bands import BandsSpec
from powerml.config.claims import load_claims
from powerml.config.shipped import find
from powerml.scoring.weight_set import load_weights
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.intervals import wilson
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
from powerml.statistics.splits import SnapshotSplit
from powerml.validation.band_report import BandReport, band_report, fifths
from powerml.validation.links import best_single_metric
from powerml.validation.outcomes import Predictions, base_rates, outcome_values
from powerml.validation.verdict import Verdict, verdict
from powerml.workflows.candidates import DOCUMENTED_CARD, Candidate, Said, say
from powerml.workflows.training_data import Rows, TrainingData

Note = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Test:
    """The held-out rows of all folds, one after another; `unseen`: rows of accounts that no training saw."""

    rows: Rows
    unseen: np.ndarray


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorer with what it said of the held-out rows, and what came of that."""

    candidate: Candidate
    said: Said
    verdict: Verdict
    bands: BandReport
    figures: dict[str, float]
    by_cutoff: dict[str, list[float]]
    reliability: dict[str, pd.DataFrame]

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.candidate.name


def hold_out(data: TrainingData, *, seed: int) -> SnapshotSplit:
    """The split by time with a gap, and a fifth of the accounts held out of every training."""
    return SnapshotSplit(data.labelled.horizon_days, data.grace_days, seed=seed)


def judge(
    candidates: Sequence[Candidate], data: TrainingData, *, seed: int, repeats: int = 1000, note: Note
) -> tuple[Test, list[Judged]]:
    """Trains every scorer on the training rows of each fold and judges what it says of the test rows.

    Rivals in every verdict: the best single metric, and the documented card. Empty where history is too short to hold
    anything out.
    """
    rows = data.labelled
    folds = list(hold_out(data, seed=seed).rows(rows.frame, rows.accounts))
    folds = [fold for fold in folds if len(fold[0]) and len(set(rows.y[fold[0]])) > 1]
    if not folds:
        return Test(rows.take(np.array([], dtype=int)), np.array([], dtype=bool)), []
    parts: dict[str, list[Said]] = {candidate.name: [] for candidate in candidates}
    card = next((c for c in candidates if c.name == DOCUMENTED_CARD and not c.is_fitted), None)
    single: list[pd.DataFrame] = []
    single_name = ""
    for number, (train_at, test_at) in enumerate(folds, start=1):
        train, test = rows.take(train_at), rows.take(test_at)
        rates = train.rates(data.outcomes)
        reference = data.reference(train.frame["as_of"].max())
        for candidate in candidates:
            note(f"fold {number} of {len(folds)}: {candidate.name}")
            parts[candidate.name].append(say(candidate.make(train, reference), test, rates))
        best = best_single_metric(train.frame[data.available], train.y, data.outcomes)
        if best is not None:
            single.append(best.probabilities(test.frame).reset_index(drop=True))
            single_name = best.name
    at = np.concatenate([test_at for _, test_at in folds])
    held = Test(rows.take(at), hold_out(data, seed=seed).held_out(rows.accounts)[at])
    pooled = {name: Said.pooled(said) for name, said in parts.items()}
    rivals = {single_name: pd.concat(single, ignore_index=True)} if len(single) == len(folds) else {}
    judged = []
    for candidate in candidates:
        note(f"judging {candidate.name}")
        others = dict(rivals)
        if card is not None and candidate is not card:
            others[f"the documented card ({card.name})"] = pooled[card.name].probabilities
        judged.append(_judge_one(candidate, pooled[candidate.name], held, data, others, seed=seed, repeats=repeats))
    return held, judged


def simplest(judged: Sequence[Judged], test: Test, *, seed: int) -> Judged:
    """The simplest scorer whose log loss is within one standard error (by account, paired) of the best one's."""
    losses = {one.name: _outcome_losses(one, test) for one in judged}
    best = min(judged, key=lambda one: float(losses[one.name].mean()))
    draws = AccountBootstrap.of(test.rows.accounts, repeats=300, seed=seed)
    for one in sorted(judged, key=lambda one: one.candidate.complexity):
        difference = losses[one.name] - losses[best.name]
        if difference.mean() <= draws.means(difference).std():
            return one
    return best


def documented_bands() -> BandsSpec:
    """Document D's ladder, for scorers that declare none."""
    bands = load_weights(DOCUMENTED_CARD).bands
    assert bands is not None
    return bands


def documented_table() -> pd.DataFrame:
    """Document D's own band table: `band`, `churn`, `stay`, `expand`. A reference, never a target."""
    claims = load_claims(find("claims", DOCUMENTED_CARD))
    return pd.DataFrame([{"band": b.name, "churn": b.churn, "stay": b.stay, "expand": b.expand} for b in claims.bands])


def _judge_one(
    candidate: Candidate,
    said: Said,
    test: Test,
    data: TrainingData,
    rivals: dict[str, pd.DataFrame],
    *,
    seed: int,
    repeats: int,
) -> Judged:
    rows = test.rows
    found = verdict(
        rows.y, said.probabilities, base=said.base, groups=rows.accounts, times=rows.times, score=said.score,
        rivals=rivals, event_ids=rows.instants, horizon_days=rows.horizon_days, repeats=repeats, seed=seed,
    )  # fmt: skip
    bands = _bands_of(candidate, said.score)
    reference = documented_table()
    same = isinstance(bands, BandsSpec) and set(bands.names) == set(reference["band"])
    report = band_report(
        said.score, rows.y, bands=bands, groups=rows.accounts, probabilities=said.probabilities,
        reference=reference if same else None,
    )  # fmt: skip
    ours = Predictions.of(rows.y, said.probabilities, said.score)
    figures = _figures(ours, said, test, found, report, seed=seed)
    by_cutoff = _by_cutoff(ours, rows)
    for name, values in by_cutoff.items():
        if name.endswith("auroc") and np.isfinite(values).any():
            figures[f"{name}_worst"] = float(np.nanmin(values))
    curves = {outcome: reliability(ours.came(outcome), ours.said(outcome)) for outcome in ours.judged}
    return Judged(candidate, said, found, report, figures, by_cutoff, curves)


def _bands_of(candidate: Candidate, score: np.ndarray) -> Any:
    if candidate.is_fitted:
        return documented_bands()
    declared = candidate.weight_set().bands
    return declared or fifths(score)


def _outcome_losses(one: Judged, test: Test) -> np.ndarray:
    ours = Predictions.of(test.rows.y, one.said.probabilities, one.said.score)
    return outcomes_log_loss_rows(ours.codes, ours.probabilities)


def _figures(
    ours: Predictions, said: Said, test: Test, found: Verdict, report: BandReport, *, seed: int
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


def _seen_and_unseen(ours: Predictions, rates: np.ndarray, test: Test, *, seed: int) -> dict[str, float]:
    """Two numbers: the skill on accounts that training knew, and on accounts it never saw."""
    model, base = outcomes_log_loss_rows(ours.codes, ours.probabilities), outcomes_log_loss_rows(ours.codes, rates)
    figures: dict[str, float] = {}
    for name, part in (("seen_accounts", ~test.unseen), ("unseen_accounts", test.unseen)):
        if not part.any():
            continue
        draws = AccountBootstrap.of(test.rows.accounts[part], repeats=300, seed=seed)
        sums = draws.sums(np.column_stack([model[part], base[part]]))
        low, high = interval(1 - sums[:, 0] / sums[:, 1])
        saved = float(1 - model[part].sum() / base[part].sum())
        figures |= {f"skill/{name}": saved, f"skill/{name}_low": low, f"skill/{name}_high": high}
        figures[f"churn/auroc_{name}"] = auroc(ours.came("churn")[part], ours.said("churn")[part])
    return figures


def _top20(ours: Predictions, rows: Rows) -> dict[str, float]:
    """What came of the twenty highest scores of each test cutoff."""
    place = pd.DataFrame({"at": rows.times, "score": ours.score, "id": rows.ids})
    top = place.sort_values(["at", "score", "id"], ascending=[True, False, True]).groupby("at").head(20).index
    codes = ours.codes[top]
    found = {f"top20/{o}": float((codes == ours.outcomes.index(o)).mean()) for o in ours.outcomes}
    return found | {"top20/mean_outcome": float(outcome_values(ours.outcomes)[codes].mean())}


def _by_cutoff(ours: Predictions, rows: Rows) -> dict[str, list[float]]:
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
