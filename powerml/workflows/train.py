"""`powerml train`: scorers fitted and judged forward in time on snapshots and labels; the best registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.experiment import ExperimentSpec, FittedEntry, WeightSetEntry
from powerml.errors import NotSent
from powerml.progress import Note, silent
from powerml.reports.session import headline, report
from powerml.scoring.load import load_weights
from powerml.shown import Shown
from powerml.tracking.sending import SentSession, warn_unreachable
from powerml.tracking.store import store_of
from powerml.training.candidates import Candidate, candidates, check_scorers
from powerml.training.choice import challenger
from powerml.training.judging import judge, judged_as_chosen
from powerml.training.screening import Screening, plan_screening
from powerml.training.session import Session, other_way
from powerml.validation.verdict import MIN_EVENTS
from powerml.workflows.project import gather
from powerml.workflows.train_log import log_training, next_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.project import ProjectSpec
    from powerml.reports.part import Part
    from powerml.scoring.model import ScoringModel
    from powerml.tracking import registry
    from powerml.tracking.runs import LoggedSession
    from powerml.training.rows import TrainingData


@dataclass(frozen=True, eq=False)
class TrainResult(Shown):
    """What a session found, the verdict first.

    `headline` is the verdict on the challenger in a sentence, `word` in a word; `parts` are the report's.
    """

    headline: str
    word: str
    parts: tuple[Part, ...]
    challenger: str
    sent: SentSession | NotSent
    model: ScoringModel
    data: TrainingData

    @property
    def logged(self) -> SentSession:
        """The session in the store; raises NotSent where the store elsewhere has not taken it."""
        if isinstance(self.sent, NotSent):
            raise self.sent
        return self.sent

    @property
    def session(self) -> LoggedSession:
        """The runs of the session."""
        return self.logged.logged

    @property
    def version(self) -> registry.Version:
        """The version that was registered as challenger."""
        return self.logged.version

    @property
    def champion(self) -> registry.Version | None:
        """The same, where it became champion too."""
        return self.logged.champion

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What was registered, and how to score with it; or why it was not."""
        if isinstance(self.sent, NotSent):
            return (f"{self.sent}.",)
        return next_steps(self.sent.version, self.sent.champion, data=self.data)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is said, in order."""
        return tuple(sentence for part in self.parts for sentence in part.sentences)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The numbers by the parts' names."""
        return {part.code: part.table for part in self.parts if part.table is not None and part.has_table}

    @property
    def scorers(self) -> pd.DataFrame:
        """One row per scorer; no row where nothing was judged."""
        return self.tables.get("scorers", pd.DataFrame(columns=["scorer"]))

    @property
    def bands(self) -> pd.DataFrame | None:
        """The challenger's band table for reading, beside the document's; None where nothing was judged."""
        return self.part("bands").for_reading

    def part(self, code: str) -> Part:
        """The part of that name."""
        return next(part for part in self.parts if part.code == code)

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield from self.sentences
        yield self.scorers
        yield self.bands
        yield from self.next_steps


def train(project: ProjectSpec, experiment: ExperimentSpec | None = None, *, note: Note = silent) -> TrainResult:
    """Trains, judges, logs and registers; `powerml.validation` tells the protocol.

    Below 50 events of every outcome nothing is fitted and the documented card becomes the challenger.
    """
    experiment = experiment or ExperimentSpec()
    check_scorers(experiment, project)
    data = gather(project, experiment.snapshots, outcome=experiment.outcome, earlier=True, note=note)
    return train_on(data, experiment, note=note)


