"""One kept night as lists and alerts read it: any column of its scores, its snapshot or what follows from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from powerml.errors import MissingColumns
from powerml.monitoring.emerging import emerging_users
from powerml.programme.archetypes import ARCHETYPES, archetypes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import date
    from pathlib import Path

    from powerml.history.nights import Night
    from powerml.history.store import NightHistory

_T = TypeVar("_T")
COMPOSITE, SIGNALS = "power_user", "power_user_signals"
_CHANGE = re.compile(r"(?:(\w+)_)?change_(\d+)d")
_OF_SET = frozenset({"status", "score", "raw_score", "band", "tier", "percentile", "coverage", "reasons"})


@dataclass
class NightView:
    """A night, seen through one of its sets (`of`, by default its main one).

    `column` gives, indexed by entity: what the set says (`status`, `score`, `band`, ...), the main set's probabilities,
    any metric of the snapshot, `composite` and `tier` (document A), `signals` (C), `archetype`, `emerging`,
    `mrr_at_risk`, `mrr_to_gain`, `revenue_rank`, `rank_gap`, and `X_change_Nd` of any column, `change_Nd` of the score.
    `scorer_of` is the night it is compared with: where another scorer spoke here, what a set says is null.
    """

    history: NightHistory
    night: Night
    of: Night
    scorer_of: Night | None = None
    branch_pull: Callable[[str, date | None], float] | None = None
    _columns: dict[str, pd.Series] = field(default_factory=dict, repr=False)
    _files: dict[Path, tuple[frozenset[str], pd.Index]] = field(default_factory=dict, repr=False)
    _before: dict[int | None, NightView | None] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, history: NightHistory, night: Night, of: str | None = None) -> NightView | None:
        """The view of a night; None where the set asked for said nothing of it."""
        seen = night if of in (None, night.model) else history.beside(night, str(of))
        return None if seen is None else cls(history, night, seen)

    @cached_property
    def ids(self) -> pd.Index:
        """The entities, each once, in the order of the scores table."""
        return self._file(self._place(self.of, self.of.scores_file), self.of)[1]

    @property
    def ladder(self) -> tuple[str, ...]:
        """The bands of the set, highest first."""
        return tuple(name for _, name in (self.scorer_of or self.of).bands)

    def column(self, name: str) -> pd.Series:
        """A column by name; raises MissingColumns for one that this night does not have."""
        if name not in self._columns:
            made: pd.Series | None = None
            for source in (self._said, self._derived, self._beside, self._main, self._metric, self._changed):
                if (made := source(name)) is not None:
                    break
            if made is None:
                raise MissingColumns([name], asked_by=f"the night of {self.night.as_of}", have=self.names)
            self._columns[name] = made
        return self._columns[name]

    def has(self, name: str) -> bool:
        """Whether there is such a column, and a value in it."""
        try:
            return bool(self.column(name).notna().any())
        except MissingColumns:
            return False

    def before(self, days: int | None) -> NightView | None:
        """The night some days before, or the one before: of scores only what the same scorer says."""
        if days not in self._before:
            self._before[days] = self._seen_before(days)
        return self._before[days]

    def _seen_before(self, days: int | None) -> NightView | None:
        history, of = self.history, self.of
        alike = history.last_before(of) if days is None else history.before(of, days)
        said = history.last_before(self.night, as_said=True) if days is None else None
        if days is not None:
            said = history.before(self.night, days, as_said=True)
        if said is None:
            return None
        same = alike is not None and alike.as_of == said.as_of
        seen = alike if same and alike is not None else said
        return NightView(history, said, seen, scorer_of=self.scorer_of or of, branch_pull=self.branch_pull)

    def pull(self, branch: str, days: int | None) -> float:
        """See `powerml.monitoring.conditions.View`; 0 where no tree was brought, or no night to compare with."""
        then = self.before(days)
        if self.branch_pull is None or then is None or then.of.scorer != self.of.scorer:
            return 0.0
        return self.branch_pull(branch, then.night.as_of)

    @cached_property
    def names(self) -> list[str]:
        """The names of the plain columns there are."""
        place = self.history.folder / self.of.as_of.isoformat()
        files = (self.of.scores_file, self.night.scores_file, self.night.snapshot_file)
        return sorted({name for file in files for name in pq.read_schema(place / file).names})

    # -- where columns come from

    def _said(self, name: str) -> pd.Series | None:
        if name not in _OF_SET:
            return None
        if self.scorer_of is not None and self.of.scorer != self.scorer_of.scorer and name != "status":
            return pd.Series(
                np.nan if name != "band" else None, index=self.ids, dtype=object if name == "band" else float
            )
        source = self.of.band_column if name in ("band", "tier") else name
        if name == "tier" and self.of.band_column != "tier":
            return None
        return self._read(self.of, source)

    def _main(self, name: str) -> pd.Series | None:
        if not name.startswith("p_") and name != "churn_lift":
            return None
        made = self._read(self.night, name)
        if made is None:  # of another outcome a model beside the main one tells
            beside = (self._read(one, name) for one in self.history.all_beside(self.night))
            made = next((found for found in beside if found is not None), None)
        return made

    def _beside(self, name: str) -> pd.Series | None:
        model, column = {
            "composite": (COMPOSITE, "score"), "tier": (COMPOSITE, "tier"), "signals": (SIGNALS, "signals")
        }.get(name, ("", ""))  # fmt: skip
        if not model:
            return None
        night = self.night if self.night.model == model else self.history.beside(self.night, model)
        return None if night is None else self._read(night, column)

    def _metric(self, name: str) -> pd.Series | None:
        if name == self.night.id_column:
            return pd.Series(self.ids, index=self.ids)
        return self._column_of(self._place(self.night, self.night.snapshot_file), self.night, name)

    def _derived(self, name: str) -> pd.Series | None:
        made = _DERIVED.get(name)
        return None if made is None else made(self)

    def _changed(self, name: str) -> pd.Series | None:
        parts = _CHANGE.fullmatch(name)
        if parts is None:
            return None
        column = parts[1] or "score"
        now, then = self.column(column), self.before(int(parts[2]))
        if then is None:
            return pd.Series(np.nan, index=self.ids)
        return now.astype(float) - then.column(column).reindex(self.ids).astype(float)

    def _read(self, night: Night, column: str) -> pd.Series | None:
        return self._column_of(self._place(night, night.scores_file), night, column)

    def _place(self, night: Night, file: str) -> Path:
        return self.history.folder / night.as_of.isoformat() / file

    def _file(self, path: Path, night: Night) -> tuple[frozenset[str], pd.Index]:
        """The columns of a file and whom its rows are about; both are read once."""
        if path not in self._files:
            ids = pd.Index(self.history.read(path, [night.id_column])[night.id_column].astype(str))
            if path.name != self.of.scores_file and ids.equals(self.ids):
                ids = self.ids  # of a night all files have the same order, as a rule
            self._files[path] = frozenset(pq.read_schema(path).names), ids
        return self._files[path]

    def _column_of(self, path: Path, night: Night, name: str) -> pd.Series | None:
        names, ids = self._file(path, night)
        if name not in names:
            return None
        column = self.history.read(path, [name])[name].set_axis(ids)
        return column if ids is self.ids else column.reindex(self.ids)


@dataclass
class NightViews:
    """The views of a night, each made once: what one list or rule has read the next one need not read again.

    `once` keeps them, and what others made of them.
    """

    history: NightHistory
    night: Night
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What is made of these views, made at the first asking."""
        if key not in self._kept:
            self._kept[key] = make()
        made: _T = self._kept[key]
        return made

    def at(self, night: Night) -> NightViews:
        """Those of another night, made once, too."""
        if night == self.night:
            return self
        return self.once((night.as_of, night.scores_file), lambda: NightViews(self.history, night))

    def of(self, model: str | None) -> NightView | None:
        """See `NightView.at`."""
        return self.once(("of", model), lambda: NightView.at(self.history, self.night, model))


