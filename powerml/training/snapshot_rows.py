"""Training rows from a project's snapshots: who is in them, what was declared, held out forward in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config import fingerprints
from powerml.statistics.splits import SnapshotSplit
from powerml.training.rows import Population, Provenance, Rows, Split, TrainingData
from powerml.validation.early_warning import EARLY_DAYS
from powerml.validation.leak_probe import EARLIER_DAYS, TOLERANCE_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from powerml.config.metrics import MetricSpec
    from powerml.config.project import ProjectSpec


def snapshot_rows(
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    labelled: Rows,
    whole: pd.DataFrame,
    latest: pd.DataFrame,
    vocabulary: Mapping[str, int],
    coverage: pd.DataFrame,
    before: pd.DataFrame | None = None,
) -> TrainingData:
    """The rows of a project's mature snapshots; see `TrainingData` for the frames."""
    contract, custom = project.outcome_kind == "contract", project.custom_outcome
    population = Population(
        outcome_kind=project.outcome_kind if custom is None else f"{custom.name}: {custom.words}",
        grace_days=project.outcome.grace_days if contract else 0,
        payers_only=contract,
    )
    return TrainingData(
        project,
        metrics,
        labelled,
        whole,
        latest,
        vocabulary,
        coverage,
        population,
        Provenance({"project": declared_project(project)}),
        lambda rows, seed: forward_split(rows, population.grace_days, seed=seed),
        pd.DataFrame() if before is None else before,
    )


def earlier_cutoffs(mature: Sequence[date], *, first_day: date, gap_days: int) -> list[date]:
    """Cutoffs to be taken beside the mature ones, so that every row has values of a month before, whatever the spacing.

    Test cutoffs also get those of 60, 90 and 120 days before, for early warning. Where a mature cutoff lies near enough
    (10 days), it serves; `gap_days` lie between a training cutoff and a test.
    """
    split = SnapshotSplit(gap_days)
    tested = {at.date() for fold in split.folds(pd.to_datetime(list(mature))) for at in fold.test}
    wanted = {
        day - timedelta(days=days) for day in mature for days in EARLY_DAYS if days == EARLIER_DAYS or day in tested
    }
    added: list[date] = []
    for day in sorted(wanted):
        served = any(abs((day - other).days) <= TOLERANCE_DAYS for other in (*mature, *added))
        if day > first_day and not served:
            added.append(day)
    return added


def forward_split(rows: Rows, grace_days: int, *, seed: int) -> Split:
    """Test months forward in time with a gap, and a fifth of the accounts held out of every training."""
    by_time = SnapshotSplit(rows.horizon_days, grace_days, seed=seed)
    return Split(tuple(by_time.rows(rows.frame, rows.accounts)), by_time.held_out(rows.accounts))


def declared_project(project: ProjectSpec) -> dict[str, Any]:
    """What was declared about the data: no names or logins, nothing after scoring, of queries their fingerprint."""
    apart = {"owners", "tracking_uri", "artifact_location"}
    apart |= {"night", "history", "lists", "alerts", "notify", "deliver"}  # what is done with scores afterwards
    apart |= set() if project.custom_outcome is None else {"outcome"}  # the experiment declares that one
    told = project.model_dump(mode="json", by_alias=True, exclude=apart)
    told["vocabulary"] = {name: meaning.model_dump(mode="json") for name, meaning in project.meanings.items()}
    for table in told["tables"].values():
        if table.get("query"):
            table["query"] = fingerprints.of_text(table["query"])
    return told
