"""The churners' path of a training session: the challenger's scores in the six months before they left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.accounts import key_columns
from powerml.training.folds import usable_folds
from powerml.validation.churn_path import churn_path, path_sentence

if TYPE_CHECKING:
    from powerml.training.judged import Judged
    from powerml.training.rows import Split, TrainingData

MONTH_DAYS = 31  # cutoffs farther apart than this are no monthly scores


def churners_path(its: Judged, data: TrainingData, *, split: Split) -> tuple[pd.DataFrame, str]:
    """See `churn_path`; and a sentence that also says whose scores they are, on which snapshots.

    A fitted scorer is taken as the first fold trained it and scores the monthly snapshots after the last one it learned
    from, so that no row is scored that it was fitted on; a documented one scores all mature monthly snapshots. Empty
    where snapshots are not monthly, come from a ready-made table, or the outcome is a custom one.
    """
    whole, rows = data.whole, data.labelled
    cutoffs = pd.Series(np.sort(whole["as_of"].unique()))
    if data.custom is not None or not data.has_later or len(cutoffs) < 2:
        return pd.DataFrame(), ""
    if cutoffs.diff().max() > pd.Timedelta(days=MONTH_DAYS):
        return pd.DataFrame(), ""
    model, later = its.models[0], cutoffs
    whose = f"Scores of {its.name}, which learned nothing, on all {len(later)} mature monthly snapshots."
    if its.candidate.is_fitted:
        learned = pd.Timestamp(rows.times[usable_folds(data, split)[0][0]].max())
        later = cutoffs[cutoffs > learned]
        whose = (
            f"Scores of {its.name} as fitted on snapshots until {learned:%Y-%m-%d}, on the {len(later)} mature monthly "
            f"snapshots after that, from which it did not learn."
        )
    scored = whole[whole["as_of"].isin(later) & whole["enough_history"].astype(bool)]
    scored = scored[scored[rows.id_column].isin(whole.loc[whole["label"] == "churn", rows.id_column])]
    scored = scored[~model.outside(scored)]
    if scored.empty:
        return pd.DataFrame(), ""
    scores = scored[key_columns(scored, rows.id_column)].assign(
        score=(model.scorer.document or model.scorer).predict_score(scored)
    )
    labels = whole[["as_of", rows.id_column, "label"]]
    path = churn_path(scores, labels, id_column=rows.id_column, horizon_days=rows.horizon_days)
    return (pd.DataFrame(), "") if path is None else (path, f"{path_sentence(path)} {whose}")
