"""A table to be scored beside what training saw: categories that a fitted scorer does not know are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from powerml.scoring.heads.encoding import EncodedColumn
    from powerml.scoring.model import ScoringModel


def known_levels(model: ScoringModel) -> dict[str, tuple[str, ...]]:
    """The categories that training kept apart, by column; empty for a scorer that reads numbers only."""
    return {column.name: column.levels or () for column in _categorical(model)}


def unseen_sentences(model: ScoringModel, frame: pd.DataFrame) -> tuple[str, ...]:
    """What the rows hold that training did not see, a sentence per column; rarer texts of training share a level."""
    said = []
    for column in _categorical(model):
        if column.has_others or column.name not in frame:
            continue
        texts = frame[column.name].dropna().astype(str).str.strip()
        new = texts[~texts.isin([*(column.levels or ()), ""])]
        if new.empty:
            continue
        different = list(dict.fromkeys(new))
        shown = ", ".join(map(repr, different[:3])) + (", ..." if len(different) > 3 else "")
        known = ", ".join((column.levels or ())[:5]) + (", ..." if len(column.levels or ()) > 5 else "")
        said.append(
            f"Not seen in training: {column.name} {shown} ({len(new):,} of {len(frame):,} rows), which count as "
            f"unknown; training saw {known}."
        )
    return tuple(said)


def _categorical(model: ScoringModel) -> list[EncodedColumn]:
    encoder = getattr(model.scorer, "encoder_", None)
    columns = () if encoder is None else encoder.columns
    return [c for c in columns if c.levels is not None and c.name in model.scorer.metrics_]
