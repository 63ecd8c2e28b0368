"""`powerml train`: scorers fitted and judged forward in time on snapshots and labels; the best registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.experiment import ExperimentSpec, FittedEntry, WeightSetEntry
from powerml.progress import Note, silent
from powerml.reports.band_page import band_table
from powerml.reports.session import headline, look_tables, scorer_table, sentences
from powerml.scoring.documented.load import load_weights
from powerml.shown import Shown
from powerml.training.beside_the_verdict import CAPACITIES, CloserLook, call_list, call_sentences, look_closer
from powerml.training.candidates import Candidate, candidates, check_scorers
from powerml.training.judging import judge
from powerml.training.screening import Screening, plan_screening
from powerml.training.session import Session, challenger, other_way
from powerml.validation.verdict import MIN_EVENTS
from powerml.workflows.project import gather
from powerml.workflows.train_log import log_training, next_steps, register_challenger

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.scoring.model import ScoringModel
    from powerml.tracking import registry
    from powerml.tracking.runs import LoggedSession
    from powerml.training.rows import TrainingData


@dataclass(frozen=True, eq=False)
class TrainResult(Shown):
    """What a session found, the verdict first.

    `headline` is the verdict on the challenger in a sentence; `scorers` one row per scorer; `bands` the challenger's
    band table beside the document's; `look` what else is worth a table; `word` the overall verdict in a word.
    """

    headline: str
    word: str
    sentences: tuple[str, ...]
    scorers: pd.DataFrame
    bands: pd.DataFrame | None
    look: CloserLook
    challenger: str
    version: registry.Version
    champion: registry.Version | None
    next_steps: tuple[str, ...]
    session: LoggedSession
    model: ScoringModel
    data: TrainingData

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Further tables of the report by their titles, for reading."""
        return look_tables(self.look, self.challenger, custom=self.data.custom)

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
    data = gather(project, experiment.snapshots, outcome=experiment.outcome, note=note)
    return train_on(data, experiment, note=note)


def train_on(data: TrainingData, experiment: ExperimentSpec, *, note: Note = silent) -> TrainResult:
    """The session on rows that are there already; see `train`."""
    few, seed = _too_few(data), experiment.seed
    screening = Screening() if few else plan_screening(experiment, data)
    chosen = _chosen(experiment, data, screening, few=few)
    test, judged = judge(chosen, data, screening=screening, seed=seed, note=note)
    best = challenger(chosen, judged, test, few=bool(few), seed=seed)
    cautions = [c.caution(test.rows.times) for c in chosen]
    notes = (*data.provenance.remarks, *filter(None, cautions))
    session = Session(experiment, data, screening, chosen, test, judged, best, few=few, notes=notes)
    if (second := other_way(best, judged, screening)) is not None:
        _, (twin,) = judge([second], data, screening=second.screening, seed=seed, note=note)
        session = replace(session, other_way=twin)
    note("looking closer")
    if session.its is not None:
        session = replace(session, look=look_closer(session.its, test, data, seed=seed))

    reference = _reference(data)
    note("fitting on all mature data")
    made = [*chosen, *([] if session.other_way is None else [session.other_way.candidate])]
    models = {c.name: _final(c, data, reference) for c in made}
    session = _with_calls(session, models[best.name])
    if not best.is_fitted:  # links that its document's sign makes flat
        session = replace(session, notes=(*notes, *(f"{one}." for one in models[best.name].scorer.remarks())))
    told = sentences(session)
    note("logging to MLflow")
    name = experiment.name if experiment.base else "train"
    logged = log_training(session, models, name=name, told=told)
    version, champion = register_challenger(session, models, logged)
    return TrainResult(
        headline=headline(session),
        word=session.word,
        sentences=told,
        scorers=scorer_table(session),
        bands=None if session.its is None else band_table(session.its.bands),
        look=session.look,
        challenger=best.name,
        version=version,
        champion=champion,
        next_steps=next_steps(version, champion, data=data),
        session=logged,
        model=models[best.name],
        data=data,
    )


def _with_calls(session: Session, model: ScoringModel) -> Session:
    """The session with what the challenger's call lists should catch."""
    stated, custom = session.experiment.capacity, session.data.custom
    calls = call_list(model, session.data, session.its, session.test, capacities=stated or CAPACITIES)
    said = (
        *session.look.sentences,
        *call_sentences(calls, stated=bool(stated), custom=None if custom is None else custom.name),
    )
    return replace(session, look=replace(session.look, calls=calls, sentences=said))


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
    return replace(candidate.make(data.labelled, reference), id_column=data.provenance.scores_ids)


def _reference(data: TrainingData) -> pd.DataFrame:
    """The latest snapshot's entities with enough history; the last mature one's where the latest has no active."""
    rows = data.latest[data.latest["enough_history"].astype(bool)].reset_index(drop=True)
    return rows if rows["active"].any() else data.reference(data.whole["as_of"].max())
