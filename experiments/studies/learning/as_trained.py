"""A head as `powerml train` fits it: document D's set for its structure, directions declared, the screen `auto`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import judged

from powerml.config.metrics import catalogue
from powerml.scoring.load import load_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.outcome.rows import STRUCTURE
from powerml.screening.auto import AutoScreen
from powerml.training.candidates import fit_on

if TYPE_CHECKING:
    from powerml.training.rows import Rows


def metrics_of(rows: Rows) -> list[str]:
    """The catalogue's metrics among the columns of labelled rows."""
    return [name for name in rows.frame.columns if name not in STRUCTURE]


def trained(head: str, rows: Rows, *, seed: int = 0, screen: bool = True) -> NestedOutcomeModel:
    """The model of one head on labelled rows; `screen` is the screen `auto` or none."""
    model = NestedOutcomeModel(
        head,
        prior=load_weights("engagement"),
        metrics=metrics_of(rows),
        outcomes=judged.OUTCOMES,
        directions={name: spec.direction for name, spec in catalogue().items()},
        screen=AutoScreen() if screen else None,
        seed=seed,
        name=head,
    )
    return fit_on(model, rows.frame, rows)
