"""Every scorer of a session on the same held-out rows: verdict, band report, figures by stable names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.calibration.links import best_single_metric
from powerml.config import documents
from powerml.config.documents import DOCUMENTED_CARD
from powerml.statistics.target_encoding import numeric_view
from powerml.training.figures import by_cutoff, figures_of
from powerml.training.folds import FoldRows, OutOfFold, out_of_fold
from powerml.training.judged import Judged, stay_value_of
from powerml.validation.band_report import BandReport, band_report
from powerml.validation.held_rows import Said
from powerml.validation.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from powerml.progress import Note
    from powerml.scoring.model import ScoringModel
    from powerml.training.candidates import Candidate
    from powerml.training.rows import HeldOut, Rows, Split, TrainingData
    from powerml.training.screening import Screening

CARD_WORDS = f"the documented card ({DOCUMENTED_CARD})"


def judge(
    candidates: Sequence[Candidate],
    data: TrainingData,
    *,
    split: Split,
    screening: Screening,
    seed: int,
    repeats: int = 1000,
    note: Note,
) -> tuple[OutOfFold, list[Judged]]:
    """Trains every scorer on the training rows of each fold and judges what it says of the test rows.

    Rivals in every verdict: the best single metric, and the documented card. Nothing is judged where history is too
    short to hold anything out.
    """
    made = out_of_fold(candidates, data, split, note=note)
    if not made.folds:
        return made, []
    rivals = _single_metric(made.folds, data, screening)
    card = next((c for c in candidates if c.name == DOCUMENTED_CARD and not c.is_fitted), None)
    judged = []
    for candidate in candidates:
        note(f"judging {candidate.name}")
        others = dict(rivals)
        if card is not None and candidate is not card:
            others[CARD_WORDS] = made.said(card.name).probabilities
        judging = _Judging(made.test, others, seed, repeats)
        judged.append(judging.of(candidate, made.said(candidate.name), tuple(made.models[candidate.name])))
    return made, judged


def judged_as_chosen(its: Judged, by_fold: Sequence[str], made: OutOfFold, *, seed: int, repeats: int = 1000) -> Judged:
    """The challenger judged by what the scorers said that each fold chose on its own training rows.

    Where folds train on each other's test rows this is the only judgement in which no held-out row chose; where all
    folds chose the challenger it is its own.
    """
    if set(by_fold) <= {its.name}:
        return its
    said = Said.pooled([made.parts[name][number] for number, name in enumerate(by_fold)])
    models = tuple(made.models[name][number] for number, name in enumerate(by_fold))
    return _Judging(made.test, its.rivals, seed, repeats).of(its.candidate, said, models)


def _single_metric(folds: Sequence[FoldRows], data: TrainingData, screening: Screening) -> dict[str, pd.DataFrame]:
    """What the best single metric of each fold says of its test rows, by its name; empty where a fold has none."""
    said, name = [], ""
    for fold in folds:
        view = _view(data, screening.honest(fold.train, data.available), fold.train)
        best = best_single_metric(view(fold.train), fold.train.y, data.outcomes)
        if best is None:
            return {}
        said.append(best.probabilities(view(fold.test)).reset_index(drop=True))
        name = best.name
    return {name: pd.concat(said, ignore_index=True)}


def _view(data: TrainingData, metrics: Sequence[str], train: Rows) -> Callable[[Rows], pd.DataFrame]:
    """Metrics of any rows as numbers, categories at what training rows say of them."""
    return lambda rows: numeric_view(rows.frame, metrics, learned_from=train.frame, texts=data.texts)


def documented_table() -> pd.DataFrame:
    """Document D's own band table: `band`, `churn`, `stay`, `expand`. A reference, never a target."""
    bands = documents.documented_band_table()
    return pd.DataFrame([{"band": b.name, "churn": b.churn, "stay": b.stay, "expand": b.expand} for b in bands])


@dataclass(frozen=True, eq=False)
class _Judging:
    """Held-out rows on which scorers are judged beside rivals."""

    test: HeldOut
    rivals: Mapping[str, pd.DataFrame]
    seed: int
    repeats: int

    def of(self, candidate: Candidate, said: Said, models: tuple[ScoringModel, ...]) -> Judged:
        """One scorer judged."""
        held = self.test.held
        found = verdict(held, said, rivals=self.rivals, repeats=self.repeats, seed=self.seed)
        report = _band_report(candidate, said, self.test.rows, stay_value_of(models))
        its = Judged(candidate, said, self.test, found, report, {}, {}, models, self.rivals)
        monthly = by_cutoff(its.predictions, self.test.rows)
        figures = figures_of(its, seed=self.seed)
        for name, values in monthly.items():
            if name.endswith("auroc") and np.isfinite(values).any():
                figures[f"{name}_worst"] = float(np.nanmin(values))
        return replace(its, figures=figures, by_cutoff=monthly)


def _band_report(candidate: Candidate, said: Said, rows: Rows, stay_value: float) -> BandReport:
    """The scorer's bands with what came of them, document D's own table beside them where they are D's bands."""
    assert said.score is not None
    bands = candidate.data.bands or documents.ladder()
    reference = documented_table()
    three = "p_expand" in said.probabilities  # the document's table has three outcomes
    same = three and set(bands.names) == set(reference["band"])
    ours = said.of(rows.y)
    return band_report(
        said.score, rows.y, bands=bands, groups=rows.accounts, probabilities=said.probabilities, stay_value=stay_value,
        reference=reference if same else None, outcomes=ours.outcomes,  # also one that never came to these rows
    )  # fmt: skip
