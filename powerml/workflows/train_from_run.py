"""`powerml train --from-run`: a session again from what its run keeps, and what differs where that is not possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from powerml.config import fingerprints
from powerml.config.project import bare_project
from powerml.errors import NotSent, StoreError, UsageError
from powerml.progress import Note, silent
from powerml.tables import NamedColumns
from powerml.tracking.kept_session import KeptSession, session_of_run
from powerml.tracking.store import store_of
from powerml.training.candidates import check_scorers
from powerml.training.repeating import (
    ForRepeat,
    experiment_again,
    figures_compared,
    for_repeat,
    installed_packages,
    known_until,
    project_again,
    what_differs,
)
from powerml.workflows.project import gather, latest_cutoff, open_project
from powerml.workflows.train import TrainResult, train_on
from powerml.workflows.train_table import table_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.experiment import ExperimentSpec
    from powerml.config.project import ProjectSpec
    from powerml.training.rows import TrainingData


@dataclass(frozen=True)
class Repeated:
    """A session that repeats another: `run`, what differs from it in a sentence each, and how the figures came out."""

    done: TrainResult
    experiment: ExperimentSpec
    run: str
    differs: tuple[str, ...]
    figures: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is said of the repeat."""
        same = (f"Run {self.run} was repeated with the same data, declarations, code and packages.",)
        return (*(self.differs or same), self.figures)


def train_from_run(
    wanted: str, project: ProjectSpec | None, *, table: Path | None = None, note: Note = silent
) -> Repeated:
    """Trains as the session of run `wanted` did: its experiment, settings, weight sets and last date.

    `project` is where the run is kept, None for the store of the current folder; `table` is where the feature table of
    such a run lies now. Raises StoreError for a run that is not there or keeps no declaration, UsageError for a table
    that is not where it was.
    """
    home = project or bare_project(Path(), name=Path.cwd().name)
    kept = session_of_run(store_of(home), wanted)
    if not kept.declaration:
        raise StoreError(f"run {kept.run_id}: keeps no declaration.json, so what it did is not known; train anew")
    old = kept.for_repeat
    differs = []
    if old is None:
        old = {}
        differs.append(
            f"Run {kept.run_id[:8]} keeps no repeat.json, which powerml writes by now: weight sets are read as they "
            "are today, and its packages and last date are not known."
        )
    with TemporaryDirectory(prefix="powerml-") as folder:
        experiment, told = experiment_again(kept.declaration["experiment"], old, home, Path(folder))
        differs += told
        if "table" in kept.declaration:
            data, experiment = _table(kept, project, table, experiment, note=note)
            differs += _windows(kept.declaration["table"], data)
        else:
            if table is not None:
                raise UsageError(f"run {kept.run_id[:8]} was trained on a project's snapshots; leave --table out")
            data, told = _snapshots(kept.declaration["project"], old, home, experiment, note=note)
            differs += told
        differs += _differs(kept, old, experiment, data)
        remarks = (f"Repeats run {kept.run_id}.", *differs)
        told_of = replace(data.provenance, remarks=(*data.provenance.remarks, *remarks))
        done = train_on(replace(data, provenance=told_of), experiment, note=note)
    return Repeated(done, experiment, kept.run_id[:8], tuple(differs), _figures(kept, done))


def _snapshots(
    declared: Mapping[str, Any], old: ForRepeat, project: ProjectSpec, experiment: ExperimentSpec, *, note: Note
) -> tuple[TrainingData, list[str]]:
    project, said = project_again(declared, project, experiment)
    check_scorers(experiment, project)
    opened = open_project(project, note=note)
    project, told = known_until(old, project, latest_cutoff(opened))
    opened.project = project
    data = gather(project, experiment.snapshots, outcome=experiment.outcome, opened=opened, earlier=True, note=note)
    return data, said + told


def _table(
    kept: KeptSession, project: ProjectSpec | None, table: Path | None, experiment: ExperimentSpec, *, note: Note
) -> tuple[TrainingData, ExperimentSpec]:
    said = kept.declaration["table"]
    path = table or Path(said["file"])
    if not path.is_file():
        raise UsageError(f"{path}: no such file; say with --table where the table of run {kept.run_id[:8]} lies now")
    columns = NamedColumns(said["target"], said["group"], said["time"], said["id"], said["good"])
    return table_data(path, columns, project=project, experiment=experiment, note=note)


def _windows(then: Mapping[str, Any], data: TrainingData) -> list[str]:
    now = data.provenance.declaration["table"]
    return [
        f"The project's {key} was {then[key]} and is {now[key]} now; today's is used."
        for key in ("horizon_days", "grace_days")
        if then[key] != now[key]
    ]


def _differs(kept: KeptSession, old: ForRepeat, experiment: ExperimentSpec, data: TrainingData) -> list[str]:
    digest = fingerprints.of_frame(data.labelled.frame)
    now = for_repeat(experiment, data)
    return what_differs(
        {"packages": installed_packages(), "metrics": now["metrics"]} | old,
        now,
        digests=(kept.tags.get("powerml.data", "unknown"), digest),
        rows=(kept.rows, str(len(data.labelled.frame))),
        code=kept.tags.get("powerml.code") == fingerprints.of_code(),
    )


def _figures(kept: KeptSession, done: TrainResult) -> str:
    if isinstance(done.sent, NotSent):
        return "The store did not take the repeat, so its figures are not compared."
    again = replace(kept, run_id=done.session.run_id)
    return figures_compared(kept.figures(), again.figures(), run=kept.run_id[:8])
