"""The scorers of a session: how each is made from training rows, and what it says of rows it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.experiment import ExperimentSpec, FittedEntry, WeightSetEntry
from powerml.config.heads import complexity
from powerml.errors import UsageError
from powerml.scoring.heads.registry import make_head
from powerml.scoring.heads.training import BLENDS
from powerml.scoring.heads.weights import documented_weights
from powerml.scoring.learned import Learned
from powerml.scoring.load import read_scorer
from powerml.scoring.model import ScoringModel
from powerml.scoring.outcome.linked import link_scorer
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.tables import OUTCOMES
from powerml.training.screening import Screening
from powerml.validation.held_rows import Said
from powerml.validation.verdict import MIN_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.scorer import Scorer
    from powerml.training.rows import Rows, TrainingData


FAIR = "name the head ('fit: card') in an experiment for a fair verdict"


@dataclass(frozen=True)
class Candidate:
    """One scorer of an experiment, made anew for every fold and once for good."""

    entry: WeightSetEntry | FittedEntry
    data: TrainingData
    seed: int
    base: Path | None = None
    screening: Screening = field(default_factory=Screening)
    twin_of: str = ""  # the scorer that this is the other way of, by the suspected leaks

    @property
    def name(self) -> str:
        """The name its runs carry."""
        return self.entry.label

    @property
    def is_fitted(self) -> bool:
        """Whether it learns from outcomes."""
        return isinstance(self.entry, FittedEntry)

    @property
    def complexity(self) -> tuple[int, bool]:
        """Place in the order from simple to complex: documented sets first, of one head the screened one first."""
        head = 1 + complexity(self.entry.fit) if isinstance(self.entry, FittedEntry) else 0
        return head, _is_off(self.entry)

    def other_way(self) -> Candidate:
        """The same with suspected leaks kept where they are left out, and the other way round."""
        side = "with" if self.screening.leaks else "without"
        entry = self.entry.model_copy(update={"name": f"{self.name} {side} suspects"})
        return replace(self, entry=entry, screening=self.screening.other_way(), twin_of=self.name)

    def make(self, rows: Rows, reference: pd.DataFrame) -> ScoringModel:
        """The scorer trained on `rows`, with `reference` for ranks and percentiles."""
        scorer = self._fitted(rows) if self.is_fitted else joined(self.weight_set().fit(reference), rows, self.data)
        rates = rows.rates(self.data.outcomes)
        model = ScoringModel(scorer, None, rates, self.data.population.payers_only, outcome=self.data.custom)
        return model.with_families(rows.frame).with_reference(reference)

    def without_link(self, reference: pd.DataFrame) -> ScoringModel:
        """A weight set as the document has it: no probabilities, for want of events to learn them from."""
        payers = self.data.population.payers_only
        model = ScoringModel(self.weight_set().fit(reference), payers_only=payers, outcome=self.data.custom)
        return model.with_reference(reference)

    def weight_set(self) -> DocumentedScorer[Any]:
        """The weight set's scorer, unfitted, with the project's and the entry's parameters; its file is read once."""
        unfitted: DocumentedScorer[Any] = clone(self._weight_set)
        return unfitted

    @cached_property
    def _weight_set(self) -> DocumentedScorer[Any]:
        assert isinstance(self.entry, WeightSetEntry)
        return _weight_set(self.entry, self.data.project, self.base, self.data.vocabulary)

    def caution(self, test_times: np.ndarray) -> str | None:
        """The sentence about a card file that was fitted on snapshots it is now judged on; None where all is well."""
        learned = None if self.is_fitted else Learned.of_card(self.weight_set().learned_until)
        if learned is None or not len(test_times):
            return None
        return learned.caution(self.name, test_times, instead=FAIR)

    def _fitted(self, rows: Rows) -> NestedOutcomeModel:
        assert isinstance(self.entry, FittedEntry)
        directions = {name: spec.direction for name, spec in self.data.metrics.items()}
        kept = self.screening.keep(rows, self.data.available)
        # Where an outcome has too few events the documented card stands in, and the model must see what it reads.
        few = min(rows.events(outcome) for outcome in self.data.outcomes) < MIN_EVENTS
        own = self.entry.fit == "weights" or self.entry.prior is not None
        blends = self.entry.fit in BLENDS  # hold the documented structure among their members
        card = self._prior() if few or own or blends else None
        if card is not None and not set(card.metrics_) <= set(rows.frame):  # a ready-made table need not have them
            card = None
        if card is not None and blends and not self.screening.allows(rows, card.metrics_, kept):
            card = None
        model = NestedOutcomeModel(
            self.entry.fit,
            head_options=self.entry.options,
            prior=card,
            metrics=tuple(kept),
            outcomes=self.data.outcomes,
            directions=directions,
            seed=self.seed,
            screen=self.screening.auto,
            bands=self.data.bands,
            name=self.name,
        )
        X = rows.frame[list(dict.fromkeys([*kept, *(card.metrics_ if card else ())]))]
        return fit_on(model, X, rows)

    def _prior(self) -> DocumentedScorer[Any]:
        """The weight set that stands in, and whose weights the head `weights` fits."""
        assert isinstance(self.entry, FittedEntry)
        entry = WeightSetEntry(weights=self.entry.prior or DOCUMENTED_CARD)
        return _weight_set(entry, self.data.project, self.base, self.data.vocabulary)


