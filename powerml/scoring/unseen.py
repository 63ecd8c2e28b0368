"""A table to be scored beside what training saw: categories, numbers and blanks that a fitted scorer never met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from powerml.scoring.heads.encoding import EncodedColumn
    from powerml.scoring.model import ScoringModel

FEW = 0.01
"""This share of rows beyond what training spans is what any new table has."""


def known_levels(model: ScoringModel) -> dict[str, tuple[str, ...]]:
    """The categories that training kept apart, by column; empty for a scorer that reads numbers only."""
    return {column.name: column.levels or () for column in _columns(model) if column.levels is not None}


def unseen_sentences(model: ScoringModel, frame: pd.DataFrame) -> tuple[str, ...]:
    """What the rows hold that training did not see, a sentence per column and kind.

    Texts that it did not know (rarer ones of training share a level), numbers outside of what it spans (more than
    `FEW` of them, or one that lies further out than all of training is wide), blanks where it had none.
    """
    said = []
    for column in _columns(model):
        if column.name in frame:
            values = frame[column.name]
            said += (
                [_texts(column, values)]
                if column.levels is not None
                else [_range(column, values), _blanks(column, values)]
            )
    return tuple(filter(None, said))


def _texts(column: EncodedColumn, values: pd.Series) -> str:
    known = column.levels or ()
    texts = values.dropna().astype(str).str.strip()
    new = texts[~texts.isin([*known, ""])]
    if new.empty or column.has_others:
        return ""
    different = list(dict.fromkeys(new))
    shown = ", ".join(map(repr, different[:3])) + (", ..." if len(different) > 3 else "")
    told = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return (
        f"Not seen in training: {column.name} {shown} ({len(new):,} of {len(values):,} rows), which count as "
        f"unknown; training saw {told}."
    )


def _range(column: EncodedColumn, values: pd.Series) -> str:
    if column.low is None or column.high is None:
        return ""
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").dropna()
    wide = column.high - column.low
    beyond = numbers[(numbers < column.low) | (numbers > column.high)]
    far = (numbers < column.low - wide) | (numbers > column.high + wide)
    if len(beyond) <= FEW * len(numbers) and not far.any():
        return ""
    return (
        f"Not seen in training: {column.name} of {beyond.min():g} to {beyond.max():g} ({len(beyond):,} of "
        f"{len(values):,} rows); training saw {column.low:g} to {column.high:g}."
    )


def _blanks(column: EncodedColumn, values: pd.Series) -> str:
    empty = int(pd.to_numeric(values, errors="coerce").isna().sum())
    if column.blanks is not False or not empty:
        return ""
    return f"Not seen in training: {column.name} without a value ({empty:,} of {len(values):,} rows)."


def _columns(model: ScoringModel) -> list[EncodedColumn]:
    """The columns that a fitted scorer read in training and reads now; none of a documented one."""
    encoder = getattr(model.scorer, "encoder_", None)
    return [c for c in (() if encoder is None else encoder.columns) if c.name in model.scorer.metrics_]
