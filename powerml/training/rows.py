"""What a training session learns and is judged on: labelled rows, whom they stand for, how they are held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.bands.multiples import rate_bands
from powerml.config.project import ProjectSpec, slug
from powerml.scoring.learned import TRAINED_UNTIL, Learned
from powerml.statistics.accounts import accounts_of
from powerml.statistics.outcomes import distinct_events, outcomes_of
from powerml.tables import is_rest
from powerml.validation.held_rows import HeldRows

if TYPE_CHECKING:
    from powerml.config.bands import BandsSpec
    from powerml.config.metrics import MetricSpec
    from powerml.config.outcome import EventOutcome


@dataclass(frozen=True, eq=False)
class Rows:
    """Labelled snapshot rows, in the order of (`as_of`, id)."""

    frame: pd.DataFrame
    id_column: str
    horizon_days: int

    @property
    def y(self) -> np.ndarray:
        """The outcome of each row: churn, stay or expand."""
        return self.frame["label"].to_numpy(dtype=object)

    @property
    def times(self) -> np.ndarray:
        """The cutoff of each row."""
        return self.frame["as_of"].to_numpy()

    @property
    def ids(self) -> np.ndarray:
        """The entity of each row."""
        return self.frame[self.id_column].to_numpy(dtype=object)

    @cached_property
    def accounts(self) -> np.ndarray:
        """The account of each row, by which rows are resampled; the entity where it has none."""
        return accounts_of(self.frame, self.id_column)

    @cached_property
    def instants(self) -> np.ndarray:
        """A number per row: rows of one account and outcome with the same number can share one event.

        The fewest events that explain what was seen: windows that begin within a horizon of the first of them overlap
        at one instant. A later window needs another event.
        """
        rows = pd.DataFrame({"account": self.accounts, "label": self.y, "at": pd.to_datetime(self.times)})
        seen = rows.drop_duplicates().sort_values(["account", "label", "at"], ignore_index=True)
        horizon, events, begun, before = pd.Timedelta(days=self.horizon_days), [], None, None
        for account, label, at in seen.itertuples(index=False):
            if (account, label) != before:
                before, begun, number = (account, label), at, 0
            elif at - begun >= horizon:
                begun, number = at, number + 1
            events.append(number)
        return rows.merge(seen.assign(event=events), on=["account", "label", "at"], how="left")["event"].to_numpy()

    def events(self, outcome: str) -> int:
        """How many events of an outcome the rows stand for."""
        return distinct_events(self.y == outcome, self.accounts, self.times, event_ids=self.instants)

    def take(self, positions: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(self.frame.iloc[positions].reset_index(drop=True), self.id_column, self.horizon_days)

    def rates(self, outcomes: tuple[str, ...]) -> dict[str, float]:
        """The share of each outcome."""
        return {outcome: float((self.y == outcome).mean()) for outcome in outcomes}


def by_months(times: np.ndarray) -> np.ndarray:
    """Cutoffs that come more often than monthly taken together: each at the first day of its month.

    >>> by_months(np.array(["2026-01-05", "2026-01-06", "2026-02-05"], dtype="datetime64[s]")).astype(str).tolist()
    ['2026-01-01T00:00:00', '2026-01-01T00:00:00', '2026-02-01T00:00:00']
    """
    months = times.astype("datetime64[M]")
    return times if len(np.unique(times)) <= len(np.unique(months)) else months.astype(times.dtype)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out rows of all folds, one after another; `unseen`: rows of accounts that no training saw.

    `folds`: the number of each row's fold, from 0. `variance_factor`: see `Split`.
    """

    rows: Rows
    unseen: np.ndarray
    folds: np.ndarray
    variance_factor: float = 1.0

    @cached_property
    def times(self) -> np.ndarray:
        """The cutoff of each row as it is told of: where a month has several, the first day of that month."""
        return by_months(self.rows.times)

    @property
    def held(self) -> HeldRows:
        """The rows as they are judged."""
        rows = self.rows
        return HeldRows(rows.y, rows.accounts, self.times, rows.instants, rows.horizon_days, self.variance_factor)


@dataclass(frozen=True, eq=False)
class Split:
    """How rows are held out: (training, test) positions per fold, and the rows of accounts that no training sees.

    `variance_factor`: by how much pooled results vary more than those of independent rows (`verdict.CROSS_FITTED`);
    `words` say how the rows were held out.
    """

    folds: tuple[tuple[np.ndarray, np.ndarray], ...]
    unseen: np.ndarray
    variance_factor: float = 1.0
    words: str = "forward in time"


