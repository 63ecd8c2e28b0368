"""The list that the challenger would have given at the last held-out cutoff, and what happened to those on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.scoring.explain.text import reasons_text
from powerml.training.folds import usable_folds
from powerml.validation.backtest import backtest

if TYPE_CHECKING:
    from powerml.training.judged import Judged
    from powerml.training.rows import Split, TrainingData

LISTED, MOST_MISSED = 20, 60


def last_model(its: Judged, data: TrainingData, split: Split) -> dict[str, Any] | None:
    """The scorer that made the last list, as data: `as_of`, the number of `rows` it learnt from, the `model` itself.

    With it the list can be made again, of any length, by a scorer that knew nothing of what came. None where there is
    no such list.
    """
    rows = its.test.rows
    if data.custom is not None or rows.frame.empty or not data.has_later:
        return None
    last = rows.times.max()
    fold = int(its.test.folds[rows.times == last].max())
    learnt, _ = usable_folds(data, split)[fold]
    return {"as_of": f"{pd.Timestamp(last):%Y-%m-%d}", "rows": len(learnt), "model": its.models[fold].to_dict()}


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
