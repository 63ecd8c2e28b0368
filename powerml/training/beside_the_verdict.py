"""What stands beside the challenger's verdict: drift, early warning, untreated rows, totals, and what a team can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.accounts import accounts_of
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.training.rows import by_months
from powerml.validation.capacity import capacity, caught
from powerml.validation.early_warning import EARLY_DAYS, early_warning, rows_earlier
from powerml.validation.metric_drift import comparable, drift_sentence, moved_metrics
from powerml.validation.months import drift, rate_drift
from powerml.validation.verdict import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.scoring.model import ScoringModel
    from powerml.training.judged import Judged
    from powerml.training.rows import HeldOut, TrainingData
    from powerml.validation.held_rows import Said

CAPACITIES = (10, 20, 50)
"""Accounts a week that are tabulated where none are stated."""

MIN_UNTREATED = 50  # rows without treatment below which nothing is judged on them


def drifts(its: Judged, data: TrainingData, *, seed: int) -> tuple[str, ...]:
    """Sentences on what changed: held-out months against what was said, outcomes and metrics over the cutoffs."""
    ours, rows, every = its.predictions, its.test.rows, data.labelled
    return (
        *drift(ours, times=its.test.times, groups=rows.accounts, seed=seed),
        *rate_drift(every.y, outcomes=ours.judged, times=every.times, groups=every.accounts, seed=seed),
        *_metric_drift(data, seed=seed),
    )


def _metric_drift(data: TrainingData, *, seed: int) -> tuple[str, ...]:
    """The sentence on metrics that moved; those without a window only ever grow, and are left out."""
    specs = data.metrics
    names = [m for m in data.available if m not in data.texts and (m not in specs or specs[m].window_days is not None)]
    at = comparable(data.labelled.times)
    if not names or not at.any():
        return ()
    rows = data.labelled.take(np.flatnonzero(at))
    moved = moved_metrics(rows.frame[names].astype(float), times=rows.times, groups=rows.accounts, seed=seed)
    return tuple(filter(None, [drift_sentence(moved, of=len(names))]))


def said_earlier(models: Sequence[ScoringModel], test: HeldOut, data: TrainingData) -> dict[int, pd.DataFrame]:
    """Days -> what each fold's model says of its test rows' entities that much earlier; null where no snapshot is.

    The earlier snapshot is scored by the model that its test row is judged by.
    """
    whole, rows = data.history, test.rows
    if whole["as_of"].nunique() < 2:
        return {}
    ready, found = whole["enough_history"].to_numpy(dtype=bool), {}
    for days in EARLY_DAYS:
        places = rows_earlier(whole, rows.frame, id_column=rows.id_column, days=days)
        places = np.where((places >= 0) & ready[places], places, -1)
        if (places < 0).all():
            continue
        said = pd.DataFrame(np.nan, index=np.arange(len(places)), columns=[f"p_{o}" for o in data.outcomes])
        for fold, model in enumerate(models):
            at = np.flatnonzero((test.folds == fold) & (places >= 0))
            if len(at):
                said.iloc[at] = model.probabilities(whole.iloc[places[at]])[said.columns].to_numpy()
        found[days] = said
    return found


def early_figures(its: Judged, data: TrainingData) -> dict[str, float]:
    """AUROC of earlier scores without intervals, `churn/auroc_30d_earlier`: the same names on every scorer's run."""
    said = said_earlier(its.models, its.test, data)
    table = early_warning(its.predictions, said, groups=its.test.rows.accounts, repeats=0)
    return {f"{row['outcome']}/auroc_{row['days']}d_earlier": row["auroc"] for row in table.to_dict("records")}


def untreated_verdict(said: Said, test: HeldOut, *, seed: int) -> tuple[Verdict | None, str]:
    """The verdict on held-out rows that no treatment touched, with its sentence; nothing where none was touched.

    Training is as it was: treated rows stay in it.
    """
    frame = test.rows.frame
    touched = frame["treated"].fillna(False).to_numpy(dtype=bool) if "treated" in frame else np.zeros(len(frame), bool)
    if not touched.any():
        return None, ""
    left = np.flatnonzero(~touched)
    share = f"{touched.sum():,} of {len(frame):,} held-out rows were treated"
    if len(left) < MIN_UNTREATED or len(set(test.rows.y[left])) < 2:
        return None, f"{share}; too few are left to judge without them."
    found = verdict(test.held.take(left), said.take(left), seed=seed)
    return found, f"{share}. Without them: {found.overall.told}"