def _frame(view: NightView, *names: str) -> pd.DataFrame:
    return pd.DataFrame({name: view.column(name) for name in names}, index=view.ids)


def _archetype(view: NightView) -> pd.Series | None:
    wanted = tuple(dict.fromkeys(metric for metrics in ARCHETYPES.values() for metric in metrics))
    there = [view.has(name) for name in (*wanted, "events_30d")]
    if not any(there[:-1]) or not view.has("signals"):
        return None
    frame = _frame(view, *wanted, "events_30d", "active")
    # document C names archetypes of power users: four signals or more
    return archetypes(frame, power_user=view.column("signals").ge(4).fillna(False))["archetype"]


def _emerging(view: NightView) -> pd.Series | None:
    frame = _frame(view, "account_age_days", "events_30d")
    young = emerging_users(frame)["emerging"].astype(float)
    return young.reindex(view.ids, fill_value=0.0)


def _times_money(probability: str) -> Callable[[NightView], pd.Series | None]:
    def made(view: NightView) -> pd.Series | None:
        if not view.has(probability) or not view.has("mrr"):
            return None
        return view.column(probability).astype(float) * view.column("mrr").astype(float)

    return made


def _paying(view: NightView) -> pd.DataFrame:
    """Score and money of those scored who pay, each account once (its mean score), indexed by account or entity."""
    frame = _frame(view, "score", "mrr", "status", "account_id")
    there = frame[frame["status"].eq("scored") & (frame["mrr"] > 0) & frame["score"].notna()]
    return there.groupby(there["account_id"].fillna(pd.Series(there.index, index=there.index)))[["score", "mrr"]].mean()


def _by_account(view: NightView, values: pd.Series) -> pd.Series:
    accounts = view.column("account_id").fillna(pd.Series(view.ids, index=view.ids))
    return accounts.map(values).astype(float)


def _rank_gap(view: NightView) -> pd.Series | None:
    """How far apart the percent ranks of score and money are among accounts that pay, in points."""
    if not view.has("mrr"):
        return None
    ranks = _paying(view).rank(pct=True)
    return _by_account(view, 100 * (ranks["score"] - ranks["mrr"]).abs())


def _revenue_rank(view: NightView) -> pd.Series | None:
    """The percent rank of the money among accounts that pay, 100 for the one that pays most."""
    return _by_account(view, 100 * _paying(view)["mrr"].rank(pct=True)) if view.has("mrr") else None


_DERIVED: dict[str, Callable[[NightView], Any]] = {
    "archetype": _archetype,
    "emerging": _emerging,
    "mrr_at_risk": _times_money("p_churn"),
    "mrr_to_gain": _times_money("p_expand"),
    "rank_gap": _rank_gap,
    "revenue_rank": _revenue_rank,
}
