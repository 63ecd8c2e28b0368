"""Everything that scoring needs, as one piece of data: the scorer, its reference, the population it knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from powerml.config.outcome import EventOutcome, outcome_from
from powerml.errors import StoreError
from powerml.scoring.families import Families
from powerml.scoring.stored import scorer_from_dict
from powerml.statistics.ranks import Ranks, active_rows, percentiles
from powerml.tables import NOT, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.contributions import Contributions
    from powerml.scoring.families import Reasons
    from powerml.scoring.scorer import Scorer

FORMAT = 2
LONGEST_REFERENCE = 20_000
DOCUMENT_SCORE = "document_score"
Ranking = Literal["stored", "batch"]


@dataclass(frozen=True)
class ScoringModel:
    """A scorer with what it was given in training.

    What is registered gives calibrated scores and probabilities: a fitted model, or a weight set joined to outcomes by
    a link. A bare weight set gives its document's number and says nothing of outcomes.

    `reference` is the distribution of the score among the active entities of a snapshot, for percentiles; `base_rates`
    are the training data's, by outcome; `payers_only` says that only paying entities belong to the population it was
    trained on; `id_column` is what ids are called in the tables it scores, where that is neither `user_id` nor
    `account_id` ("row": there are no ids); `outcome` is the custom outcome that it was trained on, None for churn, stay
    and expand; `families` say which metrics are one reason, and what is usual (a bare weight set has none); `instants`
    are those of its metrics that were dates or epochs in the table it was trained on, and that it reads as days before
    the row's date, which stood in the column `time`.
    """

    scorer: Scorer
    reference: Ranks | None = None
    base_rates: Mapping[str, float] | None = None
    payers_only: bool = False
    id_column: str = ""
    outcome: EventOutcome | None = None
    families: Families = field(default_factory=Families)
    instants: tuple[str, ...] = ()
    time: str = ""

    @property
    def name(self) -> str:
        """The scorer's name."""
        return str(self.scorer.name)

    @property
    def kind(self) -> str:
        """`documented`, `edited` or `fitted`."""
        return str(self.scorer.kind)

    @property
    def has_probabilities(self) -> bool:
        """Whether it says how probable each outcome is."""
        return bool(self.scorer.told_outcomes)

    @property
    def stay_value(self) -> float:
        """What staying is worth in its score, 0 to 1; the contract's 0.6 of a scorer that does not set it."""
        return float(getattr(self.scorer, "stay_value", 0.6))

    @property
    def band_column(self) -> str:
        """What its band is called: `band`, or `tier` for document A's own number."""
        return self.scorer.band_column

    @property
    def probability_columns(self) -> tuple[str, ...]:
        """What its probabilities and its lift over the base rate are called."""
        return PROBABILITIES if self._custom is None else (f"p_{self._custom}", f"{self._custom}_lift")

    @property
    def _custom(self) -> str | None:
        """The name of the custom outcome that it tells of, by its declaration or by that of its card file."""
        if self.outcome is not None:
            return self.outcome.name
        told = self.scorer.told_outcomes
        return next((name for name in told if NOT + name in told), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads: the scorer's metrics, and `events_30d`, which says who is active."""
        return tuple(dict.fromkeys([*self.scorer.metrics_, "events_30d"]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that hold categories rather than numbers."""
        return self.scorer.text_columns

    def with_reference(self, frame: pd.DataFrame) -> Self:
        """The same with the score's distribution over the active rows of `frame` for reference."""
        scores = np.asarray(self.scorer.predict_score(frame), dtype=float)
        return replace(self, reference=_thinned(Ranks.of(scores[active_rows(frame)])))

    def with_families(self, rows: pd.DataFrame) -> Self:
        """The same with what reasons need of the training rows: which metrics say the same thing, what is usual."""
        scorer = self.scorer
        return replace(self, families=Families.learn(rows, scorer.metrics_, shares=scorer.weight_shares()))

    def referenced(self, frame: pd.DataFrame) -> Self:
        """The same with `frame` for reference as far as it has none stored, so that its ranks mean something."""
        model = replace(self, scorer=self.scorer.referenced(frame))
        return model if model.reference is not None else model.with_reference(frame)

    def told(self, frame: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
        """The score of each row (n,) and its probabilities, worst outcome first, from one prediction."""
        table = self.scorer.score_table(frame)
        return table["score"].to_numpy(dtype=float), table[[f"p_{name}" for name in self.scorer.told_outcomes]]

    def probabilities(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`p_churn`, `p_stay` (and `p_expand`) per row, or the custom outcome's; no columns where it gives none."""
        return self.told(frame)[1]

    def contributions(self, frame: pd.DataFrame) -> Contributions:
        """What each metric adds to each row's score."""
        return self.scorer.contributions(frame)

    def reasons(self, frame: pd.DataFrame) -> Reasons:
        """The same with metrics that say the same thing taken together."""
        return self.families.reasons(self.contributions(frame), frame)

    def score(self, frame: pd.DataFrame, *, ranking: Ranking = "stored") -> pd.DataFrame:
        """The scoring columns for rows of a snapshot, with its index.

        In order: `score`, `raw_score` where it can differ, the band, `percentile` (null for inactive rows), of a linked
        weight set `document_score`, parts, probabilities and `churn_lift` where there are any (of a custom outcome
        `p_NAME` and `NAME_lift`), `coverage`. Percentiles are ranks in the stored reference, or with `ranking="batch"`
        (and where there is no reference) among the active rows given. Every row is predicted once.
        """
        scorer = self.scorer if ranking == "stored" else self.scorer.unranked()
        reference = self.reference if ranking == "stored" else None
        table = scorer.score_table(frame)
        numbers = table.select_dtypes("float").columns
        table[numbers] += 0.0  # no -0.0: a deduction of nothing is 0
        table["percentile"] = percentiles(table["score"], active_rows(frame), reference)
        sought = self._custom or "churn"
        for outcome in self.scorer.told_outcomes:  # of `not_NAME` a scorer tells too, and it is what is left
            silent = [name for name in _told_of(outcome) if name not in self.probability_columns]
            table = table.drop(columns=silent, errors="ignore")
        if f"p_{sought}" in table and self.base_rates and self.base_rates.get(sought):
            table[f"{sought}_lift"] = table[f"p_{sought}"] / self.base_rates[sought]
        own = () if DOCUMENT_SCORE in table else ("raw_score",)  # else it is the document's, beside its number
        first = [c for c in ("score", *own, self.band_column, "percentile", DOCUMENT_SCORE) if c in table]
        last = [c for c in (*self.probability_columns, "coverage") if c in table]
        ordered: pd.DataFrame = table[[*first, *(c for c in table if c not in (*first, *last)), *last]]
        return ordered

    def beside(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The document's number and parts for rows that it gives no score: `document_score` and what goes with it.

        No columns for a fitted model.
        """
        if self.scorer.document is None or not self.has_probabilities:
            return pd.DataFrame(index=frame.index)
        calibrated = {"score", self.band_column, "percentile", *self.probability_columns}
        table = self.score(frame)
        return table[[name for name in table if name not in calibrated]]

    def outside(self, frame: pd.DataFrame) -> np.ndarray:
        """True for rows outside the population it was trained on, which get no calibrated score.

        A snapshot's label says it; without labels a model of payers does not know those whose `mrr` is 0. A bare weight
        set knows everybody.
        """
        if not self.has_probabilities:
            return np.zeros(len(frame), dtype=bool)
        if "label" in frame:
            return frame["label"].eq("ineligible").to_numpy(dtype=bool)
        if self.payers_only and "mrr" in frame:
            return frame["mrr"].le(0).to_numpy(dtype=bool)
        return np.zeros(len(frame), dtype=bool)

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON holds it."""
        return {
            "format": FORMAT,
            "scorer": self.scorer.to_dict(),
            "reference": None if self.reference is None else self.reference.to_dict(),
            "base_rates": None if self.base_rates is None else dict(self.base_rates),
            "payers_only": self.payers_only,
            "id_column": self.id_column,
            "outcome": None if self.outcome is None else self.outcome.model_dump(mode="json"),
            "families": self.families.to_dict(),
            "instants": list(self.instants),
            "time": self.time,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; raises StoreError for a format this version does not know."""
        if data.get("format") != FORMAT:
            raise StoreError(
                f"the model's data has format {data.get('format')!r}; this version reads {FORMAT}; train again"
            )
        return cls(
            scorer_from_dict(data["scorer"]),
            None if data["reference"] is None else Ranks.from_dict(data["reference"]),
            data["base_rates"],
            data["payers_only"],
            data.get("id_column", ""),
            outcome_from(data["outcome"]) if data.get("outcome") else None,
            Families.from_dict(data["families"]) if "families" in data else Families(),  # none in older versions
            tuple(data.get("instants", ())),
            data.get("time", ""),
        )


def _told_of(outcome: str) -> tuple[str, ...]:
    """The columns in which a fitted model tells of an outcome."""
    return (f"p_{outcome}", f"{outcome}_lift")


def _thinned(ranks: Ranks) -> Ranks:
    """At most `LONGEST_REFERENCE` of the distinct values, evenly spaced, so that ranks move by 0.01 % at most."""
    if len(ranks.values) <= LONGEST_REFERENCE:
        return ranks
    kept = np.unique(np.linspace(0, len(ranks.values) - 1, LONGEST_REFERENCE).round().astype(int))
    return Ranks(ranks.values[kept], ranks.at_or_below[kept])
