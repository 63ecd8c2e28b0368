"""`powerml backtest`: the list we would have had on a day, by a scorer made from what was known then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.experiment import WeightSetEntry
from powerml.config.project import ProjectSpec, slug
from powerml.errors import DataError, UsageError
from powerml.progress import Note, silent
from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.text import Wording, reasons_json
from powerml.scoring.learned import Learned
from powerml.statistics.accounts import key_columns
from powerml.tables import OUTCOMES
from powerml.tracking import registry
from powerml.tracking.held_out_words import untold_sentences
from powerml.tracking.kept_session import kept_session
from powerml.tracking.store import store_of
from powerml.training.candidates import Candidate
from powerml.training.refitted import Refitted
from powerml.training.rows import Rows, TrainingData
from powerml.validation.backtest import Backtest, ListTeam, backtest
from powerml.validation.capacity import capacity
from powerml.validation.churn_path import churn_path, path_sentence
from powerml.workflows.project import gather, open_project, ranked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.families import Reasons
    from powerml.scoring.model import ScoringModel
    from powerml.tracking.kept_session import ModelThen


@dataclass(frozen=True, eq=False)
class Backtested:
    """The list with what happened, what was expected of it then (None without probabilities), and the scorer.

    `remarks`: what its training must say, such as a link that is flat. `path`: the mean score of that day's churners in
    each of the six months before they left, as far as there are snapshots; None where there are not two. `untold`: a
    sentence for each outcome of which the version was found to tell nothing. `caution`: the sentence where the scorer,
    or the choice of it, has seen what came. `as_trained`: the scorer is the one that its session made before that day.
    """

    result: Backtest
    expected: pd.DataFrame | None
    path: pd.DataFrame | None
    scorer: str
    trained_on: int
    untold: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    caution: str | None = None
    as_trained: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """How the scorer was made, what the list caught, and what was expected."""
        made = f"{self.scorer}, made from the {self.trained_on:,} rows whose outcomes were known then."
        if self.as_trained:
            made = f"{self.scorer} as its session made it before that day, from {self.trained_on:,} rows."
        if not self.trained_on:
            made = f"{self.scorer}, as its document has it: no outcome was known yet on that day."
        made = " ".join((made, *filter(None, [self.caution]), *self.untold))
        path = () if self.path is None else (path_sentence(self.path),)
        made = " ".join([made, *(f"{remark[0].upper()}{remark[1:]}." for remark in self.remarks)])
        if self.expected is None:
            return (made, self.result.sentence, *path)
        row = self.expected[self.expected["list"] == "as asked"].iloc[0]
        what = "churners" if self.result.team == "cs" else "expansions"
        told = f"Expected then: {row['expected']:.1f} {what} among {row['n']} ({row['low']} to {row['high']})."
        return (made, self.result.sentence, told, *path)


def run_backtest(
    project: ProjectSpec,
    as_of: date,
    *,
    model: str | None = None,
    weights: str | None = None,
    team: ListTeam = "cs",
    top: int = 20,
    seed: int = 0,
    note: Note = silent,
) -> Backtested:
    """Scores the snapshot of `as_of` and sets what happened beside it.

    The scorer (a registered version, by default the champion, else a weight set) is made anew from the snapshots whose
    label windows had ended by then, so it knows nothing of what followed. Raises DataError where outcomes of that day
    are not known yet, UsageError where a fitted scorer has nothing to be fitted on.
    """
    opened = open_project(project, note=note)
    data = gather(project, None, opened=opened, note=note)
    scorer, then_made = _scorer(project, data, as_of, model=model, weights=weights, seed=seed)
    note(f"snapshot of {as_of}")
    day = data.whole[data.whole["as_of"] == pd.Timestamp(as_of)]
    if day.empty:  # not one of the project's own cutoffs
        day = opened.build([as_of], labels=True, note=note).frame
    left, there = opened.left(day), day["enough_history"].astype(bool)
    then = ranked(day, left)[there].reset_index(drop=True)
    if not then["label"].isin(OUTCOMES).any():
        last = data.whole["as_of"].max().date()
        raise DataError(f"no outcome of {as_of} is known yet, or nobody was eligible; the last date that has is {last}")
    rows = data.labelled
    ends = rows.frame["as_of"] + pd.Timedelta(days=rows.horizon_days + data.grace_days)
    train = Rows(rows.frame[ends <= pd.Timestamp(as_of)].reset_index(drop=True), rows.id_column, rows.horizon_days)
    made = _made(scorer, train, then) if then_made is None else then_made.model
    listed = there & day["label"].isin([*OUTCOMES, "immature"]) & (True if left is None else ~left)
    eligible = day[listed].reset_index(drop=True)
    table = made.score(eligible)
    table[project.id_column] = eligible[project.id_column]
    given = made.contributions(eligible)
    reasons = made.families.reasons(given, eligible)
    table["reasons"] = reasons_json(reasons, eligible, top=3, metrics=data.metrics).to_numpy()
    apart = Contributions(given.values - given.values.mean(), 0.0)
    table["why"] = _why(made.families.reasons(apart, eligible), eligible, data.metrics, lowest=team == "cs")
    found = backtest(table, eligible, id_column=project.id_column, team=team, top=top)
    sought = "p_churn" if team == "cs" else "p_expand"
    expected = capacity(table[sought], top) if sought in table else None
    path = _path(made, data, eligible, project.id_column, note=note)
    untold = scorer.untold if isinstance(scorer, Refitted) else ()
    remarks = () if made.scorer.document is None else made.scorer.remarks()
    if then_made is not None:
        return Backtested(found, expected, path, scorer.name, then_made.rows, untold, remarks, as_trained=True)
    caution = scorer.caution(eligible["as_of"].to_numpy())
    return Backtested(found, expected, path, scorer.name, len(train.frame), untold, remarks, caution)


def _why(
    apart: Reasons, frame: pd.DataFrame, metrics: Mapping[str, MetricSpec], *, lowest: bool, top: int = 3
) -> list[str]:
    """What sets each row apart from the mean of that day, in the direction of the list: the points it lacks, or has."""
    said, sign = Wording(apart, frame, metrics), 1 if lowest else -1
    order = np.argsort(sign * apart.effects, axis=1, kind="stable")[:, :top]
    texts = []
    for row, places in enumerate(order):
        those = [place for place in places if sign * apart.effects[row, place] < 0]
        told = [said.alone(row, int(apart.named[row, p]), float(apart.effects[row, p])) for p in those]
        texts.append("; ".join(told).replace(" points", ""))
    return texts


def _path(
    made: ScoringModel, data: TrainingData, day: pd.DataFrame, id_column: str, *, note: Note
) -> pd.DataFrame | None:
    """The score of that day's churners on all snapshots there are, by months before they left."""
    left = day.loc[day["label"] == "churn", id_column]
    rows = data.whole[data.whole[id_column].isin(left)]
    scored = rows[rows["enough_history"].astype(bool)]
    if scored.empty:
        return None
    note("scoring the months before")
    scores = scored[key_columns(scored, id_column)].assign(
        score=(made.scorer.document or made.scorer).predict_score(scored)
    )
    labels = pd.concat([rows, data.whole.drop_duplicates("as_of")])  # every cutoff counts, also without churners
    horizon = data.labelled.horizon_days
    return churn_path(scores, labels[["as_of", id_column, "label"]], id_column=id_column, horizon_days=horizon)


