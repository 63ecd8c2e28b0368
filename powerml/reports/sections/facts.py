"""What the page is made of: the night it is about, nights before it, the scorer, and the session that made it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from powerml.config import documents
from powerml.monitoring.band_movement import movements
from powerml.monitoring.segments_now import power_users
from powerml.programme.segments import SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from powerml.config.bands import BandsSpec
    from powerml.config.metrics import MetricSpec
    from powerml.config.project import ProjectSpec
    from powerml.scoring.contributions import Contributions
    from powerml.scoring.named import NamedScorer

WEEK, MONTH = 7, 30
REASONS_TOLD = 3


class Kept(Protocol):
    """The training session behind the scorer, as the store keeps it."""

    @property
    def when(self) -> str:
        """The day it was made."""

    @property
    def told(self) -> Mapping[str, tuple[str, ...]]:
        """What was said, by part."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of its run: fingerprints of data, code and declaration among them."""

    @property
    def shares(self) -> Mapping[str, Mapping[str, float]]:
        """Per scorer the share of each metric, in %."""

    def table(self, name: str, *, of_scorer: bool = False) -> pd.DataFrame | None:
        """A table of the session, or of its scorer."""


@dataclass(frozen=True, eq=False)
class SeenNight:
    """What was known at a date: `scores` and the `snapshot` they were made from, in the same order."""

    as_of: date
    scores: pd.DataFrame
    snapshot: pd.DataFrame

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of the snapshot of those who are scored."""
        there = self.scores["status"].eq("scored").to_numpy()
        return self.snapshot[there].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class ListTold:
    """A list as `powerml list` gives it: its rows, what it lacks, and what it was worth."""

    name: str
    team: str
    about: str
    rows: pd.DataFrame
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class UsageSeen:
    """What the sources say beside a snapshot (powerml.snapshots.usage); None what they do not."""

    first_actions: pd.DataFrame | None = None
    features: pd.DataFrame | None = None
    leaving: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class JudgedAlerts:
    """The scorecard of `powerml alerts --judge`, and the night at which it was made; `metrics`: its gaming monitor."""

    as_of: date
    rules: pd.DataFrame
    metrics: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """All that the sections read.

    `night`: the one the page is about; `week`, `month`: the nights to compare with, by the same scorer; `over_time`:
    `as_of`, `n`, `mean_score` per night; `shares`: `as_of`, `band`, `n`, `share`. `session`: None without a champion.
    `ids`: pseudonyms to ids. `people`: names and owners by id. `effects`: what playbooks did, as `powerml impact` has
    it, None where it cannot say; `effects_told`: its sentences, or why not. `kept`: whether this comes from the
    history. `tiers`: document A's tiers beside their expected shares. `judged`: the alert scorecard. `quarantine`: rows
    that were set aside, per table and rule. `ripe`: nights (`as_of`) and how many outcomes are known of them (`known`).
    """

    project: ProjectSpec
    scorer: NamedScorer
    metrics: Mapping[str, MetricSpec]
    night: SeenNight
    week: SeenNight | None = None
    month: SeenNight | None = None
    over_time: pd.DataFrame = field(default_factory=pd.DataFrame)
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)
    session: Kept | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    people: pd.DataFrame | None = None
    lists: Sequence[ListTold] = ()
    alerts: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None
    effects_told: tuple[str, ...] = ()
    coverage: pd.DataFrame | None = None
    kept: bool = False
    remarks: tuple[str, ...] = ()
    usage: UsageSeen = field(default_factory=UsageSeen)
    tiers: pd.DataFrame | None = None
    judged: JudgedAlerts | None = None
    quarantine: pd.DataFrame | None = None
    ripe: pd.DataFrame | None = None

    @property
    def first_actions(self) -> pd.DataFrame | None:
        """Whose first key action came when; None where it is not known."""
        return self.usage.first_actions

    @property
    def features(self) -> pd.DataFrame | None:
        """People per feature and segment; None where it is not known."""
        return self.usage.features

    @property
    def segments_order(self) -> tuple[str, ...]:
        """Document B's segments, power users first."""
        return SEGMENTS

    @property
    def id_column(self) -> str:
        """What an entity is called."""
        return self.project.id_column

    @property
    def entities(self) -> str:
        """What entities are called in a sentence."""
        return f"{self.project.entity}s"

    @property
    def band_column(self) -> str:
        """`band`, or `tier` for document A."""
        return self.scorer.model.band_column

    @property
    def tells(self) -> bool:
        """Whether the scorer says how probable outcomes are."""
        return self.scorer.model.has_probabilities

    @cached_property
    def bands(self) -> BandsSpec | None:
        """The scorer's ladder; None for a set that has none."""
        own: BandsSpec | None = self.scorer.model.scorer.bands
        return own or (documents.ladder() if self.tells else None)

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Those who are scored at the night, with `mrr` where it is known."""
        scores = self.night.scores.reset_index(drop=True)
        frame = scores.rename(columns={self.band_column: "band"})
        if "mrr" in self.night.snapshot:
            frame["mrr"] = self.night.snapshot["mrr"].to_numpy()
        there: pd.DataFrame = frame[frame["status"].eq("scored")].reset_index(drop=True)
        return there

    def because(self, ids: pd.Series) -> list[str]:
        """Why each of some entities scores as it does, in words; empty where it is not said."""
        return [reasons_in_words(text) for text in ids.astype(str).map(self._reasons)]

    @cached_property
    def _reasons(self) -> pd.Series:
        scored = self.scored
        reasons = scored["reasons"] if "reasons" in scored else pd.Series("", index=scored.index, dtype=object)
        return pd.Series(reasons.to_numpy(), index=scored[self.id_column].astype(str))

    @cached_property
    def given(self) -> Contributions:
        """What each metric gives to the score of each who is scored, in the order of `night.rows`."""
        return self.scorer.model.contributions(self.night.rows)

    @cached_property
    def power(self) -> pd.Series | None:
        """Whether each row of the night's snapshot is a power user (document B); None where its metrics are absent."""
        return power_users(self.night.snapshot)

    def moves(self, before: SeenNight | None) -> pd.DataFrame:
        """`movements` from an earlier night, indexed by entity; empty where there is none, or no ladder."""
        if before is None or self.bands is None:
            return pd.DataFrame(columns=["from_band", "to_band", "score_before", "score_after", "steps"])
        return self._moves[before.as_of].copy()

    @cached_property
    def _moves(self) -> dict[date, pd.DataFrame]:
        assert self.bands is not None
        now = _scores_of(self.night, self.id_column)
        earlier = [one for one in (self.week, self.month) if one is not None]
        return {one.as_of: movements(_scores_of(one, self.id_column), now, self.bands) for one in earlier}

    def said(self, part: str) -> tuple[str, ...]:
        """What the session said in a part; nothing without one."""
        return () if self.session is None else self.session.told.get(part, ())

    def kept_table(self, name: str, *, of_scorer: bool = False) -> pd.DataFrame | None:
        """A table of the session; None without one."""
        return None if self.session is None else self.session.table(name, of_scorer=of_scorer)

    def named(self, ids: pd.Series) -> pd.DataFrame:
        """`name` and `owner` of entities, as far as they are known."""
        if self.people is None:
            return pd.DataFrame(index=ids.index)
        known = self.people.drop_duplicates(self.id_column).set_index(self.id_column)
        columns = [name for name in ("name", "account_name", "owner") if name in known and known[name].notna().any()]
        found: pd.DataFrame = known[columns].reindex(ids.astype(str)).set_index(ids.index)
        return found

    @property
    def mature(self) -> date:
        """The last date whose outcomes can be known at the night."""
        outcome = self.project.outcome
        return self.night.as_of - timedelta(days=outcome.horizon_days + outcome.grace_days)


def reasons_in_words(text: object, told: int = REASONS_TOLD) -> str:
    """The first reasons of a row, from their JSON."""
    if not isinstance(text, str) or not text:
        return ""
    return "; ".join(str(reason["text"]) for reason in json.loads(text)[:told])


def in_brief(because: object) -> str:
    """Reasons without what else they hold, for a line.

    >>> in_brief("tickets: 4, usually 1 (-16.8 points, with 2 more like it); logins: 0 (-3.0 points)")
    'tickets: 4, usually 1 (-16.8); logins: 0 (-3.0)'
    """
    return re.sub(r" points[^)]*\)", ")", because) if isinstance(because, str) else ""


def _scores_of(night: SeenNight, id_column: str) -> pd.Series:
    rows = night.scores[night.scores["status"].eq("scored")]
    return pd.Series(rows["score"].to_numpy(dtype=float), index=rows[id_column].astype(str))
