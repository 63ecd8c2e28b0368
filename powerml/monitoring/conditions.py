"""Which entities a condition holds for, at a night of which more than one may be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from powerml.config.clauses import (
    AnyOf,
    BandMove,
    BandSide,
    BranchPull,
    MetricChange,
    MetricMove,
    Middle,
    Named,
    ScoreMove,
    Was,
)
from powerml.config.conditions import Comparator, TopShare
from powerml.errors import UsageError, did_you_mean
from powerml.statistics.comparing import holds
from powerml.statistics.ranks import Ranks

if TYPE_CHECKING:
    from powerml.config.clauses import Clause

    Bools = np.ndarray[Any, np.dtype[np.bool_]]


DUST = 1e-9  # what sums of floats may miss an edge by


class View(Protocol):
    """One night as conditions see it: a column of all its entities, and the nights before it."""

    @property
    def ids(self) -> pd.Index:
        """The entities, each once."""
        ...

    @property
    def ladder(self) -> tuple[str, ...]:
        """The bands, highest first."""
        ...

    def column(self, name: str) -> pd.Series:
        """A column with a value per entity, indexed by `ids`; raises MissingColumns for one that there is not."""
        ...

    def before(self, days: int | None) -> View | None:
        """The night some days before, or the one before; None where there is none."""
        ...

    def pull(self, branch: str, days: int | None) -> float:
        """By how many points a branch of the metric tree pulls the mean score down since then; 0 where not known."""
        ...


def met(clause: Clause, view: View) -> Bools:
    """Whether a condition holds, per entity of the view; on a null, or looking back in vain, it does not."""
    match clause:
        case Named():
            found: Bools = view.column(clause.column).astype(object).isin(clause.names).to_numpy(dtype=bool)
            return found
        case Comparator():
            return holds(clause, {name: column_numbers(view, name) for name in clause.metrics})
        case TopShare():
            active = column_numbers(view, "events_30d") > 0
            values = column_numbers(view, clause.metric)
            return active & Ranks.of(values[active & ~np.isnan(values)]).in_top(values, clause.share)
        case BandSide():
            return _band_side(clause, view)
        case Middle():
            return _middle(clause, view)
        case AnyOf():
            return np.asarray(np.any([met(each, view) for each in clause.any_of], axis=0), dtype=bool)
        case BranchPull():
            pulled = view.pull(clause.branch, clause.days) >= clause.pulls_mean_down
            return np.full(len(view.ids), pulled, dtype=bool)
        case _:
            return _since(clause, view)


def column_numbers(view: View, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column as numbers, null where it is not known."""
    return np.asarray(pd.to_numeric(view.column(name)).to_numpy(dtype=float, na_value=np.nan))


def _band_side(clause: BandSide, view: View) -> Bools:
    if clause.name not in view.ladder:
        hint = did_you_mean(clause.name, view.ladder) or f"; there are {', '.join(view.ladder) or 'none'}"
        raise UsageError(f"{clause}: no band of that name{hint}")
    place = {name: rank for rank, name in enumerate(view.ladder)}
    rank = view.column("band").astype(object).map(place).to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        edge = place[clause.name]
        return np.asarray(rank > edge if clause.side == "below" else rank <= edge, dtype=bool)


def _middle(clause: Middle, view: View) -> Bools:
    values, active = column_numbers(view, clause.metric), column_numbers(view, "events_30d") > 0
    known = values[active & ~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(values < np.median(known) if clause.side == "below" else values > np.median(known))


def _since(clause: MetricChange | ScoreMove | MetricMove | BandMove | Was, view: View) -> Bools:
    nobody = np.zeros(len(view.ids), dtype=bool)
    then = view.before(getattr(clause, "days", None))
    if then is None:
        return nobody
    if isinstance(clause, Was):
        held = np.all([met(each, then) for each in clause.was], axis=0)
        return pd.Series(held, index=then.ids).reindex(view.ids, fill_value=False).to_numpy(dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        if isinstance(clause, BandMove):
            steps = _steps(view, then)
            return np.asarray(steps < 0 if clause.band == "down" else steps > 0, dtype=bool)
        metric = "score" if isinstance(clause, ScoreMove) else clause.metric
        now = column_numbers(view, metric)
        was = then.column(metric).reindex(view.ids).to_numpy(dtype=float, na_value=np.nan)
        if isinstance(clause, ScoreMove):
            fall = was - now if clause.score == "fell" else now - was
            return np.asarray(fall >= clause.by - DUST, dtype=bool)
        if isinstance(clause, MetricChange):
            change = now - was if clause.direction == "rose" else was - now
            return np.asarray((was > 0) & (change >= clause.by * was - DUST), dtype=bool)
        enough = (was > 0) & (was >= clause.at_least)
        if clause.fell_share is not None:
            return np.asarray(enough & (was - now >= clause.fell_share * was - DUST), dtype=bool)
        return np.asarray(enough & (now - was >= (clause.rose_share or 0) * was - DUST), dtype=bool)


def _steps(view: View, then: View) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Bands moved since then, negative downwards; null where a band is not known at both."""
    place = {name: rank for rank, name in enumerate(view.ladder)}
    now = view.column("band").astype(object).map(place).to_numpy(dtype=float, na_value=np.nan)
    was = then.column("band").astype(object).map(place).reindex(view.ids).to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(was - now, dtype=float)
