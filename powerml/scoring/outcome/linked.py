"""A documented score joined to outcomes: the calibrated S that every registered version gives, the document beside it.

The document's number goes through one line per outcome, whose sign the document binds (a better number never makes
things look worse: a line that the training rows contradict is flat, and said), and through a calibrator, to the nested
probabilities and `S = 100 (stay_value P(stay) + P(expand))`. S never falls with the document's number, so reasons are
the document's own contributions, each times the slope of the secant from the average row to this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from powerml.calibration.head import HeadCalibrator
from powerml.config import documents
from powerml.config.bands import BandsSpec
from powerml.scoring.contributions import Contributions
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.structure import average_reasons
from powerml.scoring.outcome.tables import outcome_table
from powerml.scoring.path import head_shares, score_of_logits
from powerml.scoring.stored import documented_from_dict
from powerml.statistics.folds import account_folds, group_codes
from powerml.statistics.logistic import tested_log_loss
from powerml.statistics.outcomes import count_events, nested_log_loss, nested_probabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from powerml.calibration.shift import Shift
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.statistics.logistic import Floats

LINKED_KIND = "linked"
"""How a written linked scorer is told from others."""

MIN_EVENTS_TO_LINK = 50
"""Distinct events below which the line is held near a modest expectation and nothing is calibrated."""

FEW_ROWS_TO_LINK = 10_000
"""Up to this many rows five folds by account calibrate the line; above, three tell enough."""

FREE = 0.25
"""Rows that the expectation counts for where there are events enough: so few that it only keeps a line finite."""


@dataclass(frozen=True)
class ScoreLink:
    """From the document's number to the calibrated logit of one outcome, with what it was fitted on.

    `sign` is the document's: -1 where the outcome falls with the number, 1 where it rises. `varies`: whether the
    number differed among the rows. `log_loss` (nats a row) is that of such links, calibrated, on accounts that they
    were fitted without.
    """

    outcome: str
    line: PriorLinkHead
    calibrator: HeadCalibrator
    base_rate: float
    events: int
    rows: int
    varies: bool = True
    log_loss: float = field(default=float("nan"), compare=False)  # not written

    @classmethod
    def fit(
        cls, outcome: str, score: Floats, y: Floats, *, sign: int, groups: np.ndarray | None, events: int, against: int
    ) -> ScoreLink:
        """The link of scores (rows,) to an outcome (rows,) of 0 or 1; few events pull it to what is expected."""
        few = min(events, against) < MIN_EVENTS_TO_LINK
        pull = max(float(y.sum()), 1.0) / max(events, 1) if few else FREE
        line, calibrator = PriorLinkHead(sign, pull=pull), HeadCalibrator.identity()
        folds = account_folds(y, groups, n_folds=5 if len(y) <= FEW_ROWS_TO_LINK else 3)
        logits = line.crossed(score, y, folds)
        if not few:
            calibrator = HeadCalibrator("auto").fit(logits, y, groups=group_codes(groups, len(y)))
        loss = tested_log_loss(y, logits) - calibrator.gain
        varies = bool(np.ptp(score) > 0)
        return cls(outcome, line.link(score, y), calibrator, float(y.mean()), events, len(y), varies, loss)

    def logits(self, score: Floats) -> Floats:
        """Calibrated logits (rows,) of the document's numbers (rows,)."""
        return self.calibrator.transform(self.line.line.at(score))

    @property
    def note(self) -> str:
        """The sentence on a line that the rows contradict, or nothing."""
        if self.line.slope_ != 0 or not self.varies:
            return ""
        way = "fall" if self.line.sign < 0 else "rise"
        return (
            f"{self.outcome} does not {way} with the documented score in these rows, as its document says it does; the "
            "link is flat, so that everybody gets the base rate of it"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "outcome": self.outcome,
            "line": self.line.to_dict(),
            "calibrator": self.calibrator.to_dict(),
            "base_rate": self.base_rate,
            "events": self.events,
            "rows": self.rows,
            "varies": self.varies,
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> ScoreLink:
        """The inverse of `to_dict`."""
        line = PriorLinkHead.from_dict(written["line"])
        calibrator = HeadCalibrator.from_dict(written["calibrator"])
        rest = (written[name] for name in ("base_rate", "events", "rows", "varies"))
        return cls(written["outcome"], line, calibrator, *rest)


@dataclass(frozen=True)
class LinkedScorer:
    """A weight set whose number is joined to outcomes; see `Scorer`.

    Its table holds S as `score`, the document's number as `document_score` with its parts, and probabilities. `links`
    are one or two, of the worst outcome and of the best among the others; `average` is what each metric gives to the
    document's number in the average training row, from which reasons start.
    """

    document: DocumentedScorer[Any]
    links: tuple[ScoreLink, ...]
    outcomes: tuple[str, ...]
    stay_value: float
    average: Mapping[str, float]
    ladder: BandsSpec | None = None

    band_column = "band"
    kind_of_scorer: ClassVar[str] = LINKED_KIND

    @property
    def name(self) -> str:
        """The weight set's."""
        return self.document.name

    @property
    def version(self) -> int | str:
        """The weight set's."""
        return self.document.version

    @property
    def kind(self) -> str:
        """Where the weight set's numbers come from: `documented` or `edited`."""
        return self.document.kind

    @property
    def metrics_(self) -> tuple[str, ...]:
        """The columns that the weight set reads."""
        return self.document.metrics_

    @property
    def text_columns(self) -> tuple[str, ...]:
        """None: weight sets read numbers."""
        return ()

    @property
    def bands(self) -> BandsSpec:
        """The ladder of S: document D's unless another was given."""
        return self.ladder or documents.ladder()

    @property
    def told_outcomes(self) -> tuple[str, ...]:
        """The outcomes, worst first."""
        return self.outcomes

    @property
    def part_metrics(self) -> Mapping[str, tuple[str, ...]]:
        """The weight set's."""
        return self.document.part_metrics

    def of_document(self, number: ArrayLike) -> Floats:
        """S of the document's numbers, same shape; it never falls with them."""
        values = np.asarray(number, dtype=np.float64)
        said = [link.logits(values.ravel()) for link in self.links]
        return score_of_logits(said[0], said[1] if len(said) > 1 else None, self.stay_value).reshape(values.shape)

    def predict_score(self, X: pd.DataFrame) -> Floats:
        """S, shape (n,)."""
        return self.of_document(self.document.predict_score(X))

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """S as `score`, `band`, `document_score`, the weight set's parts, probabilities, the lift, `coverage`."""
        its = self.document.score_table(X).rename(columns={"score": "document_score"})
        said = [link.logits(its["document_score"].to_numpy(dtype=np.float64)) for link in self.links]
        proba = nested_probabilities(said[0], said[1] if len(said) > 1 else None)
        mix = dict(zip(self.outcomes, self._rates(), strict=True))
        ours = outcome_table(proba, mix, stay_value=self.stay_value, bands=self.bands, reference=False)
        first = pd.DataFrame({name: ours.pop(name) for name in ("score", "band")}, index=X.index)
        if "band" in its:  # bands are of S; document A's tier, of its own number, has another name
            its = its.drop(columns="band")
        its.insert(0, "document_score", its.pop("document_score"))
        return pd.concat([first, its, pd.DataFrame(ours, index=X.index)], axis=1)

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """What each metric adds to S; rows sum with the baseline to it.

        The baseline is S of the average training row's document number.
        """
        given = self.document.contributions(X)
        names = [str(name) for name in given.values.columns]
        average = np.array([self.average.get(name, 0.0) for name in names])
        raw = given.values.to_numpy(dtype=np.float64) - average
        start = given.baseline + float(average.sum())
        baseline, nearby = (float(s) for s in self.of_document(np.array([start, start + 1e-4])))
        ends = self.of_document(start + raw.sum(axis=1))
        values = head_shares(raw, baseline, ends, (nearby - baseline) / 1e-4)
        return Contributions(pd.DataFrame(values, index=X.index, columns=names), baseline)

    def weight_shares(self) -> dict[str, float]:
        """The weight set's: S moves with nothing else."""
        return self.document.weight_shares()

    def training_tables(self) -> dict[str, pd.DataFrame]:
        """Nothing but the links was learnt, and there is one of each."""
        return {}

    def remarks(self) -> tuple[str, ...]:
        """The links that the training rows contradict."""
        return tuple(link.note for link in self.links if link.note)

    def expected_loss(self) -> float:
        """Log loss (nats a row) to expect on other accounts, by the links' folds; nan where it was read back."""
        return nested_log_loss([link.log_loss for link in self.links], self.links[0].base_rate)

    def unranked(self) -> Self:
        """The same with ranks inside the document's number taken among the rows given."""
        return replace(self, document=self.document.unranked())

    def referenced(self, frame: pd.DataFrame) -> Self:
        """The same with a reference for ranks inside the document's number where it has none."""
        return replace(self, document=self.document.referenced(frame))

    def recalibrate(self, X: pd.DataFrame, y: ArrayLike, accounts: ArrayLike | None = None) -> dict[str, Shift]:
        """Moves each link's intercept to newer mature rows; returns the moves, of which some may alarm."""
        score, codes = self.document.predict_score(X), np.asarray(y)
        groups, left = group_codes(accounts, len(codes)), codes == self.outcomes[0]
        moves = {self.outcomes[0]: _moved(self.links[0], score, left, groups)}
        for link in self.links[1:]:
            moves[link.outcome] = _moved(link, score[~left], codes[~left] == link.outcome, groups[~left])
        return moves

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON holds it."""
        return {
            "kind_of_scorer": LINKED_KIND,
            "document": self.document.to_dict(),
            "links": [link.to_dict() for link in self.links],
            "outcomes": list(self.outcomes),
            "stay_value": self.stay_value,
            "average": dict(self.average),
            "bands": {f"{band.from_:g}": band.name for band in self.bands.bands},
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            documented_from_dict(written["document"]),
            tuple(ScoreLink.from_dict(link) for link in written["links"]),
            tuple(written["outcomes"]),
            written["stay_value"],
            written["average"],
            BandsSpec.model_validate({float(edge): name for edge, name in written["bands"].items()}),
        )

    def _rates(self) -> list[float]:
        """The training rate of each outcome, worst first."""
        left = self.links[0].base_rate
        if len(self.links) == 1:
            return [left, 1 - left]
        grew = self.links[1].base_rate
        return [left, (1 - left) * (1 - grew), (1 - left) * grew]


def link_scorer(
    document: DocumentedScorer[Any],
    X: pd.DataFrame,
    y: ArrayLike,
    *,
    outcomes: Sequence[str],
    groups: ArrayLike | None = None,
    instants: ArrayLike | None = None,
    stay_value: float = 0.6,
    bands: BandsSpec | None = None,
) -> LinkedScorer:
    """A weight set joined to outcomes on training rows.

    `y` is the outcome of each row of `X`, one of `outcomes` (two or three, worst first); `groups` are accounts and
    `instants` when outcomes happened, by which events are counted. Below 50 events of a kind its line is held near a
    modest expectation.
    """
    score = np.asarray(document.predict_score(X), dtype=np.float64)
    came = np.asarray(y, dtype=object)
    accounts, moments = (None if v is None else np.asarray(v) for v in (groups, instants))
    left = came == outcomes[0]
    links = [_fitted(str(outcomes[0]), score, left, -1, accounts, moments)]
    if len(outcomes) == 3:
        stayed = ~left
        own, theirs = (None if v is None else v[stayed] for v in (accounts, moments))
        links.append(_fitted(str(outcomes[2]), score[stayed], came[stayed] == outcomes[2], 1, own, theirs))
    average = average_reasons(document, X)
    names = tuple(map(str, outcomes))
    return LinkedScorer(document, tuple(links), names, stay_value, average, bands)


def _fitted(
    outcome: str, score: Floats, came: np.ndarray, sign: int, groups: np.ndarray | None, instants: np.ndarray | None
) -> ScoreLink:
    events, against = count_events(came, groups, instants), count_events(~came, groups, instants)
    y = came.astype(np.float64)
    if not len(y):  # everybody left, so nothing is known of those who stay
        score, y, groups = np.zeros(1), np.zeros(1), None
    return ScoreLink.fit(outcome, score, y, sign=sign, groups=groups, events=events, against=against)


def _moved(link: ScoreLink, score: Floats, came: np.ndarray, groups: np.ndarray) -> Shift:
    return link.calibrator.recalibrate(link.line.line.at(score), came, groups)
