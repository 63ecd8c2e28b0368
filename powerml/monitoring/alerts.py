"""For whom a rule is true at a night, when it rings, and whether its ringing tells anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.clauses import AnyOf, BandMove, BranchPull, MetricMove, Named, ScoreMove, Was
from powerml.config.conditions import Comparator, TopShare
from powerml.errors import MissingColumns
from powerml.monitoring.conditions import met

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from powerml.config.alerts import AlertSpec
    from powerml.config.clauses import Clause
    from powerml.monitoring.conditions import View

FEWEST_RUNG = 10
"""Rings with a known outcome, by account, below which nothing is said of a rule."""
SURE_ENOUGH = 2.0
"""A rule tells nothing where even the upper end of its lift is below this; where it is wider, nobody can tell."""


def true_rows(spec: AlertSpec, view: View, *, tell: Collection[str] = ()) -> pd.DataFrame:
    """The entities for which a rule is true: `id`, `account_id`, `user_id`, `because`; who has left is none of them.

    An account stands once, for the first of its users for which it is true. `because` is said of those in `tell`.
    Raises MissingColumns for what the night does not know.
    """
    held = np.array([met(each, view) for each in spec.when])
    there = (held.sum(axis=0) >= spec.least) & view.column("status").ne("left").to_numpy(dtype=bool)
    frame = pd.DataFrame(index=view.ids[there])
    for name in ("account_id", "user_id"):
        try:
            frame[name] = view.column(name)[there].astype(object)
        except MissingColumns:
            frame[name] = None
    frame["id"] = frame["account_id"] if spec.entity == "account" else frame["user_id"]
    frame["place"] = np.flatnonzero(there)
    frame = frame[frame["id"].notna()].drop_duplicates("id").reset_index(drop=True)
    said = frame["id"].astype(str).isin([str(one) for one in tell]).to_numpy(dtype=bool)
    frame["because"] = ""
    frame.loc[said, "because"] = _because(spec, view, held, frame["place"].to_numpy(dtype=int)[said])
    return frame.drop(columns="place")


def _because(spec: AlertSpec, view: View, held: np.ndarray, places: np.ndarray) -> list[str]:
    """For each of the places the conditions that hold there, with what they read."""
    told: list[list[str]] = [[] for _ in places]
    for clause, row in zip(spec.when, held, strict=True):
        there = np.flatnonzero(row[places])
        for at, text in zip(there, _said(clause, view, places[there]), strict=True):
            told[at].append(text)
    return ["; ".join(texts) for texts in told]


def _said(clause: Clause, view: View, places: np.ndarray) -> list[str]:
    """A condition with what it read of each of the entities at these places."""
    plain = [str(clause)] * len(places)
    if not len(places) or isinstance(clause, AnyOf | Was | Named | BranchPull):
        return plain
    if isinstance(clause, Comparator | TopShare):
        read = [view.column(name).iloc[places].tolist() for name in clause.metrics]
        return [f"{clause} ({' and '.join(map(_value, values))})" for values in zip(*read, strict=True)]
    name = "score" if isinstance(clause, ScoreMove) else "band" if isinstance(clause, BandMove) else None
    name = name or getattr(clause, "metric", "")
    then = view.before(getattr(clause, "days", None)) if isinstance(clause, ScoreMove | BandMove | MetricMove) else None
    if not name or then is None:
        return plain
    was = then.column(name).reindex(view.ids[places]).tolist()
    now = view.column(name).iloc[places].tolist()
    return [f"{clause} ({_value(a)} to {_value(b)})" for a, b in zip(was, now, strict=True)]


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)


def rings(
    last_true: Mapping[str, date], true: Iterable[str], as_of: date, *, before: date | None, rearm: int
) -> list[str]:
    """Who rings at a night: true now, and false for `rearm` days, or never true before.

    `last_true`: when each was true last; `before`: the night at which the rule was looked at last (None: never, and
    then nobody rings: what is true already is only written down).
    """
    if before is None:
        return []
    found = []
    for one in true:
        last = last_true.get(one)
        if last is None or (last < before and (as_of - last).days >= rearm):
            found.append(one)
    return found


@dataclass(frozen=True)
class RuleJudged:
    """A rule's row of the scorecard; `sentence` says it in words."""

    alert: str
    fired: int
    came: int
    base_rate: float
    lift: float
    low: float
    high: float
    lead_days: float
    share_warned: float
    verdict: str

    @property
    def sentence(self) -> str:
        """The verdict in words, with its interval."""
        if self.verdict == "cannot tell":
            return f"{self.alert} cannot be judged yet: {self.fired} rings whose outcome is known."
        span = f"lift {self.lift:.1f}, {self.low:.1f} to {self.high:.1f}"
        if self.verdict == "tells nothing":
            return f"{self.alert} tells nothing here ({span})."
        lead = "" if math.isnan(self.lead_days) else f", {self.lead_days:.0f} days ahead in the median"
        return f"{self.alert} tells something ({span}{lead}); it warned of {100 * self.share_warned:.0f} % of them."


def judge_rule(spec: AlertSpec, rows: pd.DataFrame) -> RuleJudged:
    """How often what a rule warns of came after it rang, against how often it came anyway.

    `rows`: one per entity and night with a known outcome: `as_of`, `account`, `rang` (bool), `came` (bool), `lead_days`
    (null where it did not come or nobody knows when). The base rate is that of the nights on which it rang, each as
    often as it rang. The interval of the lift takes accounts as wholes (its logarithm, linearised, Student's t by the
    accounts that rang).
    """
    nan = float("nan")
    rang = rows[rows["rang"]]
    fired, came = len(rang), int(rang["came"].sum())
    accounts = rang["account"].nunique()
    per_night = rang.groupby("as_of").size()
    weight = rows["as_of"].map(per_night).fillna(0.0) / rows["as_of"].map(rows.groupby("as_of").size())
    base = float((weight * rows["came"]).sum() / weight.sum()) if weight.sum() > 0 else nan
    of_all = set(rows.loc[rows["came"], "account"])
    warned = len(of_all & set(rang.loc[rang["came"], "account"])) / len(of_all) if of_all else nan
    lead = float(rang.loc[rang["came"], "lead_days"].median()) if came else nan
    if accounts < FEWEST_RUNG or not base > 0 or came == 0:
        seen = came / fired / base if fired and base > 0 else nan
        return RuleJudged(spec.name, fired, came, base, seen, nan, nan, lead, warned, "cannot tell")
    rate = came / fired
    influence = rows["rang"] * (rows["came"] - rate) / (fired * rate) - weight * (rows["came"] - base) / (
        weight.sum() * base
    )
    by_account = influence.groupby(rows["account"]).sum()
    error = math.sqrt(float((by_account**2).sum()) * accounts / (accounts - 1))
    from scipy.stats import t  # imported late: it is slow to load

    reach = float(t.ppf(0.975, accounts - 1)) * error
    lift = rate / base
    low, high = lift * math.exp(-reach), lift * math.exp(reach)
    verdict = "tells" if low > 1 else "tells nothing" if high < SURE_ENOUGH or lift <= 1 else "cannot tell"
    return RuleJudged(spec.name, fired, came, base, lift, low, high, lead, warned, verdict)
