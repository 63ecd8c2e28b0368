"""Kaplan-Meier: how long until something happens, when for some it has not happened yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.intervals import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def kaplan_meier(
    durations: ArrayLike, happened: ArrayLike, *, entered: ArrayLike | None = None, level: float = 0.95
) -> pd.DataFrame:
    """The share for whom it has not happened yet, at each time at which it happened to somebody.

    `durations`: time of the event, or of the last sight of those without one (right-censored); `happened`: which.
    `entered`: the time at which each came into view (delayed entry; 0 by default); nobody counts before it. Columns
    `time`, `at_risk`, `events`, `survival`, `low`, `high` (Greenwood's variance on the log(-log) scale). Censored at
    the time of an event count as at risk then.

    >>> kaplan_meier([1, 2, 3], [True, False, True])["survival"].round(3).tolist()
    [0.667, 0.0]
    """
    time, event = np.asarray(durations, dtype=float), np.asarray(happened, dtype=bool)
    start = np.zeros(len(time)) if entered is None else np.asarray(entered, dtype=float)
    if (time < start).any():
        raise ValueError("an event or last sight lies before the entry")
    times = np.unique(time[event])
    # at risk at t: entered before t and not gone before t; somebody seen first at t itself counts only if t is 0
    leaving, entering = np.sort(time), np.sort(start)
    at_risk = np.searchsorted(entering, times, side="left") - np.searchsorted(leaving, times, side="left")
    at_risk = np.where(times == 0, np.searchsorted(entering, 0.0, side="right"), at_risk)
    events = np.searchsorted(np.sort(time[event]), times, side="right") - np.searchsorted(
        np.sort(time[event]), times, side="left"
    )
    at_risk = np.maximum(at_risk, events)  # those seen first at the very time of their event
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        log_survival = np.log(survival)
        spread = normal_quantile(level) * np.sqrt(greenwood) / np.abs(log_survival)
        low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
    gone = survival <= 0
    return pd.DataFrame(
        {
            "time": times,
            "at_risk": at_risk,
            "events": events,
            "survival": survival,
            "low": np.where(gone, 0.0, low),
            "high": np.where(gone, np.nan, high),
        }
    )


def median_time(curve: pd.DataFrame) -> tuple[float, float, float]:
    """The time by which it has happened to half, with its interval; nan where the curve does not fall so far.

    >>> median_time(kaplan_meier([1, 2, 3], [True, True, True]))[0]
    2.0
    """

    def first(column: str) -> float:
        below = curve.loc[curve[column] <= 0.5 + 1e-12, "time"]
        return float(below.iloc[0]) if len(below) else float("nan")

    return first("survival"), first("low"), first("high")