def totals(model: ScoringModel, data: TrainingData, *, seed: int) -> pd.DataFrame:
    """How many of the latest snapshot's entities each outcome is expected of: outcome, n, events, expected, low, high.

    The interval is that of the rate which the model was trained at, by account (95 %): so many accounts with an event
    do not fix it better. Empty without probabilities, or where there is no later snapshot.
    """
    said, rows = _latest(model, data), data.labelled
    if said.empty:
        return pd.DataFrame()
    draws, found = AccountBootstrap.of(rows.accounts, seed=seed), []
    for outcome in data.judged:
        came = (rows.y == outcome).astype(float)
        low, high = interval(draws.means(came) / came.mean()) if came.any() else (np.nan, np.nan)
        expected = float(said[f"p_{outcome}"].sum())
        row = {"outcome": outcome, "n": len(said), "events": rows.events(outcome), "expected": expected}
        found.append(row | {"low": expected * low, "high": expected * high})
    return pd.DataFrame(found)


def _latest(model: ScoringModel, data: TrainingData) -> pd.DataFrame:
    """Probabilities of the latest snapshot's entities that belong to the population, with its rows' index."""
    if not model.has_probabilities or not data.has_later:
        return pd.DataFrame()
    rows = data.current
    rows = rows[~model.outside(rows) & rows["label"].ne("ineligible").to_numpy()]
    return model.probabilities(rows) if len(rows) else pd.DataFrame()


def call_list(
    model: ScoringModel, data: TrainingData, its: Judged | None, *, capacities: Sequence[int]
) -> pd.DataFrame:
    """What calling the N accounts likeliest to churn should catch, of the latest snapshot's; empty without p_churn.

    Of a custom outcome, what choosing the N accounts in which it is likeliest should find. Where there is no later
    snapshot (a ready-made table), of the last rows held out.

    An account's probability is the mean of its scored entities'. One row per N and list ("before ties", "as asked",
    "with ties"), see `capacity`, with `capacity` (N) and `held_out`: how often it came among the first N at held-out
    cutoffs.
    """
    if not model.has_probabilities:
        return pd.DataFrame()
    sought = data.judged[0]
    if data.has_later:
        latest = _latest(model, data)
        if latest.empty:
            return pd.DataFrame()
        rows, said = data.latest.loc[latest.index], latest[f"p_{sought}"]
    elif its is None:
        return pd.DataFrame()
    else:
        last = its.test.rows.times == its.test.rows.times.max()
        rows, said = its.test.rows.frame[last], its.said.probabilities[f"p_{sought}"][last]
    rows, said = rows.reset_index(drop=True), said.reset_index(drop=True)
    accounts = accounts_of(rows, data.labelled.id_column)
    p = said.groupby(accounts).mean()
    found = []
    for n in capacities:
        table = capacity(p.to_numpy(), n)
        hits = ""
        if its is not None:
            ours, held = its.predictions, its.test.rows
            hits = ", ".join(
                map(str, caught(ours.said(sought), ours.came(sought), by_months(held.times), held.accounts, n))
            )
        found.append(table.assign(capacity=n, held_out=hits))
    every = pd.concat(found, ignore_index=True)
    return every[["capacity", *(c for c in every if c not in ("capacity", "held_out")), "held_out"]]


def call_sentences(calls: pd.DataFrame, *, stated: bool, custom: str | None = None) -> tuple[str, ...]:
    """What a stated capacity catches, in a sentence each; none where it was not stated.

    `custom`: the name of a custom outcome, whose accounts are chosen and found rather than called and caught.
    """
    if calls.empty or not stated:
        return ()
    said = []
    for n, part in calls.groupby("capacity", sort=False):
        row = {r["list"]: r for r in part.to_dict("records")}
        asked, before, ties = row["as asked"], row["before ties"], row["with ties"]
        share = f"{100 * asked['share_caught']:.0f} % of all expected"
        what = "churners" if custom is None else f"with {custom}"
        held = f" At the held-out cutoffs the first {n} held {asked['held_out']} {what}." if asked["held_out"] else ""
        calling, risk, catch = ("Calling", "risk", "catch") if custom is None else ("Choosing", f"p_{custom}", "find")
        said.append(
            f"{calling} {asked['n']} accounts ({risk} from {100 * asked['cut']:.1f} %) should {catch} "
            f"{asked['expected']:.1f} {what} ({asked['low']} to {asked['high']}), {share}; "
            f"{before['n']} accounts lie above the cut ({before['expected']:.1f}), {ties['n']} with all that tie at it "
            f"({ties['expected']:.1f}).{held}"
        )
    return tuple(said)
