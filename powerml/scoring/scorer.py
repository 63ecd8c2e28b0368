"""What every scorer answers to, documented or fitted: the one shape that scoring, training and explaining rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import ArrayLike

    from powerml.calibration.shift import Shift
    from powerml.config.bands import BandsSpec
    from powerml.scoring.contributions import Contributions
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.statistics.logistic import Floats


class Scorer(Protocol):
    """A score from 0 to 100 of snapshot rows, the higher the better.

    `DocumentedScorer` is a declared weight set, `LinkedScorer` one whose number is joined to outcomes by a calibrated
    link, `CardScorer` a card file of two heads, `NestedOutcomeModel` a fitted model.
    """

    @property
    def name(self) -> str:
        """What runs and score rows call it."""
        ...

    @property
    def version(self) -> int | str:
        """Its version, with the settings that were made."""
        ...

    @property
    def kind(self) -> str:
        """`documented`, `edited` or `fitted`: where its numbers come from."""
        ...

    @property
    def metrics_(self) -> tuple[str, ...]:
        """The columns it reads."""
        ...

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Those of them that hold categories rather than numbers."""
        ...

    @property
    def bands(self) -> BandsSpec | None:
        """The ladder of its score; None where it has none."""
        ...

    @property
    def band_column(self) -> str:
        """What the band is called in its table: `band`, or `tier` for document A's own number."""
        ...

    @property
    def told_outcomes(self) -> tuple[str, ...]:
        """The outcomes whose probabilities stand in its table as `p_NAME`, worst first; none for a bare weight set."""
        ...

    @property
    def document(self) -> DocumentedScorer[Any] | None:
        """The weight set behind the score: a weight set itself, that of a link, None of a fitted model."""
        ...

    @property
    def part_metrics(self) -> Mapping[str, tuple[str, ...]]:
        """The metrics that each part reads; empty for a fitted model."""
        ...

    def predict_score(self, X: pd.DataFrame) -> Floats:
        """The score of each row, shape (n,), never null."""
        ...

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """`score` and all that goes with it, one row per row of `X` with its index; rows are predicted once."""
        ...

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Score points by metric; with the baseline they add up to the score."""
        ...

    def weight_shares(self) -> dict[str, float]:
        """The share (in %) of the score that is due to each metric or part; they add up to 100."""
        ...

    def training_tables(self) -> dict[str, pd.DataFrame]:
        """What training found, by the name of a file; empty where nothing was learnt."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """Sentences on what training found; none where nothing was learnt."""
        ...

    def expected_loss(self) -> float:
        """Log loss (nats a row) to expect on accounts it did not learn from; nan where that is not known."""
        ...

    def recalibrate(self, X: pd.DataFrame, y: ArrayLike, accounts: ArrayLike | None = None) -> dict[str, Shift]:
        """Moves each head's intercept to rows whose outcomes came since; UsageError where nothing is calibrated."""
        ...

    def unranked(self) -> Self:
        """The same without stored reference, so that ranks inside the score are taken among the rows given."""
        ...

    def referenced(self, frame: pd.DataFrame) -> Self:
        """The same with the active rows of `frame` for reference where it has none."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON holds it; `powerml.scoring.stored` reads it back by its `kind_of_scorer`."""
        ...
