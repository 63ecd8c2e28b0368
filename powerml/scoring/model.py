"""Everything that scoring needs, as one piece of data: the scorer, its link, its reference, the population it knows."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from powerml.calibration.links import PlattLink
from powerml.config.outcome import EventOutcome, outcome_from
from powerml.errors import StoreError
from powerml.scoring.outcome import card_scorer as _card_scorer  # noqa: F401  registers the fitted models with `persist`
from powerml.scoring.stored import scorer_from_dict
from powerml.statistics.ranks import Ranks, active_rows, percentiles
from powerml.tables import NOT, OUTCOMES, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.explain.contributions import Contributions

FORMAT = 1
LONGEST_REFERENCE = 20_000
Ranking = Literal["stored", "batch"]


@dataclass(frozen=True)
class ScoringModel:
    """A scorer with what it was given in training.

    `link` gives probabilities to a scorer that has none (absent: it stays without); `reference` is the distribution of
    the score among the active entities of a snapshot, for percentiles; `base_rates` are the training data's, by
    outcome; `payers_only` says that only paying entities belong to the population it was trained on; `id_column` is
    what ids are called in the tables it scores, where that is neither `user_id` nor `account_id` ("row": there are no
    ids); `outcome` is the custom outcome that it was trained on, None for churn, stay and expand.
    """

    scorer: Any
    link: PlattLink | None = None
    reference: Ranks | None = None
    base_rates: Mapping[str, float] | None = None
    payers_only: bool = False
    id_column: str = ""
    outcome: EventOutcome | None = None

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
        return self.link is not None or hasattr(self.scorer, "predict_proba_outcomes")

    @property
    def band_column(self) -> str:
        """What its band is called: `band`, or `tier` for document A."""
        return str(getattr(self.scorer, "band_column", "band"))

    @property
    def probability_columns(self) -> tuple[str, ...]:
        """What its probabilities and its lift over the base rate are called."""
        return PROBABILITIES if self._custom is None else (f"p_{self._custom}", f"{self._custom}_lift")

    @property
    def _custom(self) -> str | None:
        """The name of the custom outcome that it tells of, by its declaration or by that of its card file."""
        if self.outcome is not None:
            return self.outcome.name
        told = getattr(getattr(self.scorer, "card", None), "outcomes", ())
        return next((name for name in told if NOT + name in told), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads: the scorer's metrics, and `events_30d`, which says who is active."""
        return tuple(dict.fromkeys([*self.scorer.metrics_, "events_30d"]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that hold categories rather than numbers."""
        encoder = getattr(self.scorer, "encoder_", None)
        named = () if encoder is None else [column.name for column in encoder.columns if column.levels is not None]
        return tuple(name for name in named if name in self.scorer.metrics_)

    def with_reference(self, frame: pd.DataFrame) -> Self:
        """The same with the score's distribution over the active rows of `frame` for reference."""
        scores = np.asarray(self.scorer.predict_score(frame), dtype=float)
        return replace(self, reference=_thinned(Ranks.of(scores[active_rows(frame)])))

    def probabilities(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`p_churn`, `p_stay` (and `p_expand`) per row, or the custom outcome's; no columns where it gives none."""
        if self.link is not None:
            return self.link.probabilities(pd.Series(self.scorer.predict_score(frame), index=frame.index))
        if self.has_probabilities:
            said: pd.DataFrame = self.scorer.predict_proba_outcomes(frame)
            return said
        return pd.DataFrame(index=frame.index)

    def contributions(self, frame: pd.DataFrame) -> Contributions:
        """What each metric adds to each row's score."""
        given: Contributions = self.scorer.contributions(frame)
        return given

    def score(self, frame: pd.DataFrame, *, ranking: Ranking = "stored") -> pd.DataFrame:
        """The scoring columns for rows of a snapshot, with its index.

        In order: `score`, `raw_score` where it can differ, the band, `percentile` (null for inactive rows), parts,
        probabilities and `churn_lift` where there are any (of a custom outcome `p_NAME` and `NAME_lift`), `coverage`.
        Percentiles are ranks in the stored reference,
        or with `ranking="batch"` (and where there is no reference) among the active rows given.
        """
        scorer = self.scorer if ranking == "stored" else _unranked(self.scorer)
        reference = self.reference if ranking == "stored" else None
        table = scorer.score_table(frame).copy()
        numbers = table.select_dtypes("float").columns
        table[numbers] += 0.0  # no -0.0: a deduction of nothing is 0
        table["percentile"] = percentiles(table["score"], active_rows(frame), reference)
        said = self.probabilities(frame)
        sought = self._custom or "churn"
        if self._custom:  # of `not_NAME` a fitted model tells too, and it is what is left
            table = table.drop(columns=[c for c in table if str(c) in _told_of(NOT + sought)])
        for name in said.columns:
            if name in self.probability_columns:
                table[name] = said[name]
        if f"p_{sought}" in said and self.base_rates and self.base_rates.get(sought):
            table[f"{sought}_lift"] = said[f"p_{sought}"] / self.base_rates[sought]
        first = [c for c in ("score", "raw_score", "band", "tier", "percentile") if c in table]
        last = [c for c in (*self.probability_columns, "coverage") if c in table]
        ordered: pd.DataFrame = table[[*first, *(c for c in table if c not in (*first, *last)), *last]]
        return ordered

    def outside(self, frame: pd.DataFrame) -> np.ndarray:
        """True for rows outside the population it was trained on, which get no score of a fitted model.

        A snapshot's label says it; without labels a model of payers does not know those whose `mrr` is 0.
        """
        if not hasattr(self.scorer, "predict_proba_outcomes"):
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
            "link": None if self.link is None else _written(self.link),
            "reference": None if self.reference is None else self.reference.to_dict(),
            "base_rates": None if self.base_rates is None else dict(self.base_rates),
            "payers_only": self.payers_only,
            "id_column": self.id_column,
            "outcome": None if self.outcome is None else self.outcome.model_dump(mode="json"),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; raises StoreError for a format this version does not know."""
        if data.get("format") != FORMAT:
            raise StoreError(f"the model's data has format {data.get('format')!r}; this version reads {FORMAT}")
        return cls(
            scorer_from_dict(data["scorer"]),
            None if data["link"] is None else _read(data["link"]),
            None if data["reference"] is None else Ranks.from_dict(data["reference"]),
            data["base_rates"],
            data["payers_only"],
            data.get("id_column", ""),
            outcome_from(data["outcome"]) if data.get("outcome") else None,
        )


def _unranked(scorer: Any) -> Any:
    """The scorer without its stored reference, so that ranks inside the score are taken among the rows given."""
    if not hasattr(scorer, "reference_"):
        return scorer
    other = copy.copy(scorer)
    del other.reference_
    return other


def _told_of(outcome: str) -> tuple[str, ...]:
    """The columns in which a fitted model tells of an outcome."""
    return (f"p_{outcome}", f"{outcome}_lift")


def _written(link: PlattLink) -> dict[str, Any]:
    return {"churn": link.churn, "expand": link.expand, "outcomes": list(link.outcomes)}


def _read(data: Mapping[str, Any]) -> PlattLink:
    return PlattLink(_line(data["churn"]), _maybe(data["expand"]), tuple(data.get("outcomes", OUTCOMES)))


def _line(pair: Any) -> tuple[float, float]:
    slope, intercept = map(float, pair)
    return slope, intercept


def _maybe(pair: Any) -> tuple[float, float] | None:
    return None if pair is None else _line(pair)


def _thinned(ranks: Ranks) -> Ranks:
    """At most `LONGEST_REFERENCE` of the distinct values, evenly spaced, so that ranks move by 0.01 % at most."""
    if len(ranks.values) <= LONGEST_REFERENCE:
        return ranks
    kept = np.unique(np.linspace(0, len(ranks.values) - 1, LONGEST_REFERENCE).round().astype(int))
    return Ranks(ranks.values[kept], ranks.at_or_below[kept])