def train_on(data: TrainingData, experiment: ExperimentSpec, *, note: Note = silent) -> TrainResult:
    """The session on rows that are there already; see `train`."""
    warn_unreachable(store_of(data.project))
    few, seed = _too_few(data), experiment.seed
    split = data.split(seed=seed)
    screening = Screening() if few else plan_screening(experiment, data)
    chosen = _chosen(experiment, data, screening, few=few)
    made, judged = judge(chosen, data, split=split, screening=screening, seed=seed, note=note)
    choice = challenger(chosen, made, few=bool(few))
    its = next((one for one in judged if one.name == choice.best.name), None)
    if its is not None and choice.by_fold:
        its = judged_as_chosen(its, choice.by_fold, made, seed=seed)
    notes = (*data.provenance.remarks, *filter(None, (c.caution(made.test.rows.times) for c in chosen)))
    session = Session(experiment, data, split, screening, chosen, made, judged, choice, its, few=few, notes=notes)
    if (second := other_way(choice, judged, screening)) is not None:
        _, (twin,) = judge([second], data, split=split, screening=second.screening, seed=seed, note=note)
        session = replace(session, other_way=twin)

    note("fitting on all mature data")
    everyone = [*chosen, *([] if session.other_way is None else [session.other_way.candidate])]
    reference = _reference(data)
    session = replace(session, models={c.name: _final(c, data, reference) for c in everyone})
    if not choice.best.is_fitted:  # links that its document's sign makes flat
        remarks = tuple(f"{one}." for one in session.models[choice.best.name].scorer.remarks())
        session = replace(session, notes=(*notes, *remarks))
    note("looking closer")
    parts = report(session)
    note("logging to MLflow")
    sent: SentSession | NotSent
    try:
        sent = log_training(session, parts, name=experiment.name if experiment.base else "train")
    except NotSent as error:  # what was found is told all the same
        sent = error
    return TrainResult(
        headline(session), session.word, parts, choice.best.name, sent, session.models[choice.best.name], data
    )


def _too_few(data: TrainingData) -> str:
    """The sentence that says that nothing can be fitted, or nothing."""
    counts = {outcome: data.labelled.events(outcome) for outcome in data.judged}
    if any(n >= MIN_EVENTS for n in counts.values()):
        return ""
    told = " and ".join(f"{n} of {outcome}" for outcome, n in counts.items())
    card = load_weights(DOCUMENTED_CARD).metrics_
    instead = f"the documented weight set {DOCUMENTED_CARD!r} is registered, through a cautious link to outcomes."
    if not data.has(card):
        lacks = [metric for metric in card if metric not in data.labelled.frame]
        absent = ", ".join(lacks[:3]) + (", ..." if len(lacks) > 3 else "")
        instead = (
            f"the documented weight set {DOCUMENTED_CARD!r} cannot stand in, for the table lacks its metrics "
            f"({absent}); what is registered gives everybody the base rate."
        )
    where = "mature snapshots hold" if data.has_later else "table holds"
    return (
        f"Too few events to fit: the {where} {told}, and a head needs {MIN_EVENTS} "
        f"(distinct accounts and instants); {instead}"
    )


def _chosen(experiment: ExperimentSpec, data: TrainingData, screening: Screening, *, few: str) -> list[Candidate]:
    """The scorers that take part: where events are too few the weight sets, or one that gives the base rate."""
    every = candidates(experiment, data, screening)
    if few and not data.has(load_weights(DOCUMENTED_CARD).metrics_):
        return [c for c in every if c.is_fitted][:1] or [Candidate(FittedEntry(fit="logistic"), data, experiment.seed)]
    chosen = [c for c in every if not (few and c.is_fitted)]
    if (few or not chosen) and not any(c.name == DOCUMENTED_CARD for c in chosen):
        chosen.append(Candidate(WeightSetEntry(weights=DOCUMENTED_CARD), data, experiment.seed, experiment.base))
    return chosen


def _final(candidate: Candidate, data: TrainingData, reference: pd.DataFrame) -> ScoringModel:
    """The scorer as it is registered: fitted on all rows, or a weight set joined to all outcomes."""
    model = candidate.make(data.labelled, reference)
    instants = tuple(name for name in data.instants if name in model.scorer.metrics_)
    told = data.provenance
    return replace(model, id_column=told.scores_ids, instants=instants, time=told.scores_time if instants else "")


def _reference(data: TrainingData) -> pd.DataFrame:
    """The latest snapshot's entities that are there; the last mature one's where the latest has no active."""
    rows = data.current.reset_index(drop=True)
    return rows if rows["active"].any() else data.reference(data.whole["as_of"].max())
