"""What a training session learns and is judged on: mature snapshots, their outcomes, who belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.bands.multiples import rate_bands
from powerml.config import fingerprints
from powerml.config.project import ProjectSpec, slug
from powerml.statistics.accounts import accounts_of
from powerml.statistics.outcomes import distinct_events, outcomes_of
from powerml.statistics.splits import SnapshotSplit
from powerml.tables import is_rest

if TYPE_CHECKING:
    import numpy as np

    from powerml.config.bands import BandsSpec
    from powerml.config.metrics import MetricSpec
    from powerml.config.outcome import EventOutcome

Note = Callable[[str], None]


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


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out rows of all folds, one after another; `unseen`: rows of accounts that no training saw.

    `folds`: the number of each row's fold, from 0.
    """

    rows: Rows
    unseen: np.ndarray
    folds: np.ndarray


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


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The rows of a session.

    `labelled`: rows with a mature outcome and enough history. `latest`: every entity of the latest snapshot, which is
    the reference of percentiles. `whole`: all rows at the mature cutoffs, eligible or not.
    """

    project: ProjectSpec
    metrics: Mapping[str, MetricSpec]
    labelled: Rows
    whole: pd.DataFrame
    latest: pd.DataFrame
    vocabulary: Mapping[str, int]
    coverage: pd.DataFrame

    @property
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
        """Days after the horizon that a contract outcome needs to be known."""
        return self.project.outcome.grace_days if self.project.outcome_kind == "contract" else 0

    @property
    def outcome_kind(self) -> str:
        """What outcomes are made from: contract or behavioural; the declaration of a custom one in words."""
        return self.project.outcome_kind if self.custom is None else f"{self.custom.name}: {self.custom.words}"

    @property
    def payers_only(self) -> bool:
        """Whether only paying entities belong to the population."""
        return self.project.outcome_kind == "contract"

    @property
    def texts(self) -> tuple[str, ...]:
        """The metrics that are categories rather than numbers: a project's snapshots have none."""
        return ()

    @property
    def scores_ids(self) -> str:
        """The id column that a table to be scored must have; empty where it is `user_id` or `account_id`."""
        return ""

    @property
    def trained_until(self) -> str:
        """The last cutoff that is learned from."""
        return str(self.labelled.frame["as_of"].max().date())

    def cutoff_params(self) -> dict[str, str | int]:
        """How many cutoffs there are, and the first and the last of them, as a run keeps them."""
        first = str(self.labelled.frame["as_of"].min().date())
        return {"cutoffs": len(set(self.labelled.times)), "first_cutoff": first, "last_cutoff": self.trained_until}

    def declaration(self) -> dict[str, Any]:
        """What was declared, as a run keeps it: no owners (names), and of queries only their fingerprint."""
        apart = {"owners"} if self.custom is None else {"owners", "outcome"}  # the experiment declares a custom one
        told = self.project.model_dump(mode="json", by_alias=True, exclude=apart)
        told["vocabulary"] = {name: meaning.model_dump(mode="json") for name, meaning in self.project.meanings.items()}
        for table in told["tables"].values():
            if table.get("query"):
                table["query"] = fingerprints.of_text(table["query"])
        return {"project": told}

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on the rows that a reader must see."""
        return ()

    @property
    def scored_by(self) -> str:
        """What `powerml score` needs to be told to score such rows again."""
        return ""

    def has(self, metrics: Iterable[str]) -> bool:
        """Whether the rows have all these metrics."""
        return set(metrics) <= set(self.labelled.frame)

    @property
    def has_later(self) -> bool:
        """Whether there are rows later than those learned from, whose outcomes are not known yet."""
        return True

    def split(self, *, seed: int) -> Split:
        """Test months forward in time with a gap, and a fifth of the accounts held out of every training."""
        rows = self.labelled
        by_time = SnapshotSplit(rows.horizon_days, self.grace_days, seed=seed)
        return Split(tuple(by_time.rows(rows.frame, rows.accounts)), by_time.held_out(rows.accounts))

    @property
    def available(self) -> list[str]:
        """The metrics that the project's tables give."""
        return list(self.coverage.loc[self.coverage["available"], "metric"])

    def reference(self, until: pd.Timestamp) -> pd.DataFrame:
        """The snapshot at the last mature cutoff not after `until`, entities without enough history left out."""
        at = self.whole["as_of"]
        rows = self.whole[at == at[at <= until].max()]
        return rows[rows["enough_history"].astype(bool)].reset_index(drop=True)