def _scorer(
    project: ProjectSpec, data: TrainingData, as_of: date, *, model: str | None, weights: str | None, seed: int
) -> tuple[Candidate | Refitted, ModelThen | None]:
    """What makes the list; at the last cutoff that a version's session held out also the scorer as it was made then."""
    if model and weights:
        raise UsageError("--model and --weights exclude each other; give one of them")
    store, name = store_of(project), slug(project.project)
    if weights or (model is None and "champion" not in registry.aliases(store, name)):
        candidate = Candidate(WeightSetEntry(weights=weights or DOCUMENTED_CARD), data, seed, project.base)
        candidate.weight_set()
        return candidate, None
    version = registry.find_version(store, name, model or f"{name}@champion")
    learned = Learned.from_tags(version.tags)
    own = Refitted(version.shown, registry.load_version(store, version), data, untold_sentences(version), learned)
    session = kept_session(store, version)
    then = None if session is None else session.model_then()
    return own, then if then is not None and then.as_of == as_of else None


def _made(scorer: Candidate | Refitted, train: Rows, reference: pd.DataFrame) -> ScoringModel:
    known = not train.frame.empty and len(set(train.y)) > 1
    if known:
        return scorer.make(train, reference)
    if isinstance(scorer, Candidate):
        return scorer.without_link(reference)
    raise UsageError(f"{scorer.name}: no outcome was known on that day to fit it on; choose a later date or --weights")
