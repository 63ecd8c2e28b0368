"""Scores on Spark: each partition of a snapshot is scored by the registered model where it lies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.errors import DataError, UsageError
from powerml.progress import Note, silent
from powerml.scoring.scores_table import crowded_sentences, id_columns, score_rows
from powerml.snapshots.dataset import write_rows
from powerml.snapshots.entities import left_accounts
from powerml.snapshots.needs import apart
from powerml.snapshots.windows import Cutoffs
from powerml.workflows.project import latest_date
from powerml.writing import whole_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime
    from pathlib import Path

    import ibis.expr.types as ir

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.named import NamedScorer
    from powerml.workflows.on_spark import SparkProject

EXAMPLES = 200  # rows that tell which columns the scores have
_LEFT = "_left"


@dataclass(frozen=True)
class WrittenScores:
    """Scores in a folder of Parquet files: rows by status and by band, and what `ScoreResult` says of a frame."""

    scorer: NamedScorer
    status: Mapping[str, int]
    bands: Mapping[str, int]
    baseline: float | None
    crowded: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(self.status.values())


@dataclass(frozen=True)
class PartitionScorer:
    """Scores the rows of one partition after another; all that it needs goes to Spark's workers with it."""

    scorer: NamedScorer
    ids: tuple[str, ...]
    reasons: int | None
    now: datetime
    metrics: Mapping[str, MetricSpec]
    columns: tuple[str, ...] = ()

    def table(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, float | None]:
        """The scores table of some rows, and the baseline of their reasons."""
        left = None if _LEFT not in rows else rows[_LEFT].fillna(False).astype(bool)
        return score_rows(
            self.scorer, rows.drop(columns=_LEFT, errors="ignore"), ids=self.ids, reasons=self.reasons,
            ranking="stored", now=self.now, metrics=self.metrics, left=left,
        )  # fmt: skip

    def over(self, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The scores of each batch, always with the same columns."""
        for rows in batches:
            if len(rows):
                yield self.table(rows.reset_index(drop=True))[0].reindex(columns=list(self.columns))


def check_model(scorer: NamedScorer, *, ranking: str) -> None:
    """Raises UsageError for a scorer that needs all rows at once."""
    if ranking == "batch":
        raise UsageError(
            "engine: spark scores partition by partition, and --reference batch ranks all rows among each other; leave"
            " it out, or score the written snapshot on one machine: score --metrics SNAPSHOT.parquet"
        )
    if scorer.model.reference is None:
        raise UsageError(
            f"engine: spark scores partition by partition, and {scorer.name} has no stored ranks to place them in;"
            f" register it (train with 'scorers: [{{weights: {scorer.name}}}]'), or score the written snapshot on one"
            f" machine: score --weights {scorer.name} --metrics SNAPSHOT.parquet"
        )


def write_scores(
    there: SparkProject,
    scorer: NamedScorer,
    as_of: date | None,
    folder: Path,
    *,
    reasons: int | None,
    now: datetime,
    note: Note = silent,
) -> WrittenScores:
    """Makes the snapshot (by default the latest), scores it and writes the scores, in the order of ids, to a folder."""
    project, engine = there.project, there.engine
    cutoffs = Cutoffs.of(project.timezone, [as_of or latest_date(project, there.last_day)])
    told: list[WrittenScores] = []
    with whole_folder(folder) as draft:

        def write(table: ir.Table) -> None:
            """Scores the rows of the one cutoff there is."""
            rows = _with_left(there, table, cutoffs, wanted=scorer.model.outcome is None)
            ids = ("as_of", *id_columns(pd.DataFrame(columns=list(table.columns)), project.id_column))
            made = PartitionScorer(scorer, ids, reasons, now, there.metrics)
            told.append(_written(engine.session, rows, made, draft / "part", order=project.id_column))

        inside = apart(there.metrics)
        write_rows(there.inputs, there.rollups, project, inside, cutoffs, write, with_labels=True, note=note)
        for file in sorted((draft / "part").glob("*.parquet")):
            file.rename(draft / file.name)
        for rest in (draft / "part").iterdir():
            rest.unlink()
        (draft / "part").rmdir()
    return told[0]


def _with_left(there: SparkProject, table: ir.Table, cutoffs: Cutoffs, *, wanted: bool) -> Any:
    """The rows as a data frame of Spark, with a flag for those whose account paid once and pays no longer."""
    engine = there.engine
    rows = engine.query(table)
    if not wanted or not there.inputs.has("subscriptions") or "account_id" not in table.columns:
        return rows
    from pyspark.sql import functions as f

    grid = engine.bring(cutoffs.frame()[["c", "at"]], "left_at")
    gone = engine.query(left_accounts(there.inputs, there.rollups, grid)).select("account_id").distinct()
    return rows.join(gone.withColumn(_LEFT, f.lit(True)), "account_id", "left")


def _written(session: Any, rows: Any, scorer: PartitionScorer, folder: Path, *, order: str) -> WrittenScores:
    """Scores and writes the rows; a few of them, scored here, tell the columns."""
    few = rows.orderBy(rows["enough_history"].desc(), rows["label"] == "ineligible").limit(EXAMPLES).toPandas()
    if few.empty:
        raise DataError("nobody is in this snapshot; choose another date: --as-of")
    example, baseline = scorer.table(few)
    scored = rows.mapInPandas(replace(scorer, columns=tuple(map(str, example))).over, _schema(example))
    scored.orderBy(order).write.option("compression", "zstd").parquet(folder.as_uri())
    found = session.read.parquet(folder.as_uri())
    band = scorer.scorer.model.band_column
    status: Counter[str] = Counter()
    bands: Counter[str] = Counter()
    ranked: Counter[str] = Counter()
    for row in found.groupBy("status", band).count().collect():
        status[row["status"]] += row["count"]
        if row[band] is not None:
            bands[row[band]] += row["count"]
            ranked[row[band]] += row["count"] * (row["status"] == "scored")
    told = crowded_sentences(dict(+ranked))
    return WrittenScores(scorer.scorer, dict(status.most_common()), dict(bands.most_common()), baseline, told)


def _schema(example: pd.DataFrame) -> str:
    """The columns of a scores table as Spark is told of them."""
    kinds = {
        name: "date" if name == "as_of"
        else "boolean" if pd.api.types.is_bool_dtype(example[name])
        else "double" if pd.api.types.is_numeric_dtype(example[name])
        else "string"
        for name in example
    }  # fmt: skip
    return ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())
