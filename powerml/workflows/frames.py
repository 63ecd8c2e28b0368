"""Labels, scores and reasons for a notebook: plain frames in, plain frames out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.metrics import catalogue
from powerml.errors import MissingColumns, UsageError
from powerml.scoring.contributions import by_group
from powerml.scoring.explain.explainable import Explainable
from powerml.scoring.families import Families
from powerml.scoring.named import from_weights
from powerml.scoring.scores_table import score_rows
from powerml.shown import Shown
from powerml.tracking.scorers import from_registry
from powerml.workflows.project import open_project, project_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    import shap
    from numpy.typing import NDArray

    from powerml.config.project import ProjectSpec
    from powerml.scoring.contributions import Contributions
    from powerml.scoring.model import Ranking
    from powerml.scoring.named import NamedScorer

KEYS = ("as_of", "user_id", "account_id")


def labels(project: ProjectSpec, cutoffs: Sequence[date]) -> pd.DataFrame:
    """What happened to every entity after each cutoff.

    Returns as_of, the id (and account_id beside a user), label (ineligible, immature, churn, stay or expand) and
    treated, in the order of `snapshot`. Raises what reading the project's tables raises.

    >>> from datetime import date
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from powerml import simulate
    >>> project = simulate(users=40, months=6, folder=Path(mkdtemp(), "product"))
    >>> came = labels(project, [date(2024, 2, 1)])
    >>> came["label"].isin(["ineligible", "immature", "churn", "stay", "expand"]).all()
    np.True_
    """
    frame = open_project(project).build(cutoffs, labels=True).frame
    return frame[[name for name in KEYS if name in frame] + ["label", "treated"]]


def scored(
    frame: pd.DataFrame,
    scorer: NamedScorer,
    *,
    reasons: int | None,
    ranking: Ranking,
    as_of: date | None,
    now: datetime,
) -> pd.DataFrame:
    """The scores table for the rows of a snapshot frame, in their order; see `powerml.score`."""
    rows = _with_history(frame if as_of is None else _at(frame, as_of), scorer, asked_by="score")
    keys = [name for name in KEYS if name in rows]
    return score_rows(scorer, rows, ids=keys, reasons=reasons, ranking=ranking, now=now)[0]


@dataclass(frozen=True, eq=False)
class Explained(Shown):
    """What each metric adds to the score of each row that is scored, in points: with `baseline` they add up to it.

    `keys`: as_of and ids of the rows; `data`: their metrics; `contributions.values`: rows x metrics, in the same order;
    `families`: which metrics say the same thing and are one of the `reasons`. `values` and `shap()` keep them apart.
    """

    scorer: str
    keys: pd.DataFrame
    data: pd.DataFrame
    contributions: Contributions
    families: Families = field(default_factory=Families)

    @property
    def values(self) -> pd.DataFrame:
        """Points per row and metric."""
        return self.contributions.values

    @property
    def baseline(self) -> float:
        """The score without any contribution, the same for all rows."""
        return self.contributions.baseline

    @property
    def mean(self) -> pd.Series:
        """Mean points per metric, largest in size first."""
        return self.contributions.mean.sort_values(key=np.abs, ascending=False, kind="stable")

    @property
    def reasons(self) -> pd.DataFrame:
        """Points per row and reason: metrics that say the same thing added up, under the weightiest of them."""
        return by_group(self.contributions, self.families.leads).values

    def shap(self) -> shap.Explanation:
        """For shap's plots: values and data (rows, metrics), base_values (rows,), feature_names."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="IProgress not found")  # in a notebook without widgets
            import shap

        names = [str(name) for name in self.values]
        return shap.Explanation(
            values=self.values.to_numpy(dtype=float),
            base_values=np.full(len(self.values), self.baseline),
            data=_numbers(self.data, names),
            feature_names=names,
        )

    def _shown(self) -> Iterator[str | pd.DataFrame]:
        yield f"{self.scorer}: {len(self.values):,} rows; baseline {self.baseline:.4g}, mean points per metric:"
        yield self.mean.rename("points").rename_axis("metric").reset_index()


def explained(given: Explainable) -> Explained:
    """The contributions to every row that is scored, of the date meant or else the last."""
    frame = given.frame if "as_of" not in given.frame else _at(given.frame, given.as_of)
    its = given.scorer.model.referenced(frame)
    frame = frame[frame["enough_history"].astype(bool) & ~its.outside(frame)]
    if frame.empty:
        raise UsageError("explain: no row has enough history to be scored")
    keys = [name for name in KEYS if name in frame]
    metrics = [name for name in its.scorer.metrics_ if name in frame]
    return Explained(given.scorer.shown, frame[keys], frame[metrics], its.contributions(frame), its.families)


def explainable(
    frame: pd.DataFrame,
    weights: str | None = None,
    *,
    project: ProjectSpec | None = None,
    model: str | None = None,
    settings: Mapping[str, float] | None = None,
    as_of: date | None = None,
) -> Explainable:
    """The rows of a frame to explain; where they have no id they are called by their number, from 1."""
    scorer = named_scorer(weights, project=project, model=model, settings=settings, asked_by="explain")
    frame = _with_history(frame, scorer, asked_by="explain")
    metrics = catalogue() if project is None else project_metrics(project)
    id_column = next((name for name in KEYS[1:] if name in frame), "row")
    if id_column not in frame:
        frame = frame.assign(row=[str(number) for number in range(1, len(frame) + 1)])
    return Explainable(frame, scorer, id_column, metrics, as_of, {} if project is None else project.accountable)


def named_scorer(
    weights: str | None,
    *,
    project: ProjectSpec | None,
    model: str | None,
    settings: Mapping[str, float] | None,
    asked_by: str,
) -> NamedScorer:
    """A weight set, or a version of the project's by default its champion; UsageError with neither at hand."""
    if weights is not None:
        return from_weights(weights, settings=settings, project=project)
    if project is None:
        raise UsageError(f"{asked_by}: neither a weight set nor a project is given; name one of them")
    return from_registry(project, model)


def _with_history(frame: pd.DataFrame, scorer: NamedScorer, *, asked_by: str) -> pd.DataFrame:
    """The rows, all of them scored where nothing is said of their history; raises MissingColumns."""
    if absent := [name for name in scorer.model.scorer.metrics_ if name not in frame]:
        known = {*catalogue(), *scorer.model.columns}
        raise MissingColumns(absent, asked_by=f"{asked_by}: {scorer.shown}", have=[n for n in frame if n in known])
    return frame if "enough_history" in frame else frame.assign(enough_history=True)


def _at(frame: pd.DataFrame, as_of: date | None) -> pd.DataFrame:
    """The rows of one cutoff, by default the last in the frame."""
    if "as_of" not in frame:
        raise UsageError(f"the rows have no column 'as_of' to tell those of {as_of} by; leave as_of out")
    days = pd.to_datetime(frame["as_of"])
    at = days.max() if as_of is None else pd.Timestamp(as_of)
    if not days.eq(at).any():
        there = ", ".join(str(day.date()) for day in sorted(days.unique()))
        raise UsageError(f"no row of {as_of}; there are {there}")
    return frame[days.eq(at)]


def _numbers(data: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """The named columns as numbers, null where there is none: a text, or a part that no single column stands for."""
    columns = [pd.to_numeric(data[n], errors="coerce") if n in data else pd.Series(np.nan, data.index) for n in names]
    return np.column_stack([column.to_numpy(dtype=float, na_value=np.nan) for column in columns])