def joined(scorer: DocumentedScorer[Any], rows: Rows, data: TrainingData) -> Scorer:
    """A weight set joined to the outcomes of training rows; a card file has probabilities of its own and stays."""
    if scorer.told_outcomes:
        return scorer
    return link_scorer(
        scorer,
        rows.frame,
        rows.y,
        outcomes=data.outcomes,
        groups=rows.accounts,
        instants=rows.instants,
        bands=data.bands,
    )


def fit_on(model: NestedOutcomeModel, X: pd.DataFrame, rows: Rows) -> NestedOutcomeModel:
    """The model fitted on the columns `X` of training rows, by accounts."""
    return model.fit(X, rows.y, groups=rows.accounts, times=rows.times, ids=rows.ids, instants=rows.instants)


def candidates(experiment: ExperimentSpec, data: TrainingData, screening: Screening) -> list[Candidate]:
    """The experiment's scorers."""
    unscreened = screening.without_rule()
    return [
        Candidate(entry, data, experiment.seed, experiment.base, unscreened if _is_off(entry) else screening)
        for entry in experiment.scorers
    ]


def _is_off(entry: WeightSetEntry | FittedEntry) -> bool:
    return isinstance(entry, FittedEntry) and entry.screen == "off"


def check_scorers(experiment: ExperimentSpec, project: ProjectSpec) -> None:
    """Raises UsageError, naming the scorer, for a weight set, a head or an option that there is not."""
    for entry in experiment.scorers:
        try:
            if isinstance(entry, FittedEntry):
                make_head(entry.fit, categorical=(), signs=(), sign=1, options=entry.options)
                if entry.fit == "weights" or entry.prior is not None:
                    prior = WeightSetEntry(weights=entry.prior or DOCUMENTED_CARD)
                    documented_weights(_weight_set(prior, project, experiment.base, {}))
            else:
                _same_outcomes(_weight_set(entry, project, experiment.base, {}), experiment)
        except UsageError as error:
            where = f"{experiment.file}: " if experiment.file else ""
            raise UsageError(f"{where}scorer {entry.label!r}: {error}") from None


def _same_outcomes(scorer: DocumentedScorer[Any], experiment: ExperimentSpec) -> None:
    """Raises UsageError for a card file whose probabilities are of other outcomes than the experiment's."""
    told = scorer.told_outcomes
    wanted = OUTCOMES if experiment.outcome is None else experiment.outcome.outcomes
    if not set(told) <= set(wanted):
        raise UsageError(
            f"its card tells {', '.join(told)}, and this experiment is about {', '.join(wanted)}; name a card that was "
            "fitted on that outcome, or the head ('fit: card')"
        )


def _weight_set(
    entry: WeightSetEntry, project: ProjectSpec, base: Path | None, vocabulary: Mapping[str, int]
) -> DocumentedScorer[Any]:
    """The scorer of a weight set; the project's `params` count where it has them, the entry's own count more."""
    return read_scorer(
        entry.weights,
        params=project.params,
        settings=entry.set,
        vocabulary=vocabulary,
        project=project.base,
        said_in=base,
    )


def say(model: ScoringModel, test: Rows, rates: Mapping[str, float]) -> Said:
    """What a model says of rows it has not seen."""
    score, said = model.told(test.frame)
    return Said(said.reset_index(drop=True), rates, score)
