"""The list that the challenger would have given at the last held-out cutoff, and what happened to those on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.scoring.explain.text import reasons_text
from powerml.validation.backtest import backtest

if TYPE_CHECKING:
    from powerml.training.judged import Judged
    from powerml.training.rows import TrainingData

LISTED, MOST_MISSED = 20, 60


def last_list(its: Judged, data: TrainingData) -> tuple[pd.DataFrame, str]:
    """`rank`, id, `score`, `band`, `p_churn`, `label`, `result`, `because`; and the sentence of `Backtest`.

    The scorer is the one that its fold trained, which knew nothing of what followed. Of the missed the first 60 are
    kept. Empty for a custom outcome, and without a cutoff.
    """
    rows = its.test.rows
    if data.custom is not None or rows.frame.empty or not data.has_later:
        return pd.DataFrame(), ""
    last = rows.times.max()
    there = rows.times == last
    frame = rows.frame[there].reset_index(drop=True)
    model = its.models[int(its.test.folds[there].max())]
    said = its.said.probabilities[there].reset_index(drop=True)
    table = said.assign(**{rows.id_column: frame[rows.id_column]})
    table["score"] = its.predictions.score[there]
    scored = model.score(frame)
    table["band"] = scored[model.band_column].to_numpy()
    labels = frame[[rows.id_column, "label"]]
    found = backtest(table, labels, id_column=rows.id_column, top=LISTED)
    shown = found.rows
    missed = shown["result"].eq("missed")
    shown = pd.concat([shown[~missed], shown[missed].head(MOST_MISSED)], ignore_index=True)
    of_row = pd.Index(frame[rows.id_column]).get_indexer(pd.Index(shown[rows.id_column]))
    asked = frame.iloc[of_row].reset_index(drop=True)
    because = reasons_text(model.reasons(asked), asked, top=3, metrics=data.metrics)
    columns = ["rank", rows.id_column, "score", "band", "p_churn", "label", "result"]
    return shown[columns].assign(because=list(because)), f"At {pd.Timestamp(last):%Y-%m-%d}: {found.sentence}"
