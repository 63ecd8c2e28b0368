"""A project on Spark: its tables opened and rolled up there, snapshots written and scored there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.snapshots.dataset import write_rows
from powerml.snapshots.needs import apart, columns_asked, of_events
from powerml.snapshots.rollup import NEVER, Inputs, Rollups, roll_up
from powerml.snapshots.windows import Cutoffs, cutoffs_asked, day_date
from powerml.sources.spark_tables import check_for_spark, open_spark_tables
from powerml.workflows.project import project_metrics
from powerml.writing import private_folder, whole_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import ibis.expr.types as ir

    from powerml.config.metrics import MetricSpec
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.spark import SparkEngine


@dataclass(frozen=True)
class SparkProject:
    """A project whose events Spark has rolled up; `loads` has the rows of each table."""

    project: ProjectSpec
    metrics: Mapping[str, MetricSpec]
    engine: SparkEngine
    inputs: Inputs
    rollups: Rollups
    loads: pd.DataFrame

    @property
    def last_day(self) -> date:
        """The local date of the last event."""
        return day_date(self.rollups.last_day)

    def cutoffs(self) -> list[date]:
        """The cutoffs that the project's `snapshots` setting asks for; by default from the first event to the last."""
        return cutoffs_asked(self.project.snapshots, self.rollups.first_day, self.rollups.last_day)

    def write_snapshots(
        self, cutoffs: Sequence[date], folder: Path, *, labels: bool, note: Note = silent
    ) -> WrittenSnapshots:
        """Writes the snapshots as Parquet files of a new folder, in the order of cutoffs and ids; all or nothing."""
        if not cutoffs:
            raise UsageError("no cutoff to take a snapshot at; give --as-of or --monthly, or widen `snapshots`")
        chosen, order = Cutoffs.of(self.project.timezone, cutoffs), ("as_of", self.project.id_column)
        with whole_folder(folder) as draft:

            def write(table: ir.Table) -> None:
                """Writes the rows of a group of cutoffs, behind those of the groups before."""
                part = draft / "part"
                self.engine.write(table, part, order=order)
                behind = len(list(draft.glob("*.parquet")))
                for i, file in enumerate(sorted(part.glob("*.parquet"))):
                    file.rename(draft / f"part-{behind + i:05d}.parquet")
                _empty(part)

            inside = apart(self.metrics)
            gone = write_rows(
                self.inputs, self.rollups, self.project, inside, chosen, write, with_labels=labels, note=note
            )
        coverage = pd.DataFrame(
            [(name, name not in gone, gone.get(name, "")) for name in self.metrics],
            columns=["metric", "available", "reason"],
        )
        unmapped = tuple(self.rollups.kinds.unmapped(self.rollups.seen < NEVER))
        return WrittenSnapshots(folder, tuple(map(day_date, chosen.days)), coverage, self.loads, unmapped)


@dataclass(frozen=True)
class WrittenSnapshots:
    """Snapshots in a folder of Parquet files, and what was noticed on the way; see `SnapshotResult`."""

    folder: Path
    dates: tuple[date, ...]
    coverage: pd.DataFrame
    loads: pd.DataFrame
    unmapped: tuple[str, ...]
    plan: str = ""

    @property
    def rows(self) -> int:
        """How many rows there are, by the files' own word."""
        import pyarrow.parquet as pq

        return sum(pq.ParquetFile(file).metadata.num_rows for file in self.folder.glob("*.parquet"))


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def check_folder(output: Path) -> None:
    """Refuses, before any work is done, a place where Spark could not write a folder of Parquet files."""
    if output.suffix != ".parquet":
        raise UsageError(f"{output}: Spark writes folders of Parquet files; end the name in .parquet")
    if output.exists():
        raise UsageError(f"{output}: is there already and is not overwritten; name a new folder, or remove it")
    if not output.resolve().parent.is_dir():
        raise UsageError(f"{output}: the folder {output.parent} does not exist; make it first")


@contextlib.contextmanager
def open_on_spark(
    project: ProjectSpec,
    *,
    known: Mapping[str, MetricSpec] | None = None,
    now: datetime | None = None,
    note: Note = silent,
) -> Iterator[SparkProject]:
    """Opens the project's tables on Spark and rolls its events up; what is put aside goes when the block ends.

    Raises UsageError, before Spark is started, for what cannot be done there.
    """
    check_for_spark(project)
    from powerml.snapshots.engine.spark_session import folder_aside, is_local, spark_session

    spec, metrics = project.spark, project_metrics(project) if known is None else known
    if not is_local(spec.master) and spec.scratch is None:
        raise UsageError(
            f"{project.file}: spark: master {spec.master!r} has workers elsewhere; name a folder that all of them"
            " reach under the same path: spark: {scratch: …}"
        )
    parent = private_folder(project.state) / "spark" if spec.scratch is None else project.base / spec.scratch
    with folder_aside(parent) as folder:
        note(f"starting Spark ({spec.master})")
        with spark_session(spec.master, spec.settings, folder) as session:
            from powerml.snapshots.engine.spark import SparkEngine

            engine = SparkEngine(session, folder)
            asked = columns_asked(metrics.values())
            tables = open_spark_tables(engine, project, extra=asked, now=now or datetime.now(UTC))
            inputs = Inputs(engine, tables.tables, tables.columns)
            columns, amounts = of_events(metrics, tables.columns["events"])
            note("rolling events up")
            rollups = roll_up(inputs, project, extra=columns, amounts=amounts)
            yield SparkProject(project, metrics, engine, inputs, rollups, tables.report)
