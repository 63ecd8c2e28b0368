"""Training rows from a project's snapshots: who is in them, what was declared, held out forward in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powerml.config import fingerprints
from powerml.statistics.splits import SnapshotSplit
from powerml.training.rows import Population, Provenance, Rows, Split, TrainingData

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

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
        Provenance(_declared(project)),
        lambda rows, seed: forward_split(rows, population.grace_days, seed=seed),
    )


def forward_split(rows: Rows, grace_days: int, *, seed: int) -> Split:
    """Test months forward in time with a gap, and a fifth of the accounts held out of every training."""
    by_time = SnapshotSplit(rows.horizon_days, grace_days, seed=seed)
    return Split(tuple(by_time.rows(rows.frame, rows.accounts)), by_time.held_out(rows.accounts))


def _declared(project: ProjectSpec) -> dict[str, Any]:
    """What was declared: no owners (names), and of queries only their fingerprint."""
    apart = {"owners"} if project.custom_outcome is None else {"owners", "outcome"}  # the experiment declares that one
    told = project.model_dump(mode="json", by_alias=True, exclude=apart)
    told["vocabulary"] = {name: meaning.model_dump(mode="json") for name, meaning in project.meanings.items()}
    for table in told["tables"].values():
        if table.get("query"):
            table["query"] = fingerprints.of_text(table["query"])
    return {"project": told}
