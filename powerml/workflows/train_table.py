"""`powerml train --table`: the same session from a ready-made feature table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.experiment import ExperimentSpec, FittedEntry
from powerml.config.project import ProjectSpec, bare_project
from powerml.config.shipped import base_of
from powerml.config.weights import read_weights
from powerml.errors import DataError, UsageError
from powerml.progress import Note, silent
from powerml.sources.tables.features import read_features
from powerml.training.candidates import check_scorers
from powerml.training.table_rows import table_rows
from powerml.workflows.train import TrainResult, train_on

if TYPE_CHECKING:
    from powerml.tables import FeatureTable, NamedColumns
    from powerml.training.rows import TrainingData


def train_table(
    path: Path,
    columns: NamedColumns,
    *,
    project: ProjectSpec | None = None,
    experiment: ExperimentSpec | None = None,
    note: Note = silent,
) -> TrainResult:
    """Trains on the rows of a CSV or Parquet file; see `train`, and `read_features` for what a table may hold.

    Without a project everything is kept in `.powerml` of the current folder, under the file's name. Weight sets take
    part where the table has their metrics. Raises UsageError where no scorer of the experiment can be made.
    """
    data, asked = table_data(path, columns, project=project, experiment=experiment, note=note)
    return train_on(data, asked, note=note)


def table_data(
    path: Path,
    columns: NamedColumns,
    *,
    project: ProjectSpec | None = None,
    experiment: ExperimentSpec | None = None,
    note: Note = silent,
) -> tuple[TrainingData, ExperimentSpec]:
    """The rows of a table, and the experiment with the scorers that can be made of them; see `train_table`."""
    if experiment is not None and experiment.outcome is not None:
        raise UsageError(
            f"outcome {experiment.outcome.name!r} is counted from a project's events, and a feature table brings its "
            "own in --target; leave 'outcome' out of the experiment"
        )
    home = project or bare_project(Path(), name=path.name.split(".")[0])
    experiment = experiment or ExperimentSpec()
    check_scorers(experiment, home)
    note(f"reading {path.name}")
    screen = experiment.screen
    keep = () if screen is None or isinstance(screen, str) else screen.force_keep
    table = read_features(path, columns, keep=keep)
    _check_screen(experiment, table)
    experiment, told = _possible(experiment, table, home)
    return table_rows(table, home, remarks=told, scored_by=f"--metrics {shlex.quote(str(path))} "), experiment


def _possible(
    experiment: ExperimentSpec, table: FeatureTable, project: ProjectSpec
) -> tuple[ExperimentSpec, tuple[str, ...]]:
    """The experiment with the scorers whose metrics the table has, and a sentence on the others."""
    kept, absent = [], dict[str, list[str]]()
    for entry in experiment.scorers:
        if isinstance(entry, FittedEntry):
            needed = (entry.prior or DOCUMENTED_CARD) if entry.fit == "weights" or entry.prior else None
        else:
            needed = entry.weights
        lacks = [] if needed is None else _lacking(needed, table, experiment, project)
        if lacks:
            absent[entry.label] = lacks
        else:
            kept.append(entry)
    if not kept:
        names = "; ".join(f"{name} lacks {', '.join(lacks)}" for name, lacks in absent.items())
        fix = "name one with 'fit' in the experiment"
        raise UsageError(f"{table.source}: none of the scorers can be made ({names}); {fix}")
    if not absent:
        return experiment, ()
    shown = {name: ", ".join(lacks[:3]) + (", ..." if len(lacks) > 3 else "") for name, lacks in absent.items()}
    told = "; ".join(f"{name} ({lacks})" for name, lacks in shown.items())
    return experiment.model_copy(update={"scorers": tuple(kept)}), (f"Take no part, for want of metrics: {told}.",)


def _lacking(weights: str, table: FeatureTable, experiment: ExperimentSpec, project: ProjectSpec) -> list[str]:
    """The metrics of a weight set that the table has not."""
    spec = read_weights(weights, base=base_of(weights, project=project.base, said_in=experiment.base))
    return [metric for metric in spec.metrics if metric not in table.frame]


def _check_screen(experiment: ExperimentSpec, table: FeatureTable) -> None:
    """Raises DataError where the screen forces a column that the table has not."""
    spec = experiment.screen
    if spec is None or isinstance(spec, str):
        return
    available = set(table.coverage.loc[table.coverage["available"], "metric"])
    if unknown := [name for name in (*spec.force_keep, *spec.force_drop) if name not in available]:
        fix = "correct 'force_keep' and 'force_drop' in the experiment"
        raise DataError.in_file(table.source, f"has no feature {unknown[0]!r}, which the screen names", fix)
