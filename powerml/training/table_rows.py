"""Training rows from a ready-made feature table: its population is its rows, held out in time or in folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.config.metrics import catalogue
from powerml.config.outcome import TargetOutcome
from powerml.statistics.folds import account_folds
from powerml.tables import is_rest
from powerml.training.rows import Population, Provenance, Rows, Split, TrainingData
from powerml.training.snapshot_rows import forward_split
from powerml.validation.verdict import CROSS_FITTED

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.tables import FeatureTable, NamedColumns

FOLDS = 5


def table_rows(
    table: FeatureTable, project: ProjectSpec, *, remarks: tuple[str, ...] = (), scored_by: str = ""
) -> TrainingData:
    """The rows of a table; `project` says where things are kept, the horizon and the grace, and nothing of the rows.

    `remarks`: further sentences for the reader, after those of the table and on how rows are held out. `scored_by`: as
    in `Provenance`.
    """
    horizon_days = project.outcome.horizon_days
    contract = "subscriptions" in project.tables and project.outcome_kind == "contract"
    grace_days = project.outcome.grace_days if contract else 0
    frame, named = table.frame, table.named
    if named.good:
        outcome = TargetOutcome.of_column(named.target, good=True, horizon_days=horizon_days)
        words = {"churn": outcome.name, "stay": outcome.no}  # a target is read as churn where it says yes
        frame, project = frame.assign(label=frame["label"].map(words)), project.for_outcome(outcome)
    rows = Rows(frame, table.id_column, horizon_days)

    def split(rows: Rows, seed: int) -> Split:
        return _split(rows, named, grace_days, seed=seed)

    said = _split_sentence(rows, split(rows, 0), named, gap=horizon_days + grace_days)
    return TrainingData(
        project,
        {name: spec for name, spec in catalogue().items() if name in frame},
        rows,
        frame,
        frame[frame["as_of"] == frame["as_of"].max()].reset_index(drop=True),
        {},
        table.coverage,
        Population("table", grace_days, False, table.categories, False, named.time is not None, table.instants),
        Provenance(
            _declared(table, horizon_days, grace_days),
            remarks=(*table.notes, said, *remarks),
            scores_ids=table.scores_ids,
            scored_by=scored_by,
            scores_time=named.time or "",
        ),
        split,
    )


def _split(rows: Rows, named: NamedColumns, grace_days: int, *, seed: int) -> Split:
    """Forward in time where times and the gap allow it; else five folds, accounts whole, outcomes spread evenly."""
    if named.time:
        forward = forward_split(rows, grace_days, seed=seed)
        if any(len(train) and len(set(rows.y[train])) > 1 for train, _ in forward.folds):
            return forward
    happened = next(label for label in sorted(set(rows.y)) if not is_rest(label))
    folds = account_folds(rows.y == happened, rows.accounts, n_folds=FOLDS, seed=seed)
    words = f"{len(folds)} folds by {named.group or named.id_ or 'row'}"
    return Split(tuple(folds), np.ones(len(rows.frame), dtype=bool), CROSS_FITTED, words)


def _split_sentence(rows: Rows, split: Split, named: NamedColumns, *, gap: int) -> str:
    if split.variance_factor == 1.0:
        tests = rows.frame["as_of"].iloc[np.concatenate([test for _, test in split.folds])]
        days, months = tests.nunique(), tests.dt.to_period("M").nunique()
        together = f" ({days} cutoffs, taken together by month)" if days > months else ""
        return (
            f"Held out forward in time by {named.time}: {len(split.folds)} test months{together}, with a gap of {gap} "
            "days before each test."
        )
    short = f"{named.time} is too short for a gap of {gap} days, so held" if named.time else "Held"
    return (
        f"{short} out by {split.words}: no fold is later than another, so this says how well the score tells rows "
        "apart, not how it holds up over time (intervals are widened for folds that train on each other)."
    )


def _declared(table: FeatureTable, horizon_days: int, grace_days: int) -> dict[str, Any]:
    """The file and its columns."""
    said = table.named
    told = {
        "file": table.source,
        "target": said.target,
        "group": said.group,
        "time": said.time,
        "id": said.id_,
        "good": said.good,
    }
    return {"table": told | {"horizon_days": horizon_days, "grace_days": grace_days}}
