"""Every scorer of a session on the same held-out rows: verdict, band report, figures by stable names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.calibration.links import best_single_metric
from powerml.config import documents
from powerml.config.documents import DOCUMENTED_CARD
from powerml.statistics.bootstrap import AccountBootstrap
from powerml.statistics.outcomes import Predictions
from powerml.statistics.scores import outcomes_log_loss_rows
from powerml.statistics.splits import SnapshotSplit
from powerml.statistics.target_encoding import numeric_view
from powerml.training.candidates import Candidate, Said, say
from powerml.training.figures import by_cutoff, figures_of, reliability
from powerml.training.rows import HeldOut, Rows, TrainingData
from powerml.validation.band_report import BandReport, band_report
from powerml.validation.verdict import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from powerml.progress import Note
    from powerml.scoring.model import ScoringModel
    from powerml.training.screening import Screening


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorer with what it said of the held-out rows, and what came of that.

    `models`: the scorer as each fold trained it, in the order of the folds.
    """

    candidate: Candidate
    said: Said
    verdict: Verdict
    bands: BandReport
    figures: dict[str, float]
    by_cutoff: dict[str, list[float]]
    reliability: dict[str, pd.DataFrame]
    models: tuple[ScoringModel, ...]

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.candidate.name


def hold_out(data: TrainingData, *, seed: int) -> SnapshotSplit:
    """The split by time with a gap, and a fifth of the accounts held out of every training."""
    return SnapshotSplit(data.labelled.horizon_days, data.grace_days, seed=seed)


def judge(
    candidates: Sequence[Candidate],
    data: TrainingData,
    *,
    screening: Screening,
    seed: int,
    repeats: int = 1000,
    note: Note,
) -> tuple[HeldOut, list[Judged]]:
    """Trains every scorer on the training rows of each fold and judges what it says of the test rows.

    Rivals in every verdict: the best single metric, and the documented card. Empty where history is too short to hold
    anything out.
    """
    rows, split = data.labelled, data.split(seed=seed)
    folds = usable_folds(data, seed=seed)
    if not folds:
        none = np.array([], dtype=int)
        return HeldOut(rows.take(none), none.astype(bool), none), []
    parts: dict[str, list[Said]] = {candidate.name: [] for candidate in candidates}
    models: dict[str, list[ScoringModel]] = {candidate.name: [] for candidate in candidates}
    card = next((c for c in candidates if c.name == DOCUMENTED_CARD and not c.is_fitted), None)
    single: list[pd.DataFrame] = []
    single_name = ""
    for number, (train_at, test_at) in enumerate(folds, start=1):
        train, test = rows.take(train_at), rows.take(test_at)
        rates = train.rates(data.outcomes)
        reference = data.reference(train.frame["as_of"].max())
        for candidate in candidates:
            note(f"fold {number} of {len(folds)}: {candidate.name}")
            models[candidate.name].append(made := candidate.make(train, reference))
            parts[candidate.name].append(say(made, test, rates))
        view = _view(data, screening.honest(train, data.available), train)
        best = best_single_metric(view(train), train.y, data.outcomes)
        if best is not None:
            single.append(best.probabilities(view(test)).reset_index(drop=True))
            single_name = best.name
    at = np.concatenate([test_at for _, test_at in folds])
    fold_of = np.repeat(np.arange(len(folds)), [len(test_at) for _, test_at in folds])
    held = HeldOut(rows.take(at), split.unseen[at], fold_of)
    pooled = {name: Said.pooled(said) for name, said in parts.items()}
    rivals = {single_name: pd.concat(single, ignore_index=True)} if len(single) == len(folds) else {}
    judged = []
    for candidate in candidates:
        note(f"judging {candidate.name}")
        others = dict(rivals)
        if card is not None and candidate is not card:
            others[f"the documented card ({card.name})"] = pooled[card.name].probabilities
        said, fitted = pooled[candidate.name], tuple(models[candidate.name])
        judged.append(
            _judge_one(candidate, said, fitted, held, others, factor=split.variance_factor, seed=seed, repeats=repeats)
        )
    return held, judged


def usable_folds(data: TrainingData, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The folds whose training rows have two outcomes at least, in order: (training, test) positions."""
    y = data.labelled.y
    return [fold for fold in data.split(seed=seed).folds if len(fold[0]) and len(set(y[fold[0]])) > 1]


def _view(data: TrainingData, metrics: Sequence[str], train: Rows) -> Callable[[Rows], pd.DataFrame]:
    """Metrics of any rows as numbers, categories at what training rows say of them."""
    return lambda rows: numeric_view(rows.frame, metrics, learned_from=train.frame, texts=data.texts)


def simplest(judged: Sequence[Judged], test: HeldOut, *, seed: int) -> Judged:
    """The simplest scorer whose log loss is within one standard error (by account, paired) of the best one's."""
    losses = {one.name: _outcome_losses(one, test) for one in judged}
    best = min(judged, key=lambda one: float(losses[one.name].mean()))
    draws = AccountBootstrap.of(test.rows.accounts, repeats=300, seed=seed)
    for one in sorted(judged, key=lambda one: one.candidate.complexity):
        difference = losses[one.name] - losses[best.name]
        if difference.mean() <= draws.means(difference).std():
            return one
    return best


def documented_table() -> pd.DataFrame:
    """Document D's own band table: `band`, `churn`, `stay`, `expand`. A reference, never a target."""
    bands = documents.band_table()
    return pd.DataFrame([{"band": b.name, "churn": b.churn, "stay": b.stay, "expand": b.expand} for b in bands])


def _judge_one(
    candidate: Candidate,
    said: Said,
    models: tuple[ScoringModel, ...],
    test: HeldOut,
    rivals: dict[str, pd.DataFrame],
    *,
    factor: float,
    seed: int,
    repeats: int,
) -> Judged:
    rows = test.rows
    found = verdict(
        rows.y, said.probabilities, base=said.base, groups=rows.accounts, times=rows.times, score=said.score,
        rivals=rivals, event_ids=rows.instants, horizon_days=rows.horizon_days, variance_factor=factor,
        repeats=repeats, seed=seed,
    )  # fmt: skip
    bands = candidate.data.bands or documents.ladder()
    reference = documented_table()
    three = "p_expand" in said.probabilities  # the document's table has three outcomes
    same = three and set(bands.names) == set(reference["band"])
    ours = Predictions.of(rows.y, said.probabilities, said.score)
    report = band_report(
        said.score, rows.y, bands=bands, groups=rows.accounts, probabilities=said.probabilities,
        reference=reference if same else None, outcomes=ours.outcomes,  # also one that never came to these rows
    )  # fmt: skip
    figures = figures_of(ours, said, test, found, report, seed=seed)
    monthly = by_cutoff(ours, rows)
    for name, values in monthly.items():
        if name.endswith("auroc") and np.isfinite(values).any():
            figures[f"{name}_worst"] = float(np.nanmin(values))
    curves = {outcome: reliability(ours.came(outcome), ours.said(outcome)) for outcome in ours.judged}
    return Judged(candidate, said, found, report, figures, monthly, curves, models)


def _outcome_losses(one: Judged, test: HeldOut) -> np.ndarray:
    ours = Predictions.of(test.rows.y, one.said.probabilities, one.said.score)
    return outcomes_log_loss_rows(ours.codes, ours.probabilities)