@dataclass(frozen=True)
class Population:
    """Whom the rows stand for.

    `from_snapshots`: they are everybody at each cutoff, so a later snapshot and a reference can be had; else whoever
    stands in a table, of whom all were learned from. `timed`: the rows' `as_of` means something. `outcome_kind`: what
    outcomes are made from (contract, behavioural, table, or a custom one's words). `grace_days`: days after the horizon
    that an outcome needs to be known. `payers_only`: only paying entities belong. `texts`: metrics that are categories.
    `instants`: metrics that were dates or epochs and are days before the row's date, negative after it.
    """

    outcome_kind: str
    grace_days: int = 0
    payers_only: bool = False
    texts: tuple[str, ...] = ()
    from_snapshots: bool = True
    timed: bool = True
    instants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where the rows came from.

    `declaration`: what was declared, as a run keeps it. `remarks`: sentences on the rows that a reader must see.
    `scores_ids`: the id column that a table to be scored must have, empty where it is `user_id` or `account_id`;
    `scores_time`: the column of its rows' dates, empty where none was named.
    `scored_by`: what `powerml score` needs to be told to score such rows again.
    """

    declaration: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    scores_ids: str = ""
    scored_by: str = ""
    scores_time: str = ""


Splitter = Callable[[Rows, int], Split]
"""How rows are held out, given a seed."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The rows of a session; made by `snapshot_rows` or `table_rows`.

    `labelled`: rows with a mature outcome and enough history. `latest`: every entity of the latest snapshot, the active
    ones of which are the reference of percentiles; `left` is true for those who paid once and pay no longer (None where
    contracts are not known); in no frame they count as active. `whole`: all rows at the mature cutoffs, eligible or
    not. `before`: rows of snapshots taken for what is asked of earlier values, see `earlier_cutoffs`. `recent`: a week
    and a month before the latest, with `left`, for what is told of movement. `project` says where things are kept, and
    of snapshots what outcomes are.
    """

    project: ProjectSpec
    metrics: Mapping[str, MetricSpec]
    labelled: Rows
    whole: pd.DataFrame
    latest: pd.DataFrame
    vocabulary: Mapping[str, int]
    coverage: pd.DataFrame
    population: Population
    provenance: Provenance
    splitter: Splitter
    before: pd.DataFrame = field(default_factory=pd.DataFrame)
    recent: pd.DataFrame = field(default_factory=pd.DataFrame)
    left: pd.Series | None = None

    @cached_property
    def current(self) -> pd.DataFrame:
        """The latest snapshot's entities with enough history that have not left: whom lists and ranks are about."""
        there = self.latest["enough_history"].astype(bool)
        return self.latest[there if self.left is None else there & ~self.left]

    @cached_property
    def history(self) -> pd.DataFrame:
        """All rows at the mature cutoffs, and those taken before them where no cutoff lay."""
        return pd.concat([self.whole, self.before], ignore_index=True) if len(self.before) else self.whole

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that can come, worst first."""
        return outcomes_of(self.labelled.y) if self.custom is None else self.custom.outcomes

    @property
    def custom(self) -> EventOutcome | None:
        """The custom outcome that the rows are labelled with; None for churn, stay and expand."""
        return self.project.custom_outcome

    @property
    def judged(self) -> tuple[str, ...]:
        """The outcomes that are judged by themselves: churn and expand, or the custom one."""
        return tuple(outcome for outcome in self.outcomes if not is_rest(outcome))

    @property
    def model_name(self) -> str:
        """What versions are registered as: a custom outcome has a champion of its own."""
        project = slug(self.project.project)
        return project if self.custom is None else f"{project}-{self.custom.name}"

    @property
    def bands(self) -> BandsSpec | None:
        """The ladder of fitted scores: of a custom outcome by multiples of its rate; None for document D's."""
        if self.custom is None:
            return None
        return rate_bands(float((self.labelled.y == self.custom.name).mean()), good=self.custom.good)

    @property
    def grace_days(self) -> int:
        """Days after the horizon that an outcome needs to be known."""
        return self.population.grace_days

    @property
    def texts(self) -> tuple[str, ...]:
        """The metrics that are categories rather than numbers."""
        return self.population.texts

    @property
    def instants(self) -> tuple[str, ...]:
        """The metrics that are days between an instant and the row's date."""
        return self.population.instants

    @property
    def has_later(self) -> bool:
        """Whether there are rows later than those learned from, whose outcomes are not known yet."""
        return self.population.from_snapshots

    @property
    def available(self) -> list[str]:
        """The metrics that there are to learn from."""
        return list(self.coverage.loc[self.coverage["available"], "metric"])

    def has(self, metrics: Iterable[str]) -> bool:
        """Whether the rows have all these metrics."""
        return set(metrics) <= set(self.labelled.frame)

    @property
    def trained_until(self) -> str:
        """The last cutoff that is learned from."""
        return self.learned.to_tags()[TRAINED_UNTIL]

    @property
    def learned(self) -> Learned:
        """The snapshots learned from."""
        rows = self.labelled
        return Learned.of(rows.times, rows.horizon_days) if self.population.timed else Learned(None)

    def cutoff_params(self) -> dict[str, str | int]:
        """How many cutoffs there are, and the first and the last of them, as a run keeps them."""
        if not self.population.timed:
            return {"cutoffs": 0}
        first = str(self.labelled.frame["as_of"].min().date())
        return {"cutoffs": len(set(self.labelled.times)), "first_cutoff": first, "last_cutoff": self.trained_until}

    def split(self, *, seed: int) -> Split:
        """How the labelled rows are held out."""
        return self.splitter(self.labelled, seed)

    def reference(self, until: pd.Timestamp) -> pd.DataFrame:
        """Whom ranks are taken among, as known at `until`, entities without enough history left out.

        Of snapshots the last mature one; of a table all rows so far, for none of its times has everybody.
        """
        so_far = self.whole[self.whole["as_of"] <= until]
        if self.population.from_snapshots:
            so_far = so_far[so_far["as_of"] == so_far["as_of"].max()]
        return so_far[so_far["enough_history"].astype(bool)].reset_index(drop=True)
