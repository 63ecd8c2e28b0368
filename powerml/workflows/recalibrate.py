"""`powerml recalibrate`: a version's intercepts moved to the outcomes that came since, as a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.metrics import catalogue
from powerml.config.project import ProjectSpec, slug
from powerml.errors import DataError
from powerml.progress import Note, silent
from powerml.scoring.explain.shares import native_params, weight_shares
from powerml.scoring.learned import Learned
from powerml.tracking import registry
from powerml.tracking.due import DUE, PROMOTED
from powerml.tracking.limits import on_axes
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.registry import MOVED_FROM
from powerml.tracking.runs import Attachments, ScorerRun, log_version
from powerml.tracking.sending import log_and_register
from powerml.tracking.store import Store, store_of
from powerml.tracking.unsent import Registration
from powerml.workflows.project import gather
from powerml.workflows.train_log import top_of_the_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.calibration.shift import Shift
    from powerml.scoring.model import ScoringModel
    from powerml.training.rows import Rows, TrainingData

MOVED_UNTIL = "powerml.recalibrated_until"
_OWN = (MOVED_FROM, MOVED_UNTIL, registry.MANIFEST, registry.PENDING, PROMOTED, DUE)


@dataclass(frozen=True)
class Recalibration:
    """What moved: `moves` by head, `table` per outcome what was expected before, what came; `made` None: nothing did.

    `rows` and `accounts` are those whose outcomes came since; `since` and `until` their cutoffs.
    """

    before: registry.Version
    made: registry.Version | None
    moves: Mapping[str, Shift]
    table: pd.DataFrame
    rows: int
    accounts: int
    since: str
    until: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """What moved and how far, the alarm, and what to do next."""
        read = f"{self.rows:,} rows of {self.accounts:,} accounts ({self.since} to {self.until}) ripened since"
        told = [
            f"{name}: the logit moves by {move.by:+.2f} (95 % {move.low:+.2f} to {move.high:+.2f})"
            for name, move in self.moves.items()
        ]
        said = [f"{self.before.shown}: {read}. {'; '.join(told)}."]
        said += [
            f"{name} moved by more than 0.3: more than the base rate has changed, so train again."
            for name, move in self.moves.items()
            if move.alarm and move.is_told
        ]
        if self.made is None:
            said.append("No move can be told from none, so there is no new version.")
        else:
            said.append(f"Registered {self.made.shown} as challenger: the order of people and their reasons stay.")
            how = self.made.promoted()
            said.append(f"{how[0].upper()}{how[1:]}")
        return tuple(said)


def recalibrate(project: ProjectSpec, wanted: str | None = None, *, note: Note = silent) -> Recalibration:
    """Moves the intercepts of a version (by default the champion) and registers the result as challenger.

    Ranks and reasons stay; scores, bands and probabilities follow the new base rates. Nothing is registered where no
    move can be told from none. Raises DataError where no outcome has come since the version was trained.
    """
    store, model = store_of(project), slug(project.project)
    version = registry.find_version(store, model, wanted or f"{model}@champion")
    scoring = registry.load_version(store, version)
    data = gather(project, None, outcome=scoring.outcome, note=note)
    newer = _since(data, version, project)
    before = _expected(scoring, newer)
    moves = scoring.scorer.recalibrate(newer.frame, newer.y, newer.accounts)
    table = _compared(before, _expected(scoring, newer), newer)
    made = None
    if any(move.is_told for move in moves.values()):
        note("logging to MLflow")
        made = _registered(store, version, scoring, data, newer, moves, table)
    times = pd.DatetimeIndex(newer.times)
    return Recalibration(
        version,
        made,
        moves,
        table,
        len(newer.frame),
        len(set(newer.accounts)),
        str(times.min().date()),
        str(times.max().date()),
    )


def _since(data: TrainingData, version: registry.Version, project: ProjectSpec) -> Rows:
    """The mature rows that neither training nor an earlier recalibration has seen."""
    learned = Learned.from_tags(version.tags)
    if learned is None or learned.until is None:
        raise DataError(f"{version.shown}: was trained on a table without dates; train again with --time")
    seen = max(str(learned.until.date()), version.tags.get(MOVED_UNTIL, ""))
    newer = np.flatnonzero(pd.DatetimeIndex(data.labelled.times) > pd.Timestamp(seen))
    if not len(newer):
        raise DataError(
            f"{project.file}: no outcome has come since {version.shown} was made (from snapshots up to {seen}); "
            f"recalibrate when a later snapshot is {data.labelled.horizon_days + data.grace_days} days old"
        )
    return data.labelled.take(newer)


def _expected(model: ScoringModel, rows: Rows) -> dict[str, float]:
    """Mean probability of each outcome that the scorer tells."""
    table = model.score(rows.frame)
    return {name: float(table[f"p_{name}"].mean()) for name in model.scorer.told_outcomes if f"p_{name}" in table}


def _compared(before: Mapping[str, float], after: Mapping[str, float], rows: Rows) -> pd.DataFrame:
    """Per outcome the rate that was expected, that came, and that is expected now."""
    return pd.DataFrame(
        [
            {"outcome": name, "expected_before": before[name], "came": float((rows.y == name).mean()), "now": now}
            for name, now in after.items()
        ]
    )


def _registered(
    store: Store,
    version: registry.Version,
    scoring: ScoringModel,
    data: TrainingData,
    newer: Rows,
    moves: Mapping[str, Shift],
    table: pd.DataFrame,
) -> registry.Version:
    last = pd.DatetimeIndex(newer.times).max()
    changed = {MOVED_FROM: str(version.number), MOVED_UNTIL: str(last.date())}
    kept = {key: value for key, value in version.tags.items() if key.startswith("powerml.") and key not in _OWN}
    kept |= Learned(last, outcomes_until=last + pd.Timedelta(days=newer.horizon_days)).to_tags()  # it saw these too
    figures = {f"recalibrate/{name}/move": move.by for name, move in moves.items()}
    for column in ("expected_before", "came"):
        rates = zip(table["outcome"], table[column].tolist(), strict=True)
        figures |= {f"recalibrate/{name}/{column}": rate for name, rate in rates}
    metrics = dict.fromkeys([*data.metrics, *scoring.scorer.metrics_])
    run = ScorerRun(
        model=scoring,
        shares=on_axes([weight_shares(scoring.scorer, list(metrics))], catalogue())[0],  # as sessions have them
        native=native_params(scoring.scorer),
        metrics=figures,
        by_cutoff={},
        ranking=top_of_the_list(scoring, data, load_pseudonyms(data.project.state)),
        example=newer.frame.head(5),
        tags=changed,
        attachments=Attachments(tables={"recalibrate.csv": table}),
    )
    sent = log_and_register(
        store,
        data.project.project,
        write=lambda at: log_version(at, data.project.project, run, tags=kept),
        order=Registration(version.model, run.label, {**kept, **changed}),
    )
    return sent.version
